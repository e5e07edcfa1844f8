"""Chi-square balls."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import ChiSquareBall, RobustMDP, TabularMDP
from mdpkit.models.uncertainty.base import per_pair
from mdpkit.robust.inner._kernels import chi_square as kernels
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows


class ChiSquareInner(Inner):
    """Cut the nominal row linearly: ``p_i ~ q_i (eta - z_i)_+``.

    Given the successors with ``z_i < eta`` all is in closed form; they are the ones of the last call or are found by
    shrinking from all. ``O(n)`` per round, one round per call in a value iteration, and no sort.
    """

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, radius: Floats) -> None:
        super().__init__(rows, gamma, sign)
        self.radius = radius
        self._memory = np.zeros(rows.n_pairs)

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        rows = self.rows
        kernels.chi_square_values(
            rows.row_ptr,
            rows.col,
            rows.nominal,
            rows.entry_reward,
            rows.pair_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            pairs,
            self._memory,
            self._scratch,
            out,
        )
        return 0.0

    def _rows(self, V: Floats, pairs: Ints, p: Floats, extra: Floats) -> None:
        rows = self.rows
        kernels.chi_square_rows(
            rows.row_ptr,
            rows.col,
            rows.nominal,
            rows.entry_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            pairs,
            self._scratch,
            p,
        )


def build(problem: RobustMDP, model: TabularMDP, uncertainty: ChiSquareBall, sign: float) -> Inner:
    """Return the inner problem around one nominal model."""
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards)
    return ChiSquareInner(rows, problem.gamma, sign, per_pair(uncertainty.radius, model))
