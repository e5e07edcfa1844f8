"""Solving whole robust problems, against the published run times of other solvers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import mdpkit
from benchmarks.harness import Aim, Benchmark, Check, Contender
from mdpkit.models import KLBall, L1Ball, RobustMDP

SPARSE = "L1, Garnet 10,000/10/20, gamma 0.95, to 1e-8"
DENSE_10 = "s-rectangular L1, dense 100 x 10, gamma 0.99, to 1e-4"
DENSE_100 = "s-rectangular L1, dense 100 x 100, gamma 0.99, to 1e-4"
KL_10 = "s-rectangular KL, dense 100 x 10, gamma 0.99, to 1e-4"
LOGS = "log of the authors' C++ code (fast-robust-mdps; Ho, Petrik and Wiesemann 2026), same sizes, other instances"
METHODS = (
    "auto",
    "value_iteration",
    "modified_policy_iteration",
    "policy_iteration",
    "partial_policy_iteration",
    "residual_conditioned_policy_iteration",
)


@dataclass(frozen=True)
class Case:
    """A problem and the tolerance it is to be solved to."""

    problem: RobustMDP
    tol: float


def _dense(n_states: int, n_actions: int, uncertainty: Any) -> Case:
    """Random rows over all states and random rewards of the pairs, budget shared by the actions of a state."""
    rng = np.random.default_rng(0)
    P = rng.dirichlet(np.ones(n_states), size=(n_states, n_actions))
    mdp = mdpkit.TabularMDP(P, rng.random((n_states, n_actions)), gamma=0.99)
    return Case(RobustMDP(mdp, uncertainty, rectangularity="s"), 1e-4)


def _mdpkit(method: str) -> Contender:
    def prepare(case: Case) -> Callable[[], Any]:
        return lambda: mdpkit.solve(case.problem, method=method, tol=case.tol).V

    return Contender(method, prepare)


def _error(case: Case, V: Any) -> float:
    """Measure against an enclosure a hundred times as narrow, by plain value iteration."""
    narrow = mdpkit.solve(case.problem, method="value_iteration", tol=case.tol / 100)
    return float(np.max(np.maximum(narrow.upper - V, V - narrow.lower)))


BENCHMARK = Benchmark(
    title="Solving robust problems",
    what=(
        "Time to solve a problem so that no value is off by more than the tolerance in its name, certificate included. "
        "The published run times are those of the authors of the fastest C++ solver we know, on their machine and "
        "their instances of the same sizes; the commercial solvers of the same table took 616 s (CPLEX) and 1,324 s "
        "(MOSEK) for 100 x 10, and 7,769 s (CPLEX) for 100 x 100."
    ),
    problems={
        SPARSE: lambda: Case(RobustMDP(mdpkit.problems.garnet(10_000, 10, 20, gamma=0.95, seed=0), L1Ball(0.2)), 1e-8),
        DENSE_10: lambda: _dense(100, 10, L1Ball(0.5)),
        DENSE_100: lambda: _dense(100, 100, L1Ball(0.5)),
        KL_10: lambda: _dense(100, 10, KLBall(0.05)),
    },
    contenders=[_mdpkit(method) for method in METHODS],
    check=Check(
        "largest error of a value in units of the tolerance, against an enclosure a hundred times as narrow",
        1.02,
        lambda case, V: _error(case, V) / case.tol,
    ),
    aims=[
        Aim(0.25, "the budget of the project", problem=SPARSE, contender="auto"),
        Aim(1.0, "the budget of the project", problem=DENSE_10, contender="auto"),
        Aim(2.0, "the budget of the project", problem=DENSE_100, contender="auto"),
        Aim(8.9, LOGS, sense="published", problem=DENSE_10),
        Aim(49.0, LOGS, sense="published", problem=DENSE_100),
        Aim(36.0, LOGS, sense="published", problem=KL_10),
    ],
    budget=4.0,
    timeout=180.0,
)
