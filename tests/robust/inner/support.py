"""Drawn rows and what every polyhedral inner solver has to satisfy on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from mdpkit.models import RobustMDP, TabularMDP
from mdpkit.robust.inner import inner_problem

GAMMA = 0.5
NATURES = ("adversarial", "cooperative")
quick = settings(deadline=None)
"""The first example of a test may have to compile a kernel."""
Z = np.array([1.0, 2.0, 5.0, 4.0])
Q = np.array([0.4, 0.3, 0.1, 0.2])


@dataclass(frozen=True)
class Draft:
    """One action per state: nominal rows ``q``, payoffs ``reward + V / 2``, and an optional mask of allowed moves."""

    q: np.ndarray
    V: np.ndarray
    R: np.ndarray | None
    mask: np.ndarray
    support: str

    @property
    def allowed(self):
        return {"nominal": self.q > 0, "all": np.ones_like(self.q, dtype=bool), "mask": self.mask}[self.support]

    @property
    def support_option(self):
        return self.mask[:, None, :] if self.support == "mask" else self.support

    @property
    def z(self):
        """Payoffs, one row per pair."""
        flat = np.tile(GAMMA * self.V, (len(self.V), 1))
        return flat if self.R is None else self.R + flat

    @property
    def noise(self):
        """Rounding of a sum of payoffs."""
        return 64 * 2.0**-53 * (1.0 + np.max(np.abs(self.z)))

    def problem(self, uncertainty, nature="adversarial"):
        if self.R is None:
            model = TabularMDP(self.q[:, None, :], np.zeros((len(self.q), 1)), GAMMA)
            return RobustMDP(model, uncertainty, nature=nature)
        R = self.R[:, None, :]
        return RobustMDP(TabularMDP(self.q[:, None, :], R, GAMMA), uncertainty, nature=nature, transition_rewards=R)

    def relabelled(self, order):
        square = np.ix_(order, order)
        return Draft(
            self.q[square], self.V[order], None if self.R is None else self.R[square], self.mask[square], self.support
        )


@st.composite
def drafts(draw, *, sizes=(1, 6), supports=("nominal", "all", "mask"), extreme=True):
    n = draw(st.integers(*sizes))
    kinds = [st.sampled_from([0, 0, 1, 1, 2, 5]), st.floats(0.01, 1.0)]
    if extreme:
        kinds.append(st.sampled_from([0.0, 1e-300, 1e-12, 1.0]))
    mass = draw(st.sampled_from(kinds))
    rows = []
    for _ in range(n):
        row = np.array(draw(st.lists(mass, min_size=n, max_size=n)), dtype=float)
        if row.sum() < 1e-3:
            row[draw(st.integers(0, n - 1))] = 1.0
        rows.append(row / row.sum())
    payoff = [st.integers(-2, 2).map(float), st.floats(-10.0, 10.0).map(lambda x: round(x, 3))]
    if extreme:
        payoff.append(st.integers(0, 9).map(lambda i: 1e6 + 1e-9 * i))
    V = 2.0 * np.array(draw(st.lists(draw(st.sampled_from(payoff)), min_size=n, max_size=n)))
    R = None
    if draw(st.booleans()):
        entries = st.lists(st.integers(-3, 3).map(float), min_size=n * n, max_size=n * n)
        R = np.array(draw(entries)).reshape(n, n)
    extra = np.array(draw(st.lists(st.booleans(), min_size=n * n, max_size=n * n))).reshape(n, n)
    q = np.array(rows)
    return Draft(q, V, R, extra | (q > 0), draw(st.sampled_from(supports)))


def check(draft, make, oracle, violation, *, nature="adversarial", accuracy=1e-8, enclosed=True, feasible_to=1e-12):
    """Check values and worst rows against an oracle, and everything that must not change them.

    ``make(order)`` is the uncertainty set after relabelling the states by ``order``, ``oracle(z, k)`` the least payoff
    of pair ``k`` and ``violation(p, k)`` how far a row leaves the set.
    """
    sign = 1.0 if nature == "adversarial" else -1.0
    n = len(draft.V)
    inner = inner_problem(draft.problem(make(np.arange(n)), nature))
    values, gap = inner.values(draft.V)
    z = draft.z
    spread = np.max(z) - np.min(z)
    expected = np.array([sign * oracle(sign * z[k], k) for k in range(n)])
    np.testing.assert_allclose(values, expected, rtol=0, atol=accuracy * spread + draft.noise + gap)
    if enclosed:
        mean = np.sum(draft.q * z, axis=1)
        least = np.min(np.where(draft.allowed, sign * z, np.inf), axis=1)
        assert (sign * values <= sign * mean + draft.noise + gap).all()
        assert (sign * values >= least - draft.noise - gap).all()

    rows, rewards = inner.worst(draft.V)
    p = rows.toarray()
    assert p.min() >= 0.0
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rewards + GAMMA * (p @ draft.V), values, rtol=0, atol=draft.noise + 2 * gap)
    for k in range(n):
        assert violation(p[k], k) <= feasible_to

    # subsets of the pairs, in any order
    some = np.arange(n)[::-2].copy()
    np.testing.assert_allclose(inner.values(draft.V, some)[0], values[some], rtol=0, atol=draft.noise + 2 * gap)
    assert (inner.worst(draft.V, some)[0].toarray() == p[some]).all()

    # what a solver remembers from other sweeps
    rng = np.random.default_rng(n)
    for _ in range(4):
        inner.values(rng.normal(size=n))
    np.testing.assert_allclose(inner.values(draft.V)[0], values, rtol=0, atol=draft.noise + 2 * gap)
    assert (inner.worst(draft.V)[0].toarray() == p).all()

    # constants pass through; names do not matter
    shifted, _ = inner.values(draft.V + 6.0)
    np.testing.assert_allclose(shifted, values + 3.0, rtol=0, atol=1e-9 * spread * (gap > 0) + 2 * (draft.noise + gap))
    order = rng.permutation(n)
    other, _ = inner_problem(draft.relabelled(order).problem(make(order), nature)).values(draft.V[order])
    np.testing.assert_allclose(other, values[order], rtol=0, atol=draft.noise + 2 * gap)


def check_radius(draft, make, radii, nature="adversarial"):
    """Check that worst payoffs fall and are convex in an equally spaced radius, and start at the nominal ones."""
    sign = 1.0 if nature == "adversarial" else -1.0
    curve = np.array([sign * inner_problem(draft.problem(make(r), nature)).values(draft.V)[0] for r in radii])
    assert (np.diff(curve, axis=0) <= draft.noise).all()
    assert (np.diff(curve, 2, axis=0) >= -4 * draft.noise).all()
    if radii[0] == 0.0:
        np.testing.assert_allclose(curve[0], sign * np.sum(draft.q * draft.z, axis=1), rtol=0, atol=draft.noise)


def one_row(z, q, make, nature="adversarial", **options):
    """Return value and worst row of a single drawn row: ``q`` from state 0, every other state certain of itself."""
    n = len(z)
    rows = np.eye(n)
    rows[0] = q
    model = TabularMDP(rows[:, None, :], np.zeros((n, 1)), GAMMA)
    inner = inner_problem(RobustMDP(model, make, nature=nature, **options))
    V = np.asarray(z) / GAMMA
    first = np.array([0])
    row, _ = inner.worst(V, first)
    return inner.values(V, first)[0][0], row.toarray()[0]


def coin(uncertainty, nature="adversarial"):
    """Return the robust value of the coin (robust spec, 6.2): from both states to 0 and 1 alike, reward 1 or 2 there.

    The value is the same in both states, so one sweep from any constant ``v`` shows it: ``T v = sigma + 0.9 v``.
    """
    R = np.array([[[1.0, 2.0]], [[1.0, 2.0]]])
    model = TabularMDP(np.full((2, 1, 2), 0.5), R, 0.9)
    inner = inner_problem(RobustMDP(model, uncertainty, nature=nature, transition_rewards=R))
    values, gap = inner.values(np.full(2, 3.0))
    assert gap == 0.0
    assert values[0] == values[1]
    return (values[0] - 2.7) / 0.1
