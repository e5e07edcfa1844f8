"""The robust Bellman operator, behind the few verbs that every solver is written against."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.models import RobustMDP, TabularMDP
from mdpkit.models.rows import SparseRows
from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.rounding import UNDERFLOW, UNIT_ROUNDOFF
from mdpkit.robust.inner import inner_problem
from mdpkit.robust.joint import joint_problem
from mdpkit.robust.rows import AllowedRows

OPERATIONS = 8
"""Roundings per entry of an inner problem, generously: products, sums, budgets and their differences."""

INNER_SHARE = 1e-3
"""Iterative inner problems may be off by this share of what a sweep still moves: it hardly widens the enclosure."""
LOOSE = 10
"""How much looser the share may be before a sweep is repeated."""


@dataclass(frozen=True, slots=True)
class RobustRounding:
    """How far a computed robust sweep can be from the exact one; the twin of `mdpkit.planning.rounding.Rounding`.

    A row of ``n`` entries costs at most ``OPERATIONS * (n + 4)`` roundings of numbers no larger than the payoffs;
    unfinished inner iterations add their certified ``gap``.
    """

    longest_row: int
    sum_error: float
    reward_error: float
    reward_scale: float
    gamma: float
    gap: float = 0.0

    @classmethod
    def of(cls, rows: AllowedRows, gamma: float) -> RobustRounding:
        """Read the constants off the allowed rows."""
        return cls(rows.longest_row, rows.sum_error, rows.reward_error, rows.reward_scale, gamma)

    def sweep_error(self, value_scale: float) -> float:
        """Return the bound for values up to ``value_scale`` in magnitude."""
        payoff = self.reward_scale + self.gamma * value_scale
        if payoff == 0.0:
            return self.reward_error + self.gap
        relative = OPERATIONS * (self.longest_row + 4) * UNIT_ROUNDOFF + 2 * self.sum_error
        return (relative * payoff + self.reward_error + self.gap) * (1 + 1e-6) + UNDERFLOW

    def tie(self, value_scale: float) -> float:
        """Return the slack within which two pair values count as equal."""
        return 8 * UNIT_ROUNDOFF * (self.reward_scale + self.gamma * value_scale) + 2 * self.gap


Plan = Any
"""A policy as the operator wants it: pair indices ``(S,)`` (integers), or weights of the pairs ``(N,)`` (floats)."""


class RobustBellman(ABC):
    """``(T V)(s) = max_pi min_P`` of one stage of a robust problem.

    Attributes
    ----------
    plan : ndarray
        The greedy policy of the latest `sweep`: pair indices, or weights where policies may have to randomize.
    full_sweeps : float
        Work done so far, in passes over all pairs.
    """

    def __init__(self, model: TabularMDP, rows: AllowedRows, gamma: float) -> None:
        self.model = model
        self.rows = rows
        self.state_ptr = model.state_ptr
        self.gamma = gamma
        self.n_states, self.n_pairs = model.n_states, model.n_pairs
        self.rounding = RobustRounding.of(rows, gamma)
        self.full_sweeps = 0.0
        self.plan: Plan = model.state_ptr[:-1].copy()

    @abstractmethod
    def sweep(self, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T V``; set `plan`; return the extremes of ``W - V``."""

    @abstractmethod
    def evaluate(self, plan: Plan, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T_pi V``, nature's choice solved anew; return the extremes of ``W - V``."""

    @abstractmethod
    def worst_rows(self, plan: Plan | None, V: Floats) -> tuple[sp.csr_array, Floats]:
        """Return nature's rows for every pair, ``(N, S)``, and their expected rewards ``(N,)``, against a policy.

        Without a policy they are nature's own optimum, against which no policy gets more than ``T V``.
        """

    def improve(self, plan: Plan, best: Floats, current: Floats, tie: float) -> bool:
        """Take over the greedy policy of the latest sweep where it gains more than ``tie``; say whether it did.

        ``best = T V`` and ``current = T_plan V`` for the same ``V``.
        """
        better = best > current + tie
        if plan.dtype.kind != "i":
            better = np.repeat(better, np.diff(self.state_ptr))
        plan[better] = self.plan[better]
        return bool(better.any())

    def worst_process(self, plan: Plan, V: Floats) -> tuple[SparseRows, Floats]:
        """Return the chain ``(S, S)`` and the rewards ``(S,)`` that nature answers a policy with, given values."""
        rows, rewards = self.worst_rows(plan, V)
        return self.under(plan, rows, rewards)

    def under(self, plan: Plan, rows: sp.csr_array, rewards: Floats) -> tuple[SparseRows, Floats]:
        """Average rows of all pairs over a policy."""
        if plan.dtype.kind == "i":
            chain, reward = rows[plan], rewards[plan]
        else:
            mixing = sp.csr_array((plan, np.arange(self.n_pairs), self.state_ptr), shape=(self.n_states, self.n_pairs))
            chain, reward = sp.csr_array(mixing @ rows), mixing @ rewards
        return as_rows(chain, self.rows.sum_error), reward

    def policy(self, plan: Plan) -> Any:
        """Return a plan as the array users know: action ids ``(S,)`` or probabilities ``(S, A)``."""
        if plan.dtype.kind == "i":
            return self.model.pair_action[plan].astype(np.int64)
        return self.model.scatter(plan, fill=0.0)

    def _spent(self, share: float, gap: float) -> None:
        self.full_sweeps += share
        self.rounding = replace(self.rounding, gap=gap)


def as_rows(matrix: sp.csr_array, sum_error: float) -> SparseRows:
    """Return a sparse matrix as rows for the linear solvers of planning."""
    matrix.sum_duplicates()
    indices = matrix.indices.astype(np.int32, copy=False)
    return SparseRows(matrix.indptr.astype(np.int64), indices, matrix.data, matrix.shape[1], sum_error)


class PairwiseBellman(RobustBellman):
    """Nature chooses for every state-action pair; deterministic policies suffice."""

    def __init__(self, problem: RobustMDP, stage: int = 0) -> None:
        self.inner = inner_problem(problem, stage)
        super().__init__(problem.stages[stage], self.inner.rows, problem.gamma)
        self._choice = self.state_ptr[:-1].copy()

    def sweep(self, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T V``; set `plan`; return the extremes of ``W - V``."""
        last = np.inf
        while True:
            lo, hi = kernels.best_pairs(self.state_ptr, self.pair_values(V), V, W, self._choice)
            self.inner.tolerance = INNER_SHARE * self.gamma * (1.0 - self.gamma) * (hi - lo)
            gap = self.rounding.gap
            # After a leap, the tolerance of the sweep before was much too loose for what is left to gain.
            if gap <= LOOSE * self.inner.tolerance or gap > last / 2:
                break
            last = gap
        self.plan = self._choice
        return lo, hi

    def pair_values(self, V: Floats) -> Floats:
        """Return the worst payoff of every pair, shape ``(N,)``."""
        q, gap = self.inner.values(V)
        self._spent(1.0, gap)
        return q

    def evaluate(self, plan: Plan, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T_pi V``, nature's choice solved anew; return the extremes of ``W - V``."""
        if plan.dtype.kind == "i":
            W[:], gap = self.inner.values(V, plan)
            self._spent(self.n_states / self.n_pairs, gap)
        else:
            W[:] = np.add.reduceat(plan * self.pair_values(V), self.state_ptr[:-1])
        return extremes(W, V)

    def worst_rows(self, plan: Plan | None, V: Floats) -> tuple[sp.csr_array, Floats]:
        """Return nature's rows for every pair; they do not depend on the policy."""
        self.full_sweeps += 1
        return self.inner.worst(V)

    def worst_process(self, plan: Plan, V: Floats) -> tuple[SparseRows, Floats]:
        """Return the chain and the rewards that nature answers a policy with; only the rows in use are computed."""
        if plan.dtype.kind != "i":
            return super().worst_process(plan, V)
        self.full_sweeps += self.n_states / self.n_pairs
        rows, rewards = self.inner.worst(V, plan)
        return as_rows(rows, self.rows.sum_error), rewards


class StatewiseBellman(RobustBellman):
    """Nature shares a budget among the actions of a state; optimal policies may randomize."""

    def __init__(self, problem: RobustMDP, stage: int = 0) -> None:
        self.joint = joint_problem(problem, stage)
        super().__init__(problem.stages[stage], self.joint.rows, problem.gamma)

    def sweep(self, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T V``; set `plan`; return the extremes of ``W - V``."""
        W[:], self.plan, gap = self.joint.values(V)
        self._spent(1.0, gap)
        return extremes(W, V)

    def evaluate(self, plan: Plan, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T_pi V``, nature's choice solved anew; return the extremes of ``W - V``."""
        W[:], gap = self.joint.evaluate(V, self.weights(plan))
        self._spent(1.0, gap)
        return extremes(W, V)

    def worst_rows(self, plan: Plan | None, V: Floats) -> tuple[sp.csr_array, Floats]:
        """Return nature's rows for every pair, against a policy or, without one, against all at once."""
        self.full_sweeps += 1
        return self.joint.worst(V, None if plan is None else self.weights(plan))

    def weights(self, plan: Plan) -> Floats:
        """Return a plan as weights of the pairs."""
        weights: Floats = np.zeros(self.n_pairs)
        if plan.dtype.kind == "f":
            weights[:] = plan
        else:
            weights[plan] = 1.0
        return weights


def robust_operator(problem: RobustMDP, stage: int = 0) -> RobustBellman:
    """Return the operator of one stage."""
    kind = PairwiseBellman if problem.rectangularity == "sa" else StatewiseBellman
    return kind(problem, stage)


def extremes(W: Floats, V: Floats) -> tuple[float, float]:
    """Return the extremes of ``W - V``."""
    difference = W - V
    return float(np.min(difference)), float(np.max(difference))


def read_plan(model: TabularMDP, policy: Any) -> Plan:
    """Read a user's stationary policy: action ids ``(S,)`` or probabilities ``(S, A)``."""
    from mdpkit.models.policies import is_deterministic, policy_pairs, policy_weights

    pairs: Ints
    if is_deterministic(policy):
        pairs = policy_pairs(model, policy)
        return pairs
    return policy_weights(model, policy)
