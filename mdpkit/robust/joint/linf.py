"""L-infinity balls."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.models import TabularMDP
from mdpkit.robust.joint._kernels import linf as kernels
from mdpkit.robust.joint.curves import PieceJoint
from mdpkit.robust.rows import AllowedRows


class LinfJoint(PieceJoint):
    r"""Sets :math:`\sum_a \max_i w_{a,i} |p_{a,i} - q_{a,i}| \le \kappa_s`.

    The whole curve of a pair takes ``O(n log n)``: one sort and at most ``2 n`` events.
    """

    def __init__(
        self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, budget: Floats, weights: Floats
    ) -> None:
        super().__init__(rows, gamma, sign, model, budget)
        self.price = 1.0 / weights
        n = rows.longest_row
        self._giving, self._empty = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        # When a donor runs empty does not depend on values.
        pair = np.repeat(np.arange(rows.n_pairs), np.diff(rows.row_ptr))
        self._exhaustion = np.lexsort((rows.nominal / self.price, pair)) - rows.row_ptr[pair]

    def _write_pieces(self) -> None:
        rows = self.rows
        kernels.curves(
            rows.row_ptr,
            rows.nominal,
            self.price,
            self._exhaustion,
            self._z,
            self._low,
            self._giving,
            self._empty,
            self._start,
            self._mass,
            self._span,
        )

    def _replay(self, taken: Floats, p: Floats, extra: Floats) -> None:
        radius = 2.0 * np.add.reduceat(taken, self._stop - self._rooms)
        kernels.rows(self.rows.row_ptr, radius, self.price, self._z, p)
