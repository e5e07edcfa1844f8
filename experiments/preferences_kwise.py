"""Rankings of K alternatives: maximum likelihood against splitting them into pairs, on the same rankings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mdpkit.feedback import ComparisonOracle, LinearRankings
from mdpkit.models import ContextualBandit
from mdpkit.preferences import fit_reward
from mdpkit.problems.preferences import four_choices

SIZES = (10, 20, 50, 100, 200, 500)
INSTANCE_SEED = 0
NORM_BOUND = 2.0
FIXED_SIZE = 2000
GRID = [{"instance": "random", "K": 4}, {"instance": "random", "K": 9}, {"instance": "four_choices", "K": 4}]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 20}, "paper": {"configs": GRID, "n_seeds": 200}}
DATASETS = 10
"""Datasets per seed and size of the random instances."""
REPLICATES = 20
"""Datasets per seed of `four_choices`."""
METHODS = ("mle", "pair_split")


def random_instance(K: int) -> ContextualBandit:
    """Draw features of K alternatives and a parameter, all standard normal; center it and shorten it to the ball."""
    rng = np.random.default_rng((INSTANCE_SEED, K))
    features, theta = rng.standard_normal((K, 3)), rng.standard_normal(3)
    theta -= np.mean(theta)
    theta *= min(1.0, NORM_BOUND / float(np.linalg.norm(theta)))
    return ContextualBandit(features[None], [1.0], theta=theta)


def counted(rankings: LinearRankings) -> LinearRankings:
    """Add up equal rankings, which says the same with fewer lines."""
    lines, times = np.unique(rankings.features, axis=0, return_counts=True)
    return LinearRankings(lines, times)


def errors(bandit: ContextualBandit, rankings: LinearRankings, **options: Any) -> list[float]:
    """Return the error of every method, in the norm of the design."""
    found = []
    for method in METHODS:
        fit = fit_reward(rankings, method=method, **options)
        gap = fit.theta - bandit.theta
        found.append(math.sqrt(float(gap @ fit.design.matrix @ gap)))
    return found


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Rank, estimate in both ways, and measure the errors."""
    if config["instance"] == "random":
        # without the bound, few rankings may be separable
        bandit, options = random_instance(config["K"]), {"norm_bound": NORM_BOUND, "center": True}
        sizes = np.repeat(SIZES, DATASETS)
    else:
        bandit, options = four_choices(), {}
        sizes = np.repeat(FIXED_SIZE, REPLICATES)
    oracle = ComparisonOracle(bandit, link="pl", seed=np.random.default_rng((seed, GRID.index(config))))
    table = np.array([errors(bandit, counted(oracle.rank(np.zeros(n, dtype=int))), **options) for n in sizes])
    return {"n": sizes, **{f"error_{method}": table[:, k] for k, method in enumerate(METHODS)}}
