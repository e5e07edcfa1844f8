"""A feedback object shows nothing of the model behind it: no number, no object, not in its repr."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from mdpkit import FiniteHorizonMDP, TabularMDP
from mdpkit.feedback import BanditFeedback, ComparisonOracle, EpisodicSimulator, GenerativeModel
from mdpkit.models import ContextualBandit, LinearMDP

SECRET = 0.123456789
"""A probability, a reward or a utility that a learner must not find."""


def model(reward=1.0):
    P = [[[SECRET, 1 - SECRET]], [[1 - SECRET, SECRET]]]
    return TabularMDP(P, r=[[reward], [0.0]], gamma=0.9, initial=[SECRET, 1 - SECRET])


def linear():
    """Features that show nothing, a kernel, a start and rewards that would."""
    phi = [[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.0, 1.0]]]
    mu = [[SECRET, 1 - SECRET], [0.0, 1.0]]
    return LinearMDP(phi, mu, [SECRET, 1.0], horizon=2, initial=[SECRET, 1 - SECRET])


def contextual():
    return ContextualBandit([[[1, 0], [0, 1]], [[0, 2], [1, 0]]], [SECRET, 1 - SECRET], theta=[SECRET, 1.0])


def timed():
    return FiniteHorizonMDP.from_stages([model(SECRET), model(2.0)], initial=[SECRET, 1 - SECRET])


class Bandit:
    n_actions = 2
    means = (SECRET, 0.0)

    def sample(self, action, rng):
        return rng.normal()


OBJECTS = {
    "generative": lambda: GenerativeModel(model(), seed=0),
    "simulator": lambda: EpisodicSimulator(model(SECRET), seed=0, horizon=3),
    "timed": lambda: EpisodicSimulator(timed(), seed=0),
    "oracle": lambda: ComparisonOracle([SECRET, 1.0], seed=0),
    "actions": lambda: ComparisonOracle(contextual(), seed=0),
    "trajectories": lambda: ComparisonOracle(model(SECRET), seed=0),
    "timed trajectories": lambda: ComparisonOracle(timed(), seed=0),
    "linear trajectories": lambda: ComparisonOracle(linear(), seed=0),
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
    # What lies one underscore away is no table either; the tables hide behind mangled names, each of its own class.
    mangled = tuple(f"_{cls.__name__}__" for cls in type(thing).__mro__)
    for label in dir(thing):
        if label.startswith("_") and not label.startswith(("__", *mangled)):
            value = getattr(thing, label)
            assert callable(value) or isinstance(value, (int, float, str, np.ndarray, type(None))), label
            if isinstance(value, (float, np.ndarray)):
                assert not np.isclose(np.asarray(value, dtype=float), SECRET).any(), label


@pytest.mark.parametrize("name", OBJECTS)
def test_known_arrays_cannot_be_changed_from_outside(name):
    thing = OBJECTS[name]()
    for label, value in visible(thing):
        if isinstance(value, np.ndarray):
            before = value.copy()
            if value.flags.writeable:
                value[...] = 0
            np.testing.assert_array_equal(getattr(thing, label), before)


def episodes():
    return EpisodicSimulator(model(), seed=1, horizon=2).rollout([0, 0], 200)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
@pytest.mark.parametrize("name", [name for name in OBJECTS if name != "bandit"])
def test_copies_continue_alike(name, duplicate):
    """A copy answers as the original does: tables and random state travel with it."""
    thing = OBJECTS[name]()
    twin = duplicate(thing)
    assert type(twin) is type(thing)
    ask = {
        "generative": lambda x: x.sample(0, 0, 50).tolist(),
        "oracle": lambda x: x.compare(0, 1, 1000),
        "actions": lambda x: x.duels(x.sample_contexts(200), 0, 1).differences.tolist(),
        **dict.fromkeys(
            ("trajectories", "timed trajectories", "linear trajectories"),
            lambda x: x.duels(episodes(), episodes()).y.tolist(),
        ),
    }.get(name, lambda x: x.rollout([0, 0], 50).successor.tolist())
    assert ask(thing) == ask(twin)
    assert twin.queries == thing.queries > 0


def test_the_gymnasium_environment_hides_it_too():
    pytest.importorskip("gymnasium")
    env = OBJECTS["simulator"]().as_gymnasium()
    for _, value in visible(env):
        assert not isinstance(value, (TabularMDP, np.ndarray))
