"""`fit_reward` against closed forms, item strengths, a conic solver, and its own optimality conditions."""

from __future__ import annotations

import warnings

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from mdpkit.errors import ConvergenceWarning, InputError, MLENotAttainedError, UnknownOptionError
from mdpkit.feedback import ComparisonOracle, LinearPairs, LinearRankings, PairList, Rankings
from mdpkit.preferences import fit_reward, fit_strengths
from mdpkit.problems.preferences import greedy_failure
from tests.preferences.instances import two_stage_pairs, weighted_pairs

PHI = greedy_failure().features[0]
some = settings(deadline=None, max_examples=50)


@st.composite
def linear_pairs(draw, max_rows=12, dimension=3):
    """Pairs of small integer features, both outcomes of every pair seen, so that an estimate exists."""
    n = draw(st.integers(1, max_rows))
    entry = st.integers(-2, 2).map(float)
    x = np.array(draw(st.lists(entry, min_size=n * dimension, max_size=n * dimension))).reshape(n, dimension)
    wins = np.array(draw(st.lists(st.integers(1, 5), min_size=n, max_size=n)), dtype=float)
    losses = np.array(draw(st.lists(st.integers(1, 5), min_size=n, max_size=n)), dtype=float)
    return LinearPairs(
        np.concatenate([x, x]), np.zeros((2 * n, dimension)), [1] * n + [0] * n, np.concatenate([wins, losses])
    )


def mean_loss(data, theta):
    """Evaluate the mean loss as a cvxpy expression, from the definition."""
    signed = (2 * data.y - 1)[:, None] * data.differences
    return cp.sum(cp.multiply(data.weights, cp.logistic(-signed @ theta))) / np.sum(data.weights)


# ---------------------------------------------------------------- known answers


def test_minimum_norm_estimate_of_the_greedy_instance():
    """prefs.md 7.5: two directions seen, log odds in each."""
    fit = fit_reward(weighted_pairs([(0, 1, 31, 19), (1, 2, 4, 6)], PHI))
    np.testing.assert_allclose(fit.theta, [np.log(4 / 6), np.log(31 / 19), 0.0], atol=1e-12)
    np.testing.assert_allclose(fit.design.matrix, np.diag([1 / 6, 5 / 6, 0.0]), atol=1e-15)
    assert (fit.rank, fit.n, fit.n_choices) == (2, 60.0, 2)
    np.testing.assert_allclose(np.abs(fit.null_basis[:, 0]), [0, 0, 1], atol=1e-15)
    # binomial log odds have variance 1/w + 1/l
    np.testing.assert_allclose(fit.stderr, np.sqrt([1 / 4 + 1 / 6, 1 / 31 + 1 / 19, 0.0]), atol=1e-12)
    np.testing.assert_allclose(fit.feature_mean, [55 / 60, 25 / 60, 0.0], atol=1e-15)
    assert fit.contrast(PHI[3], PHI[2]) == pytest.approx((np.log(31 / 19), np.sqrt(1 / 31 + 1 / 19)))
    assert fit.contrast([0, 0, 1], [0, 0, 0]) == (0.0, np.inf)


def test_ridge_estimate_of_the_two_stage_problem():
    """prefs.md 7.9: mean loss plus 0.02 / 2 ||theta||^2 over 50 comparisons is alpha = 1 in the sum convention."""

    expected = [-0.0361840481, 0.0361840481, 0.6487279447, -0.1777618659, -0.4670894286, -0.0038766502]
    fit = fit_reward(two_stage_pairs(), alpha=1.0)
    np.testing.assert_allclose(fit.theta, expected, atol=5e-11)
    assert fit.cov_kind == "laplace"


def test_one_hot_features_are_items():
    rng = np.random.default_rng(0)
    oracle = ComparisonOracle(rng.normal(size=4), link="pl", seed=1)
    i = rng.integers(4, size=300)
    pairs = oracle.duels(i, (i + rng.integers(1, 4, size=300)) % 4)
    rankings = oracle.rank(n=60)
    one_hot = np.eye(4)
    for linear, items in (
        (LinearPairs.from_winners(one_hot[pairs.winners], one_hot[pairs.losers]), pairs),
        (LinearRankings(one_hot[rankings.flat.reshape(-1, 4)]), rankings),
    ):
        fit, strengths = fit_reward(linear), fit_strengths(items)
        np.testing.assert_allclose(fit.theta, strengths.params, atol=1e-10)
        np.testing.assert_allclose(fit.cov, strengths.cov, atol=1e-10)
        assert fit.nll == pytest.approx(strengths.nll, rel=1e-12)
        assert fit.rank == 3
    split = fit_reward(LinearRankings(one_hot[rankings.flat.reshape(-1, 4)]), method="pair_split")
    reference = fit_strengths(rankings, method="pair_split")
    np.testing.assert_allclose(split.theta, reference.params, atol=1e-10)
    np.testing.assert_allclose(split.cov, reference.cov, atol=1e-10)
    assert (split.cov_kind, reference.cov_kind) == ("sandwich", "sandwich")


def test_the_degenerate_trap():
    """prefs.md 7.6: all features sum to one, so 1 is invisible; rank 2, and no blow-up."""
    features = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, -1.0]])
    rows = Rankings.from_lists([[0, 1, 2, 3], [3, 1, 0, 2], [2, 0, 3, 1], [1, 2, 3, 0], [3, 2, 1, 0]])
    fit = fit_reward(LinearRankings(features[rows.flat.reshape(-1, 4)]))
    assert fit.rank == 2
    np.testing.assert_allclose(np.abs(fit.null_basis[:, 0]), 3**-0.5, atol=1e-12)
    assert abs(fit.theta.sum()) < 1e-12
    assert np.abs(fit.cov).max() < 10


def test_rankings_of_two_are_pairs():
    data = weighted_pairs([(0, 1, 3, 2), (1, 3, 2, 2), (3, 0, 1, 2)], PHI)
    winner = np.where(data.y[:, None] > 0, data.first, data.second)
    loser = np.where(data.y[:, None] > 0, data.second, data.first)
    rankings = LinearRankings(np.stack([winner, loser], axis=1), data.weights)
    one, two, three = fit_reward(data), fit_reward(rankings), fit_reward(rankings, method="pair_split")
    np.testing.assert_allclose(one.theta, two.theta, atol=1e-12)
    np.testing.assert_allclose(one.theta, three.theta, atol=1e-12)
    np.testing.assert_allclose(one.design.matrix, two.design.matrix, atol=1e-15)
    np.testing.assert_allclose(one.cov, two.cov, atol=1e-12)


# ---------------------------------------------------------------- the ball


@some
@given(linear_pairs(), st.sampled_from([0.1, 0.5, 2.0]), st.booleans())
def test_constrained_estimates_meet_the_optimality_conditions(data, bound, center):
    fit = fit_reward(data, norm_bound=bound, center=center)
    assert fit.converged
    assert np.linalg.norm(fit.theta) <= bound * (1 + 1e-10)
    signed = (2 * data.y - 1)[:, None] * data.differences
    gradient = -(data.weights * expit(-signed @ fit.theta)) @ signed / fit.n + fit.multiplier * fit.theta
    if center:
        assert abs(fit.theta.sum()) < 1e-12
        gradient -= gradient.mean()
    assert np.abs(gradient).max() < 1e-10
    assert fit.multiplier >= 0
    assert fit.on_boundary == (fit.multiplier > 0)
    if fit.on_boundary:
        assert np.linalg.norm(fit.theta) == pytest.approx(bound, rel=1e-10)
        with pytest.raises(InputError, match="boundary"):
            fit.cov  # noqa: B018


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("bound", [0.3, 1.0])
def test_constrained_estimate_against_a_conic_solver(bound, center):
    rng = np.random.default_rng(3)
    features = rng.normal(size=(40, 2, 4))
    data = LinearPairs(features[:, 0], features[:, 1], rng.integers(2, size=40))
    theta = cp.Variable(4)
    ball = [cp.norm2(theta) <= bound] + ([cp.sum(theta) == 0] if center else [])
    cp.Problem(cp.Minimize(mean_loss(data, theta)), ball).solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11
    )
    np.testing.assert_allclose(fit_reward(data, norm_bound=bound, center=center).theta, theta.value, atol=1e-6)


def test_a_loose_bound_changes_nothing():
    data = weighted_pairs([(0, 1, 3, 2), (1, 3, 2, 2), (3, 0, 1, 2)], PHI)
    free, held = fit_reward(data), fit_reward(data, norm_bound=50.0)
    np.testing.assert_array_equal(free.theta, held.theta)
    assert not held.on_boundary


def test_rescaling_is_another_estimator():
    """The trap of prefs.md 4.1: pulling the free estimate back onto the sphere is not the constrained one."""
    data = weighted_pairs([(0, 1, 30, 10), (1, 2, 9, 6)], PHI)
    free, held = fit_reward(data), fit_reward(data, norm_bound=0.5)
    assert np.abs(held.theta - 0.5 * free.theta / np.linalg.norm(free.theta)).max() > 0.01


@pytest.mark.parametrize("bound", [0.1, 1.0, 5.0])
def test_separable_data_end_on_the_sphere(bound):
    """One comparison: the estimate points along it, as far as the ball allows."""
    fit = fit_reward(LinearPairs([[3.0, 4.0]], [[0.0, 0.0]], [1]), norm_bound=bound)
    np.testing.assert_allclose(fit.theta, np.array([0.6, 0.8]) * bound, rtol=1e-9)
    # the mean loss log(1 + e^{-5 B}) is flat up to sigma(-5 B): the multiplier says so
    assert fit.multiplier == pytest.approx(5 * expit(-5 * bound) / bound, rel=1e-5)


def test_a_ball_too_large_to_matter_is_reported():
    with pytest.warns(ConvergenceWarning, match="flat to rounding"):
        fit = fit_reward(LinearPairs([[1.0]], [[0.0]], [1]), norm_bound=1e4)
    assert not fit.converged
    assert 20 < fit.theta[0] < 1e4


# ---------------------------------------------------------------- existence


@pytest.mark.parametrize(
    ("rows", "direction"), [([[1.0, 0], [0, 1.0]], None), ([[1.0, 0], [-1.0, 0], [0, 1.0]], [0, 1])]
)
def test_separable_data_are_refused_with_a_direction(rows, direction):
    data = LinearPairs(rows, np.zeros((len(rows), 2)), np.ones(len(rows)))
    with pytest.raises(MLENotAttainedError, match=r"norm_bound= .* alpha > 0") as caught:
        fit_reward(data)
    margins = np.array(rows) @ caught.value.direction
    assert margins.min() >= -1e-9
    assert margins.max() > 0.1
    if direction is not None:
        np.testing.assert_allclose(caught.value.direction, direction, atol=1e-9)
    assert np.isfinite(fit_reward(data, alpha=0.1).theta).all()


def test_separation_within_the_centered_parameters():
    """Winners always have the larger coordinate sum; among parameters that sum to zero nothing separates."""
    rows = np.array([[2.0, 1.0], [1.0, 2.0]])
    data = LinearPairs(rows, np.zeros((2, 2)), [1, 1])
    with pytest.raises(MLENotAttainedError):
        fit_reward(data)
    fit = fit_reward(data, center=True)
    np.testing.assert_allclose(fit.theta, [0, 0], atol=1e-12)
    assert fit.rank == 1


@pytest.mark.parametrize("bound", [None, 0.1])
def test_nothing_is_seen_by_centered_parameters(bound):
    """All differences are multiples of (1, 1, 1): centering leaves rounding, which must not pass for a direction."""
    data = LinearPairs(np.ones((3, 3)) * [[1.0], [0.1], [1 / 3]], np.zeros((3, 3)), [1, 0, 1])
    fit = fit_reward(data, center=True, norm_bound=bound)
    assert (fit.rank, fit.theta.tolist(), fit.null_basis.shape) == (0, [0.0, 0.0, 0.0], (3, 3))
    assert fit.converged


# ---------------------------------------------------------------- design and covariance


@some
@given(linear_pairs())
def test_design_and_covariance_by_hand(data):
    fit = fit_reward(data)
    n = data.weights.sum()
    sigma = sum(w * np.outer(x, x) for w, x in zip(data.weights, data.differences, strict=True)) / n
    np.testing.assert_allclose(fit.design.matrix, sigma, atol=1e-13)
    np.testing.assert_allclose(fit.design.to_sum().matrix, n * sigma, atol=1e-12)
    np.testing.assert_allclose(fit.design.to_sum().to_mean().matrix, sigma, atol=1e-13)
    assert fit.design.normalized
    assert not fit.design.to_sum().normalized
    p = expit(data.differences @ fit.theta)
    H = sum(w * q * (1 - q) * np.outer(x, x) for w, q, x in zip(data.weights, p, data.differences, strict=True))
    np.testing.assert_allclose(fit.information, H, atol=1e-10)
    np.testing.assert_allclose(fit.cov, np.linalg.pinv(H, rcond=1e-10), atol=1e-8)
    # wins are balanced along every direction
    assert np.abs((data.weights * (data.y - p)) @ data.differences).max() < 1e-9
    lam = 0.3
    d_eff = np.trace(sigma @ np.linalg.inv(sigma + lam * np.eye(3)))
    assert fit.design.effective_dimension(lam) == pytest.approx(d_eff, abs=1e-12)
    assert fit.design.effective_dimension(0.0) == pytest.approx(fit.rank, abs=1e-9)


def test_kwise_design_and_sandwich_by_hand():
    rng = np.random.default_rng(7)
    features = rng.normal(size=(25, 4, 2))
    weights = rng.integers(1, 4, size=25).astype(float)
    data = LinearRankings(features, weights)
    fit = fit_reward(data, method="pair_split")
    sigma, H, V = np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2))
    for w, row in zip(weights, features, strict=True):
        score = np.zeros(2)
        for j in range(4):
            for k in range(j + 1, 4):
                x = row[j] - row[k]
                sigma += 2 / (4 * 3 * weights.sum()) * w * np.outer(x, x)
                p = expit(x @ fit.theta)
                H += w * p * (1 - p) * np.outer(x, x)
                score += (1 - p) * x
        V += w * np.outer(score, score)
    np.testing.assert_allclose(fit.design.matrix, sigma, atol=1e-13)
    np.testing.assert_allclose(fit.cov, np.linalg.inv(H) @ V @ np.linalg.inv(H), atol=1e-12)
    assert fit.n_choices == 4


@some
@given(linear_pairs(), st.integers(0, 1000))
def test_rotations_and_offsets(data, seed):
    """Rotated features rotate the estimate; a common offset of both alternatives changes nothing but the mean."""
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    fit = fit_reward(data, norm_bound=1.0)
    turned = fit_reward(LinearPairs(data.first @ Q, data.second @ Q, data.y, data.weights), norm_bound=1.0)
    np.testing.assert_allclose(turned.theta, fit.theta @ Q, atol=1e-8)
    moved = fit_reward(LinearPairs(data.first + 5, data.second + 5, data.y, data.weights), norm_bound=1.0)
    np.testing.assert_allclose(moved.theta, fit.theta, atol=1e-8)
    np.testing.assert_allclose(moved.feature_mean, fit.feature_mean + 5, atol=1e-10)


def test_repeated_lines_are_weights():
    """200 lines with 3 different rows are added up first; the answer is that of the 3 weighted lines."""
    rng = np.random.default_rng(1)
    kinds = np.array([[1.0, 0.5], [-1.0, 0.25], [0.0, 1.0]])
    which, y = rng.integers(3, size=200), rng.integers(2, size=200)
    long = fit_reward(LinearPairs(kinds[which], np.zeros((200, 2)), y))
    counts = [np.sum((which == k) & (y == v)) for v in (1, 0) for k in range(3)]
    short = fit_reward(LinearPairs(np.tile(kinds, (2, 1)), np.zeros((6, 2)), [1] * 3 + [0] * 3, counts))
    np.testing.assert_allclose(long.theta, short.theta, atol=1e-12)
    np.testing.assert_allclose(long.cov, short.cov, atol=1e-12)
    assert (long.n, long.nll) == (short.n, pytest.approx(short.nll))


def test_weightless_lines_and_empty_data():
    data = LinearPairs([[1.0], [1.0], [5.0]], [[0.0], [0.0], [0.0]], [1, 0, 1], [2, 1, 0])
    fit = fit_reward(data)
    assert fit.theta[0] == pytest.approx(np.log(2))
    assert (fit.feature_bound, fit.difference_bound) == (1.0, 1.0)
    empty = fit_reward(LinearPairs(np.zeros((0, 2)), np.zeros((0, 2)), []))
    assert (empty.rank, empty.theta.tolist()) == (0, [0.0, 0.0])


# ---------------------------------------------------------------- bad input

ONE = LinearPairs([[1.0], [1.0]], [[0.0], [0.0]], [1, 0])


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda: fit_reward([[1.0]]), InputError, "data"),
        (lambda: fit_reward(PairList([0], [1])), InputError, "data"),
        (lambda: fit_reward(ONE, method="ilsr"), UnknownOptionError, "method"),
        (lambda: fit_reward(ONE, norm_bound=0), InputError, "norm_bound"),
        (lambda: fit_reward(ONE, norm_bound=-1.0), InputError, "norm_bound"),
        (lambda: fit_reward(ONE, norm_bound=np.nan), InputError, "norm_bound"),
        (lambda: fit_reward(ONE, alpha=-1), InputError, "alpha"),
        (lambda: fit_reward(ONE, center=1), InputError, "center"),
        (lambda: fit_reward(ONE, max_iter=0), InputError, "max_iter"),
        (lambda: fit_reward(ONE).contrast([1.0, 2.0], [0.0, 0.0]), InputError, "first"),
    ],
)
def test_bad_input(call, error, argument):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument


def test_stopping_early_is_said():
    data = LinearPairs([[1.0], [1.0]], [[0.0], [0.0]], [1, 0], [99, 1])
    with pytest.warns(ConvergenceWarning, match="stopped after 1 steps"):
        fit = fit_reward(data, max_iter=1)
    assert not fit.converged
    assert "not converged" in repr(fit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit_reward(data).converged
