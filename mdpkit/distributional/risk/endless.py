"""What infinite horizons need: bounds on returns, and the policy with the best mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.risk.problem import RiskProblem
from mdpkit.planning import solve

__all__ = ["Tail", "mean_optimal", "return_range"]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Tail:
    """A policy to end with, what it is expected to return, and a bound on the error of that."""

    policy: Ints
    values: Floats
    error: float


def return_range(problem: RiskProblem) -> tuple[float, float]:
    """Return bounds on every return over an infinite horizon, ``gamma < 1``."""
    # A terminal state pays 0, and that is among the rewards.
    scale = 1.0 / (1.0 - problem.gamma)
    reward = problem.stage(0).reward
    return float(reward.min()) * scale, float(reward.max()) * scale


def mean_optimal(mdp: Any) -> Tail:
    """Return the policy with the largest expected discounted return."""
    solution = solve(mdp, method="policy_iteration")
    error = float(np.max(solution.upper - solution.lower)) / 2 + solution.policy_loss
    return Tail(solution.policy, solution.V, error)
