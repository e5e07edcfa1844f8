"""Minorize-maximize (MM): Hunter's iteration, and the one for traffic on a network."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.preferences.likelihood import ItemTable
from mdpkit.preferences.newton import NewtonRun

__all__ = ["minorize_maximize"]


def minorize_maximize(table: ItemTable, theta: Floats, *, tol: float, max_iter: int) -> NewtonRun:
    """Iterate ``p_i <- wins_i / sum over stages with i of 1 / sum_{j in S} p_j``; the likelihood never falls.

    With ``g`` the gradient of the negative log-likelihood the sum is ``(wins_i + g_i) / p_i``, so one pass does.
    """
    wins = table.items_won
    iteration, change = 0, np.inf if len(theta) > 1 else 0.0  # a single item has no wins to take logarithms of
    while iteration < max_iter and change > tol * len(theta):
        iteration += 1
        _, gradient = table.evaluate(theta)
        step = np.log(wins) - np.log(wins + gradient)
        step -= np.mean(step)
        theta = theta + step
        change = float(np.sum(np.abs(step)))
    theta = theta - np.mean(theta)
    value, gradient = table.evaluate(theta)
    return NewtonRun(theta, value, gradient, iteration, change <= tol * len(theta))
