"""Samples follow the rows of the model, however they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from mdpkit import TabularMDP, problems
from mdpkit.errors import InputError, MDPKitError, ShapeError, UnknownOptionError
from mdpkit.feedback import GenerativeModel
from mdpkit.feedback.alias import AliasTable
from tests.feedback.support import assert_law, uneven


@pytest.fixture(scope="module")
def garnet():
    return problems.garnet(12, 3, 5, gamma=0.9, seed=1)


def dense_model():
    rng = np.random.default_rng(3)
    P = rng.dirichlet(np.full(6, 2.0), size=(6, 2))
    P[:, :, -1] += P[:, :, 0]  # an impossible first state and, below, an impossible last one
    P[:, :, 0] = 0.0
    P[0] = P[0][:, ::-1]
    return TabularMDP(P, r=np.zeros((6, 2)), gamma=0.9)


@pytest.mark.parametrize("length", [1, 2, 7, 200])
def test_alias_tables_hold_the_law_exactly(length):
    """A cell is picked with probability 1/m; what it keeps and what others pass to it adds up to m p."""
    rng = np.random.default_rng(length)
    rows = [rng.dirichlet(np.full(length, 0.1)), np.eye(length)[length // 2], np.full(length, 1 / length)]
    ptr = np.arange(4) * length
    table = AliasTable.build(ptr, np.concatenate(rows))
    mass = table.keep.copy()
    np.add.at(mass, table.other, 1.0 - table.keep)
    np.testing.assert_allclose(mass / length, np.concatenate(rows), atol=1e-15)
    assert (table.keep[np.concatenate(rows) == 0] == 0).all()


@pytest.mark.parametrize("make", [lambda: problems.garnet(12, 3, 5, gamma=0.9, seed=1), dense_model, uneven])
def test_single_draws_and_counts_follow_every_row(make):
    model = make()
    n = 200_000
    generator = GenerativeModel(model, seed=7)
    pairs = np.argwhere(model.action_mask)
    counts = generator.sample_counts(None, n)
    assert counts.shape == (model.n_pairs, model.n_states)
    assert (counts.sum(axis=1) == n).all()
    for (s, a), row in zip(pairs, counts, strict=True):
        law = model.transition(int(s), int(a))
        assert_law(row, law)
        assert_law(np.bincount(generator.sample(int(s), int(a), 50_000), minlength=model.n_states), law)


def test_few_draws_follow_the_law_too(garnet):
    """Fewer draws than successors take another path: single draws, counted."""
    wide = problems.garnet(40, 1, 40, gamma=0.9, seed=2)
    generator = GenerativeModel(wide, seed=5)
    counts = generator.sample_counts([(3, 0)] * 40_000, n=5)
    assert (counts.sum(axis=1) == 5).all()
    law = wide.transition(3, 0)
    assert_law(counts.sum(axis=0), law)


def test_counts_are_joint_multinomials():
    """The covariance of two cells of a multinomial is -n p q; independent cells would have none."""
    model = TabularMDP([[[0.5, 0.5], [0.25, 0.75]], [[0.0, 1.0], [1.0, 0.0]]], r=np.zeros((2, 2)), gamma=0.9)
    counts = GenerativeModel(model, seed=0).sample_counts([(0, 0)] * 5000, n=20)
    assert np.cov(counts.T)[0, 1] == pytest.approx(-20 / 4, rel=0.2)  # 10 standard errors


@pytest.mark.parametrize("n", [1, 3, 50])
def test_sparse_counts_are_the_dense_ones(garnet, n):
    dense = GenerativeModel(garnet, seed=4).sample_counts(None, n)
    sparse = GenerativeModel(garnet, seed=4).sample_counts(None, n, sparse=True)
    assert (sparse.data > 0).all()
    np.testing.assert_array_equal(sparse.toarray(), dense)


def test_different_counts_repeated_pairs_and_queries(garnet):
    generator = GenerativeModel(garnet, seed=4)
    counts = generator.sample_counts([(2, 1), (2, 1), (0, 0)], n=[5, 0, 40])
    assert counts.sum(axis=1).tolist() == [5, 0, 40]
    assert generator.sample(0, 0).shape == (1,)
    assert generator.sample(0, 0, 0).shape == (0,)
    assert generator.sample_counts(np.zeros((0, 2), dtype=int), 3).shape == (0, 12)
    assert generator.queries == 46


def test_equal_seeds_equal_samples(garnet):
    first, second, other = (GenerativeModel(garnet, seed=s) for s in (1, np.random.default_rng(1), 2))
    np.testing.assert_array_equal(first.sample(0, 0, 100), second.sample(0, 0, 100))
    np.testing.assert_array_equal(first.sample_counts(None, 50), second.sample_counts(None, 50))
    assert not np.array_equal(first.sample_counts(None, 50), other.sample_counts(None, 50))


def test_what_the_learner_knows():
    model = uneven()
    generator = GenerativeModel(model, seed=0)
    np.testing.assert_array_equal(generator.rewards, model.rewards)
    np.testing.assert_array_equal(generator.action_mask, model.action_mask)
    assert (generator.n_states, generator.n_actions, generator.gamma) == (3, 3, 0.9)


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda g: g.sample(12, 0), InputError, "pairs"),
        (lambda g: g.sample(0, -1), InputError, "pairs"),
        (lambda g: g.sample(0, 0, -1), InputError, "n"),
        (lambda g: g.sample(0, 0, 1.5), InputError, "n"),
        (lambda g: g.sample_counts([(0, 0), (0, 3)], 1), InputError, "pairs"),
        (lambda g: g.sample_counts([0, 0], 1), ShapeError, "pairs"),
        (lambda g: g.sample_counts([(0.0, 1.0)], 1), ShapeError, "pairs"),
        (lambda g: g.sample_counts([(0, 0)], [1, 2]), ShapeError, "n"),
        (lambda g: g.sample_counts([(0, 0)], [-2]), InputError, "n"),
        (lambda g: g.sample_counts([(0, 0)], 1, sparse="csr"), UnknownOptionError, "sparse"),
    ],
)
def test_bad_queries(garnet, call, error, argument):
    generator = GenerativeModel(garnet, seed=0)
    with pytest.raises(error) as caught:
        call(generator)
    assert isinstance(caught.value, MDPKitError)
    assert caught.value.argument == argument
    assert generator.queries == 0


@pytest.mark.parametrize("seed", [None, -1, 1.0, True, "0"])
def test_bad_seeds(garnet, seed):
    with pytest.raises(InputError, match="seed"):
        GenerativeModel(garnet, seed=seed)


def test_bad_model():
    with pytest.raises(InputError, match="TabularMDP"):
        GenerativeModel(np.eye(2), seed=0)
