"""Euclidean distance: the path of projections of ``q - t z`` onto the simplex, as changes of ``q``.

With payoffs ``y`` above the least one the change of entry ``i`` is ``max(-(t y_i + theta), -q_i)``, and ``theta`` makes
the changes sum to zero. Working with changes keeps all digits when the radius is tiny.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

from numba import njit

STEPS = 200


@njit(cache=True, nogil=True)
def balance(y: Any, q: Any, t: float, theta: float) -> float:
    """``theta`` for which the changes sum to zero: Newton's method on a convex piecewise linear function."""
    n = len(y)
    climbing = False
    for _ in range(3 * n + 10):
        total, count = 0.0, 0
        for i in range(n):
            change = -(t * y[i] + theta)
            if change > -q[i]:
                total += change
                count += 1
            else:
                total -= q[i]
        if climbing and total <= 0.0:
            break
        if count == 0:
            # start from where no entry was cut off: that is on the left
            theta = 0.0
            for i in range(n):
                theta -= t * y[i] / n
            continue
        new = theta + total / count
        if new == theta:
            break
        climbing = True
        theta = new
    return theta


@njit(cache=True, nogil=True)
def look(y: Any, q: Any, t: float, theta: float) -> Any:
    """Norm of the changes, their payoff, ``changes.q``, and the derivatives of squared norm and payoff along ``t``."""
    count, mean = 0, 0.0
    for i in range(len(y)):
        if -(t * y[i] + theta) > -q[i]:
            count += 1
            mean += y[i]
    mean /= max(count, 1)
    square, payoff, product, growth, variation = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(y)):
        change = -(t * y[i] + theta)
        if change > -q[i]:
            growth -= 2.0 * change * (y[i] - mean)
            variation += (y[i] - mean) ** 2
        else:
            change = -q[i]
        square += change * change
        payoff += change * y[i]
        product += change * q[i]
    return sqrt(square), payoff, product, growth, variation


@njit(cache=True, nogil=True)
def at_floor(y: Any, q: Any) -> float:
    """Distance to the nearest row on the least payoffs: what is lost elsewhere is shared out equally."""
    lost, square, count = 0.0, 0.0, 0
    for i in range(len(y)):
        if y[i] == 0.0:
            count += 1
        else:
            lost += q[i]
            square += q[i] * q[i]
    return sqrt(square + lost * lost / count)


@njit(cache=True, nogil=True)
def at_value(
    pairs: Any,
    target: Any,
    row_ptr: Any,
    q_all: Any,
    z: Any,
    mean: Any,
    low: Any,
    scratch: Any,
    pace: Any,
    theta: Any,
    dual: Any,
    slope: Any,
    primal: Any,
    value: Any,
) -> None:
    """Least distance that brings the payoff of every pair down to its target; ``pace`` (t) and ``theta`` give the row.

    The payoff falls along the path, piecewise linearly; Newton's method in a bracket ends on its piece.
    """
    for k in pairs:
        first, last = row_ptr[k], row_ptr[k + 1]
        y, q = scratch[: last - first], q_all[first:last]
        widest = 0.0
        for i in range(first, last):
            y[i - first] = z[i] - low[k]
            widest = max(widest, y[i - first])
        if target[k] <= low[k]:
            pace[k], slope[k], value[k] = inf, inf, low[k]
            primal[k] = dual[k] = at_floor(y, q)
            continue
        wanted = target[k] - mean[k]
        left, right = 0.0, inf
        t = pace[k]
        if not 0.0 < t < inf:
            center, total = 0.0, 0.0
            for i in range(len(y)):
                center += y[i] / len(y)
            for i in range(len(y)):
                total += (y[i] - center) ** 2
            t, theta[k] = -wanted / total, wanted / total * center
        norm, payoff, product = 0.0, 0.0, 0.0
        for _ in range(STEPS):
            theta[k] = balance(y, q, t, theta[k])
            norm, payoff, product, _, variation = look(y, q, t, theta[k])
            if payoff > wanted:
                left = t
            else:
                right = t
            if abs(payoff - wanted) <= 1e-16 * widest * norm:
                break
            new = t + (payoff - wanted) / variation if variation > 0.0 else inf
            if not left < new < right:
                new = 2.0 * t if right == inf else 0.5 * (left + right)
            if new == t:
                break
            t = new
        pace[k] = t
        if norm == 0.0:
            # the target is the mean, to rounding
            dual[k] = slope[k] = primal[k] = 0.0
            value[k] = mean[k]
            continue
        slope[k] = t / norm
        dual[k] = (-theta[k] - product - t * (target[k] - low[k])) / norm
        primal[k] = norm
        value[k] = mean[k] + payoff


@njit(cache=True, nogil=True)
def at_price(
    pairs: Any,
    price: Any,
    row_ptr: Any,
    q_all: Any,
    z: Any,
    mean: Any,
    low: Any,
    scratch: Any,
    pace: Any,
    theta: Any,
    dual: Any,
    primal: Any,
    value: Any,
) -> None:
    """``dual = min_p ||p - q|| + price p.z`` of every pair, with distance and payoff of its row.

    The row is where ``t / norm(t)``, which never falls along the path, reaches the price; below its first value the
    minimizer is ``q`` itself. Any ``t`` with ``price * norm <= t`` yields a valid dual.
    """
    for k in pairs:
        first, last = row_ptr[k], row_ptr[k + 1]
        y, q = scratch[: last - first], q_all[first:last]
        widest = 0.0
        for i in range(first, last):
            y[i - first] = z[i] - low[k]
            widest = max(widest, y[i - first])
        a = price[k]
        if a == inf:
            pace[k], dual[k], value[k] = inf, inf, low[k]
            primal[k] = at_floor(y, q)
            continue
        stay = a * mean[k]
        pace[k], theta[k], dual[k], primal[k], value[k] = 0.0, 0.0, stay, 0.0, mean[k]
        if widest == 0.0 or a <= 0.0:
            continue
        # on the first piece the dual is that of q, to the rounding of sums
        rounding = a * (2e-16 * (50 + len(y)) * widest + 1e-15 * abs(mean[k]))
        left, right = 0.0, inf
        t = a * at_floor(y, q)
        shift = 0.0
        for _ in range(STEPS):
            shift = balance(y, q, t, shift)
            norm, payoff, product, growth, _ = look(y, q, t, shift)
            excess = norm - t / a
            if excess <= 0.0:
                right = t
                above = (a / t) * (-shift - product)
                dual[k] = above + a * low[k]
                if above >= a * (mean[k] - low[k]) - rounding and left == 0.0:
                    pace[k], theta[k], primal[k], value[k] = 0.0, 0.0, 0.0, mean[k]
                    break
            else:
                left = t
            pace[k], theta[k], primal[k], value[k] = t, shift, norm, mean[k] + payoff
            fall = 1.0 / a - (0.5 * growth / norm if norm > 0.0 else 0.0)
            new = t + excess / fall if fall > 0.0 else inf
            if abs(new - t) <= 1e-16 * t:
                break
            if not left < new < right:
                new = 2.0 * t if right == inf else (0.5 * (left + right) if left > 0.0 else 0.125 * right)
            if new == t:
                break
            t = new
            if t <= 0.0:
                break
        if right == inf:
            dual[k] = -inf


@njit(cache=True, nogil=True)
def rows(pairs: Any, row_ptr: Any, q: Any, z: Any, low: Any, pace: Any, theta: Any, p: Any) -> None:
    """Write the rows of the pairs."""
    for k in pairs:
        first, last = row_ptr[k], row_ptr[k + 1]
        if pace[k] == inf:
            lost, count = 0.0, 0
            for i in range(first, last):
                if z[i] == low[k]:
                    count += 1
                else:
                    lost += q[i]
            for i in range(first, last):
                p[i] = q[i] + lost / count if z[i] == low[k] else 0.0
        else:
            for i in range(first, last):
                p[i] = q[i] + max(-(pace[k] * (z[i] - low[k]) + theta[k]), -q[i])
