"""Robust MDPs: worst-case kernels, robust dynamic programming, IWOCS, data-driven radii."""

from mdpkit.models import RobustMDP
from mdpkit.planning import Discounted, register_solver
from mdpkit.robust.dataset import from_dataset
from mdpkit.robust.evaluate import evaluate_robust
from mdpkit.robust.iwocs import IWOCSResult, MonteCarlo, iwocs
from mdpkit.robust.radii import hoeffding_intervals, l1_radius
from mdpkit.robust.regularization import regularized_value, reward_robust_value
from mdpkit.robust.solver import solve_robust
from mdpkit.robust.worst_case import worst_case, worst_kernel

__all__ = [
    "IWOCSResult",
    "MonteCarlo",
    "evaluate_robust",
    "from_dataset",
    "hoeffding_intervals",
    "iwocs",
    "l1_radius",
    "regularized_value",
    "reward_robust_value",
    "worst_case",
    "worst_kernel",
]

register_solver(RobustMDP, Discounted, solve_robust, default=True)
