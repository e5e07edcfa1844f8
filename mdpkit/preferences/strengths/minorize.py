"""Minorize-maximize (MM), Hunter's iteration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mdpkit._typing import Floats
from mdpkit.preferences.likelihood import ItemTable
from mdpkit.preferences.newton import NewtonRun

__all__ = ["iterate", "minorize_maximize"]


def minorize_maximize(table: ItemTable, theta: Floats, *, tol: float, max_iter: int) -> NewtonRun:
    """Iterate ``p_i <- wins_i / sum over stages with i of 1 / sum_{j in S} p_j``; the likelihood never falls.

    With ``g`` the gradient of the negative log-likelihood the sum is ``(wins_i + g_i) / p_i``, so one pass does.
    """
    wins = table.items_won
    if len(theta) == 1:  # no wins to take logarithms of
        value, gradient = table.evaluate(theta)
        return NewtonRun(theta, value, gradient, 0, True)

    def step(theta: Floats) -> Floats:
        _, gradient = table.evaluate(theta)
        moved = theta + np.log(wins) - np.log(wins + gradient)
        return np.asarray(moved - np.mean(moved))

    return iterate(table, step, theta, tol=tol, max_iter=max_iter)


def iterate(
    table: ItemTable, step: Callable[[Floats], Floats], theta: Floats, *, tol: float, max_iter: int
) -> NewtonRun:
    """Repeat a step that converges linearly until the rest of the way, as a geometric series, is at most `tol`."""
    iteration, rest, change = 0, np.inf, np.inf
    while iteration < max_iter and rest > tol:
        iteration += 1
        moved = step(theta)
        before, change, theta = change, float(np.max(np.abs(moved - theta))), moved
        rate = change / before
        rest = change * rate / (1.0 - rate) if rate < 1.0 and iteration > 1 else np.inf
        if change == 0.0:
            rest = 0.0
    value, gradient = table.evaluate(theta)
    return NewtonRun(theta, value, gradient, iteration, rest <= tol)
