"""How often IWOCS stalls on small random models, and how far its bounds are apart then.

Robust values come from robust dynamic programming, and on every stalled and some other models from enumeration in
fractions. A seed draws the same models for all configurations.
"""

from __future__ import annotations

import warnings
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

import mdpkit
from mdpkit.models import FiniteSet
from mdpkit.problems.robust import iwocs_stall
from mdpkit.robust import iwocs

GRID = [
    {"policy_step": "min_q", "off_policy": "robust_greedy"},
    {"policy_step": "min_q", "off_policy": "keep"},
    {"policy_step": "hull", "off_policy": "robust_greedy"},
]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 20}, "paper": {"configs": GRID, "n_seeds": 80}}
MODELS = 50
"""Models per seed."""
ENUMERATED = 2
"""How many of them, besides the stalled ones, are enumerated."""
GAMMA = 0.9
START = 0


def draw_model(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows ``(S, 2, 2, S)``, two per pair, deterministic or half-half, and integer rewards from -3 to 3."""
    S = int(rng.integers(3, 5))
    shape = (S, 2, 2)
    first = rng.integers(S, size=shape)
    other = (first + rng.integers(1, S, size=shape)) % S
    second = np.where(rng.random(shape) < 0.5, first, other)
    rows = (np.eye(S)[first] + np.eye(S)[second]) / 2
    return rows, rng.integers(-3, 4, size=(S, 2)).astype(float)


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Run IWOCS on a block of models."""
    rng = np.random.default_rng(seed)
    lines = [_one(*draw_model(rng), config, enumerate_it=k < ENUMERATED) for k in range(MODELS)]
    witness = _iwocs(iwocs_stall(gamma=GAMMA), config)
    columns = {name: np.array([line[name] for line in lines]) for name in lines[0]}
    return {**columns, "witness_stalled": witness.status == "stalled"}


def _iwocs(problem: mdpkit.RobustMDP, config: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
        return iwocs(problem, initial_state=START, **config)


def _one(rows: np.ndarray, rewards: np.ndarray, config: dict[str, Any], *, enumerate_it: bool) -> dict[str, Any]:
    problem = mdpkit.RobustMDP(mdpkit.TabularMDP(rows[:, :, 0], rewards, GAMMA), FiniteSet(rows))
    result = _iwocs(problem, config)
    best = mdpkit.solve(problem)
    lower, upper = max(result.lower), min(result.upper)
    stalled = result.status == "stalled"
    enclosed = enumerated = False
    if enumerate_it or stalled:
        enumerated = True
        value = enumerated_value(rows, rewards)
        enclosed = Fraction(lower) <= value <= Fraction(upper)
    return {
        "stalled": stalled,
        "certified": result.status == "certified",
        "iterations": result.iterations,
        "gap": result.gap,
        "loss": max(0.0, float(best.V[START]) - lower),
        "consistent": bool(lower <= best.upper[START] and best.lower[START] <= upper),
        "enumerated": enumerated,
        "enclosed": enclosed,
    }


def enumerated_value(rows: np.ndarray, rewards: np.ndarray) -> Fraction:
    """Return the robust value of the start, the best of all policies against the worst of all kernels, exactly."""
    S, gamma = len(rows), Fraction(GAMMA)
    chances = np.vectorize(Fraction, otypes=[object])(rows)
    worst = []
    for policy in product(range(2), repeat=S):
        right = [Fraction(rewards[s, a]) for s, a in enumerate(policy)]
        values = []
        for kernel in product(range(2), repeat=S):
            chosen = [chances[s, policy[s], kernel[s]] for s in range(S)]
            system = [[int(s == t) - gamma * chosen[s][t] for t in range(S)] for s in range(S)]
            values.append(_solve(system, right)[START])
        worst.append(min(values))
    return max(worst)


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Solve a diagonally dominant system by elimination; its pivots are positive."""
    n = len(right)
    table = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for k in range(n):
        table[k] = [x / table[k][k] for x in table[k]]
        for i in range(n):
            if i != k and table[i][k]:
                factor = table[i][k]
                table[i] = [x - factor * y for x, y in zip(table[i], table[k], strict=True)]
    return [row[n] for row in table]
