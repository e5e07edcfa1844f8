"""Published and independently computed numbers (mdvi.md C4, C6, d.6, d.7, d.9), and closed-form equality cases."""

from __future__ import annotations

from math import isclose, log, sqrt

import numpy as np
import pytest

from mdpkit import bounds

# ---------------------------------------------------------------- mdvi.md d.9


def bandit() -> np.ndarray:
    five = [(1, 0), (0, 1), (0.6, 0.8), (0.8, -0.6), (1 / sqrt(2), 1 / sqrt(2))]
    return np.array(five * 4)


def test_elliptical_potential_of_the_bandit():
    V, total = np.eye(2), 0.0
    for x in bandit():
        total += min(1.0, x @ np.linalg.solve(V, x))
        V += np.outer(x, x)
    np.testing.assert_allclose(V, [[11, 2], [2, 11]], atol=1e-12)
    assert abs(total - 5.818525516) < 1e-8
    by_determinant = bounds.elliptical_potential(log_det_ratio=log(np.linalg.det(V)), n=20)
    by_dimension = bounds.elliptical_potential_dimension(n=20, d=2, lam=1)
    assert abs(by_determinant - 9.524347870) < 1e-8
    assert abs(by_dimension - 9.591581091) < 1e-8
    assert total <= by_determinant <= by_dimension


def test_oful_radii_of_the_bandit():
    assert abs(bounds.oful_radius(log_det_ratio=log(117), delta=0.05, lam=1) - 4.279274078) < 1e-8
    assert abs(bounds.oful_radius_dimension(t=20, d=2, delta=0.05, lam=1) - 4.284395697) < 1e-8


def test_ucbvi_theorem_1():
    value = bounds.ucbvi_regret(n_states=5, n_actions=3, horizon=10, episodes=1000, delta=0.05)
    assert abs(value - 513207522.31) < 0.005


def test_query_lower_bound():
    value = bounds.linear_mdp_query_lower_bound(gamma=0.9, d=4, eps=0.1, delta=0.05)
    # mdvi.md d.9: Delta = 0.0160444444 and 54.184
    delta_gap = 0.0160444444
    assert abs(value - 54.184) < 5e-4
    assert isclose(value, 4 / (5 * delta_gap**2 * 10) * log(1 / (1 - 0.4**2)), rel_tol=1e-8)


# ---------------------------------------------------------------- mdvi.md d.7


@pytest.mark.parametrize(
    ("gamma", "se", "expected"),
    [
        (0.9, 0.0745600353, 0.0913825274),
        (0.9, 0.03934594, 0.04822330),
        (0.95, 0.1527248804, 0.2567486487),
        (0.975, 0.3085738601, 0.7229145685),
        (0.9875, 0.6200233269, 2.0394707432),
        (0.99375, 1.2427958450, 5.7606563460),
    ],
)
def test_stationary_deviation_of_the_leaky_instance(gamma, se, expected):
    value = bounds.wls_mdvi_stationary_deviation(gamma=gamma, stay=1 - (1 - gamma) / 2, standard_error=se)
    assert isclose(value, expected, rel_tol=2e-7)


def test_stationary_deviation_against_the_recursion():
    """Variance of u_k = b u_{k-1} + E_k, E_k = a E_{k-1} + eps_k, by iterating the covariance of (u, E)."""
    a, b = 0.8, 0.8 * 0.7
    F, noise = np.array([[b, a], [0, a]]), np.ones((2, 2))
    covariance = np.zeros((2, 2))
    for _ in range(2000):
        covariance = F @ covariance @ F.T + noise
    value = bounds.wls_mdvi_stationary_deviation(gamma=0.8, stay=0.7, standard_error=1)
    assert isclose(value, (1 - a) * sqrt(covariance[0, 0]), rel_tol=1e-12)


@pytest.mark.parametrize(("gamma", "seen", "limit"), [(0.9, 7.7799466364, 24.216), (0.95, 21.6304750955, 65.737)])
def test_total_variance_of_the_leaky_instance(gamma, seen, limit):
    value = bounds.accumulated_deviation(gamma=gamma)
    assert abs(value - limit) < 5e-4
    assert seen <= value


# ---------------------------------------------------------------- equality cases


@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("n", [1, 2, 10])
def test_one_state_attains_the_value_iteration_bounds(gamma, n):
    """Reward 1: V_n = (1 - gamma^n) H, V* = H."""
    V = [(1 - gamma**k) / (1 - gamma) for k in range(n + 1)]
    error = 1 / (1 - gamma) - V[n]
    before = bounds.value_iteration_a_priori(gamma=gamma, iterations=n, first_step=V[1] - V[0])
    after = bounds.value_iteration_a_posteriori(gamma=gamma, last_step=V[n] - V[n - 1])
    residual = bounds.bellman_residual_error(gamma=gamma, residual=(1 + gamma * V[n]) - V[n])
    for value in (before, after, residual):
        assert isclose(value, error, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("gamma", [0.3, 0.9, 0.99])
def test_two_loops_attain_the_span_bounds(gamma):
    """Two absorbing states paying 1 and 0: from V = 0 the midpoint is wrong by exactly the bound, in both."""
    V, TV, optimal = np.zeros(2), np.array([1.0, 0.0]), np.array([1 / (1 - gamma), 0.0])
    d = TV - V
    midpoint = TV + gamma / (1 - gamma) * (d.max() + d.min()) / 2
    error = np.abs(midpoint - optimal)
    bound = bounds.macqueen_porteus_error(gamma=gamma, span=np.ptp(d))
    np.testing.assert_allclose(error, bound, rtol=1e-12)
    # A third state that may go to either loop, V = 0 a tie: the wrong choice loses the whole span bound.
    loss = gamma * (optimal[0] - optimal[1])
    assert isclose(bounds.macqueen_porteus_policy_loss(gamma=gamma, span=np.ptp(d)), loss, rel_tol=1e-12)


@pytest.mark.parametrize("gamma", [0.3, 0.9, 0.99])
def test_stay_or_go_attains_the_greedy_loss(gamma):
    """State 0 stays for 0 or goes to state 1, which pays 2 eps for ever (docstring of the bound)."""
    eps = 0.25
    optimal = np.array([gamma * 2 * eps / (1 - gamma), 2 * eps / (1 - gamma)])
    V = optimal + np.array([eps, -eps])
    assert isclose(gamma * V[0], gamma * V[1], rel_tol=1e-12)  # a tie: staying is greedy
    assert isclose(bounds.greedy_policy_loss(gamma=gamma, error=eps), optimal[0] - 0.0, rel_tol=1e-12)


@pytest.mark.parametrize("gamma", [0.3, 0.9, 0.99])
def test_one_state_attains_the_greedy_loss_from_q(gamma):
    """Actions paying 0 and 2 eps for ever; Q one eps too high for the first, too low for the second, is a tie."""
    eps = 0.25
    best = 2 * eps / (1 - gamma)
    Q = np.array([gamma * best + eps, 2 * eps + gamma * best - eps])
    assert isclose(Q[0], Q[1], rel_tol=1e-12)
    assert isclose(bounds.greedy_policy_loss_from_q(gamma=gamma, error=eps), best - 0.0, rel_tol=1e-12)


@pytest.mark.parametrize("gamma", [0.3, 0.9, 0.99])
def test_equal_rows_attain_the_simulation_lemma(gamma):
    """Rows (p, 1-p) in both states, rewards 1 and 0 (plus 0.1 in the other model)."""
    r, p, q = np.array([1.0, 0.0]), 0.7, 0.5

    def value(p: float, r: np.ndarray) -> np.ndarray:
        return np.linalg.solve(np.eye(2) - gamma * np.array([[p, 1 - p]] * 2), r)

    seen = np.abs(value(p, r) - value(q, r - 0.1)).max()
    span = np.ptp(value(p, r))
    errors = {"gamma": gamma, "reward_error": 0.1, "transition_error": 2 * (p - q)}
    assert isclose(bounds.simulation_lemma_span(**errors, span=span), seen, rel_tol=1e-9)
    assert bounds.simulation_lemma(**errors, value_max=np.abs(value(p, r)).max()) >= seen


def test_basis_attains_the_elliptical_potential_dimension_form():
    """Each basis vector n/d times: the determinant is the largest the trace allows."""
    log_det = 3 * log(1 + 10 / 3 * 1.0)
    value = bounds.elliptical_potential_dimension(n=10, d=3, lam=1)
    assert isclose(value, bounds.elliptical_potential(log_det_ratio=log_det), rel_tol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9])
def test_noise_free_mdvi_of_one_state(alpha):
    """One action, r = 1: w_k = A_k r + gamma w_{k-1}; exact iterates obey the recursion with equality."""
    gamma, w, total = 0.9, 0.0, 0.0
    for k in range(1, 30):
        total = 1 + alpha * total
        w = total + gamma * w
        bound = bounds.mdvi_error(gamma=gamma, alpha=alpha, noise=np.zeros(k))
        assert isclose(bound, 10 - w / total, rel_tol=1e-9)


def test_mdvi_without_regularization_is_sampled_value_iteration():
    """alpha = 0 and C2's noise give b.7's bound, up to its coarser 1 + gamma + ... <= H."""
    run = {"gamma": 0.8, "n": 10_000, "n_pairs": 6, "delta": 0.1}
    K = 200
    noise = [bounds.mdvi_noise(**run, alpha=0, k=k, iterations=K) for k in range(1, K + 1)]
    by_recursion = bounds.mdvi_error(gamma=0.8, alpha=0, noise=noise)
    assert isclose(by_recursion, bounds.sampled_value_iteration_error(**run, iterations=K), rel_tol=1e-12)


def test_sweeps_are_just_enough():
    for gamma in (0.3, 0.5, 0.9, 0.99):
        for tol in (1e-1, 0.125, 1e-4):
            n = int(bounds.value_iteration_sweeps(gamma=gamma, tol=tol, span=1.0))
            assert bounds.macqueen_porteus_error(gamma=gamma, span=gamma ** (n - 1)) <= tol * (1 + 1e-9)
            if n > 1:
                assert bounds.macqueen_porteus_error(gamma=gamma, span=gamma ** (n - 2)) > tol * (1 + 1e-12)
    assert bounds.value_iteration_sweeps(gamma=0, tol=1e-3, span=1) == 1


def test_weissman_does_not_overflow():
    many = bounds.weissman_radius(n=10**7, n_successors=5000, delta=0.1)
    assert isclose(many, sqrt(2 * (5000 * log(2) + log(10)) / 10**7), rel_tol=1e-12)


@pytest.mark.parametrize("name", ["tabular_mdvi_rate", "vwls_mdvi_rate", "lsvi_ucb_rate", "categorical_sampling_rate"])
def test_rates_scale_by_their_exponents(name):
    bound = bounds.get(name)
    base = dict.fromkeys(bound.parameters, 3)
    for parameter, power in bound.exponents.items():
        assert isclose(bound.value(**{**base, parameter: 6}) / bound.value(**base), 2**power, rel_tol=1e-12)


# ---------------------------------------------------------------- formulas against the inequality they come from


def test_freedman_radius_inverts_the_tail():
    """exp(-t^2 / (2 v + 2 b t / 3)) must be below e^-l at t, and not far below: t is at most sqrt(2) too large."""
    gamma, alpha, k, n, variance, width = 0.9, 0.8, 5, 50, 2.0, 7.0
    run = {"gamma": gamma, "alpha": alpha, "k": k, "iterations": 9, "n": n, "n_pairs": 6, "delta": 0.1}
    t = bounds.mdvi_noise_freedman(**run, variance=variance, value_range=width)
    v = gamma**2 * variance / n * sum(alpha ** (2 * i) for i in range(k))
    b, wanted = gamma * width / n, log(2 * 6 * 9 / 0.1)
    assert t**2 / (2 * v + 2 * b * t / 3) >= wanted
    assert (t / sqrt(2)) ** 2 / (2 * v + 2 * b * (t / sqrt(2)) / 3) < wanted


def test_policy_losses_are_twice_the_horizon_times_the_error():
    call = {"gamma": 0.9, "n": 10**6, "n_pairs": 6, "delta": 0.1}
    loss, error = bounds.plug_in_policy_loss(**call), bounds.plug_in_error(**call)
    assert isclose(loss, 20 * error, rel_tol=1e-12)
    loss = bounds.sampled_value_iteration_policy_loss(**call, iterations=90)
    assert isclose(loss, 20 * bounds.sampled_value_iteration_error(**call, iterations=90), rel_tol=1e-12)


def test_ucbvi_theorem_2_in_parts():
    """S = A = H = K = 1: L = log(5 / delta) and the three terms are 30 L, 2500 L^2 and 4 sqrt(L)."""
    L = log(5 / 0.05)
    value = bounds.ucbvi_bernstein_regret(n_states=1, n_actions=1, horizon=1, episodes=1, delta=0.05)
    assert isclose(value, 30 * L + 2500 * L**2 + 4 * sqrt(L), rel_tol=1e-12)
    # mdvi.md d.9: S = 5, A = 3, H = 10, K = 1000 has L = 16.523560759
    L = 16.523560759
    value = bounds.ucbvi_bernstein_regret(n_states=5, n_actions=3, horizon=10, episodes=1000, delta=0.05)
    parts = 300 * L * sqrt(15_000) + 2500 * 7500 * L**2 + 4 * sqrt(1000) * sqrt(1000 * L)
    assert isclose(value, parts, rel_tol=1e-9)
