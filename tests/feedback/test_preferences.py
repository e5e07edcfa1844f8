"""Containers of preferences keep their orientation; oracles follow their choice models."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from mdpkit.errors import InputError, ShapeError, StateIndexError, UnknownOptionError
from mdpkit.feedback import (
    BanditFeedback,
    ComparisonOracle,
    LinearPairs,
    LinearRankings,
    PairCounts,
    PairList,
    Rankings,
    TopChoices,
)
from tests.feedback.support import assert_law

W = np.array([[0.0, 3.0, 1.0], [1.0, 0.0, 0.5], [0.0, 2.0, 0.0]])


# ---------------------------------------------------------------- pairs


def test_winner_is_row_is_first():
    """Item 0 beats item 1 three times; every way in says so in the same place."""
    wins = [(0, 1)] * 3
    frame = pd.DataFrame({"winner": [0] * 3, "loser": [1] * 3})
    named = pd.DataFrame({"won": ["a", "a"], "lost": ["b", "b"], "votes": [1.0, 2.0]})
    for data in (
        PairList([0] * 3, [1] * 3),
        PairList.from_pairs(wins),
        PairList.from_frame(frame),
        PairList.from_frame(named, winner="won", loser="lost", weight="votes", items=["a", "b"]),
        PairCounts([[0, 3], [0, 0]]).to_list(),
        PairCounts(pd.DataFrame([[0, 3], [0, 0]], index=["a", "b"], columns=["a", "b"])).to_list(),
    ):
        assert data.to_counts().W.tolist() == [[0, 3], [0, 0]]


def test_counts_and_lists_convert_both_ways():
    data = PairCounts(W)
    again = data.to_list().to_counts()
    np.testing.assert_array_equal(again.W, W)
    assert data.n_comparisons == np.sum(data.to_list().weights) == 7.5
    assert data.n_items == again.n_items == 3
    assert len(PairList([], [], n_items=2)) == 0


def test_unplayed_items_survive():
    assert PairList([0], [1], n_items=4).to_counts().to_list().n_items == 4


def test_ties():
    ties = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    data = PairCounts(W, ties)
    assert data.n_comparisons == 9.5
    assert repr(data) == "PairCounts(3 items, 9.5 comparisons, 2 of them ties)"
    with pytest.raises(InputError, match="ties"):
        data.to_list()


@pytest.mark.parametrize(
    ("call", "error", "argument", "index"),
    [
        (lambda: PairCounts([[0, 1, 2]]), ShapeError, "W", None),
        (lambda: PairCounts([[0, -1], [1, 0]]), InputError, "W", (0, 1)),
        (lambda: PairCounts([[0, np.nan], [1, 0]]), InputError, "W", (0, 1)),
        (lambda: PairCounts([[0, 1], [1, 2]]), InputError, "W", (1, 1)),
        (lambda: PairCounts([[0, 1], [1, 0]], ties=[[0]]), ShapeError, "ties", None),
        (lambda: PairCounts([[0, 1], [1, 0]], ties=[[0, 1], [2, 0]]), InputError, "ties", (0, 1)),
        (lambda: PairCounts(pd.DataFrame([[0, 1], [1, 0]], columns=["a", "b"])), ShapeError, "W", None),
        (lambda: PairList([0, 1], [1]), ShapeError, "losers", None),
        (lambda: PairList([0, 1], [1, 1]), InputError, "losers", 1),
        (lambda: PairList([0, -1], [1, 1]), StateIndexError, "winners", 1),
        (lambda: PairList([0], [2], n_items=2), StateIndexError, "losers", 0),
        (lambda: PairList([0.5], [1]), InputError, "winners", None),
        (lambda: PairList([0], [1], [-1.0]), InputError, "weights", 0),
        (lambda: PairList([0], [1], [np.inf]), InputError, "weights", 0),
        (lambda: PairList([0], [1], [1.0, 2.0]), ShapeError, "weights", None),
        (lambda: PairList.from_pairs([(0, 1, 2)]), ShapeError, "pairs", None),
        (lambda: PairList.from_frame(pd.DataFrame({"winner": [0]})), InputError, "frame", None),
        (
            lambda: PairList.from_frame(pd.DataFrame({"winner": ["a"], "loser": ["c"]}), items=["a", "b"]),
            InputError,
            "loser",
            0,
        ),
        (lambda: Rankings.from_lists([[0, 1], [2, 2]]), InputError, "flat", 1),
        (lambda: Rankings.from_lists([[0, 1], []]), InputError, "offsets", 1),
        (lambda: Rankings.from_lists([[0, 3]], n_items=3), StateIndexError, "flat", 1),
        (lambda: Rankings([0, 1], [0, 1]), ShapeError, "offsets", None),
        (lambda: Rankings.from_lists([[0, 1]], weights=[-1.0]), InputError, "weights", 0),
        (lambda: TopChoices.from_lists([0, 2], [[0, 1], [0, 1]], n_items=3), InputError, "winners", 1),
        (lambda: TopChoices.from_lists([0], [[0, 1], [0, 1]]), ShapeError, "winners", None),
        (lambda: LinearPairs([[1.0]], [[1.0, 2.0]], [1]), ShapeError, "second", None),
        (lambda: LinearPairs([[1.0]], [[2.0]], [0.5]), InputError, "y", 0),
        (lambda: LinearPairs([[np.inf]], [[2.0]], [1]), InputError, "first", (0, 0)),
        (lambda: LinearPairs([1.0], [2.0], [1]), ShapeError, "first", None),
        (lambda: LinearRankings([[[1.0]]]), ShapeError, "features", None),
        (lambda: LinearRankings([[[1.0], [np.nan]]]), InputError, "features", (0, 1, 0)),
    ],
)
def test_bad_data(call, error, argument, index):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument
    assert caught.value.index == index


def test_results_of_matches():
    """Both orders of a pair and its draws end in one matrix; a draw is counted once for each side."""
    frame = pd.DataFrame({"home": list("abcaab"), "away": list("bacbca"), "score": [1, 0.5, 0.5, 0, 1, 1]})
    frame = frame[frame.home != frame.away]
    data = PairCounts.from_results(frame.home, frame.away, frame.score, items="abc", weights=np.arange(1, 6))
    np.testing.assert_array_equal(data.W, [[0, 1, 4], [5 + 3, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(data.ties, [[0, 2, 0], [2, 0, 0], [0, 0, 0]])
    assert data.n_comparisons == 15
    assert PairCounts.from_results([0], [2], [1]).ties is None
    with pytest.raises(InputError) as caught:
        PairCounts.from_results(["a", "b"], ["b", "x"], [1, 1], items="abc")
    assert (caught.value.argument, caught.value.index, caught.value.value) == ("second", 1, "x")


@pytest.mark.parametrize(
    ("arguments", "error", "argument", "index"),
    [
        (([0], [1], [2]), InputError, "result", 0),
        (([0, 1], [1, 0], [1, np.nan]), InputError, "result", 1),
        (([0, 1], [1, 0], [1]), ShapeError, "result", None),
        (([0, 1], [1, 1], [1, 0]), InputError, "second", 1),
        (([0, 1], [1], [1, 0]), ShapeError, "second", None),
        (([0, -1], [1, 0], [1, 0]), StateIndexError, "first", 1),
        ((["a"], ["b"], [1]), InputError, "first", None),
    ],
)
def test_bad_results(arguments, error, argument, index):
    with pytest.raises(error) as caught:
        PairCounts.from_results(*arguments)
    assert (caught.value.argument, caught.value.index) == (argument, index)


def test_some_of_the_lines():
    data = LinearPairs([[1.0], [2.0], [3.0]], np.zeros((3, 1)), [1, 0, 1], [1, 2, 3])
    assert data[1:].weights.tolist() == [2, 3]
    assert data[data.y > 0].first.tolist() == [[1.0], [3.0]]
    rankings = LinearRankings(np.arange(12.0).reshape(3, 2, 2))
    assert rankings[[2]].features.tolist() == [[[8, 9], [10, 11]]]
    with pytest.raises(ShapeError):
        data[0]


# ---------------------------------------------------------------- more than two


def test_rankings_best_first():
    frame = pd.DataFrame({"ranking": ["x", "y", "x", "y", "x"], "item": [0, 0, 1, 2, 2], "rank": [2, 1, 3, 2, 1]})
    for data in (Rankings.from_lists([[2, 0, 1], [0, 2]]), Rankings.from_frame(frame)):
        assert [r.tolist() for r in data] == [[2, 0, 1], [0, 2]]
        assert len(data) == 2
        assert data.n_items == 3
    assert Rankings.from_lists(np.array([[1, 0], [0, 1]]))[1].tolist() == [0, 1]
    with pytest.raises(IndexError):
        data[2]
    with pytest.raises(InputError, match="twice"):
        Rankings.from_frame(frame.assign(rank=[1, 1, 1, 2, 3]))


def test_rankings_of_one_item_are_dropped_aloud():
    with pytest.warns(UserWarning, match="1 rankings of a single item"):
        data = Rankings.from_lists([[0, 1], [2], [1, 2]], weights=[1, 2, 3])
    assert [r.tolist() for r in data] == [[0, 1], [1, 2]]
    assert data.weights.tolist() == [1, 3]


def test_linear_containers():
    data = LinearPairs([[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [2.0, 0.0]], [1, 0])
    assert data.differences.tolist() == [[1, 0], [-2, 1]]
    assert LinearPairs.from_winners([[1.0]], [[0.0]]).y.tolist() == [1]
    ranked = LinearRankings(np.zeros((4, 3, 2)))
    assert (len(ranked), ranked.dimension) == (4, 2)
    assert TopChoices.from_lists([1], [[0, 1]]).winners.tolist() == [1]


# ---------------------------------------------------------------- the oracle


def test_comparisons_follow_btl():
    """P(i beats j) = e^i / (e^i + e^j), written with strengths and not with the logistic function."""
    theta = np.array([0.3, -0.8, 1.1])
    strength = np.exp(theta)
    oracle = ComparisonOracle(theta, seed=5)
    n = 200_000
    for i, j in permutations(range(3), 2):
        share = strength[i] / (strength[i] + strength[j])
        wins = oracle.compare(i, j, n)
        assert_law(np.array([wins, n - wins]), [share, 1 - share])
        counts = oracle.duels(np.full(n, i), np.full(n, j)).to_counts().W
        assert_law(np.array([counts[i, j], counts[j, i]]), [share, 1 - share])
    assert oracle.queries == 12 * n


def test_rankings_follow_plackett_luce():
    """All 24 rankings of four items against the product formula, and of a pair against BTL."""
    theta = np.array([0.5, 0.0, -0.5, 1.0])
    strength = np.exp(theta)
    oracle = ComparisonOracle(theta, link="pl", seed=6)
    data = oracle.rank(n=400_000)
    code = data.flat.reshape(-1, 4) @ [1000, 100, 10, 1]
    law, counts = [], []
    for order in permutations(range(4)):
        s = strength[list(order)]
        law.append(np.prod([s[k] / s[k:].sum() for k in range(4)]))
        counts.append(np.sum(code == np.dot(order, [1000, 100, 10, 1])))
    assert sum(counts) == 400_000
    assert_law(np.array(counts), np.array(law))
    first = oracle.rank([3, 1], n=100_000).flat[::2]
    share = strength[3] / (strength[3] + strength[1])
    assert_law(np.array([np.sum(first == 3), np.sum(first == 1)]), [share, 1 - share])
    assert oracle.queries == 500_000


def test_oracle_shapes_seeds_and_extremes():
    first, second = (ComparisonOracle([0.0, 1.0, 2.0], link="pl", seed=3) for _ in range(2))
    wins = first.compare([[0], [1]], 2, n=7)
    assert wins.shape == (2, 1)
    assert isinstance(first.compare(0, 1), int)
    np.testing.assert_array_equal(wins, second.compare([[0], [1]], 2, n=7))
    assert first.queries == 15
    assert ComparisonOracle([1e300, -1e300], seed=0).compare(0, 1, 5) == 5
    assert ComparisonOracle([1e300, -1e300], link="pl", seed=0).rank(n=2).flat.tolist() == [0, 1, 0, 1]
    utilities = np.array([50.0, -50.0])
    oracle = ComparisonOracle(utilities, seed=0)
    utilities[:] = utilities[::-1]
    assert oracle.compare(0, 1) == 1


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda o: o.compare(0, 0), InputError, "j"),
        (lambda o: o.compare(0, 3), StateIndexError, "j"),
        (lambda o: o.compare(-1, 0), StateIndexError, "i"),
        (lambda o: o.compare(0.5, 0), StateIndexError, "i"),
        (lambda o: o.compare([0, 1], [1, 0, 2]), ShapeError, "j"),
        (lambda o: o.compare(0, 1, -1), InputError, "n"),
        (lambda o: o.rank([0, 0]), InputError, "items"),
        (lambda o: o.rank([0]), InputError, "items"),
        (lambda o: o.rank([0, 5]), StateIndexError, "items"),
        (lambda o: o.rank([0, 1, 2]), UnknownOptionError, "items"),
        (lambda o: ComparisonOracle([0.0, np.nan], seed=0), InputError, "utilities"),
        (lambda o: ComparisonOracle([[0.0]], seed=0), ShapeError, "utilities"),
        (lambda o: ComparisonOracle([0.0, 1.0], link="probit", seed=0), UnknownOptionError, "link"),
        (lambda o: ComparisonOracle([0.0, 1.0], seed=None), InputError, "seed"),
    ],
)
def test_bad_questions(call, error, argument):
    oracle = ComparisonOracle([0.0, 1.0, 2.0], seed=0)
    with pytest.raises(error) as caught:
        call(oracle)
    assert caught.value.argument == argument
    assert oracle.queries == 0


# ---------------------------------------------------------------- bandits


class Noisy:
    """Arms with means 0 and 1 and unit normal noise."""

    n_actions = 2

    def sample(self, action, rng):
        return action + rng.normal()


def test_bandit_feedback():
    first, second = (BanditFeedback(Noisy(), seed=4) for _ in range(2))
    rewards = [first.pull(k % 2) for k in range(10)]
    assert rewards == [second.pull(k % 2) for k in range(10)]
    rng = np.random.default_rng(4)
    assert rewards == [k % 2 + rng.normal() for k in range(10)]
    assert (first.queries, first.n_actions, first.features) == (10, 2, None)
    for action in (-1, 2, 0.0, True):
        with pytest.raises(StateIndexError, match="action"):
            first.pull(action)
    with pytest.raises(InputError, match="sample"):
        BanditFeedback(type("Mute", (), {"n_actions": 2})(), seed=0)


def test_bandit_features_are_known():
    bandit = Noisy()
    bandit.features = np.eye(2)
    feedback = BanditFeedback(bandit, seed=0)
    np.testing.assert_array_equal(feedback.features, np.eye(2))
    with pytest.raises(ValueError, match="read-only"):
        feedback.features[0] = 0
