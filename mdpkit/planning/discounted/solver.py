"""`solve` for discounted problems: checks, the choice of a method, the final certificate."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from mdpkit._typing import Bools, Floats
from mdpkit.errors import (
    ConvergenceWarning,
    DiscountError,
    InputError,
    NonFiniteRewardError,
    ShapeError,
    UnknownOptionError,
)
from mdpkit.models import TabularMDP
from mdpkit.models._checks import as_floats
from mdpkit.planning.certificate import sweep_bounds
from mdpkit.planning.directed import add_up
from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.discounted.absorbing import absorbing_bounds, absorbing_states
from mdpkit.planning.discounted.bellman import Bellman, bellman_operator
from mdpkit.planning.discounted.gauss_seidel import gauss_seidel
from mdpkit.planning.discounted.krylov_policy_iteration import krylov_policy_iteration
from mdpkit.planning.discounted.linear_program import linear_program
from mdpkit.planning.discounted.modified_policy_iteration import modified_policy_iteration
from mdpkit.planning.discounted.policy_iteration import policy_iteration
from mdpkit.planning.discounted.value_iteration import value_iteration
from mdpkit.planning.rounding import RoundingModel, largest
from mdpkit.planning.run import Callback, Progress, Run
from mdpkit.planning.solution import Solution

METHODS: dict[str, Callable[..., None]] = {
    "value_iteration": value_iteration,
    "gauss_seidel": gauss_seidel,
    "modified_policy_iteration": modified_policy_iteration,
    "policy_iteration": policy_iteration,
    "krylov_policy_iteration": krylov_policy_iteration,
    "linear_program": linear_program,
}
LARGEST_VALUE = 1e150
"""Krylov solvers square their numbers."""
SMALL = 200
"""Up to this many states dense policy iteration beats everything, whatever the discount."""


def solve_discounted(
    model: TabularMDP,
    *,
    method: str,
    tol: float | None,
    max_iter: int | None,
    V0: Any,
    progress: bool,
    callback: Callback | None,
    options: dict[str, Any],
) -> Solution:
    """Solve a discounted `TabularMDP` (see `mdpkit.solve`)."""
    gamma = check_discounted(model.gamma)
    name = choose_method(model) if method == "auto" else method
    if name not in METHODS:
        hint = "; backward induction needs a horizon: mdp.with_horizon(H)" if name == "backward_induction" else ""
        raise UnknownOptionError(
            f"method must be auto or one of {', '.join(METHODS)}; found {method!r}{hint}",
            argument="method",
            value=method,
        )
    check_options(METHODS[name], options, name)
    check_max_iter(max_iter)
    bellman = bellman_operator(model, gamma)
    check_range(bellman.rounding)
    tol = default_tolerance(bellman.rounding) if tol is None else check_tolerance(tol)
    start = starting_values(bellman)
    if V0 is not None:
        # V* lies between these ends; starting beyond them could only hurt, and huge values would swamp the rounding.
        ends = np.array([np.min(bellman.reward), np.max(bellman.reward)]) / (1.0 - gamma)
        start = np.clip(check_values(V0, model.n_states, "V0"), *ends)
    with Progress(name.replace("_", " ")) if progress else nullcontext() as bar:
        run = Run(bellman, start, tol=tol, max_iter=max_iter, callback=callback, progress=bar)
        try:
            METHODS[name](run, **options)
        except KeyboardInterrupt as interrupt:
            run.status = "interrupted"
            # Ctrl-C loses nothing: the solution so far, certified, travels with the exception.
            interrupt.solution = finish(model, run, name)  # type: ignore[attr-defined]
            raise
    solution = finish(model, run, name)
    if not solution.converged:
        warnings.warn(solution.message, ConvergenceWarning, stacklevel=3)
    return solution


def starting_values(bellman: Bellman) -> Floats:
    """Return zeros, and the known values where the process can never move again."""
    V = np.zeros(bellman.n_states)
    absorbing = absorbing_states(bellman)
    low, high = absorbing_bounds(bellman, absorbing)
    V[absorbing] = (low + high) / 2
    return V


def choose_method(model: TabularMDP) -> str:
    """Pick the method for ``method="auto"``."""
    return "policy_iteration" if model.n_states <= SMALL else "modified_policy_iteration"


def finish(model: TabularMDP, run: Run[Bellman], method: str) -> Solution:
    """Certify the latest values by one more sweep and read everything off it."""
    bellman, V = run.bellman, run.V
    gamma, rounding = bellman.gamma, bellman.rounding
    q = bellman.pair_values(V)
    W, choice = np.empty(bellman.n_states), bellman.state_ptr[:-1].copy()
    lo, hi = kernels.best_pairs(bellman.state_ptr, q, V, W, choice)
    bounds = sweep_bounds(V, lo, hi, rounding)
    run.enclosure.tighten(W + bounds.low, W + bounds.high, bounds.floor)
    absorbing = absorbing_states(bellman)
    if absorbing.any():
        known_low, known_high = run.enclosure.lower.copy(), run.enclosure.upper.copy()
        known_low[absorbing], known_high[absorbing] = absorbing_bounds(bellman, absorbing)
        run.enclosure.tighten(known_low, known_high, bounds.floor)
    kernels.first_within(bellman.state_ptr, q, W, rounding.tie(largest(V)), choice)
    attained = q[choice]
    of_policy = sweep_bounds(V, float(np.min(attained - V)), hi, rounding)
    policy_loss = max(0.0, float(np.max(add_up(run.enclosure.upper, -(attained + of_policy.low)))))
    # A pair this far below the best cannot be optimal (MacQueen 1967).
    margin = gamma / (1.0 - gamma) * (hi - lo) + 2 * bounds.floor
    survivors = q >= np.repeat(W, np.diff(bellman.state_ptr)) - margin
    optimal = np.zeros((model.n_states, model.n_actions), dtype=bool)
    optimal[model.pair_state, model.pair_action] = survivors
    return summarize(
        model,
        run,
        policy=model.pair_action[choice].astype(np.int64),
        policy_loss=policy_loss,
        optimal=optimal,
        floor=bounds.floor,
        method=method,
    )


def summarize(
    problem: Any, run: Run[Any], *, policy: Any, policy_loss: float, optimal: Bools | None, floor: float, method: str
) -> Solution:
    """Turn a certified run into what users see; `problem` only lends its names."""
    lower, upper = run.enclosure.lower, run.enclosure.upper
    half_width = run.enclosure.half_width
    converged = half_width <= run.tol
    status = "converged" if converged and run.status != "interrupted" else run.status
    return Solution(
        V=lower + (upper - lower) / 2,
        policy=policy,
        lower=lower,
        upper=upper,
        policy_loss=policy_loss,
        optimal_actions=optimal,
        iterations=run.iterations,
        converged=converged,
        status=status,
        message=stop_message(status, half_width, run, floor),
        method=method,
        tol=run.tol,
        trace=run.trace(),
        state_names=problem.state_names,
        action_names=problem.action_names,
    )


def stop_message(status: str, half_width: float, run: Run[Any], floor: float) -> str:
    """Say as a sentence why a run stopped and what it reached."""
    reached = f"every value is certified within {half_width:.3g} (tol {run.tol:.3g})"
    return {
        "converged": f"Converged after {run.iterations} iterations: {reached}.",
        "max_iter": f"Stopped at the cap of {run.iterations} iterations: {reached}.",
        "floor": f"The tolerance is below the rounding floor of about {floor:.3g} for float64: {reached}.",
        "stopped": f"Stopped by the callback after {run.iterations} iterations: {reached}.",
        "interrupted": f"Interrupted after {run.iterations} iterations: {reached}.",
    }[status]


def check_discounted(gamma: float | None) -> float:
    """Refuse models without a discount below one."""
    if gamma is None or gamma == 1.0:
        raise DiscountError(
            f"discounted planning needs 0 <= gamma < 1, found gamma = {gamma}; "
            "use mdp.with_discount(gamma), or mdp.with_horizon(H) for a finite horizon",
            argument="gamma",
            value=gamma,
        )
    return gamma


def check_range(rounding: RoundingModel) -> None:
    """Refuse models whose values could overflow: there no sum and no bound means anything."""
    largest_value = rounding.reward_scale / (1.0 - rounding.gamma)
    if not largest_value <= LARGEST_VALUE:
        raise NonFiniteRewardError(
            f"rewards up to {rounding.reward_scale:.3g} in magnitude with gamma = {rounding.gamma} allow values up to "
            f"{largest_value:.3g}, beyond the range of float64 ({LARGEST_VALUE:g}); rescale the rewards",
            argument="problem",
            value=rounding.reward_scale,
        )


def default_tolerance(rounding: RoundingModel) -> float:
    """Return 1e-8 relative to the largest possible value, or the rounding floor where that is larger."""
    value_scale = rounding.reward_scale / (1.0 - rounding.gamma)
    floor = sweep_bounds(np.array([value_scale]), 0.0, 0.0, rounding).floor
    return max(1e-8 * max(1.0, value_scale), 2 * floor)


def check_tolerance(tol: Any) -> float:
    """Read a positive number."""
    try:
        value = float(tol)
    except (TypeError, ValueError) as error:
        raise InputError(f"tol must be a positive number, found {tol!r}", argument="tol", value=tol) from error
    if not value > 0.0:
        raise InputError(f"tol must be a positive number, found {tol!r}", argument="tol", value=tol)
    return value


def check_max_iter(max_iter: int | None) -> None:
    """Refuse anything but a positive integer or None."""
    if max_iter is None:
        return
    if isinstance(max_iter, bool) or not isinstance(max_iter, (int, np.integer)) or max_iter < 1:
        raise InputError(
            f"max_iter must be a positive integer, found {max_iter!r}", argument="max_iter", value=max_iter
        )


def check_values(V: Any, n_states: int, name: str) -> Floats:
    """Read a finite value function of shape ``(S,)``."""
    values = as_floats(V, name)
    if values.shape != (n_states,):
        raise ShapeError(f"{name} must have shape ({n_states},), found {values.shape}", argument=name)
    check_finite(values, name)
    return values


def check_finite(values: Floats, name: str) -> None:
    """Refuse NaN and infinity."""
    finite = np.isfinite(values)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        value = float(values[where])
        raise NonFiniteRewardError(
            f"{name}{list(where)} = {value!r} is not finite",
            argument=name,
            index=where if len(where) > 1 else where[0],
            value=value,
        )


def check_options(function: Callable[..., Any], options: dict[str, Any], method: str) -> None:
    """Refuse keywords the method does not know: a misspelt option must not be swallowed."""
    known = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for name in options:
        if name not in known:
            raise UnknownOptionError(
                f"method {method!r} has no option {name!r}; it has {', '.join(known) or 'none'}", argument=name
            )
