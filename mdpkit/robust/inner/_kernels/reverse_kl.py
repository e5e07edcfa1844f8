"""Inner problems over reverse relative-entropy (Burg) balls: one multiplier per row, with a certificate.

With ``d = z - zmin`` over the nominal support, ``t = d + y`` for ``y = zmin - nu > 0`` and ``kappa`` the radius:
``p_i = q_i L / t_i`` with ``L = 1 / E_q(1/t)``, its divergence is ``F(y) = E_q log t + log E_q(1/t)``, decreasing in y,
and the dual bound is ``g(y) = zmin - y + exp(E_q log t - kappa)``. Successors without nominal mass cost nothing: if the
best of them pays ``z0 < zmin`` then ``y >= zmin - z0``, and when that end is optimal they take what p leaves over.

All sums are taken around ``T = y + E_q d``: with ``w = t/T - 1``, ``E_q w = 0`` up to rounding, which drops out in
first order, so ``F = log(1 + E w^2/(1+w)) - E (w - log(1+w))`` keeps its relative accuracy however small the radius.

Certificate. g is concave in y with slope ``exp(F - kappa) - 1``, so it falls short of the value by at most
``|exp(F - kappa) - 1| |y - y*|``. To bound the distance: ``-F'(y) = Var_q(1/t) / E_q(1/t) =: H``. If y moves by at most
``r y`` each t moves by at most a factor ``1 +- r``, so (writing the variance as a sum over pairs) H falls by at most
the factor ``(1 - r) / (1 + r)^4``, which is above 0.73 for ``r <= 1/16``. Put ``r = 2 |F - kappa| / (y H)``: if it is
at most 1/16, F moves by more than the miss within ``r y``, so ``|y - y*| <= r y``: an error of second order. Far from
the root feasible rows give a bound of first order: where F < kappa the row ``q_i L / t_i`` with ``log L = E_q log t -
kappa`` meets the radius whatever gets the rest ``1 - exp(F - kappa)``; on the worst successor it costs ``y`` times
that. Where F > kappa it is the row mixed with q.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

MOST_STEPS = 200
"""Evaluations per row at most."""

ROUNDING = 1e-15
"""Certified error, relative to the spread of payoffs, that counts as none."""

FEASIBLE = 4e-13
"""Divergences of returned rows miss the radius by at most; logarithms of masses of 1e-300 round at 1e-13."""

SMALLEST, LARGEST = 1e-305, 1e150
"""Multipliers y stay between (the first also relative to the mean of d, the second to its largest value)."""

TINY = 1e-140
"""Spreads below count as constant payoffs: ratios to them would leave the doubles."""

SHIFTER = 1.5 * 2.0**52
SHIFTER_BITS = 0x4338000000000000
"""A double whose last bits count in units, and its bit pattern: adding an integer to the bits adds it to the number."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def log_remainder(t: float) -> float:
    """``t - 1 - log(t)`` for positive normal t, accurate near 1 too; no call and no branch, so that loops vectorize.

    ``t = 2^k m`` with m between the roots of 1/2 and 2 and ``log m = 2 artanh s``, ``s = (m-1)/(m+1)``; the series to
    ``s^21`` misses less than 1e-18 on ``|s| < 0.172``.
    """
    bits = np.float64(t).view(np.int64)
    k = (bits - np.int64(0x3FE6A09E667F3BCD)) >> np.int64(52)
    m = np.int64(bits - (k << np.int64(52))).view(np.float64)
    exponent = np.int64(k + np.int64(SHIFTER_BITS)).view(np.float64) - SHIFTER
    s = (m - 1.0) / (m + 1.0)
    x = s * s
    tail = 2.0 / 21.0
    tail = tail * x + 2.0 / 19.0
    tail = tail * x + 2.0 / 17.0
    tail = tail * x + 2.0 / 15.0
    tail = tail * x + 2.0 / 13.0
    tail = tail * x + 2.0 / 11.0
    tail = tail * x + 2.0 / 9.0
    tail = tail * x + 2.0 / 7.0
    tail = tail * x + 2.0 / 5.0
    tail = tail * x + 2.0 / 3.0
    # m - 1 - 2 s = (m - 1) s holds the whole remainder near 1 without cancellation
    return (t - m) - exponent * 0.6931471805599453 + s * ((m - 1.0) - x * tail)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def read_row(
    start: int, stop: int, col: Any, q: Any, entry_reward: Any, gamma: float, V: Any, sign: float, d: Any
) -> tuple[float, float, float, float, int]:
    """Write ``d = z - zmin`` over the nominal support (0 elsewhere).

    Returns ``zmin``, ``max d``, the mean of d, how much the best successor without nominal mass pays less than
    ``zmin`` (0: none does), and its position.
    """
    n = stop - start
    low, outside, receiver = np.inf, np.inf, -1
    scale, with_rewards = sign * gamma, len(entry_reward) > 0
    for i in range(n):
        z = scale * V[col[start + i]]
        if with_rewards:
            z = sign * entry_reward[start + i] + z
        d[i] = z
        if q[start + i] > 0.0:
            low = z if z < low else low
        elif z < outside:
            outside, receiver = z, i
    spread, mean = 0.0, 0.0
    for i in range(n):
        gap = d[i] - low if q[start + i] > 0.0 else 0.0
        d[i] = gap
        spread = gap if gap > spread else spread
        mean += q[start + i] * gap
    return low, spread, mean, max(low - outside, 0.0), receiver


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def evaluate(q: Any, d: Any, y: float, mean: float, w: Any) -> tuple[float, float, float]:
    """Return ``E (t/T - 1 - log(t/T))``, ``E T/t - 1`` and ``-dF/dlog(y)``."""
    n = len(q)
    T = y + mean
    inverse = 1.0 / T
    least = y * inverse
    s0, s1, s2 = 0.0, 0.0, 0.0
    for i in range(n):
        w[i] = log_remainder((d[i] + y) * inverse)
    for i in range(n):
        t = (d[i] + y) * inverse
        x = t - 1.0
        reciprocal = 1.0 / t
        v = q[i] * x * (x * reciprocal)
        s0 += q[i] * w[i]
        s1 += v
        s2 += v * (reciprocal * least)
    return s0, s1, (s2 - least * s1 * s1) / (1.0 + s1)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def solve_row(
    q: Any,
    d: Any,
    spread: float,
    mean: float,
    kappa: float,
    below: float,
    tolerance: float,
    attain: bool,
    memory: float,
    w: Any,
) -> tuple[float, float, float, float]:
    """Return the value less ``zmin``, the certified gap, ``y / spread`` for the next call, and a mass.

    It is what stays on the nominal support.

    With ``attain`` the row is left in ``w`` and meets the radius too, not only the value.
    """
    n = len(q)
    floor, hi = max(below, SMALLEST * mean, SMALLEST), LARGEST * spread
    lo = floor
    y = memory * spread
    if not y > 0.0:
        variance = 0.0
        for i in range(n):
            x = (d[i] - mean) / spread
            variance += q[i] * x * x
        y = math.sqrt(variance / (2.0 * kappa)) * math.exp(-min(kappa, 600.0)) * spread
    y = min(max(y, lo), hi)
    target = max(tolerance, ROUNDING * spread)
    value, gap = 0.0, spread
    for _ in range(MOST_STEPS):
        T = y + mean
        remainder, excess, slope = evaluate(q, d, y, mean, w)
        divergence = max(math.log1p(excess) - remainder, 0.0)
        miss = kappa - divergence
        value = mean + T * math.expm1(-remainder - kappa)
        if y == floor and miss >= 0.0:
            # the end is optimal: p_i = q_i L / t_i with L from the radius, the rest goes where nothing is paid for it
            gap = 0.0 if floor == below else -y * math.expm1(-miss)
            return value, gap, floor / spread, min(math.exp(-miss), 1.0)
        r = 2.0 * abs(miss) / slope
        second_order = slope > 0.0 and r <= 0.0625
        if attain:
            # the payoff of the row itself, less the dual value
            gap = abs(mean - T * (excess / (1.0 + excess)) - value)
        elif second_order:
            gap = abs(math.expm1(-miss)) * r * y
        elif miss >= 0.0:
            gap = -y * math.expm1(-miss)
        else:
            # the mixture (1 - t) q + t p with t = kappa / divergence is feasible
            share = kappa / divergence
            gap = mean - share * T * (excess / (1.0 + excess)) - value
        gap = max(gap, 0.0)
        if miss > 0.0:
            hi = min(hi, y)
        else:
            lo = max(lo, y)
        # log F is nearly linear in log y at both ends
        step = y
        if slope > 0.0 and divergence > 0.0:
            step = y * math.exp(min(max(-math.log(kappa / divergence) * divergence / slope, -50.0), 50.0))
        if gap <= target and (not attain or abs(miss) <= FEASIBLE):
            return value, gap, (step if second_order and not attain else y) / spread, 1.0
        if step <= floor < y and lo == floor:
            step = floor
        elif not lo < step < hi:
            step = math.sqrt(lo) * math.sqrt(hi)
            if not lo < step < hi:
                break
        y = step
    return value, gap, y / spread, 1.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def reverse_kl_values(
    row_ptr: Any,
    col: Any,
    q: Any,
    entry_reward: Any,
    pair_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    receiver: int,
    tolerance: float,
    pairs: Any,
    memory: Any,
    d: Any,
    w: Any,
    out: Any,
) -> float:
    """Worst payoffs over reverse relative-entropy balls; ``memory[k]`` is the last multiplier of pair k.

    ``receiver >= 0`` names the best state of all where any may receive mass. Returns the gap.
    """
    worst_gap = 0.0
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        low, spread, mean, below, _ = read_row(start, stop, col, q, entry_reward, gamma, V, sign, d)
        if receiver >= 0:
            below = max(below, low - sign * gamma * V[receiver])
        value = low + mean
        scale = max(spread, below)
        if radius[k] > 0.0 and scale > TINY:
            n = stop - start
            value, gap, memory[k], _ = solve_row(
                q[start:stop], d[:n], scale, mean, radius[k], below, tolerance, False, memory[k], w[:n]
            )
            value += low
            worst_gap = max(worst_gap, gap)
        out[i] = pair_reward[k] + sign * value
    return worst_gap


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def reverse_kl_rows(
    row_ptr: Any,
    col: Any,
    q: Any,
    entry_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    receiver: int,
    pairs: Any,
    d: Any,
    w: Any,
    p: Any,
    extra: Any,
) -> None:
    """Worst rows of the pairs, one after the other in ``p``, from cold starts: equal calls give equal rows.

    ``extra[i]`` is what the implicit receiver gets.
    """
    first = 0
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        n = stop - start
        row = p[first : first + n]
        first += n
        low, spread, mean, below, best = read_row(start, stop, col, q, entry_reward, gamma, V, sign, d)
        if receiver >= 0 and low - sign * gamma * V[receiver] > below:
            best, below = -1, low - sign * gamma * V[receiver]
        row[:] = q[start:stop]
        scale = max(spread, below)
        if radius[k] == 0.0 or scale <= TINY:
            continue
        _, _, y, kept = solve_row(q[start:stop], d[:n], scale, mean, radius[k], below, 0.0, True, 0.0, w[:n])
        y = max(y * scale, below)
        total = 0.0
        for j in range(n):
            row[j] = row[j] * (y / (d[j] + y))
            total += row[j]
        for j in range(n):
            row[j] *= kept / total
            if q[start + j] > 0.0:
                # never 0, where the divergence is infinite: more mass there is always allowed
                row[j] = max(row[j], SMALLEST)
        if below == 0.0 and kept < 1.0:
            worst = 0.0
            for j in range(n):
                if d[j] == 0.0:
                    worst += q[start + j]
            for j in range(n):
                if d[j] == 0.0:
                    row[j] += (1.0 - kept) * q[start + j] / worst
        elif best < 0:
            extra[i] = 1.0 - kept
        else:
            row[best] += 1.0 - kept
