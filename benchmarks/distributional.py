"""Distributional dynamic programming: stock and categorical sweeps, exact laws, and a whole sweep of risk levels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import mdpkit
from benchmarks.harness import Aim, Benchmark, Check, Contender, Rate

STOCK = "stock value iteration, 200 states, 4 actions, 5 outcomes, 1,001 grid points"
CATEGORICAL = "categorical law, 1,000 states, 5 outcomes, 51 atoms"
EXACT = "exact law of 18 fair coins, 262,144 atoms"
RISK = "optimal CVaR of the cliff walk at six levels, horizon 14"
NS = "ns per update"
PROTOTYPE = "a throw-away Numba prototype of the authors, on one shared core"


@dataclass(frozen=True)
class Case:
    """What one call does, how many updates it takes (read off the answer), and how far its answer is from the truth."""

    call: Callable[[], Any]
    updates: Callable[[Any], float]
    deviation: Callable[[Any], float]


def _stock() -> Case:
    from mdpkit.distributional import Utility, stock_value_iteration

    mdp = mdpkit.problems.garnet(200, 4, 5, gamma=0.9, seed=0)
    spread = float(np.ptp(mdp.pair_reward)) / 0.1
    utility = Utility(k_pos=0.0, k_neg=1.0)

    def call() -> Any:
        return stock_value_iteration(mdp, utility, step=spread / 1000, tol=1e-8)

    def updates(solution: Any) -> float:
        return float(solution.sweeps * solution.V.shape[1] * mdp.nnz)

    def deviation(solution: Any) -> float:
        """Compare with the enclosure between floor and ceiling on the same grid, in units of its width."""
        low, high = (
            stock_value_iteration(mdp, utility, step=spread / 1000, mode=m, tol=1e-8) for m in ("floor", "ceil")
        )
        width = float(np.max(high.V - low.V))
        return float(max(np.max(low.V - solution.V), np.max(solution.V - high.V), 0.0)) / width

    return Case(call, updates, deviation)


def _categorical() -> Case:
    from mdpkit.distributional import moments, return_law

    mdp = mdpkit.problems.garnet(1000, 1, 5, gamma=0.9, seed=0)
    policy = np.zeros(1000, dtype=int)
    exact = moments(mdp, policy, 1).mean

    def deviation(laws: Any) -> float:
        """Compare the means, which projections on a grid that holds the support keep."""
        return float(np.max(np.abs(laws.means() - exact)))

    return Case(
        lambda: return_law(mdp, policy, method="categorical", n_atoms=51, tol=1e-9),
        lambda laws: float(laws.iterations * mdp.nnz * 51),
        deviation,
    )


def _exact() -> Case:
    from mdpkit.distributional import return_law
    from mdpkit.problems.risk import bernoulli_rewards

    mdp = bernoulli_rewards(gamma=0.5)

    def deviation(laws: Any) -> float:
        """Compare with the uniform law on the multiples of 2^-17 below 2."""
        law = laws.law(0)
        return float(abs(len(law) - 2**18) + abs(law.mean() - (1 - 2.0**-18)))

    return Case(lambda: return_law(mdp, [0], horizon=18), lambda laws: 2.0**18, deviation)


def _risk() -> Case:
    from mdpkit.distributional import maximize_cvar
    from mdpkit.problems.risk import cliff_walk

    mdp = cliff_walk()
    levels = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02)
    known = np.array([-9.282386396123, -11.625515041436, -16.712370802277, -23.894369311748, -34.770701679406])

    def deviation(values: Any) -> float:
        return float(np.max(np.abs(np.array(values)[:5] - known)))

    return Case(
        lambda: [maximize_cvar(mdp, tau, horizon=14).value for tau in levels],
        lambda values: float(6 * 14 * mdp.nnz),
        deviation,
    )


BENCHMARK = Benchmark(
    title="Laws of the return, stocks and risk",
    what=(
        "Stock value iteration to 1e-8 (an update is one outcome at one grid point), the categorical fixed point to "
        "1e-9 (one outcome and one atom), the exact law of a return with 262,144 atoms (one atom of the answer), and "
        "the optimal CVaR of the 3 x 4 cliff walk at six levels, policies and laws included (one outcome, step and "
        "level, whatever the number of stocks). No maintained package offers stock-augmented exact solvers, so there "
        "is no peer."
    ),
    problems={STOCK: _stock, CATEGORICAL: _categorical, EXACT: _exact, RISK: _risk},
    contenders=[Contender("mdpkit", lambda case: case.call)],
    check=Check("distance from exact answers or enclosures", 1e-8, lambda case, answer: case.deviation(answer)),
    rates=[Rate(NS, lambda seconds, case, answer: 1e9 * seconds / case.updates(answer))],
    aims=[
        Aim(3.6, PROTOTYPE, NS, "published", problem=STOCK),
        Aim(4.2, PROTOTYPE, NS, "published", problem=CATEGORICAL),
        Aim(0.1, "the budget of the project", problem=EXACT),
        Aim(5.0, "the budget of the project", problem=RISK),
    ],
    budget=5.0,
    timeout=120.0,
)
