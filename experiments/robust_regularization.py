"""Where regularization replaces the inner problem of an Lp ball, and where it is too pessimistic.

Seed 0 is the reference row of the specification of this package, further seeds draw rows and payoffs at random.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit import bounds
from mdpkit.models import L1Ball, L2Ball, LinfBall
from mdpkit.robust import worst_case

BALLS: dict[str, type[L1Ball | L2Ball | LinfBall]] = {"l1": L1Ball, "l2": L2Ball, "linf": LinfBall}
GRID = [{"norm": norm} for norm in BALLS]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 40}, "paper": {"configs": GRID, "n_seeds": 1000}}
MULTIPLES = np.linspace(0.0, 2.0, 41)
"""Radii, as multiples of the one at which the first coordinate becomes 0."""
SMALL = 0.05
"""Radius of the reference numbers."""
REFERENCE = np.array([-0.1, 1.9, -2.4, 0.05, 1.6])


def instance(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a row ``q`` and payoffs ``z`` without ties."""
    if seed == 0:
        return np.full(5, 0.2), REFERENCE
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    q = rng.dirichlet(np.ones(n)) * 0.9 + 0.1 / n
    return q, rng.standard_normal(n)


def direction(z: np.ndarray, norm: str) -> np.ndarray:
    """Return the unit step, entries summing to 0, along which ``p.z`` falls fastest."""
    step = np.zeros(len(z))
    if norm == "l1":
        step[np.argmin(z)], step[np.argmax(z)] = 0.5, -0.5
    elif norm == "l2":
        step = (z.mean() - z) / np.linalg.norm(z - z.mean())
    else:
        step = np.sign(np.median(z) - z)
    return step


def first_zero(q: np.ndarray, z: np.ndarray, norm: str) -> float:
    """Return the radius at which the unconstrained minimizer leaves the simplex."""
    step = direction(z, norm)
    return float(np.min(q[step < 0] / -step[step < 0]))


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Compare the exact inner problem with the formula at every radius; errors relative to the range of payoffs."""
    norm = config["norm"]
    q, z = instance(seed)
    edge = first_zero(q, z, norm)
    gap = []
    for kappa in MULTIPLES * edge:
        sigma, _ = worst_case(z, q, BALLS[norm](kappa))
        formula = q @ z - float(bounds.lp_regularization(payoff=z, radius=kappa, norm=norm))
        gap.append((sigma - formula) / np.ptp(z))
    small, _ = worst_case(z, q, BALLS[norm](SMALL))
    return {"edge": edge, "small": small, "multiple": MULTIPLES, "gap": np.array(gap)}
