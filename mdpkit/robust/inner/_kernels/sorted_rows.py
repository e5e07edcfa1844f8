"""Inner problems that walk a row in the order of its payoffs: one pass once the order is known.

Every row is stored in the order its payoffs had last time (`col`, `reward` and one or two columns of numbers are
working copies that move together). Values move little from sweep to sweep, so the pass that computes the payoffs
nearly always finds them in order already, and nothing is left to sort. ``sign`` is 1 for adversarial nature and -1 for
cooperative nature, which minimizes the negated payoffs; everything below minimizes. ``col`` comes as an unsigned view,
which spares Numba its test for negative indices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

EXACT = {"contract", "nsz"}
PATIENCE = 8
"""Shifts per entry before insertion sort gives way to merge sort."""


@njit(cache=True, nogil=True, fastmath=EXACT)
def expectation(
    start: int, stop: int, col: Any, reward: Any, mass: Any, pair_reward: float, gamma: float, V: Any
) -> float:
    """``pair_reward + sum_i mass_i (reward_i + gamma V_i)`` over one row, as the nominal sweep computes it."""
    acc = 0.0
    if len(reward) > 0:
        for j in range(start, stop):
            acc += mass[j] * (reward[j] + gamma * V[col[j]])
        return pair_reward + acc
    for j in range(start, stop):
        acc += mass[j] * V[col[j]]
    return pair_reward + gamma * acc


@njit(cache=True, nogil=True, fastmath=EXACT)
def payoffs(
    start: int, stop: int, col: Any, reward: Any, mass: Any, gamma: float, V: Any, sign: float, z: Any
) -> tuple[float, bool]:
    """``z[i] = sign * (reward + gamma V)`` over one row; return ``sum mass z`` and whether z increases already."""
    acc, last, shuffled = 0.0, -np.inf, False
    if len(reward) > 0:
        for i in range(stop - start):
            x = sign * (reward[start + i] + gamma * V[col[start + i]])
            acc += mass[start + i] * x
            shuffled |= x < last
            z[i] = last = x
        return acc, not shuffled
    scale = sign * gamma
    for i in range(stop - start):
        x = scale * V[col[start + i]]
        acc += mass[start + i] * x
        shuffled |= x < last
        z[i] = last = x
    return acc, not shuffled


@njit(cache=True, nogil=True)
def sort_row(z: Any, col: Any, reward: Any, first: Any, second: Any, start: int, n: int) -> None:
    """Bring one row into increasing order of ``z[:n]``, cheap when it nearly is; ``reward``, ``second`` can be empty.

    All arrays but ``z`` start at ``start`` and are moved along.
    """
    budget = PATIENCE * n
    by_entry, paired = len(reward) > 0, len(second) > 0
    for i in range(1, n):
        key = z[i]
        if z[i - 1] <= key:
            continue
        c, a = col[start + i], first[start + i]
        r = reward[start + i] if by_entry else 0.0
        b = second[start + i] if paired else 0.0
        j = i - 1
        while j >= 0 and z[j] > key:
            z[j + 1] = z[j]
            col[start + j + 1] = col[start + j]
            first[start + j + 1] = first[start + j]
            if by_entry:
                reward[start + j + 1] = reward[start + j]
            if paired:
                second[start + j + 1] = second[start + j]
            j -= 1
        z[j + 1], col[start + j + 1], first[start + j + 1] = key, c, a
        if by_entry:
            reward[start + j + 1] = r
        if paired:
            second[start + j + 1] = b
        budget -= i - j
        if budget < 0:
            order = np.argsort(z[:n], kind="mergesort")
            z[:n] = z[:n][order]
            col[start : start + n] = col[start : start + n][order]
            first[start : start + n] = first[start : start + n][order]
            if by_entry:
                reward[start : start + n] = reward[start : start + n][order]
            if paired:
                second[start : start + n] = second[start : start + n][order]
            return


@njit(cache=True, nogil=True, fastmath=EXACT)
def l1_values(
    row_ptr: Any,
    col: Any,
    q: Any,
    reward: Any,
    pair_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    receiver: int,
    pairs: Any,
    z: Any,
    out: Any,
) -> None:
    """Worst payoffs over L1 balls; ``receiver >= 0`` names the best state of all where any may receive mass."""
    outside = sign * gamma * V[receiver] if receiver >= 0 else np.inf
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        if radius[k] == 0.0:
            out[i] = expectation(start, stop, col, reward, q, pair_reward[k], gamma, V)
            continue
        value, sorted_already = payoffs(start, stop, col, reward, q, gamma, V, sign, z)
        if not sorted_already:
            sort_row(z, col, reward, q, q[:0], start, stop - start)
        best, mass, d = z[0], q[start], stop - start - 1
        if outside < best:
            best, mass = outside, 0.0
        budget = min(0.5 * radius[k], 1.0 - mass)
        while budget > 0.0 and d >= 0:
            moved = min(budget, q[start + d])
            value -= moved * (z[d] - best)
            budget -= moved
            d -= 1
        out[i] = pair_reward[k] + sign * value


@njit(cache=True, nogil=True)
def l1_rows(
    row_ptr: Any,
    col: Any,
    q: Any,
    reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    receiver: int,
    pairs: Any,
    z: Any,
    p: Any,
    extra: Any,
) -> None:
    """Worst rows of the pairs, one after the other in ``p``; ``extra[i]`` is what the implicit receiver gets.

    The arrays are those of the model, not the working copies: sorted afresh, ties never depend on the past.
    """
    first = 0
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        n = stop - start
        payoffs(start, stop, col, reward, q, gamma, V, sign, z)
        rank = np.argsort(z[:n], kind="mergesort")
        for j in range(n):
            p[first + j] = q[start + j]
        best, mass = z[rank[0]], q[start + rank[0]]
        outside = receiver >= 0 and sign * gamma * V[receiver] < best
        if outside:
            best, mass = sign * gamma * V[receiver], 0.0
        budget = min(0.5 * radius[k], 1.0 - mass)
        spent = 0.0
        d = n - 1
        while budget > 0.0 and d >= (0 if outside else 1):
            donor = rank[d]
            moved = min(budget, q[start + donor])
            p[first + donor] -= moved
            spent += moved
            budget -= moved
            d -= 1
        extra[i] = spent if outside else 0.0
        if not outside:
            p[first + rank[0]] += spent
        first += n


@njit(cache=True, nogil=True, fastmath=EXACT)
def interval_values(
    row_ptr: Any,
    col: Any,
    lower: Any,
    room: Any,
    reward: Any,
    pair_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    free: Any,
    pairs: Any,
    z: Any,
    out: Any,
) -> None:
    """Worst payoffs over ``lower <= p <= lower + room``; ``free[k]`` is the mass that ``lower`` leaves to place."""
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        if free[k] == 0.0:
            out[i] = expectation(start, stop, col, reward, lower, pair_reward[k], gamma, V)
            continue
        value, sorted_already = payoffs(start, stop, col, reward, lower, gamma, V, sign, z)
        if not sorted_already:
            sort_row(z, col, reward, lower, room, start, stop - start)
        budget, j = free[k], 0
        while budget > 0.0 and j < stop - start:
            moved = min(budget, room[start + j])
            value += moved * z[j]
            budget -= moved
            j += 1
        out[i] = pair_reward[k] + sign * value


@njit(cache=True, nogil=True)
def interval_rows(
    row_ptr: Any,
    col: Any,
    lower: Any,
    room: Any,
    reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    free: Any,
    pairs: Any,
    z: Any,
    p: Any,
) -> None:
    """Worst rows of the pairs, one after the other in ``p``; arrays of the model, as for `l1_rows`."""
    first = 0
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        n = stop - start
        payoffs(start, stop, col, reward, lower, gamma, V, sign, z)
        rank = np.argsort(z[:n], kind="mergesort")
        for j in range(n):
            p[first + j] = lower[start + j]
        budget, j = free[k], 0
        while budget > 0.0 and j < n:
            moved = min(budget, room[start + rank[j]])
            p[first + rank[j]] += moved
            budget -= moved
            j += 1
        first += n
