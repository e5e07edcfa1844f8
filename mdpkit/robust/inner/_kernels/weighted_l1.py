"""Inner problems of weighted L1 balls: an exact sweep over the price of deviation.

For a price ``lam`` per unit of deviation, mass moved away from ``i`` goes to the member ``a`` of the lower envelope
``m(lam) = min_j z_j + lam w_j``, and leaves ``i`` if ``z_i - m(lam) > lam w_i``. As the price falls, receivers become
worse and heavier, and donors join in decreasing order of ``(z_i - z_a) / (w_i + w_a)``; the price at which the
deviation reaches the radius is optimal. The envelope needs the successors by weight, an order that never changes;
the donors' order is kept between sweeps, because it hardly changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

PATIENCE = 8
"""Shifts per entry before insertion sort gives way to merge sort."""


@njit(cache=True, nogil=True)
def sort_row(key: Any, order: Any, n: int) -> None:
    """Bring ``order[:n]`` into increasing order of ``key``; cheap when it nearly is."""
    budget = PATIENCE * n
    for i in range(1, n):
        item = order[i]
        x = key[item]
        j = i - 1
        while j >= 0 and key[order[j]] > x:
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = item
        budget -= i - 1 - j
        if budget < 0:
            order[:n] = np.argsort(key[:n], kind="mergesort")
            return


@njit(cache=True, nogil=True)
def envelope(z: Any, w: Any, light: Any, n: int, hull: Any) -> int:
    """Write the members of ``min_j z_j + lam w_j`` from the lightest to the worst; return how many they are."""
    h = 0
    for i in range(n):
        c = light[i]
        if h > 0 and z[c] >= z[hull[h - 1]]:
            continue
        while h > 0:
            b = hull[h - 1]
            if w[b] < w[c]:
                if h == 1:
                    break
                a = hull[h - 2]
                # b stays only if it takes over from a at a higher price than c from b
                if (z[a] - z[b]) * (w[c] - w[b]) > (z[b] - z[c]) * (w[b] - w[a]):
                    break
            h -= 1
        hull[h] = c
        h += 1
    return h


@njit(cache=True, nogil=True)
def handover(z: Any, w: Any, hull: Any, h: int, e: int) -> float:
    """Price at which the receiver ``hull[e]`` gives way to the next one."""
    if e == h - 1:
        return 0.0
    price: float = (z[hull[e]] - z[hull[e + 1]]) / (w[hull[e + 1]] - w[hull[e]])
    return price


@njit(cache=True, nogil=True)
def deviation(z: Any, w: Any, q: Any, n: int, a: int, price: float) -> tuple[float, float]:
    """Deviation, and mass moved, when all that leave at this price go to ``a``."""
    spent, mass = 0.0, 0.0
    for i in range(n):
        if z[i] - z[a] > price * (w[i] + w[a]):
            spent += q[i] * (w[i] + w[a])
            mass += q[i]
    return spent, mass


@njit(cache=True, nogil=True)
def worst_row(
    z: Any, w: Any, q: Any, n: int, kappa: float, light: Any, order: Any, hull: Any, key: Any, p: Any
) -> None:
    """Write a minimizer of ``p.z`` over ``sum w |p - q| <= kappa`` to ``p``."""
    for i in range(n):
        p[i] = q[i]
    h = envelope(z, w, light, n, hull)
    low, high = 0, h
    while low < high:
        # find the first receiver whose prices exhaust the radius
        middle = (low + high) // 2
        spent, _ = deviation(z, w, q, n, hull[middle], handover(z, w, hull, h, middle))
        if spent >= kappa:
            high = middle
        else:
            low = middle + 1
    if low == h:
        a = hull[h - 1]
        for i in range(n):
            if z[i] > z[a]:
                p[a] += p[i]
                p[i] = 0.0
        return
    a = hull[low]
    spent, gone, before, price = 0.0, 0.0, a, np.inf
    if low > 0:
        before = hull[low - 1]
        price = handover(z, w, hull, h, low - 1)
        spent, gone = deviation(z, w, q, n, before, price)
        for i in range(n):
            if z[i] - z[before] > price * (w[i] + w[before]):
                p[i] = 0.0
        dearer = gone * (w[a] - w[before])
        if spent + dearer >= kappa:
            share = (kappa - spent) / dearer
            p[a] += share * gone
            p[before] += (1.0 - share) * gone
            return
        p[a] += gone
        spent += dearer
    for i in range(n):
        if low > 0 and z[i] - z[before] > price * (w[i] + w[before]):
            key[i] = np.inf
        else:
            key[i] = (z[i] - z[a]) / (w[i] + w[a])
    sort_row(key, order, n)
    j = n - 1
    while j >= 0 and key[order[j]] > 0.0 and spent < kappa:
        i = order[j]
        j -= 1
        if key[i] == np.inf or i == a:
            continue
        moved = min(q[i], (kappa - spent) / (w[i] + w[a]))
        p[i] -= moved
        p[a] += moved
        spent += moved * (w[i] + w[a])


@njit(cache=True, nogil=True)
def values(
    row_ptr: Any,
    col: Any,
    q: Any,
    w: Any,
    reward: Any,
    pair_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    pairs: Any,
    light: Any,
    order: Any,
    hull: Any,
    scratch: Any,
    out: Any,
) -> None:
    """Worst payoffs over weighted L1 balls; ``scratch`` has three rows as long as the longest row of the model."""
    z, key, p = scratch[0], scratch[1], scratch[2]
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        n = stop - start
        for j in range(n):
            z[j] = sign * gamma * V[col[start + j]]
        if len(reward) > 0:
            for j in range(n):
                z[j] += sign * reward[start + j]
        mass = q[start:stop]
        if radius[k] > 0.0:
            worst_row(z, w[start:stop], mass, n, radius[k], light[start:stop], order[start:stop], hull, key, p)
            mass = p
        acc = 0.0
        for j in range(n):
            acc += mass[j] * z[j]
        out[i] = pair_reward[k] + sign * acc


@njit(cache=True, nogil=True)
def rows(
    row_ptr: Any,
    col: Any,
    q: Any,
    w: Any,
    reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    pairs: Any,
    light: Any,
    hull: Any,
    scratch: Any,
    p: Any,
) -> None:
    """Worst rows of the pairs, one after the other in ``p``; the donors' order starts afresh."""
    z, key = scratch[0], scratch[1]
    first = 0
    for i in range(len(pairs)):
        k = pairs[i]
        start, stop = row_ptr[k], row_ptr[k + 1]
        n = stop - start
        for j in range(n):
            z[j] = sign * gamma * V[col[start + j]]
            p[first + j] = q[start + j]
        if len(reward) > 0:
            for j in range(n):
                z[j] += sign * reward[start + j]
        if radius[k] > 0.0:
            order = np.arange(n).astype(np.int32)
            row = p[first : first + n]
            worst_row(z, w[start:stop], q[start:stop], n, radius[k], light[start:stop], order, hull, key, row)
        first += n
