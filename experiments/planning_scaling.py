"""Seconds to a certified 1e-6 against the number of states, model already built and kernels compiled."""

from __future__ import annotations

import time
from typing import Any

import mdpkit

TIMING = True
TOL = 1e-6
SIZES = {"quick": (100, 1_000, 10_000, 100_000), "paper": (100, 1_000, 10_000, 100_000, 1_000_000)}
METHODS = ("auto", "value_iteration")


def _configs(preset: str) -> list[dict[str, Any]]:
    return [
        {"family": family, "n_states": n, "method": method}
        for family in ("garnet", "grid")
        for n in SIZES[preset]
        for method in METHODS
    ]


CONFIGS = {preset: {"configs": _configs(preset), "n_seeds": 1} for preset in SIZES}


def _build(family: str, n_states: int, seed: int) -> mdpkit.TabularMDP:
    if family == "garnet":
        return mdpkit.problems.garnet(n_states, 5, 5, gamma=0.99, seed=seed)
    side = round(n_states**0.5)
    return mdpkit.problems.grid_world(side, gamma=0.99, seed=seed)


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Time one solve; small models are solved several times and the best time is kept."""
    mdp = _build(config["family"], config["n_states"], seed)
    mdpkit.solve(_build(config["family"], 64, seed), method=config["method"], tol=TOL)
    seconds = []
    for _ in range(5 if mdp.n_states <= 10_000 else 1):
        start = time.perf_counter()
        solution = mdpkit.solve(mdp, method=config["method"], tol=TOL)
        seconds.append(time.perf_counter() - start)
    return {
        "states": mdp.n_states,
        "transitions": mdp.nnz,
        "seconds": min(seconds),
        "sweeps": float(solution.trace.sweeps[-1]),
        "converged": solution.converged,
        "half_width": solution.half_width,
    }
