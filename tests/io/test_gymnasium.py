"""Gymnasium's toy-text tables, and made-up ones with every fault."""

from __future__ import annotations

import sys
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from mdpkit import io
from mdpkit.errors import EmptyActionSetError, InputError, MissingDependencyError, NotStochasticError
from tests.oracles import exact_values, pairs_of

gymnasium = pytest.importorskip("gymnasium")


def newest(name):
    """Return the newest registered version, since gymnasium retires the old ones."""
    versions = [key.rpartition("-v")[2] for key in gymnasium.registry if key.rpartition("-v")[0] == name]
    return f"{name}-v{max(versions, key=int)}"


@pytest.fixture(scope="module")
def lake():
    return gymnasium.make("FrozenLake-v1", map_name="8x8")


@pytest.fixture(scope="module")
def taxi():
    return gymnasium.make(newest("Taxi"))


@pytest.fixture(scope="module")
def cliff():
    return gymnasium.make(newest("CliffWalking"))


def mean_of(table, s, a):
    return sum(p * r for p, _, r, _ in table[s][a])


@pytest.mark.parametrize(("name", "sizes"), [("lake", (65, 4)), ("taxi", (501, 6)), ("cliff", (49, 4))])
def test_every_row_of_the_table_is_in_the_model(request, name, sizes):
    env = request.getfixturevalue(name)
    table = env.unwrapped.P
    model = io.from_gymnasium(env, gamma=0.99)
    assert (model.n_states, model.n_actions) == sizes
    end = sizes[0] - 1
    for s in range(end):
        for a in range(sizes[1]):
            row = np.zeros(sizes[0])
            for p, t, _, terminated in table[s][a]:
                row[end if terminated else t] += p
            np.testing.assert_allclose(model.transition(s, a), row, atol=1e-15)
            assert model.reward(s, a) == pytest.approx(mean_of(table, s, a), abs=1e-14)
    assert np.flatnonzero(model.action_mask[end]).tolist() == [0]
    assert model.transition(end, 0)[end] == 1
    assert model.reward(end, 0) == 0
    assert model.state_names[end] == "terminated"
    np.testing.assert_allclose(model.initial[:end], env.unwrapped.initial_state_distrib, rtol=1e-14)
    assert model.initial[end] == 0


def test_a_hole_and_the_goal_stay_apart(lake):
    # A slip can end in the hole (6, 6), reward 0, or at the goal (7, 7), reward 1, from the two cells between them:
    # (6, 7) moving left or down, (7, 6) moving right or up.
    mixed = [(55, 0), (55, 1), (62, 2), (62, 3)]
    model = io.from_gymnasium(lake, gamma=0.99)
    outcomes = model.outcomes
    assert model.has_random_rewards
    for s, a in mixed:
        mine = (outcomes.pair == model.pair_index(s, a)) & (outcomes.successor == 64)
        assert outcomes.reward[mine].tolist() == [0, 1]
        np.testing.assert_allclose(outcomes.prob[mine], 1 / 3, rtol=1e-15)
        assert model.reward(s, a) == pytest.approx(1 / 3, rel=1e-15)
    table = lake.unwrapped.P
    found = [(s, a) for s in range(64) for a in range(4) if len({r for _, _, r, end in table[s][a] if end}) == 2]
    assert found == mixed


def test_frozen_lake_names(lake):
    model = io.from_gymnasium(lake)
    assert model.state_names[0] == "(0, 0) S"
    assert model.state_names[19] == "(2, 3) H"
    assert model.state_names[63] == "(7, 7) G"
    # Order of the environment's documentation: left, down, right, up; moving down from the start, slipping sideways.
    assert model.action_names == ("left", "down", "right", "up")
    assert np.flatnonzero(model.transition("(0, 0) S", "down")).tolist() == [0, 1, 8]


def test_cliff_names(cliff):
    model = io.from_gymnasium(cliff)
    assert model.state_names[36:38] == ("(3, 0) S", "(3, 1) C")
    assert model.state_names[47] == "(3, 11) G"
    assert model.reward("(3, 0) S", "right") == -100  # into the cliff, and back to the start
    assert model.transition("(3, 0) S", "right")[36] == 1


def test_taxi_names_agree_with_the_environment(taxi):
    model = io.from_gymnasium(taxi)
    places = ("Red", "Green", "Yellow", "Blue")
    for s in range(0, 500, 7):
        row, col, passenger, destination = taxi.unwrapped.decode(s)
        where = "in taxi" if passenger == 4 else f"at {places[passenger]}"
        assert model.state_names[s] == f"taxi ({row}, {col}), passenger {where}, to {places[destination]}"
    # Delivering at Red, which is the corner (0, 0), earns 20 and ends the episode.
    assert model.reward("taxi (0, 0), passenger in taxi, to Red", "drop off") == 20
    assert model.transition("taxi (0, 0), passenger in taxi, to Red", "drop off")[500] == 1
    # Row 0 is the north side.
    assert model.transition("taxi (1, 0), passenger at Red, to Blue", "north")[
        model.state_index("taxi (0, 0), passenger at Red, to Blue")
    ] == 1  # fmt: skip


def test_deterministic_lake_is_a_shortest_path():
    env = gymnasium.make("FrozenLake-v1", map_name="4x4", is_slippery=False)
    V, _ = exact_values(pairs_of(io.from_gymnasium(env)), "0.9")
    # SFFF/FHFH/FFFH/HFFG: six moves from start to goal, the reward comes with the last: 0.9^5.
    assert V[0] == Fraction("0.9") ** 5


def test_environment_by_its_id():
    assert io.from_gymnasium("FrozenLake-v1", gamma=0.5).n_states == 17
    with pytest.raises(InputError, match="NoSuchLake"):
        io.from_gymnasium("NoSuchLake-v0")


def test_environments_without_a_table_are_refused():
    with pytest.raises(InputError, match="BlackjackEnv has no transition table"):
        io.from_gymnasium(gymnasium.make("Blackjack-v1"))


def test_a_fickle_passenger_is_refused(taxi):
    base = SimpleNamespace(P=taxi.unwrapped.P, fickle_passenger=True)
    fickle = type("TaxiEnv", (SimpleNamespace,), {})(**vars(base))
    with pytest.raises(InputError, match="fickle"):
        io.from_gymnasium(fickle)


def test_missing_gymnasium_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(MissingDependencyError, match=r"mdpkit\[gym\]"):
        io.from_gymnasium("FrozenLake-v1")


def test_tables_of_lists_without_an_end_get_no_extra_state():
    env = SimpleNamespace(P=[[[(0.5, 0, 1, False), (0.5, 0, 3, False)]]])
    model = io.from_gymnasium(env, gamma=0.5)
    assert (model.n_states, model.reward(0, 0), model.initial, model.state_names) == (1, 2.0, None, None)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({}, InputError, "empty"),
        ({1: {0: [(1, 0, 0, False)]}}, InputError, "state 0"),
        ({0: {0: [(1, 0, 0)]}}, InputError, "state 0"),
        ({0: {0: [(0.5, 0, 0, False)]}}, NotStochasticError, "sums to 0.5"),
        ({0: {0: [(1, 1, 0, False)]}, 1: {}}, EmptyActionSetError, "state 1"),
        ({0: {0: [(1, 5, 0, False)]}}, InputError, "outside"),
    ],
)
def test_faulty_tables(table, error, message):
    with pytest.raises(error, match=message):
        io.from_gymnasium(SimpleNamespace(P=table))
