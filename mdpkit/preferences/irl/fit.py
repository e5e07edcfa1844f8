"""Fit the softmax policy whose expected features are the demonstrated ones: what both models of behavior share."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.errors import ConvergenceWarning, InputError, MLENotAttainedError
from mdpkit.preferences.irl.chart import Chart, draw_chart
from mdpkit.preferences.irl.demonstrations import Demonstrations, read_demonstrations, read_features, read_problem
from mdpkit.preferences.irl.dual import Dual, inverse
from mdpkit.preferences.irl.existence import TOLERANCE, separating_direction
from mdpkit.preferences.irl.result import MaxEntFit
from mdpkit.preferences.newton import damped_newton

__all__ = ["fit_soft_policy"]

TRIAL = 30
"""Newton steps after which a fit that has not converged must show that it can; ten are usual."""

LAST_STEP = 1e-3
"""The next Newton step may change the utility of no trajectory by more than this. A function without a minimum has
gradients as small as one likes, but its Newton steps keep their length."""


def fit_soft_policy(
    problem: Any, features: Any, demonstrations: Any, *, alpha: Any, tol: Any, max_iter: Any, deterministic: bool
) -> MaxEntFit:
    """Do the work of `maxent_irl` and `causal_maxent_irl`; they differ in the transitions they accept."""
    alpha = _number(alpha, "alpha", lambda x: x >= 0.0, "a finite number of at least 0")
    tol = _number(tol, "tol", lambda x: x > 0.0, "a finite positive number")
    max_iter = check_count(max_iter, "max_iter")
    steps = read_problem(problem, deterministic=deterministic)
    bases = read_features(features, steps, problem.n_states, problem.n_actions)
    given = read_demonstrations(demonstrations, problem, steps, bases)
    chart = draw_chart(given.model)
    theta, iterations, status, message = _estimate(given, chart, alpha, tol, max_iter, sure=deterministic)
    if status != "converged":
        warnings.warn(message, ConvergenceWarning, stacklevel=3)

    scaled = chart.apply(given.model)
    V, policy = scaled.values(theta * chart.scale)
    visits = scaled.visits(policy)
    information = scaled.curvature(policy, visits)
    covariance = information if deterministic else information + scaled.transition_noise(policy, visits)
    table = np.zeros((problem.horizon, problem.n_states, problem.n_actions))
    for h, (step, pi) in enumerate(zip(steps, policy, strict=True)):
        table[h, step.pair_state, step.pair_action] = pi
    ahead = np.append(np.cumsum(given.model.weights[::-1])[::-1], 0.0)
    return MaxEntFit(
        theta=theta,
        policy=table,
        V=V + (ahead * (theta @ chart.shift))[:, None],
        nll=float(scaled.start @ V[0] - (theta * chart.scale) @ chart.target(given.mean)),
        expected_features=chart.offset + chart.scale * scaled.moments(visits),
        demonstrated_features=given.mean,
        information=chart.rescaled(information),
        feature_covariance=chart.rescaled(covariance),
        cov=_covariance(chart, information, covariance, given.count, alpha),
        rank=chart.basis.shape[1],
        null_basis=chart.null_basis,
        n_demonstrations=given.count,
        alpha=alpha,
        iterations=iterations,
        converged=status == "converged",
        status=status,
        message=message,
    )


def _estimate(
    given: Demonstrations, chart: Chart, alpha: float, tol: float, max_iter: int, *, sure: bool
) -> tuple[Floats, int, str, str]:
    """Return ``theta``, the number of Newton steps, and how they ended; raise if no finite ``theta`` is best.

    A converged fit answers the question of existence by itself: its policy tries every action and matches the mean, a
    point inside of the achievable set. Only a fit that still moves after some steps is put to the test; the linear
    programs of that test take longer than the fit.
    """
    target, d = chart.target(given.mean), len(chart.scale)
    # Without a penalty only what the features identify is fitted; a penalty decides about the rest, too.
    axes = chart.basis if alpha == 0.0 else np.eye(d)
    model = chart.apply(given.model).silenced().in_coordinates(np.zeros(d), axes)
    dual = Dual(model, axes.T @ target, axes.T @ (alpha / given.count / chart.scale**2))
    if alpha == 0.0:
        _check_unchangeable(given, chart, sampled=given.sampled and not sure)
    z, iterations = np.zeros(axes.shape[1]), 0
    for allowed in (min(TRIAL, max_iter), max_iter - TRIAL):
        if allowed > 0:
            run = damped_newton(dual.evaluate, dual.direction, z, max_iter=allowed)
            z, iterations = run.x, iterations + run.iterations
        error, left = _remainder(dual, axes, z)
        converged = error <= tol and left <= LAST_STEP
        if converged or alpha > 0.0 and run.converged:
            break
        if alpha == 0.0 and iterations <= TRIAL:
            found = separating_direction(dual.model, dual.target, hint=z, achievable=given.sampled and sure)
            if found is not None:
                raise _not_attained(axes @ found.direction / chart.scale, found.outside, given.sampled and not sure)
    theta = chart.to_parameter(z) if alpha == 0.0 else z / chart.scale
    ...
