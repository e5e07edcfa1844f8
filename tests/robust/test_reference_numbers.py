"""Whole problems against closed forms and independently computed digits, for every family of sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mdpkit
from mdpkit.models import (
    ChiSquareBall,
    Contamination,
    CVaRSet,
    KLBall,
    L1Ball,
    L2Ball,
    LinfBall,
    ReverseKLBall,
    RobustMDP,
    WassersteinBall,
)
from mdpkit.problems.robust import coin, modular, retry_rectangular, shared_budget, undamped_cycle
from mdpkit.robust import evaluate_robust
from tests.robust.test_dynamic_programming import METHODS, RIVER, RIVER_REWARD

LINE = np.abs(np.subtract.outer(range(5), range(5))).astype(float)
COIN = [
    (L1Ball(0.5), 12.5),
    (L1Ball(1.0), 10.0),
    (L2Ball(0.2), 13.585786437627),
    (LinfBall(0.2), 13.0),
    (Contamination(0.2), 14.0),
    (CVaRSet(0.7), 90 / 7),
    (KLBall(0.1), 12.8020537383859),
    (ReverseKLBall(0.1), 12.8712136854418),
    (ChiSquareBall(0.2), 12.7639320225002),
]
MODULAR = [
    (L1Ball(0.2), 28.361854088078, 29.657807726941),
    (KLBall(0.02), 28.858605430052, 30.206515372061),
    (ChiSquareBall(0.04), 28.883335888165, 30.231311763008),
    (ReverseKLBall(0.02), 28.833015913623, 30.180258643529),
    (L2Ball(0.1), 28.644897880286, 29.967486117108),
    (LinfBall(0.05), 28.775970045831, 30.094756942641),
    (WassersteinBall(0.3, LINE), 28.126133207731, 29.469820113783),
]
"""Computed by policy iteration with slow inner solvers (linear and conic programs)."""


@pytest.mark.parametrize(("uncertainty", "value"), COIN, ids=repr)
def test_the_coin(uncertainty: Any, value: float) -> None:
    solution = mdpkit.solve(RobustMDP(coin(), uncertainty), tol=1e-11)
    np.testing.assert_allclose(solution.V, value, atol=2e-11)
    # what nature takes from the agent it would give to a friend: 1 <-> 2 around the mean 15
    friendly = mdpkit.solve(RobustMDP(coin(), uncertainty, nature="cooperative"), tol=1e-11)
    np.testing.assert_allclose(friendly.V, 30.0 - value, atol=2e-11)
    if uncertainty.joint:
        # one action: the state's budget is the pair's
        shared = mdpkit.solve(RobustMDP(coin(), uncertainty, rectangularity="s"), tol=1e-11)
        np.testing.assert_allclose(shared.V, value, atol=2e-11)


@pytest.mark.parametrize(("uncertainty", "first", "last"), MODULAR, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_the_modular_model(method: str, uncertainty: Any, first: float, last: float) -> None:
    solution = mdpkit.solve(RobustMDP(modular(), uncertainty), method=method, tol=1e-10)
    np.testing.assert_allclose(solution.V[[0, 4]], [first, last], atol=2e-10)
    assert solution.policy.tolist() == [1, 2, 0, 1, 2]


def test_the_modular_model_with_a_friendly_nature_and_over_a_horizon() -> None:
    friendly = mdpkit.solve(RobustMDP(modular(), L1Ball(0.2), nature="cooperative"), tol=1e-10)
    np.testing.assert_allclose(friendly.V[[0, 4]], [32.089046078946, 33.358169087984], atol=2e-10)
    horizon = RobustMDP(modular(gamma=None).with_horizon(5), KLBall(0.02))
    np.testing.assert_allclose(mdpkit.solve(horizon).V[0, [0, 4]], [14.022211887877, 15.406609612357], atol=1e-11)


@pytest.mark.parametrize(
    ("uncertainty", "values", "policy"),
    [
        (ReverseKLBall(0.005), (0.1, 0.089623515535, 2.305582843157), [0, 0, 0, 1, 1, 1]),
        (Contamination(0.05, support="all"), (0.090963125, 0.095457465473, 2.436706480190), [0, 0, 0, 1, 1, 1]),
    ],
    ids=repr,
)
def test_river_swim(uncertainty: Any, values: tuple[float, ...], policy: list[int]) -> None:
    mdp = mdpkit.TabularMDP(RIVER, RIVER_REWARD, gamma=0.95)
    solution = mdpkit.solve(RobustMDP(mdp, uncertainty), tol=1e-10)
    np.testing.assert_allclose(solution.V[[0, 3, 5]], values, atol=2e-10)
    assert solution.policy.tolist() == policy


def test_the_shared_budget() -> None:
    assert mdpkit.solve(shared_budget(), tol=1e-11).V[0] == pytest.approx(3.6, abs=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_the_cycle_of_undamped_policy_iteration(method: str) -> None:
    np.testing.assert_allclose(mdpkit.solve(undamped_cycle(), method=method, tol=1e-10).V, [10.0, 11.0], atol=1e-9)


@pytest.mark.parametrize("gamma", [0.5, 0.9, 0.99])
def test_retry(gamma: float) -> None:
    """Randomizing gets gamma G / 2 / (1 - gamma / 2); every deterministic policy gets nothing."""
    problem = retry_rectangular(gamma=gamma)
    solution = mdpkit.solve(problem)
    value = gamma / (1 - gamma) / 2 / (1 - gamma / 2)
    assert solution.V[0] == pytest.approx(value, rel=1e-7)
    np.testing.assert_allclose(solution.policy[0], [0.5, 0.5], atol=1e-7)
    assert evaluate_robust(problem, [0, 0]).V[0] == pytest.approx(0.0, abs=1e-9)
