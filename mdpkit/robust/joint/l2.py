"""Euclidean balls."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import TabularMDP
from mdpkit.robust.joint._kernels import l2 as kernels
from mdpkit.robust.joint.smooth import SmoothJoint
from mdpkit.robust.rows import AllowedRows


class L2Joint(SmoothJoint):
    r"""Sets :math:`\sum_a \|p_a - q_a\|_2 \le \kappa_s`; rows are projections of ``q - t z``, two numbers each."""

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, budget: Floats) -> None:
        super().__init__(rows, gamma, sign, model, budget)
        self._scratch = np.empty(rows.longest_row)

    def _at_value(self, pairs: Ints, target: Floats) -> None:
        kernels.at_value(
            pairs,
            target,
            self.rows.row_ptr,
            self.rows.nominal,
            self._z,
            self._mean,
            self._low,
            self._scratch,
            self._first_parameter,
            self._second_parameter,
            self._dual,
            self._slope,
            self._primal,
            self._value,
        )

    def _at_price(self, pairs: Ints, price: Floats) -> None:
        kernels.at_price(
            pairs,
            price,
            self.rows.row_ptr,
            self.rows.nominal,
            self._z,
            self._mean,
            self._low,
            self._scratch,
            self._first_parameter,
            self._second_parameter,
            self._dual,
            self._primal,
            self._value,
        )

    def _write_rows(self, pairs: Ints, first: Floats, second: Floats, p: Floats) -> None:
        kernels.rows(pairs, self.rows.row_ptr, self.rows.nominal, self._z, self._low, first, second, p)
