"""Worst payoff over weighted L-infinity balls as a function of the radius, piece by piece."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def add(total: Any, term: float) -> None:
    """Add to a sum kept as two doubles, so that taking the same terms out again leaves no residue."""
    high = total[0] + term
    part = high - total[0]
    total[1] += (total[0] - (high - part)) + (term - part)
    total[0] = high


@njit(cache=True, nogil=True)
def curves(
    row_ptr: Any,
    q_all: Any,
    price: Any,
    exhaustion: Any,
    z: Any,
    low: Any,
    giving: Any,
    empty: Any,
    start: Any,
    mass: Any,
    span: Any,
) -> None:
    """Pieces of all pairs, the steepest last, in the form that the joint update reads.

    At radius ``xi`` the states of lowest payoff receive ``xi c_i`` each (``c = price``, one over the weights), those of
    highest payoff give ``min(q_i, xi c_i)``, and one pivot between them balances. As ``xi`` grows, donors run empty (in
    the order ``exhaustion``) and the pivot sinks to its lower bound, becomes a donor, and the next lower receiver
    becomes the pivot: at most ``2 n`` events. Row ``k`` may use places ``2 row_ptr[k]:2 row_ptr[k+1]`` and fills them
    from ``start[k]`` to the end; a piece costs ``2 mass`` of radius and lowers the payoff by ``mass * span``.
    """
    receiving, lost = np.zeros(2), np.zeros(2)
    received, gained = np.zeros(2), np.zeros(2)
    for k in range(len(row_ptr) - 1):
        first, end = row_ptr[k], row_ptr[k + 1]
        n = end - first
        q, c, empties = q_all[first:end], price[first:end], exhaustion[first:end]
        y = z[first:end] - low[k]
        rank = np.argsort(y, kind="mergesort")
        place = 2 * end
        t = n - 1
        pivot = rank[t]
        receiving[:], lost[:], received[:], gained[:] = 0.0, 0.0, 0.0, 0.0
        for j in range(n):
            giving[j], empty[j] = False, False
            if j != pivot:
                add(receiving, c[j])
                add(received, c[j] * y[j])
        n_giving = 0  # donors above the least payoff that still give
        e = 0
        xi, p = 0.0, q[pivot]
        while True:
            while e < n and q[empties[e]] <= xi * c[empties[e]]:
                j = empties[e]
                empty[j] = True
                if giving[j]:
                    add(lost, -c[j])
                    add(gained, -c[j] * y[j])
                    n_giving -= 1 if y[j] > 0.0 else 0
                e += 1
            if y[pivot] <= 0.0 and n_giving == 0:
                break
            rate = (lost[0] - receiving[0]) + (lost[1] - receiving[1])
            sinking = (0.0 if empty[pivot] else -c[pivot]) - rate
            least = 0.0 if empty[pivot] else q[pivot] - xi * c[pivot]
            step_p = max(p - least, 0.0) / sinking if sinking > 0.0 and t > 0 else np.inf
            step_e = np.inf
            if e < n:
                step_e = max(q[empties[e]] / c[empties[e]] - xi, 0.0)
            step = min(step_p, step_e)
            if step == np.inf:
                break
            slope = ((gained[0] - y[pivot] * lost[0]) + (gained[1] - y[pivot] * lost[1])) + (
                (y[pivot] * receiving[0] - received[0]) + (y[pivot] * receiving[1] - received[1])
            )
            if step > 0.0 and slope > 0.0:
                place -= 1
                mass[place] = 0.5 * step
                span[place] = 2.0 * slope
            p += rate * step
            if step_p <= step_e:
                xi += step
                if not empty[pivot]:
                    giving[pivot] = True
                    add(lost, c[pivot])
                    add(gained, c[pivot] * y[pivot])
                    n_giving += 1 if y[pivot] > 0.0 else 0
                t -= 1
                pivot = rank[t]
                add(receiving, -c[pivot])
                add(received, -c[pivot] * y[pivot])
                if t == 0:
                    receiving[:], received[:] = 0.0, 0.0
                p = q[pivot] + xi * c[pivot]
            else:
                j = empties[e]
                # exactly, so that it is empty now whatever rounding did to xi
                xi = max(xi + step, q[j] / c[j])
                empty[j] = True
                if giving[j]:
                    add(lost, -c[j])
                    add(gained, -c[j] * y[j])
                    n_giving -= 1 if y[j] > 0.0 else 0
                e += 1
        start[k] = place


@njit(cache=True, nogil=True)
def rows(row_ptr: Any, radius: Any, price: Any, z: Any, p: Any) -> None:
    """Worst rows at the given radii (one per pair); ``p`` holds the nominal rows before."""
    for k in range(len(row_ptr) - 1):
        if radius[k] <= 0.0:
            continue
        first, end = row_ptr[k], row_ptr[k + 1]
        rank = np.argsort(z[first:end], kind="mergesort")
        room, left = 0.0, 0.0
        front, back = 0, end - first - 1
        receiver, donor = first + rank[front], first + rank[back]
        room = radius[k] * price[receiver]
        left = min(p[donor], radius[k] * price[donor])
        while front < back:
            moved = min(room, left)
            p[receiver] += moved
            p[donor] -= moved
            room -= moved
            left -= moved
            if left <= 0.0:
                back -= 1
                donor = first + rank[back]
                left = min(p[donor], radius[k] * price[donor])
            else:
                front += 1
                receiver = first + rank[front]
                room = radius[k] * price[receiver]
