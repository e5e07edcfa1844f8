"""Stock grids against exact values on closed lattices, and instances that attain their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import bounds
from tests.bounds.laws import Law, cvar
from tests.bounds.stock_problems import OneState

some = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**32 - 1)
TINY = 1e-9


def coarse(one: OneState) -> np.ndarray:
    """A grid of n cells: a part of the lattice, but not closed."""
    return np.linspace(one.low, one.high, one.n + 1)


@some
@given(seeds)
def test_linear_interpolation(seed):
    one = OneState.draw(np.random.default_rng(seed), [-1.0, 0.0, 0.5, 2.0])
    grid, c = coarse(one), one.lattice
    optimal, V = one.fixed_point(c), one.fixed_point(grid)
    interpolated = one.interpolated(grid, V)
    limit = bounds.stock_grid_error(gamma=0.5, step=grid[1] - grid[0], slope_range=abs(one.k_pos - one.k_neg))
    error = np.abs(interpolated(c) - optimal).max()
    assert error <= limit + TINY
    assert np.abs(V - one.interpolated(c, optimal)(grid)).max() <= 0.5 * limit + TINY
    policy = one.q(interpolated, c).argmax(axis=0)
    loss = (optimal - one.fixed_point(c, policy=policy)).max()
    assert loss <= bounds.stock_greedy_loss(gamma=0.5, error=error) + TINY


@some
@given(seeds)
def test_enclosure(seed):
    one = OneState.draw(np.random.default_rng(seed), [0.0, 0.5, 2.0])
    grid = coarse(one)
    optimal = one.interpolated(one.lattice, one.fixed_point(one.lattice))(grid)
    low, high = one.fixed_point(grid, "floor"), one.fixed_point(grid, "ceil")
    limit = bounds.stock_grid_enclosure_error(gamma=0.5, step=grid[1] - grid[0], lipschitz=max(one.k_neg, one.k_pos))
    assert (low <= optimal + TINY).all()
    assert (optimal <= high + TINY).all()
    assert max((optimal - low).max(), (high - optimal).max()) <= limit + TINY


def test_the_lattice_of_the_tests_is_exact():
    """Spec D8: a reward of 2/5 or a fair coin, values solved by hand, the same in all three modes."""
    one = OneState(np.full((2, 2), 0.5), np.array([[0.4, 0.4], [0.0, 1.0]]), k_neg=1.0, k_pos=0.0, n=1)
    c = np.array([-1, -6 / 5, -8 / 5, -4 / 5, -2])
    for mode in ("linear", "floor", "ceil"):
        values = one.interpolated(one.lattice, one.fixed_point(one.lattice, mode), mode)(c)
        np.testing.assert_allclose(values, [-11 / 70, -11 / 35, -22 / 35, 0, -1], atol=1e-12)


def test_linear_bound_is_attained():
    """gamma = 0: only the interpolation of f = min(x, 0) counts, and its kink is in the middle of a cell."""
    chord = (min(-0.5, 0.0) + min(0.5, 0.0)) / 2
    assert 0.0 - chord == bounds.stock_grid_error(gamma=0, step=1, slope_range=1)


# ---------------------------------------------------------------- the threshold of CVaR

taus = st.sampled_from([0.05, 0.3, 0.5, 0.75, 1.0])


def best_on_grid(laws: list[Law], tau: float, grid: np.ndarray, noise: np.ndarray | float = 0.0) -> float:
    V = np.max([[np.minimum(c + x, 0) @ p for c in grid] for x, p in laws], axis=0)
    return float((-grid + (V + noise) / tau).max())


@some
@given(seeds, taus, st.sampled_from([0.1, 0.7, 3.0]), st.sampled_from([0.0, 0.1]))
def test_cvar_on_a_grid(seed, tau, step, error):
    """Three policies with known laws; the grid covers their returns."""
    rng = np.random.default_rng(seed)
    laws = [(rng.uniform(-2, 2, size=3), rng.dirichlet(np.ones(3))) for _ in range(3)]
    optimal = max(cvar(law, tau) for law in laws)
    grid = np.arange(-2.0, 2.0 + step, step)
    exact = best_on_grid(laws, tau, grid)
    assert -TINY <= optimal - exact <= bounds.stock_grid_cvar_error(tau=tau, step=step) + TINY
    noisy = best_on_grid(laws, tau, grid, rng.uniform(-error, error, size=len(grid)))
    assert abs(optimal - noisy) <= bounds.stock_grid_cvar_error(tau=tau, step=step, value_error=error) + TINY


@pytest.mark.parametrize("tau", [0.125, 0.5, 0.75, 1.0])
def test_cvar_bound_is_attained(tau):
    """A certain return of 3, and its threshold ``tau h`` to the right of a grid point."""
    certain = [(np.array([3.0]), np.ones(1))]
    found = best_on_grid(certain, tau, np.array([-3 - tau, -2 - tau]))
    assert 3.0 - found == bounds.stock_grid_cvar_error(tau=tau, step=1)
