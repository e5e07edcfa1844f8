r"""Optimal stock values as exact piecewise linear functions: one backward pass serves every initial stock.

For a utility with two slopes, :math:`f(x) = k_+ \max(x, 0) + k_- \min(x, 0)`, the value of stock-augmented dynamic
programming

.. math:: W_t(s, z) = \max_a \mathbb E\, W_{t+1}(S', z + \gamma^t R), \qquad W_H(s, z) = f(z + \gamma^H v_H(s)),

where ``z`` is the initial stock plus the rewards so far (in units of time 0), is piecewise linear in ``z``, with slope
:math:`k_-` far left and :math:`k_+` far right. Sums and maxima of such functions are exact in terms of their
breakpoints, so no threshold has to be tried and no grid to be laid: the kinks, those where the policy changes among
them, are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.risk.problem import RiskProblem, Stage
from mdpkit.errors import ExplosionError

__all__ = ["MAX_BREAKPOINTS", "Curve", "StockValues", "maximum", "stock_values"]

MAX_BREAKPOINTS = 2_000_000
"""Most breakpoints a table of stock values may hold, over all times and states."""

TIE = 1e-12
"""Differences this small, relative to one plus the size of the values, are rounding."""


class Curve(NamedTuple):
    """A continuous piecewise linear function: breakpoints ``z`` and values ``v``, straight beyond the ends."""

    z: Floats
    v: Floats
    left: float
    right: float

    def __call__(self, at: Floats) -> Floats:
        """Evaluate the function."""
        inside = np.interp(at, self.z, self.v)
        below, above = np.minimum(at - self.z[0], 0.0), np.maximum(at - self.z[-1], 0.0)
        return np.asarray(inside + self.left * below + self.right * above)

    def slopes(self) -> Floats:
        """Return the slopes of all pieces, the two beyond the ends included; shape ``(n + 1,)``."""
        return np.concatenate([[self.left], np.diff(self.v) / np.diff(self.z), [self.right]])


def mix(weights: Sequence[float] | Floats, curves: Sequence[Curve], shifts: Sequence[float] | Floats) -> Curve:
    """Return ``z -> sum_i weights[i] curves[i](z + shifts[i])``; the weights sum to one."""
    if len(curves) == 1:
        return curves[0]._replace(z=curves[0].z - shifts[0])
    z = _distinct(np.concatenate([curve.z - shift for curve, shift in zip(curves, shifts, strict=True)]))
    v = np.zeros(len(z))
    for weight, curve, shift in zip(weights, curves, shifts, strict=True):
        v += weight * curve(z + shift)
    return Curve(z, v, curves[0].left, curves[0].right)


def maximum(first: Curve, second: Curve, lattice: float | None = None) -> Curve:
    """Return the pointwise maximum of two functions with the same outer slopes.

    With a lattice the result is the maximum at its multiples, and straight between them: where functions cross in
    between, the two neighbors take the place of the crossing.
    """
    z = _distinct(np.concatenate([first.z, second.z]))
    a, b = first(z), second(z)
    v, lead = np.maximum(a, b), a - b
    tie = TIE * (1.0 + float(np.max(np.abs(v))))
    crossed = np.flatnonzero((lead[:-1] * lead[1:] < 0.0) & (np.minimum(np.abs(lead[:-1]), np.abs(lead[1:])) > tie))
    if len(crossed):
        share = lead[crossed] / (lead[crossed] - lead[crossed + 1])
        crossing = z[crossed] + share * (z[crossed + 1] - z[crossed])
        if lattice is None:
            z = np.insert(z, crossed + 1, crossing)
            v = np.insert(v, crossed + 1, a[crossed] + share * (a[crossed + 1] - a[crossed]))
        else:
            below = np.floor(crossing / lattice) * lattice
            z = _distinct(np.concatenate([z, below, below + lattice]))
            v = np.maximum(first(z), second(z))
    return _straightened(Curve(z, v, first.left, first.right))


def _distinct(z: Floats) -> Floats:
    """Sort breakpoints and keep one of those that differ by rounding."""
    ordered = np.sort(z, kind="stable")
    keep = np.ones(len(ordered), dtype=bool)
    keep[1:] = np.diff(ordered) > TIE * (1.0 + max(abs(ordered[0]), abs(ordered[-1])))
    return np.asarray(ordered[keep])


def _straightened(curve: Curve) -> Curve:
    """Drop breakpoints that lie on the line through their neighbors."""
    z, v = curve.z, curve.v
    tie = 1e-14 * (1.0 + float(np.max(np.abs(v))))
    while len(z) > 1:
        before, after = np.append(z[0] - 1.0, z[:-1]), np.append(z[1:], z[-1] + 1.0)
        v_before, v_after = np.append(v[0] - curve.left, v[:-1]), np.append(v[1:], v[-1] + curve.right)
        chord = v_before + (v_after - v_before) * ((z - before) / (after - before))
        flat = np.abs(v - chord) <= tie
        # Of neighbors only every other one at a time: the next chord must pass through points that stay.
        flat[1::2] &= ~flat[:-1:2][: len(flat[1::2])]
        flat[2::2] &= ~flat[1:-1:2]
        if flat.all():
            flat[0] = False
        if not flat.any():
            break
        z, v = z[~flat], v[~flat]
    return curve._replace(z=z, v=v)


class StockValues:
    """Optimal values of every time, state and stock for a utility with two slopes; see `stock_values`."""

    __slots__ = ("_same", "breakpoints", "curves", "problem", "root")

    def __init__(self, problem: RiskProblem, curves: list[list[Curve]], breakpoints: int) -> None:
        self.problem = problem
        self.curves = curves
        self.breakpoints = breakpoints
        states = np.flatnonzero(problem.start)
        self.root = _straightened(mix(problem.start[states], [curves[0][s] for s in states], np.zeros(len(states))))

    def action_values(self, t: int, state: int, z: Floats) -> Floats:
        """Return the value of every action of a state at the given stocks, shape ``(n_pairs, n)``."""
        stage, following = self.problem.stage(t), self.curves[t + 1]
        discount = self.problem.gamma**t
        pairs = stage.pairs(state)
        q = np.zeros((len(pairs), len(z)))
        for row, pair in zip(q, pairs, strict=True):
            at = stage.outcomes(pair)
            for p, r, s in zip(stage.prob[at], stage.reward[at], stage.successor[at].tolist(), strict=True):
                row += p * following[s](z + discount * r)
        return q

    def choose(self, t: int, states: Ints, z: Floats) -> Ints:
        """Return the greedy pair at each of many states and stocks; ties go to the lowest action."""
        pairs = np.empty(len(states), dtype=np.int64)
        stage = self.problem.stage(t)
        for state in np.unique(states).tolist():
            here = states == state
            first = int(stage.state_ptr[state])
            if len(stage.pairs(state)) == 1:
                pairs[here] = first
                continue
            q = self.action_values(t, state, z[here])
            best = q.max(axis=0)
            pairs[here] = first + np.argmax(q >= best - TIE * (1.0 + np.abs(best)), axis=0)
        return pairs


def stock_values(
    problem: RiskProblem,
    k_neg: float,
    k_pos: float,
    *,
    lattice: float | None = None,
    cap: int = MAX_BREAKPOINTS,
) -> StockValues:
    """Return the optimal values of the utility ``k_pos max(x, 0) + k_neg min(x, 0)``, for all stocks at once.

    If every reward is a multiple of `lattice` and nothing is discounted, the values may be kept exact at its multiples
    only, which is far less where policies cross often.

    Raises
    ------
    ExplosionError
        More than `cap` breakpoints.
    """
    discount = problem.gamma ** problem.steps()
    zero = np.zeros(1)
    last = [Curve(zero - discount * x, zero, k_neg, k_pos) for x in problem.ending.tolist()]
    curves = [last]
    count = len(last)
    for t in range(problem.steps() - 1, -1, -1):
        stage, following = problem.stage(t), curves[-1]
        discount = problem.gamma**t
        row = []
        for s in range(problem.n_states):
            curve = following[s] if problem.terminal[s] else _backup(stage, s, following, discount, lattice)
            count += len(curve.z)
            if count > cap:
                raise ExplosionError(
                    f"stock values have {count} breakpoints at time {t}, more than max_breakpoints = {cap}; shorten "
                    "the horizon, raise the cap, or use the stock grid (horizon=None)",
                    argument="max_breakpoints",
                    count=count,
                    cap=cap,
                )
            row.append(curve)
        curves.append(row)
    return StockValues(problem, curves[::-1], count)


def _backup(stage: Stage, state: int, following: list[Curve], discount: float, lattice: float | None) -> Curve:
    """Return the best of the actions' expectations of the next values."""
    best: Curve | None = None
    for pair in stage.pairs(state):
        at = stage.outcomes(pair)
        successors = [following[s] for s in stage.successor[at].tolist()]
        curve = mix(stage.prob[at], successors, discount * stage.reward[at])
        best = _straightened(curve) if best is None else maximum(best, curve, lattice)
    assert best is not None
    return best
