"""Optimal CVaR on a small cliff as the level shrinks: value, law, and where the policy walks.

Rewards are whole numbers and undiscounted, so that everything is exact up to rounding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any

import numpy as np

import mdpkit
from mdpkit.distributional import maximize_cvar, nested_risk
from mdpkit.problems.risk import cliff_walk

TAUS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02)
CONFIGS = {
    preset: {"configs": [{"tau": tau, "horizon": 14} for tau in TAUS], "n_seeds": 1} for preset in ("quick", "paper")
}
FALL = -40.0
"""A return of at most this has the fall in it: 14 steps cost 14."""


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Maximize CVaR at one level; return its law, one atom per row, and numbers of the policy."""
    tau, horizon = config["tau"], config["horizon"]
    mdp = cliff_walk()
    best = maximize_cvar(mdp, tau, horizon=horizon)
    nested = nested_risk(mdp, lambda law: law.cvar(tau), horizon=horizon)
    assert best.law is not None
    assert nested.law is not None
    x, p = np.asarray(best.law.x, dtype=float), np.asarray(best.law.p, dtype=float)
    visits = reach_probabilities(mdp, best.policy, horizon)
    return {
        "x": x,
        "p": p,
        "value": best.value,
        "maximand": maximand(x, p, tau),
        "fall": float(p[x <= FALL].sum()),
        "nested": nested.value,
        "of_nested": float(nested.law.cvar(tau)),
        **{f"visit{s}": float(v) for s, v in enumerate(visits)},
    }


def maximand(x: np.ndarray, p: np.ndarray, tau: float) -> float:
    """Return CVaR by its variational form, ``max_q q + E min(X - q, 0) / tau``, with the maximum over the atoms."""
    return float(max(q + p @ np.minimum(x - q, 0.0) / tau for q in x))


def reach_probabilities(mdp: mdpkit.TabularMDP, policy: Any, horizon: int) -> np.ndarray:
    """Return the probability to be in each state at some time, shape ``(S,)``, by following every history."""
    outcomes = mdp.outcomes
    reached = np.zeros(mdp.n_states)
    start = int(np.argmax(mdp.initial))
    reached[start] = 1.0
    here: Counter[tuple[int, Hashable, frozenset[int]]] = Counter({(start, None, frozenset([start])): 1.0})
    for t in range(horizon):
        ahead: Counter[tuple[int, Hashable, frozenset[int]]] = Counter()
        for (state, memory, seen), mass in here.items():
            action, memory = policy.act(state, t, memory)
            pair = mdp.pair_index(state, action)
            for k in np.flatnonzero(outcomes.pair == pair):
                successor, flow = int(outcomes.successor[k]), mass * float(outcomes.prob[k])
                if successor not in seen:
                    reached[successor] += flow
                if successor == state and outcomes.reward[k] == 0.0:
                    continue  # over: goal or cliff
                known = policy.observe(state, t, memory, action, float(outcomes.reward[k]), successor)
                ahead[successor, known, seen | {successor}] += flow
        here = ahead
    return reached
