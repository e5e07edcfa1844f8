"""Reverse relative entropy: rows ``p = q / (nu + a y)`` with ``y`` the payoff above the least one, ``0 <= nu <= 1``.

Where the least payoff has no nominal mass, ``nu`` may be 0 and the mass left over sits there.
"""

from __future__ import annotations

from math import inf, log, log1p
from typing import Any

from numba import njit

STEPS = 200


@njit(cache=True, nogil=True)
def stationarity(y: Any, q: Any, t: float, a: float, e: float) -> Any:
    """Return the derivative in ``a`` of ``sum q log(1 + a (y/t - 1))``, and minus the next one; ``e = 1 - a``."""
    total, curvature = 0.0, 0.0
    for i in range(len(y)):
        if q[i] > 0.0:
            r = y[i] / t
            term = (r - 1.0) / (1.0 + a * (r - 1.0) if a < 0.5 else e + a * r)
            total += q[i] * term
            curvature += q[i] * term * term
    return total, curvature


@njit(cache=True, nogil=True)
def multiplier(y: Any, q: Any, t: float) -> Any:
    """Root of `stationarity` as ``(a, 1 - a)``, both to full relative precision; ``a = 1`` where it stays positive."""
    kept, inverse = 0.0, 0.0
    for i in range(len(y)):
        if y[i] == 0.0:
            kept += q[i]
        elif q[i] > 0.0:
            inverse += q[i] * (t / y[i])
    if kept == 0.0 and inverse <= 1.0:
        return 1.0, 0.0
    half, _ = stationarity(y, q, t, 0.5, 0.5)
    left, right, x = 0.0, 0.5, 0.25
    for _ in range(STEPS):
        if half < 0.0:
            # x = a; the derivative falls in a
            f, curvature = stationarity(y, q, t, x, 1.0 - x)
            step = f / curvature
        else:
            # x = 1 - a; times x it is nearly linear where little mass has the least payoff
            g, curvature = stationarity(y, q, t, 1.0 - x, x)
            f = -x * g
            growth = g + x * curvature
            step = f / growth if growth > 0.0 else inf
        if f > 0.0:
            left = x
        else:
            right = x
        new = x + step
        if not left < new < right:
            new = 0.5 * (left + right)
        if new == x or abs(new - x) <= 1e-16 * x:
            break
        x = new
    return (x, 1.0 - x) if half < 0.0 else (1.0 - x, x)


@njit(cache=True, nogil=True)
def at_value(
    pairs: Any,
    target: Any,
    row_ptr: Any,
    q_all: Any,
    z: Any,
    low: Any,
    scratch: Any,
    price: Any,
    offset: Any,
    dual: Any,
    slope: Any,
    primal: Any,
    value: Any,
) -> None:
    """Least divergence that brings the payoff of every pair down to its target; rows are ``q / (offset + price y)``."""
    for k in pairs:
        first, last = row_ptr[k], row_ptr[k + 1]
        y, q = scratch[: last - first], q_all[first:last]
        for i in range(first, last):
            y[i - first] = z[i] - low[k]
        t = target[k] - low[k]
        if t <= 0.0:
            price[k], offset[k], slope[k], value[k] = inf, 0.0, inf, low[k]
            primal[k] = dual[k] = inf
            continue
        a, e = multiplier(y, q, t)
        h, rest = 0.0, 0.0
        for i in range(len(y)):
            if q[i] > 0.0:
                r = y[i] / t
                if a < 0.5:
                    h += q[i] * log1p(a * (r - 1.0))
                    rest += q[i] * (r - 1.0) / (1.0 + a * (r - 1.0))
                else:
                    h += q[i] * log(e + a * r)
                    rest += q[i] * (r - 1.0) / (e + a * r)
        price[k], offset[k] = a / t, e
        dual[k], slope[k] = h, a / t
        # the row sums to 1 - a rest, because the root is found to rounding only
        if rest >= 0.0:
            primal[k] = h
            value[k] = low[k] + t * (1.0 + rest * e)
        else:
            primal[k] = h + log1p(-a * rest)
            value[k] = low[k] + t * (1.0 + rest / (1.0 - a * rest))


@njit(cache=True, nogil=True)
def normalization(y: Any, q: Any, a: float) -> Any:
    """``nu`` with ``sum q / (nu + a y) = 1`` as ``(nu, 1 - nu)``; 0 where the sum stays below one.

    Newton's method on the inverse of the sum, which is increasing and concave, so that it climbs to the root.
    """
    kept, half, whole = 0.0, 0.0, 0.0
    for i in range(len(y)):
        if y[i] == 0.0:
            kept += q[i]
        elif q[i] > 0.0:
            whole += q[i] / (a * y[i])
        half += q[i] / (0.5 + a * y[i])
    if kept == 0.0 and whole <= 1.0:
        return 0.0, 1.0
    near_one = half >= 1.0
    nu = 0.5 if near_one else kept
    c = 1.0 - nu
    for _ in range(STEPS):
        over, steep = 0.0, 0.0
        for i in range(len(y)):
            if q[i] > 0.0:
                if near_one:
                    x = a * y[i] - c
                    over -= q[i] * x / (1.0 + x)
                    steep += q[i] / (1.0 + x) / (1.0 + x)
                else:
                    over += q[i] / (nu + a * y[i])
                    steep += q[i] / (nu + a * y[i]) / (nu + a * y[i])  # the square may underflow
        if not near_one:
            over -= 1.0
        step = over * (1.0 + over) / steep
        if near_one:
            new = max(c - step, 0.0)
            if abs(new - c) <= 1e-16 * c:
                break
            c = new
            nu = 1.0 - c
        else:
            new = max(nu + step, 0.0)
            if abs(new - nu) <= 1e-16 * nu:
                break
            nu = new
            c = 1.0 - nu
    return nu, c


@njit(cache=True, nogil=True)
def at_price(
    pairs: Any,
    wanted: Any,
    row_ptr: Any,
    q_all: Any,
    z: Any,
    low: Any,
    scratch: Any,
    price: Any,
    offset: Any,
    dual: Any,
    primal: Any,
    value: Any,
) -> None:
    """``dual = min_p KL(q||p) + price p.z`` of every pair, with divergence and payoff of its row."""
    for k in pairs:
        first, last = row_ptr[k], row_ptr[k + 1]
        y, q = scratch[: last - first], q_all[first:last]
        widest = 0.0
        for i in range(first, last):
            y[i - first] = z[i] - low[k]
            widest = max(widest, y[i - first])
        a = wanted[k]
        price[k] = a
        if widest == 0.0:
            # constant payoffs: the row stays nominal whatever the price
            price[k], offset[k], primal[k], value[k] = 0.0, 1.0, 0.0, low[k]
            dual[k] = a * low[k] if a < inf else inf
            continue
        if a == inf:
            offset[k], dual[k], primal[k], value[k] = 0.0, inf, inf, low[k]
            continue
        nu, c = normalization(y, q, a)
        h, total, above = 0.0, 0.0, 0.0
        for i in range(len(y)):
            if q[i] > 0.0:
                h += q[i] * (log1p(a * y[i] - c) if c < 0.5 else log(nu + a * y[i]))
                p = q[i] / (nu + a * y[i])
                total += p
                above += p * y[i]
        offset[k] = nu
        dual[k] = h + c + a * low[k]
        primal[k] = h + log(max(total, 1.0))
        value[k] = low[k] + above / max(total, 1.0)


@njit(cache=True, nogil=True)
def rows(pairs: Any, row_ptr: Any, q: Any, z: Any, low: Any, price: Any, offset: Any, p: Any) -> None:
    """Write the rows of the pairs; what is left over goes to the first least payoff."""
    for k in pairs:
        total, receiver = 0.0, -1
        for i in range(row_ptr[k], row_ptr[k + 1]):
            y = z[i] - low[k]
            if receiver < 0 and y == 0.0:
                receiver = i
            p[i] = 0.0
            if q[i] > 0.0 and price[k] < inf:
                p[i] = q[i] / (offset[k] + price[k] * y)
            total += p[i]
        if total < 1.0:
            p[receiver] += 1.0 - total
        else:
            for i in range(row_ptr[k], row_ptr[k + 1]):
                p[i] /= total
