"""Windy walk: which corridor is best at which wind strength, and the cells of the way."""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from mdpkit.problems.robust import windy_walk_model

STRENGTHS = np.linspace(0.0, 0.5, 25)
GRID = [{"corridor_length": L, "step": k} for L in (3, 20) for k in range(len(STRENGTHS))]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 1}, "paper": {"configs": GRID, "n_seeds": 1}}
START = 0


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Solve the walk at one strength and follow the policy where the wind does not blow."""
    length, alpha = config["corridor_length"], float(STRENGTHS[config["step"]])
    solution = mdpkit.solve(windy_walk_model(alpha, corridor_length=length), tol=1e-10)
    cells = _route(windy_walk_model(0.0, corridor_length=length), solution.policy, length)
    rows, cols = np.divmod(cells, length + 3)
    return {
        "alpha": alpha,
        "value": float(solution.V[START]),
        "corridor": int(rows[cols == 1][-1]),
        "row": rows,
        "col": cols,
    }


def _route(calm: mdpkit.TabularMDP, policy: np.ndarray, length: int) -> np.ndarray:
    goal = length + 2
    cells = [START]
    while cells[-1] != goal:
        if len(cells) > calm.n_states:
            raise RuntimeError(f"the policy does not reach the goal from cell {cells[0]}")
        cells.append(int(np.argmax(calm.transition(cells[-1], int(policy[cells[-1]])))))
    return np.array(cells)
