"""How often a call is repeated, and what is said about its times.

Nothing here imports NumPy or mdpkit, because the worker process does not.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["FEWEST_RUNS", "MOST_RUNS", "Plan", "Summary", "plan", "summarize", "time_calls"]

SHORTEST_RUN = 0.01  # seconds; shorter runs would measure the clock and the scheduler
MOST_RUNS = 25
FEWEST_RUNS = 3


@dataclass(frozen=True)
class Plan:
    """So many runs of so many calls each; a run's time is divided by its calls."""

    runs: int
    calls: int


@dataclass(frozen=True)
class Summary:
    """Median, least and most of the runs, in seconds per call."""

    median: float
    least: float
    most: float


def plan(pilot: float, budget: float) -> Plan:
    """Choose the numbers of runs and of calls from the seconds that one warm call took.

    A run lasts at least `SHORTEST_RUN`. There are at most `MOST_RUNS`, as many as the budget allows, but at least
    `FEWEST_RUNS`; only a call that by itself takes more than half the budget is run once (the pilot is that run).
    """
    calls = max(1, math.ceil(SHORTEST_RUN / max(pilot, 1e-9)))
    if pilot > budget / 2:
        return Plan(1, 1)
    return Plan(min(MOST_RUNS, max(FEWEST_RUNS, int(budget / (calls * pilot)))), calls)


def summarize(seconds: list[float]) -> Summary:
    """Return median and range; the spread shown everywhere is the range, since the runs are few."""
    ordered = sorted(seconds)
    n = len(ordered)
    return Summary((ordered[(n - 1) // 2] + ordered[n // 2]) / 2, ordered[0], ordered[-1])


def time_calls(call: Callable[[], Any], calls: int = 1) -> tuple[float, Any]:
    """Return the seconds per call of one run, and its last answer. Garbage of earlier runs is collected before."""
    gc.collect()
    answer = None
    start = time.perf_counter()
    for _ in range(calls):
        answer = call()
    return (time.perf_counter() - start) / calls, answer
