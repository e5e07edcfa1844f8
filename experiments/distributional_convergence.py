"""Distributional value iteration and policy iteration on states and stocks, sweep by sweep.

The grid is closed under the recursion of the stock, so that it costs nothing and errors are those of the sweeps.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import mdpkit
from mdpkit.bounds import distributional_policy_iteration_error, distributional_value_iteration_error
from mdpkit.distributional import Utility, stock_policy_iteration, stock_value_iteration
from mdpkit.problems.risk import sure_or_coin

METHODS = ("value_iteration", "policy_iteration")
CONFIGS = {
    preset: {"configs": [{"method": method, "n_iterations": 36} for method in METHODS], "n_seeds": 1}
    for preset in ("quick", "paper")
}
STEP = 0.1
GAMMA = 0.5
DISTANCE = 2.0
"""``max |R| / (1 - gamma)``, which no two laws of the return are further apart than."""


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the error after every iteration, and the bound on it known before."""
    mdp = sure_or_coin(gamma=GAMMA)
    exact = exact_values()
    error, bound, at_one = [], [], []
    policies = config["method"] == "policy_iteration"
    solve = stock_policy_iteration if policies else stock_value_iteration
    theorem = distributional_policy_iteration_error if policies else distributional_value_iteration_error
    for n in range(1, config["n_iterations"] + 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
            solution = solve(mdp, Utility.cvar(), step=STEP, tol=1e-15, max_iter=n)
        error.append(float(np.max(np.abs(solution.V[0] - exact))))
        at_one.append(float(solution.value(0, -1.0)))
        # Policy iteration starts from the policy that is greedy at once: that is number 0.
        bound.append(float(theorem(gamma=GAMMA, iterations=n - 1 if policies else n, distance=DISTANCE)))
        if policies and solution.improvements < n:
            break
    columns = {"error": error, "bound": bound, "at_one": at_one}
    return {"n": np.arange(1, len(error) + 1), **{name: np.array(column) for name, column in columns.items()}}


def exact_values() -> np.ndarray:
    """Return the optimal values at the stocks -2, -1.9, ..., 0, from linear systems.

    Up to -2 the best is the coin, with mean 1; from -4/5 on the sure reward leaves no shortfall. Between,
    ``V(c) = max(V(2c + 4/5), (V(2c) + V(2c + 2))/2) / 2``: a system for every choice of the larger side, and choices
    are changed until none is to be.
    """
    stocks = np.arange(-20, 1)
    inner = stocks[(stocks > -20) & (stocks < -8)]
    place = {int(c): i for i, c in enumerate(inner)}
    choice = np.zeros(len(inner), dtype=int)
    while True:
        matrix, right = np.eye(len(inner)), np.zeros(len(inner))
        for i, c in enumerate(inner):
            for successor, weight in _moves(int(c), int(choice[i])):
                if successor in place:
                    matrix[i, place[successor]] -= weight
                else:
                    right[i] += weight * _outside(successor)
        V = np.linalg.solve(matrix, right)
        known = {int(c): _outside(int(c)) for c in range(-60, 21)} | dict(zip(inner.tolist(), V.tolist(), strict=True))
        worth = np.array([[sum(w * known[s] for s, w in _moves(int(c), a)) for a in (0, 1)] for c in inner])
        better = (worth[:, 1] > worth[:, 0] + 1e-13).astype(int)
        if np.array_equal(better, choice):
            return np.array([known[int(c)] for c in stocks])
        choice = better


def _moves(c: int, action: int) -> list[tuple[int, float]]:
    """Return successors, in tenths, and weights: half of their probability."""
    return [(2 * c + 8, 0.5)] if action == 0 else [(2 * c, 0.25), (2 * c + 20, 0.25)]


def _outside(c: int) -> float:
    """Return the value at a stock where the best policy is known: the mean, or no shortfall."""
    return 0.0 if c >= -8 else c / 10 + 1.0
