"""Finite sets: nature picks one of a few rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Ints
from mdpkit.errors import ShapeError
from mdpkit.models._checks import as_floats
from mdpkit.models.rows import Rows, is_sparse, read_rows
from mdpkit.models.uncertainty.base import UncertaintySet

if TYPE_CHECKING:
    from mdpkit.models.tabular import TabularMDP

__all__ = ["FiniteSet"]


class FiniteSet(UncertaintySet):
    """K candidate rows per state-action pair; in s-rectangular problems the convex hull of K kernels per state.

    Parameters
    ----------
    rows : array_like, shape (S, A, K, S) or (K, S), or sequence of K sparse matrices, shape (S*A, S)
        The candidates (``(K, S)``: the same for every pair); each must sum to one within 1e-8. Pairs with fewer
        candidates repeat one. Rows of pairs that do not exist are ignored.

    Raises
    ------
    ShapeError
        There is no candidate, or shapes differ.
    NotStochasticError
        A row is not a distribution; found when the set meets its model.

    Examples
    --------
    >>> from mdpkit.models import FiniteSet
    >>> FiniteSet([[[[1.0, 0.0], [0.5, 0.5]]], [[[0.0, 1.0], [0.0, 1.0]]]])
    FiniteSet(2 candidates per pair)
    """

    joint: ClassVar[bool] = True
    n_candidates: int

    def __init__(self, rows: Any) -> None:
        if isinstance(rows, Sequence) and len(rows) and is_sparse(rows[0]):
            blocks = [sp.csr_array(block) for block in rows]
            for k, block in enumerate(blocks):
                if block.shape != blocks[0].shape:
                    raise ShapeError(
                        f"rows[{k}] has shape {block.shape}, rows[0] has {blocks[0].shape}", argument="rows", index=k
                    )
            n_rows, n_candidates = blocks[0].shape[0], len(blocks)
            order = np.arange(n_rows * n_candidates).reshape(n_candidates, n_rows).T.reshape(-1)
            stacked: Any = sp.vstack(blocks, format="csr")[order]
        else:
            try:
                table = as_floats(rows, "rows")
            except ShapeError as error:
                raise ShapeError(
                    f"rows must have shape (S, A, K, S), every pair with K rows: {error}", argument="rows"
                ) from error
            if table.ndim == 2:
                table = table[None, None]
            elif table.ndim != 4 or table.shape[0] != table.shape[3]:
                raise ShapeError(f"rows must have shape (S, A, K, S), found {table.shape}", argument="rows")
            n_candidates = table.shape[2]
            stacked = table.reshape(-1, table.shape[3])
        if n_candidates == 0:
            raise ShapeError("rows must hold at least one candidate per pair", argument="rows")
        self._store(n_candidates=n_candidates, _stacked=stacked)

    @property
    def rows(self) -> Any:
        """The candidates as they were given: an ``(S, A, K, S)`` or ``(K, S)`` array, or K sparse matrices."""
        stacked: Any = self._stacked  # type: ignore[attr-defined]
        K, S = self.n_candidates, stacked.shape[1]
        if is_sparse(stacked):
            return [stacked[k::K] for k in range(K)]
        return stacked if stacked.shape == (K, S) else stacked.reshape(S, -1, K, S)

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check that every candidate of every existing pair is a distribution."""
        self.rows_for(nominal)

    def rows_for(self, nominal: TabularMDP) -> Rows:
        """Return the candidates of the existing pairs, pair by pair: ``N * K`` validated rows."""
        S, A, K = nominal.n_states, nominal.n_actions, self.n_candidates
        stacked: Any = self._stacked  # type: ignore[attr-defined]
        if stacked.shape == (K, S) != (S * A * K, S):
            kept = np.tile(np.arange(K), nominal.n_pairs)
            return read_rows(stacked[kept], S, "rows", lambda row: row % K, renormalize=False)
        if stacked.shape != (S * A * K, S):
            raise ShapeError(f"rows must have shape ({S}, {A}, {K}, {S}) for this model", argument="rows")
        pairs: Ints = nominal.pair_state * A + nominal.pair_action
        kept = (pairs[:, None] * K + np.arange(K)).reshape(-1)

        def locate(row: int) -> tuple[int, int, int]:
            pair, k = divmod(row, K)
            return int(nominal.pair_state[pair]), int(nominal.pair_action[pair]), k

        return read_rows(stacked[kept], S, "rows", locate, renormalize=False)

    def __repr__(self) -> str:
        return f"FiniteSet({self.n_candidates} candidates per pair)"
