"""`g_optimal_design` on random clouds, against the seconds of a throw-away prototype."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.harness import Aim, Benchmark, Check, Contender, Rate
from mdpkit.regression import g_optimal_design

SPECIFIED = {
    # rows, features, tolerance, start -> seconds of that prototype
    (20_000, 10, 0.01, "ky"): 0.03,
    (50_000, 20, 0.01, "ky"): 0.19,
    (50_000, 20, 0.001, "ky"): 0.37,
    (50_000, 20, 0.01, "uniform"): 18.7,
}


@dataclass(frozen=True)
class Case:
    """A cloud of feature vectors, the gap to reach and the start."""

    X: Any
    tol: float
    init: str


def _case(n: int, d: int, tol: float, init: str) -> Callable[[], Case]:
    return lambda: Case(np.random.default_rng(0).standard_normal((n, d)), tol, init)


def _name(n: int, d: int, tol: float, init: str) -> str:
    return f"{n:,} x {d}, tolerance {tol:g}, start {init}"


def _gap(case: Case, design: Any) -> float:
    """Return max_i x_i' G^-1 x_i / d - 1, by a linear solve of its own, in units of the tolerance."""
    G = case.X.T @ (design.rho[:, None] * case.X)
    leverage = np.einsum("ij,ji->i", case.X, np.linalg.solve(G, case.X.T))
    return float(leverage.max() / case.X.shape[1] - 1) / case.tol


BENCHMARK = Benchmark(
    title="G-optimal design",
    what=(
        "`g_optimal_design` on clouds of Gaussian feature vectors. The last problem starts from the uniform design and "
        "takes one step per superfluous row: it is here to show what the Kumar-Yildirim start saves."
    ),
    problems={_name(*case): _case(*case) for case in SPECIFIED},
    contenders=[Contender("mdpkit", lambda case: lambda: g_optimal_design(case.X, tol=case.tol, init=case.init))],
    # one part in a million for the rounding of the two inverses
    check=Check("gap of the equivalence theorem, recomputed, over the tolerance asked for", 1 + 1e-6, _gap),
    rates=[
        Rate("steps", lambda seconds, case, design: float(design.iterations)),
        Rate("rows in the core", lambda seconds, case, design: float(len(design.core))),
    ],
    aims=[
        Aim(seconds, "a throw-away NumPy prototype of the authors", sense="published", problem=_name(*case))
        for case, seconds in SPECIFIED.items()
    ],
)
