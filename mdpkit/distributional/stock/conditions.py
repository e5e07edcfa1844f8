"""Which objectives greedy dynamic programming may be asked to optimize, and what to use for the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit.distributional.stock.utility import TOLERANCE, Utility, check_points
from mdpkit.errors import InputError, UnsupportedObjectiveError

INSTEAD = {
    "cvar": "maximize_cvar",
    "ocvar": "maximize_ocvar",
    "erm": "maximize_erm",
    "evar": "maximize_evar",
    "value_at_risk": "maximize_var",
    "quantile": "maximize_var",
    "upper_quantile": "maximize_var",
    "median": "maximize_var",
    "var": "maximize_var for the value at risk; nothing optimizes a variance exactly",
    "variance": "",
    "std": "",
    "mean_variance": "",
    "sharpe": "",
}
"""Functionals of laws that are no expected utilities, and the function that optimizes each."""


def check_utility(utility: Any, *, dimension: int = 1) -> Utility:
    """Return a utility of the stock's dimension; name the condition that any other functional violates."""
    if not isinstance(utility, Utility):
        name = _functional(utility)
        if name in INSTEAD:
            use = f"; use {INSTEAD[name]}" if INSTEAD[name] else "; no dynamic program on laws optimizes it"
            raise UnsupportedObjectiveError(
                f"{name} is no expected utility: it violates indifference to mixtures (the better of two laws on each "
                f"outcome need not give the better mixture), so acting greedily for it optimizes nothing{use}",
                argument="utility",
                value=utility,
            )
        raise InputError(
            f"utility must be a Utility, found {type(utility).__name__}; wrap a function as Utility(f)",
            argument="utility",
            value=utility,
        )
    if utility.dimension != dimension:
        raise InputError(
            f"utility takes {utility.dimension} coordinates, but the stock has {dimension}",
            argument="utility",
            value=utility.dimension,
        )
    return utility


def check_stationary(utility: Any, gamma: float, allow_heuristic: bool) -> tuple[Utility, float]:
    """Return the utility and the factor ``alpha`` with ``f(gamma x) - f(0) = alpha (f(x) - f(0))``.

    It is ``gamma`` for the utilities a stationary stock policy can optimize; others are refused, unless a heuristic is
    wanted: then ``alpha`` is what fits at the checked points, or ``gamma`` if nothing does.
    """
    if isinstance(utility, Utility) and utility.dimension != 1:
        raise UnsupportedObjectiveError(
            f"{utility!r}: there is no grid for stocks of several coordinates; use optimize_stock(..., horizon=H); "
            "its truncation_error says what later rewards can change",
            argument="utility",
        )
    chosen = check_utility(utility)
    if chosen.homogeneous:
        return chosen, gamma
    alpha = _factor(chosen, gamma)
    if not allow_heuristic:
        raise UnsupportedObjectiveError(
            f"{chosen!r} cannot be optimized by a stationary stock policy: {_failing(chosen, gamma, alpha)}. Use "
            "optimize_stock(..., horizon=H), which is indexed by time and takes any utility, or allow_heuristic=True",
            argument="utility",
        )
    return chosen, gamma if alpha is None else alpha


def _failing(utility: Utility, gamma: float, alpha: float | None) -> str:
    """Name the condition that fails; a Lipschitz utility that is indifferent to gamma has ``alpha = gamma``."""
    if alpha is None:
        return f"it is not indifferent to gamma = {gamma:g}: no alpha gives f(gamma x) - f(0) = alpha (f(x) - f(0))"
    if abs(alpha - gamma) > TOLERANCE:
        return (
            f"it is not Lipschitz: f(gamma x) - f(0) = alpha (f(x) - f(0)) holds with alpha = {alpha:g}, and for a "
            f"Lipschitz function alpha would be gamma = {gamma:g}"
        )
    return "it is not declared indifferent to gamma; pass homogeneous=True, or its slopes k_pos and k_neg"


def _factor(utility: Utility, gamma: float) -> float | None:
    """Return the ``alpha`` that fits at all checked points, None if there is none."""
    x = check_points(1)[:, 0]
    try:
        zero = utility.at_zero
        before, after = utility.values(x) - zero, utility.values(gamma * x) - zero
    except (InputError, ArithmeticError):
        return None
    k = int(np.argmax(np.abs(before)))
    if before[k] == 0.0:
        return gamma
    alpha = float(after[k] / before[k])
    fits = np.abs(after - alpha * before) <= TOLERANCE * (1 + np.abs(after))
    return alpha if alpha > 0 and bool(fits.all()) else None


def _functional(objective: Any) -> str:
    """Return the name of a functional given as text or as a method of `DiscreteLaw`."""
    if isinstance(objective, str):
        return objective.lower().replace("-", "_").replace(" ", "_")
    owner, _, name = getattr(objective, "__qualname__", "").rpartition(".")
    return name if owner == "DiscreteLaw" else ""
