"""Chi-square divergence."""

from __future__ import annotations

from mdpkit._typing import Floats, Ints
from mdpkit.robust.joint._kernels import chi_square as kernels
from mdpkit.robust.joint.smooth import SmoothJoint


class ChiSquareJoint(SmoothJoint):
    r"""Sets :math:`\sum_a \sum_i (p_{a,i} - q_{a,i})^2 / q_{a,i} \le \kappa_s`.

    Rows are ``p ~ q (eta - z)_+`` ``eta`` kept as two numbers; inner solves are exact, ``O(n log n)``.
    """

    def _at_value(self, pairs: Ints, target: Floats) -> None:
        kernels.at_value(
            pairs,
            target,
            self.rows.row_ptr,
            self.rows.nominal,
            self._z,
            self._low,
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
            self._low,
            self._first_parameter,
            self._second_parameter,
            self._dual,
            self._primal,
            self._value,
        )

    def _write_rows(self, pairs: Ints, first: Floats, second: Floats, p: Floats) -> None:
        kernels.rows(pairs, self.rows.row_ptr, self.rows.nominal, self._z, self._low, first, second, p)
