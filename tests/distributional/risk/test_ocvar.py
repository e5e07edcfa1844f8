"""Optimal optimistic CVaR: mixing of two policies, against linear programs over brute-forced laws."""

from __future__ import annotations

from fractions import Fraction as F  # noqa: N817 - fractions fill these tables

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from mdpkit.distributional import maximize_ocvar
from mdpkit.errors import InputError
from mdpkit.feedback import EpisodicSimulator
from mdpkit.models import MixturePolicy
from mdpkit.problems.risk import cliff_walk, lottery_choice, two_step_gamble
from tests.distributional.brute_force import (
    as_mdp,
    history_laws,
    mixture,
    object_law,
    ocvar,
    two_step,
    two_step_problems,
)

LEVELS = st.sampled_from([F(1, 8), F(1, 4), F(3, 8), F(1, 2), F(2, 3), F(3, 4), F(1)])


def best_mixture(laws, tau):
    """``max_w min_x`` of the mixture's variational form, as a linear program over atoms in the best share.

    Choose weights ``w_i`` and, of atom ``x`` of law ``i``, a part ``m_ix <= w_i p_ix`` with total ``tau``.
    """
    sizes = [len(law) for law in laws]
    n, k = sum(sizes), len(laws)
    x = np.array([float(v) for law in laws for v in law])
    p = np.array([float(q) for law in laws for q in law.values()])
    owner = np.repeat(np.arange(k), sizes)
    limit = np.hstack([np.eye(n), -p[:, None] * (owner[:, None] == np.arange(k))])
    totals = np.zeros((2, n + k))
    totals[0, :n] = totals[1, n:] = 1.0
    cost = np.concatenate([-x / tau, np.zeros(k)])
    return -linprog(cost, A_ub=limit, b_ub=np.zeros(n), A_eq=totals, b_eq=[tau, 1.0], method="highs").fun


def test_lottery_needs_a_coin():
    """Spec D9: 3/2 for each ticket, exactly 2 for the first with probability 2/3."""
    solution = maximize_ocvar(lottery_choice(), 0.5, horizon=1)
    assert solution.value == pytest.approx(2.0, abs=1e-14)
    assert solution.weights == pytest.approx((2 / 3, 1 / 3))
    assert solution.stock == pytest.approx(-1.0)
    assert solution.best_deterministic_value == 1.5
    assert isinstance(solution.policy, MixturePolicy)
    assert [policy.act(0, 0, None)[0] for policy in solution.policies] == [0, 1]


def test_two_step_gamble():
    """Spec D3: best deterministic 4; it is best of all."""
    solution = maximize_ocvar(two_step_gamble(), 0.5, horizon=2)
    assert solution.best_deterministic_value == solution.value == 4.0
    assert solution.weights == (1.0,)
    assert max(ocvar(law, F(1, 2)) for law in history_laws(two_step(2, 1, 0, 3), 2)) == 4


@settings(max_examples=120, deadline=None)
@given(two_step_problems(), LEVELS, st.sampled_from([F(1), F(1, 2)]))
def test_against_a_linear_program_over_all_laws(problem, tau, gamma):
    solution = maximize_ocvar(as_mdp(problem, float(gamma)), float(tau), horizon=2)
    laws = history_laws(problem, 2, gamma)
    assert solution.value == pytest.approx(best_mixture(laws, float(tau)), abs=1e-9)
    # What is returned attains it, deterministic policies apart and together.
    played = [object_law(problem, 2, policy, gamma) for policy in solution.policies]
    weights = [F(weight) for weight in solution.weights]
    mixed = mixture([weight / sum(weights) for weight in weights], played)
    assert float(ocvar(mixed, tau)) == pytest.approx(solution.value, abs=1e-12)
    assert solution.law.ocvar(float(tau)) == solution.value
    best = max(float(ocvar(law, tau)) for law in laws)
    assert solution.best_deterministic_value <= best + 1e-12
    assert best <= solution.value + 1e-12


def test_the_mixture_meets_the_slope_condition():
    """``P(c0 + G > 0) <= tau <= P(c0 + G >= 0)`` at the minimizer."""
    solution = maximize_ocvar(cliff_walk(), 0.8, horizon=14)
    law, threshold = solution.law, -solution.stock
    assert law.p[law.x > threshold + 1e-9].sum() <= 0.8 + 1e-12
    assert law.p[law.x >= threshold - 1e-9].sum() >= 0.8 - 1e-12


def test_rollouts_of_the_mixture():
    """2000 episodes on {0: 1/2, 1.5: 1/3, 3: 1/6}; five standard errors, false alarm below 1e-6 for each."""
    mdp = lottery_choice()
    solution = maximize_ocvar(mdp, 0.5, horizon=1)
    returns = EpisodicSimulator(mdp, seed=1, horizon=1).rollout(solution.policy, 2000).reward
    for x, p in ((0.0, 1 / 2), (1.5, 1 / 3), (3.0, 1 / 6)):
        assert abs(np.mean(returns == x) - p) < 5 * np.sqrt(p * (1 - p) / 2000)


def test_bad_input():
    with pytest.raises(InputError, match="tau"):
        maximize_ocvar(lottery_choice(), 0.0, horizon=1)
    with pytest.raises(InputError, match="horizon is required"):
        maximize_ocvar(lottery_choice(gamma=0.5), 0.5)
