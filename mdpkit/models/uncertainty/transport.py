"""Wasserstein balls: mass moves at a price per distance."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError, ShapeError
from mdpkit.models.uncertainty.balls import _shown
from mdpkit.models.uncertainty.base import UncertaintySet, check_shape, read_numbers

if TYPE_CHECKING:
    from mdpkit.models.tabular import TabularMDP

__all__ = ["WassersteinBall"]


class WassersteinBall(UncertaintySet):
    r"""Rows within transport cost :math:`W_1(p, q) \le \kappa` of the nominal row ``q``.

    Any state may receive mass. For the order-k distance pass ``metric**k`` and ``radius**k``.

    Parameters
    ----------
    radius : array_like, scalar, shape (S,) or (S, A)
        ``kappa >= 0``, in units of the metric.
    metric : array_like, shape (S, S)
        Cost of moving a unit of mass from one state to another: nonnegative, zero on the diagonal. Symmetry and the
        triangle inequality are not needed.

    Raises
    ------
    InputError
        A cost is negative, not finite, or not zero on the diagonal.

    Warns
    -----
    UserWarning
        The costs are not symmetric or break the triangle inequality, so they are no metric (states up to 500).

    Examples
    --------
    >>> import numpy as np
    >>> from mdpkit.models import WassersteinBall
    >>> WassersteinBall(0.3, np.abs(np.subtract.outer(range(4), range(4))))
    WassersteinBall(0.3, metric of 4 states)
    """

    radius: Floats
    metric: Floats

    def __init__(self, radius: Any, metric: Any) -> None:
        distances = read_numbers(metric, "metric", least=0.0)
        if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
            raise ShapeError(f"metric must have shape (S, S), found {distances.shape}", argument="metric")
        diagonal = np.diagonal(distances)
        if diagonal.any():
            s = int(np.argmax(diagonal != 0.0))
            raise InputError(
                f"metric[{s}, {s}] = {float(diagonal[s])!r}; staying must cost nothing",
                argument="metric",
                index=(s, s),
                value=float(diagonal[s]),
            )
        self._store(radius=read_numbers(radius, "radius", least=0.0), metric=distances)
        if sentence := _not_a_metric(distances):
            warnings.warn(f"metric {sentence}; the transport cost is computed as given", stacklevel=2)

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check the shapes of radius and metric."""
        check_shape(self.radius, "radius", nominal, rectangularity)
        if len(self.metric) != nominal.n_states:
            shape = (nominal.n_states, nominal.n_states)
            raise ShapeError(f"metric must have shape {shape}, found {self.metric.shape}", argument="metric")

    def __repr__(self) -> str:
        return f"WassersteinBall({_shown(self.radius)}, metric of {len(self.metric)} states)"


def _not_a_metric(distances: Floats) -> str:
    """Say what a metric must be and this is not, or nothing."""
    different = distances != distances.T
    if different.any():
        i, j = np.unravel_index(int(np.argmax(different)), distances.shape)
        return f"is not symmetric at [{i}, {j}]"
    if len(distances) > 500:
        return ""  # the triangle inequality costs S^3 comparisons
    slack = 1e-12 * float(np.max(distances, initial=0.0))
    for k in range(len(distances)):
        detour = distances[:, k, None] + distances[k]
        short = distances > detour + slack
        if short.any():
            i, j = np.unravel_index(int(np.argmax(short)), distances.shape)
            return f"breaks the triangle inequality: from {i} to {j} the way over {k} is shorter"
    return ""
