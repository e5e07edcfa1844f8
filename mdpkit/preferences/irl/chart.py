"""Which directions of the parameter the features identify, and coordinates in which all of them have one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats
from mdpkit.preferences.irl.soft_model import SoftModel

__all__ = ["Chart", "draw_chart"]

RANK_TOLERANCE = 1e-10
"""Smallest singular value, relative to the largest, of the effects of actions on scaled features that is not zero."""

LARGEST_STACK = 1 << 22
"""Numbers to collect before rows are condensed: few large factorizations are faster than many small ones."""

NOISE = 1e-13
"""What rounding makes of features that cancel out along every path, relative to their scale."""


@dataclass(frozen=True, eq=False, slots=True)
class Chart:
    """Coordinates ``z``: features ``(phi - shift) / scale @ basis`` in place of ``phi``.

    Attributes
    ----------
    shift, scale : ndarray, shape (d,)
        ``|phi(tau) - sum_h gamma^h shift| <= scale`` for every trajectory.
    offset : ndarray, shape (d,)
        ``sum_h gamma^h shift``.
    basis : ndarray, shape (d, r)
        Orthonormal directions of scaled features that the actions can change.
    null_scaled : ndarray, shape (d, d-r)
        The other directions of scaled features.
    null_basis : ndarray, shape (d, d-r)
        Orthonormal directions ``u`` of the parameter for which ``u . phi(pi)`` is the same for all policies.
    """

    shift: Floats
    scale: Floats
    offset: Floats
    basis: Floats
    null_scaled: Floats
    null_basis: Floats

    def apply(self, model: SoftModel) -> SoftModel:
        """Return the model with scaled features, all ``d`` of them: those of a trajectory are at most 1."""
        return model.in_coordinates(self.shift, np.diag(1.0 / self.scale))

    def target(self, mean: Floats) -> Floats:
        """Scale the features of trajectories."""
        return (mean - self.offset) / self.scale

    def to_parameter(self, directions: Floats) -> Floats:
        """Turn coordinates, ``(r,)`` or ``(r, k)``, into parameters of least Euclidean norm."""
        theta = self._shortened(directions)
        # Where units differ by many powers of ten the projection loses digits; the coordinates say which.
        for _ in range(2):
            theta += self._shortened(directions - self.basis.T @ (theta.T * self.scale).T)
        return theta

    def _shortened(self, directions: Floats) -> Floats:
        theta = ((self.basis @ directions).T / self.scale).T
        return np.asarray(theta - self.null_basis @ (self.null_basis.T @ theta))

    def rescaled(self, matrix: Floats) -> Floats:
        """Turn a second moment of scaled features into one of the features themselves."""
        return matrix * np.outer(self.scale, self.scale)


def draw_chart(model: SoftModel) -> Chart:
    """Find the chart of a model.

    A direction ``u`` is not identified iff ``u . g_h(s, a)`` is the same for all actions, in every state that can be
    reached: by induction from the last step that does not depend on the policy, here the uniform one. Every state
    counts alike, however rarely it is visited, so the rank is a matter of structure and not of probabilities.
    """
    reach = model.reached()
    shift, scale = _center_and_scale(model)
    scaled = model.in_coordinates(shift, np.diag(1.0 / scale))
    d = model.n_features
    uniform = scaled.values(np.zeros(d))[1]
    stack, mu = [np.zeros((0, d))], np.zeros((len(model.start), d))
    for h in range(len(model.steps) - 1, -1, -1):
        step = scaled.steps[h]
        g = scaled.weights[h] * scaled.bases[h] + step.P @ mu
        mu = step.average(uniform[h], g)
        stack.append((g - mu[step.pair_state])[reach[h][step.pair_state]])
        if h == 0 or sum(rows.size for rows in stack) > LARGEST_STACK:
            # A triangle has the singular values of its rows, exact to rounding; a Gram matrix loses half the digits.
            stack = [np.asarray(np.linalg.qr(np.vstack(stack), mode="r"))]
    _, singular, rows = np.linalg.svd(stack[0])
    rank = int(np.sum(singular > max(RANK_TOLERANCE * singular[0], NOISE)))
    null_scaled = rows[rank:].T
    return Chart(
        shift=shift,
        scale=scale,
        offset=shift * np.sum(model.weights),
        basis=rows[:rank].T,
        null_scaled=null_scaled,
        null_basis=np.linalg.qr(null_scaled / scale[:, None])[0],
    )


def _center_and_scale(model: SoftModel) -> tuple[Floats, Floats]:
    """Return the middle of the features over all pairs that can be reached, and the most a trajectory deviates."""
    live = model.live()
    seen = [base[live[id(base)]] for base in {id(base): base for base in model.bases}.values()]
    low = np.min([np.min(rows, axis=0) for rows in seen], axis=0)
    high = np.max([np.max(rows, axis=0) for rows in seen], axis=0)
    # The middle, not the mean: of a constant feature nothing is left, not even rounding.
    shift = low + (high - low) / 2
    total = np.sum(model.weights)
    scale = total * (high - low) / 2
    constant = scale == 0.0
    scale[constant] = total * np.abs(shift[constant])
    scale[scale == 0.0] = 1.0
    return shift, scale
