"""s-rectangular problems end to end: randomized policies, saddle points, and the sandwich between (s,a) problems."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit.models import ChiSquareBall, KLBall, L1Ball, L2Ball, LinfBall, ReverseKLBall, RobustMDP
from mdpkit.robust import evaluate_robust, worst_kernel
from mdpkit.testing import policies, tabular_mdps
from tests.robust.test_dynamic_programming import METHODS, RIVER, RIVER_REWARD, solve_quietly

QUICK = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
FAMILIES = [L1Ball, LinfBall, L2Ball, KLBall, ReverseKLBall, ChiSquareBall]


def shared(mdp: mdpkit.TabularMDP, uncertainty: Any, **options: Any) -> RobustMDP:
    return RobustMDP(mdp, uncertainty, rectangularity="s", **options)


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_river_swim_of_the_published_benchmark(method: str) -> None:
    mdp = mdpkit.TabularMDP(RIVER, RIVER_REWARD, gamma=0.95)
    solution = mdpkit.solve(shared(mdp, L1Ball(0.1, support="all")), method=method, tol=1e-10)
    np.testing.assert_allclose(solution.V[[0, 3, 5]], [0.083757563794, 0.070172532544, 2.153920968020], atol=2e-10)
    assert solution.policy[4, 1] == pytest.approx(0.001679890672, abs=1e-9)


def test_the_optimal_policy_must_randomize() -> None:
    """Spec 6.6: V(0) = gamma G (1/2 - kappa/4) = 3.6 with probabilities (1/2, 1/2); deterministic policies get 2.7."""
    P = np.zeros((3, 2, 3))
    P[0, :, 1:] = 0.5
    P[1, :, 1] = P[2, :, 2] = 1.0
    mdp = mdpkit.TabularMDP(P, [[0, 0], [1, 1], [0, 0]], gamma=0.9)
    problem = shared(mdp, L1Ball([0.4, 0.0, 0.0]))
    solution = mdpkit.solve(problem, tol=1e-11)
    assert solution.V[0] == pytest.approx(3.6, abs=1e-10)
    np.testing.assert_allclose(solution.policy[0], [0.5, 0.5], atol=1e-9)
    for action in (0, 1):
        assert evaluate_robust(problem, [action, 0, 0]).V[0] == pytest.approx(2.7, abs=1e-9)
    assert mdpkit.solve(RobustMDP(mdp, L1Ball([0.4, 0.0, 0.0]))).V[0] == pytest.approx(2.7, abs=1e-9)
    # cooperative nature spends everything on one action
    assert mdpkit.solve(shared(mdp, L1Ball([0.4, 0.0, 0.0]), nature="cooperative")).V[0] == pytest.approx(6.3)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
@QUICK
@given(data=st.data())
def test_saddle_point_and_sandwich(family: Any, data: st.DataObject) -> None:
    mdp = data.draw(tabular_mdps(max_states=4, max_actions=3, gammas=(0.5, 0.9)))
    radius = data.draw(st.sampled_from([0.0, 0.05, 0.3]))
    problem = shared(mdp, family(radius))
    solution = solve_quietly(problem)
    slack = 1e-6 * (1 + np.abs(solution.V).max())
    assert solution.converged or solution.half_width < slack
    # the worst reply to the policy, and the best reply to the worst kernel, have the value of the game
    answer = evaluate_robust(problem, solution.policy)
    assert np.abs(answer.V - solution.V).max() <= slack
    reply = mdpkit.solve(worst_kernel(problem, solution.V))
    assert np.abs(reply.V - solution.V).max() <= slack
    # a budget per pair, and a budget A times as large for the state
    separate = solve_quietly(RobustMDP(mdp, family(radius)))
    assert (separate.lower <= solution.upper).all()
    wide = solve_quietly(shared(mdp, family(mdp.n_actions * radius)))
    assert (wide.lower <= separate.upper).all()


@QUICK
@given(data=st.data())
def test_no_policy_beats_the_solution(data: st.DataObject) -> None:
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=(0.5, 0.9)))
    problem = shared(mdp, L1Ball(0.3))
    solution = solve_quietly(problem)
    for _ in range(3):
        policy = data.draw(policies(mdp, stochastic=True))
        assert (evaluate_robust(problem, policy).lower <= solution.upper).all()


def test_evaluation_finds_the_worst_split_of_the_budget() -> None:
    """Against a grid of splits of the budget between two actions; each half is then an (s,a)-rectangular problem."""
    mdp = mdpkit.problems.garnet(4, 2, 3, gamma=0.8, seed=1)
    policy = np.array([[0.3, 0.7], [0.5, 0.5], [1.0, 0.0], [0.2, 0.8]])
    budget = 0.4
    answer = evaluate_robust(shared(mdp, L1Ball(budget)), policy)
    least = np.full(4, np.inf)
    for shares in product(np.linspace(0, 1, 5), repeat=4):
        radii = np.array([[budget * x, budget * (1 - x)] for x in shares])
        V = evaluate_robust(RobustMDP(mdp, L1Ball(radii)), policy).V
        assert (answer.lower <= V + 1e-9).all()
        least = np.minimum(least, V)
    # linear pieces: the best split of the grid is close to the true one
    assert (least - answer.V).max() < 0.05 * np.abs(answer.V).max()


def test_rounding_is_not_chased_with_the_budget() -> None:
    """Two absorbing states of value 0 differ by 1e-16 after the solve; moving mass between them must cost nothing."""
    P = [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1e-9, 1 - 1e-9, 0, 0], [0.25, 0.125, 0.625, 0]]
    mdp = mdpkit.TabularMDP.from_pairs([0, 0, 1, 2, 3, 3], [0, 1, 0, 0, 0, 1], P, [0.0, 1, 0, 0, 0, 0], gamma=0.9)
    problem = shared(mdp, L1Ball(0.3))
    kernel = worst_kernel(problem, [10.0, 7e-17, -7e-17, 0.9])
    np.testing.assert_allclose(kernel.transition(3, 1)[0], 0.1, atol=1e-12)
    assert mdpkit.solve(kernel).V[3] == pytest.approx(0.9)
