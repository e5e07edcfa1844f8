"""Confidence radii of rewards estimated from comparisons, against the errors that they have to cover."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from mdpkit.feedback import ComparisonOracle
from mdpkit.models import ContextualBandit
from mdpkit.preferences import confidence_set, fit_reward, seminorm_radius

THETA = np.array([0.5, -0.3, -0.2])
DELTA, LAM, NORM_BOUND = 0.1, 0.01, 1.0
GRID = [{"K": K, "n": n} for K, n in product((2, 4), (250, 1000, 4000))]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 20}, "paper": {"configs": GRID, "n_seeds": 200}}
DATASETS = 35
"""Datasets per seed: with 700, a set that fails twice as often as it may is caught at every size by itself."""


def dataset(K: int, n: int, rng: np.random.Generator) -> Any:
    """Compare or rank ``n`` fresh sets of K alternatives, their features uniform on the unit sphere."""
    features = rng.standard_normal((n, K, 3))
    features /= np.linalg.norm(features, axis=2, keepdims=True)
    oracle = ComparisonOracle(ContextualBandit(features, np.full(n, 1.0 / n), theta=THETA), link="pl", seed=rng)
    contexts = np.arange(n)
    return oracle.duels(contexts, first=0, second=1) if K == 2 else oracle.rank(contexts)


def measure(K: int, n: int, rng: np.random.Generator) -> dict[str, float]:
    """Return the error in two norms, the radii, and the error in units of the Wald radius."""
    data = dataset(K, n, rng)
    fit = fit_reward(data, norm_bound=NORM_BOUND)
    gap = fit.theta - THETA
    # Wald's ellipsoid belongs to the estimate without a bound.
    wald = confidence_set(fit_reward(data) if fit.on_boundary else fit, delta=DELTA, form="wald")
    asked: dict[str, Any] = {"delta": DELTA, "lam": LAM}
    return {
        "error": float(np.sqrt(gap @ fit.design.regularized(LAM) @ gap)),
        "plain_error": float(np.sqrt(gap @ fit.design.matrix @ gap)),
        "explicit": seminorm_radius(fit, **asked),
        "paper": seminorm_radius(fit, **asked, form="paper", gamma_convention="paper", feature_bound=1.0),
        "wald_ratio": wald.norm(wald.center - THETA) / wald.radius,
    }


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Measure datasets of one size."""
    rng = np.random.default_rng((seed, config["K"], config["n"]))
    lines = [measure(config["K"], config["n"], rng) for _ in range(DATASETS)]
    return {name: np.array([line[name] for line in lines]) for name in lines[0]}
