"""Every deterministic bound on random small MDPs, and every formula monotone in what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import bounds
from tests.bounds.examples import EXAMPLES

some = settings(deadline=None, max_examples=60)
seeds = st.integers(0, 2**32 - 1)
gammas = st.sampled_from([0.0, 0.3, 0.8, 0.95])
TINY = 1e-9


@dataclass
class Small:
    """A random MDP with rewards in [0, 1], sparse rows included, solved by plain linear algebra."""

    P: np.ndarray
    r: np.ndarray
    gamma: float

    @classmethod
    def draw(cls, rng: np.random.Generator, gamma: float) -> Small:
        S, A = rng.integers(1, 6), rng.integers(1, 4)
        P = rng.dirichlet(np.full(S, rng.choice([0.05, 1.0])), size=(S, A))
        return cls(P, rng.choice([0.0, 1.0, rng.random()], size=(S, A)), gamma)

    def T(self, V: np.ndarray) -> np.ndarray:
        return self.q(V).max(axis=1)

    def q(self, V: np.ndarray) -> np.ndarray:
        return self.r + self.gamma * self.P @ V

    def chain(self, policy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        s = np.arange(len(self.r))
        return self.P[s, policy], self.r[s, policy]

    def evaluate(self, policy: np.ndarray) -> np.ndarray:
        P, r = self.chain(policy)
        return np.linalg.solve(np.eye(len(r)) - self.gamma * P, r)

    def solve(self) -> np.ndarray:
        """Policy iteration."""
        policy = np.zeros(len(self.r), dtype=int)
        for _ in range(100):
            V = self.evaluate(policy)
            Q = self.q(V)
            better = Q.max(axis=1) > V + 1e-12
            if not better.any():
                return V
            policy = np.where(better, Q.argmax(axis=1), policy)
        raise AssertionError("policy iteration did not end")


def draws(seed: int, gamma: float) -> tuple[Small, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return Small.draw(rng, gamma), rng


# ---------------------------------------------------------------- on models


@some
@given(seeds, gammas)
def test_contractions(seed, gamma):
    mdp, rng = draws(seed, gamma)
    V, W = rng.normal(size=(2, len(mdp.r)))
    change = mdp.T(V) - mdp.T(W)
    assert np.abs(change).max() <= bounds.bellman_contraction(gamma=gamma, distance=np.abs(V - W).max()) + TINY
    rows = mdp.P.reshape(-1, mdp.P.shape[-1])
    overlap = min(np.minimum(k, m).sum() for k in rows for m in rows)
    limit = bounds.bellman_span_contraction(gamma=gamma, span=np.ptp(V - W), overlap=min(overlap, 1.0))
    assert np.ptp(change) <= limit + TINY


@some
@given(seeds, gammas)
def test_value_iteration(seed, gamma):
    mdp, rng = draws(seed, gamma)
    optimal, V = mdp.solve(), rng.normal(size=len(mdp.r))
    iterates = [V]
    for _ in range(12):
        iterates.append(mdp.T(iterates[-1]))
    first, span = np.abs(iterates[1] - V).max(), np.ptp(iterates[1] - V)
    for n in range(1, 13):
        before, after = iterates[n - 1], iterates[n]
        d = after - before
        error = np.abs(after - optimal).max()
        assert error <= bounds.value_iteration_a_priori(gamma=gamma, iterations=n, first_step=first) + TINY
        assert error <= bounds.value_iteration_a_posteriori(gamma=gamma, last_step=np.abs(d).max()) + TINY
        residual_bound = bounds.bellman_residual_error(gamma=gamma, residual=np.abs(d).max())
        assert np.abs(before - optimal).max() <= residual_bound + TINY
        middle = after + gamma / (1 - gamma) * (d.min() + d.max()) / 2
        limit = bounds.macqueen_porteus_error(gamma=gamma, span=np.ptp(d))
        assert np.abs(middle - optimal).max() <= limit + TINY
        loss = (optimal - mdp.evaluate(mdp.q(before).argmax(axis=1))).max()
        assert loss <= bounds.macqueen_porteus_policy_loss(gamma=gamma, span=np.ptp(d)) + TINY
        assert loss <= bounds.greedy_policy_loss(gamma=gamma, error=np.abs(before - optimal).max()) + TINY
        if limit > 0 and n >= bounds.value_iteration_sweeps(gamma=gamma, tol=0.1, span=span):
            assert limit <= 0.1 + TINY


@some
@given(seeds, gammas, st.sampled_from([0.01, 0.3]))
def test_policies_from_noisy_values(seed, gamma, noise):
    mdp, rng = draws(seed, gamma)
    optimal = mdp.solve()
    Q = mdp.q(optimal) + rng.uniform(-noise, noise, size=mdp.r.shape)
    loss = (optimal - mdp.evaluate(Q.argmax(axis=1))).max()
    assert loss <= bounds.greedy_policy_loss_from_q(gamma=gamma, error=noise) + TINY
    policy = rng.integers(mdp.r.shape[1], size=len(mdp.r))
    for k in range(1, 6):
        policy = (mdp.q(mdp.evaluate(policy)) + rng.uniform(-noise, noise, size=mdp.r.shape)).argmax(axis=1)
        limit = bounds.approximate_policy_iteration_loss(gamma=gamma, iterations=k, error=noise)
        assert (optimal - mdp.evaluate(policy)).max() <= limit + TINY


@some
@given(seeds, gammas)
def test_politex(seed, gamma):
    mdp, _ = draws(seed, gamma)
    (S, A), rounds, H = mdp.r.shape, 20, 1 / (1 - gamma)
    eta = np.sqrt(8 * np.log(A) / rounds) / H
    total, values = np.zeros((S, A)), np.zeros(S)
    for _ in range(rounds):
        pi = np.exp(eta * (total - total.max(axis=1, keepdims=True)))
        pi /= pi.sum(axis=1, keepdims=True)
        V = np.linalg.solve(np.eye(S) - gamma * np.einsum("sa,sat->st", pi, mdp.P), (pi * mdp.r).sum(axis=1))
        values, total = values + V / rounds, total + mdp.q(V)
    limit = bounds.politex_average_loss(gamma=gamma, iterations=rounds, n_actions=A)
    assert (mdp.solve() - values).max() <= limit + TINY


@some
@given(seeds, gammas)
def test_performance_difference(seed, gamma):
    mdp, rng = draws(seed, gamma)
    S, A = mdp.r.shape
    old, new = rng.integers(A, size=(2, S))
    start = rng.dirichlet(np.ones(S))
    visits = np.linalg.solve((np.eye(S) - gamma * mdp.chain(new)[0]).T, start)
    occupancy = np.zeros((S, A))
    occupancy[np.arange(S), new] = np.maximum(visits, 0.0)
    V = mdp.evaluate(old)
    difference = bounds.performance_difference(occupancy=occupancy, advantage=mdp.q(V) - V[:, None])
    assert abs(difference - start @ (mdp.evaluate(new) - V)) < TINY


@some
@given(seeds, gammas, st.sampled_from([0.02, 0.5, 1.0]))
def test_simulation_lemma(seed, gamma, mix):
    mdp, rng = draws(seed, gamma)
    S, A = mdp.r.shape
    other = Small(
        (1 - mix) * mdp.P + mix * rng.dirichlet(np.ones(S), size=(S, A)), mdp.r + rng.normal(size=(S, A)) * mix, gamma
    )
    errors: dict[str, Any] = {
        "gamma": gamma,
        "reward_error": np.abs(mdp.r - other.r).max(),
        "transition_error": min(np.abs(mdp.P - other.P).sum(axis=2).max(), 2.0),
    }
    policy = rng.integers(A, size=S)
    for V, W in ((mdp.evaluate(policy), other.evaluate(policy)), (mdp.solve(), other.solve())):
        seen = np.abs(V - W).max()
        assert seen <= bounds.simulation_lemma_span(**errors, span=np.ptp(V)) + TINY
        assert seen <= bounds.simulation_lemma_span(**errors, span=np.ptp(W)) + TINY
        assert seen <= bounds.simulation_lemma(**errors, value_max=np.abs(V).max()) + TINY


@some
@given(seeds, st.sampled_from([0.3, 0.8, 0.95]))
def test_total_variance(seed, gamma):
    mdp, rng = draws(seed, gamma)
    policy = rng.integers(mdp.r.shape[1], size=len(mdp.r))
    (P, r), V, identity = mdp.chain(policy), mdp.evaluate(policy), np.eye(len(mdp.r))
    sigma2 = np.maximum(P @ V**2 - (P @ V) ** 2, 0.0)
    variance = gamma**2 * np.linalg.solve(identity - gamma**2 * P, sigma2)
    # second moment of the return, by its own equation: E R^2 = r^2 + 2 gamma r P V + gamma^2 P E R^2
    second = np.linalg.solve(identity - gamma**2 * P, r**2 + 2 * gamma * r * (P @ V))
    np.testing.assert_allclose(variance, second - V**2, atol=1e-8 * (1 + V.max() ** 2))
    assert variance.max() <= bounds.return_variance(gamma=gamma) + TINY
    accumulated = np.linalg.solve(identity - gamma * P, np.sqrt(sigma2))
    assert accumulated.max() <= bounds.accumulated_deviation(gamma=gamma) + TINY


@some
@given(seeds, st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from([0.3, 0.9]))
def test_mdvi_error(seed, alpha, gamma):
    """Any noise at all, not only that of samples."""
    mdp, rng = draws(seed, gamma)
    optimal = mdp.solve()
    s, w, w_before, noise, total, sums = np.zeros_like(mdp.r), *np.zeros((2, len(mdp.r))), 0.0 * mdp.r, 0.0, []
    for _ in range(15):
        eps = rng.normal(size=mdp.r.shape) * 0.1
        s = mdp.r + gamma * mdp.P @ (w - alpha * w_before) + eps + alpha * s
        w_before, w = w, s.max(axis=1)
        noise, total = eps + alpha * noise, 1 + alpha * total
        sums.append(np.abs(noise).max())
        error = bounds.mdvi_error(gamma=gamma, alpha=alpha, noise=sums, value_max=np.abs(optimal).max())
        assert np.abs(w / total - optimal).max() <= error + TINY
        assert np.abs(s / total - mdp.q(optimal)).max() <= error + TINY
        loss = (optimal - mdp.evaluate(s.argmax(axis=1))).max()
        assert loss <= 2 * error / (1 - gamma) + TINY


# ---------------------------------------------------------------- on vectors


@some
@given(seeds, st.sampled_from([0.1, 1.0, 10.0]))
def test_elliptical_potential(seed, lam):
    rng = np.random.default_rng(seed)
    n, d = rng.integers(1, 40), rng.integers(1, 5)
    X = rng.normal(size=(n, d)) * rng.choice([0.1, 1.0, 5.0])
    V, total = lam * np.eye(d), 0.0
    for x in X:
        total += min(1.0, x @ np.linalg.solve(V, x))
        V += np.outer(x, x)
    log_det = np.linalg.slogdet(V)[1] - d * np.log(lam)
    form = bounds.elliptical_potential(log_det_ratio=max(log_det, 0.0))
    largest = np.linalg.norm(X, axis=1).max()
    coarse = bounds.elliptical_potential_dimension(n=int(n), d=int(d), lam=lam, feature_bound=largest)
    assert total <= form + TINY
    assert form <= coarse + TINY


@some
@given(seeds)
def test_weighted_regression(seed):
    rng = np.random.default_rng(seed)
    d = rng.integers(1, 5)
    X, f = rng.normal(size=(12, d)), rng.uniform(0.2, 3, size=12)
    core = slice(0, d + 2)
    rho, z = rng.dirichlet(np.ones(d + 2)), rng.normal(size=d + 2)
    weight = rho / f[core] ** 2
    G = (X[core].T * weight) @ X[core]
    omega = np.linalg.solve(G, X[core].T @ (weight * z))
    g = ((X @ np.linalg.inv(G)) * X).sum(axis=1) / f**2
    limit = bounds.weighted_regression_error(design_value=g.max(), noise=(np.abs(z) / f[core]).max())
    assert (np.abs(X @ omega) / f).max() <= limit * (1 + 1e-6)


@some
@given(seeds)
def test_oful_regret_from_its_event(seed):
    """The deterministic step of the proof: per-round regrets 2 min(1, beta ||x||) add up to at most the bound."""
    rng = np.random.default_rng(seed)
    n, d, beta = 50, 3, rng.uniform(0.1, 5)
    V, total = np.eye(d), 0.0
    for x in rng.normal(size=(n, d)):
        total += 2 * min(1.0, beta * np.sqrt(x @ np.linalg.solve(V, x)))
        V += np.outer(x, x)
    assert total <= bounds.oful_regret(n=n, radius=beta, log_det_ratio=np.linalg.slogdet(V)[1]) + TINY


# ---------------------------------------------------------------- monotone

DECREASING = {
    "n": {
        "hoeffding_model_error", "empirical_bernstein", "empirical_bernstein_model_error", "weissman_radius",
        "weissman_radius_adaptive", "plug_in_error", "plug_in_policy_loss", "sampled_value_iteration_error",
        "sampled_value_iteration_policy_loss", "mdvi_noise", "mdvi_noise_freedman",
        "weissman_robust_radius", "hoeffding_robust_radius", "categorical_sampling_rate",
        "preference_seminorm_radius", "preference_mle_rate", "pessimism_lower_bound_rate",
    },
    "utility_range": {"preference_curvature"},
    "curvature": {"preference_seminorm_radius", "preference_mle_rate"},
    "n_choices": {"pair_splitting_efficiency"},
    "horizon": {"return_truncation_error", "erm_truncation_error"},
    "n_atoms": {"quantile_wasserstein_error"},
    "tau": {"cvar_lipschitz", "stock_grid_cvar_error"},
    "delta": {bound.name for bound in bounds.catalogue()},
    "overlap": {"bellman_span_contraction"},
    "eps": {"tabular_mdvi_rate", "plug_in_rate", "wls_mdvi_rate", "vwls_mdvi_rate", "linear_mdp_query_lower_bound"},
    "tol": {"value_iteration_sweeps", "robust_value_iteration_sweeps"},
    "power": {"partial_policy_iteration_loss"},
    "iterations": {
        "value_iteration_a_priori", "approximate_policy_iteration_loss", "politex_average_loss",
        "robust_value_iteration_a_priori", "partial_policy_iteration_loss",
        "distributional_value_iteration_error", "distributional_policy_iteration_error", "stock_greedy_loss_a_priori",
    },
    "alpha": {"mdvi_averaging"},
}  # fmt: skip
NEITHER = {
    ("sampled_value_iteration_error", "iterations"), ("sampled_value_iteration_policy_loss", "iterations"),
    ("oful_radius", "lam"), ("oful_radius_dimension", "lam"), ("elliptical_potential_dimension", "lam"),
    ("linear_mdp_query_lower_bound", "gamma"), ("wls_mdvi_stationary_deviation", "gamma"),
    ("mdvi_error", "noise"), ("mdvi_error", "alpha"), ("lp_regularization", "norm"),
    ("distributional_contraction", "metric"),
    ("preference_curvature", "n_choices"), ("preference_seminorm_radius", "parameter_norm"),
}  # fmt: skip
WHOLE = (int, np.integer)


def monotone_cases() -> list[tuple[str, str]]:
    return [
        (name, argument)
        for name, call in EXAMPLES.items()
        for argument, value in call.items()
        if not isinstance(value, list) and (name, argument) not in NEITHER
    ]


@pytest.mark.parametrize(("name", "argument"), monotone_cases())
def test_monotone(name, argument):
    """Five values around the example's; strictly the wrong way never, and not constant unless only a flag."""
    call = EXAMPLES[name]
    start = call[argument]
    if isinstance(start, WHOLE):
        points = [start, start + 1, start + 3] if argument != "k" else [start, start + 1, start + 2]
    elif argument in ("gamma", "alpha", "delta", "overlap", "stay", "transition_error"):
        points = [start * 0.98, start * 0.99, start]
    else:
        points = [start * 0.5, start * 0.9, start]
    values = [float(bounds.get(name).value(**{**call, argument: x})) for x in points]
    sign = -1 if name in DECREASING.get(argument, ()) else 1
    steps = sign * np.diff(values)
    assert (steps >= -1e-12).all(), values
    only_flags = argument in ("horizon", "reward_range", "n", "value_max") and name in FLAG_ONLY.get(argument, ())
    assert only_flags == (steps == 0).all() or name == "value_iteration_sweeps"


FLAG_ONLY = {
    "horizon": {"pevi_suboptimality"},
    "reward_range": {"simulation_lemma", "simulation_lemma_span"},
    "n": {"elliptical_potential"},
}
