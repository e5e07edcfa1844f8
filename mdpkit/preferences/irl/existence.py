"""Whether demonstrated features can be matched by a policy that tries everything: linear programming over policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from mdpkit._typing import Floats
from mdpkit.preferences.irl.soft_model import SoftModel

__all__ = ["TOLERANCE", "Separation", "separating_direction"]

TOLERANCE = 1e-9
"""A mean this close to the boundary of the achievable features counts as on it; every coordinate is measured in units
of the width of the achievable set along it."""

CUTS_PER_FEATURE = 30
"""Policies asked for before the question is left open; a few per feature are usual."""


@dataclass(frozen=True, eq=False, slots=True)
class Separation:
    """A direction ``u`` with ``u . target >= u . phi(pi)`` for all policies; strictly if the target is `outside`."""

    direction: Floats
    outside: bool


def separating_direction(
    model: SoftModel, target: Floats, *, near: Floats, achievable: bool = False
) -> Separation | None:
    """Return a direction that separates the target from the achievable features, or None if there is none.

    The achievable features are a polytope, the convex hull of those of deterministic policies. The target lies in its
    relative interior iff the linear program ``max t  s.t.  x a flow, Phi x = target, x >= t`` on the visits ``x`` of
    all pairs that can be reached has a positive optimum. That program has a variable per pair and step; here it is
    solved in its decomposed form (Dantzig and Wolfe), with a handful of policies in place of the pairs and backward
    induction to find the next one, so that linear programs see only the ``d`` features.

    Parameters
    ----------
    model : SoftModel
        With the features of a chart: identified, of similar scale.
    target : ndarray, shape (d,)
        The demonstrated mean.
    near : ndarray, shape (d,)
        Features of some policy, the closer the better.
    achievable : bool, default False
        The target is known to be achievable; it may then lie on the boundary, but not outside.

    Returns
    -------
    Separation or None
        Checked by backward induction, whatever the linear programs say.

    References
    ----------
    .. [1] G. B. Dantzig and P. Wolfe, "Decomposition principle for linear programs", *Operations Research* 8(1), 1960.
    .. [2] P. Wolfe, "Finding the nearest point in a polytope", *Mathematical Programming* 11, 1976.
    """
    if len(target) == 0:
        return None
    search = _Search(model, target)
    found = search.axes() or (None if achievable else search.strict(near)) or search.boundary
    return found or search.complete() or search.boundary or search.touching()


class _Search:
    """A cone that holds all separating directions, cut down by one policy after the other.

    Row ``i`` of `rows` is ``target - phi(pi_i)`` in units of `width`: a separating ``u`` satisfies ``rows @ u >= 0``.
    """

    def __init__(self, model: SoftModel, target: Floats) -> None:
        self.model, self.target = model, target
        self.width = np.ones(len(target))
        self.rows: list[Floats] = []
        self.latest = np.zeros(len(target))
        self.boundary: Separation | None = None
        self.cuts_left = CUTS_PER_FEATURE * len(target)

    def axes(self) -> Separation | None:
        """Look along the axes, and measure the achievable set there."""
        axes = np.eye(len(self.target))
        ends = [(self.model.extreme(axis), self.model.extreme(-axis)) for axis in axes]
        width = np.array([high + low for (high, _), (low, _) in ends])
        self.width = np.where(width > 0.0, width, 1.0)
        for axis, pair in zip(axes, ends, strict=True):
            for sign, (value, phi) in zip((1.0, -1.0), pair, strict=True):
                if found := self._judge(sign * axis, value / float(axis @ self.width), phi):
                    return found
        return None

    def complete(self) -> Separation | None:
        """Add policies until their features span the space."""
        d = len(self.target)
        for _ in range(d):
            _, singular, directions = np.linalg.svd(np.array(self.rows))
            if len(singular) == d and singular[-1] > TOLERANCE * singular[0]:
                return None
            for u in (directions[-1], -directions[-1]):
                if found := self.ask(u):
                    return found
        return None

    def strict(self, near: Floats) -> Separation | None:
        """Walk to the achievable point next to the target (Wolfe): the way from there separates, unless it is zero."""
        corral, shares = ((self.target - near) / self.width)[None], np.ones(1)
        least = np.inf
        while self.cuts_left > 0:
            x = shares @ corral
            if np.max(np.abs(x)) <= TOLERANCE or x @ x >= least:
                return None
            if found := self.ask(x):
                return found
            least = float(x @ x)
            corral, shares = _nearest_point(np.vstack([corral, self.latest]), np.append(shares, 0.0))
        return None

    def touching(self) -> Separation | None:
        """Look for a direction that some policies attain and none exceeds; without one the target is interior."""
        d = len(self.target)
        while self.cuts_left > 0:
            rows = np.array(self.rows)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            total = np.sum(rows, axis=0)
            u = _program(-total, np.vstack([-rows, total]), np.append(np.zeros(len(rows)), 1.0), [(None, None)] * d)
            if u is None or float(total @ u) < 0.5:
                return None
            if (found := self.ask(u)) or self.boundary:
                return found or self.boundary
        return None

    def ask(self, u: Floats) -> Separation | None:
        """Find the policy that goes farthest along ``u``, given in units of `width`."""
        self.cuts_left -= 1
        u = u / np.max(np.abs(u))
        return self._judge(u, *self.model.extreme(u / self.width))

    def _judge(self, u: Floats, value: float, phi: Floats) -> Separation | None:
        """Take in the policy that goes farthest along ``u``: it cuts the cone, or ``u`` separates."""
        row = self.latest = (self.target - phi) / self.width
        excess = value - float(u / self.width @ self.target)
        if excess < -TOLERANCE:
            return Separation(u / self.width, True)
        if excess <= TOLERANCE:
            self.boundary = Separation(u / self.width, False)
        if np.max(np.abs(row)) > TOLERANCE:
            self.rows.append(row)
        return None


def _nearest_point(rows: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Move to the point of least norm in the convex hull of affinely independent rows; drop rows without a share.

    The shares start as those of a point that is nearest in the hull of all rows but the last.
    """
    while True:
        # Least norm in the affine hull: the differences to the first row are solved away.
        first, rest = rows[0], rows[1:] - rows[0]
        weights = np.linalg.lstsq(rest.T, -first, rcond=None)[0]
        wanted = np.append(1.0 - np.sum(weights), weights)
        if np.min(wanted) > 0.0:
            return rows, wanted
        falling = wanted <= 0.0
        ratios = shares[falling] / np.maximum(shares[falling] - wanted[falling], np.finfo(float).tiny)
        shares = shares + np.min(ratios) * (wanted - shares)
        shares[np.flatnonzero(falling)[np.argmin(ratios)]] = 0.0
        kept = shares > 0.0
        rows, shares = rows[kept], shares[kept] / np.sum(shares[kept])


def _program(c: Floats, A: Floats, b: Floats, bounds: list[tuple[Any, Any]]) -> Floats | None:
    """Minimize ``c . u`` subject to ``A u <= b``; None if the solver gives up."""
    result = linprog(
        c,
        A_ub=A,
        b_ub=b,
        bounds=bounds,
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return np.asarray(result.x) if result.status == 0 else None
