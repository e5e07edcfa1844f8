"""Optimal randomization when nature shares one budget among the actions of a state, as the budget grows.

One decision, three or two actions with fixed payoffs: the data of the reference numbers, two of them from a peer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from mdpkit.models import KLBall, L1Ball, UncertaintySet
from mdpkit.robust import evaluate_robust

THREE_ACTIONS = (
    ((0.3, 0.2, 0.1, 0.4), (3.0, 2.0, 4.0, 1.0), (0.3, 0.3, 0.3, 0.1)),
    ((0.3, 0.6, 0.1), (3.0, 1.3, 4.0), (0.2, 0.5, 0.3)),
    ((0.1, 0.3, 0.6), (6.0, 0.3, 4.5), (0.7, 0.1, 0.2)),
)
TWO_ACTIONS = (
    ((0.3, 0.2, 0.1, 0.4), (3.0, 2.0, 4.0, 1.0), (1.0,) * 4),
    ((0.25, 0.25, 0.25, 0.25), (0.0, 1.0, 2.0, 6.0), (1.0,) * 4),
)
"""Nominal row, payoffs and weights of every action."""
SETS = ("l1", "weighted_l1", "kl")
LARGEST = {"l1": 2.7, "weighted_l1": 1.2, "kl": 1.2}
REFERENCE = {"l1": (0.5, 1.0, 1.5), "weighted_l1": (0.5, 1.0), "kl": (0.3,)}
"""Budgets of the reference numbers."""
CONFIGS = {
    preset: {"configs": [{"set": name, "n_budgets": n} for name in SETS], "n_seeds": 1}
    for preset, n in (("quick", 161), ("paper", 1201))
}
TOL = 1e-12


def decision(name: str, budget: float) -> mdpkit.RobustMDP:
    """Return the one-shot problem: payoffs are rewards of transitions, and with a discount of 0 nothing follows."""
    actions = TWO_ACTIONS if name == "kl" else THREE_ACTIONS
    S, A = 4, len(actions)
    rows, payoffs, weights = np.zeros((S, A, S)), np.zeros((S, A, S)), np.ones((S, A, S))
    rows[1:, :, 0] = 1.0
    for a, (q, z, w) in enumerate(actions):
        rows[0, a, : len(q)], payoffs[0, a, : len(z)], weights[0, a, : len(w)] = q, z, w
    nominal = mdpkit.TabularMDP(rows, payoffs, gamma=0.0)
    per_state = np.array([budget, 0.0, 0.0, 0.0])
    sets: dict[str, UncertaintySet] = {
        "l1": L1Ball(per_state),
        "weighted_l1": L1Ball(per_state, weights=weights),
        "kl": KLBall(per_state),
    }
    return mdpkit.RobustMDP(nominal, sets[name], rectangularity="s", transition_rewards=payoffs)


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Solve the decision at every budget, and evaluate the best mixture and every single action."""
    name = config["set"]
    grid = np.linspace(0.0, LARGEST[name], config["n_budgets"])
    budgets = np.union1d(grid, REFERENCE[name])
    columns: dict[str, list[float]] = {}
    for budget in budgets:
        problem = decision(name, float(budget))
        solution = mdpkit.solve(problem, tol=TOL)
        mixture = np.zeros(3)
        mixture[: problem.n_actions] = solution.policy[0]
        single = [
            evaluate_robust(problem, np.full(problem.n_states, a), tol=TOL).V[0] for a in range(problem.n_actions)
        ]
        row = {f"d{a}": mixture[a] for a in range(3)}
        row |= {
            "value": solution.V[0],
            "of_mixture": evaluate_robust(problem, solution.policy, tol=TOL).V[0],
            "best_single": max(single),
            "single0": single[0],
            "single1": single[1],
        }
        for key, value in row.items():
            columns.setdefault(key, []).append(float(value))
    return {"budget": budgets, **{key: np.array(values) for key, values in columns.items()}}
