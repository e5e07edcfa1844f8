"""From the models seen so far to the next policy, and a bound on what any policy can be worth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import TabularMDP
from mdpkit.robust.iwocs.action_values import ActionValues
from mdpkit.robust.iwocs.hull import solve_hull
from mdpkit.robust.iwocs.start import average, upper_average


@dataclass(frozen=True, eq=False, slots=True)
class Proposal:
    """A policy, what the step that proposed it thinks it is worth, and an upper bound on the optimal value."""

    policy: Ints
    estimate: float
    upper: float


Widening = Callable[[float], float]
"""``widening(span)``: how far above the set's own values those of the models seen can be, for values of this spread."""


class PolicyStep(ABC):
    """Steps 1 to 3 of an outer iteration.

    Parameters
    ----------
    first : TabularMDP
        ``T_0``.
    start : ndarray, shape (S,)
        Distribution of the initial state.
    tol : float
        Tolerance of the solves.
    widening : callable, or None
        For an (s,a)-rectangular set, how much its bounds have to give for rows that are members up to rounding only;
        None if nature picks one of finitely many models for good.
    """

    def __init__(self, first: TabularMDP, start: Floats, tol: float, widening: Widening | None) -> None:
        self.start = start
        self.tol = tol
        self.widening = widening
        self.seen = ActionValues(first, start, tol)
        self._upper = np.inf

    def best_upper(self, upper: float) -> float:
        """Return the least upper bound so far: one that held before holds now, whatever rounding makes of the new."""
        self._upper = min(self._upper, upper)
        return self._upper

    @abstractmethod
    def propose(self, models: list[TabularMDP]) -> Proposal:
        """Answer the models seen so far, of which the last is new."""


class MinQ(PolicyStep):
    """The published step: greedy for ``min_j Q*_{T_j}``."""

    def propose(self, models: list[TabularMDP]) -> Proposal:
        """Answer the models seen so far, of which the last is new."""
        seen = self.seen
        seen.add(models[-1])
        choice = seen.greedy_pairs()
        if self.widening is None:
            upper = seen.static_upper()
        else:
            upper = seen.rectangular_upper() + self.widening(seen.span)
        return Proposal(models[0].pair_action[choice].astype(np.int64), seen.estimate(choice), self.best_upper(upper))


class Hull(PolicyStep):
    """The robust solution of the (s,a)-rectangular hull of the models seen."""

    V: Floats | None = None

    def propose(self, models: list[TabularMDP]) -> Proposal:
        """Answer the models seen so far, of which the last is new."""
        solution = solve_hull(models, np.zeros(models[0].n_states) if self.V is None else self.V, self.tol)
        self.V = solution.V
        if self.widening is None:
            # The hull of a part of a set bounds neither side; the models themselves do.
            self.seen.add(models[-1])
            upper = self.seen.static_upper()
        else:
            upper = upper_average(self.start, solution.upper) + self.widening(float(np.ptp(solution.upper)))
        return Proposal(solution.policy, average(self.start, solution.V)[0], self.best_upper(upper))


POLICY_STEPS: dict[str, type[PolicyStep]] = {"hull": Hull, "min_q": MinQ}
