"""Stationary distributions of dense chains, without subtractions."""

from __future__ import annotations

import numpy as np
from numba import njit

from mdpkit._typing import Floats


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def stationary(Q: Floats) -> Floats:
    """Return the stationary distribution of the off-diagonal rates `Q` (N, N), which are overwritten.

    Grassmann, Taksar and Heyman's elimination: state after state is censored from the last one downwards; nothing is
    subtracted, so every component keeps full relative accuracy. ``2 N^3 / 3`` operations.
    """
    n = len(Q)
    leaving = np.empty(n)
    for k in range(n - 1, 0, -1):
        total = 0.0
        for j in range(k):
            total += Q[k, j]
        leaving[k] = total
        for i in range(k):
            share = Q[i, k] / total
            if share > 0.0:
                for j in range(k):
                    Q[i, j] += share * Q[k, j]
    pi = np.empty(n)
    pi[0] = 1.0
    whole = 1.0
    for k in range(1, n):
        inflow = 0.0
        for i in range(k):
            inflow += pi[i] * Q[i, k]
        pi[k] = inflow / leaving[k]
        whole += pi[k]
    return pi / whole
