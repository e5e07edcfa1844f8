"""Inner problems over chi-square balls: finitely many closed forms per row, and no sort.

With ``d = z - min z`` the worst row is ``p_i ~ q_i (eta - d_i)_+``. On an active set A of nominal mass ``S_A``, with
mean m and the variance v of d under q given A, ``c = (1 + kappa) S_A - 1``, the level is ``eta = m + sqrt(v / c)`` and
the value ``m - sqrt(v c)``; A is right when it is ``{d < eta}``.

Shrinking from the full row, ``A <- {i in A: d_i < eta_A}``, ends at the right set. Proof: let p(t) minimize
``sum (p - q)^2 / (2 q) + t p.d`` over the simplex, ``A*`` be its support at the radius, and ``A`` contain ``A*``.
Dropping the sign constraints on A can only lower the threshold of the projection, so what it makes nonpositive is not
in ``A*`` at this t; and it can only raise the distance from q (write both distances as sums over A; their difference
is at least ``sum over A - A* of q (a - 1)^2 >= 0`` with ``a >= 1`` minus its mean part, by Cauchy-Schwarz), so the t
at which the relaxed row meets the radius is at most the right one, and supports only shrink as t grows. Every round
drops at least one successor. The set of the sweep before is tried first: it is right nearly always.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

WARM_ROUNDS = 3
"""Rounds from the last level before the row starts over from all its successors."""

TINY = 1e-140
"""Spreads below have squares that underflow: such payoffs are constant."""


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
def active_moments(q: Any, d: Any, level: float) -> tuple[float, float, float, float, float, float]:
    """Return what the closed form on ``{d < level}`` needs.

    That is: its mass, the mass left out, ``highest - mean``, the sum of squared deviations, and the d next to level on
    both sides. The mean is taken from the highest d down: where nearly all mass is there, differences of 1e-300 decide.
    Differences count in units of the highest d, lest masses of 1e-300 times their squares underflow.
    """
    n = len(q)
    highest, lowest = 0.0, np.inf
    for i in range(n):
        inside = d[i] < level
        x, y = d[i] if inside else 0.0, np.inf if inside else d[i]
        highest = x if x > highest else highest
        lowest = y if y < lowest else lowest
    unit = 1.0 / highest if highest > 0.0 else 0.0
    mass, left, first = 0.0, 0.0, 0.0
    for i in range(n):
        x = q[i] if d[i] < level else 0.0
        mass += x
        left += q[i] - x
        first += x * ((highest - d[i]) * unit)
    below = first / mass
    second = 0.0
    for i in range(n):
        x = q[i] if d[i] < level else 0.0
        gap = (highest - d[i]) * unit - below
        second += x * gap * gap
    return mass, left, below, second, highest, lowest


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def solve_row(q: Any, d: Any, spread: float, kappa: float, memory: float) -> tuple[float, float, float, float, float]:
    """Return the value less ``min z``, the level, and highest, below and above of the worst row.

    The row is ``p_i ~ q_i (1 + (1 - d_i / highest - below) / above)`` where ``d_i <= highest``.
    """
    only_least = spread * 1e-300
    level = max(memory * spread, only_least)
    for _ in range(WARM_ROUNDS if memory > 0.0 else 0):
        mass, left, below, squares, highest, lowest = active_moments(q, d, level)
        # (1 + kappa) S_A - 1, in a form that is accurate for the full row and small radii
        c = kappa * mass - left
        if highest == 0.0 and c >= 0.0:
            return 0.0, only_least, 0.0, 0.0, np.inf
        if c <= 0.0:
            break
        above = math.sqrt(squares / (mass * c))
        mean = highest - highest * below
        level = mean + highest * above
        if below < above and level <= lowest:
            return mean - highest * (c * above), level, highest, below, above
    cut = np.inf
    value, highest, below, above = 0.0, 0.0, 0.0, np.inf
    for _ in range(len(q)):
        mass, left, below, squares, highest, _ = active_moments(q, d, cut)
        if highest == 0.0:
            return 0.0, only_least, 0.0, 0.0, np.inf
        # never negative but for rounding, see above
        c = max(kappa * mass - left, 0.0)
        above = math.sqrt(squares / (mass * c))
        mean = highest - highest * below
        level = mean + highest * above
        value = mean - (highest * (c * above) if c > 0.0 else 0.0)
        if below < above:
            break
        # the highest goes; what lies at the level up to rounding stays, it may be nearly all mass
        cut = min(highest, level + 4e-16 * highest)
    return value, level, highest, below, above


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def chi_square_values(
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
    out: Any,
) -> None:
    """Worst payoffs over chi-square balls; ``memory[k]`` is the last level of pair k over its spread."""
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        low, spread, mean = read_row(start, stop, col, q, entry_reward, gamma, V, sign, d)
        value = low + mean
        if radius[k] > 0.0 and spread > TINY:
            value, level, _, _, _ = solve_row(q[start:stop], d[: stop - start], spread, radius[k], memory[k])
            memory[k] = level / spread
            value += low
        out[i] = pair_reward[k] + sign * value


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def chi_square_rows(
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
        row[:] = q[start:stop]
        _, spread, _ = read_row(start, stop, col, q, entry_reward, gamma, V, sign, d)
        if radius[k] > 0.0 and spread > TINY:
            _, _, highest, below, above = solve_row(q[start:stop], d[:n], spread, radius[k], 0.0)
            unit = 1.0 / highest if highest > 0.0 else 0.0
            total = 0.0
            for j in range(n):
                row[j] *= max(1.0 + ((highest - d[j]) * unit - below) / above, 0.0) if d[j] <= highest else 0.0
                total += row[j]
            for j in range(n):
                row[j] /= total
