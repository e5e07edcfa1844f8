r"""How far a computed Bellman sweep can be from the exact one.

The exact model has rows ``p_j / sum_i p_i``, with the stored doubles ``p_j`` and their exact sum, and the stored
rewards up to ``reward_error``. For any ``V`` a computed ``r + gamma * sum_j p_j V_j`` differs from the exact one by at
most

.. math:: e = (b+3)\, u\, (\max|r| + \gamma \max|V|) + \gamma\, \eta \max|V| + \rho,

with ``u = 2^-53``, ``b`` the longest row, ``eta`` the bound on row sums and ``rho`` the reward error, in whatever order
the products are added (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mdpkit._typing import Floats
from mdpkit.models.rows import Rows

UNIT_ROUNDOFF = 2.0**-53
UNDERFLOW = 2.0**-1000
"""More than all underflows of a sweep together (2^-1075 per product), and nothing to any other number."""


class RoundingModel(Protocol):
    """What certificates need to know about the errors of a computed sweep."""

    @property
    def gamma(self) -> float:
        """Discount factor."""

    @property
    def reward_error(self) -> float:
        """Bound on what rounding did to the rewards."""

    @property
    def reward_scale(self) -> float:
        """Largest reward in magnitude."""

    def sweep_error(self, value_scale: float) -> float:
        """Return the largest distance of a computed sweep from the exact one, for values up to ``value_scale``."""

    def tie(self, value_scale: float) -> float:
        """Return the slack within which two pair values count as equal."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """The constants of the bound for one model."""

    longest_row: int
    sum_error: float
    reward_error: float
    reward_scale: float
    gamma: float

    @classmethod
    def of(cls, rows: Rows, reward: Floats, gamma: float, reward_error: float) -> Rounding:
        """Read the constants off a model."""
        return cls(rows.longest_row, rows.sum_error, reward_error, largest(reward), gamma)

    def sweep_error(self, value_scale: float) -> float:
        """Return ``e`` for values up to ``value_scale`` in magnitude; exactly 0 where no rounding can occur."""
        if self.gamma == 0.0 or value_scale == 0.0:
            return self.reward_error
        future = self.gamma * value_scale
        relative = (self.longest_row + 3) * UNIT_ROUNDOFF
        # The last factor covers the rounding of this very formula and the terms of second order in u.
        error = relative * (self.reward_scale + future) + self.sum_error * future + self.reward_error
        return error * (1 + 1e-6) + UNDERFLOW

    def tie(self, value_scale: float) -> float:
        """Return the slack within which two pair values count as equal."""
        return 8 * UNIT_ROUNDOFF * (self.reward_scale + self.gamma * value_scale)


def largest(array: Floats) -> float:
    """Return ``max |array|`` without a temporary of its size."""
    return max(abs(float(np.max(array))), abs(float(np.min(array))))
