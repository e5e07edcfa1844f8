"""`RidgeDesign` against linear algebra from scratch, exact fractions, closed forms and its inequalities."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.errors import InputError, ShapeError, UnknownOptionError
from mdpkit.regression import RidgeDesign

CYCLE = np.array([[1, 0], [0, 1], [0.6, 0.8], [0.8, -0.6], [math.sqrt(0.5), math.sqrt(0.5)]])
"""The bandit of mdvi.md d.9: five unit vectors, repeated four times."""


def draw(n, d, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n), rng.uniform(0.1, 10.0, n)


def from_scratch(X, y, w, lam):
    """Matrix, and the estimate by least squares on the augmented system: no inverse, no normal equation."""
    d = X.shape[1]
    tall = np.vstack([np.sqrt(w)[:, None] * X, math.sqrt(lam) * np.eye(d)])
    theta = np.linalg.lstsq(tall, np.concatenate([np.sqrt(w) * y, np.zeros(d)]), rcond=None)[0]
    return tall.T @ tall, theta


# ------------------------------------------------------------------ published numbers


def test_numbers_of_the_cycle_bandit():
    design = RidgeDesign(2)
    for x in np.tile(CYCLE, (4, 1)):
        design.update(x)
    np.testing.assert_allclose(design.matrix, [[11, 2], [2, 11]], rtol=1e-14)
    assert design.n_updates == 20
    assert design.elliptical_potential == pytest.approx(5.818525516, abs=1e-8)
    assert 2 * design.log_det == pytest.approx(9.524347870, abs=1e-8)
    assert design.log_det == pytest.approx(math.log(117), rel=1e-13)
    assert design.radius(0.05, noise=1, bound=1) == pytest.approx(4.279274078, abs=1e-8)
    by_dimension = design.radius(0.05, noise=1, bound=1, form="dimension", row_bound=1.0)
    assert by_dimension == pytest.approx(4.284395697, abs=1e-8)
    assert 4 * math.log(11) == pytest.approx(9.591581091, abs=1e-8)
    # The rows have length one, so the default bound says the same.
    assert design.radius(0.05, noise=1, bound=1, form="dimension") == pytest.approx(by_dimension, rel=1e-14)


def test_radius_without_noise_is_the_bias_of_the_ridge():
    assert RidgeDesign(2, lam=9.0).radius(0.01, noise=0, bound=5) == 15
    # Before any data the estimate is zero and the ellipsoid must hold every parameter of norm B.
    assert RidgeDesign(3, lam=4).radius(0.5, noise=0, bound=7) == 14


# ------------------------------------------------------------------ against linear algebra from scratch


@pytest.mark.parametrize(("n", "d", "lam"), [(1, 1, 1.0), (3, 5, 0.1), (400, 6, 2.0), (2500, 3, 1e-3)])
def test_agrees_with_least_squares(n, d, lam):
    X, y, w = draw(n, d, seed=n)
    design = RidgeDesign(d, lam=lam)
    design.update(X, y, w)
    matrix, theta = from_scratch(X, y, w, lam)
    np.testing.assert_allclose(design.matrix, matrix, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(design.theta, theta, rtol=1e-9, atol=1e-11)
    assert design.log_det == pytest.approx(np.linalg.slogdet(matrix)[1], rel=1e-11, abs=1e-10)
    assert design.log_det - design.log_det_ratio == pytest.approx(d * math.log(lam), abs=1e-9)
    probes = np.random.default_rng(1).standard_normal((2, 7, d))
    expected = np.sqrt(np.einsum("abi,ij,abj->ab", probes, np.linalg.inv(matrix), probes))
    np.testing.assert_allclose(design.norm(probes), expected, rtol=1e-9)
    assert design.norm(probes[0, 0]) == pytest.approx(expected[0, 0], rel=1e-9)
    np.testing.assert_allclose(design.solve(matrix), np.eye(d), atol=1e-9)


def test_potential_is_the_sum_over_past_matrices():
    X, _, w = draw(60, 4, seed=0)
    design = RidgeDesign(4, lam=0.5)
    matrix, total = 0.5 * np.eye(4), 0.0
    for x, weight in zip(X, w, strict=True):
        total += min(1.0, weight * x @ np.linalg.solve(matrix, x))
        matrix = matrix + weight * np.outer(x, x)
        design.update(x, weight=weight)
    assert design.elliptical_potential == pytest.approx(total, rel=1e-12)


def test_tiny_ridge_keeps_its_digits():
    """Exact inverse in fractions; lambda = 2^-40 with rows of size one would cost an updated inverse 12 digits."""
    lam = Fraction(1, 2**40)
    rows = [(1, 1), (1, 1), (3, 3), (1, 2), (2, 1)]
    design = RidgeDesign(2, lam=float(lam))
    a, b, c = lam, Fraction(0), lam
    for p, q in rows:
        design.update([p, q])
        a, b, c = a + p * p, b + p * q, c + q * q
        det = a * c - b * b
        exact = (c * 4 + 2 * b * 2 + a * 1) / det  # x = (2, -1)
        assert design.norm([2, -1]) == pytest.approx(math.sqrt(exact), rel=1e-5 if det < 1e-6 else 1e-12)
        assert design.log_det == pytest.approx(math.log(det), rel=1e-6 if det < 1e-6 else 1e-10)


def test_batches_steps_and_recomputations_agree():
    X, y, w = draw(333, 5, seed=3)
    batch, single, often = RidgeDesign(5), RidgeDesign(5), RidgeDesign(5, recompute_every=7)
    batch.update(X, y, w)
    for x, response, weight in zip(X, y, w, strict=True):
        single.update(x, response, weight)
        often.update(x, response, weight)
    for other in (single, often):
        np.testing.assert_allclose(other.matrix, batch.matrix, rtol=1e-12)
        np.testing.assert_allclose(other.theta, batch.theta, rtol=1e-10)
        assert other.log_det == pytest.approx(batch.log_det, rel=1e-12)
        assert other.elliptical_potential == pytest.approx(batch.elliptical_potential, rel=1e-11)
    assert batch.drift == 0.0
    assert 0.0 < often.drift < 1e-12


def test_drift_stays_small_over_many_updates():
    rng = np.random.default_rng(4)
    design = RidgeDesign(8, lam=1e-6, recompute_every=10**6)
    design.update(rng.standard_normal((50_000, 8)) * np.geomspace(1e-2, 1e2, 8))
    assert 0.0 < design.recompute() < 1e-9
    assert design.log_det == pytest.approx(np.linalg.slogdet(design.matrix)[1], rel=1e-10)


# ------------------------------------------------------------------ inequalities and invariances

sizes = st.tuples(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**32 - 1))


@settings(max_examples=60, deadline=None)
@given(sizes, st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_elliptical_potential_lemma(size, lam, scale):
    n, d, seed = size
    X = scale * np.random.default_rng(seed).standard_normal((n, d))
    design = RidgeDesign(d, lam=lam)
    design.update(X)
    largest = np.linalg.norm(X, axis=1).max()
    assert design.elliptical_potential <= 2 * design.log_det_ratio * (1 + 1e-12)
    assert design.log_det_ratio <= d * math.log1p(n * largest**2 / (d * lam)) * (1 + 1e-12)
    exact = design.radius(0.1, noise=2, bound=3)
    coarse = design.radius(0.1, noise=2, bound=3, form="dimension")
    assert exact <= coarse * (1 + 1e-12)
    assert coarse <= design.radius(0.1, noise=2, bound=3, form="dimension", row_bound=2 * largest)


@settings(max_examples=40, deadline=None)
@given(sizes, st.floats(0.01, 100.0))
def test_weight_is_a_scale_of_row_and_response(size, weight):
    n, d, seed = size
    X, y, _ = draw(n, d, seed)
    weighted, scaled = RidgeDesign(d), RidgeDesign(d)
    weighted.update(X, y, weight)
    scaled.update(math.sqrt(weight) * X, math.sqrt(weight) * y)
    np.testing.assert_allclose(weighted.matrix, scaled.matrix, rtol=1e-11, atol=1e-12 * weight)
    np.testing.assert_allclose(weighted.theta, scaled.theta, rtol=1e-8, atol=1e-10)
    assert weighted.elliptical_potential == pytest.approx(scaled.elliptical_potential, rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(sizes)
def test_norms_shrink_with_data(size):
    n, d, seed = size
    X, _, _ = draw(n + 1, d, seed)
    design = RidgeDesign(d)
    before = np.linalg.norm(X, axis=1)
    for x in X:
        design.update(x)
        now = design.norm(X)
        assert (now <= before * (1 + 1e-12)).all()
        before = now


# ------------------------------------------------------------------ use and refusals


def test_state_of_a_fresh_design():
    design = RidgeDesign(3, lam=2.0)
    np.testing.assert_array_equal(design.theta, np.zeros(3))
    np.testing.assert_array_equal(design.matrix, 2 * np.eye(3))
    assert (design.n_updates, design.log_det_ratio, design.elliptical_potential, design.drift) == (0, 0, 0, 0)
    assert repr(design) == "RidgeDesign(dim=3, lam=2, n_updates=0)"
    design.update(np.zeros((0, 3)), np.zeros(0))
    assert design.n_updates == 0


def test_inputs_stay_untouched_and_results_are_copies():
    X = np.ones((4, 2))
    X.flags.writeable = False
    design = RidgeDesign(2)
    design.update(X, 1.0)
    design.matrix[:] = 0
    design.theta[:] = 0
    np.testing.assert_allclose(design.theta, [4 / 9, 4 / 9])
    copy = pickle.loads(pickle.dumps(design))
    copy.update([1, 0], 0)
    assert (design.n_updates, copy.n_updates) == (4, 5)


def test_rows_without_response_leave_no_estimate():
    design = RidgeDesign(2)
    design.update([1, 0], 1.0)
    design.update([0, 1])
    with pytest.raises(InputError, match="1 of 2 rows"):
        _ = design.theta


@pytest.mark.parametrize(
    ("arguments", "error", "mentions"),
    [
        (([1, 2, 3],), ShapeError, "x must have shape"),
        (([[1, np.nan]],), InputError, r"x\[0, 1\] = nan"),
        (([1, 2], [1, 2]), ShapeError, "y must have shape"),
        (([1, 2], np.inf), InputError, "y = inf"),
        (([1, 2], 1.0, 0.0), InputError, "weight.* must be positive"),
        (([[1, 2], [3, 4]], None, [1.0, -2.0]), InputError, r"weight\[1\] = -2\.0"),
        ((["a", "b"],), ShapeError, "x must be a numeric array"),
        (([1j, 2],), ShapeError, "complex"),
    ],
)
def test_refused_rows_change_nothing(arguments, error, mentions):
    design = RidgeDesign(2)
    with pytest.raises(error, match=mentions):
        design.update(*arguments)
    np.testing.assert_array_equal(design.matrix, np.eye(2))
    assert design.n_updates == 0


@pytest.mark.parametrize(
    "options", [{"dim": 0}, {"dim": 2.0}, {"dim": True}, {"dim": 2, "lam": 0.0}, {"dim": 2, "lam": "1"}]
)
def test_refused_designs(options):
    with pytest.raises(InputError):
        RidgeDesign(**options)


def test_refused_radii():
    design = RidgeDesign(2)
    design.update([3, 4])
    for delta in (0.0, 1.0, np.nan):
        with pytest.raises(InputError, match="delta"):
            design.radius(delta, noise=1, bound=1)
    with pytest.raises(InputError, match="noise"):
        design.radius(0.1, noise=-1, bound=1)
    with pytest.raises(UnknownOptionError, match="determinant"):
        design.radius(0.1, noise=1, bound=1, form="trace")
    with pytest.raises(InputError, match="row_bound"):
        design.radius(0.1, noise=1, bound=1, form="dimension", row_bound=4.9)
    with pytest.raises(ShapeError, match="x must"):
        design.norm([1, 2, 3])
    with pytest.raises(ShapeError, match="b must"):
        design.solve([1, 2, 3])
