"""Inner problems of contaminated rows: an average and a minimum, so nothing is sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def values(
    row_ptr: Any,
    col: Any,
    q: Any,
    reward: Any,
    pair_reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    epsilon: Any,
    receiver: int,
    pairs: Any,
    out: Any,
) -> None:
    """``(1 - epsilon) q.z + epsilon min z``; ``receiver >= 0`` names the best state where any may receive mass."""
    outside = sign * gamma * V[receiver] if receiver >= 0 else np.inf
    for i in range(len(pairs)):
        k = pairs[i]
        acc, best = 0.0, outside
        start = row_ptr[k]
        if len(reward) > 0:
            for j in range(row_ptr[k + 1] - start):
                z = reward[start + j] + gamma * V[col[start + j]]
                acc += q[start + j] * z
                best = min(best, sign * z)
        else:
            for j in range(row_ptr[k + 1] - start):
                x = V[col[start + j]]
                acc += q[start + j] * x
                best = min(best, sign * gamma * x)
        discount = 1.0 if len(reward) > 0 else gamma
        if epsilon[k] > 0.0:
            out[i] = pair_reward[k] + ((1.0 - epsilon[k]) * discount * acc + epsilon[k] * sign * best)
        else:
            out[i] = pair_reward[k] + discount * acc


@njit(cache=True, nogil=True)
def rows(
    row_ptr: Any,
    col: Any,
    q: Any,
    reward: Any,
    gamma: float,
    V: Any,
    sign: float,
    epsilon: Any,
    receiver: int,
    pairs: Any,
    p: Any,
    extra: Any,
) -> None:
    """Worst rows of the pairs, one after the other in ``p``; ``extra[i]`` is what the implicit receiver gets."""
    outside = sign * gamma * V[receiver] if receiver >= 0 else np.inf
    first = 0
    for i in range(len(pairs)):
        k = pairs[i]
        start, n = row_ptr[k], row_ptr[k + 1] - row_ptr[k]
        best, arg = np.inf, 0
        for j in range(n):
            z = gamma * V[col[start + j]]
            if len(reward) > 0:
                z += reward[start + j]
            if sign * z < best:
                best, arg = sign * z, j
            p[first + j] = (1.0 - epsilon[k]) * q[start + j]
        if outside < best:
            extra[i] = epsilon[k]
        else:
            p[first + arg] += epsilon[k]
        first += n
