"""Stationary distributions of dense chains, without subtractions and in logarithms."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mdpkit._typing import Floats


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def log_stationary(Q: Floats) -> Floats:
    """Return the log of the stationary distribution of the off-diagonal rates `Q` (N, N), which are overwritten.

    Grassmann, Taksar and Heyman's elimination: state after state is censored from the last one downwards; nothing is
    subtracted, so every component keeps full relative accuracy. Logarithms, because
    a long chain of items has components far below the range of doubles. ``2 N^3 / 3`` operations.
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
    log_pi = np.zeros(n)
    for k in range(1, n):
        top = -np.inf
        for i in range(k):
            if Q[i, k] > 0.0 and log_pi[i] > top:
                top = log_pi[i]
        inflow = 0.0
        for i in range(k):
            if Q[i, k] > 0.0:
                inflow += math.exp(log_pi[i] - top) * Q[i, k]
        log_pi[k] = top + math.log(inflow / leaving[k])
    top = np.max(log_pi)
    return log_pi - (top + math.log(np.sum(np.exp(log_pi - top))))
