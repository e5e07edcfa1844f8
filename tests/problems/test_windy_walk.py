"""The windy walk against its rules, its closed forms and exact fractions (spec 6.9 and 7.2)."""

from __future__ import annotations

from fractions import Fraction as F  # noqa: N817 - fractions fill these tables

import numpy as np
import pytest

import mdpkit
from mdpkit.errors import DiscountError, InputError
from mdpkit.problems.robust import windy_walk, windy_walk_model
from tests.oracles import exact_policy_values, exact_values, pairs_of

MAP = ["S~~~.G", ".###..", ".~~~..", ".###..", ".~~~..", ".~~~.."]


def test_the_map():
    """36 cells, 6 of them walls; corridors are where the wind blows."""
    model = windy_walk_model(0.9)
    assert model.n_states == 36
    drawn = []
    for s in range(36):
        moves = int(model.action_mask[s].sum())
        if moves == 1:
            assert model.transition(s, 0)[s] == 1
            assert model.reward(s, 0) == 0
            drawn.append("G" if s == 5 else "#")
        else:
            assert [model.reward(s, a) for a in range(4)] == [-1] * 4
            windy = len(np.flatnonzero(model.transition(s, 2))) == 2
            drawn.append("~" if windy else "S" if model.initial[s] else ".")
    assert ["".join(drawn[6 * row : 6 * row + 6]) for row in range(6)] == MAP


@pytest.mark.parametrize("length", [1, 3, 7])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_rules(length, alpha):
    """Every row written out again: where a step leads, and where the wind does."""
    model, n_cols = windy_walk_model(alpha, corridor_length=length), length + 3
    wall = {(row, col) for row in (1, 3) for col in range(1, length + 1)}
    power = {0: 1, 2: 3, 4: 6, 5: 6}
    for s in range(6 * n_cols):
        row, col = divmod(s, n_cols)
        if (row, col) in wall or (row, col) == (0, n_cols - 1):
            continue
        for a, (down, right) in enumerate([(-1, 0), (1, 0), (0, 1), (0, -1)]):
            there = (row + down, col + right)
            if there in wall or not (0 <= there[0] < 6 and 0 <= there[1] < n_cols):
                there = (row, col)
            expected = np.zeros(6 * n_cols)
            w = alpha ** power[row] if 1 <= col <= length and row in power else 0.0
            expected[there[0] * n_cols + there[1]] += 1 - w
            if w:
                expected[s - 1] += w
            np.testing.assert_array_equal(model.transition(s, a), expected)
    reached = {t for s in range(6 * n_cols) if divmod(s, n_cols) not in wall for t in successors(model, s)}
    assert not {divmod(t, n_cols) for t in reached} & wall


def successors(model, s):
    return {int(t) for a in np.flatnonzero(model.action_mask[s]) for t in np.flatnonzero(model.transition(s, int(a)))}


def test_start_values_in_fractions():
    """Spec 6.9; strengths 0, 1/4 and 1/2 have exact wind probabilities."""
    gamma = F(19, 20)
    calm, breeze, gale = (pairs_of(windy_walk_model(alpha)) for alpha in (0, 0.25, 0.5))
    still, optimal = exact_values(calm, gamma)
    assert still[0] == -(1 - gamma**5) / F(1, 20) == F("-4.52438125")
    assert abs(exact_values(breeze, gamma)[0][0] - -6.2296225533) < 5e-11
    assert exact_values(gale, gamma)[0][0] == F(-73055230061803, 9186855520000)
    policy = [actions[0] for actions in optimal]
    assert abs(exact_policy_values(gale, policy, gamma)[0] - -10.2944132392) < 5e-11


def test_wind_only_hurts():
    """Value iteration by hand on the hull of all 25 models: nature takes the last one wherever it matters."""
    models = windy_walk()
    blocks = np.stack([m.rows.csr().toarray() for m in models])
    first = models[0]
    V = np.zeros(36)
    for _ in range(1000):
        payoff = first.pair_reward + 0.95 * (blocks @ V).min(axis=0)
        V = np.maximum.reduceat(payoff, first.state_ptr[:-1])
    assert abs(V[0] - -73055230061803 / 9186855520000) < 1e-12


def action_values(model):
    V = mdpkit.solve(model, tol=1e-11).V
    return model.scatter(model.pair_reward + model.gamma * (model.rows.csr() @ V))


@pytest.mark.parametrize(("first", "start"), [(0, -4.52438125), (12, -6.2296225533)])
def test_minima_of_action_values_find_the_worst_wind_in_two_rounds(first, start):
    """Spec 7.2 (1): IWOCS by hand, every policy evaluated in all 25 models by one linear solve each."""
    models, seen, ends = windy_walk(), [first], []
    for _ in range(2):
        lowest = np.min([action_values(models[i]) for i in seen], axis=0)
        policy = lowest.argmax(axis=1)
        values = [mdpkit.evaluate_policy(model, policy).V[0] for model in models]
        seen.append(int(np.argmin(values)))
        ends.append((lowest[0].max(), min(values)))
    assert seen == [first, 24, 24]
    assert ends[0][0] == pytest.approx(start, abs=1e-9)
    assert first or ends[0][1] == pytest.approx(-10.2944132392, abs=1e-9)
    assert ends[1] == pytest.approx((-7.9521474897216, -7.9521474897216), abs=1e-9)


@pytest.mark.parametrize(
    ("length", "routes"), [(3, [0] * 18 + [2] * 7), (20, [0] * 5 + [2] * 17 + [4] * 3)], ids=["L=3", "L=20"]
)
def test_routes(length, routes):
    """Spec 7.2 (4): north, middle from alpha = .375 (L = 3); middle from .104167, south from .458333 (L = 20)."""
    found = []
    for model in windy_walk(length):
        policy, s, n_cols = mdpkit.solve(model, tol=1e-9).policy, 0, length + 3
        while s % n_cols != 1:  # the column where corridors begin; outside of them moves are certain
            s = int(np.argmax(model.transition(s, int(policy[s]))))
        found.append(s // n_cols)
    assert found == routes


def test_strengths():
    assert windy_walk(alphas=[0.1, 0.2]).models[1].transition(1, 2)[0] == 0.2
    assert len(windy_walk()) == 25
    assert windy_walk().models[18].transition(1, 2)[0] == 0.375
    assert windy_walk(gamma=0.5).gamma == 0.5


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"corridor_length": 0}, "corridor_length"),
        ({"corridor_length": 2.5}, "corridor_length"),
        ({"alphas": []}, "alphas"),
        ({"alphas": 0.5}, "alphas"),
        ({"alphas": ["x"]}, "alphas"),
        ({"alphas": [0.1, 1.5]}, "alphas"),
        ({"alphas": [np.nan]}, "alphas"),
    ],
)
def test_bad_parameters_are_named(arguments, named):
    with pytest.raises(InputError) as caught:
        windy_walk(**arguments)
    assert caught.value.argument == named


def test_a_discount_is_needed_for_the_set_only():
    assert windy_walk_model(0.5, gamma=None).gamma is None
    with pytest.raises(DiscountError):
        windy_walk(gamma=1.0)
