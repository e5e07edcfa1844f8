"""A feedback object shows nothing of the model behind it: no number, no object, not in its repr."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import scipy.sparse as sp

from mdpkit import FiniteHorizonMDP, TabularMDP
from mdpkit.feedback import BanditFeedback, ComparisonOracle, EpisodicSimulator, GenerativeModel

SECRET = 0.123456789
"""A probability, a reward or a utility that a learner must not find."""


def model(reward=1.0):
    P = [[[SECRET, 1 - SECRET]], [[1 - SECRET, SECRET]]]
    return TabularMDP(P, r=[[reward], [0.0]], gamma=0.9, initial=[SECRET, 1 - SECRET])


class Bandit:
    n_actions = 2
    means = (SECRET, 0.0)

    def sample(self, action, rng):
        return rng.normal()


OBJECTS = {
    "generative": lambda: GenerativeModel(model(), seed=0),
    "simulator": lambda: EpisodicSimulator(model(SECRET), seed=0, horizon=3),
    "timed": lambda: EpisodicSimulator(
        FiniteHorizonMDP.from_stages([model(SECRET), model(2.0)], initial=[SECRET, 1 - SECRET]), seed=0
    ),
    "oracle": lambda: ComparisonOracle([SECRET, 1.0], seed=0),
    "bandit": lambda: BanditFeedback(Bandit(), seed=0),
}


def visible(thing):
    """Every public attribute that is not a method."""
    for name in dir(thing):
        if not name.startswith("_") and not callable(value := getattr(thing, name)):
            yield name, value


@pytest.mark.parametrize("name", OBJECTS)
def test_nothing_shows(name):
    thing = OBJECTS[name]()
    assert not hasattr(thing, "__dict__"), "slots only, so that nothing public can be added by accident"
    shown = dict(visible(thing))
    assert "queries" in shown
    for label, value in shown.items():
        assert isinstance(value, (int, float, str, np.ndarray, type(None))), label
        assert not sp.issparse(value), label
        if isinstance(value, (float, np.ndarray)):
            assert not np.isclose(np.asarray(value, dtype=float), SECRET).any(), label
            assert not np.isclose(np.asarray(value, dtype=float), 1 - SECRET).any(), label
    assert "0.12" not in repr(thing)
    assert "0.87" not in repr(thing)
    # What lies one underscore away is no table either; the tables hide behind mangled names.
    for label in dir(thing):
        if label.startswith("_") and not label.startswith("__") and not label.startswith(f"_{type(thing).__name__}__"):
            value = getattr(thing, label)
            assert callable(value) or isinstance(value, (int, float, str, np.ndarray, type(None))), label


@pytest.mark.parametrize("name", OBJECTS)
def test_known_arrays_cannot_be_changed_from_outside(name):
    thing = OBJECTS[name]()
    for label, value in visible(thing):
        if isinstance(value, np.ndarray):
            before = value.copy()
            if value.flags.writeable:
                value[...] = 0
            np.testing.assert_array_equal(getattr(thing, label), before)


@pytest.mark.parametrize("name", ["generative", "simulator", "timed", "oracle"])
def test_copies_continue_alike(name):
    """A copy, made as pickle makes them, answers as the original does: tables and random state travel with it."""
    thing = OBJECTS[name]()
    twin = copy.deepcopy(thing)
    ask = {
        "generative": lambda x: x.sample(0, 0, 50).tolist(),
        "oracle": lambda x: x.compare(0, 1, 1000),
    }.get(name, lambda x: x.rollout([0, 0], 50).successor.tolist())
    assert ask(thing) == ask(twin)
    assert twin.queries == thing.queries > 0


def test_the_gymnasium_environment_hides_it_too():
    pytest.importorskip("gymnasium")
    env = OBJECTS["simulator"]().as_gymnasium()
    for _, value in visible(env):
        assert not isinstance(value, (TabularMDP, np.ndarray))
