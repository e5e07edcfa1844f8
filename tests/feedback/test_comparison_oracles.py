"""Oracles over actions and trajectories follow their choice models, and report the features of what they compared.

Every random test makes at most `support.CHECKS` chi-square checks and so raises a false alarm with probability at most
`support.FALSE_ALARM` = 1e-6 over the choice of its seed. With the 1e5 answers of one check, a law 3 percent away in
total variation (noncentrality at least 4 * 0.03^2 * 1e5 = 360, up to 23 degrees of freedom) passes with probability
below 1e-9.
"""

from __future__ import annotations

import inspect
from itertools import permutations

import numpy as np
import pytest

from mdpkit import FiniteHorizonMDP, TabularMDP
from mdpkit.errors import InputError, ShapeError, StateIndexError, UnknownOptionError
from mdpkit.feedback import (
    ActionOracle,
    ComparisonOracle,
    ItemOracle,
    LinearPairs,
    TrajectoryOracle,
    trajectory_features,
)
from mdpkit.models import ContextualBandit, LinearBandit, LinearMDP
from tests.feedback.questions import (
    FEATURES,
    THETA,
    TREE_PATHS,
    TREE_RETURNS,
    N,
    bandit,
    count_orders,
    dataset,
    duel_law,
    ranking_law,
    repeated,
    tree,
)
from tests.feedback.support import assert_law

# ---------------------------------------------------------------- the front door


def test_what_is_compared_decides():
    table = TabularMDP([[[1.0], [1.0]]], [[1.0, 0.0]])
    linear = LinearMDP([[[1.0]]], [[1.0]], [0.5])
    for thing, kind in (
        ([0.0, 1.0], ItemOracle),
        (bandit(), ActionOracle),
        (table, TrajectoryOracle),
        (table.with_horizon(2), TrajectoryOracle),
        (linear, TrajectoryOracle),
    ):
        for oracle in (ComparisonOracle(thing, link="pl", seed=0), kind(thing, link="pl", seed=0)):
            assert type(oracle) is kind
            assert isinstance(oracle, ComparisonOracle)
            assert (oracle.link, oracle.queries) == ("pl", 0)
    assert type(ComparisonOracle(utilities=[0.0, 1.0], seed=0)) is ItemOracle


def test_help_shows_the_arguments():
    assert list(inspect.signature(ComparisonOracle).parameters) == ["utilities", "features", "link", "seed"]
    assert list(inspect.signature(ItemOracle).parameters) == ["utilities", "link", "seed"]


def test_subclasses_stay_what_they_are():
    class Named(ActionOracle):
        def __init__(self, name, bandit, **options):
            super().__init__(bandit, **options)
            self.name = name

    class Tilted(ContextualBandit):
        __slots__ = ()

    named = Named("mine", bandit(), seed=3)
    assert (type(named), named.name) == (Named, "mine")
    other = ComparisonOracle(Tilted(FEATURES, [0.3, 0.7], THETA), seed=3)
    assert named.compare([0, 1], 0, 3, n=50).tolist() == other.compare([0, 1], 0, 3, n=50).tolist()


# ---------------------------------------------------------------- actions


def test_contexts_follow_their_law():
    oracle = ComparisonOracle(ContextualBandit(FEATURES[[0, 1, 0]], [0.3, 0.7, 0.0], THETA), seed=11)
    contexts = oracle.sample_contexts(N)
    assert contexts.shape == (N,)
    assert_law(np.bincount(contexts, minlength=3), [0.3, 0.7, 0.0])
    assert oracle.queries == 0


def test_actions_follow_btl():
    """P(a beats b in x) against the strengths ``exp(phi . theta)``, by `compare` and by `duels`: 48 checks."""
    oracle = ComparisonOracle(bandit(), seed=12)
    for x in range(2):
        for a, b in permutations(range(4), 2):
            law = duel_law(FEATURES[x, a] @ THETA, FEATURES[x, b] @ THETA)
            wins = oracle.compare(x, a, b, n=N)
            assert_law(np.array([wins, N - wins]), law)
            won = int(oracle.duels(np.full(N, x), a, b).y.sum())
            assert_law(np.array([won, N - won]), law)
    assert oracle.queries == 48 * N


def test_actions_follow_plackett_luce():
    """All 24 rankings in each context, and rankings of two and of three chosen actions."""
    oracle = ComparisonOracle(bandit(), link="pl", seed=13)
    for x in range(2):
        for chosen in (None, [3, 1], [2, 0, 1]):
            known = FEATURES[x] if chosen is None else FEATURES[x, chosen]
            orders, law = ranking_law(known @ THETA)
            ranked = oracle.rank(np.full(N, x), chosen).features
            assert_law(count_orders(ranked, known, orders), law)
    assert oracle.queries == 6 * N


def test_each_context_may_rank_its_own_actions():
    """Utilities so far apart that every answer is certain: the order is that of the utilities, context by context."""
    oracle = ComparisonOracle(
        ContextualBandit([[[0.0], [1.0], [2.0]], [[5.0], [4.0], [3.0]]], [0.5, 0.5], [1e4]), seed=0
    )
    contexts, actions = [0, 1, 1, 0], [[0, 2], [0, 2], [2, 1], [1, 0]]
    ranked = oracle.rank(contexts, actions).features[..., 0]
    assert ranked.tolist() == [[2, 0], [5, 3], [4, 3], [1, 0]]
    assert oracle.queries == 4


def test_duels_report_the_features_of_the_actions():
    rng = np.random.default_rng(0)
    oracle = ComparisonOracle(bandit(), seed=0)
    x, a, b = oracle.sample_contexts(500), rng.integers(4, size=500), rng.integers(4, size=500)
    data = oracle.duels(x, a, b)
    assert isinstance(data, LinearPairs)
    np.testing.assert_array_equal(data.first, oracle.features[x, a])
    np.testing.assert_array_equal(data.second, FEATURES[x, b])
    assert (oracle.n_contexts, oracle.n_actions, oracle.queries) == (2, 4, 500)
    table = oracle.duels([[0], [1]], 0, [1, 2, 3])  # broadcast, rows first
    np.testing.assert_array_equal(table.second, FEATURES[:, 1:].reshape(6, 3))
    np.testing.assert_array_equal(table.first, FEATURES[[0, 0, 0, 1, 1, 1], 0])
    assert oracle.compare([[0], [1]], 0, [1, 2, 3], n=4).shape == (2, 3)
    assert isinstance(oracle.compare(0, 0, 1), int)
    assert len(oracle.duels([], [], [])) == 0
    assert oracle.queries == 500 + 6 + 24 + 1
    assert repr(oracle) == "ActionOracle(X=2, A=4, d=3, link=btl, queries=531)"


# ---------------------------------------------------------------- trajectories


def test_trajectories_follow_btl():
    """All 56 ordered pairs of paths through the tree against sigma of the difference of their returns."""
    oracle = ComparisonOracle(tree(), seed=21)
    pairs = list(permutations(range(8), 2))
    first, second = (dataset(*(TREE_PATHS[pair[side]] for pair in pairs)) for side in (0, 1))
    wins = oracle.compare(first, second, n=N)
    assert oracle.queries == 56 * N
    for (i, j), won in zip(pairs, wins, strict=True):
        assert_law(np.array([won, N - won]), duel_law(TREE_RETURNS[i], TREE_RETURNS[j]))


def test_duels_of_trajectories_follow_btl():
    oracle = ComparisonOracle(tree(), seed=22)
    for i, j in ((3, 5), (5, 0), (1, 6), (2, 4)):
        data = oracle.duels(repeated(TREE_PATHS[i], N), repeated(TREE_PATHS[j], N))
        won = int(data.y.sum())
        assert_law(np.array([won, N - won]), duel_law(TREE_RETURNS[i], TREE_RETURNS[j]))
    assert oracle.queries == 4 * N


def test_rankings_of_trajectories_follow_plackett_luce():
    """Three paths and four, with indicator features and with features of one's own."""
    own = np.random.default_rng(0).normal(size=(2, 3, 2, 4))
    for features, seed in ((None, 23), (own, 24)):
        oracle = ComparisonOracle(tree(), features=features, link="pl", seed=seed)
        for chosen in ((3, 0, 5), (5, 2, 3, 1)):
            known = trajectory_features(dataset(*(TREE_PATHS[i] for i in chosen)), oracle.features, gamma=0.5)
            orders, law = ranking_law(np.array([TREE_RETURNS[i] for i in chosen]))
            ranked = oracle.rank([repeated(TREE_PATHS[i], N) for i in chosen]).features
            assert_law(count_orders(ranked, known, orders), law)
        assert oracle.queries == 2 * N


def test_episodes_meet_in_order_of_appearance():
    """Numbers of the episodes play no part, and one may be longer than the other."""
    model = TabularMDP([[[1.0], [1.0]]], [[0.0, 1e4]], gamma=0.5)
    oracle = ComparisonOracle(model, seed=0)
    good, bad = [(0, 1)], [(0, 0), (0, 0), (0, 0)]
    data = oracle.duels(dataset(good, bad, good, numbers=[7, 3, 5]), dataset(bad, good, bad, numbers=[0, 9, 2]))
    assert data.y.tolist() == [1, 0, 1]
    assert data.first.tolist() == [[0, 1], [1.75, 0], [0, 1]]
    ranked = oracle.rank([dataset(good, bad), dataset(bad, good)]).features
    assert ranked.tolist() == [[[0, 1], [1.75, 0]]] * 2


# ---------------------------------------------------------------- randomness and bad questions


def test_seeds_decide():
    data = dataset(*TREE_PATHS * 20), dataset(*TREE_PATHS[::-1] * 20)

    def ask(seed):
        actions, paths = (ComparisonOracle(model, link="pl", seed=seed) for model in (bandit(), tree()))
        return [
            actions.sample_contexts(50).tolist(),
            actions.compare([0, 1], 0, 1, n=1000).tolist(),
            actions.duels([0, 1] * 50, 0, 1).y.tolist(),
            actions.rank([0, 1] * 10).features.tolist(),
            paths.compare(*data).tolist(),
            paths.duels(*data).y.tolist(),
            paths.rank(data).features.tolist(),
        ]

    assert ask(5) == ask(5)
    for one, other in zip(ask(5), ask(6), strict=True):
        assert one != other


PATHS = dataset([(0, 0), (1, 1)], [(0, 1), (2, 0)])
TWICE = dataset([(0, 0)], [(0, 1)], numbers=[4, 4])
ENDED = FiniteHorizonMDP([[[1.0]]], [[1.0]], horizon=2, terminal_values=[2.5])
MASKED = TabularMDP(np.full((3, 2, 3), 1 / 3), [[0.0, 0.0], [0.0, 0.0], [-np.inf, 0.0]])
WHOLE = TabularMDP(np.full((3, 2, 3), 1 / 3), np.zeros((3, 2)))


def featured(*shape):
    return ComparisonOracle(tree(), features=np.ones(shape), seed=0)


@pytest.mark.parametrize(
    ("call", "error", "argument", "index", "value"),
    [
        (lambda o, t: ComparisonOracle(bandit(None), seed=0), InputError, "bandit", None, None),
        (lambda o, t: ActionOracle([1.0], seed=0), InputError, "bandit", None, None),
        (lambda o, t: ComparisonOracle(LinearBandit(FEATURES[0], THETA), seed=0), ShapeError, "utilities", None, None),
        (lambda o, t: ComparisonOracle(bandit(), link="probit", seed=0), UnknownOptionError, "link", None, "probit"),
        (lambda o, t: ComparisonOracle(bandit(), seed=None), InputError, "seed", None, None),
        (lambda o, t: o.sample_contexts(-1), InputError, "n", None, -1),
        (lambda o, t: o.compare(0, 0, 1, n=-1), InputError, "n", None, -1),
        (lambda o, t: o.duels([0, 2], 0, 1), StateIndexError, "contexts", 1, 2),
        (lambda o, t: o.duels([0, 1], [[0], [-1]], 1), StateIndexError, "first", (1, 0), -1),
        (lambda o, t: o.duels([0, 1], 0, 4), StateIndexError, "second", 0, 4),
        (lambda o, t: o.duels([0, 1], 0.0, 1), StateIndexError, "first", None, None),
        (lambda o, t: o.duels([0, 1], [0, 1], [1, 2, 3]), ShapeError, "second", None, None),
        (lambda o, t: o.duels([[0], [0, 1]], 0, 1), ShapeError, "contexts", None, None),
        (lambda o, t: o.rank([0, 1]), UnknownOptionError, "actions", None, 4),
        (lambda o, t: o.rank([0, 1], [2]), InputError, "actions", None, 1),
        (lambda o, t: o.rank([0, 1], [2, 2]), InputError, "actions", None, [2, 2]),
        (lambda o, t: o.rank([0, 1], [[0, 1], [3, 3]]), InputError, "actions", 1, [3, 3]),
        (lambda o, t: o.rank([0, 1], [[0, 1], [0, 4]]), StateIndexError, "actions", (1, 1), 4),
        (lambda o, t: o.rank([0, 1], [[0, 1]]), ShapeError, "actions", None, None),
        (lambda o, t: o.rank([0, 1], 0), ShapeError, "actions", None, None),
        (lambda o, t: o.rank([[0, 1]], [0, 1]), ShapeError, "contexts", None, None),
        (lambda o, t: TrajectoryOracle([1.0], seed=0), InputError, "model", None, None),
        (lambda o, t: ComparisonOracle(ENDED, seed=0), InputError, "model", 0, 2.5),
        (lambda o, t: featured(2, 3, 4), ShapeError, "features", None, None),
        (lambda o, t: featured(1, 3, 2, 4), ShapeError, "features", None, None),
        (lambda o, t: featured(3), ShapeError, "features", None, None),
        (lambda o, t: t.duels(PATHS, [1]), InputError, "second", None, None),
        (lambda o, t: t.duels(PATHS, dataset([(0, 0)])), ShapeError, "second", None, 1),
        (lambda o, t: t.duels(dataset([(0, 0), (3, 0)]), PATHS), StateIndexError, "first.state", 1, 3),
        (lambda o, t: t.duels(PATHS, dataset([(0, 0), (1, 2)])), StateIndexError, "second.action", 1, 2),
        (lambda o, t: t.duels(PATHS, dataset([(0, 0)] * 3)), StateIndexError, "second.step", 2, 2),
        (lambda o, t: t.compare(TWICE, TWICE), InputError, "first.step", 1, 0),
        (lambda o, t: t.compare(PATHS, PATHS, n=0.5), InputError, "n", None, 0.5),
        (lambda o, t: t.rank([PATHS]), InputError, "data", None, 1),
        (lambda o, t: t.rank([PATHS] * 3), UnknownOptionError, "data", None, 3),
        (lambda o, t: t.rank([PATHS, dataset([(0, 0), (3, 0)])]), StateIndexError, "data[1].state", 1, 3),
        (lambda o, t: ComparisonOracle(MASKED, seed=0).duels(PATHS, PATHS), InputError, "first.action", 3, 0),
        (lambda o, t: trajectory_features(PATHS, np.ones((2, 2, 1))), StateIndexError, "data.state", 3, 2),
        (lambda o, t: trajectory_features(PATHS, np.ones((1, 3, 2, 1))), StateIndexError, "data.step", 1, 1),
        (lambda o, t: trajectory_features(PATHS, [[[0.0], [np.inf]]]), InputError, "features", (0, 1, 0), np.inf),
        (lambda o, t: trajectory_features(PATHS, np.ones((3, 2, 1)), gamma=2), InputError, "gamma", None, 2),
        (lambda o, t: trajectory_features([1], np.ones((3, 2, 1))), InputError, "data", None, None),
    ],
)
def test_bad_questions(call, error, argument, index, value):
    actions, trajectories = ComparisonOracle(bandit(), seed=0), ComparisonOracle(tree(), seed=0)
    with pytest.raises(error) as caught:
        call(actions, trajectories)
    assert caught.value.argument == argument
    assert caught.value.index == index
    assert caught.value.value == value
    assert actions.queries == trajectories.queries == 0


def test_messages_say_what_to_do():
    with pytest.raises(InputError, match="pass theta"):
        ComparisonOracle(bandit(None), seed=0)
    with pytest.raises(InputError, match=r"terminal_values\[0\] = 2.5.*rewards of the last step"):
        ComparisonOracle(ENDED, seed=0)
    shut = FiniteHorizonMDP.from_stages([MASKED, WHOLE])
    with pytest.raises(InputError, match=r"first.action\[0\] = 0, which state 2 does not have at step 0"):
        ComparisonOracle(shut, seed=0).duels(dataset([(2, 0)]), dataset([(2, 1)]))
