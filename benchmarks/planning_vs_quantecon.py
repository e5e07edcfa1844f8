"""`mdpkit.solve` against the solvers of other libraries, on the same models and to the same accuracy."""

from __future__ import annotations

import copy
import importlib
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

import mdpkit
from benchmarks.harness import Benchmark, Check, Contender

TOL = 1e-6
GARNET = "Garnet 3000/10/10, gamma 0.99"


def _mdpkit(method: str) -> Contender:
    def prepare(mdp: mdpkit.TabularMDP) -> Callable[[], Any]:
        return lambda: mdpkit.solve(mdp, method=method, tol=TOL).V

    return Contender(f"mdpkit {method}", prepare)


def _quantecon(method: str) -> Contender:
    def prepare(mdp: mdpkit.TabularMDP) -> Callable[[], Any]:
        discrete_dp = importlib.import_module("quantecon.markov").DiscreteDP
        ddp = discrete_dp(mdp.pair_reward, mdp.rows.csr(), mdp.gamma, mdp.pair_state, mdp.pair_action)
        # Its epsilon bounds |V - V*| by epsilon / 2 for value iteration and by epsilon for modified policy iteration.
        return lambda: ddp.solve(method=method, epsilon=TOL, max_iter=100_000).v

    return Contender(f"quantecon {method}", prepare, package="quantecon")


def _mdpsolver(algorithm: str) -> Contender:
    def prepare(mdp: mdpkit.TabularMDP) -> Callable[[], Any]:
        P = mdp.rows.csr()
        pair_start = np.searchsorted(mdp.pair_state, np.arange(mdp.n_states + 1))
        pairs = [range(a, b) for a, b in itertools.pairwise(pair_start)]
        model = importlib.import_module("mdpsolver").model()
        model.mdp(
            discount=mdp.gamma,
            rewards=[[float(mdp.pair_reward[i]) for i in row] for row in pairs],
            tranMatProbs=[[P.data[P.indptr[i] : P.indptr[i + 1]].tolist() for i in row] for row in pairs],
            tranMatColumns=[[P.indices[P.indptr[i] : P.indptr[i + 1]].tolist() for i in row] for row in pairs],
        )

        def solve() -> Any:
            model.solve(algorithm=algorithm, tolerance=TOL, parallel=False)
            return model.getValueVector()

        return solve

    # fresh: the second call on a model would start from the answer of the first; there is nothing to compile
    return Contender(f"mdpsolver {algorithm}", prepare, package="mdpsolver", fresh=True)


def _pymdptoolbox(mdp: mdpkit.TabularMDP) -> Callable[[], Any]:
    """Prepare its policy iteration. Its other methods promise a good policy, but not its values."""
    toolbox = importlib.import_module("mdptoolbox.mdp")
    P = mdp.rows.csr()
    transitions = [sp.csr_matrix(P[np.flatnonzero(mdp.pair_action == a)]) for a in range(mdp.n_actions)]
    rewards = mdp.pair_reward.reshape(mdp.n_states, mdp.n_actions)

    new = toolbox.PolicyIteration(transitions, rewards, mdp.gamma)

    def solve() -> Any:
        solver = copy.copy(new)  # run() leaves its answer behind and would start from it
        solver.run()
        return solver.V

    return solve


def _error(mdp: mdpkit.TabularMDP, V: Any) -> float:
    proof = mdpkit.verify(mdp, mdpkit.solve(mdp, tol=1e-9))
    if not proof:
        raise RuntimeError(proof.message)
    V = np.asarray(V)
    return float(np.max(np.maximum(np.abs(V - proof.lower), np.abs(V - proof.upper))))


BENCHMARK = Benchmark(
    title="Solving discounted models, against QuantEcon and others",
    what=(
        "Time to solve a model so that no value is off by more than 1e-6. Each library has the model in its own format "
        "before the clock starts. The answers are judged by an enclosure of the optimal values that `mdpkit.verify` "
        "proves from the model alone. The value iteration and modified policy iteration of pymdptoolbox are left out: "
        "they stop when the policy is good, whatever the values are; its "
        "policy iteration needs a dense matrix, and that of the grid would not fit into memory."
    ),
    problems={
        GARNET: lambda: mdpkit.problems.garnet(3000, 10, 10, gamma=0.99, seed=0),
        "slippery grid 300 x 300, gamma 0.99": lambda: mdpkit.problems.grid_world(300, gamma=0.99, seed=0),
    },
    contenders=[
        _mdpkit("auto"),
        _mdpkit("value_iteration"),
        _quantecon("modified_policy_iteration"),
        _quantecon("policy_iteration"),
        _quantecon("value_iteration"),
        _mdpsolver("mpi"),
        _mdpsolver("pi"),
        Contender("pymdptoolbox PolicyIteration", _pymdptoolbox, package="pymdptoolbox", problems=[GARNET]),
    ],
    # the enclosure itself is up to 2e-9 wide
    check=Check("largest error of a value, against an enclosure proved by mdpkit.verify", 1.002 * TOL, _error),
    baseline="mdpkit auto",
    timeout=60,
)
