"""Relative entropy: tilted rows ``p ~ q exp(-a z)``."""

from __future__ import annotations

from math import exp, expm1, inf, log, log1p
from typing import Any

from numba import njit

STEPS = 200


@njit(cache=True, nogil=True)
def moments(y: Any, q: Any, a: float, widest: float) -> Any:
    """``log E exp(-a y)``, mean and variance of ``y >= 0`` under the tilted row."""
    total, first, second = 0.0, 0.0, 0.0
    if a * widest < 1.0:
        # the logarithm of nearly one, without losing what differs from it
        for i in range(len(y)):
            change = expm1(-a * y[i])
            total += q[i] * change
            mass = q[i] * (1.0 + change) * y[i]
            first += mass
            second += mass * y[i]
        norm, logarithm = 1.0 + total, log1p(total)
    else:
        for i in range(len(y)):
            mass = q[i] * exp(-a * y[i])
            total += mass
            first += mass * y[i]
            second += mass * y[i] * y[i]
        norm, logarithm = total, log(total)
    mean = first / norm
    return logarithm, mean, max(second / norm - mean * mean, 0.0)


@njit(cache=True, nogil=True)
def shifted(z: Any, first: int, last: int, low: float, y: Any) -> float:
    """Write payoffs above the least one; return the largest."""
    widest = 0.0
    for i in range(first, last):
        y[i - first] = z[i] - low
        widest = max(widest, z[i] - low)
    return widest


@njit(cache=True, nogil=True)
def at_floor(y: Any, q: Any) -> float:
    """Divergence of the nominal row restricted to the least payoff."""
    mass = 0.0
    for i in range(len(y)):
        if y[i] == 0.0:
            mass += q[i]
    return max(-log(mass), 0.0)


@njit(cache=True, nogil=True)
def at_value(
    pairs: Any,
    target: Any,
    row_ptr: Any,
    q_all: Any,
    z: Any,
    low: Any,
    scratch: Any,
    tilt: Any,
    dual: Any,
    slope: Any,
    primal: Any,
    value: Any,
) -> None:
    """Least divergence that brings the payoff of every pair down to its target, from both sides.

    ``dual <= h``, the row of ``tilt`` has divergence ``primal`` and payoff ``value``, and ``h'`` is about ``-slope``.
    Newton's method on ``log E y``, nearly linear in the tilt, inside a bracket.
    """
    for k in pairs:
        first, last = row_ptr[k], row_ptr[k + 1]
        y, q = scratch[: last - first], q_all[first:last]
        widest = shifted(z, first, last, low[k], y)
        t = target[k] - low[k]
        if t <= 0.0:
            tilt[k], slope[k], value[k] = inf, inf, low[k]
            primal[k] = dual[k] = at_floor(y, q)
            continue
        a = tilt[k] if 0.0 < tilt[k] < inf else 1.0 / widest
        left, right = 0.0, inf
        logarithm, mean = 0.0, 0.0
        for _ in range(STEPS):
            logarithm, mean, variance = moments(y, q, a, widest)
            if mean > t:
                left = a
            else:
                right = a
            if abs(mean - t) <= 2e-16 * widest:
                break
            step = inf
            if variance > 0.0 and mean > 0.0:
                step = log(mean / t) * mean / variance
            new = a + step
            if not left < new < right:
                new = 2.0 * a + 1.0 / widest if right == inf else 0.5 * (left + right)
            if new == a:
                break
            a = new
        tilt[k] = a
        slope[k] = a
        dual[k] = -a * t - logarithm
        primal[k] = max(-a * mean - logarithm, 0.0)
        value[k] = low[k] + mean


@njit(cache=True, nogil=True)
def at_price(
    pairs: Any,
    price: Any,
    row_ptr: Any,
    q_all: Any,
    z: Any,
    low: Any,
    scratch: Any,
    tilt: Any,
    dual: Any,
    primal: Any,
    value: Any,
) -> None:
    """``dual = min_p KL(p||q) + price p.z`` of every pair, with divergence and payoff of its row."""
    for k in pairs:
        first, last = row_ptr[k], row_ptr[k + 1]
        y, q = scratch[: last - first], q_all[first:last]
        widest = shifted(z, first, last, low[k], y)
        a = price[k]
        tilt[k] = a
        if a == inf:
            dual[k], value[k] = inf, low[k]
            primal[k] = at_floor(y, q)
            continue
        logarithm, mean, _ = moments(y, q, a, widest)
        dual[k] = a * low[k] - logarithm
        primal[k] = max(-a * mean - logarithm, 0.0)
        value[k] = low[k] + mean


@njit(cache=True, nogil=True)
def rows(pairs: Any, row_ptr: Any, q: Any, z: Any, low: Any, tilt: Any, p: Any) -> None:
    """Write the tilted rows of the pairs."""
    for k in pairs:
        total = 0.0
        for i in range(row_ptr[k], row_ptr[k + 1]):
            y = z[i] - low[k]
            p[i] = q[i] if y == 0.0 else (0.0 if tilt[k] == inf else q[i] * exp(-tilt[k] * y))
            total += p[i]
        for i in range(row_ptr[k], row_ptr[k + 1]):
            p[i] /= total
