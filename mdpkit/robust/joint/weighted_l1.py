"""L1 balls with weights."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.models import TabularMDP
from mdpkit.robust.joint._kernels import weighted_l1 as kernels
from mdpkit.robust.joint.curves import PieceJoint
from mdpkit.robust.rows import AllowedRows


class WeightedL1Joint(PieceJoint):
    r"""Sets :math:`\sum_{a,i} w_{a,i} |p_{a,i} - q_{a,i}| \le \kappa_s`.

    A sweep over the multiplier of the one-dimensional dual yields the whole curve of a pair in ``O(n log n)``.
    """

    def __init__(
        self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, budget: Floats, weights: Floats
    ) -> None:
        super().__init__(rows, gamma, sign, model, budget)
        M, n = len(rows.col), rows.longest_row
        self.weights = weights
        self._amount = np.zeros(2 * M)
        self._source, self._target = np.zeros(2 * M, np.int32), np.zeros(2 * M, np.int32)
        self._member, self._since, self._lam = np.empty(n, np.int64), np.empty(n), np.empty(n)

    def _write_pieces(self) -> None:
        rows = self.rows
        kernels.curves(
            rows.row_ptr,
            rows.nominal,
            self.weights,
            self._z,
            self._low,
            self._member,
            self._since,
            self._lam,
            self._start,
            self._mass,
            self._span,
            self._source,
            self._target,
            self._amount,
        )

    def _replay(self, taken: Floats, p: Floats, extra: Floats) -> None:
        kernels.rows(self.rows.row_ptr, self._start, self._mass, taken, self._source, self._target, self._amount, p)
