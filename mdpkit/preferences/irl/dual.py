"""The convex function that maximum-entropy inverse planning minimizes, with its exact derivatives."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.preferences.irl.soft_model import SoftModel

__all__ = ["Dual", "inverse"]

LARGEST_STEP = 100.0
"""Most by which one Newton step may change the utility of a trajectory. Where the data say nothing yet, such as at the
end of a long corridor under the uniform policy, the full step would be as long as visits are rare."""

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

    def is_flat(self) -> bool:
        """Say whether the Hessian is singular to rounding where `evaluate` was last called."""
        values, _ = _spectrum(self.hessian())
        return len(values) > 0 and not values[0] > FLAT * values[-1]

    def direction(self, z: Floats, gradient: Floats) -> Floats:
        """Return the Newton step, shortened if it would turn the policy upside down."""
        step = -inverse(self.hessian()) @ gradient
        spread = self.model.spread(step)
        return step if spread <= LARGEST_STEP else step * (LARGEST_STEP / spread)


def inverse(matrix: Floats) -> Floats:
    """Invert a positive definite matrix whose rows may have different scales; nearly singular ones stay finite."""
    values, rows = _spectrum(matrix)
    floor = FLAT * max(float(np.max(values, initial=0.0)), np.finfo(float).tiny)
    return np.asarray((rows / np.maximum(values, floor)) @ rows.T)


def _spectrum(matrix: Floats) -> tuple[Floats, Floats]:
    """Return eigenvalues of the matrix scaled to a unit diagonal, and its eigenvectors with the scales divided out."""
    scale = np.sqrt(np.diag(matrix))
    scale[~(scale > 0.0)] = 1.0
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    return values, vectors / scale[:, None]
