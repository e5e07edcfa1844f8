"""Entropic risk and the entropic value at risk of sorted atoms."""

from __future__ import annotations

from numbers import Rational
from typing import Any

import numpy as np
from scipy.optimize import brentq

from mdpkit._typing import Floats
from mdpkit.distributional.laws.merging import Array
from mdpkit.errors import InputError

__all__ = ["check_aversion", "entropic_risk", "entropic_value_at_risk"]


def check_aversion(b: Any) -> float:
    """Return a risk aversion, positive and finite."""
    real = isinstance(b, (Rational, float, np.floating)) and not isinstance(b, bool)
    if not real or not 0.0 < float(b) < np.inf:
        raise InputError(f"b must be positive and finite, found {b!r}", argument="b", value=b)
    return float(b)


def entropic_risk(x: Array, p: Array, b: Any) -> float:
    """Return ``ERM_b = -(1/b) log E exp(-b X)`` of sorted atoms, risk aversion ``b > 0``."""
    risk = check_aversion(b)
    least = float(x[0])
    return least - _log_mean_exp(risk, (x - x[0]).astype(np.float64), p.astype(np.float64)) / risk


def _log_mean_exp(b: float, excess: Floats, p: Floats) -> float:
    """Return ``log E exp(-b D)`` for ``D = X - min X >= 0``, to full relative precision."""
    # Near zero 1 + (...) would lose all digits of a small b; far from it, expm1 would cancel.
    below = float(p @ np.expm1(-b * excess))
    return float(np.log1p(below)) if below > -0.5 else float(np.log(p @ np.exp(-b * excess)))


def entropic_value_at_risk(x: Array, p: Array, tau: float) -> tuple[float, float]:
    """Return ``EVaR_tau = sup_{b > 0} { ERM_b + log(tau) / b }`` of sorted atoms, tau in (0, 1], and its b.

    The derivative of the objective has the sign of ``-log tau - KL(Q_b | P)``, where ``Q_b`` weights atoms by
    ``exp(-b x)``; the divergence grows with b from 0 to ``-log P(X = min)``, so b is one root. Beyond it, for
    ``P(X = min) >= tau``, the supremum is the limit ``min X`` at ``b = inf``; at ``tau = 1`` it is the mean, at
    ``b = 0``. (Ahmadi-Javid 2012, "Entropic value-at-risk".)
    """
    least, mass = float(x[0]), p.astype(np.float64)
    if mass[0] >= tau * (1.0 - 1e-12):
        return least, np.inf
    if tau == 1.0:
        return float(p @ x), 0.0
    spread = float(x[-1] - x[0])
    excess = ((x - x[0]) / spread).astype(np.float64)

    def excess_divergence(log_b: float) -> float:
        b = float(np.exp(log_b))
        tilted = mass * np.exp(-b * excess)
        return -b * float(tilted @ excess) / float(tilted.sum()) - _log_mean_exp(b, excess, mass) + float(np.log(tau))

    low, high = -1.0, 1.0
    while excess_divergence(low) > 0.0:
        low -= 2.0
    # The divergence stays below its limit only while atoms beside the least one still count.
    while excess_divergence(high) < 0.0:
        if high > 600.0:
            return least, np.inf
        high += 2.0
    b = float(np.exp(brentq(excess_divergence, low, high, xtol=1e-14, rtol=1e-14)))
    value = least + spread * (np.log(tau) - _log_mean_exp(b, excess, mass)) / b
    return max(float(value), least), b / spread
