"""What a robust Bellman sweep costs per stored transition, for every family of uncertainty sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import mdpkit
from benchmarks.harness import Aim, Benchmark, Contender, Rate
from mdpkit import models

SWEEPS = 10
NS = "ns per entry"
SPARSE = "Garnet, 10,000 states, 10 actions, 20 successors"
DENSE = "dense, 300 states, 10 actions, 300 successors"
OURS = "the budget of the project"


def _sweeps(operator: Any) -> Callable[[], Any]:
    """Return the sweeps 10 to 20 of a value iteration; afterwards the operator is as warm as in the middle of a run."""
    start, W = np.zeros(operator.n_states), np.empty(operator.n_states)
    for _ in range(SWEEPS):
        operator.sweep(start, W)
        start, W = W, start

    def call() -> Any:
        V, W = start.copy(), np.empty_like(start)
        for _ in range(SWEEPS):
            operator.sweep(V, W)
            V, W = W, V
        return V

    return call


def _nominal(mdp: mdpkit.TabularMDP) -> Callable[[], Any]:
    from mdpkit.planning.discounted.bellman import bellman_operator

    return _sweeps(bellman_operator(mdp, mdp.gamma))


def _robust(name: str, uncertainty: Any, *, rectangularity: str = "sa", problems: Any = None) -> Contender:
    def prepare(mdp: mdpkit.TabularMDP) -> Callable[[], Any]:
        from mdpkit.robust.operator import robust_operator

        return _sweeps(robust_operator(models.RobustMDP(mdp, uncertainty(mdp), rectangularity=rectangularity)))

    return Contender(name, prepare, problems=problems)


def _intervals(mdp: mdpkit.TabularMDP) -> models.IntervalSet:
    rows = mdp.rows.csr()
    upper = rows.copy()
    upper.data = np.minimum(1.0, 1.3 * rows.data)
    return models.IntervalSet(0.7 * rows, upper)


def _line(mdp: mdpkit.TabularMDP) -> models.WassersteinBall:
    return models.WassersteinBall(0.3, np.abs(np.subtract.outer(np.arange(mdp.n_states), np.arange(mdp.n_states))))


BENCHMARK = Benchmark(
    title="Robust Bellman sweeps",
    what=(
        "Ten Jacobi sweeps in the middle of a value iteration (the 11th to the 20th): of the nominal model, and with "
        "nature's inner problem solved for every pair. Permutations and multipliers of the last sweep are kept, as in "
        "every solver, so the first sweeps, which sort, are not part of it. One core, no parallelism."
    ),
    problems={
        SPARSE: lambda: mdpkit.problems.garnet(10_000, 10, 20, gamma=0.95, seed=0),
        DENSE: lambda: mdpkit.problems.garnet(300, 10, 300, gamma=0.99, seed=0),
    },
    contenders=[
        Contender("nominal", _nominal),
        _robust("L1", lambda mdp: models.L1Ball(0.2)),
        _robust("L1, all states", lambda mdp: models.L1Ball(0.2, support="all")),
        _robust("L-infinity", lambda mdp: models.LinfBall(0.02)),
        _robust("interval", _intervals),
        _robust("CVaR", lambda mdp: models.CVaRSet(0.5)),
        _robust("contamination", lambda mdp: models.Contamination(0.1)),
        _robust("chi-square", lambda mdp: models.ChiSquareBall(0.04)),
        _robust("KL", lambda mdp: models.KLBall(0.02)),
        _robust("reverse KL", lambda mdp: models.ReverseKLBall(0.02)),
        _robust("L2", lambda mdp: models.L2Ball(0.1)),
        _robust("weighted L1", lambda mdp: models.L1Ball(0.2, weights=1.0 + np.arange(mdp.n_states) % 7)),
        _robust("Wasserstein", _line, problems=[DENSE]),
        _robust("s-rectangular L1", lambda mdp: models.L1Ball(0.5), rectangularity="s"),
        _robust("s-rectangular KL", lambda mdp: models.KLBall(0.05), rectangularity="s"),
    ],
    rates=[Rate(NS, lambda seconds, mdp, answer: 1e9 * seconds / (SWEEPS * mdp.nnz))],
    aims=[
        *[Aim(5, OURS, NS, contender=name, problem=SPARSE) for name in ("L1", "L-infinity", "interval")],
        Aim(8, OURS, NS, contender="chi-square", problem=SPARSE),
        *[Aim(12, OURS, NS, contender=name, problem=SPARSE) for name in ("KL", "reverse KL")],
        Aim(5, OURS, NS, contender="s-rectangular L1", problem=DENSE),
    ],
    baseline="nominal",
    budget=4.0,
    timeout=120.0,
)
