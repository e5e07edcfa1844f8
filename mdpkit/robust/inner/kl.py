"""Relative-entropy balls."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import KLBall, RobustMDP, TabularMDP
from mdpkit.models.uncertainty.base import per_pair
from mdpkit.robust.inner._kernels import kl as kernels
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows


class KLInner(Inner):
    """Tilt the nominal row exponentially: ``p_i ~ q_i exp(-b z_i)``, with ``b`` such that the divergence is ``kappa``.

    Nilim and El Ghaoui (2005), section 4. Newton steps on ``sqrt(KL(b))`` from the last multiplier of the pair;
    ``O(n)`` per step, one or two steps per call in a value iteration. Values are dual: never on nature's wrong side.
    """

    exact = False

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, radius: Floats) -> None:
        super().__init__(rows, gamma, sign)
        self.radius = radius
        self._memory = np.zeros(rows.n_pairs)
        self._weights = np.empty(rows.longest_row)

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        rows = self.rows
        gap: float = kernels.kl_values(
            rows.row_ptr,
            rows.col,
            rows.nominal,
            rows.entry_reward,
            rows.pair_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            self.tolerance,
            pairs,
            self._memory,
            self._scratch,
            self._weights,
            out,
        )
        return gap

    def _rows(self, V: Floats, pairs: Ints, p: Floats, extra: Floats) -> None:
        rows = self.rows
        kernels.kl_rows(
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


def build(problem: RobustMDP, model: TabularMDP, uncertainty: KLBall, sign: float) -> Inner:
    """Return the inner problem around one nominal model."""
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards)
    return KLInner(rows, problem.gamma, sign, per_pair(uncertainty.radius, model))
