"""Stochastic rows, stored once: compressed (`SparseRows`) or dense (`DenseRows`).

A model's transitions are one such object with a row per state-action pair. Both kinds answer the same few questions, so
that no algorithm outside the kernels asks which it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints, SmallInts
from mdpkit.errors import NotStochasticError, ShapeError, StateIndexError
from mdpkit.models._checks import (
    Locate,
    as_floats,
    as_tuple,
    check_probabilities,
    check_row_sums,
    frozen,
    sum_noise,
)

DENSE_FILL = 0.25
"""Above this share of non-zero entries a dense row is cheaper to sweep than a compressed one (8 against 12+8 bytes)."""


@dataclass(frozen=True, eq=False, slots=True)
class SparseRows:
    """Rows in compressed form: row ``k`` owns the entries ``row_ptr[k]:row_ptr[k+1]``, columns strictly increasing."""

    row_ptr: Ints
    col: SmallInts
    prob: Floats
    n_columns: int
    sum_error: float
    """Bound on ``|exact row sum - 1|``: how far the stored doubles are from the rows they stand for."""

    def __post_init__(self) -> None:
        for name in ("row_ptr", "col", "prob"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, because pickle forgets that arrays are read-only.
        return SparseRows, (self.row_ptr, self.col, self.prob, self.n_columns, self.sum_error)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.row_ptr) - 1

    @property
    def nnz(self) -> int:
        """Number of positive entries."""
        return len(self.prob)

    @property
    def longest_row(self) -> int:
        """Most entries a row may have."""
        return int(np.max(np.diff(self.row_ptr), initial=0))

    def csr(self) -> Any:
        """Return a `scipy.sparse.csr_array` that shares the entries."""
        index_type = np.int32 if self.nnz < 2**31 else np.int64
        parts = (
            self.prob,
            self.col.astype(index_type, copy=False),
            self.row_ptr.astype(index_type, copy=False),
        )
        return sp.csr_array(parts, shape=(self.n_rows, self.n_columns), copy=False)

    def row(self, k: int) -> tuple[Ints, Floats]:
        """Return the successors of row ``k`` and their probabilities."""
        start, stop = self.row_ptr[k], self.row_ptr[k + 1]
        return self.col[start:stop].astype(np.int64), self.prob[start:stop]

    def take(self, rows: Ints) -> SparseRows:
        """Return the chosen rows, in the order given."""
        chosen = self.csr()[rows]
        return SparseRows(
            chosen.indptr.astype(np.int64),
            chosen.indices.astype(np.int32, copy=False),
            chosen.data,
            self.n_columns,
            self.sum_error,
        )


@dataclass(frozen=True, eq=False, slots=True)
class DenseRows:
    """Rows as a C-contiguous ``(n_rows, n_columns)`` matrix."""

    matrix: Floats
    sum_error: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", frozen(self.matrix))

    def __reduce__(self) -> tuple[Any, ...]:
        return DenseRows, (self.matrix, self.sum_error)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.matrix.shape[0])

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(self.matrix.shape[1])

    @property
    def nnz(self) -> int:
        """Number of positive entries."""
        return int(np.count_nonzero(self.matrix))

    @property
    def longest_row(self) -> int:
        """Most entries a row may have."""
        return self.n_columns

    def csr(self) -> Any:
        """Return a compressed copy as a `scipy.sparse.csr_array`."""
        return sp.csr_array(self.matrix)

    def row(self, k: int) -> tuple[Ints, Floats]:
        """Return the successors of row ``k`` and their probabilities."""
        successors = np.flatnonzero(self.matrix[k])
        return successors.astype(np.int64), self.matrix[k, successors]

    def take(self, rows: Ints) -> DenseRows:
        """Return the chosen rows, in the order given."""
        return DenseRows(self.matrix[rows], self.sum_error)


Rows: TypeAlias = SparseRows | DenseRows


def rows_from_dense(P: Floats, name: str, locate_row: Locate, *, renormalize: bool = False) -> Rows:
    """Validate a dense ``(N, S)`` block and store it, compressed where it is mostly zeros."""
    n_columns = P.shape[1]
    check_probabilities(P, name, lambda flat: (*as_tuple(locate_row(flat // n_columns)), flat % n_columns))
    sums = np.sum(P, axis=1)
    distance = check_row_sums(sums, name, locate_row, renormalize=renormalize)
    noise = sum_noise(n_columns)
    if distance > noise:
        P = P / sums[:, None]
        distance = noise
    if np.count_nonzero(P) <= DENSE_FILL * P.size:
        matrix = sp.csr_array(P)
        return SparseRows(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32, copy=False),
            matrix.data,
            n_columns,
            distance + noise,
        )
    return DenseRows(P, distance + noise)


def rows_from_sparse(P: Any, name: str, locate_row: Locate, *, renormalize: bool = False) -> SparseRows:
    """Validate any scipy sparse ``(N, S)`` matrix; a canonical CSR matrix of float64 is used without a copy."""
    matrix = sp.csr_array(P)
    if matrix.dtype.kind not in "biuf":
        raise ShapeError(f"{name} must be numeric, found dtype {matrix.dtype}", argument=name)
    if matrix.dtype != np.float64:
        matrix = matrix.astype(np.float64)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    n_rows, n_columns = matrix.shape
    row_ptr = matrix.indptr.astype(np.int64, copy=False)

    def locate_entry(flat: int) -> Any:
        row = int(np.searchsorted(row_ptr, flat, side="right")) - 1
        return (*as_tuple(locate_row(row)), int(matrix.indices[flat]))

    if matrix.nnz and (np.min(matrix.indices) < 0 or np.max(matrix.indices) >= n_columns):
        bad = int(np.argmax((matrix.indices < 0) | (matrix.indices >= n_columns)))
        where, value = locate_entry(bad), int(matrix.indices[bad])
        raise StateIndexError(
            f"{name}{list(where)}: successor {value} is outside 0..{n_columns - 1}",
            argument=name,
            index=where,
            value=value,
        )
    check_probabilities(matrix.data, name, locate_entry)
    if matrix.nnz and float(np.min(matrix.data)) == 0.0:
        matrix = matrix.copy()
        matrix.eliminate_zeros()
        row_ptr = matrix.indptr.astype(np.int64, copy=False)
    lengths = np.diff(row_ptr)
    empty = np.flatnonzero(lengths == 0)
    if len(empty):
        where = locate_row(int(empty[0]))
        raise NotStochasticError(
            f"{name}{list(as_tuple(where))} has no positive entry; every row must sum to 1",
            argument=name,
            index=where,
            value=0.0,
        )
    sums = np.add.reduceat(matrix.data, row_ptr[:-1]) if n_rows else np.zeros(0)
    distance = check_row_sums(sums, name, locate_row, renormalize=renormalize)
    noise = sum_noise(int(np.max(lengths, initial=0)))
    data = matrix.data
    if distance > noise:
        data = data / np.repeat(sums, lengths)
        distance = noise
    return SparseRows(
        row_ptr,
        matrix.indices.astype(np.int32, copy=False),
        data,
        n_columns,
        distance + noise,
    )


def interleave(blocks: list[Any], n_states: int) -> Any:
    """Stack A sparse ``(S, S)`` matrices into one ``(S*A, S)`` matrix with row ``s*A + a``."""
    n_actions = len(blocks)
    stacked = sp.vstack([sp.csr_array(block) for block in blocks], format="csr")
    order = np.arange(n_states * n_actions).reshape(n_actions, n_states).T.reshape(-1)
    return stacked[order]


def is_sparse(value: Any) -> bool:
    """Say whether ``value`` is a scipy sparse matrix or array."""
    return bool(sp.issparse(value))


def read_rows(P: Any, n_columns: int | None, name: str, locate_row: Callable[[int], Any], *, renormalize: bool) -> Rows:
    """Read a two-axis block of rows, dense or sparse."""
    if is_sparse(P):
        if n_columns is not None and P.shape[1] != n_columns:
            raise ShapeError(f"{name} must have {n_columns} columns, found shape {P.shape}", argument=name)
        return rows_from_sparse(P, name, locate_row, renormalize=renormalize)
    block = as_floats(P, name)
    if block.ndim != 2 or (n_columns is not None and block.shape[1] != n_columns):
        raise ShapeError(f"{name} must have two axes (rows, states), found shape {block.shape}", argument=name)
    return rows_from_dense(block, name, locate_row, renormalize=renormalize)
