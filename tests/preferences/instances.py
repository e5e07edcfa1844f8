"""Data of prefs.md section 7 that several tests fit."""

from __future__ import annotations

import numpy as np

from mdpkit.feedback import LinearPairs


def weighted_pairs(lines, features):
    """Read ``(first, second, wins of first, wins of second)`` with rows of `features` as weighted pairs."""
    first, second, wins, losses = (np.array(column) for column in zip(*lines, strict=True))
    n = len(lines)
    return LinearPairs(
        features[np.tile(first, 2)], features[np.tile(second, 2)], [1] * n + [0] * n, np.concatenate([wins, losses])
    )


def two_stage_pairs():
    """Return the 50 comparisons of trajectories of 7.9: (action at the start, state, action there), wins and losses."""

    def tau(a0, state, a):
        return np.eye(6)[a0] + np.eye(6)[2 + 2 * state + a]

    compared = [
        (tau(0, 0, 0), tau(0, 0, 1)),
        (tau(0, 0, 0), tau(1, 1, 0)),
        (tau(1, 1, 1), tau(1, 1, 0)),
        (tau(0, 1, 1), tau(1, 0, 1)),
        (tau(0, 0, 1), tau(1, 1, 1)),
    ]
    features = np.array([trajectory for pair in compared for trajectory in pair])
    counts = [(7, 3), (8, 2), (6, 4), (5, 5), (4, 6)]
    return weighted_pairs([(2 * k, 2 * k + 1, *count) for k, count in enumerate(counts)], features)
