"""Inner problems of finite sets: every candidate row is priced, the lowest best one wins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def values(
    candidate_ptr: Any,
    row_ptr: Any,
    col: Any,
    prob: Any,
    reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    pairs: Any,
    out: Any,
    choice: Any,
) -> None:
    """Worst payoffs of the pairs and the candidates that attain them."""
    for i in range(len(pairs)):
        best = np.inf
        for c in range(candidate_ptr[pairs[i]], candidate_ptr[pairs[i] + 1]):
            acc = 0.0
            start = row_ptr[c]
            for j in range(row_ptr[c + 1] - start):
                acc += prob[start + j] * V[col[start + j]]
            payoff = sign * (reward[c] + gamma * acc)
            if payoff < best:
                best = payoff
                choice[i] = c
        out[i] = sign * best


@njit(cache=True, nogil=True)
def distinct(candidate_ptr: Any, row_ptr: Any, col: Any, prob: Any, reward: Any, keep: Any) -> None:
    """Mark the first of the candidates of a pair that are equal in every number."""
    for k in range(len(candidate_ptr) - 1):
        for c in range(candidate_ptr[k], candidate_ptr[k + 1]):
            keep[c] = True
            n = row_ptr[c + 1] - row_ptr[c]
            for d in range(candidate_ptr[k], c):
                if not keep[d] or reward[d] != reward[c] or row_ptr[d + 1] - row_ptr[d] != n:
                    continue
                j = 0
                while j < n and col[row_ptr[c] + j] == col[row_ptr[d] + j]:
                    if prob[row_ptr[c] + j] != prob[row_ptr[d] + j]:
                        break
                    j += 1
                if j == n:
                    keep[c] = False
                    break
