"""What it is worth that nature must choose once and for all: the values of `retry` and of `opposite_drifts`."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np

import mdpkit
from mdpkit.models import MixturePolicy, NonStationaryPolicy
from mdpkit.problems.robust import opposite_drifts, opposite_drifts_rectangular, retry, retry_rectangular
from mdpkit.robust import iwocs

DISCOUNTS = {
    "quick": [0.05, *(round(0.1 * k, 1) for k in range(1, 10)), 0.95, 0.99],
    "paper": [round(0.01 * k, 2) for k in range(1, 100)],
}
CONFIGS = {
    preset: {"configs": [{"gamma": gamma} for gamma in discounts], "n_seeds": 1}
    for preset, discounts in DISCOUNTS.items()
}
CLOSED = 0
"""The start of `retry`."""
LEFT, RIGHT = [0, 0], [1, 1]
GRID = np.linspace(0.0, 1.0, 41)
"""Probabilities of going left, and of the left door being open."""


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Compute every value of the two problems at one discount factor."""
    gamma = config["gamma"]
    doors, linked = retry(gamma=gamma), mdpkit.solve(retry_rectangular(gamma=gamma))
    tosses = np.array([_worst(doors, [[d, 1.0 - d], [1.0, 0.0]]) for d in GRID])
    mixtures = np.array([_informed(_mixed_doors(gamma, p)) for p in GRID])
    # Try one door, drawn at random, and the other one ever after.
    with_memory = MixturePolicy([NonStationaryPolicy([LEFT, RIGHT]), NonStationaryPolicy([RIGHT, LEFT])])
    drifts, drifts_linked = opposite_drifts(gamma=gamma), mdpkit.solve(opposite_drifts_rectangular(gamma=gamma))
    with warnings.catch_warnings():
        # The best deterministic policy and the bound for all policies do not meet: that is the point.
        warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
        bracket = iwocs(doors, initial_state=CLOSED)
    return {
        "deterministic": max(_worst(doors, list(policy)) for policy in product(range(2), repeat=2)),
        "sa_rectangular": float(mdpkit.solve(doors.rectangular_hull()).V[CLOSED]),
        "randomized": float(np.max(tosses)),
        "best_toss": float(GRID[np.argmax(tosses)]),
        "s_rectangular": float(linked.V[CLOSED]),
        "s_policy_left": float(linked.policy[CLOSED, 0]),
        "with_memory": _worst(doors, with_memory),
        "bayes": float(mdpkit.solve(_belief_model(gamma)).V[0]),
        "iwocs_upper": min(bracket.upper),
        "iwocs_lower": max(bracket.lower),
        "informed": min(_informed(model) for model in doors),
        "informed_mixed": float(np.min(mixtures)),
        "drifts_static": min(_average(mdpkit.evaluate_policy(model, [0, 0]).V) for model in drifts),
        "drifts_dynamic": _average(drifts_linked.V),
    }


def _worst(models: mdpkit.models.ModelSet, policy: Any) -> float:
    return min(float(mdpkit.evaluate_policy(model, policy).V[CLOSED]) for model in models)


def _informed(model: mdpkit.TabularMDP) -> float:
    return float(mdpkit.solve(model).V[CLOSED])


def _average(values: np.ndarray) -> float:
    """Return the value of the uniform start."""
    return float(np.mean(values))


def _mixed_doors(gamma: float, left_open: float) -> mdpkit.TabularMDP:
    """Return the model in which the left door opens with a probability, the right one otherwise."""
    rows = np.array([[[1 - left_open, left_open], [left_open, 1 - left_open]], [[0.0, 1.0], [0.0, 1.0]]])
    return mdpkit.TabularMDP(rows, [[0.0, 0.0], [1.0, 1.0]], gamma)


def _belief_model(gamma: float) -> mdpkit.TabularMDP:
    """Return the problem of an agent who believes in both models alike; its value bounds what any policy gets.

    States: nothing known, model known but not through the door, through the door.
    """
    rows = np.array(
        [
            [[0.0, 0.5, 0.5], [0.0, 0.5, 0.5]],
            [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]],
            [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
        ]
    )
    return mdpkit.TabularMDP(rows, [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]], gamma)
