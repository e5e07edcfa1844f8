"""Inner problems over Euclidean balls: finitely many closed forms per row, and no sort.

With ``d = z - min z`` the worst row is the projection ``p(t)`` of ``q - t d`` onto the simplex, t > 0 such that
``|p(t) - q| = kappa``. On an active set A of m successors, with rho the nominal mass and s the sum of squares of q left
out, e the mean of d over A and W the sum of ``(d - e)^2``: ``p_i = q_i + rho/m - t (d_i - e)`` and
``|p - q|^2 = t^2 W + rho^2/m + s``, so t is in closed form; A is right when p is positive on A and would not be
positive elsewhere.

Shrinking from the full row, ``A <- {i in A: p_i > 0}``, ends at the right set. Proof: let ``A*`` be the support of the
right row, A contain it, and ``a_i = t d_i + tau*`` with the threshold tau* of the projection at t, so ``a_i >= q_i`` on
``A - A*``. Dropping the sign constraints on A lowers the threshold, by s with ``m s = sum over A - A* of (a - q)``:
what is nonpositive without them is not in the support at this t. The squared distance grows by at least
``sum over A - A* of (a - q)(a + q) - m s^2``, which is nonnegative by Cauchy-Schwarz; so the t of the relaxed row is at
most the right one. Supports only shrink as t grows, hence nothing that is dropped comes back. Every round drops at
least one successor. The set of the sweep before is tried first: it is right nearly always.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

WARM_ROUNDS = 3
"""Rounds from the last support before the row starts over from all its successors."""

TINY = 1e-140
"""Spreads below have squares that underflow: such payoffs are constant."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def read_row(
    start: int, stop: int, col: Any, q: Any, entry_reward: Any, gamma: float, V: Any, sign: float, d: Any
) -> tuple[float, float, float]:
    """Write ``d = z - min z``; return ``min z``, ``max d`` and the nominal mean of d."""
    n = stop - start
    low, scale, with_rewards = np.inf, sign * gamma, len(entry_reward) > 0
    for i in range(n):
        z = scale * V[col[start + i]]
        if with_rewards:
            z = sign * entry_reward[start + i] + z
        d[i] = z
        low = z if z < low else low
    spread, mean = 0.0, 0.0
    for i in range(n):
        gap = d[i] - low
        d[i] = gap
        spread = gap if gap > spread else spread
        mean += q[start + i] * gap
    return low, spread, mean


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def closed_form(q: Any, d: Any, kappa: float, active: Any) -> tuple[float, float, float]:
    """Return value, t and threshold on an active set (1 inside, 0 outside): ``p_i = q_i - t d_i - threshold``."""
    n = len(q)
    size, left, squares, nominal, first = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        x = q[i] * (1.0 - active[i])
        size += active[i]
        left += x
        squares += x * x
        nominal += (q[i] - x) * d[i]
        first += active[i] * d[i]
    mean = first / size
    second = 0.0
    for i in range(n):
        x = active[i] * (d[i] - mean)
        second += x * x
    # negative only by rounding: the sets that occur are within reach
    room = max(kappa * kappa - left * left / size - squares, 0.0)
    t = math.sqrt(room / second) if second > 0.0 else 0.0
    return nominal + left * mean - t * second, t, -left / size - t * mean


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def solve_row(q: Any, d: Any, kappa: float, t: float, threshold: float, active: Any) -> tuple[float, float, float]:
    """Return the value less ``min z``, t and the threshold; ``active`` is the support. Starts from ``t`` if positive.

    Where the least payoff alone is within reach, t is 0.
    """
    n = len(q)
    size, left, squares = 0.0, 0.0, 0.0
    for i in range(n):
        least = d[i] == 0.0
        size += 1.0 if least else 0.0
        x = 0.0 if least else q[i]
        left += x
        squares += x * x
    if left * left / size + squares <= kappa * kappa:
        for i in range(n):
            active[i] = 1.0 if d[i] == 0.0 else 0.0
        return 0.0, 0.0, -left / size
    if t > 0.0:
        for i in range(n):
            active[i] = 1.0 if q[i] - t * d[i] > threshold else 0.0
    for _ in range(WARM_ROUNDS if t > 0.0 else 0):
        value, t, threshold = closed_form(q, d, kappa, active)
        changed = False
        for i in range(n):
            inside = 1.0 if q[i] - t * d[i] > threshold else 0.0
            changed = changed or inside != active[i]
            active[i] = inside
        # t is 0 or not a number on sets out of reach
        if not changed and t > 0.0:
            return value, t, threshold
    active[:n] = 1.0
    value = 0.0
    for _ in range(n):
        value, t, threshold = closed_form(q, d, kappa, active)
        changed = False
        for i in range(n):
            if active[i] > 0.0 and not q[i] - t * d[i] > threshold:
                active[i] = 0.0
                changed = True
        if not changed:
            break
    return value, t, threshold


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def l2_values(
    row_ptr: Any,
    col: Any,
    q: Any,
    entry_reward: Any,
    pair_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    pairs: Any,
    memory: Any,
    d: Any,
    active: Any,
    out: Any,
) -> None:
    """Worst payoffs over Euclidean balls; ``memory[k]`` is the last t of pair k, times its spread, and threshold."""
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        low, spread, mean = read_row(start, stop, col, q, entry_reward, gamma, V, sign, d)
        value = low + mean
        if radius[k] > 0.0 and spread > TINY:
            n = stop - start
            value, t, threshold = solve_row(
                q[start:stop], d[:n], radius[k], memory[k, 0] / spread, memory[k, 1], active
            )
            memory[k, 0], memory[k, 1] = t * spread, threshold
            value += low
        out[i] = pair_reward[k] + sign * value


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def l2_rows(
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
    active: Any,
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
        row[:] = q[start:stop]
        _, spread, _ = read_row(start, stop, col, q, entry_reward, gamma, V, sign, d)
        if radius[k] > 0.0 and spread > TINY:
            _, t, threshold = solve_row(q[start:stop], d[:n], radius[k], 0.0, 0.0, active)
            total = 0.0
            for j in range(n):
                row[j] = max(row[j] - t * d[j] - threshold, 0.0) if active[j] > 0.0 else 0.0
                total += row[j]
            for j in range(n):
                row[j] /= total
