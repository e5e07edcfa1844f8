"""Policies on states and stocks that run: what they remember is the stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mdpkit._typing import Ints
from mdpkit.distributional.stock.reachable import Level, Moves, Rounding
from mdpkit.errors import PolicyError

if TYPE_CHECKING:
    from mdpkit._typing import Floats
    from mdpkit.distributional.stock.grid import StockGrid

__all__ = ["PlanPolicy", "StockPolicy"]

LATTICE_NOISE = 1e-6
"""Distance from a lattice point, in steps, that rounding explains."""


class PlanPolicy:
    """The policy of a `StockPlan`: actions by time, state and accumulated reward.

    It remembers ``y_t = c_0 + sum_{k<t} gamma^k r_k`` (a number, or a tuple for vector rewards); the stock is
    ``c_t = y_t / gamma^t``. It starts at the plan's initial state with its initial stock.

    Examples
    --------
    >>> from mdpkit import TabularMDP
    >>> from mdpkit.distributional import Utility, optimize_stock
    >>> coin = TabularMDP.from_outcomes([0, 0, 0], [0, 1, 1], [1, 0.5, 0.5], [0, 0, 1], [0, 0, 0], gamma=0.5)
    >>> policy = optimize_stock(coin, Utility.target(), horizon=2, stock=-1).policy
    >>> action, memory = policy.act(0, 0, None)
    >>> memory = policy.observe(0, 0, memory, action, 1.0, 0)
    >>> memory, policy.act(0, 1, memory)[0]  # the target is reached: no more
    (0.0, 0)
    """

    __slots__ = ("_choices", "_discounts", "_levels", "_lines", "_moves", "_rounding")

    def __init__(
        self,
        levels: list[Level],
        moves: list[Moves],
        choices: list[Ints],
        discounts: list[Any],
        rounding: Rounding | None,
    ) -> None:
        self._levels, self._moves, self._choices = levels, moves, choices
        self._discounts, self._rounding = discounts, rounding

    @property
    def horizon(self) -> int:
        """Number of steps the policy knows."""
        return len(self._moves)

    def act(self, state: int, t: int, memory: Any) -> tuple[int, Any]:
        """Return the action at a state, time and accumulated reward (None: the initial stock)."""
        if not 0 <= t < self.horizon:
            raise PolicyError(f"t = {t}, but the policy was made for {self.horizon} steps", argument="t", value=t)
        if memory is None:
            memory = _hashable(self._levels[0].stock[0])
        return int(self._moves[t].pair_action[self._choices[t][self._member(state, t, memory)]]), memory

    def observe(self, state: int, t: int, memory: Any, action: int, reward: Any, successor: int) -> Any:
        """Return the accumulated reward after a step."""
        level, step = self._levels[t], self._moves[t]
        member = self._member(state, t, memory)
        pairs = np.arange(step.state_ptr[state], step.state_ptr[state + 1])
        for pair in pairs[step.pair_action[pairs] == action]:
            for line in range(step.pair_ptr[pair], step.pair_ptr[pair + 1]):
                if step.successor[line] == successor and step.paid[line] == reward:
                    child = level.child[level.begin[member] + line - step.first[state]]
                    return _hashable(self._levels[t + 1].stock[child])
        raise PolicyError(
            f"state {state} never yields the reward {reward!r} and successor {successor} for action {action}",
            argument="reward",
            index=t,
            value=reward,
        )

    def _member(self, state: int, t: int, memory: Any) -> int:
        member = self._levels[t].find(int(state), memory, self._rounding)
        if member < 0:
            start = self._levels[0]
            raise PolicyError(
                f"state {state} with the accumulated reward {memory} at time {t} cannot be met from state "
                f"{int(start.state[0])} with the stock {_hashable(start.stock[0])}",
                argument="memory",
                index=t,
                value=memory,
            )
        return member

    def __repr__(self) -> str:
        return f"PlanPolicy(H={self.horizon}, {sum(len(choice) for choice in self._choices):,} decisions)"


class StockPolicy:
    """A stationary policy on states and stocks: greedy, one step ahead, at the true stock.

    It remembers the stock ``c_t``, which starts at `stock` and becomes ``(c_t + r_t) / gamma``. Where the total can no
    longer cross the kink of the utility, it follows the stationary policy that is optimal there.

    Attributes
    ----------
    stock : float
        Stock ``c_0`` at the start of every episode.

    Examples
    --------
    >>> from mdpkit import TabularMDP
    >>> from mdpkit.distributional import Utility, stock_value_iteration
    >>> coin = TabularMDP.from_outcomes([0, 0, 0], [0, 1, 1], [1, 0.5, 0.5], [0, 0, 1], [0, 0, 0], gamma=0.5)
    >>> policy = stock_value_iteration(coin, Utility.target(), step=0.25).policy(-1.0)
    >>> action, memory = policy.act(0, 0, None)
    >>> policy.observe(0, 0, memory, action, 1.0, 0)  # the target is reached
    0.0
    """

    __slots__ = ("_V", "_problem", "stock")

    def __init__(self, problem: StockGrid, V: Floats, stock: float) -> None:
        self._problem, self._V, self.stock = problem, V, stock

    def act(self, state: int, t: int, memory: Any) -> tuple[int, float]:
        """Return the action at a state and stock (None: the stock of the start)."""
        stock = self.stock if memory is None else float(memory)
        return int(self._problem.mdp.pair_action[self._problem.best_pair(self._V, state, stock)]), stock

    def observe(self, state: int, t: int, memory: float, action: int, reward: Any, successor: int) -> float:
        """Return the stock after a step, ``(c + r) / gamma``."""
        stock = (memory + float(reward)) / self._problem.gamma
        if self._problem.closed:
            # On a closed lattice what is off it is rounding, which 1 / gamma would magnify at every step.
            lattice = round(stock / self._problem.step) * self._problem.step
            return lattice if abs(stock - lattice) <= LATTICE_NOISE * self._problem.step else stock
        return stock

    def __repr__(self) -> str:
        return f"StockPolicy(stock={self.stock:g})"


def _hashable(stock: Any) -> Any:
    """Return a stock as a number or a tuple of numbers."""
    return tuple(stock.tolist()) if np.ndim(stock) else (stock if not isinstance(stock, np.floating) else float(stock))
