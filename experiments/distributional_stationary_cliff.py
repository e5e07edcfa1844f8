"""The best CVaR of all deterministic stationary policies on the cliff, by enumeration.

Shares no code with the solvers: masses are pushed forward through dense matrices, for many policies at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.distributional_risk_sweep import TAUS
from mdpkit.problems.risk import cliff_walk

CONFIGS = {preset: {"configs": [{"horizon": 14, "taus": list(TAUS)}], "n_seeds": 1} for preset in ("quick", "paper")}
CELLS = 9
"""Cells where something is decided; the others are cliff and goal."""
GOAL, CLIFF = 11, (9, 10)
BLOCK = 4096


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Enumerate ``4^9`` policies; return the best CVaR of each level."""
    horizon, taus = config["horizon"], np.array(config["taus"])
    kernel = dense_kernel()
    # Atoms in increasing order: a fall at step H, ..., 1; then no end or the goal at step H; then the goal earlier.
    atoms = np.array([-39.0 - k for k in range(horizon, 0, -1)] + [-float(k) for k in range(horizon, 0, -1)])
    best = np.full(len(taus), -np.inf)
    n_policies = 4**CELLS
    for first in range(0, n_policies, BLOCK):
        ids = np.arange(first, first + BLOCK)
        actions = ids[:, None] // 4 ** np.arange(CELLS) % 4
        rows = kernel[np.arange(CELLS), actions]
        masses = end_masses(rows, horizon)
        below = np.cumsum(masses, axis=1) - masses
        for i, tau in enumerate(taus):
            share = np.clip(tau - below, 0.0, masses)
            best[i] = max(best[i], float(np.max(share @ atoms)) / tau)
    return {"level": taus, "best": best, "n_policies": n_policies}


def dense_kernel() -> np.ndarray:
    """Return probabilities of the next cell, shape ``(9, 4, 11)``: nine cells, then goal and fall."""
    mdp = cliff_walk()
    outcomes = mdp.outcomes
    kernel = np.zeros((CELLS, 4, CELLS + 2))
    for pair, prob, successor in zip(outcomes.pair, outcomes.prob, outcomes.successor, strict=True):
        state, action = int(mdp.pair_state[pair]), int(mdp.pair_action[pair])
        if state < CELLS:
            column = CELLS if successor == GOAL else CELLS + 1 if successor in CLIFF else int(successor)
            kernel[state, action, column] += prob
    return kernel


def end_masses(rows: np.ndarray, horizon: int) -> np.ndarray:
    """Return the probabilities of the atoms, shape ``(n, 2 H)``, for kernels of shape ``(n, 9, 11)``."""
    mass = np.zeros((len(rows), 1, CELLS))
    mass[:, 0, 8] = 1.0
    masses = np.zeros((len(rows), 2 * horizon))
    for k in range(1, horizon + 1):
        ahead = mass @ rows
        mass = ahead[:, :, :CELLS]
        masses[:, 2 * horizon - k] = ahead[:, 0, CELLS]
        masses[:, horizon - k] = ahead[:, 0, CELLS + 1]
    masses[:, horizon] += mass.sum(axis=(1, 2))
    return masses
