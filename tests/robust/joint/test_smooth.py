"""Smooth families against conic programs (Clarabel, good to about 1e-6), and numbers of specification 6.1 and 6.6."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.models import ChiSquareBall, KLBall, L2Ball, ReverseKLBall
from tests.robust.joint.support import one_state, program, states

SMOOTH = (KLBall, ReverseKLBall, ChiSquareBall, L2Ball)


def test_randomization_under_kl() -> None:
    joint, V = one_state([[0.3, 0.2, 0.1, 0.4], [0.25] * 4], [[3, 2, 4, 1], [0, 1, 2, 6]], KLBall(0.3))
    u, d, gap = joint.values(V)
    assert gap <= 1e-13
    assert u[0] == pytest.approx(1.44113520900174, abs=1e-13)
    assert d[:2] == pytest.approx([0.79953828, 0.20046172], abs=1e-8)
    for a, value in enumerate((1.3565355, 0.7640394)):
        alone = d.copy()
        alone[:2] = np.eye(2)[a]
        assert joint.evaluate(V, alone)[0][0] == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize(
    ("uncertainty", "value"),
    [
        (L2Ball(0.2), 61 / 30 - np.sqrt(28 / 225)),
        (KLBall(0.1), 1.7096202896088),
        (ReverseKLBall(0.1), 1.7446674605227),
        (ReverseKLBall(0.5), 1.2957160991381),
        (ChiSquareBall(0.2), 1.6659653006341),
    ],
)
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_one_action_is_the_inner_problem(uncertainty: Any, value: float, shift: float) -> None:
    joint, V = one_state([[0.4, 0.3, 0.1, 0.2]], [np.array([1.0, 2.0, 5.0, 4.0]) + shift], uncertainty)
    u, d, gap = joint.values(V)
    evaluated, other = joint.evaluate(V, d)
    _, rewards = joint.worst(V, d)
    # payoffs of 1e6 are rounded to 1e-10 themselves
    close = 2e-13 if shift == 0.0 else 2e-9
    assert max(gap, other) <= close
    assert u[0] - shift == pytest.approx(value, abs=close)
    assert evaluated[0] - shift == pytest.approx(value, abs=close)
    assert rewards[0] - shift == pytest.approx(value, abs=close)


@settings(deadline=None, max_examples=40)
@given(
    data=states(),
    radius=st.sampled_from([0.3, 0.05, 0.5, 1.0, 1.7]),
    kind=st.sampled_from(SMOOTH),
    raw=st.data(),
)
def test_conic_programs_agree(data: Any, radius: float, kind: type, raw: Any) -> None:
    q, z, w = data
    A = len(q)
    joint, V = one_state(q, z, kind(radius))
    u, d, gap = joint.values(V)
    assert gap <= 1e-12
    assert u[0] == pytest.approx(program(kind, q, z, w, radius), abs=2e-5)
    counts = np.array([raw.draw(st.integers(0, 3)) for _ in range(A)], dtype=float)
    if counts.sum() == 0.0:
        counts[0] = 1.0
    policy = d.copy()
    policy[:A] = counts / counts.sum()
    value, gap = joint.evaluate(V, policy)
    assert gap <= 1e-11
    assert value[0] == pytest.approx(program(kind, q, z, w, radius, policy[:A]), abs=2e-5)


@pytest.mark.parametrize("kind", SMOOTH)
@pytest.mark.parametrize("radius", [1e-14, 1e-10, 1e-6])
def test_tiny_radii_follow_the_expansion(kind: type, radius: float) -> None:
    """Two actions with the same payoffs share the budget: one action's value at the radius that it gets.

    To first order the value is ``mean - sqrt(c kappa var)``: c = 2 for both entropies and 1 for chi-square, all of
    which are quadratic, so two equal actions get half each; the norm is linear, ``mean - kappa/2 sqrt(n var)``.
    """
    y = np.array([1.0, 2.0, 4.0])
    q = np.full(3, 1 / 3)
    joint, V = one_state([q, q], [y, y], kind(radius))
    u, d, _ = joint.values(V)
    c = {KLBall: 2.0, ReverseKLBall: 2.0, ChiSquareBall: 1.0}.get(kind)
    drop = np.sqrt(c * radius / 2 * np.var(y)) if c else 0.5 * radius * np.sqrt(3 * np.var(y))
    # the next term is of order kappa
    assert y.mean() - u[0] == pytest.approx(drop, abs=4e-15 + 2 * radius)
    assert joint.evaluate(V, d)[0][0] == pytest.approx(u[0], abs=4e-15 + 1e-3 * drop)
