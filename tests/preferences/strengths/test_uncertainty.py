"""Covariances: pseudoinverses, the delta method, sandwiches, contrasts, and the coverage of Wald intervals."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from mdpkit.errors import InputError
from mdpkit.feedback import PairCounts, PairList, Rankings
from mdpkit.preferences import fit_strengths
from mdpkit.preferences.strengths import result
from tests.preferences.strengths.support import (
    N_ITEMS,
    choices,
    completed,
    item_data,
    rankings,
    stage_likelihood,
    stages_of,
)

some = settings(max_examples=20, deadline=None)
N = N_ITEMS
attained = item_data().map(completed)


@some
@given(attained)
def test_covariance_is_the_pseudoinverse_of_the_information(data):
    fit = fit_strengths(data)
    _, _, H = stage_likelihood(stages_of(data), fit.params)
    expected = np.linalg.pinv(H, rcond=1e-10, hermitian=True)
    np.testing.assert_allclose(fit.cov, expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(fit.cov, fit.cov.T)
    np.testing.assert_allclose(fit.cov.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(fit.stderr**2, np.diagonal(fit.cov), rtol=1e-14)
    assert fit.cov is fit.cov  # computed once


@some
@given(attained)
def test_contrasts(data):
    """They depend neither on the centering nor on which item is held fixed (prefs.md 3.7)."""
    fit = fit_strengths(data)
    _, _, H = stage_likelihood(stages_of(data), fit.params)
    grounded = np.zeros((N, N))
    grounded[1:, 1:] = np.linalg.inv(H[1:, 1:])
    for i in range(N):
        for j in range(N):
            difference, stderr = fit.contrast(i, j)
            assert difference == fit.params[i] - fit.params[j]
            variance = grounded[i, i] + grounded[j, j] - 2 * grounded[i, j]
            assert abs(stderr**2 - variance) <= 1e-8 * (1 + variance)
    assert fit.contrast(2, 2) == (0, 0)
    assert fit.contrast(np.int64(0), np.int32(1)) == fit.contrast(0, 1)


@some
@given(attained)
def test_contrasts_without_the_matrix(data):
    """Beyond 2,000 items a contrast solves one linear system; here the limit is set to nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(result, "DENSE_ITEMS", 0)
        fit = fit_strengths(data)
        found = [fit.contrast(0, j)[1] for j in range(1, N)]
        assert "cov" not in vars(fit)
        prior = fit_strengths(data, alpha=0.3)
        with_prior = [prior.contrast(0, j)[1] for j in range(1, N)]
        assert "cov" not in vars(prior)
    for case, alpha, stderrs in ((fit, 0.0, found), (prior, 0.3, with_prior)):
        cov = np.linalg.pinv(stage_likelihood(stages_of(data), case.params)[2] + alpha * np.eye(N), rcond=1e-10)
        expected = [np.sqrt(cov[0, 0] + cov[j, j] - 2 * cov[0, j]) for j in range(1, N)]
        np.testing.assert_allclose(stderrs, expected, rtol=1e-7)


@some
@given(st.one_of(rankings(N), choices(N)).map(completed))
def test_sandwich(data):
    """``H^- V H^-``: bread from the pairs, filling from the rankings, each of which is one unit."""
    fit = fit_strengths(data, method="pair_split")
    H, V = np.zeros((N, N)), np.zeros((N, N))
    for k, (start, stop) in enumerate(pairwise(data.offsets.tolist())):
        row, w = data.flat[start:stop].tolist(), data.weights[k]
        if isinstance(data, Rankings):
            ordered = list(combinations(row, 2))
        else:
            winner = int(data.winners[k])
            ordered = [(winner, i) for i in row if i != winner]
        _, g, curvature = stage_likelihood([(i, (i, j), 1.0) for i, j in ordered], fit.params)
        H += w * curvature
        V += w * np.outer(g, g)
    bread = np.linalg.pinv(H, rcond=1e-10, hermitian=True)
    np.testing.assert_allclose(fit.cov, bread @ V @ bread, rtol=1e-6, atol=1e-9)
    assert fit.cov_kind == "sandwich"
    difference, stderr = fit.contrast(0, 1)
    direction = np.eye(N)[0] - np.eye(N)[1]
    assert abs(stderr**2 - direction @ bread @ V @ bread @ direction) < 1e-8 * (1 + stderr**2)
    assert difference == fit.params[0] - fit.params[1]


@pytest.mark.parametrize("K", [3, 4, 5])
def test_splitting_understates_errors_if_believed(K):
    """The trap of prefs.md 8, exactly: every ranking of K items once, so that all utilities are equal.

    The sandwich is ``4 (K + 1) / (3 K)`` per ranking (prefs.md 4.8); the pairs alone, a complete graph with curvature
    1/4 on each edge, promise ``4 / K``. The truth is ``(K + 1) / 3`` times the promise.
    """
    rows = list(permutations(range(K)))
    centering = np.eye(K) - 1 / K
    honest = fit_strengths(Rankings.from_lists(rows), method="pair_split")
    np.testing.assert_allclose(honest.cov, 4 * (K + 1) / (3 * K) / len(rows) * centering, atol=1e-14)
    naive = fit_strengths(PairList.from_pairs([pair for row in rows for pair in combinations(row, 2)]))
    np.testing.assert_allclose(naive.cov, 4 / K / len(rows) * centering, atol=1e-14)
    # And the maximum-likelihood estimate has the smallest errors: (K - 1) / (K - H_K) per ranking.
    best = (K - 1) / (K - sum(1 / k for k in range(1, K + 1)))
    np.testing.assert_allclose(fit_strengths(Rankings.from_lists(rows)).cov, best / len(rows) * centering, atol=1e-14)


@pytest.mark.parametrize("method", ["lsr", "rank_centrality"])
def test_methods_without_errors_say_so(method):
    fit = fit_strengths(PairCounts([[0, 3], [1, 0]]), method=method)
    for ask in (lambda: fit.cov, lambda: fit.stderr, lambda: fit.contrast(0, 1)):
        with pytest.raises(InputError, match="has no standard errors") as caught:
            ask()
        assert (caught.value.argument, caught.value.value) == ("method", method)
    assert "stderr" not in fit.to_frame()


# ---------------------------------------------------------------- coverage

FALSE_ALARM = 1e-6
LEVEL = 0.95
MARGIN = 0.02
"""Wald's interval covers with probability LEVEL + O(1 / n); with n of at least 300 here this is generous."""


def assert_coverage(covered):
    """Refuse counts that coverages within the margin produce with probability below the false alarm."""
    trials, hits = len(covered), int(np.sum(covered))
    assert (
        binom.ppf(FALSE_ALARM / 2, trials, LEVEL - MARGIN) <= hits <= binom.isf(FALSE_ALARM / 2, trials, LEVEL + MARGIN)
    )
    # 600 trials: a true coverage below 0.80 is missed with probability below 1e-3
    assert binom.sf(binom.ppf(FALSE_ALARM / 2, trials, LEVEL - MARGIN) - 1, trials, 0.80) < 1e-3


def test_wald_intervals_of_pairs_cover():
    """Three items, 400 matches of each pair: the interval of a difference covers it in 95% of 600 leagues."""
    rng = np.random.default_rng(1)
    theta, z = np.array([0.7, 0.0, -0.4]), norm.isf((1 - LEVEL) / 2)
    covered = []
    for _ in range(600):
        W = np.zeros((3, 3))
        for i, j in ((0, 1), (0, 2), (1, 2)):
            W[i, j] = rng.binomial(400, 1 / (1 + np.exp(theta[j] - theta[i])))
            W[j, i] = 400 - W[i, j]
        difference, stderr = fit_strengths(PairCounts(W)).contrast(0, 2)
        covered.append(abs(difference - theta[0] + theta[2]) <= z * stderr)
    assert_coverage(covered)


@pytest.mark.parametrize("method", ["newton", "pair_split"])
def test_wald_intervals_of_rankings_cover(method):
    """Four items, 300 rankings, drawn by sorting utilities plus Gumbel noise; both estimators know their errors."""
    rng = np.random.default_rng(2)
    theta, z = np.array([0.7, 0.0, -0.4, -0.3]), norm.isf((1 - LEVEL) / 2)
    covered = []
    for _ in range(600):
        rows = np.argsort(-(theta + rng.gumbel(size=(300, 4))), axis=1)
        difference, stderr = fit_strengths(Rankings.from_lists(rows), method=method).contrast(0, 2)
        covered.append(abs(difference - theta[0] + theta[2]) <= z * stderr)
    assert_coverage(covered)
