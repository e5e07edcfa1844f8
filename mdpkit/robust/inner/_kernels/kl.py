"""Inner problems over relative-entropy balls: one multiplier per row, found by Newton steps with a certificate.

With ``d = z - min z`` the worst row is ``p_i ~ q_i exp(-b d_i)`` for the ``b`` where its relative entropy ``K(b)``
meets the radius ``kappa``, and the dual bound at any ``b > 0`` is ``g(b) = min z - (log E_q exp(-b d) + kappa) / b``.

Certificate. ``g`` is concave in ``1 / b`` with slope ``K(b) - kappa``, so it falls short of the value by at most
``|K(b) - kappa| |1/b - 1/b*|``. To bound the distance to the root ``b*``: ``K'(b) = b Var_b(d)``, and because
``|d Var_b / db| <= R Var_b`` with ``R = max d``, the variance changes by at most ``exp(R h)`` within distance ``h``.
Put ``h = r b`` with ``r = 2 |K(b) - kappa| / Var_b(b d)``. If ``r <= 1/8`` and ``R h <= 1/2``, then K moves by at least
``2 (1 - r) exp(-1/2) |K(b) - kappa| > |K(b) - kappa|`` within ``h``, so ``|b* - b| <= h``. The error is of second
order in the miss: one evaluation at the multiplier of the sweep before is usually enough. Far from the root the row
itself (mixed with q where it is infeasible) gives a bound of first order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

MOST_STEPS = 200
"""Evaluations per row at most; two thirds of them halve the bracket of a double from any start."""

ROUNDING = 1e-15
"""Certified error, relative to the spread of payoffs, that counts as none."""

FEASIBLE = 4e-13
"""Divergences of returned rows miss the radius by at most; logarithms of masses of 1e-300 round at 1e-13."""

LARGEST = 1e300
"""Multipliers (times the spread) stay below."""

SCALE, UNSCALE = 500, 2.0**-500
"""Weights carry the factor ``2**SCALE``, so that ``exp(-u)`` keeps all digits up to ``u = 1050``."""

SHIFTER = 1.5 * 2.0**52
"""Adding it leaves the nearest integer in the last bits of a double."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def scaled_exp(u: float) -> float:
    """``2**SCALE * exp(-u)`` for ``0 <= u < 1050``, 0 above; no call and no branch, so that loops vectorize.

    Cody-Waite reduction and the Taylor polynomial of degree 13 on ``|r| <= log(2)/2``, whose remainder is 4e-18: within
    2 ulp.
    """
    shifted = u * -1.4426950408889634 + SHIFTER
    k = shifted - SHIFTER
    r = (-u - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    s = 1.0 / 6227020800.0
    s = s * r + 1.0 / 479001600.0
    s = s * r + 1.0 / 39916800.0
    s = s * r + 1.0 / 3628800.0
    s = s * r + 1.0 / 362880.0
    s = s * r + 1.0 / 40320.0
    s = s * r + 1.0 / 5040.0
    s = s * r + 1.0 / 720.0
    s = s * r + 1.0 / 120.0
    s = s * r + 1.0 / 24.0
    s = s * r + 1.0 / 6.0
    s = s * r + 0.5
    s = s * r + 1.0
    s = s * r + 1.0
    exponent = (np.float64(shifted).view(np.int64) + np.int64(SCALE)) << np.int64(52)
    e = np.int64(np.float64(s).view(np.int64) + exponent).view(np.float64)
    return e if u < 1050.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def second_remainder(u: float) -> float:
    """``(exp(-u) - 1 + u) / u**2`` for ``|u| <= 1`` without cancellation: Taylor, remainder below 2e-16."""
    s = 1.0 / 6402373705728000.0
    s = 1.0 / 355687428096000.0 - s * u
    s = 1.0 / 20922789888000.0 - s * u
    s = 1.0 / 1307674368000.0 - s * u
    s = 1.0 / 87178291200.0 - s * u
    s = 1.0 / 6227020800.0 - s * u
    s = 1.0 / 479001600.0 - s * u
    s = 1.0 / 39916800.0 - s * u
    s = 1.0 / 3628800.0 - s * u
    s = 1.0 / 362880.0 - s * u
    s = 1.0 / 40320.0 - s * u
    s = 1.0 / 5040.0 - s * u
    s = 1.0 / 720.0 - s * u
    s = 1.0 / 120.0 - s * u
    s = 1.0 / 24.0 - s * u
    s = 1.0 / 6.0 - s * u
    return 0.5 - s * u


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def read_row(
    start: int, stop: int, col: Any, q: Any, entry_reward: Any, gamma: float, V: Any, sign: float, d: Any
) -> tuple[float, float, float]:
    """Write ``d = z - min z`` over the nominal support (0 elsewhere); return ``min z``, ``max d`` and the mean of d."""
    n = stop - start
    low, scale, with_rewards = np.inf, sign * gamma, len(entry_reward) > 0
    for i in range(n):
        z = scale * V[col[start + i]]
        if with_rewards:
            z = sign * entry_reward[start + i] + z
        d[i] = z
        x = z if q[start + i] > 0.0 else np.inf
        low = x if x < low else low
    spread, mean = 0.0, 0.0
    for i in range(n):
        gap = d[i] - low if q[start + i] > 0.0 else 0.0
        d[i] = gap
        spread = gap if gap > spread else spread
        mean += q[start + i] * gap
    return low, spread, mean


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def tilt(q: Any, d: Any, b: float, spread: float, mean: float, w: Any) -> tuple[float, float, float, float]:
    """Weigh q by ``exp(-b d)``: unnormalized weights to ``w``; return moments of ``u = b (d - base)``.

    Returns ``base``, ``log E_q exp(-u)``, ``E_b u`` and a lower bound on ``Var_b(u)``. While ``b`` times the spread is
    at most 1 the base is the mean, and the logarithm keeps its relative accuracy however small the radius.
    """
    n = len(q)
    s0, s1, s2 = 0.0, 0.0, 0.0
    if b * spread <= 1.0:
        for i in range(n):
            u = b * (d[i] - mean)
            w[i] = u * u * second_remainder(u)
        for i in range(n):
            u = b * (d[i] - mean)
            e = w[i]
            x = q[i] * u
            s0 += q[i] * e
            s1 += x * (e - u)
            s2 += x * u * (1.0 - u + e)
            w[i] = q[i] * (1.0 - u + e)
        total = 1.0 + s0
        first, second = s1 / total, s2 / total
        return mean, math.log1p(s0), first, second - first * first
    for i in range(n):
        w[i] = q[i] * scaled_exp(b * d[i])
    for i in range(n):
        u = b * d[i]
        x = w[i] * u
        s0 += w[i]
        s1 += x
        s2 += x * u
    first, second = s1 / s0, s2 / s0
    # less what rounding may have added
    return 0.0, math.log(s0 * UNSCALE), first, second * (1.0 - 1e-15) - first * first


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def solve_row(
    q: Any, d: Any, spread: float, mean: float, kappa: float, tolerance: float, attain: bool, memory: float, w: Any
) -> tuple[float, float, float]:
    """Return the value less ``min z``, the certified gap, and ``b * spread`` for the next call (0: none).

    With ``attain`` the row in ``w`` meets the radius too, not only the value.
    """
    n = len(q)
    floor = 0.0
    for i in range(n):
        floor += q[i] if d[i] == 0.0 else 0.0
    if floor >= math.exp(-kappa):
        for i in range(n):
            w[i] = q[i] if d[i] == 0.0 else 0.0
        return 0.0, 0.0, memory
    # Var <= spread^2 / 4 everywhere, so K(b) <= (b spread)^2 / 8
    lo, hi = 0.99 * math.sqrt(8.0 * kappa), LARGEST
    theta = memory
    if not theta > lo:
        variance = 0.0
        for i in range(n):
            x = (d[i] - mean) / spread
            variance += q[i] * x * x
        theta = max(lo, min(math.sqrt(2.0 * kappa / variance), hi))
    target = max(tolerance, ROUNDING * spread)
    value, gap = 0.0, spread
    for _ in range(MOST_STEPS):
        b = theta / spread
        base, log_sum, first, variance = tilt(q, d, b, spread, mean, w)
        entropy = max(-first - log_sum, 0.0)
        miss = kappa - entropy
        value = base - (log_sum + kappa) / b
        r = 2.0 * abs(miss) / variance
        second_order = variance > 0.0 and r <= 0.125 and theta * r <= 0.5
        if attain:
            # the payoff of the row itself, less the dual value
            gap = abs(miss) / b
        elif second_order:
            gap = abs(miss) * r / ((1.0 - r) * b)
        elif miss >= 0.0:
            gap = miss / b
        else:
            # the mixture (1 - t) q + t p with t = kappa / entropy is feasible
            gap = -miss * (((mean - base) * b - first) / entropy - 1.0) / b
        if miss > 0.0:
            lo = max(lo, theta)
        else:
            hi = min(hi, theta)
        step = theta * (1.0 + 2.0 * (math.sqrt(kappa * entropy) - entropy) / variance)
        if gap <= target and (not attain or abs(miss) <= FEASIBLE):
            return value, gap, (step if second_order else theta)
        if not lo < step < hi:
            # the ratio of the ends may overflow, their roots do not
            step = math.sqrt(lo) * math.sqrt(hi)
            if not lo < step < hi:
                break
        theta = step
    return value, gap, theta


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def kl_values(
    row_ptr: Any,
    col: Any,
    q: Any,
    entry_reward: Any,
    pair_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    tolerance: float,
    pairs: Any,
    memory: Any,
    d: Any,
    w: Any,
    out: Any,
) -> float:
    """Worst payoffs over relative-entropy balls; ``memory[k]`` is the last multiplier of pair k. Returns the gap."""
    worst_gap = 0.0
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        low, spread, mean = read_row(start, stop, col, q, entry_reward, gamma, V, sign, d)
        value = low + mean
        # below 1e-290 products of payoffs underflow
        if radius[k] > 0.0 and spread > 1e-290:
            n = stop - start
            value, gap, memory[k] = solve_row(
                q[start:stop], d[:n], spread, mean, radius[k], tolerance, False, memory[k], w[:n]
            )
            value += low
            worst_gap = max(worst_gap, gap)
        out[i] = pair_reward[k] + sign * value
    return worst_gap


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def kl_rows(
    row_ptr: Any,
    col: Any,
    q: Any,
    entry_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    pairs: Any,
    d: Any,
    p: Any,
) -> None:
    """Worst rows of the pairs, one after the other in ``p``, from cold starts: equal calls give equal rows."""
    first = 0
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        n = stop - start
        row = p[first : first + n]
        first += n
        _, spread, mean = read_row(start, stop, col, q, entry_reward, gamma, V, sign, d)
        row[:] = q[start:stop]
        if radius[k] > 0.0 and spread > 1e-290:
            solve_row(q[start:stop], d[:n], spread, mean, radius[k], 0.0, True, 0.0, row)
            total = 0.0
            for j in range(n):
                total += row[j]
            for j in range(n):
                row[j] /= total
