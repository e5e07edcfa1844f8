"""How many steps per second `EpisodicSimulator.rollout` plays, and `GenerativeModel.sample_counts` draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

import mdpkit
from benchmarks.harness import Aim, Benchmark, Check, Contender, Rate
from mdpkit.feedback import EpisodicSimulator, GenerativeModel

STEPS = 2_000_000
SAMPLES = 1000
TWENTY_MILLION = "100 states, 10 successors, deterministic policy"


@dataclass(frozen=True)
class Case:
    """What one call does, how many transitions it draws, and how far an answer is from its mean, in standard errors."""

    call: Callable[[], Any]
    transitions: int
    deviation: Callable[[Any], float]


def _rollout(n_states: int, branching: int, horizon: int, *, uniform: bool) -> Case:
    mdp = mdpkit.problems.garnet(n_states, 4, branching, gamma=0.99, seed=0).with_initial(0)
    simulator = EpisodicSimulator(mdp, seed=0)
    pi = np.full((n_states, 4), 0.25) if uniform else np.eye(4)[np.zeros(n_states, dtype=int)]
    policy = pi if uniform else np.zeros(n_states, dtype=int)

    def deviation(data: Any) -> float:
        """Compare the mean return of an episode with its expectation."""
        weights = pi[mdp.pair_state, mdp.pair_action]
        mix = sp.csr_array((weights, (mdp.pair_state, np.arange(len(weights)))))
        P, r = mix @ mdp.rows.csr(), mix @ mdp.pair_reward
        V = np.zeros(n_states)
        for _ in range(horizon):
            V = r + P @ V
        returns = data.reward.reshape(-1, horizon).sum(axis=1)
        return float(abs(returns.mean() - V[0]) / (returns.std(ddof=1) / np.sqrt(len(returns))))

    return Case(lambda: simulator.rollout(policy, STEPS // horizon, horizon=horizon), STEPS, deviation)


def _counts() -> Case:
    mdp = mdpkit.problems.garnet(100, 4, 10, gamma=0.99, seed=0)
    generator = GenerativeModel(mdp, seed=0)

    def deviation(counts: Any) -> float:
        """Compare the mean index of the successors with its expectation."""
        P, index = mdp.rows.csr().toarray(), np.arange(mdp.n_states)
        mean = P @ index
        variance = P @ index**2 - mean**2
        return float(abs((counts @ index).sum() - SAMPLES * mean.sum()) / np.sqrt(SAMPLES * variance.sum()))

    return Case(lambda: generator.sample_counts(None, SAMPLES), SAMPLES * mdp.n_pairs, deviation)


BENCHMARK = Benchmark(
    title="Sampling: rollouts and generative samples",
    what=(
        "Two million steps of `EpisodicSimulator.rollout` with all columns of the dataset written, in episodes of 100 "
        "steps unless said otherwise; and 1000 samples of each of 400 pairs as counts "
        "(`GenerativeModel.sample_counts`)."
    ),
    problems={
        TWENTY_MILLION: lambda: _rollout(100, 10, 100, uniform=False),
        "100 states, 10 successors, uniform policy": lambda: _rollout(100, 10, 100, uniform=True),
        "100 states, 10 successors, episodes of 10 steps": lambda: _rollout(100, 10, 10, uniform=False),
        "100 states, 100 successors, deterministic policy": lambda: _rollout(100, 100, 100, uniform=False),
        "10,000 states, 10 successors, uniform policy": lambda: _rollout(10_000, 10, 100, uniform=True),
        "400 pairs, 1000 samples each, as counts": _counts,
    },
    contenders=[Contender("mdpkit", lambda case: case.call)],
    # a correct sampler is farther off once in 5e8 runs
    check=Check(
        "distance of the sample mean from the exact mean, in standard errors", 6.0, lambda c, a: c.deviation(a)
    ),
    rates=[
        Rate("million transitions/s", lambda seconds, case, answer: 1e-6 * case.transitions / seconds),
        Rate("ns per transition", lambda seconds, case, answer: 1e9 * seconds / case.transitions),
    ],
    aims=[
        Aim(20, "the budget of the project", "million transitions/s", "at least", problem=TWENTY_MILLION),
    ],
)
