"""Residual and certified width of the robust methods, and of the undamped one, sweep by sweep.

The undamped method (freeze policy and kernel, solve, repeat) lives here only: it can cycle and is no solver.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import mdpkit
from mdpkit import planning, problems
from mdpkit.models import KLBall, L1Ball
from mdpkit.problems.robust import undamped_cycle
from mdpkit.robust import worst_kernel

METHODS = (
    "value_iteration",
    "modified_policy_iteration",
    "partial_policy_iteration",
    "residual_conditioned_policy_iteration",
    "policy_iteration",
)
UNDAMPED = "undamped"
TITLES = {"river_swim": "RiverSwim 20, L1", "garnet": "Garnet 200/10/20, KL", "cycle": "the cycling example"}
GRID = [{"problem": problem, "method": method} for problem in TITLES for method in (*METHODS, UNDAMPED)]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 1}, "paper": {"configs": GRID, "n_seeds": 1}}
RELATIVE_TOL = 1e-9
UNDAMPED_ROUNDS = 24


def build(name: str) -> mdpkit.RobustMDP:
    """Return a problem of this experiment."""
    match name:
        case "river_swim":
            return mdpkit.RobustMDP(problems.river_swim(20, gamma=0.95), L1Ball(0.1))
        case "garnet":
            return mdpkit.RobustMDP(problems.garnet(200, 10, 20, gamma=0.95, seed=0), KLBall(0.05))
        case "cycle":
            return undamped_cycle()
    raise ValueError(f"unknown problem {name!r}")


def reference(problem: mdpkit.RobustMDP, method: str) -> mdpkit.Solution:
    """Solve to the rounding floor with another method."""
    other = "policy_iteration" if method == "value_iteration" else "value_iteration"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
        return mdpkit.solve(problem, method=other, tol=np.finfo(float).tiny)


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Solve one problem with one method, watching every certificate."""
    problem, method = build(config["problem"]), config["method"]
    known = reference(problem, method)
    scale = float(np.max(np.abs(known.V)))
    record = _undamped if method == UNDAMPED else _certified
    sweeps, residual, half_width, error, consistent = record(problem, method, known, RELATIVE_TOL * scale)
    rewards = np.where(problem.nominal.action_mask, problem.nominal.rewards, -np.inf).max(axis=1)
    return {
        "gamma": problem.gamma,
        "scale": scale,
        "first_span": float(np.ptp(rewards)),
        "sweeps": np.array(sweeps, dtype=float),
        "residual": np.array(residual),
        "half_width": np.array(half_width),
        "error": np.array(error),
        "consistent": np.array(consistent),
    }


def _certified(problem: mdpkit.RobustMDP, method: str, known: mdpkit.Solution, tol: float) -> Any:
    rows: list[tuple[float, float, bool]] = []
    errors: list[float] = []
    shrink = (1.0 - problem.gamma) / problem.gamma

    def watch(now: Any) -> None:
        W = now.last_sweep
        # The ends of the enclosure are T V + gamma / (1 - gamma) (T V - V), least and largest entry.
        residual = shrink * max(float(np.max(now.upper - W)), -float(np.min(now.lower - W)), 0.0)
        overlap = bool(np.all(now.lower <= known.upper) and np.all(known.lower <= now.upper))
        rows.append((now.sweeps, residual, overlap))
        errors.append(float(np.max(np.abs(W - known.V))))

    solution = mdpkit.solve(problem, method=method, tol=tol, callback=watch)
    sweeps, residual, overlap = zip(*rows, strict=True)
    return sweeps, residual, solution.trace.half_width, errors, overlap


def _undamped(problem: mdpkit.RobustMDP, method: str, known: mdpkit.Solution, tol: float) -> Any:
    gamma, share = problem.gamma, problem.n_states / problem.nominal.n_pairs
    rows = []
    for k, (V, W) in enumerate(undamped_iterates(problem, UNDAMPED_ROUNDS)):
        difference = W - V
        half_width = gamma / (1.0 - gamma) * np.ptp(difference) / 2.0
        residual = np.max(np.abs(difference))
        # One pass to be greedy; from the second round on, one over the policy's pairs for nature's rows.
        rows.append((1.0 + k * (1.0 + share), residual, half_width, np.max(np.abs(V - known.V)), True))
        if residual <= (1.0 - gamma) * tol:
            break
    return zip(*rows, strict=True)


def undamped_iterates(problem: mdpkit.RobustMDP, rounds: int) -> Any:
    """Yield ``(V, T V)`` of the undamped method (Pollatschek and Avi-Itzhak 1969) from zero."""
    V = np.zeros(problem.n_states)
    for _ in range(rounds):
        kernel = worst_kernel(problem, V)
        # Nature answered these values for every action, so what is greedy in its kernel is robust-greedy.
        yield V, planning.q_values(kernel, V).max(axis=1)
        V = mdpkit.evaluate_policy(kernel, planning.greedy_policy(kernel, V)).V
