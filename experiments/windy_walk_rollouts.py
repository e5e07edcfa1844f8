"""Windy walk with worst cases estimated by roll-outs: when IWOCS stops, and what it reports.

The stopping rule compares a mean of 300 returns with a number; `standard_errors` says how much noise it allows for.
"""

from __future__ import annotations

import warnings
from typing import Any

import mdpkit
from mdpkit.problems.robust import windy_walk
from mdpkit.robust import MonteCarlo, iwocs

GRID = [{"standard_errors": k, "max_iter": 50} for k in (0.0, 3.0)]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 12}, "paper": {"configs": GRID, "n_seeds": 50}}
START = 0
TOL = 1e-3
"""The tolerance of the published runs."""


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Run once; `exact` is what the returned policy is worth in its worst model."""
    walk = windy_walk()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
        result = iwocs(
            walk,
            initial_state=START,
            policy_step="min_q",
            worst_case=MonteCarlo(standard_errors=config["standard_errors"], seed=seed),
            tol=TOL,
            max_iter=config["max_iter"],
        )
    return {
        "iterations": result.iterations,
        "stopped": result.status == "estimated",
        "converged": result.converged,
        "value": result.value,
        "exact": min(float(mdpkit.evaluate_policy(model, result.policy).V[START]) for model in walk),
    }
