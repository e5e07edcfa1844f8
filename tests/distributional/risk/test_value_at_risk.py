"""Optimal value at risk against brute force over history policies, and by the level-free second route."""

from __future__ import annotations

from fractions import Fraction as F  # noqa: N817 - fractions fill these tables

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.distributional import DiscreteLaw, maximize_var
from mdpkit.distributional.risk.backward import backward_laws
from mdpkit.distributional.risk.problem import read_problem
from mdpkit.distributional.risk.value_at_risk import highest_quantiles
from mdpkit.errors import ExplosionError, InputError
from mdpkit.problems.risk import cliff_walk, sure_or_coin, two_step_gamble
from tests.distributional.brute_force import as_mdp, history_laws, object_law, two_step_problems, upper_var

LEVELS = st.sampled_from([F(1, 16), F(1, 8), F(1, 4), F(3, 8), F(1, 2), F(2, 3), F(3, 4), F(1)])


@pytest.mark.parametrize(
    ("prizes", "gamma", "law"),
    [
        ((2, 1, 0, 3), 1.0, {1: 0.25, 3: 0.5, 5: 0.25}),
        ((2, 1, 0, 3), 0.9, {0.9: 0.25, 2.7: 0.25, 2.9: 0.25, 4.7: 0.25}),
        ((2, 1, 0, 4), 1.0, {1: 0.25, 3: 0.25, 4: 0.25, 6: 0.25}),
    ],
)
def test_laws_of_the_recursion(prizes, gamma, law):
    """Spec D3: laws that belong to no policy."""
    problem = read_problem(two_step_gamble(*prizes, gamma=gamma), horizon=2, initial_state=0, endless=False)
    laws, _ = backward_laws(problem, highest_quantiles, 100)
    np.testing.assert_allclose(laws[0][0].x, list(law), atol=1e-15)
    np.testing.assert_allclose(laws[0][0].p, list(law.values()), atol=1e-15)


@pytest.mark.parametrize(("tau", "value"), [(0.5, -5), (0.2, -7), (0.1, -10), (0.05, -13), (0.02, -40)])
def test_cliff_walk(tau, value):
    solution = maximize_var(cliff_walk(), tau, horizon=14)
    assert solution.value == pytest.approx(value, abs=1e-9)
    assert solution.law.upper_quantile(tau) == solution.value


@settings(max_examples=150, deadline=None)
@given(two_step_problems(), LEVELS, st.sampled_from([F(1), F(1, 2), F(9, 10)]))
def test_brute_force(problem, tau, gamma):
    """Levels that tie with sums of atoms are common here."""
    solution = maximize_var(as_mdp(problem, float(gamma)), float(tau), horizon=2)
    best = max(upper_var(law, tau) for law in history_laws(problem, 2, gamma))
    assert solution.value == pytest.approx(float(best), abs=1e-12)
    played = object_law(problem, 2, solution.policy, gamma)
    reached = sum(p for x, p in played.items() if x >= best)
    assert reached >= 1 - tau
    assert reached == max(sum(p for x, p in law.items() if x >= best) for law in history_laws(problem, 2, gamma))


def test_pointwise_maximum_of_quantile_functions():
    """{0: 1/2, 4: 1/2} and {1: 3/4, 2: 1/4}: 1 up to 1/2, then 4."""
    law = highest_quantiles([DiscreteLaw([0, 4], [0.5, 0.5]), DiscreteLaw([1, 2], [0.75, 0.25])])
    assert law == DiscreteLaw([1, 4], [0.5, 0.5])


def test_bad_input():
    with pytest.raises(InputError, match="tau"):
        maximize_var(cliff_walk(), 2.0, horizon=3)
    with pytest.raises(InputError, match="horizon is required"):
        maximize_var(sure_or_coin(), 0.5)
    with pytest.raises(ExplosionError, match="max_atoms = 10"):
        maximize_var(sure_or_coin(), 0.5, horizon=8, max_atoms=10)
