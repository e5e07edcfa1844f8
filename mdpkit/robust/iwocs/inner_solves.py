"""Ordinary and robust solves inside a run: their enclosures count, their warnings would only repeat them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mdpkit.errors import ConvergenceWarning
from mdpkit.models import TabularMDP
from mdpkit.planning.evaluation import evaluate_policy
from mdpkit.planning.front import solve
from mdpkit.planning.solution import Solution
from mdpkit.robust.evaluate import evaluate_with
from mdpkit.robust.operator import RobustBellman


@contextmanager
def no_convergence_warnings() -> Iterator[None]:
    """Silence solvers that meet the rounding floor before the tolerance: the enclosures stay valid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def solve_quietly(model: TabularMDP, tol: float) -> Solution:
    """Solve an ordinary model."""
    with no_convergence_warnings():
        return solve(model, tol=tol)


def evaluate_quietly(problem: TabularMDP | RobustBellman, policy: Any, tol: float) -> Solution:
    """Evaluate a policy in an ordinary model, or in the worst model of a robust problem."""
    with no_convergence_warnings():
        if isinstance(problem, RobustBellman):
            return evaluate_with(problem, policy, tol)
        return evaluate_policy(problem, policy, tol=tol)
