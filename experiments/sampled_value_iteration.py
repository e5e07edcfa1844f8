"""Value iteration with fresh samples in every iteration, against its finite-sample bound."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import mdpkit
from experiments.plug_in_planning import DELTA, problem
from mdpkit import bounds
from mdpkit.feedback import GenerativeModel

SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000)
GRID = [{"problem": "garnet_small"}, {"problem": "river_swim"}]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 300}, "paper": {"configs": GRID, "n_seeds": 2000}}


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Iterate ``q <- r + gamma Phat_k max q`` with M new draws per pair and iteration (Kearns and Singh 1999)."""
    truth = problem(config["problem"])
    gamma = truth.gamma or 0.0
    horizon = 1.0 / (1.0 - gamma)
    best = mdpkit.planning.q_values(truth, mdpkit.solve(truth, tol=1e-10).V)[truth.pair_state, truth.pair_action]
    pairs = np.column_stack([truth.pair_state, truth.pair_action])
    iterations = math.ceil(12 * horizon)
    errors, limits = [], []
    for m in SIZES:
        generator = GenerativeModel(truth, seed=np.random.default_rng((seed, m)))
        rewards = generator.rewards[pairs[:, 0], pairs[:, 1]]
        q = np.zeros(len(pairs))
        for _ in range(iterations):
            values = np.maximum.reduceat(q, truth.state_ptr[:-1])
            q = rewards + gamma * (np.asarray(generator.sample_counts(pairs, m)) @ values) / m
        errors.append(float(np.max(np.abs(q - best))))
        limits.append(
            float(
                bounds.sampled_value_iteration_error(
                    n=m, iterations=iterations, n_pairs=truth.n_pairs, gamma=gamma, delta=DELTA
                )
            )
        )
    return {"gamma": gamma, "n": np.array(SIZES), "error": np.array(errors), "bound": np.array(limits)}
