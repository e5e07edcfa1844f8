"""`StrengthFit` as an object, and what `fit_strengths` refuses."""

from __future__ import annotations

import copy
import pickle
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from mdpkit.errors import (
    DisconnectedComparisonGraphError,
    InputError,
    MLENotAttainedError,
    ShapeError,
    StateIndexError,
    UnknownOptionError,
)
from mdpkit.feedback import LinearPairs, LinearRankings, PairCounts, PairList, Rankings, TopChoices
from mdpkit.preferences import StrengthFit, choicerank, fit_strengths

W = [[0, 3, 1], [1, 0, 2], [2, 1, 0]]
TIES = [[0, 1, 0], [1, 0, 2], [0, 2, 0]]
PAIRS = PairCounts(W)
RACES = Rankings.from_lists([[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1]])
APART = PairCounts([[0, 3, 1], [1, 0, 2], [0, 0, 0]])

FITS = {
    "newton": lambda: fit_strengths(PAIRS),
    "rankings": lambda: fit_strengths(RACES),
    "prior": lambda: fit_strengths(PAIRS, alpha=0.5),
    "split": lambda: fit_strengths(RACES, method="pair_split"),
    "spectral": lambda: fit_strengths(PAIRS, method="lsr"),
    "ties": lambda: fit_strengths(PairCounts(W, TIES)),
    "groups": lambda: fit_strengths(APART, on_infinite="component"),
    "network": lambda: choicerank([[0, 1, 1], [1, 0, 0], [1, 0, 0]], [9, 1, 8], [9, 1, 8]),
}


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("asked", [False, True], ids=["fresh", "after cov"])
def test_copies_know_as_much(name, asked):
    """Pickled (for a worker process, a cache), copied and deep-copied fits answer like the original."""
    fit = FITS[name]()
    if asked and fit.cov_kind is not None:
        assert np.isfinite(fit.stderr).all()
    for twin in (copy.copy(fit), copy.deepcopy(fit), pickle.loads(pickle.dumps(fit))):
        np.testing.assert_array_equal(twin.params, fit.params)
        assert repr(twin) == repr(fit)
        assert twin.cov_kind == fit.cov_kind
        assert twin.tie_parameter == fit.tie_parameter
        if fit.cov_kind is not None:
            np.testing.assert_array_equal(twin.cov, fit.cov)
            assert twin.contrast(0, 1) == fit.contrast(0, 1)


def test_frozen():
    fit = FITS["newton"]()
    with pytest.raises(FrozenInstanceError):
        fit.params = np.zeros(3)
    with pytest.raises(FrozenInstanceError):
        fit.nll = 0.0
    assert isinstance(fit, StrengthFit)


def test_two_fits_do_not_share_their_state():
    """Covariances are computed later, after another fit of the same data at another place."""
    plain, prior = fit_strengths(RACES), fit_strengths(RACES, alpha=10.0)
    again, again_prior = fit_strengths(RACES).cov, fit_strengths(RACES, alpha=10.0).cov
    np.testing.assert_array_equal(prior.cov, again_prior)
    np.testing.assert_array_equal(plain.cov, again)


def test_data_are_left_alone():
    counts = np.array(W, dtype=float)
    ties = np.array(TIES, dtype=float)
    fit_strengths(PairCounts(counts, ties), ties="half")
    mean = np.array([1.0, 2.0, 3.0])
    fit_strengths(PairCounts(counts), alpha=1.0, prior_mean=mean).params[:] = 0
    np.testing.assert_array_equal(counts, W)
    np.testing.assert_array_equal(ties, TIES)
    assert mean.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("newton", r"StrengthFit\(3 items, nll=6\.\d+, newton\)"),
        ("prior", r"StrengthFit\(3 items, nll=6\.\d+, newton, alpha=0\.5\)"),
        ("split", r"StrengthFit\(3 items, nll=\d+\.\d+, pair_split\)"),
        ("ties", r"StrengthFit\(3 items, nll=\d+\.\d+, newton, nu=0\.\d+\)"),
        ("groups", r"StrengthFit\(3 items, nll=2\.24934, newton, 2 components\)"),
    ],
)
def test_repr(name, text):
    assert re.fullmatch(text, repr(FITS[name]())), repr(FITS[name]())


def test_reading_it():
    """Two groups by hand: 3-1 between items 0 and 1, and item 2 below both."""
    fit = FITS["groups"]()
    assert fit.n_items == 3
    assert fit.ranking().tolist() == [0, 1, 2]
    assert fit.probability(0, 1) == pytest.approx(0.75, abs=1e-12)
    assert fit.probability(1, 0) == pytest.approx(0.25, abs=1e-12)
    assert np.isnan(fit.probability(0, 2))
    frame = fit.to_frame()
    assert list(frame.columns) == ["rank", "item", "utility", "stderr"]
    assert frame["rank"].tolist() == [1, 2, 3]
    assert frame["item"].tolist() == [0, 1, 2]
    np.testing.assert_array_equal(frame["utility"], fit.params[[0, 1, 2]])
    np.testing.assert_array_equal(frame["stderr"], fit.stderr[[0, 1, 2]])


def test_strengths():
    fit = fit_strengths(PairCounts([[0, 3], [1, 0]]))
    np.testing.assert_allclose(fit.strengths, [0.75, 0.25], atol=1e-12)
    far = fit_strengths(PairList(np.r_[:399, 1:400], np.r_[1:400, :399], np.repeat([9.0, 1.0], 399)))
    assert far.strengths[0] == pytest.approx(8 / 9)  # a geometric series
    assert far.strengths[-1] == 0  # 9^-399 is no double


def test_named_items_best_first():
    fit = fit_strengths(PairCounts([[0, 0, 1], [2, 0, 3], [1, 1, 0]]))
    order = np.argsort(-fit.params)
    frame = fit.to_frame(names=["ann", "bob", "eve"])
    assert frame["item"].tolist() == [["ann", "bob", "eve"][k] for k in order]
    assert frame["utility"].is_monotonic_decreasing
    with pytest.raises(ShapeError) as caught:
        fit.to_frame(names=["ann", "bob"])
    assert caught.value.argument == "names"


def test_ties_in_the_ranking_go_by_number():
    """Everybody won as often against everybody: equal utilities, in exact zeros."""
    fit = fit_strengths(PairCounts(np.ones((4, 4)) - np.eye(4)))
    assert fit.params.tolist() == [0, 0, 0, 0]
    assert fit.ranking().tolist() == [0, 1, 2, 3]


def test_messages():
    fit = FITS["newton"]()
    assert fit.message == f"newton converged in {fit.iterations} steps"
    assert fit.converged
    assert 1 <= fit.iterations <= 10
    assert [g.tolist() for g in fit.components] == [[0, 1, 2]]


# ---------------------------------------------------------------- bad input

LINE = LinearPairs([[1.0]], [[0.0]], [1])


@pytest.mark.parametrize(
    ("call", "error", "argument", "index", "value"),
    [
        (lambda: fit_strengths([(0, 1), (1, 0)]), InputError, "data", None, None),
        (lambda: fit_strengths(np.array(W)), InputError, "data", None, None),
        (lambda: fit_strengths(LINE), InputError, "data", None, None),
        (lambda: fit_strengths(LinearRankings([[[1.0], [0.0]]])), InputError, "data", None, None),
        (lambda: fit_strengths(PAIRS, 2), InputError, "n_items", None, 2),
        (lambda: fit_strengths(PAIRS, 4), InputError, "n_items", None, 4),
        (lambda: fit_strengths(RACES, 2), InputError, "n_items", None, 2),
        (lambda: fit_strengths(RACES, 0), InputError, "n_items", None, 0),
        (lambda: fit_strengths(RACES, 3.0), InputError, "n_items", None, 3.0),
        (lambda: fit_strengths(RACES, True), InputError, "n_items", None, True),
        (lambda: fit_strengths(PAIRS, method="bfgs"), UnknownOptionError, "method", None, "bfgs"),
        (lambda: fit_strengths(PAIRS, method=None), UnknownOptionError, "method", None, None),
        (lambda: fit_strengths(PAIRS, method="pair_split"), UnknownOptionError, "method", None, "pair_split"),
        (lambda: fit_strengths(RACES, method="rank_centrality"), UnknownOptionError, "method", None, "rank_centrality"),
        (lambda: fit_strengths(PAIRS, ties="win"), UnknownOptionError, "ties", None, "win"),
        (lambda: fit_strengths(PAIRS, on_infinite="warn"), UnknownOptionError, "on_infinite", None, "warn"),
        (lambda: fit_strengths(PAIRS, alpha=-0.1), InputError, "alpha", None, -0.1),
        (lambda: fit_strengths(PAIRS, alpha=np.inf), InputError, "alpha", None, np.inf),
        (lambda: fit_strengths(PAIRS, alpha="1"), InputError, "alpha", None, "1"),
        (lambda: fit_strengths(PAIRS, method="mm", alpha=0.5), UnknownOptionError, "alpha", None, 0.5),
        (lambda: fit_strengths(PAIRS, method="ilsr", alpha=0.5), UnknownOptionError, "alpha", None, 0.5),
        (lambda: fit_strengths(PAIRS, prior_mean=[0, 0, 0]), InputError, "prior_mean", None, None),
        (lambda: fit_strengths(PAIRS, alpha=1.0, prior_mean=[0, 0]), ShapeError, "prior_mean", None, None),
        (lambda: fit_strengths(PAIRS, alpha=1.0, prior_mean=0.0), ShapeError, "prior_mean", None, None),
        (lambda: fit_strengths(PAIRS, alpha=1.0, prior_mean=[0, np.inf, 0]), InputError, "prior_mean", 1, np.inf),
        (lambda: fit_strengths(PAIRS, max_iter=0), InputError, "max_iter", None, 0),
        (lambda: fit_strengths(PAIRS, max_iter=2.5), InputError, "max_iter", None, 2.5),
        (lambda: fit_strengths(PairCounts(W, TIES), method="mm"), UnknownOptionError, "method", None, "mm"),
        (lambda: FITS["newton"]().contrast(0, 3), StateIndexError, "j", 0, 3),
        (lambda: FITS["newton"]().contrast(-1, 0), StateIndexError, "i", 0, -1),
        (lambda: FITS["newton"]().contrast(0.0, 1), StateIndexError, "i", None, 0.0),
        (lambda: FITS["newton"]().contrast(True, 1), StateIndexError, "i", None, True),
        (lambda: FITS["newton"]().probability(1, 1), InputError, "j", None, 1),
        (lambda: FITS["newton"]().probability(0, 9), StateIndexError, "j", 0, 9),
        # what the containers refuse before anything is fitted (prefs.md 8)
        (lambda: PairCounts([[0, 1], [1, 0], [1, 1]]), ShapeError, "W", None, None),
        (lambda: PairCounts([[1, 1], [1, 0]]), InputError, "W", (0, 0), 1.0),
        (lambda: PairList([0, 2], [1, 2]), InputError, "losers", 1, 2),
        (lambda: PairList([0], [-1]), StateIndexError, "losers", 0, -1),
        (lambda: PairList([0], [1], [np.inf]), InputError, "weights", 0, np.inf),
        (lambda: Rankings.from_lists([[0, 1, 0]]), InputError, "flat", 0, 0),
        (lambda: TopChoices.from_lists([0], [[]]), InputError, "offsets", 0, 0),
        (lambda: TopChoices.from_lists([2], [[0, 1]]), InputError, "winners", 0, 2),
    ],
)
def test_bad_input(call, error, argument, index, value):
    with pytest.raises(error) as caught:
        call()
    assert isinstance(caught.value, ValueError)
    assert (caught.value.argument, caught.value.index, caught.value.value) == (argument, index, value)


def test_nan_is_refused():
    for call in (
        lambda: fit_strengths(PAIRS, alpha=np.nan),
        lambda: fit_strengths(PAIRS, alpha=1.0, prior_mean=[0, 0, np.nan]),
    ):
        with pytest.raises(InputError, match="nan"):
            call()


def test_linear_data_are_shown_the_way():
    with pytest.raises(InputError, match="fit_reward"):
        fit_strengths(LINE)
    with pytest.raises(InputError, match=r"Rankings\.from_lists"):
        fit_strengths([[0, 1]])


def test_errors_say_what_helps():
    with pytest.raises(MLENotAttainedError, match='on_infinite="component"'):
        fit_strengths(APART)
    with pytest.raises(DisconnectedComparisonGraphError, match="never compared") as caught:
        fit_strengths(RACES, 4)
    assert [g.tolist() for g in caught.value.components][-1] in ([3], [0, 1, 2])
    with pytest.raises(UnknownOptionError, match='ties="half"'):
        fit_strengths(PairCounts(W, TIES), method="mm")


def test_rankings_of_one_item_are_dropped_aloud():
    with pytest.warns(UserWarning, match="1 rankings of a single item"):
        data = Rankings.from_lists([[0, 1], [1, 0], [2]])
    with pytest.raises(DisconnectedComparisonGraphError):
        fit_strengths(data)
    assert data.n_items == 3
