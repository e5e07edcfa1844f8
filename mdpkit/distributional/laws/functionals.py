"""Quantiles and tail means of sorted atoms, with ties and split atoms treated exactly."""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np

from mdpkit._typing import Ints
from mdpkit.distributional.laws.merging import Array, as_array
from mdpkit.errors import InputError

__all__ = [
    "LEVEL_TOLERANCE",
    "check_levels",
    "check_tau",
    "cumulative",
    "lower_index",
    "lower_tail_mean",
    "upper_index",
]

LEVEL_TOLERANCE = 1e-12
"""A level this close to a cumulative probability ties with it (float mode)."""


def check_levels(u: Any, exact: bool) -> Any:
    """Return levels in [0, 1] as an array, of fractions where law and levels are exact."""
    levels = as_array(u, "u")
    bad = np.flatnonzero(~((levels >= 0) & (levels <= 1)).astype(bool).ravel())
    if len(bad):
        value = levels.ravel()[bad[0]]
        index = int(bad[0]) if levels.ndim else None
        raise InputError(f"u must lie in [0, 1], found {value}", argument="u", index=index, value=value)
    return levels if exact else levels.astype(np.float64)


def check_tau(tau: Any, exact: bool) -> Any:
    """Return a level in (0, 1]: a fraction for an exact law (a double at its binary value), else a float."""
    real = isinstance(tau, (Rational, float, np.floating)) and not isinstance(tau, bool)
    if not real or not 0 < tau <= 1:
        raise InputError(f"tau must lie in (0, 1], found {tau!r}", argument="tau", value=tau)
    if not exact:
        return float(tau)
    return Fraction(int(tau)) if isinstance(tau, (int, np.integer)) else Fraction(tau)


def cumulative(p: Array) -> Array:
    """Return the cumulative probabilities; the last one is exactly one."""
    if p.dtype.kind == "O":
        return np.asarray(np.cumsum(p))
    # Extended precision where the machine has it: a plain running sum of 1e6 terms drifts towards the tolerance.
    total = np.cumsum(p, dtype=np.longdouble).astype(np.float64)
    np.minimum(total, 1.0, out=total)
    total[-1] = 1.0
    return total


def lower_index(cum: Array, u: Any) -> Ints:
    """Return the first index whose cumulative probability reaches u."""
    slack = 0 if cum.dtype.kind == "O" else LEVEL_TOLERANCE
    return np.asarray(np.minimum(np.searchsorted(cum, u - slack, side="left"), len(cum) - 1))


def upper_index(cum: Array, u: Any) -> Ints:
    """Return the last index below which there is at most mass u."""
    slack = 0 if cum.dtype.kind == "O" else LEVEL_TOLERANCE
    return np.asarray(np.minimum(np.searchsorted(cum, u + slack, side="right"), len(cum) - 1))


def lower_tail_mean(x: Array, p: Array, cum: Array, tau: Any) -> Any:
    """Return ``(1/tau) int_0^tau F^{-1}(u) du`` of sorted atoms, tau in (0, 1]."""
    if tau == 1:
        mean = p @ x
        return mean if p.dtype.kind == "O" else float(mean)
    k = int(np.searchsorted(cum, tau, side="left"))
    # Measured from the least atom: exact for tau <= p[0], and the result shifts with the law to the last digit.
    inner = p[1:k] @ (x[1:k] - x[0]) if k > 1 else 0
    last = (tau - cum[k - 1]) * (x[k] - x[0]) if k > 0 else 0
    mean = x[0] + (inner + last) / tau
    return mean if p.dtype.kind == "O" else float(mean)
