"""Keeping a threshold against choosing it anew after the first reward, exactly and by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from mdpkit.distributional import maximize_cvar, return_law
from mdpkit.problems.risk import two_step_gamble

RULES = ("keep", "replan")
CONFIGS = {
    preset: {"configs": [{"rule": rule, "tau": 0.5, "n_episodes": n} for rule in RULES], "n_seeds": 1}
    for preset, n in (("quick", 20_000), ("paper", 100_000))
}


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the law of one rule, one atom per row, what it does after each first reward, and what it earned."""
    tau = config["tau"]
    mdp = two_step_gamble()
    whole = maximize_cvar(mdp, tau, horizon=2)
    policy: Any = whole.policy
    if config["rule"] == "replan":
        # From state 1 the problem starts afresh, whatever the first reward was.
        rest = maximize_cvar(mdp, tau, horizon=1, initial_state=1)
        policy = np.array([[0, 0, 0], [0, rest.policy.act(1, 0, None)[0], 0]])
    law = return_law(mdp, policy, horizon=2, initial_state=0).law(0)
    data = mdpkit.EpisodicSimulator(mdp, seed=seed).rollout(policy, config["n_episodes"], horizon=2)
    earned = np.bincount(data.episode, weights=data.reward, minlength=config["n_episodes"])
    # The variational form at a fixed quantile is an average, which has a standard error.
    threshold = float(law.quantile(tau))
    sample = threshold + np.minimum(earned - threshold, 0.0) / tau
    return {
        "x": np.asarray(law.x, dtype=float),
        "p": np.asarray(law.p, dtype=float),
        "cvar": float(law.cvar(tau)),
        "simulated": float(sample.mean()),
        "standard_error": float(sample.std() / np.sqrt(len(sample))),
        "after_0": second_action(policy, 0.0),
        "after_2": second_action(policy, 2.0),
    }


def second_action(policy: Any, reward: float) -> int:
    """Return the action in state 1 after a first reward: 0 *safe*, 1 *gamble*."""
    if isinstance(policy, np.ndarray):
        return int(policy[1, 1])
    action, memory = policy.act(0, 0, None)
    return int(policy.act(1, 1, policy.observe(0, 0, memory, action, reward, 1))[0])
