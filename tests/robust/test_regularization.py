"""Regularized values against the balls they relax, enumeration and the numbers of the specification."""

from __future__ import annotations

import itertools

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from mdpkit.errors import InputError
from mdpkit.models import L1Ball, L2Ball, LinfBall, RobustMDP, TabularMDP
from mdpkit.robust.inner import inner_problem
from mdpkit.robust.regularization import regularized_value, reward_robust_value

BALLS = {1: L1Ball, 2: L2Ball, np.inf: LinfBall}
NORMS = st.sampled_from([1, 2, np.inf])
PAYOFFS = st.lists(st.one_of(st.integers(-2, 2).map(float), st.floats(-9.0, 9.0)), min_size=1, max_size=6)


def inside_the_simplex(z, q, kappa, p):
    """Worst payoff over distributions, all successors allowed."""
    n = len(z)
    model = TabularMDP(np.tile(q, (n, 1))[:, None, :], np.zeros((n, 1)), 0.5)
    problem = RobustMDP(model, BALLS[p](kappa, support="all"))
    return inner_problem(problem).values(2.0 * z, np.array([0]))[0][0]


@pytest.mark.parametrize(("p", "value"), [(1, 0.1025), (2, 0.03881296778085), (np.inf, -0.09)])
def test_published_values(p, value):
    z, q = np.array([-0.1, 1.9, -2.4, 0.05, 1.6]), np.full(5, 0.2)
    found, exact = regularized_value(z, q, 0.05, p)
    assert exact
    assert found == pytest.approx(value, abs=1e-13)
    assert inside_the_simplex(z, q, 0.05, p) == pytest.approx(value, abs=1e-13)


@given(PAYOFFS, st.data(), NORMS, st.sampled_from([0.0, 1e-6, 0.05, 0.2, 0.5, 1.0, 1.9]))
@settings(deadline=None)
def test_lower_bound_and_equality_exactly_while_inside(z, data, p, kappa):
    z = np.array(z)
    q = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.0, 3.0]), min_size=len(z), max_size=len(z))))
    q = (q + (q.sum() == 0.0)) / (q + (q.sum() == 0.0)).sum()
    value, exact = regularized_value(z, q, kappa, p)
    simplex = inside_the_simplex(z, q, kappa, p)
    scale = 1e-13 * (1.0 + np.max(np.abs(z)))
    assert value <= simplex + scale
    if exact:
        assert simplex == pytest.approx(value, abs=scale)
    else:
        # moved beyond the boundary by more than rounding, or just at it
        assert simplex >= value - scale


@pytest.mark.parametrize("p", [1, np.inf])
def test_penalties_against_linear_programs(p):
    rng = np.random.default_rng(0)
    for n in (1, 2, 5, 6):
        z, q, kappa = rng.normal(size=n), rng.dirichlet(np.ones(n)), 0.3
        # delta = plus - minus; the norm is a sum or a bound on each
        budget = {"A_ub": np.ones((1, 2 * n)), "b_ub": [kappa]} if p == 1 else {}
        bounds = (0.0, None if p == 1 else kappa)
        equal = {"A_eq": np.concatenate([np.ones(n), -np.ones(n)])[None], "b_eq": [0.0]}
        found = linprog(np.concatenate([z, -z]), bounds=bounds, **equal, **budget)
        assert regularized_value(z, q, kappa, p)[0] == pytest.approx(q @ z + found.fun, abs=1e-9)


def test_published_reward_uncertainty():
    value, d = reward_robust_value([1.0, 0.5, 0.0], 0.8, 2)
    assert value == pytest.approx(0.24255542174539, abs=1e-14)
    np.testing.assert_allclose(d, [0.74633232, 0.25366768, 0.0], rtol=0, atol=1e-8)
    value, d = reward_robust_value([1.0, 0.5, 0.0], 0.8, 1)
    assert value == pytest.approx(0.35, abs=1e-15)
    assert d.tolist() == [0.5, 0.5, 0.0]


@given(PAYOFFS, NORMS, st.sampled_from([0.0, 1e-6, 0.3, 0.8, 3.0, 100.0]))
def test_reward_uncertainty_is_attained_and_optimal(Q, p, alpha):
    # attained: d.Q - alpha |d|_* is the value; optimal: the worst reward for d leaves no action better than the value
    Q = np.array(Q)
    value, d = reward_robust_value(Q, alpha, p)
    dual = {1: np.inf, 2: 2, np.inf: 1}[p]
    scale = 1e-12 * (1.0 + alpha + np.max(np.abs(Q)))
    assert d.min() >= 0.0
    assert d.sum() == pytest.approx(1.0, abs=1e-14)
    assert d @ Q - alpha * np.linalg.norm(d, dual) == pytest.approx(float(value), abs=scale)
    if p == 2:
        delta = -alpha * d / np.linalg.norm(d)
    elif p == 1:
        delta = -np.maximum(Q - value, 0.0)
    else:
        delta = np.full(len(Q), -alpha)
    assert np.linalg.norm(delta, p) <= alpha + len(Q) * scale
    assert np.max(Q + delta) <= value + scale


@pytest.mark.parametrize("p", [1, 2, np.inf])
def test_reward_uncertainty_against_a_program(p):
    rng = np.random.default_rng(1)
    Q = rng.normal(size=(4, 5))
    values, policy = reward_robust_value(Q, 0.7, p)
    for s in range(4):
        d = cp.Variable(5, nonneg=True)
        dual = {1: "inf", 2: 2, np.inf: 1}[p]
        program = cp.Problem(cp.Maximize(d @ Q[s] - 0.7 * cp.norm(d, dual)), [cp.sum(d) == 1])
        assert values[s] == pytest.approx(program.solve(solver=cp.CLARABEL), abs=1e-6)
        assert policy[s].sum() == pytest.approx(1.0, abs=1e-14)


def test_small_radius_is_greedy_with_ties_shared_and_missing_actions_unused():
    Q = np.array([[1.0, 3.0, 3.0, -np.inf], [2.0, -np.inf, 1.0, 2.0]])
    for p, alpha in itertools.product([1, 2, np.inf], [0.0, 1e-9]):
        values, d = reward_robust_value(Q, alpha, p)
        np.testing.assert_allclose(values, [3.0, 2.0], rtol=0, atol=1e-8)
        np.testing.assert_allclose(d, [[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5]], rtol=0, atol=1e-15)
    values, d = reward_robust_value(Q, 50.0, 2)
    assert d[0, 3] == 0.0
    assert d[1, 1] == 0.0


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: regularized_value([1.0, np.nan], [0.5, 0.5], 0.1), "payoff"),
        (lambda: regularized_value([1.0, 2.0], [0.5, 0.6], 0.1), "nominal_row"),
        (lambda: regularized_value([1.0, 2.0], [1.5, -0.5], 0.1), "nominal_row"),
        (lambda: regularized_value([1.0, 2.0], [1.0], 0.1), "nominal_row"),
        (lambda: regularized_value([1.0, 2.0], [0.5, 0.5], -0.1), "radius"),
        (lambda: regularized_value([1.0, 2.0], [0.5, 0.5], 0.1, p=3), "p"),
        (lambda: reward_robust_value([1.0, np.nan], 0.1), "Q"),
        (lambda: reward_robust_value([[1.0], [-np.inf]], 0.1), "Q"),
        (lambda: reward_robust_value(np.zeros((2, 2, 2)), 0.1), "Q"),
        (lambda: reward_robust_value([1.0], np.inf), "radius"),
        (lambda: reward_robust_value([1.0], 0.1, p=0), "p"),
    ],
)
def test_bad_input_is_named(call, argument):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.argument == argument
