"""States that can never be left: their values are known in closed form, and so is their enclosure."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Bools, Floats
from mdpkit.models.rows import SparseRows
from mdpkit.planning.discounted.bellman import Bellman
from mdpkit.planning.rounding import UNDERFLOW, UNIT_ROUNDOFF


def absorbing_states(bellman: Bellman) -> Bools:
    """Return a mask of the states all of whose pairs are sure self-loops."""
    rows = bellman.rows
    loops: Bools
    if isinstance(rows, SparseRows):
        loops = np.diff(rows.row_ptr) == 1
        if not loops.any():
            return np.zeros(bellman.n_states, dtype=bool)
        state = np.repeat(np.arange(bellman.n_states), np.diff(bellman.state_ptr))
        loops[loops] = rows.col[rows.row_ptr[:-1][loops]] == state[loops]
    else:
        state = np.repeat(np.arange(bellman.n_states), np.diff(bellman.state_ptr))
        loops = rows.matrix[np.arange(bellman.n_pairs), state] == 1.0
        loops[loops] = np.count_nonzero(rows.matrix[loops], axis=1) == 1
    return np.logical_and.reduceat(loops, bellman.state_ptr[:-1])


def absorbing_bounds(bellman: Bellman, absorbing: Bools) -> tuple[Floats, Floats]:
    """Return bounds on ``max r / (1 - gamma)`` for the absorbing states; exact where the reward is zero."""
    if not absorbing.any():
        return np.zeros(0), np.zeros(0)
    reward = np.maximum.reduceat(bellman.reward, bellman.state_ptr[:-1])[absorbing]
    value = reward / (1.0 - bellman.gamma)
    error = (4 * UNIT_ROUNDOFF * np.abs(value) + UNDERFLOW) * (value != 0.0) if bellman.gamma > 0.0 else 0.0
    averaged = np.maximum.reduceat(bellman.reward_error, bellman.state_ptr[:-1])[absorbing]
    error = error + averaged / (1.0 - bellman.gamma) * (1 + 8 * UNIT_ROUNDOFF)
    return value - error, value + error
