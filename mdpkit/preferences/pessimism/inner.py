r"""The inner minimum of pessimism: the least that a direction can be worth over a confidence set.

Over the ellipsoid alone :math:`\min c \cdot \theta = c \cdot \hat\theta - f \|c\|_{A^{-1}}`. With the ball
:math:`\|\theta\| \le B` and, where imposed, :math:`1 \cdot \theta = 0`, the minimum is the maximum over all
ways to split ``c = c_1 + c_2 + t 1`` of :math:`c_1 \cdot \hat\theta - f \|c_1\|_{A^{-1}} - B \|c_2\|`: every split is a
valid lower bound, every feasible parameter an upper one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats
from mdpkit.preferences.rewards import ConfidenceSet

__all__ = ["InnerValue", "closed_form", "feasible", "split_value"]


@dataclass(frozen=True, eq=False, slots=True)
class InnerValue:
    """A lower bound of the inner minimum and a parameter of the set that nearly attains it."""

    value: float
    worst: Floats


def closed_form(region: ConfidenceSet, c: Floats, scale: float) -> InnerValue:
    """Minimize over the ellipsoid alone; the value is ``-inf`` where the data are blind."""
    width = region.dual_norm(c, scale=scale)
    if width == 0.0 or region.radius == 0.0:
        return InnerValue(float(c @ region.center), region.center)
    if math.isinf(width):
        return InnerValue(-math.inf, region.center)
    s, U = region.spectrum()
    worst = region.center - region.radius / width * (U @ ((U.T @ c) / s))
    return InnerValue(float(c @ region.center) - region.radius * width, worst)


def split_value(region: ConfidenceSet, c: Floats, second: Floats, shift: float) -> float:
    """Return the lower bound of one split, ``c_1 = c - second - shift 1``."""
    first = c - second - shift
    if region.norm_bound is None:
        return region.lower(first, scale=float(np.linalg.norm(c)))
    # a solver leaves a little where the ellipsoid is unbounded; there the ball has to hold
    _, U = region.spectrum()
    first = U @ (U.T @ first)
    return region.lower(first) - region.norm_bound * float(np.linalg.norm(c - first - shift))


def feasible(region: ConfidenceSet, theta: Floats, *, ball: bool) -> Floats:
    """Move a parameter towards the estimate until it is in the set, rounding included."""
    anchor = region.center
    if ball and region.centered:
        # the nearest parameter of sum zero, in the norm of the ellipsoid where that is one
        s, U = region.spectrum()
        lean = U @ (np.sum(U, axis=0) / s) if len(s) == len(anchor) else np.ones(len(anchor))
        anchor = anchor - lean * (np.sum(anchor) / np.sum(lean))
        theta = theta - np.mean(theta)
    step, A = theta - anchor, region.matrix
    away = anchor - region.center
    t = min(1.0, _longest(float(step @ A @ step), float(step @ A @ away), region.radius**2 - float(away @ A @ away)))
    if ball and region.norm_bound is not None:
        t = min(t, _longest(float(step @ step), float(step @ anchor), region.norm_bound**2 - float(anchor @ anchor)))
    return np.asarray(anchor + t * step)


def _longest(a: float, b: float, room: float) -> float:
    """Return the largest t with ``a t^2 + 2 b t <= room``, at least 0."""
    if a <= 0.0:
        return math.inf
    return max(0.0, (-b + math.sqrt(max(b * b + a * max(room, 0.0), 0.0))) / a)
