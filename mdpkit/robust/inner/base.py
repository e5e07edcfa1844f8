"""The inner problem of (s,a)-rectangular sets: nature's best row for every pair, given values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.robust.rows import AllowedRows


class Inner(ABC):
    """Worst payoffs ``min_p sum_i p_i (r_i + gamma V_i)`` of all pairs, and the rows that attain them.

    Subclasses implement `_values` and `_rows` (or `worst`) for one family of sets; they minimize ``sign`` times the
    payoff.

    Parameters
    ----------
    rows : AllowedRows
        The successors nature may use.
    gamma : float
        Discount factor.
    sign : float
        1 for adversarial nature, -1 for cooperative nature (which minimizes the negated payoffs).

    Attributes
    ----------
    exact : bool
        Whether the family is solved by finitely many operations. Otherwise values are off by up to the gap that
        `values` returns.
    tolerance : float
        Gap at which iterative families may stop; 0 asks for the level of rounding. Exact families ignore it.
    """

    exact = True
    tolerance = 0.0

    def __init__(self, rows: AllowedRows, gamma: float, sign: float) -> None:
        self.rows = rows
        self.gamma = gamma
        self.sign = sign
        self._scratch = np.empty(rows.longest_row)
        self._every_pair = np.arange(rows.n_pairs)

    def values(self, V: Floats, pairs: Ints | None = None) -> tuple[Floats, float]:
        """Return the worst payoffs of the pairs (all by default), shape ``(M,)``, and a bound on their error.

        The bound covers unfinished iterations only, not rounding.
        """
        chosen = self._every_pair if pairs is None else pairs
        out = np.empty(len(chosen))
        gap = self._values(V, chosen, out)
        return out, gap

    def worst(self, V: Floats, pairs: Ints | None = None) -> tuple[sp.csr_array, Floats]:
        """Return worst rows ``(M, S)`` of the pairs and their expected rewards ``(M,)``.

        Ties go to the first minimizer in the stable order of payoffs, so equal calls give equal rows.
        """
        chosen = self._every_pair if pairs is None else pairs
        rows = self.rows
        lengths = np.diff(rows.row_ptr)[chosen]
        ptr = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.repeat(rows.row_ptr[chosen] - ptr[:-1], lengths) + np.arange(ptr[-1])
        p, extra = np.empty(len(entries)), np.zeros(len(chosen))
        self._rows(V, chosen, p, extra)
        rewards = rows.pair_reward[chosen]
        if len(rows.entry_reward):
            rewards = rewards + np.add.reduceat(p * rows.entry_reward[entries], ptr[:-1])
        matrix = sp.csr_array((p, rows.col[entries], ptr), shape=(len(chosen), rows.n_states))
        if extra.any():
            receiver = np.full(len(chosen), self.receiver(V))
            matrix = matrix + sp.csr_array((extra, receiver, np.arange(len(chosen) + 1)), shape=matrix.shape)
        matrix.eliminate_zeros()
        return matrix, rewards

    def receiver(self, V: Floats) -> int:
        """Return the state that an implicit receiver of mass is, or -1 where there is none."""
        return int(np.argmin(self.sign * V)) if self.rows.floating else -1

    @abstractmethod
    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        """Write the worst payoffs of the pairs to ``out`` and return the gap."""

    def _rows(self, V: Floats, pairs: Ints, p: Floats, extra: Floats) -> None:
        """Write worst rows, aligned with the allowed entries of the pairs, one after the other, to ``p``.

        ``extra[i]`` is what pair ``i`` sends to the implicit receiver; it starts at 0. Families whose rows have other
        entries replace `worst` instead.
        """
        raise NotImplementedError


def first_order(rows: AllowedRows) -> Any:
    """Return room for one permutation per row, each starting as the identity."""
    lengths = np.diff(rows.row_ptr)
    return (np.arange(len(rows.col)) - np.repeat(rows.row_ptr[:-1], lengths)).astype(np.int32)
