"""Fit the softmax policy whose expected features are the demonstrated ones: what both models of behavior share."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.bounds._arguments import check_number, check_positive
from mdpkit.errors import ConvergenceWarning
from mdpkit.preferences.irl.chart import Chart, draw_chart
from mdpkit.preferences.irl.demonstrations import read_demonstrations, read_features, read_problem
from mdpkit.preferences.irl.dual import inverse
from mdpkit.preferences.irl.estimate import estimate
from mdpkit.preferences.irl.result import MaxEntFit

__all__ = ["fit_soft_policy"]


def fit_soft_policy(
    problem: Any, features: Any, demonstrations: Any, *, alpha: Any, tol: Any, max_iter: Any, deterministic: bool
) -> MaxEntFit:
    """Do the work of `maxent_irl` and `causal_maxent_irl`; they differ in the transitions they accept."""
    alpha, tol = check_number(alpha, "alpha"), check_positive(tol, "tol")
    max_iter = check_count(max_iter, "max_iter")
    steps = read_problem(problem, deterministic=deterministic)
    bases = read_features(features, steps, problem.n_states, problem.n_actions)
    given = read_demonstrations(demonstrations, problem, steps, bases)
    chart = draw_chart(given.model)
    scaled, target = chart.apply(given.model), chart.target(given.mean)
    found = estimate(scaled, chart, target, given, alpha=alpha, tol=tol, max_iter=max_iter, deterministic=deterministic)
    if not found.converged:
        warnings.warn(found.message, ConvergenceWarning, stacklevel=3)

    V, policy = scaled.values(found.theta * chart.scale)
    visits = scaled.visits(policy)
    information = scaled.curvature(policy, visits)
    covariance = information if deterministic else information + scaled.transition_noise(policy, visits)
    table = np.zeros((problem.horizon, problem.n_states, problem.n_actions))
    for h, (step, pi) in enumerate(zip(steps, policy, strict=True)):
        table[h, step.pair_state, step.pair_action] = pi
    ahead = np.append(np.cumsum(scaled.weights[::-1])[::-1], 0.0)
    return MaxEntFit(
        theta=found.theta,
        policy=table,
        V=V + (ahead * (found.theta @ chart.shift))[:, None],
        nll=float(scaled.start @ V[0] - (found.theta * chart.scale) @ target),
        expected_features=chart.offset + chart.scale * scaled.moments(visits),
        demonstrated_features=given.mean,
        information=chart.rescaled(information),
        feature_covariance=chart.rescaled(covariance),
        cov=_covariance(chart, information, covariance, given.count, alpha),
        rank=chart.basis.shape[1],
        null_basis=chart.null_basis,
        n_demonstrations=given.count,
        alpha=alpha,
        iterations=found.iterations,
        converged=found.converged,
        status=found.status,
        message=found.message,
    )


def _covariance(chart: Chart, information: Floats, covariance: Floats, n: int, alpha: float) -> Floats:
    """Return the covariance of the parameter from matrices of scaled features."""
    if alpha > 0.0:
        return inverse(n * chart.rescaled(information) + alpha * np.eye(len(information)))
    within = inverse(chart.basis.T @ information @ chart.basis)
    pseudo_inverse = chart.to_parameter(chart.to_parameter(within).T)
    return np.asarray(pseudo_inverse @ chart.rescaled(covariance) @ pseudo_inverse / n)
