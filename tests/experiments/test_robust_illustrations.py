"""The parts of the robust experiments that could be wrong without any claim noticing."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

import mdpkit
from experiments import robust_convergence, robust_price, robust_radius, robust_regularization, robust_shared_budget
from mdpkit import bounds
from mdpkit.robust import evaluate_robust, l1_radius, worst_case


def test_the_undamped_method_takes_the_published_steps():
    problem = robust_convergence.build("cycle")
    steps = [V for V, _ in islice(robust_convergence.undamped_iterates(problem, 5), 5)]
    expected = [[0, 0], [10, 130 / 11], [10, 10], [10, 130 / 11], [10, 10]]
    np.testing.assert_allclose(steps, expected, rtol=0, atol=1e-12)


def test_paying_in_a_state_or_on_reaching_it_is_one_machine():
    paid_in_state = robust_price.build("machine_replacement")
    published = mdpkit.problems.machine_replacement()
    U, V = (mdpkit.solve(model, tol=1e-10) for model in (paid_in_state, published))
    cost = -paid_in_state.rewards[:, 0]
    # U = -c + gamma V by definition; U then solves the other model's equation only if the costs are the published ones.
    np.testing.assert_allclose(U.V, -cost + published.gamma * V.V, rtol=0, atol=1e-8)
    assert U.policy.tolist() == V.policy.tolist()


@pytest.mark.parametrize("family", ["kl", "reverse_kl", "chi_square"])
@pytest.mark.parametrize("kappa", [0.05, 0.3, 0.6])
def test_matched_sets_touch_the_l1_ball_from_inside(family: str, kappa: float):
    # Around the even row nature moves t to the bad state, an L1 distance of 2 t; there the matching is tight but for
    # terms of higher order.
    value, _ = worst_case([0.0, 1.0], [0.5, 0.5], robust_price.uncertainty(family, kappa))
    distance = 2 * (0.5 - value)
    assert 0.9 * kappa <= distance <= kappa * (1 + 1e-12)


class Stub:
    """Two states, two actions: action 0 stays and earns the state's number, action 1 moves and earns nothing."""

    n_states, n_actions, gamma = 2, 2, 0.5
    rewards = np.array([[0.0, 0.0], [1.0, 0.0]])

    def sample_counts(self, n):
        return n * np.array([[1, 0], [0, 1], [0, 1], [1, 0]])


@pytest.mark.parametrize("n", [100, 10_000])
def test_planning_for_the_worst_case_needs_no_model(n: int):
    kappa = float(l1_radius([[n, n], [n, n]], robust_radius.DELTA, sampling="fixed")[0, 0])
    assert kappa < 1.0
    # Nature moves kappa / 2 to state 0: v1 = 1 + gamma w, v0 = gamma w with w = (1 - kappa / 2) v1 + kappa / 2 v0.
    w = (1.0 - kappa / 2) / (1.0 - Stub.gamma)
    solution = robust_radius.plan(Stub(), n, "l1")
    np.testing.assert_allclose(solution.V, [Stub.gamma * w, 1.0 + Stub.gamma * w], rtol=0, atol=1e-7)
    assert solution.policy.tolist() == [1, 0]


@given(seed=st.integers(0, 10_000), norm=st.sampled_from(sorted(robust_regularization.BALLS)))
def test_the_first_zero_is_where_the_steepest_step_leaves_the_simplex(seed: int, norm: str):
    q, z = robust_regularization.instance(seed)
    step = robust_regularization.direction(z, norm)
    assert abs(step.sum()) <= 1e-12
    assert np.linalg.norm(step, {"l1": 1, "l2": 2, "linf": np.inf}[norm]) == pytest.approx(1.0, abs=1e-12)
    assert -step @ z == pytest.approx(float(bounds.lp_regularization(payoff=z, radius=1.0, norm=norm)), abs=1e-12)
    edge = robust_regularization.first_zero(q, z, norm)
    assert np.min(q + edge * step) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("name", ["l1", "weighted_l1"])
@pytest.mark.parametrize("budget", [0.0, 0.07, 0.5, 1.0, 1.5, 2.4])
def test_the_shared_budget_is_that_of_a_linear_program(name: str, budget: float):
    solution = mdpkit.solve(robust_shared_budget.decision(name, budget), tol=1e-12)
    value = _least_maximum(robust_shared_budget.THREE_ACTIONS, budget, weighted=name == "weighted_l1")
    assert solution.V[0] == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("name", robust_shared_budget.SETS)
def test_certificates_cover_the_rounding_of_inner_problems_without_a_discount(name: str):
    # With gamma = 0 nothing but the inner problem rounds; enclosures as narrow as the rewards contradict each other.
    for budget in np.linspace(0.0, robust_shared_budget.LARGEST[name], 61):
        problem = robust_shared_budget.decision(name, budget)
        solution = mdpkit.solve(problem, tol=1e-12)
        attained = evaluate_robust(problem, solution.policy, tol=1e-12)
        assert solution.lower[0] < attained.V[0] < solution.upper[0]


def _least_maximum(actions, budget: float, *, weighted: bool) -> float:
    """Minimize ``u`` over laws ``p_a`` and deviations ``t_a >= |p_a - q_a|`` with ``p_a.z_a <= u``."""
    q = np.concatenate([row for row, _, _ in actions])
    w = np.concatenate([weights for _, _, weights in actions]) if weighted else np.ones(len(q))
    n, A = len(q), len(actions)
    owner = np.repeat(np.arange(A), [len(row) for row, _, _ in actions])
    z = np.concatenate([payoffs for _, payoffs, _ in actions])
    member = (owner == np.arange(A)[:, None]).astype(float)
    eye, none = np.eye(n), np.zeros((n, 1))
    upper = np.vstack(
        [
            np.hstack([member * z, np.zeros((A, n)), -np.ones((A, 1))]),
            np.hstack([eye, -eye, none]),
            np.hstack([-eye, -eye, none]),
            np.concatenate([np.zeros(n), w, [0.0]])[None],
        ]
    )
    limits = np.concatenate([np.zeros(A), q, -q, [budget]])
    sums = np.hstack([member, np.zeros((A, n + 1))])
    objective = np.zeros(2 * n + 1)
    objective[-1] = 1.0
    free = [(0.0, None)] * (2 * n) + [(None, None)]
    return float(linprog(objective, upper, limits, sums, np.ones(A), free, method="highs").fun)
