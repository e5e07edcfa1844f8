"""The dual level recursion (an upper bound with a flaw) and nested risk (another objective)."""

from __future__ import annotations

from fractions import Fraction as F  # noqa: N817 - fractions fill these tables

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from mdpkit.distributional import dual_level_cvar, maximize_cvar, nested_risk, return_law
from mdpkit.errors import InputError, NotCallableError, NotWellPosedError
from mdpkit.problems.risk import cliff_walk, sure_or_coin, two_step_gamble
from tests.distributional.brute_force import as_mdp, cvar, history_laws, object_law, two_step, two_step_problems

LEVELS = st.sampled_from([F(1, 8), F(1, 4), F(1, 2), F(3, 4), F(9, 10), F(1)])

D3 = [
    ((2, 1, 0, 3), 0.5, 1.0, 3 / 2, 1.0),
    ((2, 1, 0, 3), 0.5, 0.9, 27 / 20, 0.9),
    ((4, 1, -1, 5), 0.5, 1.0, 2.0, 1.0),
    ((4, 1, 0, 4), 0.25, 1.0, 1.0, 1.0),
    ((2, 1, 0, 4), 0.75, 1.0, 20 / 9, 2.0),
    ((4, 2, 0, 8), 0.75, 1.0, 40 / 9, 4.0),
]
"""Parameters of the two-step gamble, level, discount, dual level recursion, nested CVaR (spec D3)."""


def nested_cvar(tau):
    return lambda law: law.cvar(tau)


@pytest.mark.parametrize(("prizes", "tau", "gamma", "dual", "nested"), D3)
def test_two_step_gambles(prizes, tau, gamma, dual, nested):
    mdp = two_step_gamble(*prizes, gamma=gamma)
    assert dual_level_cvar(mdp, tau, horizon=2).value == pytest.approx(dual, abs=1e-14)
    assert nested_risk(mdp, nested_cvar(tau), horizon=2).value == pytest.approx(nested, abs=1e-14)


def test_the_flaw_in_detail():
    """Spec B10: x = 4, theta = 1/2, next levels 5/6 after reward 0 and 2/3 after 2; 20/9 claimed, 2 attained."""
    solution = dual_level_cvar(two_step_gamble(2, 1, 0, 4), 0.75, horizon=2)
    assert solution.value == pytest.approx(20 / 9)
    assert solution.policy_value == pytest.approx(2.0)
    assert solution.error_bound == pytest.approx(2 / 9)
    assert solution.status == "upper_bound"
    _, level = solution.policy.act(0, 0, None)
    assert level == 0.75
    assert solution.policy.observe(0, 0, level, 0, 0.0, 1) == pytest.approx(5 / 6)
    assert solution.policy.observe(0, 0, level, 0, 2.0, 1) == pytest.approx(2 / 3)


@settings(max_examples=120, deadline=None)
@given(two_step_problems(), LEVELS, st.sampled_from([F(1), F(1, 2)]))
def test_never_below_the_optimum(problem, tau, gamma):
    solution = dual_level_cvar(as_mdp(problem, float(gamma)), float(tau), horizon=2)
    best = max(cvar(law, tau) for law in history_laws(problem, 2, gamma))
    assert solution.value >= float(best) - 1e-11
    assert solution.policy_value <= float(best) + 1e-11
    played = object_law(problem, 2, solution.policy, gamma)
    assert float(cvar(played, tau)) == pytest.approx(solution.policy_value, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(two_step_problems(n_actions=1), LEVELS)
def test_exact_without_choices(problem, tau):
    solution = dual_level_cvar(as_mdp(problem), float(tau), horizon=2)
    (law,) = history_laws(problem, 2)
    assert solution.value == pytest.approx(float(cvar(law, tau)), abs=1e-11)
    assert solution.policy_value == pytest.approx(solution.value, abs=1e-11)


def test_envelope_dominates_the_fine_grid_of_levels():
    """Spec E2: at least the exact optimum at 19 levels, strictly at 3/4."""
    mdp = two_step_gamble(2, 1, 0, 4)
    levels = np.arange(1, 20) / 20
    gap = [dual_level_cvar(mdp, tau, horizon=2).value - maximize_cvar(mdp, tau, horizon=2).value for tau in levels]
    assert min(gap) >= -1e-12
    assert gap[14] == pytest.approx(2 / 9)


@pytest.mark.parametrize(("tau", "value"), [(0.5, -12.502274422649), (0.1, -44.530682929369)])
def test_nested_cvar_of_the_cliff_walk(tau, value):
    solution = nested_risk(cliff_walk(), nested_cvar(tau), horizon=14)
    assert solution.value == pytest.approx(value, abs=2e-12)
    law = return_law(cliff_walk(), solution.policy, horizon=14, initial_state=8).law(8)
    np.testing.assert_allclose(solution.law.p, law.p, atol=1e-13)


def test_nested_cvar_has_no_order_with_cvar():
    """Spec B11: below on the two-step gamble, above on others."""
    gap = {}
    for side in (-1, 1):
        gap[side] = find(
            st.tuples(two_step_problems(), LEVELS),
            lambda drawn, side=side: side * _difference(*drawn) > 1e-6,
            settings=settings(max_examples=3000, database=None, derandomize=True, phases=[Phase.generate]),
        )
    assert _difference(*gap[-1]) < 0 < _difference(*gap[1])
    assert _difference(two_step(2, 1, 0, 3), F(1, 2)) == pytest.approx(-0.5)


def _difference(problem, tau):
    best = max(cvar(law, tau) for law in history_laws(problem, 2))
    return nested_risk(as_mdp(problem), nested_cvar(float(tau)), horizon=2).value - float(best)


def test_nested_mean_is_the_mean_and_nested_minimum_the_worst_case():
    mdp = two_step_gamble()
    assert nested_risk(mdp, lambda law: law.mean(), horizon=2).value == 2.5
    assert nested_risk(mdp, lambda law: law.x[0], horizon=2).value == 1.0


def test_nested_risk_for_ever():
    """sure: 0.4/(1 - 1/2) = 0.8; coin: v = (4/9) + v/2 at 0.9, so 8/9."""
    solution = nested_risk(sure_or_coin(), nested_cvar(0.9))
    assert solution.value == pytest.approx(8 / 9, abs=solution.error_bound + 1e-12)
    assert solution.policy.tolist() == [1]
    assert nested_risk(sure_or_coin(), nested_cvar(0.5)).value == pytest.approx(0.8, abs=1e-9)


def test_bad_input():
    mdp = two_step_gamble()
    with pytest.raises(NotCallableError, match="risk must be callable"):
        nested_risk(mdp, "cvar", horizon=2)
    with pytest.raises(InputError, match="risk must return a number"):
        nested_risk(mdp, lambda law: None, horizon=2)
    with pytest.raises(InputError, match="finite"):
        nested_risk(mdp, lambda law: np.nan, horizon=2)
    with pytest.raises(NotWellPosedError, match="horizon"):
        nested_risk(mdp, lambda law: law.mean())
    with pytest.raises(InputError, match="tau"):
        dual_level_cvar(mdp, 0.0, horizon=2)
    with pytest.raises(InputError, match="horizon is required"):
        dual_level_cvar(sure_or_coin(), 0.5)
