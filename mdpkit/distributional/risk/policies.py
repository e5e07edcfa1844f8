"""Policies of risk optimization: they remember the rewards so far and look one step ahead at the true stock."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.risk.piecewise import StockValues
from mdpkit.distributional.risk.problem import RiskProblem
from mdpkit.errors import PolicyError

__all__ = ["LookaheadPolicy", "ThresholdPolicy"]

Gained: TypeAlias = float
"""Discounted rewards so far, ``sum_{k<t} gamma^k r_k``: what these policies keep as memory."""


class RewardPolicy:
    """A policy of time, state and the rewards so far; a subclass says which pair it chooses.

    The memory is the sum of discounted rewards, which does not grow with time as the stock itself does. None, at the
    start of an episode, means 0.
    """

    __slots__ = ("_problem",)

    def __init__(self, problem: RiskProblem) -> None:
        self._problem = problem

    def choose(self, t: int, states: Ints, gained: Floats) -> Ints:
        """Return the pair chosen at each of many states and sums of rewards."""
        raise NotImplementedError

    def act(self, state: int, t: int, memory: Gained | None) -> tuple[int, Gained]:
        """Return the action at a state and time, after the rewards in `memory`."""
        horizon = self._problem.horizon
        if t < 0 or (horizon is not None and t >= horizon):
            raise PolicyError(f"t = {t}, but the policy was made for {horizon} steps", argument="t", value=t)
        gained = 0.0 if memory is None else float(memory)
        pair = self.choose(t, np.array([state]), np.array([gained]))[0]
        return int(self._problem.stage(t).action[pair]), gained

    def observe(self, state: int, t: int, memory: Any, action: int, reward: float, successor: int) -> Gained:
        """Return the memory after a reward."""
        return (0.0 if memory is None else float(memory)) + self._problem.gamma**t * reward


class LookaheadPolicy(RewardPolicy):
    """Greedy for stock values, from a given initial stock; ties go to the lowest action.

    Attributes
    ----------
    stock : float
        Initial stock ``c_0``; at time ``t`` the stock is ``(c_0 + rewards so far) / gamma^t``.
    """

    __slots__ = ("_values", "stock")

    def __init__(self, values: StockValues, stock: float) -> None:
        super().__init__(values.problem)
        self._values = values
        self.stock = stock

    def choose(self, t: int, states: Ints, gained: Floats) -> Ints:
        """Return the greedy pair at each of many states and sums of rewards."""
        return self._values.choose(t, states, self.stock + gained)

    def __repr__(self) -> str:
        return f"LookaheadPolicy(stock={self.stock:.6g}, horizon={self._problem.horizon})"


class ThresholdPolicy(RewardPolicy):
    """Maximize the probability that the return reaches a threshold; ties go to the lowest action.

    Attributes
    ----------
    threshold : float
        The return to be reached.
    """

    __slots__ = ("_tails", "threshold")

    def __init__(self, problem: RiskProblem, tails: list[list[tuple[Floats, Floats]]], threshold: float) -> None:
        super().__init__(problem)
        self._tails = tails
        self.threshold = threshold

    def choose(self, t: int, states: Ints, gained: Floats) -> Ints:
        """Return the pair with the best chance at each of many states and sums of rewards."""
        problem, stage, following = self._problem, self._problem.stage(t), self._tails[t + 1]
        discount = problem.gamma**t
        pairs = np.empty(len(states), dtype=np.int64)
        # A sum of rewards misses the threshold by rounding only.
        slack = 1e-11 * (1.0 + abs(self.threshold))
        for state in np.unique(states).tolist():
            here = states == state
            missing = self.threshold - slack - gained[here]
            chance = np.zeros((len(stage.pairs(state)), len(missing)))
            for row, pair in zip(chance, stage.pairs(state), strict=True):
                at = stage.outcomes(pair)
                for p, r, s in zip(stage.prob[at], stage.reward[at], stage.successor[at].tolist(), strict=True):
                    x, tail = following[s]
                    row += p * tail[np.searchsorted(x, missing - discount * r)]
            best = chance.max(axis=0)
            pairs[here] = stage.state_ptr[state] + np.argmax(chance >= best - 1e-12, axis=0)
        return pairs

    def __repr__(self) -> str:
        return f"ThresholdPolicy(threshold={self.threshold:.6g}, horizon={self._problem.horizon})"
