"""Perturb a model and compare the change of a policy's value with what the simulation lemma allows."""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from mdpkit import bounds

SIZES = (0.003, 0.01, 0.03, 0.1, 0.3)
GRID = [{"model": "random", "gamma": gamma} for gamma in (0.9, 0.99)] + [{"model": "tight", "gamma": 0.9}]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 30}, "paper": {"configs": GRID, "n_seeds": 500}}


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Measure ``max |V - V'|`` for the first action of every state, at several sizes of the perturbation."""
    gamma = config["gamma"]
    P, r, Q = _tight() if config["model"] == "tight" else _random(np.random.default_rng(seed))
    truth = mdpkit.MarkovRewardProcess(P, r, gamma)
    V = _values(truth)
    measured, plain, span = [], [], []
    for size in SIZES:
        other = mdpkit.MarkovRewardProcess((1 - size) * P + size * Q, r, gamma)
        measured.append(float(np.max(np.abs(_values(other) - V))))
        l1 = float(np.max(np.abs(other.transition_matrix() - truth.transition_matrix()).sum(axis=1)))
        common = {"gamma": gamma, "reward_error": 0.0, "transition_error": l1}
        plain.append(float(bounds.simulation_lemma(**common, value_max=float(np.max(np.abs(V))))))
        span.append(float(bounds.simulation_lemma_span(**common, span=float(np.max(V) - np.min(V)))))
    columns = {"size": SIZES, "measured": measured, "bound": plain, "span_bound": span}
    return {name: np.array(values) for name, values in columns.items()}


def _values(process: mdpkit.MarkovRewardProcess) -> np.ndarray:
    P, gamma = process.transition_matrix(), process.gamma or 0.0
    return np.linalg.solve(np.eye(process.n_states) - gamma * P, process.reward)


def _random(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a random process on 20 states, and another to mix in."""
    return rng.dirichlet(np.ones(20), size=20), rng.random(20), rng.dirichlet(np.ones(20), size=20)


def _tight() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return two absorbing states to be confused: the span form is then nearly an equality."""
    return np.eye(2), np.array([1.0, 0.0]), np.eye(2)[::-1]
