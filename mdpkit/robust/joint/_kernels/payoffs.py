"""What every joint update starts from: payoffs of the successors, their nominal means and their minima."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def payoffs(
    row_ptr: Any, col: Any, q: Any, entry_reward: Any, gamma: float, V: Any, sign: float, z: Any, mean: Any, low: Any
) -> None:
    """``z = sign * (reward + gamma V)`` entry by entry, pair rewards left out; its mean and minimum row by row."""
    by_entry = len(entry_reward) > 0
    for k in range(len(row_ptr) - 1):
        total, least = 0.0, float("inf")
        for j in range(row_ptr[k], row_ptr[k + 1]):
            value = gamma * V[col[j]]
            if by_entry:
                value += entry_reward[j]
            value *= sign
            z[j] = value
            total += q[j] * value
            least = min(least, value)
        mean[k] = total
        low[k] = least


@njit(cache=True, nogil=True)
def dense_means(q: Any, z: Any, mean: Any) -> None:
    """Row means where all rows hold all ``n`` states, so that one array of payoffs serves them all.

    Four sums, because one is a chain of dependent additions.
    """
    n = len(z)
    blocks = n - n % 4
    for k in range(len(mean)):
        row = q[k * n : (k + 1) * n]
        a = b = c = d = 0.0
        for j in range(0, blocks, 4):
            a += row[j] * z[j]
            b += row[j + 1] * z[j + 1]
            c += row[j + 2] * z[j + 2]
            d += row[j + 3] * z[j + 3]
        for j in range(blocks, n):
            a += row[j] * z[j]
        mean[k] = (a + b) + (c + d)
