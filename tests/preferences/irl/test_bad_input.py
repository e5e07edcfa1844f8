"""Bad input is refused at once, with the argument, the first offending index and the value found."""

from __future__ import annotations

import numpy as np
import pytest

import mdpkit
from mdpkit.errors import InputError, ShapeError, StateIndexError
from mdpkit.feedback import OfflineDataset
from mdpkit.preferences.irl import causal_maxent_irl, maxent_irl

# Action 0 stays, action 1 moves on; state 2 has no action 1.
P = np.zeros((3, 2, 3))
P[[0, 1, 2], 0, [0, 1, 2]] = 1.0
P[[0, 1], 1, [1, 2]] = 1.0
R = [[0.0, 0.0], [0.0, 0.0], [0.0, -np.inf]]
PROBLEM = mdpkit.FiniteHorizonMDP(P, R, horizon=2, initial=0)
FEATURES = np.arange(12.0).reshape(3, 2, 2)
MEAN = [1.0, 2.0]
FRONTS = [maxent_irl, causal_maxent_irl]


def data(rows, **options):
    """Write lines (episode, step, state, action, successor)."""
    episode, step, state, action, successor = np.array(rows).T
    return OfflineDataset(episode, step, state, action, np.zeros(len(rows)), successor, **options)


def with_entry(index, value, shape=(3, 2, 2)):
    table = np.broadcast_to(FEATURES, shape).copy()
    table[index] = value
    return table


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize(
    ("features", "kind", "index", "text"),
    [
        (np.zeros((3, 2)), ShapeError, None, r"found \(3, 2\)"),
        (np.zeros((2, 2, 2)), ShapeError, None, r"\(3, 2, d\) or \(2, 3, 2, d\)"),
        (np.zeros((3, 3, 2, 2)), ShapeError, None, r"found \(3, 3, 2, 2\)"),
        (np.zeros((3, 2, 0)), ShapeError, None, "d >= 1"),
        ("phi", ShapeError, None, "numeric"),
        (with_entry((1, 0, 1), np.nan), InputError, (1, 0, 1), r"features\[1, 0, 1\] = nan"),
        (with_entry((0, 1, 0), np.inf), InputError, (0, 1, 0), "= inf"),
        (with_entry((0, 1, 0), -1e200), InputError, (0, 1, 0), "1e.100"),
        (with_entry((1, 2, 0, 0), np.nan, (2, 3, 2, 2)), InputError, (1, 2, 0, 0), r"features\[1, 2, 0, 0\]"),
    ],
)
def test_features(front, features, kind, index, text):
    with pytest.raises(kind, match=text) as error:
        front(PROBLEM, features, MEAN)
    assert error.value.argument == "features"
    assert error.value.index == index


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize(
    ("demonstrations", "kind", "index", "text"),
    [
        ([1.0], ShapeError, None, r"\(2,\), found shape \(1,\)"),
        ([[1.0, 2.0]], ShapeError, None, "OfflineDataset or mean features"),
        ([1.0, np.nan], InputError, 1, r"demonstrations\[1\] = nan"),
        (None, ShapeError, None, "demonstrations"),
        (data([(0, 0, 0, 1, 1), (0, 1, 1, 0, 1), (1, 0, 0, 0, 0)]), InputError, 2, "episode 1 has 1 steps"),
        (data([(0, 0, 0, 1, 1), (0, 1, 1, 0, 1), (0, 2, 1, 0, 1)]), InputError, 2, "the problem has 2 steps"),
        (data([(0, 1, 0, 1, 1), (0, 2, 1, 0, 1)]), InputError, 0, "step 0 should come next"),
        (data([(0, 0, 0, 1, 1), (0, 0, 1, 0, 1)]), InputError, 1, "step 1 should come next"),
        (data([(0, 0, 0, 1, 1), (0, 1, 0, 0, 0)]), InputError, 0, r"successor\[0\] = 1 is not the state of the next"),
        (data([(0, 0, 0, 1, 2), (0, 1, 2, 0, 2)]), InputError, 0, r"successor\[0\] = 2 has probability 0"),
        (data([(0, 0, 2, 1, 2), (0, 1, 2, 0, 2)]), StateIndexError, 0, r"action\[0\] = 1 is an action its state"),
        (data([(0, 0, 0, 2, 0), (0, 1, 0, 0, 0)]), StateIndexError, 0, r"action\[0\] = 2"),
        (data([(0, 0, 3, 0, 3), (0, 1, 3, 0, 3)]), StateIndexError, 0, r"state\[0\] = 3 is not a state"),
        (data([(0, 0, 0, 0, 0), (0, 1, 0, 0, 3)]), StateIndexError, 1, r"successor\[1\] = 3 is not a state"),
        (OfflineDataset([], [], [], [], [], [], n_states=3, n_actions=2), InputError, None, "empty"),
    ],
)
def test_demonstrations(front, demonstrations, kind, index, text):
    with pytest.raises(kind, match=text) as error:
        front(PROBLEM, FEATURES, demonstrations)
    assert error.value.argument == "demonstrations"
    assert error.value.index == index


@pytest.mark.parametrize("front", FRONTS)
def test_the_first_offending_line_is_named_whatever_the_order(front):
    """Episode 9 stands first in the file but last in the order of episodes."""
    lines = data([(9, 0, 0, 1, 2), (9, 1, 2, 0, 2), (1, 0, 0, 1, 2), (1, 1, 2, 0, 2)])
    with pytest.raises(InputError, match=r"demonstrations.successor\[0\] = 2 has probability 0"):
        front(PROBLEM, FEATURES, lines)


@pytest.mark.parametrize("front", FRONTS)
def test_early_ends_must_not_matter(front):
    """State 2 stays where it is, but in state 1 the demonstrator still had a choice."""
    lines = data([(0, 0, 0, 1, 1), (1, 0, 0, 0, 0), (1, 1, 0, 0, 0)])
    lines = OfflineDataset(
        *(getattr(lines, name) for name in ("episode", "step", "state", "action", "reward", "successor")),
        terminal=[True, False, False],
    )
    with pytest.raises(InputError, match="ended early in state 1, but at step 1 the actions") as error:
        front(PROBLEM, FEATURES, lines)
    assert error.value.argument == "demonstrations"
    assert error.value.index == 0
    assert error.value.value == 1


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"alpha": -1.0}, "alpha"),
        ({"alpha": np.nan}, "alpha"),
        ({"alpha": np.inf}, "alpha"),
        ({"alpha": "1"}, "alpha"),
        ({"alpha": None}, "alpha"),
        ({"tol": 0.0}, "tol"),
        ({"tol": -1e-3}, "tol"),
        ({"tol": True}, "tol"),
        ({"max_iter": 0}, "max_iter"),
        ({"max_iter": 2.5}, "max_iter"),
    ],
)
def test_options(front, options, argument):
    with pytest.raises(InputError, match=argument) as error:
        front(PROBLEM, FEATURES, MEAN, **options)
    assert error.value.argument == argument
    found, given = error.value.value, next(iter(options.values()))
    assert found is given or found == given


@pytest.mark.parametrize("front", FRONTS)
def test_problems(front):
    stationary = mdpkit.TabularMDP(P, R, gamma=0.9)
    with pytest.raises(InputError, match=r"found TabularMDP; .* with_horizon") as error:
        front(stationary, FEATURES, MEAN)
    assert error.value.argument == "problem"
    homeless = mdpkit.FiniteHorizonMDP(P, R, horizon=2)
    with pytest.raises(InputError, match="initial distribution") as error:
        front(homeless, FEATURES, MEAN)
    assert error.value.argument == "problem"
    # Trajectories bring their own first states.
    assert front(homeless, FEATURES, data([(0, 0, 0, 1, 1), (0, 1, 1, 0, 1)]), alpha=1.0).converged


def test_random_transitions_need_the_causal_model():
    kernel = np.array([P, P])
    kernel[1, 1, 1] = [0.0, 0.5, 0.5]
    problem = mdpkit.FiniteHorizonMDP(kernel, np.array([R, R]), initial=0)
    with pytest.raises(
        InputError, match=r"step 1 the pair \(state 1, action 1\) has 2 successors.*causal_maxent_irl"
    ) as error:
        maxent_irl(problem, FEATURES, MEAN)
    assert error.value.argument == "problem"
    assert error.value.index == (1, 1, 1)
    assert error.value.value == 2
    assert causal_maxent_irl(problem, FEATURES, MEAN, alpha=1.0).converged


@pytest.mark.parametrize("front", FRONTS)
def test_inputs_stay_as_they_are(front):
    features, mean = FEATURES.copy(), np.array([8.0, 9.0])
    front(PROBLEM, features, mean, alpha=1.0)
    np.testing.assert_array_equal(features, FEATURES)
    assert features.flags.writeable
    assert mean.tolist() == [8.0, 9.0]
