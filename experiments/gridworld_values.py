"""Optimal values and policies of gymnasium's toy-text worlds, each verified from the model alone."""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from experiments._planning_problems import build

GRID = [{"problem": problem} for problem in ("frozen_lake", "cliff_walking", "taxi")]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 1}, "paper": {"configs": GRID, "n_seeds": 1}}


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Solve one world."""
    mdp = build(config["problem"])
    solution = mdpkit.solve(mdp)
    verification = mdpkit.verify(mdp, solution)
    n_optimal = np.zeros(mdp.n_states) if solution.optimal_actions is None else solution.optimal_actions.sum(axis=1)
    return {
        "state": np.arange(mdp.n_states),
        "name": np.array(mdp.state_names),
        "V": solution.V,
        "lower": solution.lower,
        "upper": solution.upper,
        "action": solution.policy,
        "action_name": np.array(mdp.action_names)[solution.policy],
        "optimal_actions": n_optimal,
        "policy_loss": solution.policy_loss,
        "verified": bool(verification.ok),
        "exact_arithmetic": bool(verification.exact),
        "gamma": mdp.gamma,
    }
