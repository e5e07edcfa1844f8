"""The passes over rankings of feature vectors, and stationary distributions, against NumPy and exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp, softmax

from mdpkit.feedback import LinearPairs, LinearRankings, PairList, Rankings
from mdpkit.preferences import negative_log_likelihood
from mdpkit.preferences.likelihood import _kernels as kernels
from mdpkit.preferences.likelihood.linear import read_linear
from mdpkit.preferences.strengths._kernels import log_stationary
from tests.oracles import solve_linear
from tests.preferences.strengths.support import WEIGHTS, utilities

some = settings(max_examples=40, deadline=None)
U = 2.0**-53


@st.composite
def linear_rankings(draw):
    """Features and parameter in halves, weights that may be zero."""
    n, K, d = draw(st.integers(1, 4)), draw(st.integers(2, 5)), draw(st.integers(1, 3))
    half = st.integers(-4, 4).map(lambda k: k / 2)
    features = np.array(draw(st.lists(half, min_size=n * K * d, max_size=n * K * d))).reshape(n, K, d)
    weights = np.array(draw(st.lists(WEIGHTS, min_size=n, max_size=n)))
    return features, weights, np.array(draw(st.lists(half, min_size=d, max_size=d)))


def linear_twin(features, weights, theta):
    """``w (logsumexp(u) - u_0)`` over the stages of each ranking, mean and covariance of the features under softmax."""
    d = features.shape[2]
    nll, gradient, hessian = 0.0, np.zeros(d), np.zeros((d, d))
    for ranking, w in zip(features, weights, strict=True):
        for k in range(len(ranking) - 1):
            phi = ranking[k:]
            u = phi @ theta
            p = softmax(u)
            mean = p @ phi
            nll += w * (logsumexp(u) - u[0])
            gradient += w * (mean - phi[0])
            hessian += w * (phi - mean).T @ (p[:, None] * (phi - mean))
    return nll, gradient, hessian


def linear_pass(features, weights, theta):
    d = features.shape[2]
    gradient, hessian = np.zeros(d), np.zeros((d, d))
    return kernels.linear_ranking_pass(features, weights, theta, gradient, hessian), gradient, hessian


def assert_same(found, expected, atol=1e-11):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=atol)


@some
@given(linear_rankings())
def test_linear_ranking_pass(case):
    features, weights, theta = case
    expected = linear_twin(features, weights, theta)
    assert_same(linear_pass(features, weights, theta), expected)
    assert_same(negative_log_likelihood(LinearRankings(features, weights), theta), expected)


@some
@given(linear_rankings())
def test_derivatives_of_the_linear_pass(case):
    """Central differences, h = 1e-5; features within 2, so third derivatives are below 3 * 16 * 4^3 / 10 < 400."""
    features, weights, theta = case
    _, gradient, hessian = linear_pass(features, weights, theta)
    h = 1e-5
    for a in range(len(theta)):
        step = h * np.eye(len(theta))[a]
        up, down = (linear_pass(features, weights, theta + s * step) for s in (1, -1))
        assert abs((up[0] - down[0]) / (2 * h) - gradient[a]) < 1e-6
        np.testing.assert_allclose((up[1] - down[1]) / (2 * h), hessian[a], atol=1e-6)


@some
@given(linear_rankings(), st.sampled_from([1e3, 1e6]))
def test_a_common_offset_costs_nothing(case, offset):
    """Adding a vector to all features of a ranking changes no choice; sums of squares would lose 12 digits to it."""
    features, weights, theta = case
    assert_same(linear_pass(features + offset, weights, theta), linear_pass(features, weights, theta), atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4])
def test_large_utilities(scale):
    """The best item last, first and in between, thousands of units ahead of the others."""
    features = np.array([[[3.0, 1], [0, 0], [-2, 1]], [[-2, 1], [0, 0], [3, 1]], [[0, 0.0], [3, 1], [-2, 1]]])
    theta = scale * np.array([1.0, 0.3])
    found, expected = linear_pass(features, np.ones(3), theta), linear_twin(features, np.ones(3), theta)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-14)
    assert_same(found[1:], expected[1:])


@st.composite
def full_rankings(draw):
    n, N = draw(st.integers(1, 5)), draw(st.integers(2, 5))
    K = draw(st.integers(2, N))
    rows = [list(draw(st.permutations(range(N))))[:K] for _ in range(n)]
    return N, rows, draw(st.lists(WEIGHTS, min_size=n, max_size=n)), draw(utilities(N))


@some
@given(full_rankings())
def test_one_hot_features_are_items(case):
    """Items are the feature vectors ``e_i``: three containers, two kernels, one likelihood."""
    N, rows, weights, theta = case
    by_items = negative_log_likelihood(Rankings.from_lists(rows, weights, n_items=N), theta)
    by_features = negative_log_likelihood(LinearRankings(np.eye(N)[rows], weights), theta)
    assert_same(by_features, by_items, atol=1e-12)
    first, second = [row[0] for row in rows], [row[1] for row in rows]
    pairs = negative_log_likelihood(PairList(first, second, weights, n_items=N), theta)
    linear = negative_log_likelihood(LinearPairs.from_winners(np.eye(N)[first], np.eye(N)[second], weights), theta)
    swapped = LinearPairs(np.eye(N)[second], np.eye(N)[first], np.zeros(len(rows)), weights)
    assert_same(linear, pairs, atol=1e-12)
    assert_same(negative_log_likelihood(swapped, theta), pairs, atol=1e-12)


@pytest.mark.parametrize("repeats", [1, 40])
def test_equal_rows_are_merged_without_a_trace(repeats):
    """From 64 rows on equal ones are added up."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 5, 3))
    y, theta = np.array([1, 0, 1, 1, 0]), np.array([0.3, -1.0, 0.5])
    many = LinearPairs(np.tile(first, (repeats, 1)), np.tile(second, (repeats, 1)), np.tile(y, repeats))
    x = np.where(y == 1, 1, -1)[:, None] * (first - second)
    stages = np.stack([x, np.zeros_like(x)], axis=1)
    expected = linear_twin(stages, np.full(5, float(repeats)), theta)
    assert_same(negative_log_likelihood(many, theta), expected)
    assert len(read_linear(many).rows) == 5


# ---------------------------------------------------------------- stationary distributions


def exact_stationary(Q):
    """``pi_j out_j = sum_i pi_i Q_ij`` with ``pi_0 = 1``, solved in fractions and divided by the sum."""
    n = len(Q)
    rate = [[Fraction(Q[i, j]) if i != j else Fraction(0) for j in range(n)] for i in range(n)]
    leaving = [sum(row) for row in rate]
    rows = [{i - 1: rate[i][j] / leaving[j] for i in range(1, n)} for j in range(1, n)]
    pi = [Fraction(1), *solve_linear(rows, [rate[0][j] / leaving[j] for j in range(1, n)])]
    return [x / sum(pi) for x in pi]


@st.composite
def chains(draw, exponents):
    """Rates ``m 10^k`` with a circle through all states, so that every state is reached."""
    n = draw(st.integers(1, 6))
    rate = st.tuples(st.integers(1, 9), st.integers(-exponents, exponents)).map(lambda mk: mk[0] * 10.0 ** mk[1])
    Q = np.zeros((n, n))
    for i in range(n):
        Q[i, (i + 1) % n] = draw(rate)
        for j in range(n):
            if draw(st.booleans()):
                Q[i, j] = draw(rate)
    Q[np.diag_indices(n)] = 0.0
    return Q


@pytest.mark.parametrize("exponents", [0, 12])
def test_stationary_distribution(exponents):
    """Every component has a small *relative* error, whatever the rates, since nothing is subtracted.

    The bound ``2 n^3 u`` for n states is O'Cinneide's ("Entrywise perturbation theory and error analysis for Markov
    chains", *Numerische Mathematik* 65, 1993). A logarithm ``l`` carries ``|l| u`` more, in each of n steps.
    """

    @some
    @given(chains(exponents))
    def check(Q):
        exact, found = exact_stationary(Q), log_stationary(Q.copy())
        n = max(len(Q), 2)
        bound = (2 * n**3 + 4 * n * (1 + np.abs(found).max())) * U
        for x, pi in zip(np.exp(found).tolist(), exact, strict=True):
            assert abs(Fraction(x) - pi) <= Fraction(bound) * pi

    check()
