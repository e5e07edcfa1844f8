"""Compiled loops over the atoms of a law."""

from __future__ import annotations

import numpy as np
from numba import njit

from mdpkit._typing import Floats, Ints


@njit(cache=True)
def merge_sorted(x: Floats, p: Floats, tol: float) -> tuple[Floats, Floats, Ints, float]:
    """Merge the atoms within `tol` of the first atom of their cluster into their weighted mean.

    `x` is sorted, `p` positive. Returns the atoms, their probabilities, where their clusters start
    in `x`, and the mass times distance moved. A cluster is never wider than `tol`, so that chains of close atoms cannot
    drift.
    """
    n = len(x)
    atoms = np.empty(n)
    probs = np.empty(n)
    starts = np.empty(n, dtype=np.int64)
    moved = 0.0
    count = 0
    i = 0
    while i < n:
        first = x[i]
        mass = p[i]
        pull = 0.0
        j = i + 1
        while j < n and x[j] - first <= tol:
            mass += p[j]
            pull += p[j] * (x[j] - first)
            j += 1
        # The minimum keeps the result increasing when the mean is rounded up.
        center = min(first + pull / mass, x[j - 1])
        if pull > 0.0:
            for k in range(i, j):
                moved += p[k] * abs(x[k] - center)
        atoms[count] = center
        probs[count] = mass
        starts[count] = i
        count += 1
        i = j
    return atoms[:count].copy(), probs[:count].copy(), starts[:count].copy(), moved
