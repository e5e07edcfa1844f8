"""Inner problems of the smooth families in 40-digit decimals, by bisection and by enumeration of supports.

Every function minimizes ``p.z`` over one row given as floats; rows are divided by their exact sums. Nothing here shares
code or formulas with the kernels beyond the optimality conditions.
"""

from __future__ import annotations

import itertools
from decimal import Context, Decimal, getcontext, localcontext
from functools import lru_cache

import numpy as np

CONTEXT = Context(prec=40, Emin=-999999, Emax=999999)
STEPS = 120
"""Halvings of a logarithm in [-2000, 100]: 2e-33 remains."""


def _exact(function):
    """Run in 40 digits on ``(payoff less the least, mass)`` of the successors, and return a float."""

    @lru_cache
    def decimals(z, q, kappa):
        with localcontext(CONTEXT):
            z, q = [Decimal(x) for x in z], [Decimal(x) for x in q]
            total, low = sum(q), min(z)
            return float(low + function([x - low for x in z], [x / total for x in q], Decimal(kappa)))

    def solve(z, q, kappa, allowed=None):
        keep = (np.asarray(q) > 0.0) if allowed is None else allowed
        return decimals(tuple(np.asarray(z)[keep].tolist()), tuple(np.asarray(q)[keep].tolist()), float(kappa))

    return solve


def _root(falls):
    """Return the x > 0 where ``falls(x)`` turns from True to False, by halving log x."""
    lo, hi = Decimal(-2000), Decimal(100)
    for _ in range(STEPS):
        mid = (lo + hi) / 2
        if falls(mid.exp()):
            lo = mid
        else:
            hi = mid
    return ((lo + hi) / 2).exp()


def _mean(q, d):
    return sum((m * x for m, x in zip(q, d, strict=True)), Decimal(0))


def _least(q, d):
    return sum((m for m, x in zip(q, d, strict=True) if x == 0), Decimal(0))


def _supports(n):
    return (c for size in range(1, n + 1) for c in itertools.combinations(range(n), size))


@_exact
def kl(d, q, kappa):
    """Find the b at which the relative entropy of ``p ~ q exp(-b d)`` is kappa."""
    if kappa == 0 or max(d) == 0:
        return _mean(q, d)
    if kappa >= -_least(q, d).ln():
        return Decimal(0)

    def tilted(b):
        weights = [m * (-b * x).exp() for m, x in zip(q, d, strict=True)]
        return [w / sum(weights) for w in weights]

    def entropy(b):
        return sum(p * (p / m).ln() for p, m in zip(tilted(b), q, strict=True) if p > 0)

    return _mean(tilted(_root(lambda b: entropy(b) < kappa)), d)


@_exact
def chi_square(d, q, kappa):
    """Best row over all supports, as for `l2`; 700 digits, because variances may come from masses of 1e-300."""
    if kappa == 0 or max(d) == 0:
        return _mean(q, d)
    getcontext().prec = 700
    best = _mean(q, d)
    for support in _supports(len(d)):
        mass = sum(q[i] for i in support)
        mean = sum(q[i] * d[i] for i in support) / mass
        variance = sum(q[i] * (d[i] - mean) ** 2 for i in support) / mass
        room = (1 + kappa) * mass - 1
        if mass == sum(q):
            room = kappa * mass
        if room < 0:
            continue
        slope = (room / variance).sqrt() if variance > 0 else Decimal(0)
        p = {i: q[i] * (1 - slope * (d[i] - mean)) / mass for i in support}
        if min(p.values()) >= 0:
            best = min(best, sum(p[i] * d[i] for i in support))
    return best


@_exact
def reverse_kl(d, q, kappa):
    """Maximize the dual over ``y = -nu >= 0`` where d counts from the best allowed successor, nominal or not."""
    if kappa == 0 or max(d) == 0:
        return _mean(q, d)
    some = [(m, x) for m, x in zip(q, d, strict=True) if m > 0]

    def slope(y):
        return sum(m * (x + y).ln() for m, x in some) + sum(m / (x + y) for m, x in some).ln() - kappa

    y = _root(lambda y: slope(y) > 0)
    return -y + (sum(m * (x + y).ln() for m, x in some) - kappa).exp()


@_exact
def l2(d, q, kappa):
    """Best row over all supports: without signs each is a closed form, and the rows that are feasible compete."""
    if kappa == 0 or max(d) == 0:
        return _mean(q, d)
    best = _mean(q, d)
    for support in _supports(len(d)):
        size = len(support)
        lift = (1 - sum(q[i] for i in support)) / size
        center = sum(d[i] for i in support) / size
        width = sum((d[i] - center) ** 2 for i in support)
        room = kappa**2 - size * lift**2 - sum(q[i] ** 2 for i in range(len(d)) if i not in support)
        if room < 0:
            continue
        t = (room / width).sqrt() if width > 0 else Decimal(0)
        p = {i: q[i] + lift - t * (d[i] - center) for i in support}
        if min(p.values()) >= 0:
            best = min(best, sum(p[i] * d[i] for i in support))
    return best
