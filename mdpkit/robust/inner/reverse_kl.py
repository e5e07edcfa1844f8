"""Reverse relative-entropy (Burg) balls."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import ReverseKLBall, RobustMDP, TabularMDP
from mdpkit.models.uncertainty.base import per_pair
from mdpkit.robust.inner._kernels import reverse_kl as kernels
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows


class ReverseKLInner(Inner):
    """Divide the nominal row by the payoffs' distance to a level: ``p_i ~ q_i / (z_i - nu)`` for the radius' ``nu``.

    Successors without nominal mass cost nothing: when the best of them pays less than every nominal successor and the
    radius is large enough, ``nu`` is its payoff and it takes what is left over. Ho, Petrik and Wiesemann (2022).
    Newton steps in ``log(min z - nu)`` from the last level of the pair; ``O(n)`` per step, one or two steps per call in
    a value iteration. Values are dual: never on nature's wrong side.
    """

    exact = False

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, radius: Floats) -> None:
        super().__init__(rows, gamma, sign)
        self.radius = radius
        self._memory = np.zeros(rows.n_pairs)
        self._weights = np.empty(rows.longest_row)

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        rows = self.rows
        gap: float = kernels.reverse_kl_values(
            rows.row_ptr,
            rows.col,
            rows.nominal,
            rows.entry_reward,
            rows.pair_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            self.receiver(V),
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
        kernels.reverse_kl_rows(
            rows.row_ptr,
            rows.col,
            rows.nominal,
            rows.entry_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            self.receiver(V),
            pairs,
            self._scratch,
            self._weights,
            p,
            extra,
        )


def build(problem: RobustMDP, model: TabularMDP, uncertainty: ReverseKLBall, sign: float) -> Inner:
    """Return the inner problem around one nominal model."""
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards, implicit_receiver=True)
    return ReverseKLInner(rows, problem.gamma, sign, per_pair(uncertainty.radius, model))
