"""The oracle itself, against answers that need no computer."""

from __future__ import annotations

from fractions import Fraction as F  # noqa: N817 - fractions fill these tables

import numpy as np
import pytest

from mdpkit import TabularMDP
from tests.oracles import (
    exact_gain_and_bias,
    exact_policy_values,
    exact_values,
    finite_horizon_values,
    pairs_of,
    solve_linear,
)

# Puterman 3.1: stay (5) or cash in (10), then -1 for ever.
TWO = [
    (0, 0, F(5), {0: F(1, 2), 1: F(1, 2)}),
    (0, 1, F(10), {1: F(1)}),
    (1, 0, F(-1), {1: F(1)}),
]


def test_values_of_the_two_state_problem_by_hand():
    # V(1) = -1/(1-gamma) = -10; staying is worth (5 + .45 V(1))/(1-.45) = 10/11, cashing in 10 + .9 V(1) = 1.
    assert exact_policy_values(TWO, [0, 0], "0.9") == [F(10, 11), F(-10)]
    assert exact_values(TWO, "0.9") == ([F(1), F(-10)], [[1], [0]])


def test_all_optimal_actions_are_reported_where_they_tie():
    # At gamma = 10/11 both actions are worth 0 (spec solvers.md 9.A).
    assert exact_values(TWO, F(10, 11)) == ([F(0), F(-11)], [[0, 1], [0]])


def test_undiscounted_ruin_is_linear_for_a_fair_coin():
    # Fair random walk on 0..5 with reward 1 on reaching 5: P(hit 5 from k) = k/5, optional stopping.
    walk = [(k, 0, F(1, 2) if k == 4 else F(0), {k - 1: F(1, 2), k + 1: F(1, 2)}) for k in range(1, 5)]
    ends = [(0, 0, F(0), {0: F(1)}), (5, 0, F(0), {5: F(1)})]
    assert exact_policy_values(walk + ends, [0] * 6)[1:5] == [F(k, 5) for k in range(1, 5)]


def test_a_policy_that_never_ends_is_refused():
    with pytest.raises(ZeroDivisionError, match="state 0"):
        exact_policy_values([(0, 0, F(-1), {0: F(1)})], [0])


def test_linear_systems_by_substitution():
    # x = 1 + y/2, y = 3 + x/4 + y/4  =>  y = 13/2.5 = 26/5, x = 18/5.
    assert solve_linear([{1: F(1, 2)}, {0: F(1, 4), 1: F(1, 4)}], [F(1), F(3)]) == [F(18, 5), F(26, 5)]


def test_backward_induction_by_hand():
    V, best = finite_horizon_values(TWO, 2)
    # One step left: 10 by cashing in. Two left: stay 5 + (10 - 1)/2 = 19/2 beats 10 - 1 = 9.
    assert [[F(19, 2), F(-2)], [F(10), F(-1)], [F(0), F(0)]] == V
    assert best == [[[0], [0]], [[1], [0]]]


def test_gain_of_a_two_cycle():
    # Spec solvers.md 9.F: rewards 1, 0 in turn; gain 1/2, h(0) - h(1) = 1/2.
    cycle = [(0, 0, F(1), {1: F(1)}), (1, 0, F(0), {0: F(1)})]
    assert exact_gain_and_bias(cycle, [0, 0]) == (F(1, 2), [F(0), F(-1, 2)])


def test_reading_a_model_exactly_and_rounded_to_short_fractions():
    model = TabularMDP.from_outcomes([0, 0, 1], [0, 0, 0], [0.4, 0.6, 1.0], [1.0, 0.0, 0.0], [1, 1, 1])
    (_, _, r, law), _ = pairs_of(model)
    total = F(0.4) + F(0.6)
    assert (r, law) == (F(0.4) / total, {1: F(1)})
    assert pairs_of(model, max_denominator=1000)[0] == (0, 0, F(2, 5), {1: F(1)})


def test_short_fractions_that_do_not_sum_to_one_are_refused():
    third = np.nextafter(1 / 3, 1)
    model = TabularMDP([[[third, 1 - third]], [[0.0, 1.0]]], [0.0, 0.0])
    assert pairs_of(model, max_denominator=10)[0][3] == {0: F(1, 3), 1: F(2, 3)}
    odd = TabularMDP([[[1 / 300, 299 / 300]], [[0.0, 1.0]]], [0.0, 0.0])
    with pytest.raises(ValueError, match=r"pair \(0, 0\)"):
        pairs_of(TabularMDP([[[0.2501, 0.2501, 0.4998]]] * 3, [0.0] * 3), max_denominator=3)
    assert pairs_of(odd)[0][3][0] + pairs_of(odd)[0][3][1] == 1
