"""Backward induction, with a running bound on its rounding."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import ConvergenceWarning, NonFiniteRewardError, PolicyError, ShapeError, UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, NonStationaryPolicy
from mdpkit.models.policies import is_deterministic
from mdpkit.planning.directed import add_up
from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.discounted.bellman import bellman_operator, process_operator
from mdpkit.planning.discounted.solver import LARGEST_VALUE, check_options, check_tolerance
from mdpkit.planning.rounding import UNIT_ROUNDOFF, largest
from mdpkit.planning.run import Callback
from mdpkit.planning.solution import Solution, Trace

METHODS = ("auto", "backward_induction")


def backward_induction() -> None:
    """Carry the name of the only method; it takes no options."""


def solve_finite_horizon(
    problem: FiniteHorizonMDP,
    *,
    method: str,
    tol: float | None,
    max_iter: int | None,
    V0: Any,
    progress: bool,
    callback: Callback | None,
    options: dict[str, Any],
) -> Solution:
    """Solve a `FiniteHorizonMDP` exactly up to rounding (see `mdpkit.solve`)."""
    if method not in METHODS:
        raise UnknownOptionError(
            f"a finite horizon is solved by backward_induction; found method {method!r}",
            argument="method",
            value=method,
        )
    check_options(backward_induction, options, "backward_induction")
    for name, value in (("max_iter", max_iter), ("V0", V0), ("callback", callback)):
        if value is not None:
            raise UnknownOptionError(f"backward induction takes no {name}: it is a single pass", argument=name)
    _check_range(problem)
    H, S = problem.horizon, problem.n_states
    operators = {id(stage): bellman_operator(stage, problem.gamma) for stage in set(problem.stages)}
    V = np.empty((H + 1, S))
    V[H] = problem.terminal_values
    policy = np.empty((H, S), dtype=np.int64)
    optimal = np.zeros((H, S, problem.n_actions), dtype=bool)
    errors, losses = np.zeros(H + 1), np.zeros(H + 1)
    for h in range(H - 1, -1, -1):
        stage = problem.stages[h]
        bellman = operators[id(stage)]
        q = bellman.pair_values(V[h + 1])
        choice = stage.state_ptr[:-1].copy()
        kernels.best_pairs(stage.state_ptr, q, V[h + 1], V[h], choice)
        value_scale = largest(V[h + 1])
        tie = bellman.rounding.tie(value_scale)
        kernels.first_within(stage.state_ptr, q, V[h], tie, choice)
        policy[h] = stage.pair_action[choice]
        step = bellman.rounding.sweep_error(value_scale)
        errors[h] = (problem.gamma * errors[h + 1] + step) * (1 + 4 * UNIT_ROUNDOFF)
        given_up = float(np.max(V[h] - q[choice]))
        losses[h] = (problem.gamma * losses[h + 1] + given_up + 2 * step) * (1 + 4 * UNIT_ROUNDOFF)
        margin = 2 * errors[h]
        optimal[h, stage.pair_state, stage.pair_action] = q >= np.repeat(V[h], np.diff(stage.state_ptr)) - margin
    return certified_pass(problem, V, policy, errors, optimal, float(np.max(losses)), tol)


def evaluate_finite_horizon(problem: FiniteHorizonMDP, policy: Any, *, method: str, tol: float | None) -> Solution:
    """Evaluate a policy over the horizon, exactly up to rounding."""
    if method not in METHODS:
        raise UnknownOptionError(
            f"a finite horizon is evaluated by backward_induction; found {method!r}", argument="method"
        )
    plan = read_plan(problem, policy)
    _check_range(problem)
    H = problem.horizon
    V = np.empty((H + 1, problem.n_states))
    V[H] = problem.terminal_values
    errors = np.zeros(H + 1)
    for h in range(H - 1, -1, -1):
        process = problem.stages[h].under_policy(plan[h])
        bellman = process_operator(process, problem.gamma)
        V[h] = bellman.pair_values(V[h + 1])
        step = bellman.rounding.sweep_error(largest(V[h + 1]))
        errors[h] = (problem.gamma * errors[h + 1] + step) * (1 + 4 * UNIT_ROUNDOFF)
    best = solve_finite_horizon(
        problem,
        method="auto",
        tol=np.finfo(float).max,
        max_iter=None,
        V0=None,
        progress=False,
        callback=None,
        options={},
    )
    losses = add_up(best.upper, -np.where(errors[:, None] == 0.0, V, np.nextafter(V - errors[:, None], -np.inf)))
    loss = max(0.0, float(np.max(losses)))
    shown = policy if hasattr(policy, "act") else np.array(plan)
    return certified_pass(problem, V, shown, errors, None, loss, tol, quantity="policy")


def read_plan(problem: FiniteHorizonMDP, policy: Any) -> list[Any]:
    """Read a policy as one stationary policy per step; a policy without a time axis is played at every step."""
    if isinstance(policy, NonStationaryPolicy):
        return [policy.at(h) for h in range(problem.horizon)]
    deterministic = is_deterministic(policy)
    array = np.asarray(policy)
    if array.dtype.kind not in "iuf":
        raise PolicyError(f"policy must hold action ids or probabilities, found dtype {array.dtype}", argument="policy")
    H, S, A = problem.horizon, problem.n_states, problem.n_actions
    with_time, without = ((H, S), (S,)) if deterministic else ((H, S, A), (S, A))
    if array.shape == with_time:
        return list(array)
    if array.shape == without:
        return [array] * H
    raise ShapeError(f"policy must have shape {with_time} or {without}, found {array.shape}", argument="policy")


def _check_range(problem: FiniteHorizonMDP) -> None:
    """Refuse models whose values could overflow."""
    reward_scale = max(largest(stage.pair_reward) for stage in set(problem.stages))
    largest_value = problem.horizon * reward_scale + largest(problem.terminal_values)
    if not largest_value <= LARGEST_VALUE:
        raise NonFiniteRewardError(
            f"rewards up to {reward_scale:.3g} in magnitude over {problem.horizon} steps allow values up to "
            f"{largest_value:.3g}, beyond the range of float64 ({LARGEST_VALUE:g}); rescale the rewards",
            argument="problem",
            value=reward_scale,
        )


def certified_pass(
    problem: Any,
    V: Floats,
    policy: Any,
    errors: Floats,
    optimal: Any,
    loss: float,
    tol: float | None,
    *,
    quantity: str = "optimal",
) -> Solution:
    """Turn a backward pass with error bounds per step into what users see; `problem` only lends its names."""
    # V -+ error rounds once more; nextafter keeps the ends outside, and leaves exact stages exact.
    exact = errors[:, None] == 0.0
    lower = np.where(exact, V, np.nextafter(V - errors[:, None], -np.inf))
    upper = np.where(exact, V, np.nextafter(V + errors[:, None], np.inf))
    half_width = float(np.max(upper - lower)) / 2
    target = max(1e-8 * max(1.0, largest(V)), 2 * float(np.max(errors))) if tol is None else check_tolerance(tol)
    converged = half_width <= target
    H = len(V) - 1
    message = f"One backward pass over {H} steps: every value is certified within {half_width:.3g} (tol {target:.3g})."
    if not converged:
        message += " The tolerance is below the rounding floor of float64."
        warnings.warn(message, ConvergenceWarning, stacklevel=4)
    return Solution(
        V=V,
        policy=policy,
        lower=lower,
        upper=upper,
        policy_loss=loss,
        optimal_actions=optimal,
        iterations=H,
        converged=converged,
        status="converged" if converged else "floor",
        message=message,
        method="backward_induction",
        tol=target,
        trace=Trace(np.array([H]), np.array([float(H)]), np.array([half_width])),
        state_names=problem.state_names,
        action_names=problem.action_names,
        quantity=quantity,
    )
