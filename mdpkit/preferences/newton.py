"""Damped Newton iteration for smooth convex functions, down to the last digits that rounding leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from mdpkit._typing import Floats

__all__ = ["NewtonRun", "damped_newton", "solve_positive"]

ARMIJO = 0.25
SMALLEST_DECREMENT = 1e-26
"""Half the squared Newton decrement, relative to the value, at which nothing is left to gain."""
SHORT = 1e-10
"""Nothing left to gain is not enough: far out on a plateau the value no longer changes while the point still moves."""
ROUNDING = 1e-6
"""Steps that stopped getting shorter below this relative length are rounding."""
BLIND = 1e-11
"""Below this relative decrement the value is rounding noise and cannot judge a step; full steps are taken then."""


@dataclass(frozen=True, slots=True)
class NewtonRun:
    """Where an iteration ended: point, value, gradient, iterations, and whether it converged."""

    x: Floats
    value: float
    gradient: Floats
    iterations: int
    converged: bool


def damped_newton(
    evaluate: Callable[[Floats], tuple[float, Floats]],
    direction: Callable[[Floats, Floats], Floats],
    x: Floats,
    *,
    max_iter: int,
) -> NewtonRun:
    """Minimize a convex function.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(x) -> (value, gradient)``.
    direction : callable
        ``direction(x, gradient)``: the Newton step ``-H(x)^{-1} gradient``; `evaluate` was last called at `x`.
    x : ndarray
        Where to start.
    max_iter : int
        Most steps.

    Notes
    -----
    Steps are halved until the value falls by a quarter of what the gradient promises. Near the minimum the value stops
    resolving such differences long before the gradient does; from there on full steps are taken until they no longer
    get shorter. The value is a sum of terms of one sign, so that its own size is the scale of its rounding.
    """
    value, gradient = evaluate(x)
    shortest = np.inf
    for iteration in range(max_iter):
        step = direction(x, gradient)
        slope = float(gradient @ step)
        decrement, length = -0.5 * slope, float(np.max(np.abs(step), initial=0.0))
        size = max(1.0, float(np.max(np.abs(x), initial=0.0)))
        spent = decrement <= SMALLEST_DECREMENT * abs(value) and length <= SHORT * size
        if spent or length <= 1e-14 * size:
            return NewtonRun(x, value, gradient, iteration, True)
        if decrement <= BLIND * abs(value):
            if length > 0.5 * shortest and length <= ROUNDING * size:
                return NewtonRun(x, value, gradient, iteration, True)
            shortest = length
            x = x + step
            value, gradient = evaluate(x)
            continue
        t = 1.0
        while True:
            trial, (new_value, new_gradient) = x + t * step, evaluate(x + t * step)
            if new_value <= value + ARMIJO * t * slope:
                break
            t *= 0.5
            if t < 1e-10:
                return NewtonRun(x, value, gradient, iteration, False)
        x, value, gradient = trial, new_value, new_gradient
    return NewtonRun(x, value, gradient, max_iter, False)


def solve_positive(matrix: Floats, b: Floats) -> Floats:
    """Solve with a positive definite matrix; where rounding has made it singular, in the sense of least squares."""
    try:
        return np.asarray(cho_solve(cho_factor(matrix, check_finite=False), b))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(matrix, b, rcond=None)[0])
