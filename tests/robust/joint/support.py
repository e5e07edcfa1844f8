"""Small joint problems, and linear and conic programs that answer them without sharing code."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from hypothesis import strategies as st

from mdpkit.models import (
    ChiSquareBall,
    KLBall,
    L1Ball,
    L2Ball,
    LinfBall,
    ReverseKLBall,
    RobustMDP,
    TabularMDP,
)
from mdpkit.robust.joint import Joint, joint_problem


def one_state(q: list[Any], z: list[Any], uncertainty: Any, nature: str = "adversarial") -> tuple[Joint, np.ndarray]:
    """State 0 has the actions ``q``, whose payoffs ``z`` are rewards of transitions; the others are absorbing.

    Successor ``i`` of action ``a`` is a state of its own, so payoffs of different actions are unrelated.
    """
    widths = [len(row) for row in q]
    S, A = 1 + sum(widths), len(q)
    P, R = np.zeros((S, A, S)), np.zeros((S, A, S))
    P[1:] = np.eye(S)[1:, None, :]
    first = 1
    for a, (row, pay) in enumerate(zip(q, z, strict=True)):
        P[0, a, first : first + len(row)] = row
        R[0, a, first : first + len(row)] = pay
        first += len(row)
    model = TabularMDP(P, R, gamma=0.5)
    problem = RobustMDP(model, uncertainty, rectangularity="s", nature=nature, transition_rewards=R)
    return joint_problem(problem), np.zeros(S)


def spread_weights(w: list[Any]) -> np.ndarray:
    """Weights ``(S, A, S)`` for `one_state`."""
    S, A = 1 + sum(map(len, w)), len(w)
    out = np.ones((S, A, S))
    first = 1
    for a, row in enumerate(w):
        out[0, a, first : first + len(row)] = row
        first += len(row)
    return out


def distance(kind: type, p: Any, q: np.ndarray, w: np.ndarray) -> Any:
    """The divergence of a family as a cvxpy expression."""
    if kind is L1Ball:
        return cp.sum(cp.multiply(w, cp.abs(p - q)))
    if kind is LinfBall:
        return cp.max(cp.multiply(w, cp.abs(p - q)))
    if kind is L2Ball:
        return cp.norm2(p - q)
    if kind is KLBall:
        return cp.sum(cp.kl_div(p, q))
    if kind is ReverseKLBall:
        return cp.sum(cp.multiply(-q, cp.log(p))) + float(np.sum(q * np.log(q)))
    assert kind is ChiSquareBall
    return cp.sum(cp.multiply(1.0 / q, cp.square(p - q)))


def spent(kind: type, p: np.ndarray, q: np.ndarray, w: np.ndarray) -> float:
    """The divergence by its definition."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind is KLBall:
            return float(np.sum(np.where(p > 0.0, p * np.log(p / q), 0.0)))
        if kind is ReverseKLBall:
            return float(np.sum(np.where(q > 0.0, q * np.log(q / p), 0.0)))
    if kind is ChiSquareBall:
        return float(np.sum((p - q) ** 2 / q))
    if kind is L2Ball:
        return float(np.linalg.norm(p - q))
    return float(np.sum(w * np.abs(p - q)) if kind is L1Ball else np.max(w * np.abs(p - q)))


def program(
    kind: type,
    q: list[np.ndarray],
    z: list[np.ndarray],
    w: list[np.ndarray],
    budget: float,
    weights: np.ndarray | None = None,
) -> float:
    """``max_d min_p`` (by minimax: ``min_p max_a p_a.z_a``), or ``min_p`` for fixed weights, by a solver of its own."""
    rows = [cp.Variable(len(row), nonneg=True) for row in q]
    spent = sum(distance(kind, p, row, weight) for p, row, weight in zip(rows, q, w, strict=True))
    constraints = [cp.sum(p) == 1 for p in rows] + [spent <= budget]
    pay = [p @ value for p, value in zip(rows, z, strict=True)]
    if weights is None:
        objective = cp.max(cp.hstack(pay))
    else:
        objective = sum(float(d) * value for d, value in zip(weights, pay, strict=True))
    task = cp.Problem(cp.Minimize(objective), constraints)
    if kind in (L1Ball, LinfBall):
        task.solve(solver=cp.HIGHS)
    else:
        task.solve(solver=cp.CLARABEL, tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
    return float(task.value)


@st.composite
def states(draw: Any, *, max_actions: int = 3, max_successors: int = 4) -> tuple[list[Any], list[Any], list[Any]]:
    """Rows, payoffs and weights of one state's actions: ties, one successor, equal and extreme payoffs."""
    q, z, w = [], [], []
    for _ in range(draw(st.integers(1, max_actions))):
        n = draw(st.integers(1, max_successors))
        counts = np.array([draw(st.integers(1, 5)) for _ in range(n)], dtype=float)
        q.append(counts / counts.sum())
        z.append(np.array([draw(st.sampled_from([0.0, 1.0, 2.0, -1.0, 0.5, 3.25, 10.0])) for _ in range(n)]))
        w.append(np.array([draw(st.sampled_from([1.0, 0.5, 2.0, 0.1])) for _ in range(n)]))
    return q, z, w
