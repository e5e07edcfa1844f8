"""The best mean of the worst cases: optimal CVaR over all history-dependent policies."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.distributional.risk.endless import return_range
from mdpkit.distributional.risk.forward import law_of_rule
from mdpkit.distributional.risk.piecewise import MAX_BREAKPOINTS, stock_values
from mdpkit.distributional.risk.policies import LookaheadPolicy
from mdpkit.distributional.risk.problem import RiskProblem, check_level, read_problem, reward_lattice
from mdpkit.distributional.risk.solution import RiskSolution
from mdpkit.distributional.stock import StockSolution, Utility, stock_value_iteration
from mdpkit.errors import InputError
from mdpkit.models import FiniteHorizonMDP, TabularMDP

__all__ = ["maximize_cvar"]

GRID_POINTS = 5000
"""Steps into which the range of returns is divided unless a step is given."""


def maximize_cvar(
    mdp: TabularMDP | FiniteHorizonMDP,
    tau: float,
    *,
    initial_state: int | str | None = None,
    horizon: int | None = None,
    step: float | None = None,
    max_breakpoints: int = MAX_BREAKPOINTS,
) -> RiskSolution:
    r"""Maximize the conditional value at risk of the return over all history-dependent policies.

    .. math:: \max_\pi \mathrm{CVaR}_\tau(G^\pi)
        = \max_{c_0} \Bigl\{ -c_0 + \tfrac1\tau \max_\pi \mathbb E \min(c_0 + G^\pi, 0) \Bigr\},

    the mean of the worst share ``tau`` of the returns. The inner problem is solved by dynamic programming on states and
    stocks, for all initial stocks at once; the outer maximand is not concave and is searched exhaustively.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    tau : float
        Level in ``(0, 1]``; at 1 the mean is maximized.
    initial_state : int or str, optional
        Where episodes start; by default the model's initial distribution, or state 0 if it has none. The law is then
        that of the return over initial states, too.
    horizon : int, optional
        Number of steps. None takes that of a `FiniteHorizonMDP`, and the infinite horizon of a discounted `TabularMDP`.
    step : float, optional
        Width of the stock grid for an infinite horizon; 1/5000 of the range of returns by default.
    max_breakpoints : int, default 2_000_000
        Cap on the breakpoints of the finite horizon's stock values.

    Returns
    -------
    RiskSolution
        With a horizon: exact, ``value`` is the CVaR of ``law``, ``stock`` is :math:`c_0` and ``-stock`` a
        :math:`\tau`-quantile of it. Without: ``value`` is within ``error_bound`` of the optimum, ``law`` is None.

    Raises
    ------
    InputError
        A level, horizon or state outside its range.
    NotWellPosedError
        No horizon and no discounting.
    ExplosionError
        Too many breakpoints.

    See Also
    --------
    nested_risk : risk applied at every step; another objective.
    dual_level_cvar : a recursion that looks like a solver of this problem and is none.

    Notes
    -----
    With a horizon the stock values are exact piecewise linear functions of the stock; cost is proportional to their
    breakpoints, at most the number of distinct sums of rewards per time and state plus the points where the best action
    changes. Undiscounted rewards on a lattice keep them few: then only its points matter. The optimal policy depends on
    the rewards so far; it is deterministic.

    References
    ----------
    .. [1] R. T. Rockafellar, S. Uryasev, "Optimization of conditional value-at-risk", *Journal of Risk* 2, 2000.
    .. [2] N. Bäuerle, J. Ott, "Markov decision processes with average-value-at-risk criteria", *Mathematical Methods of
       Operations Research* 74, 2011.
    .. [3] B. Ávila Pires et al., "Optimizing return distributions with distributional dynamic programming", *Journal of
       Machine Learning Research*, 2025, arXiv 2501.13028.

    Examples
    --------
    A poor first reward is answered with a gamble, a good one is kept:

    >>> from mdpkit.distributional import maximize_cvar
    >>> from mdpkit.problems.risk import two_step_gamble
    >>> solution = maximize_cvar(two_step_gamble(), 0.5, horizon=2)
    >>> solution.value, solution.law
    (1.5, DiscreteLaw({0: 0.25, 3: 0.75}))
    """
    level = check_level(tau)
    problem = read_problem(mdp, horizon=horizon, initial_state=initial_state, endless=True)
    if problem.horizon is None:
        assert isinstance(mdp, TabularMDP)
        return _endless(mdp, problem, level, step)
    if step is not None:
        raise InputError("step is for infinite horizons; with a horizon no grid is needed", argument="step", value=step)
    return _finite(problem, level, max_breakpoints)


def _finite(problem: RiskProblem, tau: float, cap: int) -> RiskSolution:
    """Try every breakpoint of the optimal value as threshold: between them the maximand is linear."""
    # Thresholds are returns: off their lattice, if there is one, values are never asked for.
    values = stock_values(problem, 1.0, 0.0, lattice=reward_lattice(problem), cap=cap)
    root = values.root
    stock = float(root.z[np.argmax(root.v / tau - root.z)])
    policy = LookaheadPolicy(values, stock)
    law, reached = law_of_rule(problem, policy.choose)
    return RiskSolution(
        value=float(law.cvar(tau)),
        policy=policy,
        law=law,
        stock=stock,
        error_bound=0.0,
        policy_loss=0.0,
        status="optimal",
        message=f"Exact over {problem.horizon} steps: the best of all thresholds is {-stock:.6g}.",
        objective=f"CVaR_{tau:g}",
        work={"breakpoints": values.breakpoints, "reached": reached},
    )


def _endless(mdp: TabularMDP, problem: RiskProblem, tau: float, step: float | None) -> RiskSolution:
    """Enclose the optimum between grids that round stocks down and up, and act on the one that interpolates."""
    low, high = return_range(problem)
    spacing = (high - low) / GRID_POINTS if step is None else step
    if step is None and spacing == 0.0:
        spacing = 1.0
    middle = stock_value_iteration(mdp, Utility.cvar(), step=spacing)
    # On a closed grid the three modes coincide.
    modes = ("linear", "linear") if middle.closed else ("floor", "ceil")
    below, above = (
        middle if mode == "linear" else stock_value_iteration(mdp, Utility.cvar(), step=spacing, mode=mode)
        for mode in modes
    )
    objective = _objective(problem, middle, tau)
    best = int(np.argmax(objective))
    stock = float(middle.grid[best])
    surely = _objective(problem, below, tau) - below.solver_error / tau
    upper = _largest(_objective(problem, above, tau) + above.solver_error / tau, middle.step, tau)
    lower = float(surely.max())
    value = min(max(float(objective[best]), lower), upper)
    bound = max(upper - value, value - lower)
    return RiskSolution(
        value=value,
        policy=middle.policy(stock),
        law=None,
        stock=stock,
        error_bound=bound,
        policy_loss=upper - float(surely[best]) + middle.policy_loss / tau,
        status="within_tolerance",
        message=f"Between {lower:.9g} and {upper:.9g}, on a grid of {len(middle.grid):,} stocks.",
        objective=f"CVaR_{tau:g}",
        work={"sweeps": middle.sweeps + sum(s.sweeps for s in (below, above) if s is not middle)},
    )


def _objective(problem: RiskProblem, solution: StockSolution, tau: float) -> Floats:
    """Return the maximand at the stocks of the grid."""
    return np.asarray(problem.start @ solution.V / tau - solution.grid)


def _largest(objective: Floats, step: float, tau: float) -> float:
    """Return what the maximand can reach between grid points, given bounds at them: its slopes are known.

    The stock value never falls and rises at most as fast as the stock, so that the maximand falls at most with slope 1
    and rises at most with slope ``1/tau - 1``.
    """
    if len(objective) == 1:
        return float(objective[0])
    left, right = objective[:-1], objective[1:]
    along = np.clip((right - left + step) * tau, 0.0, step)
    return float(np.max(np.minimum(left + (1.0 / tau - 1.0) * along, right + step - along), initial=objective.max()))
