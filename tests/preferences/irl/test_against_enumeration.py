"""Fits against lists of all trajectories, loops, finite differences and another optimizer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize

from mdpkit.preferences.irl import causal_maxent_irl, maxent_irl
from mdpkit.preferences.irl.demonstrations import read_features, read_problem
from mdpkit.preferences.irl.soft_model import SoftModel
from tests.preferences.irl.support import Case, cases, dataset, law, mean_features, paths, soft_policy

some = settings(max_examples=40, deadline=None)
few = settings(max_examples=20, deadline=None)


def model_of(case: Case) -> SoftModel:
    problem = case.problem
    steps = read_problem(problem, deterministic=False)
    bases = read_features(case.features, steps, problem.n_states, problem.n_actions)
    return SoftModel(steps, bases, case.gamma ** np.arange(problem.horizon), problem.initial)


def check_fit(fit, case, mean):
    """Assert what a fit to the features of `case.theta` itself must satisfy."""
    V, policy = soft_policy(case, case.theta)
    assert fit.converged
    assert fit.status == "converged"
    np.testing.assert_allclose(fit.expected_features, mean, atol=1e-11)
    np.testing.assert_array_equal(fit.demonstrated_features, mean)
    reached = np.array(model_of(case).reached())
    # The policy is identified where something leads; elsewhere no demonstration says anything.
    np.testing.assert_allclose(fit.policy[reached], policy[reached], atol=1e-8)
    np.testing.assert_allclose(np.sum(fit.policy, axis=2), 1.0, atol=1e-14)
    assert (fit.policy[~case.mask] == 0.0).all()
    # The parameter is found up to what no trajectory shows, and is the shortest such one.
    assert fit.null_basis.shape == (len(mean), len(mean) - fit.rank)
    np.testing.assert_allclose(fit.null_basis.T @ fit.theta, 0.0, atol=1e-12)
    span = np.eye(len(mean)) - fit.null_basis @ fit.null_basis.T
    np.testing.assert_allclose(fit.theta, span @ case.theta, atol=1e-7)
    V, policy = soft_policy(case, fit.theta)
    np.testing.assert_allclose(fit.V, V, atol=1e-12)
    np.testing.assert_allclose(fit.policy, policy, atol=1e-12)
    assert fit.nll == pytest.approx(case.initial @ V[0] - fit.theta @ mean, abs=1e-11)


@some
@given(cases(sure=True))
def test_sure_transitions(case):
    mean = mean_features(case, soft_policy(case, case.theta)[1])
    fit = maxent_irl(case.problem, case.features, mean)
    check_fit(fit, case, mean)
    # Partition function and law, trajectory by trajectory.
    found, weights = law(case, fit.policy)
    utility = np.array([path.phi @ fit.theta for path in found])
    for s in np.flatnonzero(case.initial):
        own = [k for k, path in enumerate(found) if path.start == s]
        assert fit.V[0, s] == pytest.approx(np.logaddexp.reduce(utility[own]), abs=1e-12)
        np.testing.assert_allclose(weights[own], case.initial[s] * np.exp(utility[own] - fit.V[0, s]), rtol=1e-10)
    # The information is the covariance of the features of a trajectory, given where it starts.
    np.testing.assert_allclose(fit.information, covariance_given_start(case, found, weights), atol=1e-11)
    np.testing.assert_array_equal(fit.feature_covariance, fit.information)
    np.testing.assert_allclose(
        fit.cov, np.linalg.pinv(fit.information, rcond=1e-9, hermitian=True), rtol=1e-6, atol=1e-9
    )


@some
@given(cases(sure=False))
def test_random_transitions(case):
    mean = mean_features(case, soft_policy(case, case.theta)[1])
    fit = causal_maxent_irl(case.problem, case.features, mean)
    check_fit(fit, case, mean)
    found, weights = law(case, fit.policy)
    np.testing.assert_allclose(fit.feature_covariance, covariance_given_start(case, found, weights), atol=1e-11)
    assert np.linalg.eigvalsh(fit.feature_covariance - fit.information)[0] > -1e-11
    inverse = np.linalg.pinv(fit.information, rcond=1e-9, hermitian=True)
    np.testing.assert_allclose(fit.cov, inverse @ fit.feature_covariance @ inverse, rtol=1e-6, atol=1e-9)


def covariance_given_start(case, found, weights):
    phi = np.array([path.phi for path in found])
    total = np.zeros((phi.shape[1], phi.shape[1]))
    for s in np.flatnonzero(case.initial):
        own = [k for k, path in enumerate(found) if path.start == s]
        share = weights[own] / case.initial[s]
        deviation = phi[own] - share @ phi[own]
        total += case.initial[s] * (deviation.T * share) @ deviation
    return total


@few
@given(cases(sure=True), st.integers(0, 2**32 - 1))
def test_the_two_models_agree_on_sure_transitions(case, seed):
    found = paths(case)
    chosen = [found[k] for k in np.random.default_rng(seed).integers(len(found), size=5)]
    data = dataset(case, chosen)
    whole, causal = (fit(case.problem, case.features, data, alpha=0.3) for fit in (maxent_irl, causal_maxent_irl))
    for name in ("theta", "policy", "V", "nll", "cov", "information", "feature_covariance"):
        np.testing.assert_allclose(getattr(causal, name), getattr(whole, name), atol=1e-12)


# ------------------------------------------------------------------ derivatives


@few
@given(cases(sure=False))
def test_derivatives(case):
    model = model_of(case)

    def value(theta):
        return model.start @ model.values(theta)[0][0]

    def gradient(theta):
        return model.moments(model.visits(model.values(theta)[1]))

    _, policy = model.values(case.theta)
    visits = model.visits(policy)
    # Central differences with h = 1e-5: errors of h^2 times third derivatives below 1e3, and of 1e-16 / h.
    h = 1e-5
    ahead, back = case.theta + h * np.eye(len(case.theta)), case.theta - h * np.eye(len(case.theta))
    first = [(value(x) - value(y)) / (2 * h) for x, y in zip(ahead, back, strict=True)]
    second = [(gradient(x) - gradient(y)) / (2 * h) for x, y in zip(ahead, back, strict=True)]
    np.testing.assert_allclose(model.moments(visits), first, atol=1e-7)
    np.testing.assert_allclose(model.curvature(policy, visits), second, atol=1e-7)


@few
@given(cases(sure=False))
def test_extremes_are_those_of_backward_induction(case):
    model = model_of(case)
    best, phi = model.extreme(case.theta)
    assert case.theta @ phi == pytest.approx(best, abs=1e-12)
    assert best >= case.theta @ mean_features(case, soft_policy(case, 50 * case.theta)[1]) - 1e-12
    utilities = np.array([path.phi @ case.theta for path in paths(case)])
    assert np.ptp(utilities) <= model.spread(case.theta) + 1e-12


# ------------------------------------------------------------------ another optimizer


def enumerated_nll(case, chosen):
    """Return the negative log-likelihood of trajectories as a function of the parameter, from the full list."""
    found = paths(case)
    by_start = {s: np.array([path.phi for path in found if path.start == s]) for s in {path.start for path in found}}

    def nll(theta):
        return sum(np.logaddexp.reduce(by_start[path.start] @ theta) - path.phi @ theta for path in chosen)

    return nll


@few
@given(cases(sure=True), st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.0]))
def test_scipy_finds_the_same(case, seed, alpha):
    found = paths(case)
    rng = np.random.default_rng(seed)
    # Without a penalty every trajectory is seen at least once, so that the maximum exists.
    times = rng.integers(1 if alpha == 0.0 else 0, 4, size=len(found))
    chosen = [path for path, n in zip(found, times, strict=True) for _ in range(n)] or found[:1]
    nll = enumerated_nll(case, chosen)

    def objective(theta):
        return (nll(theta) + alpha / 2 * theta @ theta) / len(chosen)

    reference = minimize(objective, np.zeros(len(case.theta)), method="BFGS", options={"gtol": 1e-9})
    fit = maxent_irl(case.problem, case.features, dataset(case, chosen), alpha=alpha)
    assert fit.n_demonstrations == len(chosen)
    assert fit.converged
    assert objective(fit.theta) <= reference.fun + 1e-12
    assert nll(fit.theta) == pytest.approx(len(chosen) * fit.nll, abs=1e-9)
    # BFGS starts at 0 too and never leaves the span of gradients, so it also finds the shortest parameter.
    np.testing.assert_allclose(fit.theta, reference.x, atol=1e-4)
    slope = fit.expected_features - fit.demonstrated_features + alpha / len(chosen) * fit.theta
    np.testing.assert_allclose(slope, 0.0, atol=1e-11)
    np.testing.assert_allclose(approx_fprime(fit.theta, objective), 0.0, atol=1e-6)
    if alpha > 0.0:
        np.testing.assert_allclose(
            np.linalg.inv(fit.cov), len(chosen) * fit.information + alpha * np.eye(len(fit.theta)), rtol=1e-8, atol=1e-8
        )


# ------------------------------------------------------------------ invariance


@few
@given(cases(sure=False), st.integers(0, 2**32 - 1))
def test_units_and_potentials(case, seed):
    """Features in other units, shifted, plus a potential: the same behavior, with the parameter in its own units."""
    rng = np.random.default_rng(seed)
    H, S, _, d = case.features.shape
    mean = mean_features(case, soft_policy(case, case.theta)[1])
    fit = causal_maxent_irl(case.problem, case.features, mean)
    units = 10.0 ** rng.integers(-6, 7, size=d)
    fitted = causal_maxent_irl(case.problem, case.features * units, mean * units)
    reached = np.array(model_of(case).reached())
    np.testing.assert_allclose(fitted.policy[reached], fit.policy[reached], atol=1e-7)
    assert fitted.rank == fit.rank
    if fit.rank == d:
        np.testing.assert_allclose(fitted.theta * units, fit.theta, atol=1e-7)

    # A potential adds gamma psi(s') - psi(s): along every trajectory it leaves -psi(s_0) + gamma^H psi(s_H).
    psi = rng.standard_normal((H + 1, S))
    psi[H] = 0.0
    shaped = np.array([case.gamma * (case.P[h] @ psi[h + 1]) - psi[h][:, None] for h in range(H)])
    moved = np.concatenate([case.features, shaped[..., None] + 5.0], axis=3)
    constant = 5.0 * np.sum(case.gamma ** np.arange(H)) - case.initial @ psi[0]
    fitted = causal_maxent_irl(case.problem, moved, np.append(mean, constant))
    assert fitted.rank == fit.rank
    np.testing.assert_allclose(fitted.theta, np.append(fit.theta, 0.0), atol=1e-7)


@few
@given(cases(sure=False), st.randoms(use_true_random=False))
def test_relabelled_states_and_actions(case, random):
    _, S, A, _ = case.features.shape
    states, actions = list(range(S)), list(range(A))
    random.shuffle(states)
    random.shuffle(actions)
    mean = mean_features(case, soft_policy(case, case.theta)[1])
    fit = causal_maxent_irl(case.problem, case.features, mean)
    pick = np.ix_(range(len(case.P)), states, actions)
    other = Case(
        case.P[pick][..., states], case.mask[pick], case.initial[states], case.gamma, case.features[pick], case.theta
    )
    fitted = causal_maxent_irl(other.problem, other.features, mean)
    np.testing.assert_allclose(fitted.theta, fit.theta, atol=1e-9)
    np.testing.assert_allclose(fitted.policy, fit.policy[pick], atol=1e-9)
