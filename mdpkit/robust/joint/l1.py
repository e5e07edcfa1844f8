"""L1 balls with unit weights."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.models import TabularMDP
from mdpkit.robust.inner.base import first_order
from mdpkit.robust.joint._kernels import payoffs as kernels
from mdpkit.robust.joint.curves import CurveJoint
from mdpkit.robust.rows import AllowedRows


class L1Joint(CurveJoint):
    """Donors are the successors themselves: mass goes from the best payoffs to the worst one of its row.

    Where all rows hold all states and rewards belong to pairs, the order of ``V`` is the order of every row, and only
    the means read the rows as a whole.
    """

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, budget: Floats) -> None:
        super().__init__(rows, gamma, sign, model, budget)
        self._start, self._stop = rows.row_ptr[:-1], rows.row_ptr[1:]
        self._mass = rows.nominal
        self._shared = len(rows.col) == rows.n_pairs * rows.n_states and not len(rows.entry_reward)
        if self._shared:
            self._z = np.empty(0)
        else:
            self._order = first_order(rows)

    def _look(self, V: Floats) -> None:
        if self._shared:
            self._span = (self.sign * self.gamma) * V
            self._order = np.argsort(self._span, kind="stable").astype(np.int32)
            kernels.dense_means(self.rows.nominal, self._span, self._mean)
            self._low[:] = self._span[self._order[0]]
        else:
            super()._look(V)
            self._span = self._z

    def _replay(self, taken: Floats, p: Floats, extra: Floats) -> None:
        p -= taken
        given = np.add.reduceat(taken, self.rows.row_ptr[:-1])
        self._receive(given, p, extra)

    def _receive(self, given: Floats, p: Floats, extra: Floats) -> None:
        """Give the mass to the first entry of least payoff, or to the implicit receiver where that is lower."""
        rows = self.rows
        lengths = np.diff(rows.row_ptr)
        if self._shared:
            p[rows.row_ptr[:-1] + self._order[0]] += given
            return
        least = np.minimum.reduceat(self._z, rows.row_ptr[:-1])
        outside = least > self._low
        extra[outside] = given[outside]
        entries = np.flatnonzero(self._z == np.repeat(least, lengths))
        pair = np.searchsorted(rows.row_ptr, entries, side="right") - 1
        receiver = entries[np.unique(pair, return_index=True)[1]]
        p[receiver] += np.where(outside, 0.0, given)
