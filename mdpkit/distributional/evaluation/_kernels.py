"""Compiled sweeps of laws with a fixed number of parameters, one row per state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def categorical_sweep(
    ptr: Any,
    prob: Any,
    successor: Any,
    kind: Any,
    left: Any,
    weight: Any,
    gap: Any,
    eta: Any,
    out: Any,
) -> float:
    """Set ``out`` to the projected backup of ``eta`` and return the largest W1 distance between their rows.

    Outcome ``j`` sends atom ``i`` to grid points ``left[kind[j], i]`` and the next, the latter with share ``weight``.
    """
    n_states, n_atoms = eta.shape
    worst = 0.0
    for s in range(n_states):
        for i in range(n_atoms):
            out[s, i] = 0.0
        for j in range(ptr[s], ptr[s + 1]):
            p = prob[j]
            origin = successor[j]
            r = kind[j]
            # Atoms arrive in increasing order: what goes to the same cell is added up in registers, not in memory.
            cell = left[r, 0]
            low = 0.0
            high = 0.0
            for i in range(n_atoms):
                mass = p * eta[origin, i]
                if left[r, i] != cell:
                    out[s, cell] += low
                    out[s, cell + 1] += high
                    cell = left[r, i]
                    low = 0.0
                    high = 0.0
                share = mass * weight[r, i]
                high += share
                low += mass - share
            out[s, cell] += low
            out[s, cell + 1] += high
        drift = 0.0
        change = 0.0
        for i in range(n_atoms - 1):
            drift += out[s, i] - eta[s, i]
            change += abs(drift) * gap[i]
        worst = max(worst, change)
    return worst


@njit(cache=True, nogil=True)
def projection_cost(ptr: Any, prob: Any, successor: Any, kind: Any, cost: Any, eta: Any, out: Any) -> None:
    """Set ``out[s]`` to the mass times distance that projecting the backup of state ``s`` moves."""
    for s in range(len(ptr) - 1):
        total = 0.0
        for j in range(ptr[s], ptr[s + 1]):
            moved = 0.0
            for i in range(eta.shape[1]):
                moved += eta[successor[j], i] * cost[kind[j], i]
            total += prob[j] * moved
        out[s] = total


@njit(cache=True, nogil=True)
def merge_runs(x: Any, p: Any, x_out: Any, p_out: Any, n: int, width: int) -> None:
    """Merge neighboring sorted runs of `width` entries, two by two."""
    for begin in range(0, n, 2 * width):
        middle = min(begin + width, n)
        end = min(begin + 2 * width, n)
        i = begin
        j = middle
        for k in range(begin, end):
            if i < middle and (j >= end or x[i] <= x[j]):
                x_out[k] = x[i]
                p_out[k] = p[i]
                i += 1
            else:
                x_out[k] = x[j]
                p_out[k] = p[j]
                j += 1


@njit(cache=True, nogil=True)
def quantile_sweep(
    ptr: Any,
    prob: Any,
    reward: Any,
    successor: Any,
    gamma: float,
    theta: Any,
    out: Any,
    distance: Any,
) -> float:
    """Set ``out`` to the mid-quantiles of the backup of ``theta``, rows nondecreasing, and return the largest change.

    ``distance[s]`` becomes the W1 distance between the backup and its ``m`` quantiles.
    """
    n_states, m = theta.shape
    widest = 0
    for s in range(n_states):
        widest = max(widest, ptr[s + 1] - ptr[s])
    x = np.empty(widest * m)
    p = np.empty(widest * m)
    x_other = np.empty(widest * m)
    p_other = np.empty(widest * m)
    worst = 0.0
    for s in range(n_states):
        n = 0
        for j in range(ptr[s], ptr[s + 1]):
            for i in range(m):
                x[n] = reward[j] + gamma * theta[successor[j], i]
                p[n] = prob[j] / m
                n += 1
        # Every outcome brings a sorted run.
        width = m
        while width < n:
            merge_runs(x, p, x_other, p_other, n, width)
            x, x_other = x_other, x
            p, p_other = p_other, p
            width *= 2
        k = 0
        reached = p[0]
        for i in range(m):
            # Levels often coincide with sums of probabilities, which carry rounding errors.
            level = (2 * i + 1) / (2 * m) - 1e-12
            while reached < level and k < n - 1:
                k += 1
                reached += p[k]
            out[s, i] = x[k]
            worst = max(worst, abs(x[k] - theta[s, i]))
        # Quantile coupling: both laws are read from the left, a piece of common mass at a time.
        total = 0.0
        i = 0
        room = 1.0 / m
        for k in range(n):
            left = p[k]
            while left > room and i < m - 1:
                total += room * abs(x[k] - out[s, i])
                left -= room
                i += 1
                room = 1.0 / m
            total += left * abs(x[k] - out[s, i])
            room -= left
        distance[s] = total
    return worst
