"""Uncertain rewards, pair by pair: every reward is as bad as it may be."""

from __future__ import annotations

from dataclasses import replace

from mdpkit.models import RewardBall, RobustMDP, TabularMDP
from mdpkit.models.uncertainty.base import per_pair
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.inner.l1 import L1Inner
from mdpkit.robust.rows import allowed_rows


def build(problem: RobustMDP, model: TabularMDP, uncertainty: RewardBall, sign: float) -> Inner:
    """Return the inner problem around one nominal model: nominal rows, shifted rewards."""
    rows = allowed_rows(model, "nominal", problem.transition_rewards)
    radius = per_pair(uncertainty.radius, model)
    shifted = replace(rows, pair_reward=rows.pair_reward - sign * radius)
    # an L1 ball of radius zero is the nominal row
    return L1Inner(shifted, problem.gamma, sign, 0.0 * radius)
