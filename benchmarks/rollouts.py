"""Measure how many steps per second `EpisodicSimulator.rollout` plays, on one core and warm.

    python benchmarks/rollouts.py

Every figure is the median of several runs after one warm-up run, which pays for compilation; all columns of the dataset
are written. The target is 20 million steps per second on a model of 100 states.
"""

from __future__ import annotations

import platform
import statistics
import time
from typing import Any

import numpy as np

import mdpkit
from mdpkit.feedback import EpisodicSimulator, GenerativeModel

STEPS = 2_000_000
RUNS = 9


def cases() -> dict[str, tuple[EpisodicSimulator, Any, int]]:
    """Name -> (simulator, policy, horizon)."""
    garnet = mdpkit.problems.garnet(100, 4, 10, gamma=0.99, seed=0).with_initial(0)
    dense = mdpkit.problems.garnet(100, 4, 100, gamma=0.99, seed=0).with_initial(0)
    large = mdpkit.problems.garnet(10_000, 4, 10, gamma=0.99, seed=0).with_initial(0)
    fixed, uniform = np.zeros(100, dtype=int), np.full((100, 4), 0.25)
    return {
        "100 states, 10 successors, deterministic policy": (EpisodicSimulator(garnet, seed=0), fixed, 100),
        "100 states, 10 successors, uniform policy": (EpisodicSimulator(garnet, seed=0), uniform, 100),
        "100 states, 10 successors, episodes of 10 steps": (EpisodicSimulator(garnet, seed=0), fixed, 10),
        "100 states, 100 successors, deterministic policy": (EpisodicSimulator(dense, seed=0), fixed, 100),
        "10,000 states, 10 successors, uniform policy": (
            EpisodicSimulator(large, seed=0),
            np.full((10_000, 4), 0.25),
            100,
        ),
    }


def main() -> None:
    """Run every case and print one line each."""
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, {STEPS:,} steps a run\n")
    for name, (simulator, policy, horizon) in cases().items():
        simulator.rollout(policy, 10, horizon=horizon)
        seconds = []
        for _ in range(RUNS):
            start = time.perf_counter()
            data = simulator.rollout(policy, STEPS // horizon, horizon=horizon)
            seconds.append((time.perf_counter() - start) / len(data))
        low, mid, high = min(seconds), statistics.median(seconds), max(seconds)
        print(
            f"  {name:50s} {1e-6 / mid:6.1f} million steps/s"
            f" [{1e-6 / high:.1f}, {1e-6 / low:.1f}], {1e9 * mid:.1f} ns a step"
        )
    generator = GenerativeModel(mdpkit.problems.garnet(100, 4, 10, gamma=0.99, seed=0), seed=0)
    start = time.perf_counter()
    generator.sample_counts(None, 1000)
    print(f"  {'400 pairs, 1000 samples each, as counts':50s} {1e3 * (time.perf_counter() - start):6.1f} ms")


if __name__ == "__main__":
    main()
