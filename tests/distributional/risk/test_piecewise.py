"""Exact piecewise linear stock values against their definition, point by point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.distributional.risk.piecewise import Curve, maximum, stock_values
from mdpkit.distributional.risk.problem import read_problem, reward_lattice
from mdpkit.problems.risk import two_step_gamble
from tests.distributional.brute_force import as_mdp, expect, history_laws, two_step_problems


@st.composite
def curves(draw):
    z = sorted(draw(st.sets(st.integers(-8, 8), min_size=1, max_size=6)))
    v = [draw(st.integers(-5, 5)) for _ in z]
    return Curve(np.array(z, dtype=float), np.array(v, dtype=float), 1.0, -0.5)


@given(curves(), curves())
def test_maximum(first, second):
    best = maximum(first, second)
    at = np.linspace(-12, 12, 2001)
    np.testing.assert_allclose(best(at), np.maximum(first(at), second(at)), atol=1e-12)
    assert np.all(np.diff(best.z) > 0)
    np.testing.assert_allclose(best.slopes()[[0, -1]], [1.0, -0.5])
    # Every breakpoint left is a kink.
    assert len(best.z) == 1 or np.all(np.abs(np.diff(best.slopes())) > 1e-12)


@settings(max_examples=60, deadline=None)
@given(
    two_step_problems(),
    st.sampled_from([(1.0, 0.0), (0.0, 1.0), (1.0, -1.0), (-2.0, -0.5)]),
    st.sampled_from([1.0, 0.5]),
)
def test_stock_values_at_every_stock(problem, slopes, gamma):
    """``max_pi E f(c + G)`` over all brute-forced laws, on a fine set of stocks."""
    k_neg, k_pos = slopes
    read = read_problem(as_mdp(problem, gamma), horizon=2, initial_state=0, endless=False)
    values = stock_values(read, k_neg, k_pos)
    laws = history_laws(problem, 2, gamma)
    for c in np.linspace(-9.3, 9.3, 32):
        best = max(float(expect(law, lambda x, c=c: k_pos * max(c + x, 0) + k_neg * min(c + x, 0))) for law in laws)
        assert values.root(np.array([c]))[0] == pytest.approx(best, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(two_step_problems(n_actions=3))
def test_lattice_values_are_exact_on_the_lattice(problem):
    """Rewards are multiples of 1/2, so that many or few breakpoints must not matter at multiples of 1/2."""
    read = read_problem(as_mdp(problem), horizon=2, initial_state=0, endless=False)
    lattice = reward_lattice(read)
    assert lattice is None or (2 * lattice) % 1 == 0
    at = np.arange(-20, 21) * (lattice or 0.5)
    few, all_of_them = (stock_values(read, 1.0, 0.0, lattice=q).root(at) for q in (lattice, None))
    np.testing.assert_allclose(few, all_of_them, atol=1e-12)


@pytest.mark.parametrize(
    ("rewards", "lattice"), [([1, -2, 0], 1.0), ([0.3, 0.1, 0], 0.1), ([6, -4, 0], 2.0), ([2**0.5, 1, 0], None)]
)
def test_reward_lattice(rewards, lattice):
    mdp = two_step_gamble(rewards[0], rewards[1], rewards[2], 0.0)
    found = reward_lattice(read_problem(mdp, horizon=2, initial_state=0, endless=False))
    assert found == (None if lattice is None else pytest.approx(lattice))
    discounted = two_step_gamble(gamma=0.5)
    assert reward_lattice(read_problem(discounted, horizon=2, initial_state=0, endless=False)) is None
