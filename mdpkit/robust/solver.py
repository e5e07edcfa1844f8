"""`solve` for robust problems: checks, the choice of a method, the final certificate."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from mdpkit._typing import Bools, Floats
from mdpkit.errors import ConvergenceWarning, UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, RobustMDP, TabularMDP
from mdpkit.planning.certificate import sweep_bounds
from mdpkit.planning.directed import add_up
from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.discounted.solver import (
    check_max_iter,
    check_options,
    check_range,
    check_tolerance,
    check_values,
    default_tolerance,
    summarize,
)
from mdpkit.planning.discounted.value_iteration import value_iteration
from mdpkit.planning.rounding import largest
from mdpkit.planning.run import Callback, Progress, Run
from mdpkit.planning.solution import Solution
from mdpkit.robust.dynamic_programming.modified_policy_iteration import modified_policy_iteration
from mdpkit.robust.dynamic_programming.partial_policy_iteration import partial_policy_iteration
from mdpkit.robust.dynamic_programming.policy_iteration import policy_iteration
from mdpkit.robust.dynamic_programming.residual_conditioned import residual_conditioned_policy_iteration
from mdpkit.robust.finite_horizon import solve_robust_horizon
from mdpkit.robust.operator import PairwiseBellman, Plan, RobustBellman, robust_operator

METHODS: dict[str, Callable[..., None]] = {
    "value_iteration": value_iteration,
    "modified_policy_iteration": modified_policy_iteration,
    "policy_iteration": policy_iteration,
    "partial_policy_iteration": partial_policy_iteration,
    "residual_conditioned_policy_iteration": residual_conditioned_policy_iteration,
}
FEW_STATES = 100
"""Up to this many states linear solves are cheaper than sweeps, whatever the discount."""


def solve_robust(
    problem: RobustMDP,
    *,
    method: str,
    tol: float | None,
    max_iter: int | None,
    V0: Any,
    progress: bool,
    callback: Callback | None,
    options: dict[str, Any],
) -> Solution:
    """Solve a `RobustMDP` (see `mdpkit.solve`)."""
    if isinstance(problem.nominal, FiniteHorizonMDP):
        given = {"max_iter": max_iter, "V0": V0, "callback": callback, **options}
        return solve_robust_horizon(problem, method=method, tol=tol, given=given)
    name = choose_method(problem) if method == "auto" else method
    if name not in METHODS:
        raise UnknownOptionError(
            f"method must be auto or one of {', '.join(METHODS)}; found {method!r}", argument="method", value=method
        )
    check_options(METHODS[name], options, name)
    check_max_iter(max_iter)
    operator = robust_operator(problem)
    check_range(operator.rounding)
    tol = default_tolerance(operator.rounding) if tol is None else check_tolerance(tol)
    with Progress("robust " + name.replace("_", " ")) if progress else nullcontext() as bar:
        start = starting_values(operator, V0)
        run = Run(operator, start, tol=tol, max_iter=max_iter, callback=callback, progress=bar)
        try:
            METHODS[name](run, **options)
        except KeyboardInterrupt as interrupt:
            run.status = "interrupted"
            # Ctrl-C loses nothing: the solution so far, certified, travels with the exception.
            interrupt.solution = finish(problem, run, name)  # type: ignore[attr-defined]
            raise
    solution = finish(problem, run, name)
    if not solution.converged:
        warnings.warn(solution.message, ConvergenceWarning, stacklevel=3)
    return solution


def starting_values(operator: RobustBellman, V0: Any) -> Floats:
    """Return the values to start from: zeros, or the user's, clipped to what any value can be."""
    if V0 is None:
        return np.zeros(operator.n_states)
    limit = operator.rounding.reward_scale / (1.0 - operator.gamma)
    return np.clip(check_values(V0, operator.n_states, "V0"), -limit, limit)


def choose_method(problem: RobustMDP | TabularMDP) -> str:
    """Pick the method for ``method="auto"``.

    On chains and grids linearized steps are refused until information has traveled the whole way, so beyond small
    models sweeps win.
    """
    few = problem.n_states <= FEW_STATES
    return "residual_conditioned_policy_iteration" if few else "modified_policy_iteration"


def finish(problem: RobustMDP | TabularMDP, run: Run[RobustBellman], method: str) -> Solution:
    """Certify the latest values by one more sweep and read everything off it.

    For any ``V`` with ``d = T V - V`` and ``pi`` greedy, ``T V + gamma/(1-gamma) min d <= V^pi <= V* <=
    T V + gamma/(1-gamma) max d``: the robust operator is monotone and covariant, as the nominal one is.
    """
    operator, V = run.bellman, run.V
    W = np.empty(operator.n_states)
    plan, lo, hi, optimal = _greedy(operator, V, W)
    rounding = operator.rounding
    bounds = sweep_bounds(V, lo, hi, rounding)
    run.enclosure.tighten(W + bounds.low, W + bounds.high, bounds.floor)
    attained = np.empty(operator.n_states)
    least, _ = operator.evaluate(plan, V, attained)
    of_policy = sweep_bounds(V, least, hi, operator.rounding)
    policy_loss = max(0.0, float(np.max(add_up(run.enclosure.upper, -(attained + of_policy.low)))))
    return summarize(
        problem,
        run,
        policy=operator.policy(plan),
        policy_loss=policy_loss,
        optimal=optimal,
        floor=bounds.floor,
        method=method,
    )


def _greedy(operator: RobustBellman, V: Floats, W: Floats) -> tuple[Plan, float, float, Bools | None]:
    """Sweep once more; return the greedy policy, ties to the lowest action, and which actions may be optimal."""
    if not isinstance(operator, PairwiseBellman):
        lo, hi = operator.sweep(V, W)
        return operator.plan, lo, hi, None
    q = operator.pair_values(V)
    choice = operator.state_ptr[:-1].copy()
    lo, hi = kernels.best_pairs(operator.state_ptr, q, V, W, choice)
    rounding = operator.rounding
    kernels.first_within(operator.state_ptr, q, W, rounding.tie(largest(V)), choice)
    floor = sweep_bounds(V, lo, hi, rounding).floor
    margin = operator.gamma / (1.0 - operator.gamma) * (hi - lo) + 2 * floor
    survivors = q >= np.repeat(W, np.diff(operator.state_ptr)) - margin
    model = operator.model
    optimal = np.zeros((model.n_states, model.n_actions), dtype=bool)
    optimal[model.pair_state, model.pair_action] = survivors
    return choice, lo, hi, optimal
