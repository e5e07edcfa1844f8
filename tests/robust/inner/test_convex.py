"""General convex sets against the solvers of the same sets and what cannot be solved."""

from __future__ import annotations

import numpy as np
import pytest

from mdpkit.errors import InfeasibleError, InputError, MDPKitError
from mdpkit.models import ConvexSet, L1Ball, RobustMDP, TabularMDP
from mdpkit.robust.inner import inner_problem
from tests.robust.inner.support import GAMMA, NATURES, Draft, Q, Z, one_row

cp = pytest.importorskip("cvxpy")


def l1_ball(p, q, s, a):
    return [cp.norm1(p - q) <= 0.3]


def l2_ball(p, q, s, a):
    return [cp.norm2(p - q) <= 0.2]


def test_published():
    assert one_row(Z, Q, ConvexSet(l1_ball))[0] == pytest.approx(1.75, abs=1e-8)
    # 61/30 - sqrt(28/225), where the third coordinate is 0
    assert one_row(Z, Q, ConvexSet(l2_ball))[0] == pytest.approx(61 / 30 - np.sqrt(28 / 225), abs=1e-8)
    assert one_row(Z, Q, ConvexSet(lambda p, q, s, a: [cp.sum(cp.kl_div(p, q)) <= 0.1]))[0] == pytest.approx(
        1.7096202896088, abs=1e-7
    )


@pytest.mark.parametrize("nature", NATURES)
@pytest.mark.parametrize("support", ["nominal", "all"])
@pytest.mark.parametrize("by_entry", [False, True])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_same_set_by_the_fast_solver(nature, support, by_entry, offset):
    rng = np.random.default_rng(4)
    q = rng.dirichlet(np.ones(4), size=4) * (rng.random((4, 4)) < 0.7)
    q = (q + np.eye(4) * 1e-3) / (q + np.eye(4) * 1e-3).sum(axis=1, keepdims=True)
    R = rng.normal(size=(4, 4)) if by_entry else None
    draft = Draft(q, rng.normal(size=4) + offset, R, q > 0, support)
    fast, _ = inner_problem(draft.problem(L1Ball(0.3, support=support), nature)).values(draft.V)
    slow = inner_problem(draft.problem(ConvexSet(l1_ball, support=support), nature))
    values, gap = slow.values(draft.V)
    assert not slow.exact
    assert gap < 1e-7
    np.testing.assert_allclose(values, fast, rtol=0, atol=10 * gap + draft.noise)
    rows, rewards = slow.worst(draft.V)
    p = rows.toarray()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rewards + GAMMA * (p @ draft.V), values, rtol=0, atol=draft.noise)
    # the constraints hold to the accuracy of the solver
    assert (np.abs(p - q).sum(axis=1) <= 0.3 + 1e-8).all()


def test_spread_far_below_the_payoffs():
    z = 1e6 + 1e-6 * Z
    value, _ = one_row(z, Q, ConvexSet(l1_ball))
    assert value == pytest.approx(1e6 + 1.75e-6, abs=2e-10)
    assert one_row(np.full(4, 7.0), Q, ConvexSet(l1_ball))[0] == pytest.approx(7.0, abs=1e-12)


def test_programs_are_compiled_once():
    calls = []
    model = TabularMDP(np.full((2, 1, 2), 0.5), np.zeros((2, 1)), 0.9)

    def constraints(p, q, s, a):
        calls.append((s, a, q.tolist()))
        return [p <= 0.8]

    inner = inner_problem(RobustMDP(model, ConvexSet(constraints)))
    for _ in range(3):
        values, _ = inner.values(np.array([0.0, 1.0]))
    np.testing.assert_allclose(values, 0.9 * 0.2, atol=1e-9)
    assert calls == [(0, 0, [0.5, 0.5]), (1, 0, [0.5, 0.5])]


def refused(kind, constraints):
    model = TabularMDP(np.full((2, 1, 2), 0.5), np.zeros((2, 1)), 0.9)
    with pytest.raises(kind) as caught:
        inner_problem(RobustMDP(model, ConvexSet(constraints))).values(np.array([0.0, 1.0]))
    return caught.value


def test_sets_that_cannot_be_solved_name_the_pair():
    error = refused(InfeasibleError, lambda p, q, s, a: [p <= (0.8 if s == 0 else 0.3)])
    assert (error.argument, error.index) == ("constraints", (1, 0))
    error = refused(InputError, lambda p, q, s, a: [cp.norm1(p - q) >= 0.1] if s == 1 else [])
    assert (error.argument, error.index) == ("constraints", (1, 0))
    error = refused(InputError, lambda p, q, s, a: cp.norm1(p - q) <= 0.1)
    assert (error.argument, error.index) == ("constraints", (0, 0))
    assert "list" in str(error)


def test_solver_failure_names_the_pair(monkeypatch):
    model = TabularMDP(np.full((2, 1, 2), 0.5), np.zeros((2, 1)), 0.9)
    inner = inner_problem(RobustMDP(model, ConvexSet(lambda p, q, s, a: [p <= 0.8])))

    def fail(*args, **kwargs):
        raise cp.error.SolverError("it went wrong")

    monkeypatch.setattr(cp.Problem, "get_problem_data", fail)
    with pytest.raises(MDPKitError, match=r"pair \(0, 0\): it went wrong"):
        inner.values(np.array([0.0, 1.0]))
