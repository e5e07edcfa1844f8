"""Existence for feature vectors: no direction separates winners from losers."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import MDPKitError
from mdpkit.preferences.existence.result import Existence

__all__ = ["linear_existence"]

SEPARATED = 1e-7
"""Margins up to this, for rows of length one and directions with entries of order one, count as zero (HiGHS)."""


def linear_existence(rows: Floats, basis: Floats | None = None) -> Existence:
    r"""Judge rows ``x = phi_winner - phi_loser``, shape ``(n, d)``.

    The maximum over all parameters is attained if and only if ``max sum_i x_i.u`` subject to ``0 <= x_i.u <= 1`` is
    zero (Albert and Anderson 1984). The program starts with a few rows and adds those that its answer violates: a set
    of rows that admits no separating direction and spans the others' space settles the matter for all. With a `basis`
    (d, r) parameters are sought in its span only.
    """
    if basis is not None:
        rows = rows @ basis
    lengths = np.linalg.norm(rows, axis=1)
    unit = rows[lengths > 0.0] / lengths[lengths > 0.0, None]
    n, d = unit.shape
    attained = "the maximum is attained, and unique up to directions in which no compared features differ"
    if n == 0:
        return Existence(True, (), True, None, attained)
    rank = np.linalg.matrix_rank(unit)
    chosen = np.zeros(n, dtype=bool)
    chosen[:: max(1, n // (20 * d + 50))] = True
    while True:
        direction, margin = _separate(unit[chosen])
        if margin <= SEPARATED:
            if chosen.all() or np.linalg.matrix_rank(unit[chosen]) == rank:
                return Existence(True, (), True, None, attained)
            left = np.flatnonzero(~chosen)
            chosen[left[:: max(1, len(left) // (20 * d + 50))]] = True
            continue
        score = unit @ direction
        wrong = np.flatnonzero((score < -SEPARATED) & ~chosen)
        if not len(wrong):
            ties = int(np.sum(score <= SEPARATED))
            direction = (direction if basis is None else basis @ direction) + 0.0  # no negative zeros
            message = (
                f"the likelihood has no maximum: along the direction {_shown(direction)} no winner falls behind"
                f" and {n - ties} of {n} come out ahead, so the parameter runs away along it"
            )
            return Existence(False, (), True, direction, message)
        worst = wrong[np.argsort(score[wrong])[: 20 * d + 50]]
        chosen[worst] = True


def _separate(rows: Floats) -> tuple[Floats, float]:
    """Return the best direction for some rows, scaled to a largest entry of one, and its largest margin."""
    from scipy.optimize import linprog  # a quarter of the package's import time, and rarely needed

    found = linprog(
        -np.sum(rows, axis=0),
        A_ub=np.concatenate([rows, -rows]),
        b_ub=np.concatenate([np.ones(len(rows)), np.zeros(len(rows))]),
        bounds=(None, None),
        method="highs",
    )
    if found.status == 3:  # unbounded only through rounding: every row has a margin of at most one
        return np.zeros(rows.shape[1]), 0.0
    if found.x is None:
        raise MDPKitError(f"HiGHS stopped on the separation program: {found.message}")
    u = np.asarray(found.x, dtype=np.float64)
    scale = float(np.max(np.abs(u), initial=0.0))
    if scale == 0.0:
        return u, 0.0
    return u / scale, float(np.max(rows @ u)) / max(scale, 1.0)


def _shown(u: Floats) -> str:
    head = ", ".join(f"{x:.3g}" for x in u[:6])
    return f"[{head}{', ...' if len(u) > 6 else ''}]"
