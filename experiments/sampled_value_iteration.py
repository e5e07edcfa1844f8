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


def sampled_q_values(generator: GenerativeModel, n: int, iterations: int) -> np.ndarray:
    """Iterate ``q <- r + gamma Phat_k max q`` with n new draws per pair and iteration (Kearns and Singh 1999)."""
    state, action = np.nonzero(generator.action_mask)
    first = np.searchsorted(state, np.arange(generator.n_states))
    rewards, gamma = generator.rewards[state, action], generator.gamma or 0.0
    q = np.zeros(len(state))
    for _ in range(iterations):
        q = rewards + gamma * (generator.sample_counts(n=n) @ np.maximum.reduceat(q, first)) / n
    return q


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Measure the error of the action values at every sample size."""
    truth = problem(config["problem"])
    gamma = truth.gamma or 0.0
    best = mdpkit.planning.q_values(truth, mdpkit.solve(truth, tol=1e-10).V)[truth.pair_state, truth.pair_action]
    iterations = math.ceil(12 / (1.0 - gamma))
    errors, limits = [], []
    for n in SIZES:
        generator = GenerativeModel(truth, seed=np.random.default_rng((seed, n)))
        errors.append(float(np.max(np.abs(sampled_q_values(generator, n, iterations) - best))))
        limit = bounds.sampled_value_iteration_error(
            n=n, iterations=iterations, n_pairs=truth.n_pairs, gamma=gamma, delta=DELTA
        )
        limits.append(float(limit))
    return {"gamma": gamma, "n": np.array(SIZES), "error": np.array(errors), "bound": np.array(limits)}
