"""`negative_log_likelihood` and `ranking_log_probability`: definition, invariances, published numbers, bad input."""

from __future__ import annotations

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.errors import InputError, ShapeError, StateIndexError
from mdpkit.feedback import LinearPairs, LinearRankings, PairCounts, PairList, Rankings, TopChoices
from mdpkit.preferences import negative_log_likelihood, ranking_log_probability
from mdpkit.testing import preference_data
from tests.preferences.strengths.support import (
    N_ITEMS,
    choices,
    item_data,
    rankings,
    relabelled,
    stage_likelihood,
    stages_of,
    utilities,
)

some = settings(max_examples=30, deadline=None)
N = N_ITEMS


def assert_same(found, expected, atol=1e-12):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=atol)


@some
@given(item_data(), utilities(N))
def test_definition(data, theta):
    expected = stage_likelihood(stages_of(data), theta)
    found = negative_log_likelihood(data, theta)
    assert_same(found, expected)
    assert_same((found.nll, found.grad, found.hess), expected)
    # A Laplacian: rows sum to zero, nothing positive off the diagonal, hence positive semidefinite.
    np.testing.assert_allclose(found.hess.sum(axis=1), 0, atol=1e-12)
    assert (found.hess[~np.eye(N, dtype=bool)] <= 0).all()
    assert abs(found.grad.sum()) < 1e-12
    weight = float(np.sum(data.weights))
    if weight > 0:
        assert_same(negative_log_likelihood(data, theta, mean=True), [x / weight for x in expected])


def test_no_weight_at_all():
    data = PairList([0], [1], [0.0])
    for mean in (True, False):
        nll, grad, hess = negative_log_likelihood(data, [1.0, 2.0], mean=mean)
        assert nll == 0
        assert not grad.any()
        assert not hess.any()


# ---------------------------------------------------------------- invariances


@some
@given(item_data(), utilities(N), st.sampled_from([-3.0, 0.25, 1e3]))
def test_a_common_shift_changes_nothing(data, theta, shift):
    """Quarters plus quarters are exact, so that not even rounding differs."""
    for a, b in zip(negative_log_likelihood(data, theta + shift), negative_log_likelihood(data, theta), strict=True):
        np.testing.assert_array_equal(a, b)


@some
@given(item_data(), utilities(N), st.permutations(range(N)))
def test_names_do_not_matter(data, theta, order):
    """Item ``i`` becomes item ``new[i]``: the gradient and the Hessian are permuted."""
    new = np.array(order)
    moved = np.empty(N)
    moved[new] = theta
    nll, grad, hess = negative_log_likelihood(relabelled(data, new), moved)
    assert_same((nll, grad[new], hess[np.ix_(new, new)]), negative_log_likelihood(data, theta))


@some
@given(item_data(), utilities(N), st.integers(2, 4))
def test_weights_are_repetitions(data, theta, times):
    """Listing every line several times is the same as multiplying its weight; zero weights are no lines."""
    if isinstance(data, PairList):
        many = PairList(
            np.tile(data.winners, times), np.tile(data.losers, times), np.tile(data.weights, times), n_items=N
        )
    else:
        lengths = np.tile(np.diff(data.offsets), times)
        flat, offsets = np.tile(data.flat, times), np.concatenate([[0], np.cumsum(lengths)])
        weights = np.tile(data.weights, times)
        if isinstance(data, Rankings):
            many = Rankings(flat, offsets, weights, n_items=N)
        else:
            many = TopChoices(np.tile(data.winners, times), flat, offsets, weights, n_items=N)
    single = negative_log_likelihood(data, theta)
    assert_same(negative_log_likelihood(many, theta), [times * x for x in single], atol=1e-11)


@some
@given(st.lists(st.permutations(range(3)), min_size=1, max_size=30), utilities(3))
def test_equal_rankings_are_merged_without_a_trace(rows, theta):
    """Complete rankings of three items are counted; a further ranking of two makes them ragged and stops that."""
    ragged = Rankings.from_lists([*rows, rows[0][:2]], [*np.ones(len(rows)), 0.0])
    assert_same(
        negative_log_likelihood(Rankings.from_lists(rows), theta), negative_log_likelihood(ragged, theta), atol=1e-11
    )


@some
@given(preference_data(N), utilities(N))
def test_pairs_in_every_container(data, theta):
    """A ranking of two, a choice from two, a line and a count are one and the same."""
    both = np.stack([data.winners, data.losers], axis=1)
    swapped = TopChoices(data.winners, both[:, ::-1].reshape(-1), np.arange(len(both) + 1) * 2, data.weights, n_items=N)
    expected = negative_log_likelihood(data, theta)
    for same in (
        data.to_counts(),
        PairCounts(data.to_counts().W, np.zeros((N, N))),
        Rankings.from_lists(both, data.weights, n_items=N),
        TopChoices.from_lists(data.winners, both, data.weights, n_items=N),
        swapped,
        LinearPairs.from_winners(np.eye(N)[data.winners], np.eye(N)[data.losers], data.weights),
        LinearRankings(np.eye(N)[both], data.weights),
    ):
        assert_same(negative_log_likelihood(same, theta), expected)


@some
@given(choices(), utilities(N))
def test_the_order_of_a_choice_set_does_not_matter(data, theta):
    sets = [data.flat[a:b] for a, b in pairwise(data.offsets.tolist())]
    backwards = TopChoices.from_lists(data.winners, [s[::-1] for s in sets], data.weights, n_items=N)
    assert_same(negative_log_likelihood(backwards, theta), negative_log_likelihood(data, theta))


@some
@given(rankings(), utilities(N))
def test_a_ranking_is_a_chain_of_choices(data, theta):
    """The best is chosen from all, the second from the rest, and so on."""
    stages = stages_of(data)
    chain = TopChoices.from_lists(
        [i for i, *_ in stages], [s for _, s, _ in stages], [w for *_, w in stages], n_items=N
    )
    assert_same(negative_log_likelihood(chain, theta), negative_log_likelihood(data, theta))


@some
@given(item_data(), utilities(N))
def test_items_that_were_never_compared(data, theta):
    """More utilities than items in the data: they add nothing, and only matrices of counts refuse them."""
    nll, grad, hess = negative_log_likelihood(data, np.append(theta, [5.0, -700.0]))
    assert_same((nll, grad[:N], hess[:N, :N]), negative_log_likelihood(data, theta))
    assert not grad[N:].any()
    assert not hess[N:].any()


# ---------------------------------------------------------------- the law of a ranking


@pytest.mark.parametrize("K", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("spread", [0.0, 1.0, 20.0, 800.0])
def test_rankings_have_probability_one(K, spread):
    """Over all K! rankings; beside an item that does not take part."""
    theta = np.append(np.linspace(0, spread, K), 3.0)
    logs = [ranking_log_probability(theta, row) for row in permutations(range(K))]
    assert abs(math.fsum(map(math.exp, logs)) - 1) < 1e-13
    assert max(logs) <= 0


def test_published_probabilities():
    """prefs.md 7.3."""
    theta = [1, 0.5, 0, -0.5]
    assert abs(math.exp(ranking_log_probability(theta, [0, 1, 2, 3])) - 0.143461965668) < 1e-12
    assert abs(math.exp(ranking_log_probability(theta, [3, 2, 1, 0])) - 0.007142550693) < 1e-12
    assert ranking_log_probability(theta, [2]) == 0


def test_a_sure_ranking_and_a_hopeless_one():
    """Utilities 0, -1000, -2000: almost surely in this order, and in the other order at odds of exp(4000) against."""
    theta = [0.0, -1000.0, -2000.0]
    assert ranking_log_probability(theta, [0, 1, 2]) == 0
    assert ranking_log_probability(theta, [2, 1, 0]) == -3000
    assert ranking_log_probability(theta, [2, 0, 1]) == -2000


# ---------------------------------------------------------------- bad input

PAIRS = PairList([0], [1])
TIED = PairCounts([[0, 1], [1, 0]], ties=[[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("call", "error", "argument", "index", "value"),
    [
        (lambda: negative_log_likelihood([(0, 1)], [0, 0]), InputError, "data", None, None),
        (lambda: negative_log_likelihood(TIED, [0, 0]), InputError, "data", None, None),
        (lambda: negative_log_likelihood(PAIRS, [0.0]), ShapeError, "params", None, None),
        (lambda: negative_log_likelihood(PAIRS, [[0.0, 0.0]]), ShapeError, "params", None, None),
        (lambda: negative_log_likelihood(PAIRS, ["a", "b"]), ShapeError, "params", None, None),
        (lambda: negative_log_likelihood(PAIRS, [0.0, np.inf]), InputError, "params", 1, np.inf),
        (lambda: negative_log_likelihood(PairCounts([[0, 1], [0, 0]]), [0, 0, 0]), ShapeError, "params", None, None),
        (lambda: negative_log_likelihood(LinearPairs([[1.0]], [[0.0]], [1]), [0, 0]), ShapeError, "params", None, None),
        (
            lambda: negative_log_likelihood(LinearPairs([[1.0]], [[0.0]], [1]), [-np.inf]),
            InputError,
            "params",
            0,
            -np.inf,
        ),
        (lambda: ranking_log_probability([0.0, 1.0], [0, 2]), StateIndexError, "ranking", 1, 2),
        (lambda: ranking_log_probability([0.0, 1.0], [-1, 0]), StateIndexError, "ranking", 0, -1),
        (lambda: ranking_log_probability([0.0, 1.0], [2]), StateIndexError, "ranking", 0, 2),
        (lambda: ranking_log_probability([0.0, 1.0], [0.0, 1.0]), InputError, "ranking", None, None),
        (lambda: ranking_log_probability([0.0, 1.0], [[0, 1]]), ShapeError, "ranking", None, None),
        (lambda: ranking_log_probability([0.0, np.nan], [0]), InputError, "params", 1, None),
        (lambda: ranking_log_probability([0.0, 1.0], [1, 0, 1]), InputError, "ranking", 2, 1),
        (lambda: ranking_log_probability([0.0, 1.0], []), InputError, "ranking", None, None),
    ],
)
def test_bad_input(call, error, argument, index, value):
    with pytest.raises(error) as caught:
        call()
    assert (caught.value.argument, caught.value.index) == (argument, index)
    assert value is None or caught.value.value == value


@pytest.mark.parametrize("ranking", [[1, 1], []])
def test_no_ranking_at_all(ranking):
    with pytest.raises(InputError, match=r"twice|empty"):
        ranking_log_probability([0.0, 1.0], ranking)
