"""When utilities of items exist: Ford's and Hunter's condition by brute force, groups, directions, and ties."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from mdpkit.errors import DisconnectedComparisonGraphError, InputError, MLENotAttainedError
from mdpkit.feedback import PairCounts, PairList, Rankings, TopChoices
from mdpkit.preferences import Existence, fit_strengths, mle_exists
from tests.preferences.strengths.support import N_ITEMS, completed, item_data, relabelled, stages_of

some = settings(max_examples=60, deadline=None)
N = N_ITEMS


def beaten_pairs(data):
    """All (winner, loser) of stages with weight."""
    return {(w, loser) for w, members, weight in stages_of(data) if weight > 0 for loser in members if loser != w}


def proper_subsets(n):
    for inside in product([False, True], repeat=n):
        if 0 < sum(inside) < n:
            yield np.array(inside)


# ---------------------------------------------------------------- Ford, Hunter


@some
@given(item_data())
def test_every_split_must_be_crossed_both_ways(data):
    """Hunter (2004), Assumption 1: in every partition into two sets some item of the second beat one of the first."""
    beaten = beaten_pairs(data)
    crossed = [any(inside[i] and not inside[j] for i, j in beaten) for inside in proper_subsets(N)]
    met = [any(inside[i] != inside[j] for i, j in beaten) for inside in proper_subsets(N)]
    found = mle_exists(data)
    assert found.exists == bool(found) == all(crossed)
    assert found.connected == all(met)
    assert (found.direction is None) == found.exists


@some
@given(item_data())
def test_groups_and_direction(data):
    """Groups are the largest sets in which all splits are crossed; the earlier never lost to the later."""
    found, beaten = mle_exists(data), beaten_pairs(data)
    reach = np.eye(N, dtype=bool)
    for i, j in beaten:
        reach[i, j] = True
    for k in range(N):  # Warshall
        reach |= reach[:, [k]] & reach[k]
    groups = [set(group.tolist()) for group in found.components]
    assert sorted(i for group in groups for i in group) == list(range(N))
    for group in groups:
        first = min(group)
        assert group == {j for j in range(N) if reach[first, j] and reach[j, first]}
    for better, worse in combinations(groups, 2):
        assert not any((i, j) in beaten for i in worse for j in better)
    assert len(groups) == 1 or not found.exists
    if not found.exists:
        assert found.direction.shape == (N,)
        assert all(found.direction[i] >= found.direction[j] for i, j in beaten)
        if beaten and found.connected:
            assert any(found.direction[i] > found.direction[j] for i, j in beaten)


@some
@given(item_data())
def test_fitting_raises_what_the_check_says(data):
    found = mle_exists(data)
    if found.exists:
        assert fit_strengths(data).converged
        return
    kind = MLENotAttainedError if found.connected else DisconnectedComparisonGraphError
    for method in ("newton", "mm", "lsr", "ilsr"):
        with pytest.raises(MLENotAttainedError) as caught:
            fit_strengths(data, method=method)
        assert type(caught.value) is kind
        assert [g.tolist() for g in caught.value.components] == [g.tolist() for g in found.components]
        np.testing.assert_array_equal(caught.value.direction, found.direction)
        assert "alpha > 0" in str(caught.value)
        assert caught.value.argument == "data"
    assert fit_strengths(data, alpha=0.1).converged


@some
@given(item_data(), st.permutations(range(N)))
def test_names_do_not_matter(data, order):
    new = np.array(order)
    found, moved = mle_exists(data), mle_exists(relabelled(data, new))
    assert (moved.exists, moved.connected) == (found.exists, found.connected)
    groups = {frozenset(new[group].tolist()) for group in found.components}
    assert {frozenset(group.tolist()) for group in moved.components} == groups


@some
@given(item_data())
def test_completed_data_has_a_maximum(data):
    assert mle_exists(completed(data)).exists


def test_published_example():
    """prefs.md 7.7."""
    assert not mle_exists(PairList.from_pairs([(0, 1), (1, 2)]))
    assert mle_exists(PairList.from_pairs([(0, 1), (1, 2), (2, 0)]))


def test_messages_name_the_items():
    order = mle_exists(PairList.from_pairs([(2, 0), (0, 1), (1, 0)]))
    assert [g.tolist() for g in order.components] == [[2], [0, 1]]
    assert "item 2 never lost" in order.message
    assert "items 0, 1 never won against the others" in order.message
    assert repr(order) == f"Existence(exists=False: {order.message})"
    apart = mle_exists(PairList.from_pairs([(0, 1), (1, 0), (3, 2)]))
    assert not apart.connected
    assert "items 0, 1 and items 2, 3 were never compared" in apart.message
    alone = mle_exists(PairList.from_pairs([(0, 1), (1, 0)]), n_items=3)
    assert "item 2 and items 0, 1 were never compared" in alone.message
    many = mle_exists(PairList(np.arange(9), np.arange(1, 10), n_items=10), n_items=300)
    assert "items 0, 1, 2, 3, 4, 5, ... (10 in all) and items 10, 11, 12, 13, 14, 15, ... (290 in all)" in many.message
    assert "... (299 in all)" in mle_exists(PairList([], [], n_items=300)).message


def test_weights_of_zero_are_no_comparisons():
    circle = [(0, 1), (1, 2), (2, 0)]
    winners, losers = np.array(circle).T
    assert not mle_exists(PairList(winners, losers, [1, 1, 0]))
    assert not mle_exists(Rankings.from_lists(circle, [1, 1, 0]))
    assert not mle_exists(TopChoices.from_lists(winners, circle, [1, 1, 0]))


@pytest.mark.parametrize("data", [PairCounts([[0.0]]), PairList([], [], n_items=1), TopChoices.from_lists([0], [[0]])])
def test_a_single_item(data):
    assert mle_exists(data).exists
    for method in ("newton", "mm", "ilsr"):
        fit = fit_strengths(data, method=method)
        assert (fit.params.tolist(), fit.stderr.tolist(), fit.nll, fit.converged) == ([0], [0], 0, True)


def test_many_items_in_a_row():
    """20,000 items of which each beat the next: as many groups, in order, without recursion."""
    n = 20_000
    found = mle_exists(PairList(np.arange(n - 1), np.arange(1, n)))
    assert np.concatenate(found.components).tolist() == list(range(n))
    assert mle_exists(PairList(np.arange(n), (np.arange(n) + 1) % n)).exists


# ---------------------------------------------------------------- Davidson's ties


def multinomial_rows(W, ties):
    """Score of what was observed minus that of the two other outcomes, in ``(u, e)``: Davidson's model as a logit."""
    n, rows = len(W), []
    for i, j in combinations(range(n), 2):
        scores = np.zeros((3, n + 1))
        scores[0, i] = scores[1, j] = scores[2, n] = 1
        scores[2, [i, j]] = 0.5
        for outcome, count in enumerate((W[i, j], W[j, i], ties[i, j])):
            if count > 0:
                rows += [scores[outcome] - scores[other] for other in range(3) if other != outcome]
    return np.array(rows)


def lp_says_attained(rows):
    """No direction scores every observed outcome at least as high as the others, and some higher (Albert, Anderson)."""
    found = linprog(
        -rows.sum(axis=0),
        A_ub=np.concatenate([rows, -rows]),
        b_ub=np.concatenate([np.ones(len(rows)), np.zeros(len(rows))]),
        bounds=(None, None),
    )
    assert found.status == 0
    return -found.fun < 1e-7


@st.composite
def tied_counts(draw):
    """Wins and ties of up to four items, at least one tie, everybody linked by comparisons."""
    n = draw(st.integers(2, 4))
    W, ties = np.zeros((n, n)), np.zeros((n, n))
    for i, j in combinations(range(n), 2):
        W[i, j], W[j, i], ties[i, j] = (draw(st.sampled_from([0, 1, 2])) for _ in range(3))
    for i in range(1, n):
        if not (W[i, :i].any() or W[:i, i].any() or ties[i, :i].any()):
            ties[i, draw(st.integers(0, i - 1))] = 1
    if not ties.any():
        ties[0, 1] = 1
    return W, np.maximum(ties, ties.T)


@some
@given(tied_counts())
@example((np.array([[0.0, 1], [0, 0]]), np.array([[0.0, 1], [1, 0]])))
@example((np.array([[0.0, 1, 0], [0, 0, 1], [0, 0, 0]]), np.array([[0.0, 0, 1], [0, 0, 0], [1, 0, 0]])))
def test_ties_against_a_linear_program(counts):
    W, ties = counts
    data, rows = PairCounts(W, ties), multinomial_rows(W, ties)
    found = mle_exists(data)
    assert found.connected
    assert found.exists == lp_says_attained(rows)
    if found.exists:
        assert fit_strengths(data).converged
        return
    with pytest.raises(MLENotAttainedError, match="alpha > 0"):
        fit_strengths(data)
    # The direction, completed by the best e: every observed outcome is a best one, and one of them strictly.
    e = [0.5 * k for k in range(-2, 3)]
    margins = [rows @ np.append(found.direction, x) for x in e]
    assert any((m >= -1e-12).all() and m.max() > 0 for m in margins)


def test_one_win_and_one_tie():
    """The counterexample to "a tie links both ways, so connectivity is enough".

    With utilities ``+-t`` and ``log nu = t`` the scores of win, loss and tie are ``t``, ``-t`` and ``t``: both outcomes
    that were seen get probability near 1/2, so the likelihood approaches 1/4 without reaching it. A second win closes
    nothing; a single loss of the winner does.
    """

    def likelihood(t):
        win = 1 / (1 + np.exp(-2 * t) + 1)
        return win * win

    assert likelihood(1) < likelihood(2) < likelihood(5) < 0.25
    ties = [[0, 1], [1, 0]]
    for wins in (1, 2):
        found = mle_exists(PairCounts([[0, wins], [0, 0]], ties))
        assert not found
        assert found.connected
        assert [g.tolist() for g in found.components] == [[0, 1]]
        assert "tie parameter" in found.message
    assert mle_exists(PairCounts([[0, 1], [1, 0]], ties))


def test_ties_only():
    """Nobody won: the tie parameter is infinite, whatever the prior on the utilities."""
    ties = PairCounts(np.zeros((2, 2)), [[0, 3], [3, 0]])
    assert not mle_exists(ties)
    with pytest.raises(MLENotAttainedError):
        fit_strengths(ties)
    with pytest.raises(InputError, match="ties only"):
        fit_strengths(ties, alpha=1.0)
    assert fit_strengths(ties, ties="half").params.tolist() == [0, 0]


def test_no_ties_in_the_table_are_no_ties():
    W = [[0, 1], [1, 0]]
    assert mle_exists(PairCounts(W, np.zeros((2, 2)))).exists
    assert fit_strengths(PairCounts(W, np.zeros((2, 2)))).tie_parameter is None


def test_bad_input():
    with pytest.raises(InputError) as caught:
        mle_exists([(0, 1)])
    assert caught.value.argument == "data"
    with pytest.raises(InputError) as caught:
        mle_exists(PairList([0], [4]), n_items=3)
    assert (caught.value.argument, caught.value.value) == ("n_items", 3)
    assert isinstance(mle_exists(PairList([0], [1])), Existence)
