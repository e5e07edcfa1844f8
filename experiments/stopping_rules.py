"""Plain value iteration from zero: what the span rule, the sup-norm rule and the naive rule know after each sweep."""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from experiments._planning_problems import build
from experiments.planning_convergence import proved_values

TOL = 1e-6
GRID = [{"problem": "river_swim"}, {"problem": "frozen_lake"}, {"problem": "garnet"}]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 1}, "paper": {"configs": GRID, "n_seeds": 1}}


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Sweep until even the sup-norm rule is satisfied; no solver of the package is involved."""
    mdp = build(config["problem"])
    gamma = mdp.gamma or 0.0
    low, high = proved_values(mdp)
    exact = (low + high) / 2
    V = np.zeros(mdp.n_states)
    factor = gamma / (1.0 - gamma)
    rows: list[tuple[float, ...]] = []
    sup = np.inf
    while sup > TOL:
        step = mdpkit.planning.bellman_residual(mdp, V)
        before = float(np.max(np.abs(V - exact)))
        V = V + step
        error = float(np.max(np.abs(V - exact)))
        sup = factor * float(np.max(np.abs(step)))
        span = factor * float(np.max(step) - np.min(step)) / 2
        middle = V + factor * float(np.max(step) + np.min(step)) / 2
        midpoint_error = float(np.max(np.abs(middle - exact)))
        rows.append((sup, span, float(np.max(np.abs(step))), error, midpoint_error, error / before))
    names = ("sup_rule", "span_rule", "last_change", "error", "midpoint_error", "contraction")
    columns = {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return {"gamma": gamma, "sweep": np.arange(1, len(rows) + 1), **columns}
