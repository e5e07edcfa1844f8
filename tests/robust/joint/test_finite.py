"""Convex hulls of finitely many kernels: the numbers of specification 6.5."""

from __future__ import annotations

import numpy as np
import pytest

import mdpkit
from mdpkit.models import FiniteSet, RobustMDP, TabularMDP
from mdpkit.robust.joint import joint_problem


def retry(gamma: float) -> tuple[TabularMDP, FiniteSet]:
    """L leads to the goal in model 1, R in model 2; the other action stays."""
    P = np.zeros((2, 2, 2, 2))  # model, state, action, successor
    P[:, 1, :, 1] = 1.0
    P[0, 0, 0, 1] = P[0, 0, 1, 0] = 1.0
    P[1, 0, 1, 1] = P[1, 0, 0, 0] = 1.0
    r = np.array([[0.0, 0.0], [1.0, 1.0]])
    return TabularMDP(P.mean(axis=0), r, gamma=gamma), FiniteSet(np.moveaxis(P, 0, 2))


@pytest.mark.parametrize("gamma", [0.5, 0.9])
def test_retry_is_worth_a_coin_flip_per_step(gamma: float) -> None:
    model, rows = retry(gamma)
    joint = joint_problem(RobustMDP(model, rows, rectangularity="s"))
    V = np.zeros(2)
    for _ in range(int(40 / -np.log(gamma))):
        V, d, gap = joint.values(V)
        assert gap <= 1e-12
    G = 1 / (1 - gamma)
    assert V[0] == pytest.approx(gamma * G / 2 / (1 - gamma / 2), abs=1e-11)  # 90/11 for gamma = .9
    assert d[:2] == pytest.approx([0.5, 0.5], abs=1e-12)
    assert joint.evaluate(V, d)[0] == pytest.approx(V, abs=1e-11)
    P, r = joint.worst(V)
    assert (r + gamma * (P @ V))[:2] == pytest.approx([V[0]] * 2, abs=1e-11)
    P, r = joint.worst(V, np.array([1.0, 0.0, 1.0, 0.0]))
    # the second candidate sends L back; R, unused, keeps its nominal row
    assert P.toarray()[:2].tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_cooperative_nature_picks_the_better_candidate() -> None:
    model, rows = retry(0.9)
    joint = joint_problem(RobustMDP(model, rows, rectangularity="s", nature="cooperative"))
    u, d, _ = joint.values(np.array([0.0, 10.0]))
    assert u == pytest.approx([9.0, 10.0])
    assert d.tolist() == [1.0, 0.0, 1.0, 0.0]


def test_one_candidate_is_the_nominal_update() -> None:
    model = mdpkit.problems.garnet(6, 3, 3, gamma=0.9, seed=1)
    P = model.rows.csr().toarray().reshape(6, 3, 6)
    joint = joint_problem(RobustMDP(model, FiniteSet(P[:, :, None, :]), rectangularity="s"))
    V = np.arange(6.0)
    u, _, _ = joint.values(V)
    q = model.pair_reward + 0.9 * (model.rows.csr() @ V)
    assert u == pytest.approx(q.reshape(6, 3).max(axis=1), abs=1e-13)
