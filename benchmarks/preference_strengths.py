"""`mdpkit.preferences.fit_strengths` against choix, on the same comparisons and to the same accuracy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.harness import Aim, Benchmark, Check, Contender, Rate
from mdpkit.feedback import ComparisonOracle, PairList, Rankings
from mdpkit.preferences import fit_strengths, negative_log_likelihood

SMALL = "10,000 pairs of 100 items"
MEDIUM = "50,000 pairs of 500 items"
RANKED = "2,000 rankings of 5 from 100 items"
LARGE = "1,000,000 pairs of 10,000 items"
PEER_PROBLEMS = [SMALL, MEDIUM, RANKED]


@dataclass(frozen=True)
class Case:
    """The same data as a container of ours and as the list that choix reads."""

    data: PairList | Rankings
    lines: list[Any]

    @property
    def n_items(self) -> int:
        """Number of items."""
        return self.data.n_items


def _pairs(n_items: int, count: int) -> Case:
    rng = np.random.default_rng(0)
    oracle = ComparisonOracle(rng.normal(size=n_items), seed=1)
    first = rng.integers(n_items, size=count)
    data = oracle.duels(first, (first + rng.integers(1, n_items, size=count)) % n_items)
    lines = list(zip(data.winners.tolist(), data.losers.tolist(), strict=True)) if n_items < 10_000 else []
    return Case(data, lines)


def _rankings() -> Case:
    rng = np.random.default_rng(0)
    oracle = ComparisonOracle(rng.normal(size=100), link="pl", seed=1)
    lines = [oracle.rank(rng.choice(100, 5, replace=False))[0].tolist() for _ in range(2000)]
    return Case(Rankings.from_lists(lines, n_items=100), lines)


def _mdpkit(method: str, problems: list[str] | None = None) -> Contender:
    def prepare(case: Case) -> Callable[[], Any]:
        return lambda: fit_strengths(case.data, method=method).params

    return Contender(f"mdpkit {method}", prepare, problems=problems)


def _choix(algorithm: str) -> Contender:
    def prepare(case: Case) -> Callable[[], Any]:
        kind = "pairwise" if isinstance(case.data, PairList) else "rankings"
        solve = getattr(importlib.import_module("choix"), f"{algorithm}_{kind}")
        return lambda: solve(case.n_items, case.lines, tol=1e-10)

    return Contender(f"choix {algorithm}", prepare, package="choix", problems=PEER_PROBLEMS)


def _distance(case: Case, params: Any) -> float:
    """Measure the length of a Newton step from the answer; for many items the largest imbalance of wins."""
    if case.n_items <= 5000:
        _, gradient, hessian = negative_log_likelihood(case.data, params)
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        return float(np.max(np.abs(step - np.mean(step))))
    data = case.data
    assert isinstance(data, PairList)
    missed = data.weights / (1.0 + np.exp(params[data.winners] - params[data.losers]))
    imbalance = np.bincount(data.losers, missed, case.n_items) - np.bincount(data.winners, missed, case.n_items)
    return float(np.max(np.abs(imbalance)))


BENCHMARK = Benchmark(
    title="Utilities of items from comparisons, against choix",
    what=(
        "Time from the comparisons to the maximum-likelihood estimate, the check that it exists included. choix reads "
        "lists and has no such check; its I-LSR and MM iterations stop at a tolerance of 1e-10, because at its default "
        "of 1e-8 the answer is off by more than 1e-9. Answers are judged by the length of a Newton step from them. The "
        "last problem has a hundred times as many items as choix's dense matrices are made for and is ours alone; its "
        "answer is judged by the largest difference between expected and observed wins."
    ),
    problems={
        SMALL: lambda: _pairs(100, 10_000),
        MEDIUM: lambda: _pairs(500, 50_000),
        RANKED: _rankings,
        LARGE: lambda: _pairs(10_000, 1_000_000),
    },
    contenders=[
        _mdpkit("newton"),
        _mdpkit("ilsr", PEER_PROBLEMS),
        _mdpkit("mm", PEER_PROBLEMS),
        _choix("ilsr"),
        _choix("mm"),
    ],
    check=Check("largest distance from the estimate", 1e-9, _distance),
    rates=[Rate("million comparisons/s", lambda seconds, case, _: len(case.data) / seconds / 1e6)],
    aims=[
        Aim(0.01, "the specification", problem=SMALL, contender="mdpkit newton"),
        Aim(0.12, "the specification", problem=MEDIUM, contender="mdpkit newton"),
        Aim(0.02, "the specification", problem=RANKED, contender="mdpkit newton"),
        Aim(5.0, "the specification: seconds", problem=LARGE, contender="mdpkit newton"),
    ],
    baseline="mdpkit newton",
    budget=5.0,
    timeout=120,
)
