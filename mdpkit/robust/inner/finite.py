"""Finite sets of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.models import FiniteSet, RobustMDP, TabularMDP
from mdpkit.models._checks import sum_noise
from mdpkit.robust.inner._kernels import candidates as kernels
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows, spread


class FiniteInner(Inner):
    """Price every candidate row; the lowest best one wins. ``O(K n)`` per pair with K candidates.

    Parameters
    ----------
    rows : AllowedRows
        The union of the candidates of each pair.
    gamma, sign
        As for `Inner`.
    candidate_ptr : ndarray of int64, shape (N+1,)
        Pair ``k`` owns the candidates ``candidate_ptr[k]:candidate_ptr[k+1]``, at least one.
    candidates : csr_array, shape (M, S)
        The candidates. Of those of a pair that are equal the first is kept.
    rewards : ndarray, shape (M,)
        Expected reward of each.
    """

    def __init__(
        self,
        rows: AllowedRows,
        gamma: float,
        sign: float,
        candidate_ptr: Ints,
        candidates: sp.csr_array,
        rewards: Floats,
    ) -> None:
        super().__init__(rows, gamma, sign)
        keep = np.empty(len(rewards), dtype=bool)
        parts = candidates.indptr.astype(np.int64), candidates.indices.view(np.uint32), candidates.data
        kernels.distinct(candidate_ptr, *parts, rewards, keep)
        self.candidate_ptr: Ints = np.concatenate([[0], np.cumsum(keep)])[candidate_ptr]
        self.candidates: Any = candidates if keep.all() else candidates[keep]
        self.candidate_reward = rewards[keep]

    @classmethod
    def from_candidates(
        cls, candidate_ptr: Ints, candidates: Any, rewards: Floats, gamma: float, sign: float
    ) -> FiniteInner:
        """Build the inner problem of candidates whose number differs from pair to pair.

        Parameters
        ----------
        candidate_ptr, candidates, rewards, gamma, sign
            As for the class; `candidates` is any scipy sparse matrix of rows that sum to one, and `rewards` are the
            expected rewards of the candidates. `rows` then holds, as reward of a pair, that of its candidates which is
            largest in magnitude: it serves for scales only.
        """
        matrix = _canonical(candidates)
        lengths = np.diff(matrix.indptr)
        ptr = np.asarray(candidate_ptr, dtype=np.int64)
        union = _union(ptr, matrix)
        largest = np.maximum.reduceat(np.abs(rewards), ptr[:-1])
        rows = AllowedRows(
            row_ptr=union.indptr.astype(np.int64),
            col=union.indices.astype(np.int32, copy=False),
            nominal=spread(*_first(ptr, matrix), union, 0.0),
            entry_reward=np.zeros(0),
            pair_reward=largest,
            floating=False,
            n_states=matrix.shape[1],
            sum_error=2 * sum_noise(int(np.max(lengths))),
            reward_error=sum_noise(int(np.max(lengths))) * float(np.max(largest)),
        )
        return cls(rows, gamma, sign, ptr, matrix, np.ascontiguousarray(rewards, dtype=np.float64))

    def worst(self, V: Floats, pairs: Ints | None = None) -> tuple[sp.csr_array, Floats]:
        """Return the lowest best candidates of the pairs and their expected rewards."""
        chosen = self._every_pair if pairs is None else pairs
        choice = self._choose(V, chosen, np.empty(len(chosen)))
        return self.candidates[choice], self.candidate_reward[choice]

    def _choose(self, V: Floats, pairs: Ints, out: Floats) -> Ints:
        choice = np.empty(len(pairs), dtype=np.int64)
        matrix = self.candidates
        kernels.values(
            self.candidate_ptr,
            matrix.indptr,
            matrix.indices.view(np.uint32),
            matrix.data,
            self.candidate_reward,
            self.gamma,
            V,
            self.sign,
            pairs,
            out,
            choice,
        )
        return choice

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        self._choose(V, pairs, out)
        return 0.0


def build(problem: RobustMDP, model: TabularMDP, uncertainty: FiniteSet, sign: float) -> Inner:
    """Return the inner problem of a finite set."""
    source = uncertainty.rows_for(model)
    matrix = _canonical(source.csr())
    N, K = model.n_pairs, uncertainty.n_candidates
    candidate_ptr = np.arange(N + 1, dtype=np.int64) * K
    rows = allowed_rows(model, _union(candidate_ptr, matrix), problem.transition_rewards)
    pair = np.repeat(np.arange(N), K)
    rewards = rows.pair_reward[pair]
    noise = sum_noise(rows.longest_row) * rows.reward_scale if len(rows.entry_reward) else 0.0
    if len(rows.entry_reward):
        table = sp.csr_array((rows.entry_reward, rows.col, rows.row_ptr), shape=(N, model.n_states))[pair]
        per_entry = spread(table.data, table, matrix, 0.0)
        rewards = rewards + np.add.reduceat(matrix.data * per_entry, matrix.indptr[:-1])
    rows = replace(rows, sum_error=max(rows.sum_error, source.sum_error), reward_error=rows.reward_error + noise)
    return FiniteInner(rows, problem.gamma, sign, candidate_ptr, matrix, rewards)


def _canonical(matrix: Any) -> Any:
    """Return compressed rows with increasing int32 columns and no stored zeros."""
    compressed = sp.csr_array(matrix, dtype=np.float64)
    if not compressed.has_canonical_format or not compressed.data.all():
        compressed = compressed.copy()
        compressed.sum_duplicates()
        compressed.eliminate_zeros()
    index_type = compressed.indices.dtype
    if index_type != np.int32:
        parts = (compressed.data, compressed.indices.astype(np.int32), compressed.indptr)
        narrow = sp.csr_array(compressed.shape)
        narrow.data, narrow.indices, narrow.indptr = parts
        return narrow
    return compressed


def _union(candidate_ptr: Ints, matrix: Any) -> Any:
    """Return the pattern of all candidates of each pair."""
    marks = matrix.copy()
    marks.data = np.ones_like(matrix.data)
    groups = sp.csr_array(
        (np.ones(matrix.shape[0]), np.arange(matrix.shape[0]), candidate_ptr),
        shape=(len(candidate_ptr) - 1, matrix.shape[0]),
    )
    union = sp.csr_array(groups @ marks)
    union.sort_indices()
    return union


def _first(candidate_ptr: Ints, matrix: Any) -> tuple[Floats, Any]:
    first = matrix[candidate_ptr[:-1]]
    return first.data, first
