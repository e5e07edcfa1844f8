"""Finite sets against enumeration."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.errors import InputError
from mdpkit.models import FiniteSet, RobustMDP, TabularMDP
from mdpkit.robust.inner import inner_problem
from mdpkit.robust.inner.finite import FiniteInner
from tests.robust.inner.support import NATURES, check, drafts, quick


@st.composite
def candidates(draw, n):
    """Draw ``(n, K, n)`` rows, with repetitions."""
    K = draw(st.integers(1, 4))
    entries = st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0]), min_size=n * K * n, max_size=n * K * n)
    rows = np.array(draw(entries)).reshape(n, K, n)
    rows[..., 0] += rows.sum(axis=2) == 0.0
    return rows / rows.sum(axis=2, keepdims=True)


@quick
@given(st.data(), st.sampled_from(NATURES))
def test_against_enumeration(data, nature):
    draft = data.draw(drafts(supports=["all"]))
    rows = data.draw(candidates(len(draft.V)))

    def make(order):
        return FiniteSet(rows[order][:, None][..., order])

    check(
        draft,
        make,
        lambda z, k: min(float(row @ z) for row in rows[k]),
        lambda p, k: min(np.max(np.abs(row - p)) for row in rows[k]),
        nature=nature,
        accuracy=1e-15,
        enclosed=False,
    )


@quick
@given(st.data())
def test_sparse_blocks_are_the_same_set(data):
    draft = data.draw(drafts(supports=["all"]))
    rows = data.draw(candidates(len(draft.V)))
    dense = inner_problem(draft.problem(FiniteSet(rows[:, None]))).values(draft.V)[0]
    blocks = [sp.csr_array(rows[:, k]) for k in range(rows.shape[1])]
    assert (inner_problem(draft.problem(FiniteSet(blocks))).values(draft.V)[0] == dense).all()


def test_lowest_of_equal_candidates_and_no_repetitions():
    first, second = [0.5, 0.5, 0.0], [0.0, 1.0, 0.0]
    rows = np.array([[[first, first, second, first, second]], [[second] * 5], [[[0.0, 0.0, 1.0]] * 5]])
    model = TabularMDP(np.eye(3)[:, None], np.zeros((3, 1)), 0.5)
    inner = inner_problem(RobustMDP(model, FiniteSet(rows)))
    assert isinstance(inner, FiniteInner)
    assert inner.candidate_ptr.tolist() == [0, 2, 3, 4]
    assert inner.worst(np.zeros(3))[0].toarray()[0].tolist() == first
    assert inner.worst(np.array([1.0, 0.0, 0.0]))[0].toarray()[0].tolist() == second


def test_ragged_candidates():
    # state 0 has three candidates, one of them twice; rewards differ by candidate
    rows = sp.csr_array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]])
    rewards = np.array([0.0, 0.0, -1.0, 1.0, 7.0])
    inner = FiniteInner.from_candidates(np.array([0, 4, 5]), rows, rewards, 0.5, 1.0)
    assert inner.candidate_ptr.tolist() == [0, 3, 4]
    assert inner.rows.reward_scale == 7.0
    assert inner.rows.row_ptr.tolist() == [0, 2, 3]
    V = np.array([4.0, 0.0])
    # 0 + 2, -1 + 1, 1 + 0; then 7 + 0
    assert inner.values(V)[0].tolist() == [0.0, 7.0]
    kernel, chosen = inner.worst(V)
    assert kernel.toarray().tolist() == [[0.5, 0.5], [0.0, 1.0]]
    assert chosen.tolist() == [-1.0, 7.0]
    best = FiniteInner.from_candidates(np.array([0, 4, 5]), rows, rewards, 0.5, -1.0)
    assert best.values(V)[0].tolist() == [2.0, 7.0]


def test_rewards_of_unseen_transitions_are_asked_for():
    R = np.array([[[1.0, 0.0]], [[0.0, 2.0]]])
    model = TabularMDP(np.array([[[1.0, 0.0]], [[0.5, 0.5]]]), R, 0.9)
    with pytest.raises(InputError) as caught:
        inner_problem(RobustMDP(model, FiniteSet([[[[0.5, 0.5]]], [[[1.0, 0.0]]]])))
    assert caught.value.argument == "transition_rewards"
    assert caught.value.index == (0, 0, 1)
    # candidates within the nominal support need no more
    inner = inner_problem(RobustMDP(model, FiniteSet([[[[1.0, 0.0]]], [[[1.0, 0.0]]]])))
    assert inner.values(np.zeros(2))[0].tolist() == [1.0, 0.0]
