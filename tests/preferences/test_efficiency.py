"""Efficiency of pair splitting: the numbers of prefs.md 4.8 and 7.6, enumeration of all rankings, and invariances."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mdpkit.errors import InputError, NotWellPosedError, ShapeError
from mdpkit.preferences.efficiency import (
    pairsplit_asymptotic_cov,
    pl_asymptotic_cov,
    pl_efficiency,
    pl_efficiency_equal,
    pl_fisher,
)

FOUR = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
TRAP = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, -1]])
THETA = np.array([0.8, -0.3, -0.5])


def enumerated(phi, theta):
    """Information (as variance and as curvature), H2 and V2 by summing over all K! rankings, from the definitions."""
    K, d = phi.shape
    u = phi @ theta
    variance, curvature, H2, V2 = np.zeros((4, d, d))
    total = 0.0
    for ranking in permutations(range(K)):
        weight, score, hessian = 1.0, np.zeros(d), np.zeros((d, d))
        for k in range(K - 1):
            rest = list(ranking[k:])
            p = np.exp(u[rest] - u[rest].max())
            p /= p.sum()
            mean = p @ phi[rest]
            weight *= p[0]
            score += phi[rest[0]] - mean
            hessian += sum(q * np.outer(x, x) for q, x in zip(p, phi[rest] - mean, strict=True))
        split, curve = np.zeros(d), np.zeros((d, d))
        for better, worse in combinations(ranking, 2):
            x = phi[better] - phi[worse]
            lose = 1 / (1 + np.exp(x @ theta))
            split += lose * x
            curve += lose * (1 - lose) * np.outer(x, x)
        total += weight
        variance += weight * np.outer(score, score)
        curvature += weight * hessian
        V2 += weight * np.outer(split, split)
        H2 += weight * curve
    assert abs(total - 1) < 1e-12
    return variance, curvature, H2, V2


def upper(matrix):
    return matrix[np.triu_indices(len(matrix))]


# ---------------------------------------------------------------- prefs.md 7.6


def test_four_choices_in_three_dimensions():
    found = pl_efficiency(FOUR, THETA)
    information = [0.5550370304, 0.0132660257, 0.0387280482, 0.5961164645, 0.0066215223, 0.5877868368]
    sandwich = [1.9396151564, 0.0071058041, -0.1013615389, 1.8056550771, -0.0970871545, 1.8369941155]
    np.testing.assert_allclose(upper(found.information), information, atol=1e-10)
    np.testing.assert_allclose(upper(found.pair_split_cov), sandwich, atol=1e-10)
    np.testing.assert_allclose(found.design, 2 / 3 * np.eye(3), atol=1e-15)
    assert abs(found.mle_mse - 3.4658635102) < 1e-10
    assert abs(found.pair_split_mse - 3.7215095660) < 1e-10
    assert abs(found.ratio - 0.9313058179) < 1e-10
    assert found.rank == 3
    np.testing.assert_array_equal(found.information, pl_fisher(FOUR, THETA))
    np.testing.assert_array_equal(found.mle_cov, pl_asymptotic_cov(FOUR, THETA))
    np.testing.assert_array_equal(found.pair_split_cov, pairsplit_asymptotic_cov(FOUR, THETA))


def test_four_choices_in_the_plane():
    found = pl_efficiency([[1, 0], [0, 1], [1, 1], [0, 0]], [1, -0.5])
    np.testing.assert_allclose(upper(found.information), [0.517139582770, 0.055341307889, 0.582209046868], atol=1e-12)
    sandwich = [2.104179190743, -0.211481847911, 1.886635632032]
    np.testing.assert_allclose(upper(found.pair_split_cov), sandwich, atol=1e-12)
    assert abs(found.trace_ratio - 0.924330868490) < 1e-12


def test_features_that_do_not_identify_the_parameter():
    """All rows sum to one, so (1, 1, 1) is invisible: rank 2, and nothing of the order of 1e16."""
    found = pl_efficiency(TRAP, THETA)
    assert found.rank == 2
    for matrix in (found.information, found.mle_cov, found.pair_split_cov, found.design):
        np.testing.assert_allclose(matrix @ np.ones(3), 0, atol=1e-14)
        assert np.abs(matrix).max() < 2
        assert np.linalg.matrix_rank(matrix, hermitian=True, tol=1e-10) == 2
    np.testing.assert_allclose(found.mle_cov, np.linalg.pinv(found.information, rcond=1e-10), atol=1e-13)
    # The same estimation problem in coordinates that are identified.
    plane = np.linalg.qr(np.array([[1.0, 0], [-1, 1], [0, -1]]))[0]
    inside = pl_efficiency(TRAP @ plane, plane.T @ THETA)
    assert inside.rank == 2
    np.testing.assert_allclose(plane @ inside.pair_split_cov @ plane.T, found.pair_split_cov, atol=1e-13)
    assert abs(inside.ratio - found.ratio) < 1e-13


# ---------------------------------------------------------------- equal utilities


def test_efficiency_at_equal_utilities():
    published = [Fraction(n, d) for n, d in ((1, 1), (27, 28), (108, 115), (150, 163), (450, 497), (2205, 2468))]
    assert [pl_efficiency_equal(K) for K in range(2, 8)] == published
    assert pl_efficiency_equal(8) == Fraction(3920, 4437)
    many = [pl_efficiency_equal(K) for K in (2, 3, 5, 10, 100, 1000)]
    assert many == sorted(many, reverse=True)
    assert Fraction(3, 4) < many[-1] < Fraction(3, 4) + Fraction(1, 100)


@pytest.mark.parametrize("K", [2, 3, 4, 7, 12, 16])
def test_eigenvalues_at_equal_utilities(K):
    """Items without features: (K - H_K)/(K - 1) and 4 (K + 1)/(3 K), K - 1 times each, and one 0."""
    found = pl_efficiency(np.eye(K), np.full(K, 0.7))
    harmonic = float(sum(Fraction(1, k) for k in range(1, K + 1)))
    centering = np.eye(K) - 1 / K
    np.testing.assert_allclose(found.information, (K - harmonic) / (K - 1) * centering, atol=1e-14)
    np.testing.assert_allclose(found.mle_cov, (K - 1) / (K - harmonic) * centering, atol=1e-13)
    np.testing.assert_allclose(found.pair_split_cov, 4 * (K + 1) / (3 * K) * centering, atol=1e-13)
    assert abs(found.ratio - float(pl_efficiency_equal(K))) < 1e-13
    assert found.rank == K - 1


@pytest.mark.parametrize("z", [0.0, 1.5, -6.0])
def test_two_items_leave_nothing_to_lose(z):
    """One comparison with x = 2: both covariances are 1 / (4 p (1 - p))."""
    found = pl_efficiency([[3.0], [1.0]], [z / 2])
    expected = (2 + np.exp(z) + np.exp(-z)) / 4
    np.testing.assert_allclose([found.mle_cov, found.pair_split_cov], expected, rtol=1e-13)
    assert abs(found.ratio - 1) < 1e-14


# ---------------------------------------------------------------- all rankings

instances = st.integers(2, 6).flatmap(
    lambda K: st.integers(1, 3).flatmap(
        lambda d: st.tuples(
            arrays(float, (K, d), elements=st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, 0.3])),
            arrays(float, d, elements=st.sampled_from([0.0, 0.5, -0.5, 0.25, 0.7])),
        )
    )
)


@settings(deadline=None, max_examples=40)
@given(instances)
def test_against_all_rankings(instance):
    phi, theta = instance
    assume(np.ptp(phi, axis=0).any())
    variance, curvature, H2, V2 = enumerated(phi, theta)
    found = pl_efficiency(phi, theta)
    np.testing.assert_allclose(variance, curvature, atol=1e-12)  # the two faces of Fisher information
    np.testing.assert_allclose(found.information, variance, atol=1e-12)
    mle_cov, H2_inverse = (np.linalg.pinv(M, rcond=1e-10, hermitian=True) for M in (variance, H2))
    sandwich = H2_inverse @ V2 @ H2_inverse
    size = np.abs(sandwich).max()
    np.testing.assert_allclose(found.mle_cov, mle_cov, atol=1e-8 * size)
    np.testing.assert_allclose(found.pair_split_cov, sandwich, atol=1e-8 * size)
    # Theorem 4.3: splitting never helps.
    assert np.linalg.eigvalsh(found.pair_split_cov - found.mle_cov)[0] >= -1e-12 * size
    assert 0 < found.ratio <= 1 + 1e-12
    assert 0 < found.trace_ratio <= 1 + 1e-12


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_invariances(seed):
    """Another origin, another order of the items, another basis: the same problem."""
    rng = np.random.default_rng(seed)
    K, d = int(rng.integers(4, 9)), int(rng.integers(1, 4))  # d < K: a pseudo-inverse depends on the basis
    phi, theta = rng.normal(size=(K, d)), rng.normal(size=d) / 2
    A = np.linalg.qr(rng.normal(size=(d, d)))[0] @ np.diag(rng.uniform(0.5, 2, size=d))
    found = pl_efficiency(phi, theta)
    shifted = pl_efficiency(phi + 3 * rng.normal(size=d), theta)
    relabeled = pl_efficiency(rng.permutation(phi), theta)
    turned = pl_efficiency(phi @ A, np.linalg.solve(A, theta))
    for other in (shifted, relabeled):
        for name in ("information", "mle_cov", "pair_split_cov", "design"):
            np.testing.assert_allclose(getattr(other, name), getattr(found, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(turned.information, A.T @ found.information @ A, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(A @ turned.pair_split_cov @ A.T, found.pair_split_cov, rtol=1e-8, atol=1e-8)
    assert abs(turned.ratio - found.ratio) < 1e-10


# ---------------------------------------------------------------- utilities far apart


def exact_three(w):
    """Both covariances of (theta_0 - theta_2, theta_1 - theta_2) for three items, in fractions."""
    phi = [(1, 0), (0, 1), (0, 0)]
    information, H2, V2 = ([[Fraction(0)] * 2 for _ in range(2)] for _ in range(3))
    for ranking in permutations(range(3)):
        weight, score, split = Fraction(1), [Fraction(0)] * 2, [Fraction(0)] * 2
        for k in range(2):
            rest = ranking[k:]
            total = sum(w[i] for i in rest)
            weight *= w[rest[0]] / total
            for c in range(2):
                score[c] += phi[rest[0]][c] - sum(w[i] * phi[i][c] for i in rest) / total
        for a, b in combinations(ranking, 2):
            x, lose = [phi[a][c] - phi[b][c] for c in range(2)], w[b] / (w[a] + w[b])
            for c in range(2):
                split[c] += lose * x[c]
                for e in range(2):
                    H2[c][e] += weight * lose * (1 - lose) * x[c] * x[e]
        for c in range(2):
            for e in range(2):
                information[c][e] += weight * score[c] * score[e]
                V2[c][e] += weight * split[c] * split[e]
    H = inverse(H2)
    return inverse(information), product(product(H, V2), H)


def inverse(M):
    det = M[0][0] * M[1][1] - M[0][1] * M[1][0]
    return [[M[1][1] / det, -M[0][1] / det], [-M[1][0] / det, M[0][0] / det]]


def product(M, N):
    return [[sum(M[c][k] * N[k][e] for k in range(2)) for e in range(2)] for c in range(2)]


@pytest.mark.parametrize("powers", [(0, 6, 12), (0, 0, 10), (0, 13, 13), (-12, 0, 0), (0, 0, 0)], ids=str)
def test_weights_over_twelve_orders_of_magnitude(powers):
    """Items of weight 10^k, against exact fractions: squaring condition numbers would leave no digit."""
    w = [Fraction(10) ** k for k in powers]
    phi = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    theta = np.log(10) * (np.array(powers[:2], dtype=float) - powers[2])
    mle, split = (np.array(M, dtype=float) for M in exact_three(w))
    for found, exact in ((pl_asymptotic_cov(phi, theta), mle), (pairsplit_asymptotic_cov(phi, theta), split)):
        scale = np.sqrt(np.diag(exact))  # errors are relative to the standard deviations, not to single entries
        np.testing.assert_allclose(found / np.outer(scale, scale), exact / np.outer(scale, scale), atol=1e-8)


def test_certain_comparisons():
    """The information of certain comparisons is 0, never NaN; its inverse is refused."""
    for theta in ([0.0, 800.0, -800.0], [1e6, -1e6, 0.0], [1e307, -1e307, 0.0]):
        np.testing.assert_array_equal(pl_fisher(np.eye(3), theta), 0)
        for cov in (pl_asymptotic_cov, pairsplit_asymptotic_cov, pl_efficiency):
            with pytest.raises(NotWellPosedError, match="theta puts the utilities so far apart") as caught:
                cov(np.eye(3), theta)
            assert caught.value.argument == "theta"
    # One certain loser: the two others are still compared, here at equal utilities.
    information = pl_fisher(np.eye(3), [0.0, 0.0, -800.0])
    np.testing.assert_allclose(information, [[0.25, -0.25, 0], [-0.25, 0.25, 0], [0, 0, 0]], atol=1e-15)
    # A common level of utilities changes nothing, however high.
    high = pl_efficiency(np.column_stack([FOUR, np.ones(4)]), [*THETA, 5000.0])
    assert high.rank == 3
    assert abs(high.ratio - 0.9313058179) < 1e-9


# ---------------------------------------------------------------- arguments


def test_bad_input():
    every = (pl_fisher, pl_asymptotic_cov, pairsplit_asymptotic_cov, pl_efficiency)
    for function in every:
        with pytest.raises(ShapeError, match=r"features must have shape \(K, d\) with K >= 2, found \(1, 2\)"):
            function([[1.0, 2.0]], [0.0, 0.0])
        with pytest.raises(ShapeError, match=r"theta must have shape \(2,\), found \(3,\)"):
            function(np.eye(2), np.zeros(3))
        with pytest.raises(InputError, match=r"features\[1, 0\] = nan must be finite"):
            function([[1.0], [np.nan]], [0.0])
        with pytest.raises(InputError, match=r"theta\[0\] = inf must be finite"):
            function([[1.0], [0.0]], [np.inf])
        with pytest.raises(InputError, match=r"features\[1\] @ theta overflows"):
            function([[1.0], [1e200]], [-1e200])
    for function in (pl_fisher, pl_asymptotic_cov, pl_efficiency):
        with pytest.raises(InputError, match=r"features must have at most 16 rows, .* found 17") as caught:
            function(np.eye(17), np.zeros(17))
        assert (caught.value.argument, caught.value.value) == ("features", 17)
    assert pairsplit_asymptotic_cov(np.eye(40), np.zeros(40))[0, 0] == pytest.approx(4 * 41 / 120 * 39 / 40)
    with pytest.raises(InputError, match="n_choices must be an integer of at least 2, found 1"):
        pl_efficiency_equal(1)


def test_equal_items_say_nothing():
    same = np.ones((3, 2))
    for function in (pl_fisher, pl_asymptotic_cov, pairsplit_asymptotic_cov):
        np.testing.assert_array_equal(function(same, [1.0, 2.0]), np.zeros((2, 2)))
    with pytest.raises(NotWellPosedError, match="features must differ between items"):
        pl_efficiency(same, [1.0, 2.0])


def test_a_short_repr():
    assert repr(pl_efficiency(FOUR, THETA)).startswith("PLEfficiency(d=3, rank=3, mle_mse=3.46586, ")
