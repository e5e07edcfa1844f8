"""Joint updates where the worst payoff of every pair is convex and piecewise linear in its budget.

Such a curve is a row of *donors*: donor ``i`` offers ``mass[i]`` whose transport lowers the payoff by ``z[i] - low``
per unit and costs two units of budget. For L1 balls donors are successors; other families write their curves in this
form. The best donors have the largest ``z``. ``rank`` orders a row by increasing ``z`` and persists between sweeps, in
which it hardly changes; only rows whose mean exceeds the value of their state are ordered at all. Where ``shared`` is
true, one ``z`` and one (already increasing) ``rank`` serve all rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

PATIENCE = 8
"""Shifts per entry before insertion sort gives way to merge sort."""

ROUNDING = 2.0**-50
"""Relative differences of payoffs that count as none."""


@njit(cache=True, nogil=True)
def sort_row(z: Any, rank: Any) -> None:
    """Bring ``rank`` into increasing order of ``z``; cheap when it nearly is."""
    n = len(rank)
    patience = PATIENCE * n
    for i in range(1, n):
        item = rank[i]
        key = z[item]
        j = i - 1
        if z[rank[j]] <= key:
            continue
        while j >= 0 and z[rank[j]] > key:
            rank[j + 1] = rank[j]
            j -= 1
            patience -= 1
        rank[j + 1] = item
        if patience < 0:
            rank[:] = np.argsort(z, kind="mergesort")
            return


@njit(cache=True, nogil=True)
def least_budget(need: float, mass: Any, z: Any, rank: Any, low: float) -> Any:
    """Return the least budget that lowers a payoff by ``need``, and its derivative.

    At a knot the derivative is that of the segment with the smaller need.
    """
    spent, price = 0.0, 0.0
    for d in range(len(rank) - 1, -1, -1):
        donor = rank[d]
        span = z[donor] - low
        if span <= 0.0:
            break
        moved = mass[donor]
        if moved <= 0.0:
            continue
        price = 2.0 / span
        if need <= moved * span:
            return spent + need * price, price
        need -= moved * span
        spent += 2.0 * moved
    return spent, price


@njit(cache=True, nogil=True)
def total_budget(
    u: float,
    first: int,
    last: int,
    start: Any,
    stop: Any,
    mass: Any,
    z: Any,
    order: Any,
    shared: bool,
    low: Any,
    top: Any,
    ready: Any,
    prices: Any,
) -> Any:
    """Budget of a state for bringing all its actions down to ``u``, and minus its derivative, also action by action."""
    spent, slope = 0.0, 0.0
    for k in range(first, last):
        prices[k] = 0.0
        need = top[k] - u
        if need > 0.0:
            i, j = start[k], stop[k]
            if shared:
                used, price = least_budget(need, mass[i:j], z, order, low[k])
            else:
                if not ready[k]:
                    sort_row(z[i:j], order[i:j])
                    ready[k] = True
                used, price = least_budget(need, mass[i:j], z[i:j], order[i:j], low[k])
            spent += used
            slope += price
            prices[k] = price
    return spent, slope


@njit(cache=True, nogil=True)
def joint_values(
    ptr: Any,
    budget: Any,
    start: Any,
    stop: Any,
    mass: Any,
    z: Any,
    order: Any,
    shared: bool,
    low: Any,
    bottom: Any,
    top: Any,
    share: Any,
    ready: Any,
    values: Any,
    weights: Any,
) -> None:
    """Value and optimal weights of every group: Newton's method on a convex piecewise linear function.

    From the left it climbs from segment to segment and ends on the root exactly; from the right its first step lands on
    the left. ``share`` (where the value lay between its bounds) makes the first guess nearly always the last segment.
    """
    ready[:] = False
    for g in range(len(budget)):
        first, last = ptr[g], ptr[g + 1]
        floor, greedy, pieces = first, first, 0
        for k in range(first, last):
            pieces += stop[k] - start[k]
            if bottom[k] > bottom[floor]:
                floor = k
            if top[k] > top[greedy]:
                greedy = k
        lo, hi = bottom[floor], top[greedy]
        alone = -1
        u = hi
        if budget[g] <= 0.0 or hi <= lo:
            alone = greedy if budget[g] <= 0.0 else floor
            u = hi if budget[g] <= 0.0 else lo
            weights[first:last] = 0.0
        else:
            u = min(lo + share[g] * (hi - lo), hi)
            last_slope, climbing = -1.0, False
            slope = 0.0
            # one step per segment at most, one from the right, one to see that it is over
            for _ in range(pieces + 3):
                spent, slope = total_budget(
                    u, first, last, start, stop, mass, z, order, shared, low, top, ready, weights
                )
                excess = spent - budget[g]
                if excess <= 0.0 and u <= lo:
                    alone = floor
                    break
                if slope == last_slope or (climbing and excess <= 0.0):
                    break
                target = u + excess / slope if slope > 0.0 else lo
                if climbing and target <= u:
                    break
                climbing = target > lo
                last_slope = slope
                u = min(max(target, lo), hi)
            if alone < 0 and slope <= 0.0:
                alone = greedy
            if alone < 0:
                for k in range(first, last):
                    weights[k] /= slope
            share[g] = (u - lo) / (hi - lo)
        if alone >= 0:
            weights[first:last] = 0.0
            weights[alone] = 1.0
        values[g] = u


@njit(cache=True, nogil=True)
def sift(heap: Any, size: int, key: Any, i: int) -> None:
    """Let the pair at place ``i`` sink until no child has a larger key, or an equal key and a smaller number."""
    while True:
        best = i
        for child in (2 * i + 1, 2 * i + 2):
            if child < size:
                a, b = heap[child], heap[best]
                if key[a] > key[b] or (key[a] == key[b] and a < b):
                    best = child
        if best == i:
            return
        heap[i], heap[best] = heap[best], heap[i]
        i = best


@njit(cache=True, nogil=True)
def spend(
    ptr: Any,
    budget: Any,
    start: Any,
    stop: Any,
    mass: Any,
    z: Any,
    order: Any,
    shared: bool,
    low: Any,
    top: Any,
    weights: Any,
    heap: Any,
    cursor: Any,
    key: Any,
    values: Any,
    taken: Any,
) -> None:
    """Least weighted payoff of every state under fixed weights: the steepest donors of all actions first.

    With ``taken`` (as long as ``mass``, or empty) it also notes what every donor gives, and then orders rows afresh, so
    that ties do not depend on the past.
    """
    for s in range(len(budget)):
        value, size = 0.0, 0
        for k in range(ptr[s], ptr[s + 1]):
            if weights[k] <= 0.0:
                continue
            value += weights[k] * top[k]
            i, j = start[k], stop[k]
            if j == i:
                continue
            if not shared:
                if len(taken) > 0:
                    order[i:j] = np.argsort(z[i:j], kind="mergesort")
                else:
                    sort_row(z[i:j], order[i:j])
            cursor[k] = j - i - 1
            donor = order[j - i - 1] if shared else order[j - 1]
            key[k] = weights[k] * ((z[donor] if shared else z[i + donor]) - low[k])
            heap[size] = k
            size += 1
        for i in range(size // 2 - 1, -1, -1):
            sift(heap, size, key, i)
        left = 0.5 * budget[s]
        while size > 0 and left > 0.0:
            k = heap[0]
            if key[k] <= 0.0:
                break
            i = start[k]
            place = cursor[k]
            donor = order[place] if shared else order[i + place]
            moved = min(left, mass[i + donor])
            value -= moved * key[k]
            left -= moved
            if len(taken) > 0:
                taken[i + donor] = moved
            place -= 1
            cursor[k] = place
            if place >= 0:
                donor = order[place] if shared else order[i + place]
                key[k] = weights[k] * ((z[donor] if shared else z[i + donor]) - low[k])
            else:
                size -= 1
                heap[0] = heap[size]
            sift(heap, size, key, 0)
        values[s] = value


@njit(cache=True, nogil=True)
def reach(
    level: Any, start: Any, stop: Any, mass: Any, z: Any, order: Any, shared: bool, low: Any, top: Any, taken: Any
) -> None:
    """Note what the donors of every pair give when its payoff is lowered to ``level[k]`` at the least budget."""
    for k in range(len(level)):
        need = top[k] - level[k]
        # What rounding leaves of the need must not be chased with donors whose payoffs hardly differ from the floor.
        done = ROUNDING * max(abs(top[k]), abs(level[k]))
        if need <= done:
            continue
        i, j = start[k], stop[k]
        if not shared:
            order[i:j] = np.argsort(z[i:j], kind="mergesort")
        for place in range(j - i - 1, -1, -1):
            donor = order[place] if shared else order[i + place]
            span = (z[donor] if shared else z[i + donor]) - low[k]
            if span <= 0.0 or need <= done:
                break
            moved = min(mass[i + donor], need / span)
            taken[i + donor] = moved
            need -= moved * span
