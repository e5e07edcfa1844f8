"""Error and certified width of four planners after every certificate, on real inputs.

The error is measured against an enclosure of ``V*`` that shares nothing with the run: policy iteration to the rounding
floor, proved by `mdpkit.verify`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import mdpkit
from experiments._planning_problems import TITLES, build

METHODS = ("value_iteration", "gauss_seidel", "modified_policy_iteration", "policy_iteration")
GRID = [{"problem": problem, "method": method} for problem in TITLES for method in METHODS]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 1}, "paper": {"configs": GRID, "n_seeds": 1}}
RELATIVE_TOL = 1e-9


def proved_values(mdp: mdpkit.TabularMDP) -> tuple[np.ndarray, np.ndarray]:
    """Return an enclosure of ``V*`` a few roundings wide, proved from the model alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
        solution = mdpkit.solve(mdp, method="policy_iteration", tol=np.finfo(float).tiny)
    verification = mdpkit.verify(mdp, solution)
    if not verification:
        raise RuntimeError(verification.message)
    return verification.lower, verification.upper


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Solve one problem with one method, watching every certificate."""
    mdp = build(config["problem"])
    low, high = proved_values(mdp)
    center = (low + high) / 2
    rows: list[tuple[float, float, float, bool]] = []

    def watch(now: Any) -> None:
        contained = bool(np.all(now.lower <= low) and np.all(high <= now.upper))
        rows.append((now.sweeps, float(np.max(np.abs(now.V - center))), now.half_width, contained))

    scale = float(np.max(np.abs(center)))
    mdpkit.solve(mdp, method=config["method"], tol=RELATIVE_TOL * scale, callback=watch)
    sweeps, error, half_width, contained = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "gamma": mdp.gamma,
        "scale": scale,
        "sweeps": sweeps,
        "error": error,
        "half_width": half_width,
        "contained": contained,
    }
