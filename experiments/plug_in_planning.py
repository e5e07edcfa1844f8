"""Plan in the empirical model of n draws per pair, and compare its values with the optimal ones.

Every run draws afresh at every sample size, so that the points of one curve are independent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from experiments._planning_problems import build
from mdpkit import bounds
from mdpkit.feedback import GenerativeModel

DELTA = 0.1
SIZES = (300, 1_000, 3_000, 10_000, 30_000, 100_000)
GRID = [{"problem": problem} for problem in ("frozen_lake", "garnet_small")]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 240}, "paper": {"configs": GRID, "n_seeds": 2400}}


def problem(name: str) -> mdpkit.TabularMDP:
    """Return the true model; its rewards lie in [0, 1]."""
    if name == "garnet_small":
        return mdpkit.problems.garnet(30, 3, 4, gamma=0.9, seed=1)
    return build(name)


def empirical_model(generator: GenerativeModel, n: int) -> mdpkit.TabularMDP:
    """Return the maximum-likelihood model of n draws per pair; rewards and the discount are known to the learner."""
    state, action = np.nonzero(generator.action_mask)
    counts = generator.sample_counts(n=n, sparse=True)
    return mdpkit.TabularMDP.from_pairs(state, action, counts / n, generator.rewards[state, action], generator.gamma)


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Measure the error at every sample size."""
    truth = problem(config["problem"])
    best = mdpkit.solve(truth, tol=1e-10)
    gamma = truth.gamma or 0.0
    errors, losses, limits = [], [], []
    for n in SIZES:
        generator = GenerativeModel(truth, seed=np.random.default_rng((seed, n)))
        plan = mdpkit.solve(empirical_model(generator, n), tol=1e-10)
        errors.append(float(np.max(np.abs(plan.V - best.V))))
        losses.append(float(np.max(best.V - mdpkit.evaluate_policy(truth, plan.policy).V)))
        limits.append(float(bounds.plug_in_error(n=n, n_pairs=truth.n_pairs, gamma=gamma, delta=DELTA)))
    return {
        "gamma": gamma,
        "n": np.array(SIZES),
        "error": np.array(errors),
        "policy_loss": np.array(losses),
        "bound": np.array(limits),
    }
