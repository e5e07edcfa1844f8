"""Uncertain rewards: closed forms, cvxpy on the regularized update, saddle points, both rectangularities."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit.errors import InputError, ShapeError, UnknownOptionError
from mdpkit.models import RewardBall, RobustMDP
from mdpkit.robust import evaluate_robust, worst_kernel
from mdpkit.testing import tabular_mdps
from tests.robust.test_dynamic_programming import METHODS, solve_quietly

QUICK = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
DUAL = {1: np.inf, 2: 2, np.inf: 1}


def regularized_values(mdp: mdpkit.TabularMDP, alpha: float, norm: float) -> np.ndarray:
    """Iterate ``V(s) = max_d d.Q(s) - alpha ||d||*`` with a conic program per state."""
    V = np.zeros(mdp.n_states)
    for _ in range(40):
        Q = mdp.pair_reward + mdp.gamma * (mdp.rows.csr() @ V)
        new = np.empty_like(V)
        for s in range(mdp.n_states):
            q = Q[mdp.state_ptr[s] : mdp.state_ptr[s + 1]]
            d = cvxpy.Variable(len(q), nonneg=True)
            objective = q @ d - alpha * cvxpy.norm(d, DUAL[norm])
            new[s] = cvxpy.Problem(cvxpy.Maximize(objective), [cvxpy.sum(d) == 1]).solve(solver="CLARABEL")
        V = new
    return V


@pytest.mark.parametrize("norm", [1, 2, np.inf])
def test_against_conic_programs(norm: float) -> None:
    """40 sweeps at gamma = 0.3 leave 1e-20; Clarabel is accurate to about 1e-8."""
    mdp = mdpkit.problems.garnet(3, 3, 2, gamma=0.3, seed=5)
    problem = RobustMDP(mdp, RewardBall(0.4, norm), rectangularity="s")
    solution = mdpkit.solve(problem)
    np.testing.assert_allclose(solution.V, regularized_values(mdp, 0.4, norm), atol=1e-6)
    assert solution.policy.shape == (3, 3)


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_one_state_in_closed_form(method: str) -> None:
    """Q = (1, .5, 0) + gamma V, alpha = .8: the update is worth .2425542174 or .35; V is that over 1 - gamma."""
    mdp = mdpkit.TabularMDP([[[1.0], [1.0], [1.0]]], [[1.0, 0.5, 0.0]], gamma=0.5)
    two = mdpkit.solve(RobustMDP(mdp, RewardBall(0.8), rectangularity="s"), method=method)
    assert two.V[0] == pytest.approx(2 * 0.24255542174539, abs=1e-9)
    np.testing.assert_allclose(two.policy[0], [0.74633232, 0.25366768, 0.0], atol=1e-7)
    one = mdpkit.solve(RobustMDP(mdp, RewardBall(0.8, norm=1), rectangularity="s"), method=method)
    assert one.V[0] == pytest.approx(0.7, abs=1e-9)
    most = mdpkit.solve(RobustMDP(mdp, RewardBall(0.8, norm=np.inf), rectangularity="s"), method=method)
    assert most.V[0] == pytest.approx(0.4, abs=1e-9)
    kind = RobustMDP(mdp, RewardBall(0.8), rectangularity="s", nature="cooperative")
    assert mdpkit.solve(kind, method=method).V[0] == pytest.approx(3.6, abs=1e-9)


@pytest.mark.parametrize("norm", [1, 2, np.inf])
@QUICK
@given(data=st.data())
def test_saddle_points(norm: float, data: st.DataObject) -> None:
    mdp = data.draw(tabular_mdps(max_states=4, gammas=(0.5, 0.9)))
    radius = np.array(
        data.draw(st.lists(st.sampled_from([0.0, 0.3, 2.0]), min_size=mdp.n_states, max_size=mdp.n_states))
    )
    problem = RobustMDP(mdp, RewardBall(radius, norm), rectangularity="s")
    solution = solve_quietly(problem)
    slack = 1e-7 * (1 + np.abs(solution.V).max())
    assert np.abs(evaluate_robust(problem, solution.policy).V - solution.V).max() <= slack
    assert np.abs(mdpkit.solve(worst_kernel(problem, solution.V)).V - solution.V).max() <= slack
    # against a fixed policy: nature's answer attains the worst case
    first = np.array([mdp.pair_action[k] for k in mdp.state_ptr[:-1]])
    answer = evaluate_robust(problem, first)
    attained = mdpkit.evaluate_policy(worst_kernel(problem, answer.V, first), first)
    assert np.abs(attained.V - answer.V).max() <= slack
    assert (answer.lower <= solution.upper).all()


@QUICK
@given(mdp=tabular_mdps(max_states=4, gammas=(0.5, 0.9)))
def test_separate_rewards_are_shifted(mdp: mdpkit.TabularMDP) -> None:
    radius = np.random.default_rng(0).random((mdp.n_states, mdp.n_actions))
    for nature, sign in (("adversarial", -1.0), ("cooperative", 1.0)):
        solution = solve_quietly(RobustMDP(mdp, RewardBall(radius), nature=nature))
        shifted = mdpkit.solve(mdp.with_rewards(mdp.pair_reward + sign * radius[mdp.pair_state, mdp.pair_action]))
        assert (solution.lower <= shifted.upper).all()
        assert (shifted.lower <= solution.upper).all()


def test_bad_input() -> None:
    with pytest.raises(UnknownOptionError, match="norm must be 1, 2 or inf, found 3"):
        RewardBall(0.1, norm=3)
    with pytest.raises(InputError, match=r"radius\[1\] = -0.5"):
        RewardBall([0.0, -0.5])
    mdp = mdpkit.problems.two_state(gamma=0.9)
    with pytest.raises(ShapeError, match="one budget per state"):
        RobustMDP(mdp, RewardBall(np.ones((2, 2))), rectangularity="s")
