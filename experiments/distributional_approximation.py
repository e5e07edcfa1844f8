"""Return laws kept as a fixed number of atoms: categorical and quantile representations as they grow."""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from mdpkit.bounds import categorical_cramer_error, categorical_wasserstein_error, quantile_wasserstein_error
from mdpkit.distributional import DiscreteLaw, cramer, moments, return_law, wasserstein
from mdpkit.problems.risk import bernoulli_rewards

PROBLEMS = ("coin", "chain")
METHODS = ("categorical", "quantile")
CONFIGS = {
    preset: {
        "configs": [
            {"problem": problem, "method": method, "sizes": sizes, "n_reference": n}
            for problem in PROBLEMS
            for method in METHODS
        ],
        "n_seeds": 1,
    }
    for preset, sizes, n in (
        ("quick", [2, 4, 8, 16, 32, 50, 64, 128, 256], 16_001),
        ("paper", [2, 4, 8, 16, 32, 50, 64, 128, 256, 512, 1024], 64_001),
    )
}
CHAIN = (
    ((0.5, 0.3, 0.2), (0.1, 0.6, 0.3), (0.25, 0.25, 0.5)),
    ((1.0, 0.0, -1.0), (2.0, 0.5, 0.0), (0.0, -2.0, 1.0)),
)
"""Transition probabilities and rewards of a chain with three states."""


def chain() -> mdpkit.TabularMDP:
    """Return the chain, with one action and a discount of 0.8."""
    P, R = np.array(CHAIN[0]), np.array(CHAIN[1])
    s, successor = np.indices(P.shape).reshape(2, -1)
    return mdpkit.TabularMDP.from_outcomes(s, np.zeros_like(s), P.ravel(), R.ravel(), successor, gamma=0.8)


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return errors in every state and size: ``n`` atoms (quantile), or ``n + 1`` grid points (categorical)."""
    mdp = bernoulli_rewards() if config["problem"] == "coin" else chain()
    policy = np.zeros(mdp.n_states, dtype=int)
    rewards = mdp.outcomes.reward
    width = float(np.ptp(rewards)) / (1.0 - mdp.gamma)
    exact = moments(mdp, policy, 2)
    reference, reference_error = _reference(mdp, policy, config)
    rows = []
    for n in config["sizes"]:
        categorical = config["method"] == "categorical"
        laws = return_law(
            mdp,
            policy,
            method=config["method"],
            n_atoms=n + 1 if categorical else n,
            **({"solver": "direct"} if categorical else {}),
        )
        for s in range(mdp.n_states):
            law = laws.law(s)
            rows.append(
                {
                    "n": n,
                    "state": s,
                    "w1": distance_to_uniform(law) if reference is None else wasserstein(law, reference[s]),
                    "cramer": cramer_to_uniform(law) if reference is None else cramer(law, reference[s]),
                    "mean_error": abs(float(law.mean() - exact.mean[s])),
                    "extra_variance": float(law.var() - exact.variance[s]),
                    "a_posteriori": laws.error_bound,
                    "w1_bound": float(
                        categorical_wasserstein_error(gamma=mdp.gamma, spacing=width / n)
                        if categorical
                        else quantile_wasserstein_error(gamma=mdp.gamma, n_atoms=n, value_range=width)
                    ),
                    "cramer_bound": float(categorical_cramer_error(gamma=mdp.gamma, spacing=width / n))
                    if categorical
                    else float("nan"),
                    "spacing": width / n,
                }
            )
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {**columns, "reference_error": reference_error, "gamma": mdp.gamma}


def _reference(mdp: mdpkit.TabularMDP, policy: np.ndarray, config: dict[str, Any]) -> tuple[Any, float]:
    """Return laws near the true ones, and how near in W1; none for the coin, whose law is uniform on [0, 2]."""
    if config["problem"] == "coin":
        return None, 0.0
    laws = return_law(mdp, policy, method="categorical", n_atoms=config["n_reference"], tol=1e-10)
    return [laws.law(s) for s in range(mdp.n_states)], laws.error_bound


def distance_to_uniform(law: DiscreteLaw) -> float:
    """Return the 1-Wasserstein distance from the uniform law on [0, 2], integrating ``|F(x) - x/2|`` piece by piece."""
    total = 0.0
    for left, right, level in _pieces(law):
        a, b = left - 2 * level, right - 2 * level
        total += (b * abs(b) - a * abs(a)) / 4
    return total


def cramer_to_uniform(law: DiscreteLaw) -> float:
    """Return the L2 distance of the distribution functions of a law and of the uniform law on [0, 2]."""
    cubes = [((right / 2 - level) ** 3 - (left / 2 - level) ** 3) * 2 / 3 for left, right, level in _pieces(law)]
    return float(np.sqrt(sum(cubes)))


def _pieces(law: DiscreteLaw) -> list[tuple[float, float, float]]:
    """Return the intervals in [0, 2] on which the distribution function of a law on [0, 2] is constant."""
    ends = np.concatenate([[0.0], np.asarray(law.x, dtype=float), [2.0]])
    levels = np.concatenate([[0.0], np.cumsum(np.asarray(law.p, dtype=float))])
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), levels.tolist(), strict=True))
