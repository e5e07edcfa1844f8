r"""Certified enclosures from one Bellman sweep (MacQueen 1966, Porteus 1971), rounding included.

For any finite ``V`` with ``W = T V`` and ``d = W - V``,

.. math:: W + \frac{\gamma}{1-\gamma} \min d \;\le\; V^\pi \;\le\; V^* \;\le\; W + \frac{\gamma}{1-\gamma} \max d,

where ``pi`` is greedy for ``V``. A computed sweep is off by at most ``e`` (see `mdpkit.planning.rounding`), which
widens both ends by ``e (1 + gamma / (1 - gamma))`` plus the rounding of these formulas themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import CertificateError
from mdpkit.planning.rounding import UNDERFLOW, UNIT_ROUNDOFF, RoundingModel, largest


@dataclass(frozen=True, slots=True)
class SweepBounds:
    """``W + low <= V^pi <= V* <= W + high``."""

    low: float
    high: float
    floor: float
    """The share of the half width that is due to rounding: no tolerance below it can be certified."""

    @property
    def half_width(self) -> float:
        """Bound on the sup-norm error of the midpoint."""
        return (self.high - self.low) / 2


def sweep_bounds(V: Floats, lo: float, hi: float, rounding: RoundingModel) -> SweepBounds:
    """Turn the extremes of a computed ``W - V`` into certified shifts of ``W``."""
    gamma = rounding.gamma
    if gamma == 0.0:
        error = rounding.sweep_error(0.0)
        return SweepBounds(-error, error, error)
    factor = gamma / (1.0 - gamma)
    difference = max(abs(lo), abs(hi))
    # The scale of the ends themselves, not only of V: ends tighter than their own rounding could be true, never proved.
    scale = largest(V) + difference * (1.0 + factor)
    error = rounding.sweep_error(scale)
    step_error = error + 2 * UNIT_ROUNDOFF * difference
    # Adding a shift to W rounds once more, by at most u (|W| + |shift|); 4 u covers the products before it.
    slack = 4 * UNIT_ROUNDOFF * scale + UNDERFLOW * (difference > 0.0)
    delta = error + factor * step_error + slack
    return SweepBounds(factor * lo - delta, factor * hi + delta, delta)


class Enclosure:
    """The intersection of all certified bounds seen so far, entry by entry."""

    def __init__(self, n_states: int) -> None:
        self.lower = np.full(n_states, -np.inf)
        self.upper = np.full(n_states, np.inf)

    def tighten(self, lower: Floats, upper: Floats, slack: float) -> None:
        """Intersect with another enclosure; contradiction beyond ``slack`` is a bug, never repaired."""
        np.maximum(self.lower, lower, out=self.lower)
        np.minimum(self.upper, upper, out=self.upper)
        gap = self.lower - self.upper
        worst = float(np.max(gap))
        if worst > 10 * slack:
            s = int(np.argmax(gap))
            raise CertificateError(
                f"certified bounds contradict each other at state {s}: "
                f"lower {self.lower[s]!r} > upper {self.upper[s]!r}"
            )

    @property
    def half_width(self) -> float:
        """Bound on the sup-norm error of the midpoint."""
        return float(np.max(self.upper - self.lower)) / 2
