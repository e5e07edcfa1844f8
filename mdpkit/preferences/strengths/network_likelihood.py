"""Likelihood of traffic on a network, with its prior: what ChoiceRank maximizes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from mdpkit._typing import Floats
from mdpkit.preferences.strengths.uncertainty import Uncertainty

__all__ = ["NetworkCovariance", "NetworkLikelihood"]


class NetworkLikelihood:
    r"""The convex function ``sum_j out_j log (A p)_j - sum_i in_i theta_i + alpha sum_i (p_i - theta_i)``.

    Here ``p_i = exp(theta_i)``.

    Parameters
    ----------
    links : sparse array, shape (N, N)
        ``a_{ji}``, positive where there is a link from ``j`` to ``i``.
    arrivals, departures : ndarray, shape (N,)
        Traffic into and out of the nodes.
    alpha : float
        Strength of the Gamma prior.
    """

    def __init__(self, links: Any, arrivals: Floats, departures: Floats, alpha: float) -> None:
        self.links, self.back = links, links.T.tocsr()
        self.arrivals, self.departures, self.alpha = arrivals, departures, alpha
        self.left = departures > 0.0

    def _shares(self, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """Return strengths, what each node offers in all, and departures per unit of that."""
        p = np.exp(theta)
        offered = self.links @ p
        rate = np.divide(self.departures, offered, out=np.zeros(len(p)), where=self.left)
        return p, offered, rate

    def nll(self, theta: Floats) -> float:
        """Return the negative log-likelihood without the prior."""
        _, offered, _ = self._shares(theta)
        return float(self.departures[self.left] @ np.log(offered[self.left]) - self.arrivals @ theta)

    def evaluate(self, theta: Floats) -> tuple[float, Floats]:
        """Return value and gradient, prior included; two sparse products."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            p, _, rate = self._shares(theta)
            value = self.nll(theta) + self.alpha * float(np.sum(p) - np.sum(theta))
            gradient = p * (self.back @ rate) - self.arrivals + self.alpha * (p - 1.0)
        # a step beyond the range of doubles counts as infinitely bad, so that the line search shortens it
        return value if np.isfinite(value) else np.inf, gradient

    def solve(self, theta: Floats, b: Floats, rtol: float) -> Floats:
        """Return the inverse Hessian times `b`, by conjugate gradients with its diagonal as preconditioner."""
        n = len(b)
        hessian, diagonal = self.hessian(theta)
        jacobi = LinearOperator((n, n), matvec=lambda v: v.reshape(-1) / diagonal)
        return np.asarray(cg(hessian, b, rtol=rtol, atol=0.0, maxiter=20 * n, M=jacobi)[0])

    def hessian(self, theta: Floats) -> tuple[LinearOperator, Floats]:
        """Return the Hessian as an operator, and its diagonal."""
        n = len(theta)
        p, offered, rate = self._shares(theta)
        curvature = np.divide(rate, offered, out=np.zeros(n), where=self.left)
        own = p * (self.back @ rate) + self.alpha * p

        def product(v: Floats) -> Floats:
            v = v.reshape(-1)
            return np.asarray(own * v - p * (self.back @ (curvature * (self.links @ (p * v)))))

        diagonal = own - p**2 * (self.back.power(2) @ curvature)
        return LinearOperator((n, n), matvec=product), diagonal


class NetworkCovariance(Uncertainty):
    """Laplace covariance at a fit."""

    def __init__(self, likelihood: NetworkLikelihood, theta: Floats) -> None:
        self.likelihood, self.theta = likelihood, theta

    @property
    def kind(self) -> str:
        """An approximate posterior."""
        return "laplace"

    def matrix(self) -> Floats:
        """Invert the Hessian, ``O(N^3)``."""
        hessian, _ = self.likelihood.hessian(self.theta)
        return np.asarray(np.linalg.inv(hessian @ np.eye(len(self.theta))))

    def variance(self, v: Floats) -> float:
        """Solve one linear system."""
        return float(v @ self.likelihood.solve(self.theta, v, 1e-12))
