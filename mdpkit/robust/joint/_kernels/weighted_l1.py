"""Worst payoff over weighted L1 balls as a function of the radius, piece by piece."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def envelope(y: Any, w: Any, rank: Any, member: Any, since: Any) -> int:
    """Write the lines of ``min_j y_j + lam w_j``, ``lam >= 0``, and from which ``lam`` on each is least; count them."""
    size = 0
    for j in rank:
        if size > 0 and w[j] >= w[member[size - 1]]:
            continue
        begin = 0.0
        while size > 0:
            last = member[size - 1]
            begin = (y[j] - y[last]) / (w[last] - w[j])
            if begin > since[size - 1]:
                break
            size -= 1
            begin = 0.0
        member[size] = j
        since[size] = begin if size > 0 else 0.0
        size += 1
    return size


@njit(cache=True, nogil=True)
def crossing(y: Any, w: Any, i: int, member: Any, since: Any, size: int) -> Any:
    """Return the multiplier below which ``i`` gives its mass away: where ``y_i - lam w_i`` meets the envelope."""
    left, right = 0, size
    while right - left > 1:
        middle = (left + right) // 2
        lam = since[middle]
        if y[i] - lam * w[i] > y[member[middle]] + lam * w[member[middle]]:
            left = middle
        else:
            right = middle
    j = member[left]
    return (y[i] - y[j]) / (w[i] + w[j])


@njit(cache=True, nogil=True)
def curves(
    row_ptr: Any,
    q: Any,
    w_all: Any,
    z: Any,
    low: Any,
    member: Any,
    since: Any,
    lam: Any,
    start: Any,
    mass: Any,
    span: Any,
    source: Any,
    target: Any,
    amount: Any,
) -> None:
    """Pieces of all pairs, the steepest last, in the form that the joint update reads.

    Row ``k`` may use places ``2 row_ptr[k]:2 row_ptr[k+1]`` and fills them from ``start[k]`` to the end. A piece moves
    up to ``amount`` of mass from ``source`` to ``target``; all of it costs ``2 mass`` of the radius and lowers the
    payoff by ``mass * span``. Going down in the multiplier ``lam``, either a donor joins and gives its mass to the
    current receiver, or all that was received moves on to the next receiver, of lower payoff and larger weight.
    """
    for k in range(len(row_ptr) - 1):
        first, end = row_ptr[k], row_ptr[k + 1]
        n = end - first
        y = z[first:end] - low[k]
        w = w_all[first:end]
        rank = np.argsort(y, kind="mergesort")
        size = envelope(y, w, rank, member, since)
        for i in range(n):
            lam[i] = 0.0
            if q[first + i] > 0.0 and y[i] > 0.0:
                lam[i] = crossing(y, w, i, member, since, size)
        donors = np.argsort(-lam[:n], kind="mergesort")
        place = 2 * end
        now = size - 1
        received = 0.0
        d = 0
        while True:
            donor = donors[d] if d < n else -1
            joins = lam[donor] if donor >= 0 else 0.0
            moves = since[now] if now > 0 else 0.0
            if joins <= 0.0 and moves <= 0.0:
                break
            place -= 1
            if joins >= moves:
                i, j = donor, member[now]
                amount[place] = q[first + i]
                mass[place] = 0.5 * amount[place] * (w[i] + w[j])
                span[place] = 2.0 * joins
                received += q[first + i]
                d += 1
            else:
                i, j = member[now], member[now - 1]
                amount[place] = received
                mass[place] = 0.5 * received * (w[j] - w[i])
                span[place] = 2.0 * moves
                now -= 1
            source[place] = i
            target[place] = j
        start[k] = place


@njit(cache=True, nogil=True)
def rows(row_ptr: Any, start: Any, mass: Any, taken: Any, source: Any, target: Any, amount: Any, p: Any) -> None:
    """Move mass in ``p`` piece by piece, as far as ``taken`` says that a piece is used."""
    for k in range(len(row_ptr) - 1):
        first = row_ptr[k]
        for piece in range(2 * row_ptr[k + 1] - 1, start[k] - 1, -1):
            if taken[piece] <= 0.0:
                continue
            moved = amount[piece] * (taken[piece] / mass[piece])
            p[first + source[piece]] = max(p[first + source[piece]] - moved, 0.0)
            p[first + target[piece]] += moved
