"""The best parameter, or the direction in which it runs away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import MLENotAttainedError
from mdpkit.preferences.irl.chart import Chart
from mdpkit.preferences.irl.demonstrations import Demonstrations
from mdpkit.preferences.irl.dual import Dual
from mdpkit.preferences.irl.existence import TOLERANCE, separating_direction
from mdpkit.preferences.irl.soft_model import SoftModel
from mdpkit.preferences.newton import damped_newton

__all__ = ["Estimate", "estimate"]

TRIAL = 30
"""Newton steps after which a fit that has not settled must show that it can; ten are usual."""

LAST_STEP = 1e-3
"""The next Newton step may change the utility of no trajectory by more than this. A function without a minimum has
gradients as small as one likes, but its Newton steps keep their length."""


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """Where the search for the parameter ended, and how."""

    theta: Floats
    iterations: int
    status: str
    message: str

    @property
    def converged(self) -> bool:
        """Whether `theta` is the answer."""
        return self.status == "converged"


def estimate(
    scaled: SoftModel,
    chart: Chart,
    target: Floats,
    given: Demonstrations,
    *,
    alpha: float,
    tol: float,
    max_iter: int,
    deterministic: bool,
) -> Estimate:
    """Minimize the dual; raise if ``alpha = 0`` and it has no minimum.

    A fit that settles proves by itself that the minimum exists: its policy tries every action and matches the mean.
    One that does not is put to the test of `separating_direction`, which costs more than the fit.
    """
    # Without a penalty only what the features identify is fitted; a penalty decides about the rest, too.
    axes = chart.basis if alpha == 0.0 else np.eye(len(target))
    dual = Dual(
        scaled.silenced().in_coordinates(np.zeros_like(target), axes),
        axes.T @ target,
        axes.T @ (alpha / given.count / chart.scale**2),
    )
    sampled = given.sampled and not deterministic
    if alpha == 0.0:
        uniform = scaled.moments(scaled.visits(scaled.values(np.zeros_like(target))[1]))
        # What no policy can change must agree from the start.
        mismatch = chart.null_scaled.T @ (target - uniform)
        if np.max(np.abs(mismatch), initial=0.0) > TOLERANCE:
            raise _not_attained(chart.null_scaled @ mismatch / chart.scale, outside=True, sampled=sampled)
    z, iterations = _descend(dual, np.zeros(axes.shape[1]), min(max_iter, TRIAL))
    error, left = _what_is_left(dual, axes, z)
    if error > tol or left > LAST_STEP:
        if alpha == 0.0:
            near = dual.model.moments(dual.visits)
            sure = given.sampled and deterministic
            found = separating_direction(dual.model, dual.target, near=near, achievable=sure)
            if found is not None:
                raise _not_attained(axes @ found.direction / chart.scale, outside=found.outside, sampled=sampled)
        z, more = _descend(dual, z, max_iter - iterations)
        iterations += more
        error, left = _what_is_left(dual, axes, z)
    theta = chart.to_parameter(z) if alpha == 0.0 else z / chart.scale
    facts = (
        f"{iterations} Newton steps leave a relative gradient of {error:.2g} (tol {tol:g}) and a next step that changes"
        f" utilities by up to {left:.2g}."
    )
    if error <= tol and left <= LAST_STEP:
        return Estimate(theta, iterations, "converged", f"Converged: {facts}")
    if iterations >= max_iter:
        return Estimate(theta, iterations, "max_iter", f"The steps ran out: {facts}")
    return Estimate(theta, iterations, "stalled", f"Rounding stopped the fit: {facts} alpha > 0 makes it easier.")


def _descend(dual: Dual, z: Floats, max_iter: int) -> tuple[Floats, int]:
    if max_iter <= 0:
        return z, 0
    run = damped_newton(dual.evaluate, dual.direction, z, max_iter=max_iter)
    return run.x, run.iterations


def _what_is_left(dual: Dual, axes: Floats, z: Floats) -> tuple[float, float]:
    """Return the largest component of the gradient, and by how much the next step would change utilities."""
    _, gradient = dual.evaluate(z)
    error = float(np.max(np.abs(axes @ gradient), initial=0.0))
    return error, dual.remaining(gradient)


def _not_attained(direction: Floats, *, outside: bool, sampled: bool) -> MLENotAttainedError:
    if outside:
        reason = "outside of the achievable expected features, so that no policy matches it"
        if sampled:
            reason += " (common for a sample, because no policy can repeat the luck of its random transitions)"
    else:
        reason = (
            "on the boundary of the achievable expected features, so that no policy that tries every action matches it"
        )
    error = MLENotAttainedError(
        f"no finite theta is best: the demonstrated mean lies {reason}. Pass alpha > 0",
        direction=direction / np.linalg.norm(direction),
    )
    error.argument = "demonstrations"
    return error
