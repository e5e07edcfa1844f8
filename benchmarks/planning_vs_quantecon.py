"""Time `mdpkit.solve` against QuantEcon on the same models and to the same accuracy.

Each solver runs in a process of its own:

    python benchmarks/planning_vs_quantecon.py

Model building and compilation are excluded (one warm-up solve); the median of several runs and their spread are shown,
with the true error of each answer, measured against an enclosure proved by `mdpkit.verify`. A peer that is not
installed is reported as "not run".
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

import mdpkit

TOL = 1e-6
RUNS = 9
MODELS = {
    "Garnet 3000/10/10, gamma 0.99": lambda: mdpkit.problems.garnet(3000, 10, 10, gamma=0.99, seed=0),
    "slippery grid 300 x 300, gamma 0.99": lambda: mdpkit.problems.grid_world(300, gamma=0.99, seed=0),
}
SOLVERS = (
    "mdpkit auto",
    "mdpkit value_iteration",
    "quantecon modified_policy_iteration",
    "quantecon policy_iteration",
    "quantecon value_iteration",
)


def _prepare(solver: str, mdp: mdpkit.TabularMDP) -> Any:
    """Return a function that solves the model once and returns its values."""
    package, method = solver.split()
    if package == "mdpkit":
        return lambda: mdpkit.solve(mdp, method=method, tol=TOL).V
    from quantecon.markov import DiscreteDP

    ddp = DiscreteDP(mdp.pair_reward, mdp.rows.csr(), mdp.gamma, mdp.pair_state, mdp.pair_action)
    # Its epsilon bounds |V - V*| by epsilon / 2 for value iteration and by epsilon for modified policy iteration.
    return lambda: ddp.solve(method=method, epsilon=TOL, max_iter=100_000).v


def measure(solver: str, model: str) -> dict[str, Any]:
    """Time one solver on one model; runs in a process of its own."""
    mdp = MODELS[model]()
    solve = _prepare(solver, mdp)
    start = time.perf_counter()
    V = solve()
    first = time.perf_counter() - start
    seconds = []
    for _ in range(RUNS if first < 5 else 2):
        start = time.perf_counter()
        V = solve()
        seconds.append(time.perf_counter() - start)
    best = mdpkit.solve(mdp, tol=1e-9)
    proof = mdpkit.verify(mdp, best)
    if not proof:
        raise RuntimeError(proof.message)
    error = float(np.max(np.maximum(np.abs(V - proof.lower), np.abs(V - proof.upper))))
    return {
        "median": statistics.median(seconds),
        "least": min(seconds),
        "most": max(seconds),
        "error": error,
    }


def main() -> None:
    """Run every pair and print one table per model."""
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, tolerance {TOL:g}\n")
    for model in MODELS:
        print(model)
        for solver in SOLVERS:
            command = [sys.executable, __file__, solver, model]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "failed"
                print(f"  {solver:38s} not run ({reason})")
                continue
            r = json.loads(done.stdout.splitlines()[-1])
            spread = f"[{1e3 * r['least']:.1f}, {1e3 * r['most']:.1f}]"
            print(f"  {solver:38s} median {1e3 * r['median']:9.1f} ms {spread:20s} error {r['error']:.1e}")
        print()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], sys.argv[2])))
    else:
        main()
