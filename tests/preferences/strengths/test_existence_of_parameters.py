"""When a linear utility exists: separation of feature vectors against one linear program over all rows."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from mdpkit.feedback import LinearPairs, LinearRankings, PairList
from mdpkit.preferences import mle_exists
from mdpkit.preferences.existence import linear_existence, preference_rows
from mdpkit.testing import preference_data

some = settings(max_examples=50, deadline=None)


def lp_optimum(rows):
    """``max sum_i x_i.u`` subject to ``0 <= x_i.u <= 1``, all rows at once (prefs.md 3.6)."""
    found = linprog(
        -rows.sum(axis=0),
        A_ub=np.concatenate([rows, -rows]),
        b_ub=np.concatenate([np.ones(len(rows)), np.zeros(len(rows))]),
        bounds=(None, None),
    )
    assert found.status == 0
    return -found.fun


def assert_separates(rows, u):
    """Nothing against it, something for it."""
    score = rows @ u
    lengths = np.linalg.norm(rows, axis=1)
    assert (score >= -1e-6 * lengths).all()
    assert score.max() > 1e-3
    assert abs(np.abs(u).max() - 1) < 1e-12


@st.composite
def integer_rows(draw):
    """Small integers: zero rows, repeated, opposite and dependent ones, and columns that repeat another."""
    n, d = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    rows = np.array(draw(st.lists(st.integers(-2, 2), min_size=n * d, max_size=n * d)), dtype=float).reshape(n, d)
    if draw(st.booleans()):  # turned to one side of a plane, so that both answers are likely
        side = np.array(draw(st.lists(st.integers(-2, 2), min_size=d, max_size=d)))
        rows[rows @ side < 0] *= -1
    return rows[:, [*range(d), 0]] if draw(st.booleans()) else rows


@some
@given(integer_rows())
def test_against_one_linear_program(rows):
    found = linear_existence(rows)
    # all data are small integers: optima are rationals with denominators of a few hundred
    assert found.exists == (lp_optimum(rows) < 1e-4)
    assert found.components == ()
    assert found.connected
    if not found.exists:
        assert_separates(rows, found.direction)
        rows = rows[np.any(rows, axis=1)]
        ahead = int(np.sum(rows @ found.direction > 1e-6))
        assert f"{ahead} of {len(rows)} come out ahead" in found.message


@some
@given(integer_rows(), st.lists(st.sampled_from([1e-6, 1.0, 1e6]), min_size=12, max_size=12))
def test_lengths_of_rows_do_not_matter(rows, lengths):
    scaled = rows * np.array(lengths)[: len(rows), None]
    assert linear_existence(scaled).exists == linear_existence(rows).exists


@some
@given(preference_data(4))
def test_items_are_one_hot_features(data):
    """Two different algorithms: strong connectivity, and a linear program."""
    X = LinearPairs.from_winners(np.eye(4)[data.winners], np.eye(4)[data.losers], data.weights)
    items = mle_exists(data)
    # Items that were never compared are directions that no feature sees: no obstacle for linear utilities.
    rows = np.eye(4)[data.winners] - np.eye(4)[data.losers]
    assert mle_exists(X).exists == (lp_optimum(rows) < 1e-4)
    if items.connected:
        assert mle_exists(X).exists == items.exists


def test_published_optima():
    """prefs.md 7.7: rows e0-e1, e1-e2 give 2, with e2-e0 they give 0."""
    rows = np.array([[1.0, -1, 0], [0, 1, -1]])
    assert abs(lp_optimum(rows) - 2) < 1e-9
    assert not linear_existence(rows)
    closed = np.vstack([rows, [-1, 0, 1]])
    assert abs(lp_optimum(closed)) < 1e-9
    assert linear_existence(closed)


@pytest.mark.parametrize(
    ("rows", "exists", "ahead"),
    [
        ([[1, 0], [0, 1], [1, 1]], False, 3),
        ([[1, 0], [-1, 0], [0, 1]], False, 1),  # quasi-separated: two rows lie on the plane
        ([[1, 0], [-1, 0], [0, 1], [0, -1]], True, 0),
        ([[1, 0], [-1, 1], [-1, -1]], True, 0),
        ([[1, 0], [-1, 1], [-1, 0.999]], False, 1),  # the cone just fails to close
        ([[2, 1], [-4, -2]], True, 0),  # opposite: nothing is seen across
        ([[0, 0]], True, 0),
        ([[0, 0], [1, 3]], False, 1),
    ],
)
def test_known_designs(rows, exists, ahead):
    found = linear_existence(np.array(rows, dtype=float))
    assert found.exists == exists
    if not exists:
        # at least so many: a direction in the middle of the cone would have all of them
        assert int(found.message.split(" come out ahead")[0].split()[-3]) >= ahead
        assert_separates(np.array(rows, dtype=float), found.direction)


def test_no_rows():
    assert linear_existence(np.zeros((0, 3)))
    assert mle_exists(LinearPairs(np.zeros((0, 2)), np.zeros((0, 2)), []))


@pytest.mark.parametrize("witness", [0, 1, 2718, 4999])
def test_one_witness_among_many(witness):
    """5,000 rows on one side of a plane and one, at any place, that closes the cone: it is found; so is its absence.

    The witness is minus the sum of the rows, so no direction with a positive sum of scores leaves it on its side.
    """
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(5000, 6))
    rows *= np.sign(rows @ np.arange(1, 7))[:, None]
    found = linear_existence(rows)
    assert not found
    assert_separates(rows, found.direction)
    assert re.search(r"no winner falls behind .* of 5000 come out ahead", found.message)
    closed = rows.copy()
    closed[witness] = -np.delete(rows, witness, axis=0).sum(axis=0)
    assert linear_existence(closed)


def test_one_row_of_another_dimension():
    """All but one row lie in a plane in which they are not separated; the odd one is, whatever its place."""
    rng = np.random.default_rng(6)
    flat = np.zeros((3000, 3))
    flat[:, :2] = rng.normal(size=(3000, 2))
    assert linear_existence(flat)
    for place in (0, 1500, 2999):
        rows = flat.copy()
        rows[place] = [0.0, 0.0, -2.0]
        found = linear_existence(rows)
        assert not found
        np.testing.assert_allclose(found.direction, [0, 0, -1], atol=1e-6)
        assert re.search(r" 1 of 3000 come out ahead", found.message)


def test_a_basis_restricts_the_parameters():
    """Only the second coordinate separates; along the first alone the maximum is attained."""
    rows = np.array([[1.0, 1.0], [-1.0, 1.0]])
    assert not linear_existence(rows)
    assert linear_existence(rows, basis=np.array([[1.0], [0.0]]))
    found = linear_existence(rows, basis=np.array([[0.6], [0.8]]) @ np.array([[1.0]]))
    assert found.exists == (lp_optimum(rows @ np.array([[0.6], [0.8]])) < 1e-6)
    along = linear_existence(rows, basis=np.array([[0.0], [1.0]]))
    assert not along
    np.testing.assert_allclose(along.direction, [0, 1], atol=1e-9)


def test_rows_of_containers():
    """Winner minus loser; neighbours in a ranking; lines without weight are left out."""
    pairs = LinearPairs([[1.0, 0], [2, 2], [5, 5]], [[0.0, 1], [1, 0], [0, 0]], [1, 0, 1], weights=[1, 2, 0])
    assert preference_rows(pairs).tolist() == [[1, -1], [-1, -2]]
    ranked = LinearRankings([[[3.0], [1], [2]], [[9], [8], [7]]], weights=[1, 0])
    assert preference_rows(ranked).tolist() == [[2], [-1]]
    assert mle_exists(ranked)
    assert not mle_exists(LinearRankings([[[3.0], [1], [0]]]))
    assert not mle_exists(PairList([0], [1]))
