"""`evaluate_policy`: the certified value of a given policy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from mdpkit.errors import ConvergenceWarning, UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, MixturePolicy, NonStationaryPolicy, TabularMDP
from mdpkit.planning.certificate import sweep_bounds
from mdpkit.planning.composite import evaluate_mixture, evaluate_plan
from mdpkit.planning.directed import add_up
from mdpkit.planning.discounted.bellman import Bellman, bellman_operator, process_operator
from mdpkit.planning.discounted.policy_iteration import policy_iteration
from mdpkit.planning.discounted.solver import (
    check_discounted,
    check_range,
    check_tolerance,
    default_tolerance,
)
from mdpkit.planning.discounted.value_iteration import value_iteration
from mdpkit.planning.finite_horizon.backward_induction import evaluate_finite_horizon
from mdpkit.planning.objectives import Discounted
from mdpkit.planning.run import Operator, Run
from mdpkit.planning.solution import Solution

__all__ = ["evaluate_policy"]

# A process is a model with one pair per state, so its solvers evaluate: policy iteration ends after one linear solve.
METHODS: dict[str, Callable[[Run[Bellman]], None]] = {
    "auto": policy_iteration,
    "direct": lambda run: policy_iteration(run, evaluation="dense" if run.bellman.n_states <= 1000 else "sparse"),
    "krylov": lambda run: policy_iteration(run, evaluation="krylov"),
    "sweeps": value_iteration,
}


def evaluate_policy(
    problem: TabularMDP | FiniteHorizonMDP,
    policy: Any,
    objective: Discounted | None = None,
    *,
    method: str = "auto",
    tol: float | None = None,
) -> Solution:
    """Return the value of a policy, with a certificate.

    Computes ``V^pi = (I - gamma P_pi)^{-1} r_pi``, or its finite-horizon counterpart.

    Parameters
    ----------
    problem : TabularMDP or FiniteHorizonMDP
        The model; a `TabularMDP` must have ``gamma < 1``.
    policy : array_like, MixturePolicy or NonStationaryPolicy
        Action ids ``(S,)``, or probabilities ``(S, A)``; for a finite horizon also with a leading time axis.
    objective : Discounted, optional
        As for `solve`.
    method : {"auto", "direct", "krylov", "sweeps"}
        Linear algebra for discounted problems; "auto" factorizes where that is cheap and uses GMRES elsewhere.
    tol : float, optional
        Sup-norm error to certify; default as for `solve`.

    Returns
    -------
    Solution
        ``lower <= V^pi <= upper``; ``policy`` is the one given; ``policy_loss`` bounds how far it is from optimal, from
        one sweep over the model (safe but coarse; `solve` tells the true distance).

    Raises
    ------
    PolicyError, ShapeError
        The policy does not fit the model.
    DiscountError
        The model is not discounted.

    Examples
    --------
    >>> import mdpkit
    >>> mdp = mdpkit.problems.two_state(gamma=0.9)
    >>> stay = mdpkit.evaluate_policy(mdp, [0, 0])
    >>> stay.V.round(6).tolist(), stay.converged
    ([0.909091, -10.0], True)
    """
    if objective is not None and not isinstance(objective, Discounted):
        raise UnknownOptionError(f"policies cannot be evaluated for objective {objective!r}", argument="objective")
    if isinstance(policy, MixturePolicy):
        return evaluate_mixture(policy, lambda member: evaluate_policy(problem, member, method=method, tol=tol))
    if isinstance(problem, FiniteHorizonMDP):
        return evaluate_finite_horizon(problem, policy, method=method, tol=tol)
    if not isinstance(problem, TabularMDP):
        raise UnknownOptionError(
            f"evaluate_policy does not know problems of type {type(problem).__name__}; see {_family(problem)}",
            argument="problem",
        )
    if method not in METHODS:
        raise UnknownOptionError(f"method must be one of {', '.join(METHODS)}; found {method!r}", argument="method")
    gamma = check_discounted(problem.gamma)
    if isinstance(policy, NonStationaryPolicy):
        tail = evaluate_policy(problem, policy.policies[-1], method=method, tol=tol)
        return evaluate_plan(problem, gamma, policy, tail)
    bellman = process_operator(problem.under_policy(policy), gamma)
    check_range(bellman.rounding)
    tol = default_tolerance(bellman.rounding) if tol is None else check_tolerance(tol)
    run = Run(bellman, np.zeros(problem.n_states), tol=tol, max_iter=None)
    METHODS[method](run)
    return certify(
        problem,
        run,
        bellman_operator(problem, gamma),
        policy,
        method=method,
        subject="The value of the policy",
        depth=3,
    )


def certify(
    problem: Any, run: Run[Any], optimal: Operator, policy: Any, *, method: str, subject: str, depth: int
) -> Solution:
    """Enclose the value of a policy by one more sweep, and bound its loss by one sweep of the optimal operator.

    `problem` only lends its names; a warning that the tolerance was not met points `depth` calls up.
    """
    V, W = run.V, np.empty(len(run.V))
    lo, hi = run.bellman.sweep(V, W)
    bounds = sweep_bounds(V, lo, hi, run.bellman.rounding)
    run.enclosure.tighten(W + bounds.low, W + bounds.high, bounds.floor)
    lower, upper = run.enclosure.lower, run.enclosure.upper
    best = sweep_bounds(V, *optimal.sweep(V, W), optimal.rounding)
    half_width = run.enclosure.half_width
    converged = half_width <= run.tol
    message = f"{subject} is certified within {half_width:.3g} (tol {run.tol:.3g})."
    if not converged:
        message += " The tolerance is below the rounding floor of float64."
        warnings.warn(message, ConvergenceWarning, stacklevel=depth)
    return Solution(
        V=lower + (upper - lower) / 2,
        policy=np.asarray(policy),
        lower=lower,
        upper=upper,
        policy_loss=max(0.0, float(np.max(add_up(W + best.high, -lower)))),
        optimal_actions=None,
        iterations=run.iterations,
        converged=converged,
        status="converged" if converged else "floor",
        message=message,
        method=method,
        tol=run.tol,
        trace=run.trace(),
        state_names=problem.state_names,
        action_names=problem.action_names,
        quantity="policy",
    )


def _family(problem: Any) -> str:
    """Return the package that a model names as its own, where its policies are evaluated."""
    return getattr(problem, "family", "mdpkit.models")
