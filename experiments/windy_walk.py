"""Windy walk: how far robust value iteration and IWOCS are from the robust value, by Bellman iterates."""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from mdpkit.problems.robust import windy_walk
from mdpkit.robust import iwocs

GRID: list[dict[str, Any]] = [
    {"method": "robust_value_iteration"},
    {"method": "iwocs", "first_model": 0},
    {"method": "iwocs", "first_model": 12},
]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 1}, "paper": {"configs": GRID, "n_seeds": 1}}
START = 0
TOL = 1e-10
ROBUST_VALUE = -73055230061803 / 9186855520000
"""Value of the start at alpha = 1/2, from exact fractions."""


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the trace of one method on the walk with corridors of length 3."""
    if config["method"] == "iwocs":
        return _iwocs(config["first_model"])
    return _robust_value_iteration()


def _robust_value_iteration() -> dict[str, Any]:
    """Sweep over the (s,a)-rectangular hull from zeros; rows are the values before the first sweep and after each."""
    walk = windy_walk()
    hull = walk.rectangular_hull()
    best = mdpkit.solve(hull, method="policy_iteration", tol=TOL).V
    values = [np.zeros(walk.n_states)]
    mdpkit.solve(hull, method="value_iteration", tol=TOL, callback=lambda now: values.append(now.last_sweep))
    return {
        "backups": np.arange(len(values)),
        "error": np.array([abs(V[START] - ROBUST_VALUE) for V in values]),
        "sup_error": np.array([np.max(np.abs(V - best)) for V in values]),
        "hull_value": float(best[START]),
        "gamma": walk.gamma,
    }


def _iwocs(first_model: int) -> dict[str, Any]:
    """Run IWOCS as published, but with exact worst cases; rows are outer iterations.

    An outer iteration costs the sweeps in which value iteration would have solved its model.
    """
    walk = windy_walk()
    result = iwocs(walk, initial_state=START, first_model=first_model, policy_step="min_q", tol=TOL)
    asked = result.models[: result.iterations]
    sweeps = [mdpkit.solve(model, method="value_iteration", tol=TOL).iterations for model in asked]
    return {
        "backups": np.cumsum(sweeps),
        "error": np.abs(np.array(result.estimate) - ROBUST_VALUE),
        "upper": np.array(result.upper),
        "lower": np.array(result.lower),
        "worst_model": np.array((result.model_indices or [])[1:]),
        "certified": result.status == "certified",
        "value": result.value,
        "gamma": walk.gamma,
    }
