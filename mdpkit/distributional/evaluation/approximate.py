"""Laws with a fixed number of parameters: the finite horizon and the fixed point, for both representations.

A representation brings one projected backup; what is done with it is the same for both. If a backup is projected with
W1 error at most ``d`` and ``e`` is the error of what it starts from, the result is off by at most ``d + gamma e``; a
point that a projected backup moves by ``c`` is within ``(c + d) / (1 - gamma)`` of the law of the return.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from mdpkit._typing import Floats
from mdpkit.distributional.evaluation.process import Process, StepLaws

ROUNDING = 1e-15
"""Relative changes that are rounding and no progress."""


class Representation(Protocol):
    """One projected backup and its errors."""

    def start(self, ending: Floats) -> tuple[Floats, float]:
        """Return the parameters of sure returns and the largest W1 error."""

    def sweep(self, step: StepLaws, parameters: Floats) -> tuple[Floats, float]:
        """Return the projected backup, in memory of its own, and the largest change of a state."""

    def error(self, step: StepLaws, parameters: Floats) -> float:
        """Return the largest W1 error of projecting the backup of these parameters."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Approximation:
    """Parameters per state ``(S, K)``, a bound on their W1 error, and how they were found."""

    parameters: Floats
    error_bound: float
    converged: bool
    iterations: int


def over_horizon(representation: Representation, process: Process, horizon: int) -> Approximation:
    """Apply the projected backups of a horizon, last to first."""
    parameters, error = representation.start(process.ending)
    for t in reversed(range(horizon)):
        step = process.step(t)
        error = representation.error(step, parameters) + process.gamma * error
        parameters = representation.sweep(step, parameters)[0]
    return Approximation(parameters, error, True, horizon)


def fixed_point(
    representation: Representation,
    process: Process,
    *,
    tol: float,
    scale: float,
    max_iter: int | None,
    start: Floats | None = None,
) -> Approximation:
    """Iterate the projected backup of the last step to its fixed point, then prepend those of the earlier steps.

    Stops once a sweep changes no state by more than ``tol (1 - gamma)``, which leaves ``tol`` to the fixed point, or by
    no more than rounding does to returns as large as `scale`.
    """
    gamma, last = process.gamma, process.steps[-1]
    parameters = representation.start(process.ending)[0] if start is None else start
    enough = max(tol * (1.0 - gamma), ROUNDING * scale)
    # After this many sweeps what is left of any start is below rounding.
    limit = math.ceil(math.log(1e20) / -math.log(gamma)) if max_iter is None else max_iter
    change, sweeps = math.inf, 0
    while sweeps < limit and change > enough:
        parameters, change = representation.sweep(last, parameters)
        sweeps += 1
    change = representation.sweep(last, parameters)[1]
    error = (change + representation.error(last, parameters)) / (1.0 - gamma)
    converged = change <= enough
    for step in reversed(process.steps[:-1]):
        error = representation.error(step, parameters) + gamma * error
        parameters = representation.sweep(step, parameters)[0]
    return Approximation(parameters, error, converged, sweeps)
