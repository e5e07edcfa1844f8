"""Steering the return to a target: stock policies against plans that do not look at the rewards.

At every step wait, which pays nothing, or toss a coin that pays 1 or 0; each step is worth half the one before.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

from mdpkit.distributional import Utility, optimize_stock
from mdpkit.problems.risk import sure_or_coin

TARGETS = tuple(k / 4 for k in range(8))
CONFIGS = {
    preset: {
        "configs": [{"target": 1.0, "horizon": T} for T in range(1, longest + 1)]
        + [{"target": g, "horizon": 4} for g in TARGETS if g != 1.0],
        "n_seeds": 1,
    }
    for preset, longest in (("quick", 8), ("paper", 10))
}


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the expected distance from the target, of the stock policy and of the best open-loop plan."""
    target, horizon = config["target"], config["horizon"]
    plan = optimize_stock(sure_or_coin(0.0), Utility.target(), horizon=horizon, stock=Fraction(-target), exact=True)
    blind = [open_loop(tosses, Fraction(target)) for tosses in product((False, True), repeat=horizon)]
    off = plan.law.expect(lambda g: abs(g - Fraction(target)))
    return {
        "steered": float(off),
        "open_loop": float(min(blind)),
        "n_plans": len(blind),
        "agrees": off == -plan.value,
    }


def open_loop(tosses: tuple[bool, ...], target: Fraction) -> Fraction:
    """Return ``E |G - target|`` of a plan, over all outcomes of its coins."""
    totals = [Fraction(0)]
    for t, toss in enumerate(tosses):
        if toss:
            totals = [total + pay for total in totals for pay in (Fraction(0), Fraction(1, 2**t))]
    return sum((abs(total - target) for total in totals), Fraction(0)) / len(totals)
