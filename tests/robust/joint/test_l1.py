"""L1 balls with unit weights: RiverSwim, the implicit receiver, shared orders, and the need to randomize."""

from __future__ import annotations

import numpy as np
import pytest

import mdpkit
from mdpkit.models import L1Ball, RobustMDP, TabularMDP
from mdpkit.robust.joint import joint_problem
from mdpkit.robust.joint.base import Joint


def iterate(joint: Joint, n_states: int, sweeps: int) -> tuple[np.ndarray, np.ndarray]:
    V = np.zeros(n_states)
    for _ in range(sweeps):
        V, d, _ = joint.values(V)
    return V, d


def river_swim() -> TabularMDP:
    P, r = np.zeros((6, 2, 6)), np.zeros((6, 2))
    for s in range(6):
        P[s, 0, max(s - 1, 0)] = 1.0
    P[0, 1, [0, 1]] = 0.6, 0.4
    for s in range(1, 5):
        P[s, 1, [s + 1, s, s - 1]] = 0.05, 0.6, 0.35
    P[5, 1, [5, 4]] = 0.6, 0.4
    r[0, 0], r[5, 1] = 0.005, 1.0
    return TabularMDP(P, r, gamma=0.95)


def test_river_swim() -> None:
    joint = joint_problem(RobustMDP(river_swim(), L1Ball(0.1, support="all"), rectangularity="s"))
    assert joint.rows.floating
    V, d = iterate(joint, 6, 900)
    assert V[[0, 3, 5]] == pytest.approx([0.083757563794, 0.070172532544, 2.153920968020], abs=1e-11)
    assert d.reshape(6, 2)[4, 1] == pytest.approx(0.001679890672, abs=1e-9)
    # certificates: nature's rows hold every action to V, the policy guarantees V
    P, r = joint.worst(V)
    assert (r + 0.95 * (P @ V)).reshape(6, 2).max(axis=1) == pytest.approx(V, abs=1e-12)
    assert joint.evaluate(V, d)[0] == pytest.approx(V, abs=1e-12)


def test_s_rectangular_sets_need_randomization() -> None:
    P = np.zeros((3, 2, 3))
    P[0, :, 1:] = 0.5
    P[1, :, 1] = P[2, :, 2] = 1.0
    r = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    model = TabularMDP(P, r, gamma=0.9)
    joint = joint_problem(RobustMDP(model, L1Ball([0.4, 0.0, 0.0]), rectangularity="s"))
    V, d = iterate(joint, 3, 400)
    assert V[0] == pytest.approx(3.6, abs=1e-12)
    assert d[:2] == pytest.approx([0.5, 0.5], abs=1e-12)
    deterministic = d.copy()
    deterministic[:2] = 1.0, 0.0
    assert joint.evaluate(V, deterministic)[0][0] == pytest.approx(2.7, abs=1e-12)


@pytest.mark.parametrize(("radius", "value"), [(0.0, 2.3), (0.3, 1.75), (1.0, 1.1), (2.0, 1.0)])
def test_one_action_is_the_inner_problem(radius: float, value: float) -> None:
    # four absorbing states below state 0 carry the payoffs 1, 2, 5, 4
    P = np.zeros((5, 1, 5))
    P[0, 0, 1:] = 0.4, 0.3, 0.1, 0.2
    P[1:, 0] = np.eye(5)[1:]
    model = TabularMDP(P, np.zeros((5, 1)), gamma=0.5)
    joint = joint_problem(RobustMDP(model, L1Ball(radius), rectangularity="s"))
    V = 2.0 * np.array([0.0, 1.0, 2.0, 5.0, 4.0])
    assert joint.values(V)[0][0] == pytest.approx(value, abs=1e-14)


@pytest.mark.parametrize(("nature", "values"), [("adversarial", (12.5, 10.0)), ("cooperative", (17.5, 20.0))])
def test_the_coin(nature: str, values: tuple[float, float]) -> None:
    P = np.full((2, 1, 2), 0.5)
    R = np.broadcast_to(np.array([1.0, 2.0]), (2, 1, 2)).copy()
    model = TabularMDP(P, R, gamma=0.9)
    for radius, value in zip((0.5, 1.0), values, strict=True):
        joint = joint_problem(RobustMDP(model, L1Ball(radius), rectangularity="s", nature=nature))
        V, _ = iterate(joint, 2, 350)
        assert pytest.approx([value, value], abs=1e-11) == V


@pytest.mark.parametrize("radius", [0.0, 0.1, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("nature", ["adversarial", "cooperative"])
def test_one_order_for_all_rows_is_only_faster(radius: float, nature: str) -> None:
    """Dense rows share an order; the same rows with a reward per transition (equal ones) do not."""
    rng = np.random.default_rng(5)
    P = rng.dirichlet(np.full(7, 0.5), size=(7, 3))
    r = rng.integers(0, 3, size=(7, 3)).astype(float)
    model = TabularMDP(P, r, gamma=0.9)
    full, rewards = L1Ball(radius), np.broadcast_to(r[:, :, None], P.shape).copy()
    shared = joint_problem(RobustMDP(model, full, rectangularity="s", nature=nature))
    own = joint_problem(RobustMDP(model, full, rectangularity="s", nature=nature, transition_rewards=rewards))
    V = W = np.zeros(7)
    for _ in range(60):
        V, d, _ = shared.values(V)
        W, _, _ = own.values(W)
        assert pytest.approx(W, abs=1e-12) == V
    assert shared.evaluate(V, d)[0] == pytest.approx(own.evaluate(V, d)[0], abs=1e-12)
    for weights in (None, d):
        (P1, r1), (P2, r2) = shared.worst(V, weights), own.worst(V, weights)
        assert r1 + 0.9 * (P1 @ V) == pytest.approx(r2 + 0.9 * (P2 @ V), abs=1e-12)


def test_implicit_receiver_matches_stored_rows() -> None:
    model = mdpkit.problems.garnet(8, 3, 2, gamma=0.9, seed=3)
    S, A = 8, 3
    implicit = joint_problem(RobustMDP(model, L1Ball(0.6, support="all"), rectangularity="s"))
    mask = np.ones((S, A, S), dtype=bool)
    stored = joint_problem(RobustMDP(model, L1Ball(0.6, support=mask), rectangularity="s"))
    assert implicit.rows.floating
    assert not stored.rows.floating
    V = np.zeros(S)
    for _ in range(50):
        u, d, _ = implicit.values(V)
        assert u == pytest.approx(stored.values(V)[0], abs=1e-13)
        V = u
    (P1, r1), (P2, r2) = implicit.worst(V), stored.worst(V)
    assert P1.toarray() == pytest.approx(P2.toarray(), abs=1e-12)
    assert r1 == pytest.approx(r2)
    assert implicit.evaluate(V, d)[0] == pytest.approx(V, abs=0.2)  # not yet a fixed point
