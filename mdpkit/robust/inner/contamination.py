"""Contaminated rows."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import Contamination, RobustMDP, TabularMDP
from mdpkit.models.uncertainty.base import per_pair
from mdpkit.robust.inner._kernels import contamination as kernels
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows


class ContaminationInner(Inner):
    """``(1 - epsilon) q.z + epsilon min z`` over the allowed successors; ``O(n)`` per row."""

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, epsilon: Floats) -> None:
        super().__init__(rows, gamma, sign)
        self.epsilon = epsilon

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        rows = self.rows
        kernels.values(
            rows.row_ptr,
            rows.col.view(np.uint32),
            rows.nominal,
            rows.entry_reward,
            rows.pair_reward,
            self.gamma,
            V,
            self.sign,
            self.epsilon,
            self.receiver(V),
            pairs,
            out,
        )
        return 0.0

    def _rows(self, V: Floats, pairs: Ints, p: Floats, extra: Floats) -> None:
        rows = self.rows
        kernels.rows(
            rows.row_ptr,
            rows.col.view(np.uint32),
            rows.nominal,
            rows.entry_reward,
            self.gamma,
            V,
            self.sign,
            self.epsilon,
            self.receiver(V),
            pairs,
            p,
            extra,
        )


def build(problem: RobustMDP, model: TabularMDP, uncertainty: Contamination, sign: float) -> Inner:
    """Return the inner problem of contaminated rows."""
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards, implicit_receiver=True)
    return ContaminationInner(rows, problem.gamma, sign, per_pair(uncertainty.epsilon, model))
