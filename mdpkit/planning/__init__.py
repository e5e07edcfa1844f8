"""Exact planning for known models, with certificates."""

from mdpkit.models import MixturePolicy, NonStationaryPolicy
from mdpkit.planning.evaluation import evaluate_policy
from mdpkit.planning.front import register_solver, solve
from mdpkit.planning.objectives import Discounted
from mdpkit.planning.occupancy import occupancy_measure
from mdpkit.planning.regret import regret
from mdpkit.planning.solution import Solution, Trace, Verification
from mdpkit.planning.values import bellman_residual, greedy_policy, q_values
from mdpkit.planning.verification.verify import verify

__all__ = [
    "Discounted",
    "MixturePolicy",
    "NonStationaryPolicy",
    "Solution",
    "Trace",
    "Verification",
    "bellman_residual",
    "evaluate_policy",
    "greedy_policy",
    "occupancy_measure",
    "q_values",
    "register_solver",
    "regret",
    "solve",
    "verify",
]
