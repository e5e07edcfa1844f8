"""Where trusting the estimate fails: greedy and pessimistic choices from the comparisons of `greedy_failure`.

Only how often each comparison was won matters to the estimate, so that datasets are passed on as counts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mdpkit import bounds
from mdpkit.feedback import ComparisonOracle, LinearPairs
from mdpkit.preferences import RewardFit, confidence_set, fit_reward, pessimistic_policy
from mdpkit.problems.preferences import greedy_failure, greedy_failure_pairs

SIZES = (20, *range(50, 501, 50), 800, 1600, 3000, 3200, 10_000)
"""Numbers of comparisons, all even: the first pair is compared an odd number of times, and no wins balance losses."""
GRID = [{"n": n} for n in SIZES]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 20}, "paper": {"configs": GRID, "n_seeds": 100}}
DATASETS = 10
"""Datasets per seed."""
DELTA = 0.1
NORM_BOUND = 2.0
RADII = {
    "0.02": {"form": "paper", "C": 0.02},
    "0.05": {"form": "paper", "C": 0.05},
    "1": {"form": "paper", "C": 1.0},
    "explicit": {"form": "explicit"},
}
TIE = 1e-9
"""Estimated rewards this close to the best share it, and the greedy choice is drawn evenly from them."""


def ask(n: int, seed: Any) -> tuple[int, int]:
    """Let the oracle answer ``n`` comparisons; return how often action 0 beat action 1, and action 1 action 2."""
    oracle = ComparisonOracle(greedy_failure(), seed=seed)
    pairs = np.stack(greedy_failure_pairs(n), axis=1)
    asked, times = np.unique(pairs, axis=0, return_counts=True)
    wins, last = (oracle.compare(0, *map(int, pair), n=int(k)) for pair, k in zip(asked, times, strict=True))
    return wins, last


def fit(n: int, wins: int, last: int) -> RewardFit:
    """Estimate the reward from the answers, over ``sum theta = 0`` and ``||theta|| <= 2``."""
    phi = greedy_failure().features[0]
    first, second, y = [0, 0, 1], [1, 1, 2], [1, 0, last]
    data = LinearPairs(phi[first], phi[second], y, weights=[wins, n - 1 - wins, 1])
    return fit_reward(data, norm_bound=NORM_BOUND, center=True)


def greedy_loss(theta: np.ndarray) -> float:
    """Return the loss of the greedy choice, ties split evenly."""
    bandit = greedy_failure()
    estimated = bandit.features[0] @ theta
    best = estimated >= estimated.max() - TIE
    return float(np.max(bandit.means) - np.mean(bandit.means[0, best]))


def signs_loss(n: int, wins: int, last: int) -> float:
    """Return the loss of who trusts two signs: who won the first comparison more often, and who the only second."""
    return {(True, 1): 1.0, (False, 1): 1.1, (True, 0): 0.0, (False, 0): 0.1}[2 * wins > n - 1, last]


def judge(n: int, wins: int, last: int) -> dict[str, Any]:
    """Return losses, error, and for every radius whether the set holds the truth and what Theorem 3.2 then allows."""
    bandit = greedy_failure()
    found, truth = fit(n, wins, last), bandit.theta
    best = int(bandit.optimal_action[0])
    gap = found.theta - truth
    line: dict[str, Any] = {
        "error": math.sqrt(float(gap @ found.design.matrix @ gap)),
        "loss_greedy": greedy_loss(found.theta),
        "loss_signs": signs_loss(n, wins, last),
        # on ||theta|| = B with sum zero, theta_0 takes both signs as long as theta_1^2 < B^2 / 2
        "signs_decide": abs(float(found.theta[1])) < NORM_BOUND / math.sqrt(2),
    }
    for name, form in RADII.items():
        region = confidence_set(
            found, delta=DELTA, lam=0.01 / n, gamma_convention=_convention(form), feature_bound=math.sqrt(2), **form
        )
        cautious = pessimistic_policy(found, bandit, radius=region, reference="zero", method="deterministic")
        line[f"loss_{name}"] = float(bandit.means[0, best] - bandit.means[0, int(cautious.policy[0])])
        line[f"radius_{name}"] = region.radius
        line[f"covered_{name}"] = region.contains(truth)
        allowed = bounds.pessimism_loss(
            radius=region.radius, matrix=region.matrix, direction=bandit.features[0, best] - cautious.reference
        )
        line[f"allowed_{name}"] = float(allowed)
    return line


def _convention(form: dict[str, Any]) -> str:
    """Take the curvature at ``L B`` where the paper does, and at the largest utility difference in the theorem."""
    return "paper" if form["form"] == "paper" else "data"


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Draw datasets of one size and judge what greedy and pessimistic choices lose."""
    n = config["n"]
    rng = np.random.default_rng((seed, n))
    lines = [judge(n, *ask(n, rng)) for _ in range(DATASETS)]
    return {name: np.array([line[name] for line in lines]) for name in lines[0]}
