"""Inner problems of Wasserstein balls: mass slides down convex hulls, the steepest pieces of a row first.

From state ``i`` mass at distance ``d`` can reach payoffs down to the lower convex hull of the points
``(D[i, j], z[j])``. A hull is a list of states, from the best payoff at distance 0 downwards; its edges get flatter
along the way, so a row spends its radius by taking the steepest next edge of all its sources, which a heap keeps at
hand.
"""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def hull_of(distance: Any, near: Any, z: Any, hull: Any) -> int:
    """Write the states of the lower convex hull of ``(distance, z)`` to ``hull``; ``near`` sorts by distance."""
    hull[0] = near[0]
    h = 1
    for i in range(1, len(near)):
        c = near[i]
        if z[c] >= z[hull[h - 1]]:
            continue
        while h > 0:
            b = hull[h - 1]
            if distance[b] < distance[c]:
                if h == 1:
                    break
                a = hull[h - 2]
                # b stays only if the way down to it is steeper than the way on from it
                to_b, to_c = distance[b] - distance[a], distance[c] - distance[b]
                if (z[b] - z[a]) * to_c < (z[c] - z[b]) * to_b:
                    break
            h -= 1
        hull[h] = c
        h += 1
    return h


@njit(cache=True, nogil=True)
def pack(distance: Any, near: Any, z: Any, hull: Any, vertex: Any, length: Any, slope: Any, place: int) -> int:
    """Append a hull, vertex by vertex with the edge that leaves it (slope 0: none does); return where it ends.

    Hulls are short, so that side by side they stay in fast memory.
    """
    h = hull_of(distance, near, z, hull)
    for e in range(h):
        vertex[place + e] = hull[e]
        slope[place + e], length[place + e] = 0.0, 0.0
        if e + 1 < h:
            along = distance[hull[e + 1]] - distance[hull[e]]
            length[place + e], slope[place + e] = along, (z[hull[e + 1]] - z[hull[e]]) / along
    return place + h


@njit(cache=True, nogil=True)
def sift_down(heap: Any, slope: Any, size: int, i: int) -> None:
    """Restore the heap whose root is the steepest slope (the first source among equals) below position ``i``."""
    item = heap[i]
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        c, other = heap[child], heap[min(child + 1, size - 1)]
        if slope[other] < slope[c] or (slope[other] == slope[c] and other < c):
            child += 1
            c = other
        if slope[item] < slope[c] or (slope[item] == slope[c] and item < c):
            break
        heap[i] = c
        i = child
    heap[i] = item


@njit(cache=True, nogil=True)
def spend(q: Any, length: Any, slope: Any, kappa: float, heap: Any, steep: Any, at: Any, n: int) -> tuple[int, float]:
    """Move one row: source ``i`` starts and ends at the packed vertex ``at[i]``.

    Returns the source that is split (or -1) and the mass of it that stays one vertex before.
    """
    size = 0
    for i in range(n):
        steep[i] = slope[at[i]]
        if steep[i] < 0.0:
            heap[size] = i
            size += 1
    for i in range(size // 2 - 1, -1, -1):
        sift_down(heap, steep, size, i)
    budget = kappa
    while size > 0 and budget > 0.0:
        i = heap[0]
        along = length[at[i]]
        at[i] += 1
        if q[i] * along >= budget:
            return i, q[i] - budget / along
        budget -= q[i] * along
        steep[i] = slope[at[i]]
        if steep[i] == 0.0:
            size -= 1
            heap[0] = heap[size]
        if size > 0:
            sift_down(heap, steep, size, 0)
    return -1, 0.0


@njit(cache=True, nogil=True)
def move(
    row_ptr: Any,
    col: Any,
    q: Any,
    D: Any,
    near: Any,
    reward: Any,
    pair_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    radius: Any,
    certain: Any,
    pairs: Any,
    first_vertex: Any,
    vertex: Any,
    length: Any,
    slope: Any,
    hull: Any,
    heap: Any,
    steep: Any,
    at: Any,
    z: Any,
    out: Any,
    target: Any,
    mass: Any,
) -> None:
    """Worst payoffs of the pairs and, if ``target`` has room for them, the rows: one entry per source and one more.

    ``reward`` is ``(N, S)`` or empty. Without it the hulls of a state serve all pairs and are computed once.
    """
    by_entry = len(reward) > 0
    want_rows = len(target) > 0
    end = 0
    if not by_entry:
        for j in range(len(V)):
            z[j] = sign * gamma * V[j]
        for s in range(len(V)):
            first_vertex[s] = end
            end = pack(D[s], near[s], z, hull, vertex, length, slope, end)
    place = 0
    for i in range(len(pairs)):
        k = pairs[i]
        start, n = row_ptr[k], row_ptr[k + 1] - row_ptr[k]
        split, stays = -1, 0.0
        if by_entry:
            for j in range(len(V)):
                z[j] = sign * (reward[k, j] + gamma * V[j])
        if not certain[k]:
            end = 0
            for j in range(n):
                s = col[start + j]
                if by_entry:
                    at[j] = end
                    end = pack(D[s], near[s], z, hull, vertex, length, slope, end)
                else:
                    at[j] = first_vertex[s]
            split, stays = spend(q[start : start + n], length, slope, radius[k], heap, steep, at, n)
        acc = 0.0
        for j in range(n):
            to = col[start + j] if certain[k] else vertex[at[j]]
            moved = q[start + j]
            if j == split:
                moved -= stays
                before = vertex[at[j] - 1]
                acc += stays * z[before]
                if want_rows:
                    target[place], mass[place] = before, stays
                    place += 1
            acc += moved * z[to]
            if want_rows:
                target[place], mass[place] = to, moved
                place += 1
        if want_rows and split < 0:
            target[place], mass[place] = col[start], 0.0
            place += 1
        out[i] = pair_reward[k] + sign * acc
