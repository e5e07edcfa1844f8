"""How large must a set around observed frequencies be? Robust values against the truth, by samples per pair.

Every run draws afresh at every sample size, so that the points of one curve are independent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from mdpkit import problems
from mdpkit.feedback import GenerativeModel
from mdpkit.models import IntervalSet, L1Ball, UncertaintySet
from mdpkit.robust import hoeffding_intervals, l1_radius

DELTA = 0.1
SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
SETS = ("l1", "intervals", "none")
GRID = [{"problem": problem, "set": name} for problem in ("garnet", "river_swim") for name in SETS]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 60}, "paper": {"configs": GRID, "n_seeds": 500}}
TOL = 1e-8


def problem(name: str) -> mdpkit.TabularMDP:
    """Return the true model."""
    if name == "garnet":
        return problems.garnet(5, 2, 3, gamma=0.9, seed=1)
    return problems.river_swim(6, gamma=0.95)


def uncertainty(name: str, counts: np.ndarray) -> UncertaintySet:
    """Return the set that contains the true kernel with probability ``1 - DELTA``; "none" is the plug-in model."""
    if name == "intervals":
        return IntervalSet(*hoeffding_intervals(counts, DELTA, sampling="fixed"))
    radius = l1_radius(counts, DELTA, sampling="fixed") if name == "l1" else 0.0
    return L1Ball(radius, support="all")


def plan(generator: GenerativeModel, n: int, name: str) -> mdpkit.Solution:
    """Plan for the worst case from ``n`` samples of every pair; rewards and the discount are known."""
    S, A = generator.n_states, generator.n_actions
    counts = np.asarray(generator.sample_counts(n=n)).astype(np.int64).reshape(S, A, S)
    nominal = mdpkit.TabularMDP(counts / n, generator.rewards, generator.gamma)
    return mdpkit.solve(mdpkit.RobustMDP(nominal, uncertainty(name, counts)), tol=TOL)


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Compare what was promised with what the policy is worth in truth, at every sample size."""
    truth = problem(config["problem"])
    best = mdpkit.solve(truth, tol=TOL)
    gaps, losses, broken, above = [], [], [], []
    for n in SIZES:
        # the same samples for every set
        promised = plan(GenerativeModel(truth, seed=np.random.default_rng((seed, n))), n, config["set"])
        attained = mdpkit.evaluate_policy(truth, promised.policy, tol=TOL)
        gaps.append(float(np.mean(attained.V - promised.V)))
        losses.append(float(np.mean(best.V - attained.V)))
        broken.append(bool(np.any(promised.lower > attained.upper)))
        above.append(bool(np.any(promised.lower > best.upper)))
    return {
        "n": np.array(SIZES),
        "gap": np.array(gaps),
        "policy_loss": np.array(losses),
        "broken": np.array(broken),
        "above_best": np.array(above),
    }
