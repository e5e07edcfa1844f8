"""Distributional value iteration and policy iteration on a stock grid, for infinite horizons."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit.distributional.stock.conditions import check_stationary
from mdpkit.distributional.stock.grid import MODES, StockGrid, check_step
from mdpkit.distributional.stock.solution import StockSolution, certify, sweep_rounding
from mdpkit.distributional.stock.utility import Utility
from mdpkit.errors import DiscountError, InputError, UnknownOptionError, UnsupportedObjectiveError
from mdpkit.models import TabularMDP

__all__ = ["stock_policy_iteration", "stock_value_iteration"]

PARTIAL_SWEEPS = 20
"""Sweeps for the greedy policy between two sweeps over all actions, where the discount is close to 1."""

MODIFIED_FROM = 0.99


def stock_value_iteration(
    mdp: TabularMDP,
    utility: Utility,
    *,
    step: float,
    mode: str = "linear",
    tol: float | None = None,
    max_iter: int | None = None,
    partial_sweeps: int | None = None,
    allow_heuristic: bool = False,
) -> StockSolution:
    r"""Maximize ``E f(c + G)`` over an infinite horizon, for every state and stock of a grid.

    With ``f(0) = 0``, sweeps ``V(s, c) <- gamma max_a sum_j p_j V(s_j, (c + r_j) / gamma)`` from ``V = f``: there is no
    reward term, everything is in the stock. This is distributional value iteration; as the objective is an expected
    utility, its value is all of a law that need be stored.

    Parameters
    ----------
    mdp : TabularMDP
        The model, with ``0 < gamma < 1``.
    utility : Utility
        With two slopes (or homogeneous, which is the same).
    step : float
        Spacing of the stock grid, in units of the reward. Grid points are multiples of it.
    mode : {"linear", "floor", "ceil"}, default "linear"
        Interpolate between grid points, or take the point below or above: lower and upper bounds, for utilities that
        never decrease.
    tol : float, optional
        Error of the fixed point on the grid that the last sweep must certify, in units of ``f``. Default
        ``1e-9 max(1, L max|G|)``, or the rounding floor where that is larger.
    max_iter : int, optional
        Cap on the sweeps over all actions; by default as many as the contraction needs.
    partial_sweeps : int, optional
        Sweeps for the greedy policy after each sweep (modified policy iteration); by default 0, and 20 from
        ``gamma = 0.99`` on.
    allow_heuristic : bool, default False
        Sweep a utility that does not meet the conditions all the same; nothing is certified then.

    Returns
    -------
    StockSolution
        Values, the policy as ``solution.policy(stock)``, and bounds on the errors of both.

    Raises
    ------
    UnsupportedObjectiveError
        The utility is not Lipschitz and indifferent to ``gamma`` (the message names the condition that fails), or it
        may decrease and the mode is "floor" or "ceil".
    DiscountError
        ``gamma`` is missing, 0 or 1.
    InputError
        An option is not usable.
    ExplosionError
        The grid would need more than fifty million numbers.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; the bounds hold all the same.

    See Also
    --------
    optimize_stock : finite horizons, any utility.

    Notes
    -----
    A sweep costs a few nanoseconds per outcome and grid point. At stocks below ``-Gmax`` and above ``-Gmin`` the values
    are ``f(c + J(s))`` with the best (for a falling slope, the worst) expected return, and the policy is the one that
    attains it; the grid covers what lies between, and stocks are never clipped. The errors are bounded by

    .. math:: \frac{\gamma}{1-\gamma} \|V_{n+1} - V_n\|_\infty + \frac{|k_{pos} - k_{neg}|\, h}{4 (1-\gamma)}

    (the second part is ``gamma L h / (1 - gamma)`` for floor and ceil, and 0 if the grid is closed under
    ``c -> (c + r) / gamma``), plus rounding.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing Return Distributions with Distributional Dynamic Programming", Journal of
       Machine Learning Research, 2025, section 4.

    Examples
    --------
    0.4 for sure or a coin paying 1, discounted by a half. One lattice step is enough to be exact:

    >>> from mdpkit import TabularMDP
    >>> from mdpkit.distributional import Utility, stock_value_iteration
    >>> mdp = TabularMDP.from_outcomes([0, 0, 0], [0, 1, 1], [1, 0.5, 0.5], [0.4, 0, 1], [0, 0, 0], gamma=0.5)
    >>> solution = stock_value_iteration(mdp, Utility.cvar(), step=0.1)
    >>> solution.closed, round(solution.value(0, -1.0), 9), round(-11 / 70, 9)
    (True, -0.157142857, -0.157142857)
    """
    problem, tol, heuristic = _prepare(mdp, utility, step, mode, tol, allow_heuristic)
    partial = (PARTIAL_SWEEPS if problem.gamma >= MODIFIED_FROM else 0) if partial_sweeps is None else partial_sweeps
    partial = check_count(partial, "partial_sweeps", least=0)
    cap = _enough_sweeps(problem, tol) if max_iter is None else check_count(max_iter, "max_iter")
    goal = _goal(problem, tol)
    V = problem.start()
    W = V.copy()
    choice = problem.first_choice()
    residual, sweeps, policy_sweeps = np.inf, 0, 0
    while residual > goal and sweeps < cap:
        if sweeps and partial:
            problem.improve(V, choice)
            for _ in range(partial):
                problem.policy_sweep(V, W, choice)
                V, W = W, V
            policy_sweeps += partial
        residual = problem.sweep(V, W)
        V, W = W, V
        sweeps += 1
    problem.improve(V, choice)
    return certify(
        problem,
        V,
        choice,
        residual=residual,
        tol=tol,
        mode=mode,
        method="value_iteration" if partial == 0 else "modified_policy_iteration",
        sweeps=sweeps,
        policy_sweeps=policy_sweeps,
        improvements=0,
        heuristic=heuristic,
    )


def stock_policy_iteration(
    mdp: TabularMDP,
    utility: Utility,
    *,
    step: float,
    mode: str = "linear",
    tol: float | None = None,
    max_iter: int = 1000,
    allow_heuristic: bool = False,
) -> StockSolution:
    """Maximize ``E f(c + G)`` over an infinite horizon by policy iteration on a stock grid.

    Each policy on states and stocks is evaluated to the tolerance, then made greedy; an action is kept where it ties.
    The first is greedy for ``f`` itself. Values never decrease from policy to policy.

    Parameters
    ----------
    mdp, utility, step, mode, tol, allow_heuristic
        As for `stock_value_iteration`.
    max_iter : int, default 1000
        Cap on the number of policies.

    Returns
    -------
    StockSolution

    Raises
    ------
    UnsupportedObjectiveError, DiscountError, InputError, ExplosionError
        As for `stock_value_iteration`.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; the bounds hold all the same.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing Return Distributions with Distributional Dynamic Programming", Journal of
       Machine Learning Research, 2025, section 4.

    Examples
    --------
    >>> from mdpkit import TabularMDP
    >>> from mdpkit.distributional import Utility, stock_policy_iteration
    >>> mdp = TabularMDP.from_outcomes([0, 0, 0], [0, 1, 1], [1, 0.5, 0.5], [0.4, 0, 1], [0, 0, 0], gamma=0.5)
    >>> solution = stock_policy_iteration(mdp, Utility.cvar(), step=0.1)
    >>> solution.status, round(solution.value(0, -1.0), 9)
    ('converged', -0.157142857)
    """
    problem, tol, heuristic = _prepare(mdp, utility, step, mode, tol, allow_heuristic)
    cap = check_count(max_iter, "max_iter")
    goal = _goal(problem, tol)
    longest = _enough_sweeps(problem, tol)
    V = problem.start()
    W = V.copy()
    choice = problem.first_choice()
    residual, improvements, policy_sweeps, sweeps = np.inf, 0, 0, 0
    while improvements < cap:
        changes = problem.improve(V, choice)
        sweeps += 1
        # Once no action changes, or none is worth the tolerance, the policy is optimal on the grid.
        if improvements and (changes == 0 or residual <= goal):
            break
        improvements += 1
        for _ in range(longest):
            change = problem.policy_sweep(V, W, choice)
            V, W = W, V
            policy_sweeps += 1
            if change <= goal:
                break
        residual = problem.sweep(V, W)
        sweeps += 1
    # The last sweep is one more application of B, so that its residual certifies what is returned.
    residual = problem.sweep(V, W)
    return certify(
        problem,
        W,
        choice,
        residual=residual,
        tol=tol,
        mode=mode,
        method="policy_iteration",
        sweeps=sweeps + 1,
        policy_sweeps=policy_sweeps,
        improvements=improvements,
        heuristic=heuristic,
    )


def _prepare(
    mdp: Any, utility: Any, step: Any, mode: Any, tol: Any, allow_heuristic: bool
) -> tuple[StockGrid, float, bool]:
    """Check everything that can be wrong, then lay out the grid."""
    if not isinstance(mdp, TabularMDP):
        raise InputError(
            f"mdp must be a TabularMDP, found {type(mdp).__name__}; finite horizons are for optimize_stock",
            argument="mdp",
        )
    gamma = mdp.gamma
    if gamma is None or not 0.0 < gamma < 1.0:
        raise DiscountError(
            f"the stock recursion over an infinite horizon needs 0 < gamma < 1, found {gamma}; use optimize_stock(..., "
            "horizon=H)",
            argument="gamma",
            value=gamma,
        )
    if mode not in MODES:
        raise UnknownOptionError(
            f"mode must be one of {', '.join(map(repr, MODES))}, found {mode!r}", argument="mode", value=mode
        )
    if tol is not None and (
        isinstance(tol, (bool, str)) or not hasattr(tol, "__float__") or not 0.0 < float(tol) < np.inf
    ):
        raise InputError(f"tol must be a positive number, found {tol!r}", argument="tol", value=tol)
    spacing = check_step(step)
    chosen, alpha = check_stationary(utility, gamma, allow_heuristic)
    if mode != "linear" and not chosen.nondecreasing:
        raise UnsupportedObjectiveError(
            f"mode {mode!r} bounds values only for utilities that never decrease (k_pos >= 0 and k_neg >= 0); "
            f"{chosen!r} may decrease; use mode='linear'",
            argument="mode",
            value=mode,
        )
    problem = StockGrid(mdp, chosen, alpha, spacing, mode)
    if tol is None:
        largest = (chosen.lipschitz or 0.0) * max(abs(problem.G_min), abs(problem.G_max))
        tol = max(1e-9 * max(1.0, largest), 2 * sweep_rounding(problem) * gamma / (1.0 - gamma))
    return problem, float(tol), not chosen.homogeneous


def _goal(problem: StockGrid, tol: float) -> float:
    """Return the change of a sweep to stop at: what the tolerance asks for, but not less than rounding makes."""
    return max(tol * (1.0 - problem.gamma) / problem.gamma, 2 * sweep_rounding(problem))


def _enough_sweeps(problem: StockGrid, tol: float) -> int:
    """Return how many sweeps bring the change below the tolerance, from an error of at most ``L max|G|``."""
    gamma = problem.gamma
    lipschitz = max(problem.utility.lipschitz or 1.0, 1e-300)
    largest = 2.0 * lipschitz * max(abs(problem.G_min), abs(problem.G_max), 1e-300)
    return max(10, int(np.ceil(np.log(_goal(problem, tol) / largest) / np.log(gamma))) + 10)
