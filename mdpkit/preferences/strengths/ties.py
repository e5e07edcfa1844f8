"""Davidson's model of ties: utilities and one tie parameter, by Newton's method."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from mdpkit._typing import Floats
from mdpkit.feedback import PairCounts
from mdpkit.preferences.newton import NewtonRun, damped_newton, solve_positive

__all__ = ["DavidsonLikelihood", "fit_davidson"]

FEATURES = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 1.0]])
"""Scores of the outcomes "first wins", "second wins", "tie" in ``(theta_first, theta_second, log nu)``."""


class DavidsonLikelihood:
    r"""The three outcomes of every pair as a multinomial logit in ``(theta, log nu)``, which makes it convex.

    .. math:: P(i \succ j) = \frac{p_i}{p_i + p_j + \nu \sqrt{p_i p_j}}, \quad
              P(\text{tie}) = \frac{\nu \sqrt{p_i p_j}}{p_i + p_j + \nu \sqrt{p_i p_j}}
    """

    def __init__(self, data: PairCounts) -> None:
        assert data.ties is not None
        self.n_items = data.n_items
        first, second = np.nonzero(np.triu(data.W + data.W.T + data.ties))
        self.places = np.stack([first, second, np.full(len(first), self.n_items)])
        self.counts = np.stack([data.W[first, second], data.W[second, first], data.ties[first, second]])

    def evaluate(self, x: Floats) -> tuple[float, Floats, Floats]:
        """Return negative log-likelihood, gradient and Hessian, the last coordinate being ``log nu``."""
        scores = FEATURES @ x[self.places]
        level = logsumexp(scores, axis=0)
        p, n = np.exp(scores - level), np.sum(self.counts, axis=0)
        nll = float(np.sum(n * level - np.sum(self.counts * scores, axis=0)))
        mean = FEATURES.T @ p
        gradient, size = np.zeros(self.n_items + 1), self.n_items + 1
        slopes = n * mean - FEATURES.T @ self.counts
        hessian = np.zeros(size * size)
        second = np.einsum("oa,ob,oe->abe", FEATURES, FEATURES, p)
        for a in range(3):
            gradient += np.bincount(self.places[a], slopes[a], size)
            for b in range(3):
                block = n * (second[a, b] - mean[a] * mean[b])
                hessian += np.bincount(self.places[a] * size + self.places[b], block, size * size)
        return nll, gradient, hessian.reshape(size, size)


def fit_davidson(
    data: PairCounts, *, alpha: float, prior_mean: Floats, max_iter: int
) -> tuple[NewtonRun, float, Floats]:
    """Minimize over ``(theta, log nu)``; the prior is on theta only. Return run, likelihood and covariance."""
    likelihood = DavidsonLikelihood(data)
    n = data.n_items
    hessian = np.zeros((0, 0))

    def evaluate(x: Floats) -> tuple[float, Floats]:
        nonlocal hessian
        nll, gradient, hessian = likelihood.evaluate(x)
        shift = x[:n] - prior_mean
        gradient[:n] += alpha * shift
        return nll + 0.5 * alpha * float(shift @ shift), gradient

    def regular() -> Floats:
        H = hessian.copy()
        H[:n, :n] += np.mean(np.diagonal(H)[:n]) / n if alpha == 0.0 else alpha * np.eye(n)
        return H

    def direction(_: Floats, gradient: Floats) -> Floats:
        step = -solve_positive(regular(), gradient)
        if alpha == 0.0:
            step[:n] -= np.mean(step[:n])
        return step

    run = damped_newton(evaluate, direction, np.append(prior_mean, 0.0), max_iter=max_iter)
    nll, _, hessian = likelihood.evaluate(run.x)
    cov = solve_positive(regular(), np.eye(n + 1))
    if alpha == 0.0:
        cov[:n] -= np.mean(cov[:n], axis=0, keepdims=True)
        cov[:, :n] -= np.mean(cov[:, :n], axis=1, keepdims=True)
    return run, nll, (cov + cov.T) / 2
