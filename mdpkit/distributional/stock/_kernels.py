"""Sweeps over states and a stock grid, on flat arrays. A cached kernel calls only kernels of this file.

State ``s`` owns the pairs ``state_ptr[s]:state_ptr[s+1]`` and pair ``k`` the outcomes ``pair_ptr[k]:pair_ptr[k+1]``.
From grid point ``i``, outcome ``j`` leads to the position ``shift[j] + i * scale`` on the grid (in steps); for the
``i`` in ``first[j]:last[j]`` that lies inside, and everywhere else its contribution is already part of ``base[k, i]``.
``prob`` carries the factor alpha. Modes: 0 interpolates, 1 takes the grid point below, 2 the one above.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

SNAP = 1e-9
"""Positions this close to a grid point count as on it, so that closed lattices stay closed."""


@njit(cache=True, nogil=True)
def pair_values(
    k: int,
    pair_ptr: Any,
    prob: Any,
    shift: Any,
    first: Any,
    last: Any,
    successor: Any,
    scale: float,
    base: Any,
    V: Any,
    mode: int,
    q: Any,
) -> None:
    """``q[i] = base[k, i] + sum_j prob[j] V(successor[j], next stock)``."""
    q[:] = base[k]
    for j in range(pair_ptr[k], pair_ptr[k + 1]):
        p, a, begin, end = prob[j], shift[j], first[j], last[j]
        row = V[successor[j]]
        if mode == 0:
            for i in range(begin, end):
                x = a + i * scale
                l = np.uint32(x)  # noqa: E741
                q[i] += p * (row[l] + (x - l) * (row[l + 1] - row[l]))
        elif mode == 1:
            for i in range(begin, end):
                q[i] += p * row[np.uint32(a + i * scale + SNAP)]
        else:
            for i in range(begin, end):
                q[i] += p * row[np.uint32(a + i * scale - SNAP + 1.0)]


@njit(cache=True, nogil=True)
def sweep(
    state_ptr: Any,
    pair_ptr: Any,
    prob: Any,
    shift: Any,
    first: Any,
    last: Any,
    successor: Any,
    scale: float,
    base: Any,
    V: Any,
    mode: int,
    low: int,
    high: int,
    W: Any,
) -> float:
    """``W = B V`` on the grid points ``low:high``; return the largest change. The others of `W` are left alone."""
    q = np.empty(V.shape[1])
    largest = 0.0
    for s in range(len(state_ptr) - 1):
        best = W[s]
        for k in range(state_ptr[s], state_ptr[s + 1]):
            pair_values(k, pair_ptr, prob, shift, first, last, successor, scale, base, V, mode, q)
            if k == state_ptr[s]:
                best[low:high] = q[low:high]
            else:
                for i in range(low, high):
                    best[i] = max(best[i], q[i])
        for i in range(low, high):
            largest = max(largest, abs(best[i] - V[s, i]))
    return largest


@njit(cache=True, nogil=True)
def greedy(
    state_ptr: Any,
    pair_ptr: Any,
    prob: Any,
    shift: Any,
    first: Any,
    last: Any,
    successor: Any,
    scale: float,
    base: Any,
    V: Any,
    mode: int,
    low: int,
    high: int,
    tie: float,
    choice: Any,
) -> int:
    """Pick pairs greedy for `V`; a pair within the tie of the best is kept, else the lowest such; count the changes.

    A `choice` of -1 says that there is none to keep.
    """
    widest = 0
    for s in range(len(state_ptr) - 1):
        widest = max(widest, state_ptr[s + 1] - state_ptr[s])
    q = np.empty((widest, V.shape[1]))
    changes = 0
    for s in range(len(state_ptr) - 1):
        start, n = state_ptr[s], state_ptr[s + 1] - state_ptr[s]
        for k in range(n):
            pair_values(start + k, pair_ptr, prob, shift, first, last, successor, scale, base, V, mode, q[k])
        for i in range(low, high):
            best = q[0, i]
            for k in range(1, n):
                best = max(best, q[k, i])
            enough = best - tie * (1.0 + abs(best))
            old = choice[s, i]
            if old >= 0 and q[old - start, i] >= enough:
                continue
            for k in range(n):
                if q[k, i] >= enough:
                    choice[s, i] = start + k
                    break
            changes += 1
    return changes


@njit(cache=True, nogil=True)
def policy_sweep(
    pair_ptr: Any,
    prob: Any,
    shift: Any,
    first: Any,
    last: Any,
    successor: Any,
    scale: float,
    base: Any,
    V: Any,
    mode: int,
    low: int,
    high: int,
    choice: Any,
    W: Any,
) -> float:
    """``W = B_pi V`` on the grid points ``low:high`` for the pairs in `choice`; return the largest change."""
    largest = 0.0
    for s in range(len(V)):
        for i in range(low, high):
            k = choice[s, i]
            total = base[k, i]
            for j in range(pair_ptr[k], pair_ptr[k + 1]):
                if first[j] <= i < last[j]:
                    x = shift[j] + i * scale
                    row = V[successor[j]]
                    if mode == 0:
                        l = np.uint32(x)  # noqa: E741
                        total += prob[j] * (row[l] + (x - l) * (row[l + 1] - row[l]))
                    elif mode == 1:
                        total += prob[j] * row[np.uint32(x + SNAP)]
                    else:
                        total += prob[j] * row[np.uint32(x - SNAP + 1.0)]
            largest = max(largest, abs(total - V[s, i]))
            W[s, i] = total
    return largest
