"""How often do confidence sets miss? The OFUL ellipsoid over a whole run, and the Weissman ball at fixed size."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit import bounds

DELTAS = (0.5, 0.3, 0.1, 0.03, 0.01)
GRID = [{"set": name} for name in ("oful", "weissman", "weissman_adaptive")]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 20}, "paper": {"configs": GRID, "n_seeds": 400}}
TRIALS = 100
ROUNDS, DIM, LAM = 200, 3, 1.0
LAW = np.array([0.5, 0.3, 0.15, 0.05])
DRAWS = 100


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Count, for every delta, the trials in which the set missed the truth at least once."""
    rng = np.random.default_rng((seed, len(config["set"])))
    worst = {"oful": _oful, "weissman": _weissman, "weissman_adaptive": _adaptive}[config["set"]](rng)
    misses = [int(np.sum(worst(delta))) for delta in DELTAS]
    return {"delta": np.array(DELTAS), "misses": np.array(misses), "trials": np.full(len(DELTAS), TRIALS)}


def _oful(rng: np.random.Generator) -> Any:
    """Regress on adaptively chosen unit vectors with Gaussian noise; return the slack of every radius."""
    theta = np.full(DIM, 1.0 / np.sqrt(DIM))
    excess, log_det = np.empty((TRIALS, ROUNDS)), np.empty((TRIALS, ROUNDS))
    for trial in range(TRIALS):
        V, b = LAM * np.eye(DIM), np.zeros(DIM)
        for t in range(ROUNDS):
            # Optimism in a random direction: the actions depend on the past, as the theorem allows.
            candidates = rng.standard_normal((8, DIM))
            candidates /= np.linalg.norm(candidates, axis=1, keepdims=True)
            estimate = np.linalg.solve(V, b)
            width = np.sqrt(np.einsum("id,id->i", candidates, np.linalg.solve(V, candidates.T).T))
            x = candidates[np.argmax(candidates @ estimate + width)]
            V += np.outer(x, x)
            b += x * (x @ theta + rng.standard_normal())
            gap = np.linalg.solve(V, b) - theta
            excess[trial, t] = np.sqrt(gap @ V @ gap)
            log_det[trial, t] = np.linalg.slogdet(V)[1] - DIM * np.log(LAM)

    def missed(delta: float) -> np.ndarray:
        def radius(ratio: float) -> float:
            return float(bounds.oful_radius(log_det_ratio=ratio, delta=delta, lam=LAM, noise=1.0, parameter_bound=1.0))

        return np.any(excess > np.vectorize(radius)(log_det), axis=1)

    return missed


def _weissman(rng: np.random.Generator) -> Any:
    """Compare L1 errors of empirical laws with the radius of a fixed sample size."""
    error = np.abs(rng.multinomial(DRAWS, LAW, size=TRIALS) / DRAWS - LAW).sum(axis=1)
    return lambda delta: error > float(bounds.weissman_radius(n=DRAWS, n_successors=len(LAW), delta=delta))


def _adaptive(rng: np.random.Generator) -> Any:
    """Watch the law after every draw: the radius must hold at all counts at once."""
    draws = rng.choice(len(LAW), p=LAW, size=(TRIALS, DRAWS))
    counts = np.cumsum(draws[:, :, None] == np.arange(len(LAW)), axis=1)
    n = np.arange(1, DRAWS + 1)
    error = np.abs(counts / n[None, :, None] - LAW).sum(axis=2)

    def missed(delta: float) -> np.ndarray:
        radius = [float(bounds.weissman_radius_adaptive(n=int(k), n_successors=len(LAW), delta=delta)) for k in n]
        return np.any(error > np.array(radius), axis=1)

    return missed
