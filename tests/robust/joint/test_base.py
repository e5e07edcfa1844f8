"""What holds for every family: saddle points, feasibility, the sandwich, natures, degenerate budgets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit.models import ChiSquareBall, KLBall, L1Ball, L2Ball, LinfBall, ReverseKLBall, RobustMDP
from mdpkit.robust.joint import joint_problem
from tests.robust.joint.support import one_state, spent, spread_weights, states

BALLS = (L1Ball, LinfBall, L2Ball, KLBall, ReverseKLBall, ChiSquareBall)
RADII = (0.3, 0.0, 1e-9, 0.05, 1.0, 3.0, 1e3)


def family(kind: type, radius: Any, w: list[np.ndarray] | None) -> Any:
    return kind(radius, weights=spread_weights(w)) if w and kind in (L1Ball, LinfBall) else kind(radius)


@settings(deadline=None, max_examples=150)
@given(
    data=states(),
    radius=st.sampled_from(RADII),
    kind=st.sampled_from(BALLS),
    weighted=st.booleans(),
    nature=st.sampled_from(["adversarial", "cooperative"]),
)
@example(  # a knot: the budget is exactly what brings the first action down to the mean of the second
    data=([np.array([0.5, 0.5]), np.array([1.0])], [np.array([0.0, 2.0]), np.array([0.5])], [np.ones(2), np.ones(1)]),
    radius=0.5,
    kind=L1Ball,
    weighted=False,
    nature="adversarial",
)
def test_saddle_point(data: Any, radius: float, kind: type, weighted: bool, nature: str) -> None:
    """The policy guarantees ``u``, nature's rows fit the budget and pay no more: a proof that ``u`` is right."""
    q, z, w = data
    A, close = len(q), 1e-11
    joint, V = one_state(q, z, family(kind, radius, w if weighted else None), nature)
    u, d, gap = joint.values(V)
    assert gap <= 1e-12
    assert joint.exact == (kind in (L1Ball, LinfBall))
    assert np.add.reduceat(d, joint.state_ptr[:-1]) == pytest.approx(np.ones(len(V)), abs=1e-14)
    assert (d >= 0.0).all()
    value, gap = joint.evaluate(V, d)
    assert gap <= 1e-11
    assert value == pytest.approx(u, abs=close)
    for weights in (None, d):
        P, r = joint.worst(V, weights)
        dense = P.toarray()
        assert dense.min() >= 0.0
        assert dense.sum(axis=1) == pytest.approx(np.ones(len(dense)), abs=1e-12)
        cost, first = 0.0, 1
        for a in range(A):
            row = dense[a, first : first + len(q[a])]
            cost += spent(kind, row, q[a], w[a] if weighted else np.ones(len(q[a])))
            first += len(q[a])
        assert cost <= radius * (1 + 1e-9) + 1e-12
        assert (d[:A] * r[:A]).sum() == pytest.approx(u[0], abs=close)
        if weights is None:
            assert r[:A].max() == pytest.approx(u[0], abs=close)


@settings(deadline=None, max_examples=60)
@given(data=states(), radius=st.sampled_from(RADII), kind=st.sampled_from(BALLS), raw=st.data())
def test_best_replies_attain_the_evaluation(data: Any, radius: float, kind: type, raw: Any) -> None:
    q, z, w = data
    A = len(q)
    joint, V = one_state(q, z, family(kind, radius, w))
    u, d, _ = joint.values(V)
    counts = np.array([raw.draw(st.integers(0, 3)) for _ in range(A)], dtype=float)
    counts[0] += counts.sum() == 0.0
    policy = d.copy()
    policy[:A] = counts / counts.sum()
    value, _ = joint.evaluate(V, policy)
    assert value[0] <= u[0] + 1e-11
    P, r = joint.worst(V, policy)
    assert (policy[:A] * r[:A]).sum() == pytest.approx(value[0], abs=1e-11)
    nominal = joint.rows.nominal
    for a in np.flatnonzero(counts == 0.0):
        entries = slice(joint.rows.row_ptr[a], joint.rows.row_ptr[a + 1])
        assert P[[a]].toarray()[0, joint.rows.col[entries]].tolist() == nominal[entries].tolist()


@pytest.mark.parametrize("kind", BALLS)
def test_sandwich(kind: type) -> None:
    """``V_sa(kappa) <= V_s(kappa)`` and ``V_s(A kappa) <= V_sa(kappa)``; with one action all three are equal.

    The (s,a)-rectangular values come from evaluating one action at a time: then all the budget is its own.
    """
    rng = np.random.default_rng(11)
    for _ in range(20):
        A = int(rng.integers(1, 4))
        q = [rng.dirichlet(np.ones(4)) for _ in range(A)]
        z = [rng.integers(0, 5, size=4).astype(float) for _ in range(A)]
        kappa = float(rng.choice([0.05, 0.2, 0.6]))
        joint, V = one_state(q, z, kind(kappa))
        wide, _ = one_state(q, z, kind(A * kappa))
        u, d, _ = joint.values(V)
        alone = []
        for a in range(A):
            policy = d.copy()
            policy[:A] = np.eye(A)[a]
            alone.append(joint.evaluate(V, policy)[0][0])
        assert max(alone) <= u[0] + 1e-12
        assert wide.values(V)[0][0] <= max(alone) + 1e-12
        if A == 1:
            assert u[0] == pytest.approx(alone[0], abs=1e-12)


@pytest.mark.parametrize("kind", BALLS)
@pytest.mark.parametrize("nature", ["adversarial", "cooperative"])
def test_radius_zero_is_the_nominal_update(kind: type, nature: str) -> None:
    model = mdpkit.problems.garnet(12, 3, 4, gamma=0.9, seed=2)
    joint = joint_problem(RobustMDP(model, kind(0.0), rectangularity="s", nature=nature))
    V = np.random.default_rng(0).normal(size=12)
    u, d, _ = joint.values(V)
    q = (model.pair_reward + 0.9 * (model.rows.csr() @ V)).reshape(12, 3)
    assert u == pytest.approx(q.max(axis=1), abs=1e-14)
    assert d.reshape(12, 3).argmax(axis=1).tolist() == q.argmax(axis=1).tolist()
    P, r = joint.worst(V, d)
    assert abs(P - model.rows.csr()).max() == 0.0
    assert r.tolist() == model.pair_reward.tolist()


@pytest.mark.parametrize("kind", BALLS)
def test_natures_enclose_the_nominal_value_and_budgets_differ_by_state(kind: type) -> None:
    model = mdpkit.problems.garnet(10, 3, 4, gamma=0.9, seed=4)
    budget = np.linspace(0.0, 1.0, 10)
    V = np.random.default_rng(1).normal(size=10)
    sets = {
        n: joint_problem(RobustMDP(model, kind(budget), rectangularity="s", nature=n))
        for n in ("adversarial", "cooperative")
    }
    nominal = (model.pair_reward + 0.9 * (model.rows.csr() @ V)).reshape(10, 3).max(axis=1)
    low, high = (sets[n].values(V)[0] for n in ("adversarial", "cooperative"))
    assert low[0] == pytest.approx(nominal[0], abs=1e-14)
    assert (low[1:] < nominal[1:]).all()
    assert (nominal[1:] < high[1:]).all()
    # translation covariance, and no memory of the last call in the answer
    assert sets["adversarial"].values(V + 5.0)[0] == pytest.approx(low + 4.5, abs=1e-12)
    assert sets["adversarial"].values(V)[0] == pytest.approx(low, abs=1e-12)


@pytest.mark.parametrize(
    ("uncertainty", "value"),
    [
        (L2Ball(0.2), 13.585786437627),
        (LinfBall(0.2), 13.0),
        (KLBall(0.1), 12.8020537383859),
        (ReverseKLBall(0.1), 12.8712136854418),
        (ChiSquareBall(0.2), 12.7639320225002),
    ],
)
def test_the_coin(uncertainty: Any, value: float) -> None:
    P = np.full((2, 1, 2), 0.5)
    R = np.broadcast_to(np.array([1.0, 2.0]), (2, 1, 2)).copy()
    joint = joint_problem(RobustMDP(mdpkit.TabularMDP(P, R, gamma=0.9), uncertainty, rectangularity="s"))
    V = np.zeros(2)
    for _ in range(350):
        V, _, _ = joint.values(V)
    assert pytest.approx([value, value], abs=1e-10) == V


@pytest.mark.parametrize(
    ("uncertainty", "value"),
    [
        (L1Ball(0.3, weights=[1.0, 1.0, 2.0, 0.5, 1.0]), 1.675),
        (LinfBall(0.15), 1.55),
        (ReverseKLBall(0.5, support="all"), np.exp(-0.5) * 2**0.3 * 5**0.1 * 4**0.2),
        (ReverseKLBall(0.1, support="all"), 1.7446674605227),
    ],
)
def test_inner_problems(uncertainty: Any, value: float) -> None:
    """Payoffs (1, 2, 5, 4) with q = (.4, .3, .1, .2), and state 0, off the nominal support, with payoff 0."""
    P = np.zeros((5, 1, 5))
    P[0, 0, 1:] = 0.4, 0.3, 0.1, 0.2
    P[1:, 0] = np.eye(5)[1:]
    model = mdpkit.TabularMDP(P, np.zeros((5, 1)), gamma=0.5)
    joint = joint_problem(RobustMDP(model, uncertainty, rectangularity="s"))
    V = 2.0 * np.array([0.0, 1.0, 2.0, 5.0, 4.0])
    u, d, _ = joint.values(V)
    assert u[0] == pytest.approx(value, abs=1e-12)
    P_worst, r = joint.worst(V, d)
    assert (r + 0.5 * (P_worst @ V))[0] == pytest.approx(value, abs=1e-12)
    assert joint.evaluate(V, d)[0][0] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("kind", BALLS)
@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-12])
@pytest.mark.parametrize("mass", [1e-12, 1e-200])
def test_tiny_nominal_masses(kind: type, scale: float, mass: float) -> None:
    """Least payoffs with next to no nominal mass: squares of 1e-200 underflow, differences from one cancel."""
    q = [np.array([mass, 1.0 - mass]), np.array([mass, 0.25, 0.75 - mass]), np.array([1.0])]
    z = [scale * np.array([-0.5, 1.5]), scale * np.array([0.0, 2.0, 1.0]), scale * np.array([0.3])]
    for radius in (1e-6, 0.04, 0.5, 5.0):
        joint, V = one_state(q, z, kind(radius))
        u, d, gap = joint.values(V)
        value, other = joint.evaluate(V, d)
        assert max(gap, other) <= 1e-12 * scale
        assert value[0] == pytest.approx(u[0], abs=1e-11 * scale)
        for weights in (None, d):
            P, r = joint.worst(V, weights)
            row, first, cost = P.toarray(), 1, 0.0
            for a in range(3):
                cost += spent(kind, row[a, first : first + len(q[a])], q[a], np.ones(len(q[a])))
                first += len(q[a])
            assert cost <= radius * (1 + 1e-7)
            assert d[:3] @ r[:3] == pytest.approx(u[0], abs=1e-11 * scale)
