"""Piecewise linear families against linear programs (HiGHS), and the numbers of specification 6.6."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.models import L1Ball, LinfBall
from tests.robust.joint.support import one_state, program, spread_weights, states

RADII = st.sampled_from([0.3, 0.0, 0.05, 0.5, 1.0, 1e-9, 1.7, 50.0])

# a peer's data: unequal numbers of successors
Q = [[0.3, 0.2, 0.1, 0.4], [0.3, 0.6, 0.1], [0.1, 0.3, 0.6]]
Z = [[3, 2, 4, 1], [3, 1.3, 4], [6, 0.3, 4.5]]
W = [[0.3, 0.3, 0.3, 0.1], [0.2, 0.5, 0.3], [0.7, 0.1, 0.2]]


@pytest.mark.parametrize(
    ("radius", "weighted", "value", "policy"),
    [
        (0.5, True, 1.416051660517, (0.292742927429, 0.602706027060, 0.104551045511)),
        (1.0, True, 1.3, (0.0, 1.0, 0.0)),
        (0.5, False, 2.19, (0.0, 0.0, 1.0)),
        (1.0, False, 1.849438202247, (0.353932584270, 0.393258426966, 0.252808988764)),
        (1.5, False, 1.648257655755, None),
    ],
)
def test_unequal_numbers_of_successors(radius: float, weighted: bool, value: float, policy: Any) -> None:
    joint, V = one_state(Q, Z, L1Ball(radius, weights=spread_weights(W) if weighted else None))
    u, d, gap = joint.values(V)
    assert joint.exact
    assert gap == 0.0
    assert u[0] == pytest.approx(value, abs=1e-11)
    if policy is not None:
        assert d[:3] == pytest.approx(policy, abs=1e-11)


def test_budgets_of_the_actions() -> None:
    # xi of specification 6.6, read off nature's own rows
    joint, V = one_state(Q, Z, L1Ball(0.5, weights=spread_weights(W)))
    P, _ = joint.worst(V)
    first = np.cumsum([1] + [len(row) for row in Q])
    dense = P.toarray()
    xi = [
        float(np.sum(np.array(w) * np.abs(dense[a, first[a] : first[a + 1]] - np.array(q))))
        for a, (q, w) in enumerate(zip(Q, W, strict=True))
    ]
    assert xi == pytest.approx([0.116789667897, 0.242214022140, 0.140996309963], abs=1e-11)


@settings(deadline=None, max_examples=60)
@given(data=states(), radius=RADII, weighted=st.booleans(), kind=st.sampled_from([L1Ball, LinfBall]), raw=st.data())
def test_linear_programs_agree(data: Any, radius: float, weighted: bool, kind: type, raw: Any) -> None:
    q, z, w = data
    if not weighted:
        w = [np.ones(len(row)) for row in q]
    A = len(q)
    joint, V = one_state(q, z, kind(radius, weights=spread_weights(w) if weighted else None))
    u, d, _ = joint.values(V)
    # the interior tolerance of HiGHS is 1e-7 in feasibility; vertices are accurate far beyond
    assert u[0] == pytest.approx(program(kind, q, z, w, radius), abs=2e-7)
    counts = np.array([raw.draw(st.integers(0, 3)) for _ in range(A)], dtype=float)
    if counts.sum() == 0.0:
        counts[0] = 1.0
    policy = d.copy()
    policy[:A] = counts / counts.sum()
    assert joint.evaluate(V, policy)[0][0] == pytest.approx(program(kind, q, z, w, radius, policy[:A]), abs=2e-7)


@settings(deadline=None, max_examples=30)
@given(data=states(), radius=RADII, kind=st.sampled_from([L1Ball, LinfBall]))
def test_cooperative_nature_spends_on_one_action(data: Any, radius: float, kind: type) -> None:
    q, z, w = data
    joint, V = one_state(q, z, kind(radius, weights=spread_weights(w)), "cooperative")
    u, d, _ = joint.values(V)
    best = max(-program(kind, [row], [-pay], [weight], radius) for row, pay, weight in zip(q, z, w, strict=True))
    assert u[0] == pytest.approx(best, abs=2e-7)
    assert sorted(d[: len(q)].tolist()) == [0.0] * (len(q) - 1) + [1.0]
