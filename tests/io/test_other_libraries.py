"""QuantEcon's and MDPtoolbox's layouts of one and the same model."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

from mdpkit import io, problems
from mdpkit.errors import InputError, ShapeError


def dense(model):
    return np.array([[model.transition(s, a) for a in range(model.n_actions)] for s in range(model.n_states)])


def assert_same(first, second):
    np.testing.assert_array_equal(dense(first), dense(second))
    np.testing.assert_allclose(first.rewards, second.rewards, rtol=1e-15)
    assert first.gamma == second.gamma


@pytest.fixture
def model():
    return problems.garnet(6, 3, 2, gamma=0.9, seed=5)


# ------------------------------------------------------------------ QuantEcon


def test_quantecon_product_form(model):
    assert_same(io.from_quantecon(SimpleNamespace(R=model.rewards, Q=dense(model), beta=0.9)), model)


def test_quantecon_in_person():
    markov = pytest.importorskip("quantecon.markov")
    # QuantEcon's documentation of DiscreteDP, the example of Puterman 3.1.
    R = [[5, 10], [-1, -np.inf]]
    Q = [[(0.5, 0.5), (0, 1)], [(0, 1), (0.5, 0.5)]]
    product = io.from_quantecon(markov.DiscreteDP(R, Q, 0.95))
    pairs = io.from_quantecon(
        markov.DiscreteDP([5, 10, -1], [(0.5, 0.5), (0, 1), (0, 1)], 0.95, s_indices=[0, 0, 1], a_indices=[0, 1, 0])
    )
    unsorted = markov.DiscreteDP(
        [10, -1, 5],
        sp.csr_matrix([(0, 1), (0, 1), (0.5, 0.5)]),
        0.95,
        s_indices=[0, 1, 0],
        a_indices=[1, 0, 0],
    )
    expected = problems.two_state()
    for found in (product, pairs, io.from_quantecon(unsorted)):
        np.testing.assert_array_equal(found.rows.csr().toarray(), expected.rows.csr().toarray())
        np.testing.assert_array_equal(found.rewards, expected.rewards)
        assert found.gamma == 0.95


def test_quantecon_refuses_other_objects():
    with pytest.raises(InputError, match="found dict without R"):
        io.from_quantecon({})


# ------------------------------------------------------------------ MDPtoolbox


@pytest.mark.parametrize("sparse", [False, True])
def test_mdptoolbox_transitions(model, sparse):
    P = dense(model).transpose(1, 0, 2)
    if sparse:
        P = [sp.csr_matrix(block) for block in P]
    assert_same(io.from_mdptoolbox(P, model.rewards, 0.9), model)
    assert_same(io.from_mdptoolbox(list(P), sp.csr_matrix(model.rewards), 0.9), model)


def test_mdptoolbox_object_arrays(model):
    P = np.empty(3, dtype=object)
    for a in range(3):
        P[a] = sp.csr_matrix(dense(model)[:, a])
    assert_same(io.from_mdptoolbox(P, model.rewards, 0.9), model)


def test_mdptoolbox_rewards_per_transition(model):
    P = dense(model).transpose(1, 0, 2)
    R = np.random.default_rng(0).integers(-5, 6, size=P.shape).astype(float)
    expected = model.with_rewards(np.einsum("ast,ast->sa", P, R))
    for P_form in (P, [sp.csr_array(block) for block in P]):
        for R_form in (R, list(R), [sp.csr_array(block) for block in R]):
            found = io.from_mdptoolbox(P_form, R_form, 0.9)
            np.testing.assert_array_equal(dense(found), dense(model))
            np.testing.assert_allclose(found.rewards, expected.rewards, atol=1e-14)
            assert found.has_random_rewards


def test_mdptoolbox_rewards_per_state(model):
    P = dense(model).transpose(1, 0, 2)
    found = io.from_mdptoolbox(P, np.arange(6))
    np.testing.assert_array_equal(found.rewards, np.tile(np.arange(6.0)[:, None], (1, 3)))
    assert found.gamma is None


def test_mdptoolbox_square_rewards_are_state_by_action():
    P = np.tile(np.eye(2), (2, 1, 1))
    assert io.from_mdptoolbox(P, [[1, 2], [3, 4]]).reward(0, 1) == 2


def test_mdptoolbox_forest():
    # mdptoolbox.example.forest() as printed in pymdptoolbox's documentation.
    P = [[[0.1, 0.9, 0.0], [0.1, 0.0, 0.9], [0.1, 0.0, 0.9]], [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]]
    R = [[0.0, 0.0], [0.0, 1.0], [4.0, 2.0]]
    assert_same(io.from_mdptoolbox(np.array(P), np.array(R), 0.96), problems.forest())


@pytest.mark.parametrize(
    ("P", "R", "message"),
    [
        (np.eye(2), [0, 0], "P must have shape"),
        (np.ones((1, 2, 3)) / 3, [0, 0], "square"),
        ([sp.eye_array(2), sp.eye_array(3)], [0, 0], "one shape"),
        ([np.eye(2), np.eye(3)], [0, 0], "one shape"),
        (np.tile(np.eye(2), (3, 1, 1)), np.zeros((3, 2)), "transposed"),
        (np.tile(np.eye(2), (3, 1, 1)), np.zeros(4), "R must have shape"),
        (np.tile(np.eye(2), (3, 1, 1)), [sp.eye_array(2)], "R must have shape"),
    ],
)
def test_mdptoolbox_shapes(P, R, message):
    with pytest.raises(ShapeError, match=message):
        io.from_mdptoolbox(P, R)
