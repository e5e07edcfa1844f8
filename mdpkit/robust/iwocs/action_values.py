"""The optimal action values of the models seen so far, and what they say about every policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.models import TabularMDP
from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.discounted.bellman import bellman_operator
from mdpkit.planning.rounding import UNIT_ROUNDOFF, largest
from mdpkit.robust.iwocs.inner_solves import solve_quietly
from mdpkit.robust.iwocs.start import average, start_pairs, upper_average


class ActionValues:
    """``min_j Q*_{T_j}`` and the upper bound that the ``Q*_{T_j}`` give at the start.

    Parameters
    ----------
    first : TabularMDP
        Any model of the set; all share its pairs.
    start : ndarray, shape (S,)
        Distribution of the initial state.
    tol : float
        Tolerance of the ordinary solves.

    Attributes
    ----------
    least, least_upper : ndarray, shape (N,)
        ``min_j Q*_{T_j}``: midpoints, and certified upper ends.
    span : float
        Largest spread of the optimal values of a model.
    """

    def __init__(self, first: TabularMDP, start: Floats, tol: float) -> None:
        self.start = start
        self.tol = tol
        self.state_ptr = first.state_ptr
        self.least = np.full(first.n_pairs, np.inf)
        self.least_upper = np.full(first.n_pairs, np.inf)
        self.span = 0.0
        self._tie = 0.0
        self._pairs, self._first = start_pairs(first, start)
        self._at_start: list[Floats] = []
        self._best = np.inf

    def add(self, model: TabularMDP) -> None:
        """Solve a model."""
        solution = solve_quietly(model, self.tol)
        gamma = model.gamma
        assert gamma is not None  # robust problems are discounted
        operator = bellman_operator(model, gamma)
        upper = operator.pair_values(solution.upper) + operator.rounding.sweep_error(largest(solution.upper))
        np.minimum(self.least, operator.pair_values(solution.V), out=self.least)
        np.minimum(self.least_upper, upper, out=self.least_upper)
        tie = operator.rounding.tie(largest(solution.V)) + 2 * gamma * solution.half_width
        self._tie = max(self._tie, tie)
        self.span = max(self.span, float(np.ptp(solution.upper)))
        self._at_start.append(upper[self._pairs])
        self._best = min(self._best, upper_average(self.start, solution.upper))

    def greedy_pairs(self) -> Ints:
        """Return the best pair of every state for ``min_j Q*_{T_j}``, ties to the lowest action."""
        best = np.maximum.reduceat(self.least, self.state_ptr[:-1])
        choice: Ints = self.state_ptr[:-1].copy()
        kernels.first_within(self.state_ptr, self.least, best, self._tie, choice)
        return choice

    def estimate(self, choice: Ints) -> float:
        """Return ``Q_i(s0, pi_i(s0))``."""
        return average(self.start, self.least[choice])[0]

    def rectangular_upper(self) -> float:
        """Bound ``V*_T`` of an (s,a)-rectangular set by ``max_a min_j Q*_{T_j}(s0, a)``."""
        return upper_average(self.start, np.maximum.reduceat(self.least_upper, self.state_ptr[:-1]))

    def static_upper(self) -> float:
        r"""Bound the value of every policy, with or without memory, when nature picks one model for good.

        A policy whose first action has the law ``d`` is worth at most ``sum_a d_a Q*_{T_j}(s0, a)`` in model ``j``, so
        ``max_d min_j`` of that, a linear programme, bounds all of them. Its dual weights ``y`` on the models give a
        bound that holds for any weights, ``max_a sum_j y_j Q*_{T_j}(s0, a)``; so the programme need not be exact.
        """
        if len(self._at_start) == 1:
            return self._best
        weight = np.repeat(self.start[self.start > 0.0], self._lengths())
        payoffs = np.array(self._at_start) * weight
        y = nature_weights(payoffs, self._first)
        mixed = np.maximum.reduceat(y @ payoffs, self._first)
        slack = 4 * (len(y) + len(mixed) + 2) * UNIT_ROUNDOFF * largest(payoffs) * len(mixed)
        return min(self._best, float(np.sum(mixed)) + slack)

    def _lengths(self) -> Ints:
        return np.diff(np.append(self._first, len(self._pairs)))


def nature_weights(payoffs: Floats, first: Ints) -> Floats:
    """Return nature's optimal mixture of models, a distribution ``(K,)`` up to the accuracy of the solver.

    ``payoffs[j, k]`` is what model ``j`` pays for action ``k`` of the start state whose actions begin at ``first``;
    the agent chooses a distribution over the actions of each state, nature one over the models.
    """
    # Loading scipy.optimize takes longer than most runs; only model sets need it.
    from scipy.optimize import linprog

    n_models, n_actions = payoffs.shape
    # HiGHS has absolute tolerances: hand it payoffs between 0 and 1. Neither the shift nor the scale moves its answer.
    unit = float(np.ptp(payoffs)) or 1.0
    shifted = (payoffs - np.min(payoffs)) / unit
    owner = np.searchsorted(first, np.arange(n_actions), side="right") - 1
    n_starts = len(first)
    one_action: Any = sp.csr_array((np.ones(n_actions), (owner, np.arange(n_actions))), shape=(n_starts, n_actions + 1))
    worst = np.hstack([-shifted, np.ones((n_models, 1))])
    goal = np.append(np.zeros(n_actions), -1.0)
    bounds = [(0, None)] * n_actions + [(None, None)]
    answer: Any = linprog(goal, worst, np.zeros(n_models), one_action, np.ones(n_starts), bounds, method="highs")
    if answer.x is None:
        return np.full(n_models, 1.0 / n_models)
    y = np.maximum(-np.asarray(answer.ineqlin.marginals, dtype=np.float64), 0.0)
    total = float(np.sum(y))
    return y / total if total > 0.0 else np.full(n_models, 1.0 / n_models)
