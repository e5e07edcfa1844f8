"""Chi-square divergence: rows ``p ~ q (eta - z)_+``, found on a prefix of the sorted payoffs without iterations."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from numba import njit

TINY = 1e-300


@njit(cache=True, nogil=True)
def prefix(y: Any, q: Any, rank: Any, t: float, price: float) -> Any:
    """Grow the active prefix, equal payoffs at once, until ``eta`` falls short of the next payoff.

    ``eta`` follows from the wanted payoff ``t``, or from the ``price`` of payoff in divergence where that is positive.
    Returns ``eta - mean``, the largest payoff, its distance from the mean, mass, mean and variance of the prefix; the
    mass of all successors is 1 by definition. All updates add positive terms, so that masses of 1e-200 are no trouble.
    """
    n = len(y)
    mass, mean, square, below, last = 0.0, 0.0, 0.0, 0.0, 0.0
    lift = inf
    i = 0
    while i < n:
        level = y[rank[i]]
        while i < n and y[rank[i]] == level:
            share = q[rank[i]]
            off = (level - last) + below
            total = mass + share
            square += off * off * share * (mass / total)
            below = off * (mass / total)
            mass, last = total, level
            i += 1
        following = y[rank[i]] if i < n else inf
        if i == n:
            mass = 1.0
        mean = last - below
        lift = inf
        if price > 0.0:
            lift = 2.0 / (price * mass)
        elif mean > t:
            lift = max(square / mass / (mean - t), TINY)
        if mean + lift <= following:
            break
    return lift, last, below, mass, mean, square / mass


@njit(cache=True, nogil=True)
def divergence(lift: float, mass: float, variance: float) -> float:
    """Divergence of the row with ``eta - mean = lift``."""
    return ((1.0 - mass) + variance / lift / lift) / mass


@njit(cache=True, nogil=True)
def at_floor(y: Any, q: Any) -> float:
    """Divergence of the nominal row restricted to the least payoff."""
    kept, lost = 0.0, 0.0
    for i in range(len(y)):
        if y[i] == 0.0:
            kept += q[i]
        else:
            lost += q[i]
    return lost / kept


@njit(cache=True, nogil=True)
def at_value(
    pairs: Any,
    target: Any,
    row_ptr: Any,
    q_all: Any,
    z: Any,
    low: Any,
    edge: Any,
    largest: Any,
    dual: Any,
    slope: Any,
    primal: Any,
    value: Any,
) -> None:
    """Least divergence that brings the payoff of every pair down to its target; ``eta = largest + edge``."""
    for k in pairs:
        first, last = row_ptr[k], row_ptr[k + 1]
        y, q = z[first:last] - low[k], q_all[first:last]
        t = target[k] - low[k]
        if t <= 0.0:
            edge[k], largest[k], slope[k], value[k] = 1.0, 0.0, inf, low[k]
            primal[k] = dual[k] = at_floor(y, q)
            continue
        lift, largest[k], below, mass, mean, variance = prefix(y, q, np.argsort(y, kind="mergesort"), t, 0.0)
        edge[k] = max(lift - below, 0.0)
        if lift == inf:
            # the target is the mean, to rounding
            dual[k] = primal[k] = slope[k] = 0.0
            value[k] = low[k] + mean
            continue
        dual[k] = primal[k] = divergence(lift, mass, variance)
        slope[k] = 2.0 / (mass * lift)
        value[k] = low[k] + (mean - variance / lift)


@njit(cache=True, nogil=True)
def at_price(
    pairs: Any,
    price: Any,
    row_ptr: Any,
    q_all: Any,
    z: Any,
    low: Any,
    edge: Any,
    largest: Any,
    dual: Any,
    primal: Any,
    value: Any,
) -> None:
    """``dual = min_p chi2(p, q) + price p.z`` of every pair, with divergence and payoff of its row."""
    for k in pairs:
        first, last = row_ptr[k], row_ptr[k + 1]
        y, q = z[first:last] - low[k], q_all[first:last]
        if price[k] == inf:
            edge[k], largest[k], dual[k], value[k] = 1.0, 0.0, inf, low[k]
            primal[k] = at_floor(y, q)
            continue
        lift, largest[k], below, mass, mean, variance = prefix(y, q, np.argsort(y, kind="mergesort"), 0.0, price[k])
        edge[k] = max(lift - below, 0.0)
        above = mean - variance / lift
        primal[k] = divergence(lift, mass, variance)
        value[k] = low[k] + above
        dual[k] = primal[k] + price[k] * above + price[k] * low[k]


@njit(cache=True, nogil=True)
def rows(pairs: Any, row_ptr: Any, q: Any, z: Any, low: Any, edge: Any, largest: Any, p: Any) -> None:
    """Write the rows of the pairs; an infinite edge stands for ``q``."""
    for k in pairs:
        if edge[k] == inf:
            continue
        total = 0.0
        for i in range(row_ptr[k], row_ptr[k + 1]):
            y = z[i] - low[k]
            p[i] = q[i] * (edge[k] + (largest[k] - y)) if y <= largest[k] else 0.0
            total += p[i]
        for i in range(row_ptr[k], row_ptr[k + 1]):
            p[i] /= total
