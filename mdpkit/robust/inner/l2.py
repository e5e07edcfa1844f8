"""Euclidean balls."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import L2Ball, RobustMDP, TabularMDP
from mdpkit.models.uncertainty.base import per_pair
from mdpkit.robust.inner._kernels import l2 as kernels
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows


class L2Inner(Inner):
    """Project ``q - t z`` onto the simplex, with ``t`` such that the distance to q is ``kappa``.

    Given the support of the projection all is in closed form; it is the one of the last call or is found by shrinking
    from all successors. ``O(n)`` per round, one round per call in a value iteration, and no sort.
    """

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, radius: Floats) -> None:
        super().__init__(rows, gamma, sign)
        self.radius = radius
        self._memory = np.zeros((rows.n_pairs, 2))
        self._active = np.empty(rows.longest_row)

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        rows = self.rows
        kernels.l2_values(
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
            self._active,
            out,
        )
        return 0.0

    def _rows(self, V: Floats, pairs: Ints, p: Floats, extra: Floats) -> None:
        rows = self.rows
        kernels.l2_rows(
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
            self._active,
            p,
        )


def build(problem: RobustMDP, model: TabularMDP, uncertainty: L2Ball, sign: float) -> Inner:
    """Return the inner problem around one nominal model."""
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards)
    return L2Inner(rows, problem.gamma, sign, per_pair(uncertainty.radius, model))
