"""The parts of the distributional experiments that could be wrong without any claim noticing."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import (
    distributional_approximation,
    distributional_convergence,
    distributional_risk_sweep,
    distributional_stationary_cliff,
    distributional_targets,
)
from mdpkit.distributional import DiscreteLaw, return_law
from mdpkit.problems.risk import cliff_walk, sure_or_coin

weights = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@given(weights, st.data())
def test_distances_to_the_uniform_law(masses: list[int], data: st.DataObject):
    n = len(masses)
    atoms = np.sort(data.draw(st.lists(st.integers(0, 20), min_size=n, max_size=n, unique=True))) / 10
    law = DiscreteLaw(atoms, np.array(masses) / sum(masses))
    level = np.concatenate([[0.0], np.cumsum(law.p)])
    ends = np.unique(np.concatenate([[0.0], atoms, np.clip(2 * level, 0.0, 2.0), [2.0]]))
    first = second = 0.0
    for left, right in pairwise(ends):
        # Between these ends the difference is linear and of one sign: Simpson's rule is exact.
        middle = (left + right) / 2
        away = level[np.searchsorted(atoms, middle)] - np.array([left, middle, right]) / 2
        rule = np.array([1.0, 4.0, 1.0]) * (right - left) / 6
        first += abs(float(rule @ away))
        second += float(rule @ away**2)
    assert distributional_approximation.distance_to_uniform(law) == pytest.approx(first, abs=1e-12)
    assert distributional_approximation.cramer_to_uniform(law) == pytest.approx(np.sqrt(second), abs=1e-12)


def test_the_enumerated_laws_are_those_of_the_library():
    rng = np.random.default_rng(0)
    rows = distributional_stationary_cliff.dense_kernel()
    for actions in rng.integers(4, size=(5, 9)):
        masses = distributional_stationary_cliff.end_masses(rows[np.arange(9), actions][None], 14)[0]
        policy = np.concatenate([actions, [0, 0, 0]])
        law = return_law(cliff_walk(), policy, horizon=14, initial_state=8).law(8)
        atoms = [-39.0 - k for k in range(14, 0, -1)] + [-float(k) for k in range(14, 0, -1)]
        known = dict(zip(law.x.tolist(), law.p.tolist(), strict=True))
        np.testing.assert_allclose(masses, [known.get(x, 0.0) for x in atoms], rtol=0, atol=1e-14)


class Fixed:
    """A stationary policy that keeps an account of its rewards and never looks at it."""

    def __init__(self, actions: np.ndarray) -> None:
        self.actions = actions

    def act(self, state, t, memory):
        return int(self.actions[state]), memory or 0.0

    def observe(self, state, t, memory, action, reward, successor):
        return memory + reward


def test_the_probability_to_enter_a_cell_counts_it_once():
    actions = np.array([1, 1, 1, 3, 2, 2, 2, 3, 2, 0, 0, 0])
    mdp, horizon = cliff_walk(), 6
    found = distributional_risk_sweep.reach_probabilities(mdp, Fixed(actions), horizon)
    P = np.array([[mdp.transition(s, int(a))[j] for j in range(12)] for s, a in enumerate(actions)])
    for goal in range(12):
        # Hitting probability: the cell made absorbing.
        stop = P.copy()
        stop[goal] = np.eye(12)[goal]
        expected = np.linalg.matrix_power(stop, horizon)[8, goal]
        assert found[goal] == pytest.approx(expected, abs=1e-13)


def test_exact_values_solve_the_stock_recursion_and_the_numbers_known_by_hand():
    V = distributional_convergence.exact_values()
    known = {0: -1.0, 4: -22 / 35, 8: -11 / 35, 10: -11 / 70, 12: 0.0}
    np.testing.assert_allclose([V[i] for i in known], list(known.values()), rtol=0, atol=1e-14)
    stocks = np.arange(-20, 1) / 10

    def value(c: float) -> float:
        return c + 1.0 if c < -2.0 else 0.0 if c >= -0.8 else V[round(10 * c) + 20]

    for c, v in zip(stocks, V, strict=True):
        assert v == pytest.approx(max(value(2 * c + 0.8), (value(2 * c) + value(2 * c + 2)) / 2) / 2, abs=1e-13)


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(0, 8))
def test_plans_that_do_not_look(tosses: list[bool], quarters: int):
    target = Fraction(quarters, 4)
    policy = np.array([[int(toss)] for toss in tosses])
    law = return_law(sure_or_coin(0.0), policy, horizon=len(tosses), exact=True).law(0)
    expected = law.expect(lambda g: abs(g - target))
    assert distributional_targets.open_loop(tuple(tosses), target) == expected
