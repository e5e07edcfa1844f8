"""Confidence radii and sets: arithmetic, duality, honest refusals, and coverage measured with power."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binom, chi2

from mdpkit.errors import AssumptionError, InputError, UnknownOptionError
from mdpkit.feedback import ActionOracle, ComparisonOracle, LinearPairs
from mdpkit.models import ContextualBandit
from mdpkit.preferences import ConfidenceSet, confidence_set, fit_reward, seminorm_radius
from mdpkit.testing import assert_holds_with_probability

THETA = np.array([0.5, -0.3, -0.2])


def sphere_pairs(rng, n, d=3):
    """Draw compared features on the unit sphere."""
    x = rng.normal(size=(n, 2, d))
    return x / np.linalg.norm(x, axis=2, keepdims=True)


def answered(rng, features, theta=THETA):
    y = rng.random(len(features)) < expit((features[:, 0] - features[:, 1]) @ theta)
    return LinearPairs(features[:, 0], features[:, 1], y.astype(float))


def fitted(n=1000, seed=0, bound=1.0):
    rng = np.random.default_rng(seed)
    return fit_reward(answered(rng, sphere_pairs(rng, n)), norm_bound=bound)


# ---------------------------------------------------------------- arithmetic


def test_radii_by_arithmetic():
    """prefs.md E3: with d_eff = 3 the paper's form is 0.384 and the explicit one at most 1.116 (ours is about half)."""
    fit = fitted()
    curvature = {z: 1 / (2 + math.exp(z) + math.exp(-z)) for z in (1.0, 2.0, fit.difference_bound)}
    paper = seminorm_radius(fit, delta=0.1, lam=0.01, form="paper", gamma_convention="paper", feature_bound=1.0)
    assert paper == pytest.approx(math.sqrt((3 + math.log(10)) / (curvature[1.0] ** 2 * 1000) + 0.01), rel=1e-12)
    assert paper == pytest.approx(0.384, abs=5e-4)
    eigenvalues = np.linalg.eigvalsh(fit.design.matrix)
    d_eff = np.sum(eigenvalues / (eigenvalues + 0.01))
    G2 = (d_eff + 2 * math.sqrt(d_eff * math.log(10)) + 2 * math.log(10)) / 4000
    for convention, z in (("2LB", 2.0), ("data", fit.difference_bound)):
        gamma = curvature[z]
        expected = (math.sqrt(G2) + math.sqrt(G2 + 16 * gamma**2 * 0.01)) / (2 * gamma)
        value = seminorm_radius(fit, delta=0.1, lam=0.01, gamma_convention=convention, feature_bound=1.0)
        assert value == pytest.approx(expected, rel=1e-12)
        assert value <= 0.61 < 1.116
    assert seminorm_radius(fit, delta=0.1, form="wald") == pytest.approx(math.sqrt(chi2.ppf(0.9, 3) / 1000), rel=1e-12)


@pytest.mark.parametrize("form", ["explicit", "paper", "wald"])
def test_radii_fall_like_one_over_root_n(form):
    """At lam = 0 exactly: the same design seen four times as often halves the radius."""
    rng = np.random.default_rng(5)
    features = sphere_pairs(rng, 50)
    data = answered(rng, features)
    once = fit_reward(data, norm_bound=1.0)
    often = fit_reward(LinearPairs(data.first, data.second, data.y, np.full(50, 4.0)), norm_bound=1.0)
    if form == "wald":
        once, often = (fit_reward(LinearPairs(data.first, data.second, data.y, np.full(50, w))) for w in (1.0, 4.0))
    ratio = seminorm_radius(often, delta=0.1, form=form) / seminorm_radius(once, delta=0.1, form=form)
    assert ratio == pytest.approx(0.5, rel=1e-12)


def test_kwise_radii():
    """Rankings: (K - 1) times the noise over the curvature of K; pair splitting has the radius of pairs."""
    rng = np.random.default_rng(2)
    bandit = ContextualBandit(rng.normal(size=(30, 4, 3)), np.full(30, 1 / 30), THETA)
    oracle = ActionOracle(bandit, link="pl", seed=0)
    data = oracle.rank(oracle.sample_contexts(500))
    whole, split = (fit_reward(data, norm_bound=1.0, method=method) for method in ("mle", "pair_split"))
    z, K = whole.difference_bound, 4
    noise = math.sqrt((3 + 2 * math.sqrt(3 * math.log(20)) + 2 * math.log(20)) / (4 * 500))
    gamma_k = K * (K - 1) / 2 * math.exp(z) / (1 + (K - 1) * math.exp(z)) ** 2
    assert seminorm_radius(whole, delta=0.05) == pytest.approx((K - 1) * noise / gamma_k, rel=1e-12)
    assert seminorm_radius(split, delta=0.05) == pytest.approx(noise * (2 + math.exp(z) + math.exp(-z)), rel=1e-12)
    paper = seminorm_radius(whole, delta=0.05, form="paper", gamma_convention="paper")
    L = np.linalg.norm(data.features, axis=2).max()
    assert paper == pytest.approx(math.exp(4 * L) * math.sqrt(4**4 * (3 + math.log(20)) / 500), rel=1e-12)


# ---------------------------------------------------------------- sets


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_dual_norm_is_the_support_function(seed, rank):
    """max u.theta over the ellipsoid is u.center + radius ||u||_{A^-1}: attained on the boundary, exceeded nowhere."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, rank))
    region = ConfidenceSet(rng.normal(size=3), root @ root.T, 0.7, None, False, "given")
    u = root @ rng.normal(size=rank)  # in the range
    value = region.radius * region.dual_norm(u)
    best = np.linalg.pinv(region.matrix, hermitian=True) @ u / region.dual_norm(u) * region.radius
    assert u @ best == pytest.approx(value, rel=1e-6)
    assert region.norm(best) == pytest.approx(region.radius, rel=1e-6)
    for _ in range(20):
        step = root @ rng.normal(size=rank)
        step *= region.radius / region.norm(step)
        assert u @ step <= value * (1 + 1e-9)
        assert region.contains(region.center + step, slack=1e-9)
        assert not region.contains(region.center + 1.01 * step)
    if rank < 3:
        blind = np.linalg.svd(root)[0][:, -1]
        assert region.dual_norm(u + blind) == math.inf
        assert region.contains(region.center + 100 * blind)
    assert region.dual_norm(np.zeros(3)) == 0.0


def test_sets_know_the_ball():
    fit = fitted(bound=1.0)
    region = confidence_set(fit, delta=0.1, lam=0.01)
    assert region.norm_bound == 1.0
    assert region.contains(THETA)
    assert not region.contains([1.0, 1.0, 0.0])  # outside the ball
    centered = ConfidenceSet(np.zeros(2), np.eye(2), 5.0, None, True, "given")
    assert centered.contains([1.0, -1.0])
    assert not centered.contains([1.0, -0.9])
    wald = confidence_set(fit, delta=0.1, form="wald")
    np.testing.assert_allclose(wald.matrix, fit.information / 1000)


# ---------------------------------------------------------------- coverage


def test_the_explicit_radius_keeps_its_promise():
    """delta = 0.2, 500 datasets, false alarm 1e-6; a radius that fails twice as often would be caught (power > 0.99).

    The theorem is far from tight, so the same test is run on a tenth of the radius, which must fail it.
    """
    rng = np.random.default_rng(11)
    features = sphere_pairs(rng, 60)

    def trial(rng, shrink=1.0):
        fit = fit_reward(answered(rng, features), norm_bound=1.0)
        radius = shrink * seminorm_radius(fit, delta=0.2, lam=1 / 60)
        D = fit.theta - THETA
        return bool(D @ fit.design.regularized(1 / 60) @ D <= radius**2)

    check = assert_holds_with_probability(trial, 0.8, n_trials=500, seed=0)
    assert check.power > 0.99
    assert check.failures == 0
    with pytest.raises(AssertionError):
        assert_holds_with_probability(lambda rng: trial(rng, 0.1), 0.8, n_trials=500, seed=0)


def test_the_wald_ellipsoid_is_nearly_right_for_many_comparisons():
    """n = 1000, delta = 0.1: 800 ellipsoids miss as often as 0.1 says, give or take 0.02 for finite n.

    Both tails at 1e-6. Power: a radius for delta = 0.3 or for delta = 0.01 would be caught with probability 0.999.
    """
    rng = np.random.default_rng(12)
    features = sphere_pairs(rng, 1000)
    missed = 0
    for _ in range(800):
        fit = fit_reward(answered(rng, features))
        missed += not confidence_set(fit, delta=0.1, form="wald").contains(THETA)
    assert binom.sf(missed - 1, 800, 0.12) > 1e-6
    assert binom.cdf(missed, 800, 0.08) > 1e-6
    assert binom.sf(binom.isf(1e-6, 800, 0.12), 800, 0.3) > 0.999
    assert binom.cdf(binom.ppf(1e-6, 800, 0.08), 800, 0.01) > 0.999


# ---------------------------------------------------------------- refusals

FIT = fitted(200)


def fractional():
    return fit_reward(LinearPairs([[1.0], [1.0]], [[0.0], [0.0]], [1, 0], [1.5, 1.0]), norm_bound=1.0)


def boundary():
    return fit_reward(LinearPairs([[1.0]], [[0.0]], [1]), norm_bound=1.0)


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda: seminorm_radius(FIT, delta=0.0), InputError, "delta"),
        (lambda: seminorm_radius(FIT, delta=1.0), InputError, "delta"),
        (lambda: seminorm_radius(FIT, delta=0.1, lam=-1), InputError, "lam"),
        (lambda: seminorm_radius(FIT, delta=0.1, form="exact"), UnknownOptionError, "form"),
        (lambda: seminorm_radius(FIT, delta=0.1, gamma_convention="LB"), UnknownOptionError, "gamma_convention"),
        (lambda: seminorm_radius(FIT, delta=0.1, form="paper", C=0), InputError, "C"),
        (lambda: seminorm_radius(FIT, delta=0.1, norm_bound=0.01), AssumptionError, "norm_bound"),
        (lambda: seminorm_radius(FIT, delta=0.1, feature_bound=0.5), AssumptionError, "feature_bound"),
        (lambda: seminorm_radius(fractional(), delta=0.1), AssumptionError, "fit"),
        (lambda: seminorm_radius(boundary(), delta=0.1, form="wald"), AssumptionError, "fit"),
        (
            lambda: seminorm_radius(
                fit_reward(LinearPairs([[1.0]], [[0.0]], [1]), alpha=1.0, norm_bound=2.0), delta=0.1
            ),
            AssumptionError,
            "fit",
        ),
        (
            lambda: seminorm_radius(fit_reward(LinearPairs([[1.0]] * 2, [[0.0]] * 2, [1, 0])), delta=0.1),
            InputError,
            "norm_bound",
        ),
        (
            lambda: seminorm_radius(fit_reward(LinearPairs(np.zeros((0, 1)), np.zeros((0, 1)), [])), delta=0.1),
            InputError,
            "fit",
        ),
        (lambda: confidence_set(FIT, delta=0.1).norm([1.0]), InputError, "u"),
    ],
)
def test_bad_input(call, error, argument):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument


def test_a_fit_without_a_ball_may_name_one_afterwards():
    data = LinearPairs([[1.0]] * 100, [[0.0]] * 100, [1] * 60 + [0] * 40)
    free, held = fit_reward(data), fit_reward(data, norm_bound=1.0)
    assert seminorm_radius(free, delta=0.1, norm_bound=1.0) == seminorm_radius(held, delta=0.1)


def test_no_model_is_behind_it():
    """A learner's whole path from questions to a confidence set sees the oracle's answers only."""
    oracle = ComparisonOracle(
        ContextualBandit(sphere_pairs(np.random.default_rng(0), 20), np.full(20, 0.05), THETA), seed=0
    )
    contexts = oracle.sample_contexts(400)
    data = oracle.duels(contexts, np.zeros(400, dtype=int), np.ones(400, dtype=int))
    assert confidence_set(fit_reward(data, norm_bound=1.0), delta=0.01, lam=1e-3).contains(THETA)
