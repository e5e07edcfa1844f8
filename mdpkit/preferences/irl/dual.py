"""The convex function that maximum-entropy inverse planning minimizes, with its exact derivatives."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.preferences.irl.soft_model import SoftModel

__all__ = ["Dual", "inverse"]

LARGEST_STEP = 100.0
"""Most by which one Newton step may change the utility of a trajectory, unless utilities are that large already.
Where visits are rare, as in the depth of a lock under the uniform policy, the full step is as long as they are rare."""

FLAT = 1e-15
"""Smallest eigenvalue of a Hessian with unit diagonal, relative to the largest, that is not rounding."""


class Dual:
    """``f(z) = start . V_0(z) - z . target + (penalty / 2) ||z / scale||^2``, per demonstration.

    Its gradient is ``E phi - target + penalty z / scale^2``, its Hessian `SoftModel.curvature` plus the penalty's.
    """

    def __init__(self, model: SoftModel, target: Floats, penalty: Floats) -> None:
        self.model, self.target, self.penalty = model, target, penalty
        self.policy: list[Floats] = []
        self.visits: list[Floats] = []

    def evaluate(self, z: Floats) -> tuple[float, Floats]:
        """Return value and gradient."""
        V, self.policy = self.model.values(z)
        self.visits = self.model.visits(self.policy)
        value = float(self.model.start @ V[0] - z @ self.target + 0.5 * z @ (self.penalty * z))
        return value, self.model.moments(self.visits) - self.target + self.penalty * z

    def hessian(self) -> Floats:
        """Return the Hessian where `evaluate` was last called."""
        return self.model.curvature(self.policy, self.visits) + np.diag(self.penalty)

    def direction(self, z: Floats, gradient: Floats) -> Floats:
        """Return the Newton step, shortened if it would turn the policy upside down."""
        step = -inverse(self.hessian()) @ gradient
        spread, most = self.model.spread(step), max(LARGEST_STEP, self.model.spread(z))
        return step if spread <= most else step * (most / spread)

    def remaining(self, gradient: Floats) -> float:
        """Return by how much the Newton step changes utilities; infinite if rounding hides it."""
        hessian = self.hessian()
        values, _ = _spectrum(hessian)
        if len(values) and not values[0] > FLAT * values[-1]:
            return np.inf
        return self.model.spread(inverse(hessian) @ gradient)


def inverse(matrix: Floats) -> Floats:
    """Invert a positive definite matrix whose rows may have different scales; nearly singular ones stay finite."""
    values, rows = _spectrum(matrix)
    floor = FLAT * max(float(np.max(values, initial=0.0)), 1.0)
    return np.asarray((rows / np.maximum(values, floor)) @ rows.T)


def _spectrum(matrix: Floats) -> tuple[Floats, Floats]:
    """Return eigenvalues of the matrix scaled to a unit diagonal, and its eigenvectors with the scales divided out."""
    # Variances may underflow where utilities run away; their inverses must not overflow.
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-100))
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    return values, vectors / scale[:, None]
