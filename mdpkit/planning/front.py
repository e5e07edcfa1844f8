"""The front doors `solve` and `evaluate_policy`: they dispatch on the type of the problem."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from mdpkit.errors import UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.planning.discounted.solver import solve_discounted
from mdpkit.planning.finite_horizon.backward_induction import solve_finite_horizon
from mdpkit.planning.objectives import Discounted
from mdpkit.planning.run import Callback
from mdpkit.planning.solution import Solution

__all__ = ["register_solver", "solve"]

_SOLVERS: dict[tuple[type, type], Callable[..., Solution]] = {}
_DEFAULT_OBJECTIVE: dict[type, type] = {}


def register_solver(
    problem_type: type, objective_type: type, solver: Callable[..., Solution], *, default: bool = False
) -> None:
    """Let `solve` handle a type of problem; each family registers its own.

    Parameters
    ----------
    problem_type, objective_type : type
        What the solver takes.
    solver : callable
        ``solver(problem, *, method, tol, max_iter, V0, progress, callback, options) -> Solution``.
    default : bool
        Whether ``objective=None`` means this objective for the problem type.
    """
    _SOLVERS[problem_type, objective_type] = solver
    if default:
        _DEFAULT_OBJECTIVE[problem_type] = objective_type


def solve(
    problem: Any,
    objective: Any = None,
    *,
    method: str = "auto",
    tol: float | None = None,
    max_iter: int | None = None,
    V0: Any = None,
    progress: bool = False,
    callback: Callback | None = None,
    **options: Any,
) -> Solution:
    """Solve a decision problem and certify the answer.

    For a discounted `TabularMDP` this computes ``V*(s) = max_a r(s, a) + gamma * sum_s' P(s' | s, a) V*(s')`` and a
    policy; for a `FiniteHorizonMDP` the values and actions of every step; for a `RobustMDP` the values and a policy
    under the worst kernel of its uncertainty set.

    Parameters
    ----------
    problem : TabularMDP, FiniteHorizonMDP or RobustMDP
        The model; a `TabularMDP` must have ``gamma < 1``.
    objective : Discounted, optional
        What to maximize; by default expected discounted return, or expected return over the horizon.
    method : str, default "auto"
        "value_iteration", "gauss_seidel" (option ``order="alternating"|"forward"|"reverse"``),
        "modified_policy_iteration" (``form="auto"|"jacobi"|"in_place"``), "policy_iteration"
        (``evaluation="auto"|"dense"|"sparse"|"krylov"``), "krylov_policy_iteration" (``krylov="gmres"|"bicgstab"``),
        "linear_program" (``form="primal"|"dual"``), or "backward_induction" for a finite horizon.
        "auto" takes policy iteration up to 200 states and modified policy iteration beyond. A `RobustMDP` has
        "value_iteration", "modified_policy_iteration" (``sweeps=20``), "policy_iteration", "partial_policy_iteration"
        and "residual_conditioned_policy_iteration"; "auto" takes the last up to 100 states, modified policy iteration
        beyond, and backward induction for a finite horizon.
    tol : float, optional
        Sup-norm error of ``V`` to certify, in units of the values. Default ``1e-8 * max(1, max|r| / (1 - gamma))``, or
        the rounding floor where that is larger.
    max_iter : int, optional
        Cap on the iterations of the method; by default none, since every method either meets the tolerance or detects
        that float64 cannot.
    V0 : array_like, shape (S,), optional
        Values to start from, for instance those of a model with slightly different rewards.
    progress : bool, default False
        Show a progress bar.
    callback : callable, optional
        Called with a snapshot (``iterations``, ``sweeps``, ``half_width``, ``V``, ``lower``, ``upper``) after every
        certificate; a true answer stops the run.
    **options
        Options of the method, see above.

    Returns
    -------
    Solution
        With ``lower <= V* <= upper`` always, rounding included, whatever stopped the solver, and ``policy_loss``, a
        certified bound for the policy returned.

    Raises
    ------
    DiscountError
        The model is not discounted.
    UnknownOptionError
        The method or an option does not exist.
    InputError
        ``tol``, ``max_iter`` or ``V0`` is not usable.
    KeyboardInterrupt
        On Ctrl-C, with the certified solution so far as attribute ``solution``.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; the enclosure is still valid.

    Notes
    -----
    A sweep costs ``O(nnz)`` and is bound by memory: 12 bytes and one gather per transition.

    References
    ----------
    .. [1] M. L. Puterman, *Markov Decision Processes*, Wiley, 1994, chapters 4 and 6.
    .. [2] J. B. MacQueen, "A modified dynamic programming method for Markovian decision problems", 1966.
    .. [3] E. L. Porteus, "Some bounds for discounted sequential decision processes", 1971.

    Examples
    --------
    >>> import mdpkit
    >>> solution = mdpkit.solve(mdpkit.problems.river_swim(6, gamma=0.95))
    >>> solution.method, solution.status, solution.half_width < 1e-12, solution.policy_loss < 1e-12
    ('policy_iteration', 'converged', True, True)
    >>> round(float(solution.V[0]), 9), solution.policy.tolist()
    (4.669300161, [1, 1, 1, 1, 1, 1])
    """
    solver = _find_solver(problem, objective)
    return solver(
        problem,
        method=method,
        tol=tol,
        max_iter=max_iter,
        V0=V0,
        progress=progress,
        callback=callback,
        options=options,
    )


def _find_solver(problem: Any, objective: Any) -> Callable[..., Solution]:
    family = getattr(type(problem), "family", None)
    if family is not None:
        # The model names the package that solves it, so that planning need not know the families.
        importlib.import_module(family)
    for kind in type(problem).__mro__:
        chosen = _DEFAULT_OBJECTIVE.get(kind) if objective is None else type(objective)
        if chosen is not None and (kind, chosen) in _SOLVERS:
            return _SOLVERS[kind, chosen]
    if not any(kind is known for kind in type(problem).__mro__ for known, _ in _SOLVERS):
        names = ", ".join(sorted({known.__name__ for known, _ in _SOLVERS}))
        hint = "" if family is None else f"; see the package {family}"
        raise UnknownOptionError(
            f"solve does not know problems of type {type(problem).__name__}; it knows {names}{hint}", argument="problem"
        )
    raise UnknownOptionError(
        f"{type(problem).__name__} cannot be solved for objective {objective!r}", argument="objective", value=objective
    )


register_solver(TabularMDP, Discounted, solve_discounted, default=True)
register_solver(FiniteHorizonMDP, Discounted, solve_finite_horizon, default=True)
