"""MMD, energy distance and optimal transport of laws of vectors, against sums over all pairs and closed forms."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from mdpkit.distributional import DiscreteLaw, energy, mmd, wasserstein
from mdpkit.errors import InputError, NotCallableError, ShapeError, UnknownOptionError
from tests.distributional.laws.support import A, B, floats, quick


@st.composite
def clouds(draw, size=None):
    """Distinct points of the plane with probabilities."""
    n = size or draw(st.integers(1, 6))
    points = draw(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=n, max_size=n, unique=True))
    weights = np.array(draw(st.lists(st.integers(1, 6), min_size=n, max_size=n)), dtype=float)
    return DiscreteLaw(points, weights / weights.sum() if size is None else np.full(n, 1 / n))


def three_sums(a, b, k):
    """``E k(X, X') + E k(Y, Y') - 2 E k(X, Y)`` term by term."""

    def expected(s, t):
        return sum(
            p * q * k(np.subtract(x, y)) for x, p in zip(s.x, s.p, strict=True) for y, q in zip(t.x, t.p, strict=True)
        )

    return expected(a, a) + expected(b, b) - 2 * expected(a, b)


def norm(d):
    return float(np.linalg.norm(np.atleast_1d(d)))


def test_case_d13_gaussian():
    assert mmd(floats(A), floats(B)) ** 2 == pytest.approx(0.338473141438, abs=5e-13)


@quick
@given(clouds(), clouds(), st.sampled_from([0.5, 1.0, 3.0]), st.sampled_from([0.5, 1.0, 1.9]))
def test_kernel_distances_are_their_sums(a, b, bandwidth, exponent):
    gauss = three_sums(a, b, lambda d: np.exp(-(norm(d) ** 2) / (2 * bandwidth**2)))
    assert mmd(a, b, bandwidth=bandwidth) ** 2 == pytest.approx(gauss, abs=1e-13)
    power = three_sums(a, b, lambda d: -(norm(d) ** exponent))
    assert mmd(a, b, "energy", exponent=exponent) ** 2 == pytest.approx(power, abs=1e-12)
    assert energy(a, b) == pytest.approx(three_sums(a, b, lambda d: -norm(d)), abs=1e-12)
    custom = mmd(a, b, lambda x, y: np.exp(-cdist(x, y, "sqeuclidean") / (2 * bandwidth**2)))
    assert custom == pytest.approx(mmd(a, b, bandwidth=bandwidth), abs=1e-12)


@quick
@given(st.integers(1, 5).flatmap(lambda n: st.tuples(clouds(size=n), clouds(size=n))), st.sampled_from([1, 2, 3]))
def test_transport_of_equal_weights_is_the_best_matching(pair, p):
    """Birkhoff: with n atoms of mass 1/n each, some permutation is optimal. The solver works to 1e-7."""
    a, b = pair
    cost = cdist(a.x, b.x) ** p
    best = min(sum(cost[i, j] for i, j in enumerate(order)) for order in permutations(range(len(a)))) / len(a)
    assert wasserstein(a, b, p) ** p == pytest.approx(best, rel=1e-6, abs=1e-6)


@quick
@given(clouds(), st.tuples(st.integers(-3, 3), st.integers(-3, 3)))
def test_translations(a, shift):
    """Moving a law costs the length of the move; a distance is invariant to moving both."""
    moved = a.affine(shift)
    assert wasserstein(a, moved) == pytest.approx(np.hypot(*shift), rel=1e-6, abs=1e-6)
    assert wasserstein(a, a) == 0
    assert mmd(moved, a.affine(shift)) == 0
    # Jensen: the mean moves at most that far.
    assert np.linalg.norm(a.mean() - moved.mean()) <= wasserstein(a, moved) + 1e-6


def test_two_hundred_atoms_are_solved_and_more_refused():
    rng = np.random.default_rng(0)
    a, b = (DiscreteLaw(rng.normal(size=(200, 2)), np.full(200, 1 / 200)) for _ in range(2))
    value = wasserstein(a, b)
    # Between the dual function x -> x_1 and coupling atoms in their lexicographic order.
    assert wasserstein(a.marginal(0), b.marginal(0)) <= value + 1e-6
    assert value <= np.mean(np.linalg.norm(a.x - b.x, axis=1)) + 1e-6
    big = DiscreteLaw(rng.normal(size=(201, 2)), np.full(201, 1 / 201))
    with pytest.raises(InputError, match=r"201 atoms.*use mmd") as caught:
        wasserstein(a, big)
    assert caught.value.argument == "b"
    assert mmd(a, big) > 0


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    a, b = (DiscreteLaw(rng.normal(size=50), np.full(50, 1 / 50)) for _ in range(2))
    whole = mmd(a, b)
    monkeypatch.setattr("mdpkit.distributional.laws.vector_distances.BLOCK", 7 * 100)
    assert mmd(a, b) == pytest.approx(whole, abs=1e-14)


ONE = DiscreteLaw.point(0)


@pytest.mark.parametrize(
    ("build", "kind", "argument"),
    [
        (lambda: mmd(ONE, DiscreteLaw.point((0, 1))), ShapeError, "b"),
        (lambda: mmd(ONE, ONE, "laplace"), UnknownOptionError, "kernel"),
        (lambda: mmd(ONE, ONE, 3), NotCallableError, "kernel"),
        (lambda: mmd(ONE, DiscreteLaw.point(1), lambda x, y: 1.0), ShapeError, "kernel"),
        (lambda: mmd(ONE, ONE, bandwidth=0.0), InputError, "bandwidth"),
        (lambda: mmd(ONE, ONE, bandwidth=float("nan")), InputError, "bandwidth"),
        (lambda: mmd(ONE, ONE, "energy", exponent=2.0), InputError, "exponent"),
        (lambda: mmd(ONE, ONE, "energy", exponent=0.0), InputError, "exponent"),
    ],
)
def test_bad_input(build, kind, argument):
    with pytest.raises(kind) as caught:
        build()
    assert type(caught.value) is kind
    assert caught.value.argument == argument
