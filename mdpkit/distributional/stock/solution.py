"""What the stationary stock solvers return, and how they certify it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.bounds import (
    stock_greedy_loss,
    stock_grid_enclosure_error,
    stock_grid_error,
    stock_value_iteration_a_posteriori,
)
from mdpkit.distributional.stock.grid import TIE, StockGrid
from mdpkit.distributional.stock.policy import StockPolicy
from mdpkit.errors import ConvergenceWarning, InputError
from mdpkit.models._checks import UNIT_ROUNDOFF

__all__ = ["StockSolution"]


@dataclass(frozen=True, eq=False, slots=True)
class StockSolution:
    """Values of a utility of the return on states and stocks, infinite horizon, with error bounds.

    Attributes
    ----------
    grid : ndarray, shape (G,)
        Stocks, increasing; they cover ``[-Gmax, -Gmin]``, and beyond the ends the values are known exactly.
    V : ndarray, shape (S, G)
        ``V(s, c) = max E f(c + G)``, approximately; a lower bound in mode "floor", an upper one in mode "ceil", up to
        `solver_error`.
    actions : ndarray of int64, shape (S, G)
        Greedy actions at the grid points, for pictures; `policy` looks ahead from the true stock instead.
    error_bound : float
        Certified bound on ``|V - V*|`` at every state and grid point (infinite for a heuristic).
    solver_error, grid_error : float
        Its parts: stopping, rounding and the expected returns outside; and the grid, 0 if `closed`.
    policy_loss : float
        Certified bound on what the policy loses, at any state and stock.
    closed : bool
        Whether the grid is closed under the stock recursion, so that it loses nothing.
    residual : float
        Change made by the last sweep, ``max |B V - V|``.
    sweeps : int
        Sweeps over all actions.
    policy_sweeps : int
        Sweeps for a fixed policy, cheaper by the number of actions.
    improvements : int
        Policies tried by policy iteration; 0 for value iteration.
    converged : bool
        Whether the residual met the tolerance, ``residual <= tol (1 - gamma) / gamma``.
    status : str
        "converged", "floor" (the tolerance is below what float64 resolves), "max_iter" or "heuristic".
    message : str
        The same as a sentence.
    method, mode : str
        What ran.
    step : float
        Spacing of the grid.
    """

    grid: Floats
    V: Floats
    actions: Ints
    error_bound: float
    solver_error: float
    grid_error: float
    policy_loss: float
    closed: bool
    residual: float
    sweeps: int
    policy_sweeps: int
    improvements: int
    converged: bool
    status: str
    message: str
    method: str
    mode: str
    step: float
    _problem: StockGrid

    def value(self, state: int | str, stock: float) -> float:
        """Return the value at any stock: the formula beyond the grid, one step of lookahead on it and between.

        The error is at most ``gamma`` times that of the interpolated values.
        """
        s, c = self._read(state, stock)
        problem = self._problem
        if problem.is_below(c) or problem.is_above(c):
            return float(problem.outside(np.array([s]), np.array([c]))[0]) + problem.offset
        return float(np.max(problem.look_ahead(self._values, s, c))) + problem.offset

    def action_values(self, state: int | str, stock: float) -> Floats:
        """Return the value of every action at any stock, one step ahead, shape ``(A,)``; -inf where it is missing."""
        s, c = self._read(state, stock)
        problem = self._problem
        values = np.full(problem.mdp.n_actions, -np.inf)
        pairs = slice(problem.state_ptr[s], problem.state_ptr[s + 1])
        values[problem.mdp.pair_action[pairs]] = problem.look_ahead(self._values, s, c) + problem.offset
        return values

    def policy(self, stock: float) -> StockPolicy:
        """Return the policy that starts with a stock: greedy, one step ahead, at the true stock.

        Parameters
        ----------
        stock : float
            Stock ``c_0`` at the start of every episode.
        """
        return StockPolicy(self._problem, self._values, self._read(0, stock)[1])

    @property
    def _values(self) -> Floats:
        """Values of ``f - f(0)``, which the recursion is for."""
        return self.V - self._problem.offset if self._problem.offset else self.V

    def _read(self, state: int | str, stock: float) -> tuple[int, float]:
        number = not isinstance(stock, (bool, str)) and hasattr(stock, "__float__")
        if not number or not np.isfinite(float(stock)):
            raise InputError(f"stock must be a finite number, found {stock!r}", argument="stock", value=stock)
        return self._problem.mdp.state_index(state), float(stock)

    def __repr__(self) -> str:
        return (
            f"StockSolution({self.status}: {self.method}, {self.mode}, S={len(self.V)}, {len(self.grid):,} stocks, "
            f"error <= {self.error_bound:.2g})"
        )


def sweep_rounding(problem: StockGrid) -> float:
    """Return a bound on the rounding of one sweep, for values up to those at the ends of the grid."""
    lipschitz = problem.utility.lipschitz or 0.0
    reach = max(abs(problem.G_min), abs(problem.G_max)) + problem.step
    longest = int(np.max(np.diff(problem.pair_ptr)))
    # Positions carry a few roundings of numbers as large as the range; a shift of x moves a value by at most L x.
    return (longest + 32) * UNIT_ROUNDOFF * lipschitz * 2 * reach


def certify(
    problem: StockGrid,
    V: Floats,
    choice: Ints,
    *,
    residual: float,
    tol: float,
    mode: str,
    method: str,
    sweeps: int,
    policy_sweeps: int,
    improvements: int,
    heuristic: bool,
) -> StockSolution:
    """Bound the errors of ``V = B V'`` with ``max |V - V'| = residual``, and say how the run ended.

    `mdpkit.bounds.stock` and `stock_grid` have the theorems; errors made in every sweep add up to ``1 / (1 - gamma)``
    times one of them.
    """
    gamma, lipschitz, h = problem.gamma, problem.utility.lipschitz or 0.0, problem.step
    rounding = sweep_rounding(problem)
    known = max(problem.below.error, problem.above.error) + 2 * problem.snapped
    solver_error = float(stock_value_iteration_a_posteriori(gamma=gamma, last_step=residual))
    solver_error += (rounding + lipschitz * known) / (1.0 - gamma)
    slopes = (problem.utility.k_pos or 0.0, problem.utility.k_neg or 0.0)
    # Error at grid points, and of what a stock between them sees.
    if mode == "linear":
        grid_error = between = float(stock_grid_error(gamma=gamma, step=h, slope_range=max(slopes) - min(slopes)))
    else:
        grid_error = float(stock_grid_enclosure_error(gamma=gamma, step=h, lipschitz=lipschitz))
        between = grid_error / gamma
    if problem.closed:
        # The grid points are right; what lies between is off once, not in every sweep.
        grid_error, between = 0.0, between * (1.0 - gamma)
    scale = float(np.max(np.abs(V)))
    threshold = tol * (1.0 - gamma) / gamma
    converged = not heuristic and residual <= threshold * (1.0 + 1e-12)
    policy_loss = float(stock_greedy_loss(gamma=gamma, error=solver_error + between))
    policy_loss += 2 * TIE * (1.0 + scale) / (1.0 - gamma)
    error_bound = solver_error + grid_error
    if heuristic:
        error_bound = solver_error = grid_error = policy_loss = float("inf")
        status, message = "heuristic", "The utility does not meet the conditions: nothing is certified."
    elif converged:
        status, message = "converged", f"The last sweep changed no value by more than {residual:.3g}."
    elif residual <= 2 * rounding:
        status = "floor"
        message = f"Sweeps still change values by {residual:.3g}, which is rounding; tol = {tol:g} is below it."
    else:
        status = "max_iter"
        message = f"Stopped after {sweeps} sweeps with a change of {residual:.3g}; {threshold:.3g} was asked for."
    if status in ("floor", "max_iter"):
        warnings.warn(message, ConvergenceWarning, stacklevel=4)
    return StockSolution(
        grid=problem.grid,
        V=V + problem.offset if problem.offset else V,
        actions=problem.mdp.pair_action[choice].astype(np.int64),
        error_bound=error_bound,
        solver_error=solver_error,
        grid_error=grid_error,
        policy_loss=policy_loss,
        closed=problem.closed,
        residual=residual,
        sweeps=sweeps,
        policy_sweeps=policy_sweeps,
        improvements=improvements,
        converged=converged,
        status=status,
        message=message,
        method=method,
        mode=mode,
        step=problem.step,
        _problem=problem,
    )
