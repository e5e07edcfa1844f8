"""Categorical and quantile fixed points against exact laws, and instances that attain their bounds."""

from __future__ import annotations

from math import isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import bounds
from tests.bounds.laws import (
    Chain,
    Law,
    acyclic,
    categorical,
    cramer,
    iterate,
    mean,
    quantiles,
    variance,
    wasserstein,
)

some = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**32 - 1)
gammas = st.sampled_from([0.0, 0.3, 0.8])
TINY = 1e-9
COIN: Chain = [[(0.5, 0.0, 0), (0.5, 1.0, 0)]]
SWEEPS = 150  # 0.8**150 = 3e-15


@some
@given(seeds, gammas, st.integers(2, 14))
def test_categorical_fixed_points(seed, gamma, K):
    """On chains that end, so that the laws are exact; the grids are uneven."""
    rng = np.random.default_rng(seed)
    chain, top = acyclic(rng), 1 / (1 - gamma)
    z = np.r_[-top, np.sort(rng.uniform(-top, top, size=K - 2)), top]
    grid = {"gamma": gamma, "spacing": np.diff(z).max()}
    for law, exact in zip(iterate(chain, gamma, SWEEPS, categorical(z)), iterate(chain, gamma, 4), strict=True):
        assert isclose(mean(law), mean(exact), abs_tol=TINY)
        assert wasserstein(law, exact) <= bounds.categorical_wasserstein_error(**grid) + TINY
        assert cramer(law, exact) <= bounds.categorical_cramer_error(**grid) + TINY
        assert -TINY <= variance(law) - variance(exact) <= bounds.categorical_variance_bias(**grid) + TINY


@some
@given(seeds, gammas, st.integers(1, 9))
def test_quantile_fixed_points(seed, gamma, m):
    rng = np.random.default_rng(seed)
    chain = acyclic(rng)
    limit = bounds.quantile_wasserstein_error(gamma=gamma, n_atoms=m, value_range=2 / (1 - gamma))
    for law, exact in zip(iterate(chain, gamma, SWEEPS, quantiles(m)), iterate(chain, gamma, 4), strict=True):
        assert wasserstein(law, exact) <= limit + TINY


def to_uniform(law: Law) -> tuple[float, float]:
    """W1 and squared Cramer distance to the uniform law on [0, 2], cell by cell in closed form."""
    x, level = np.r_[0, law[0], 2], np.r_[0, np.cumsum(law[1])]
    left, right = x[:-1] / 2 - level, x[1:] / 2 - level  # cdf x / 2 less a constant, at both ends of a cell
    return float((right * np.abs(right) - left * np.abs(left)).sum()), float(2 / 3 * (right**3 - left**3).sum())


@pytest.mark.parametrize("K", [3, 5, 9])
def test_categorical_coin(K):
    """Fair coins at gamma = 1/2: the return is uniform on [0, 2], and every error is known (spec D7)."""
    (law,) = iterate(COIN, 0.5, 80, categorical(np.linspace(0, 2, K)))
    w = 2 / (K - 1)
    np.testing.assert_allclose(law[1], np.r_[0.5, np.ones(K - 2), 0.5] / (K - 1), atol=1e-12)
    assert np.allclose(to_uniform(law), (w / 4, w**2 / 24), atol=1e-12)
    assert isclose(variance(law) - 1 / 3, w**2 / 6, abs_tol=1e-12)
    assert isclose(bounds.categorical_wasserstein_error(gamma=0.5, spacing=w), 4 * w / 4)
    assert isclose(bounds.categorical_cramer_error(gamma=0.5, spacing=w) ** 2, 12 / w * w**2 / 24)
    assert isclose(bounds.categorical_variance_bias(gamma=0.5, spacing=w), 2 * w**2 / 6)


@pytest.mark.parametrize("m", [1, 4, 10])
def test_quantile_coin(m):
    """The same with quantiles: all mass moves to the left by 1 / m on average, half the bound (spec D7)."""
    (law,) = iterate(COIN, 0.5, 80, quantiles(m))
    np.testing.assert_allclose(law[0], 2 * np.arange(m) / m, atol=1e-12)
    assert isclose(to_uniform(law)[0], 1 / m, rel_tol=1e-9)
    assert isclose(bounds.quantile_wasserstein_error(gamma=0.5, n_atoms=m, value_range=2), 2 / m)


def test_categorical_bounds_are_attained():
    """gamma = 0, and a certain reward in the middle of a cell."""
    certain: Chain = [[(1.0, 0.5, 0)]]
    (exact,), (law,) = iterate(certain, 0.0, 1), iterate(certain, 0.0, 1, categorical(np.array([0.0, 1.0])))
    assert wasserstein(law, exact) == bounds.categorical_wasserstein_error(gamma=0, spacing=1) == 0.5
    assert cramer(law, exact) == bounds.categorical_cramer_error(gamma=0, spacing=1) == 0.5
    assert variance(law) - variance(exact) == bounds.categorical_variance_bias(gamma=0, spacing=1) == 0.25


@pytest.mark.parametrize("m", [1, 2, 5])
def test_quantile_bound_is_attained(m):
    """gamma = 0, and a law whose quantile function jumps exactly at the levels that are kept."""
    mass = np.r_[0.5, np.ones(m - 1), 0.5] / m
    chain: Chain = [[(float(p), k / m, 0) for k, p in enumerate(mass)]]
    (exact,), (law,) = iterate(chain, 0.0, 1), iterate(chain, 0.0, 1, quantiles(m))
    limit = bounds.quantile_wasserstein_error(gamma=0, n_atoms=m, value_range=1)
    assert isclose(wasserstein(law, exact), limit, rel_tol=1e-9)
