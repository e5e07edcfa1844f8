"""Step 4: the worst model for a policy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError
from mdpkit.models import ConvexSet, FiniteSet, IntervalSet, ModelSet, RobustMDP, TabularMDP
from mdpkit.models._checks import sum_noise
from mdpkit.models.policies import policy_pairs
from mdpkit.planning.discounted.bellman import bellman_operator
from mdpkit.planning.rounding import RoundingModel
from mdpkit.robust.iwocs.inner_solves import evaluate_quietly
from mdpkit.robust.iwocs.membership import check_member, same_shape
from mdpkit.robust.iwocs.start import average, lower_average
from mdpkit.robust.operator import robust_operator
from mdpkit.robust.worst_case import nature_answer

FEASIBILITY = 1e-12
"""Worst rows are within this L1 distance of their set."""

CONIC_FEASIBILITY = 1e-8
"""The same for `ConvexSet`, whose rows come from a conic solver."""

SAME_MODEL = 1e-12
"""Rows closer than this differ by rounding only."""


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """The worst model found for a policy, and what the policy is worth there at the start.

    `lower` is certified for the whole set (minus infinity if nothing is); `noise` is the standard error of `value`.
    """

    model: TabularMDP
    value: float
    lower: float
    index: int | None = None
    noise: float = 0.0


class Nature(ABC):
    """Nature's side of a run."""

    tol: float
    """Tolerance of the evaluations."""

    @property
    @abstractmethod
    def rounding(self) -> RoundingModel:
        """What float64 can certify in this problem."""

    @abstractmethod
    def first(self, given: Any) -> Answer:
        """Read ``first_model``; only `model` and `index` of the answer mean anything."""

    @abstractmethod
    def answer(self, policy: Ints, previous: TabularMDP) -> Answer:
        """Return the worst model for a policy."""

    @abstractmethod
    def seen_before(self, answer: Answer, seen: list[Answer]) -> bool:
        """Say whether a model is among earlier ones."""

    def stopping_slack(self, answer: Answer) -> float | None:
        """Return what a stopping rule without certificates must allow for; None if answers are certified."""
        return None


class Rectangular(Nature):
    """Nature's own policy iteration in an (s,a)-rectangular problem: worst at every state at once.

    Only the rows of the policy are determined by it. The others are the worst against the values of the policy
    ("robust_greedy") or those of the previous model ("keep").
    """

    def __init__(self, problem: RobustMDP, start: Floats, off_policy: str) -> None:
        self.problem = problem
        self.start = start
        self.keep = off_policy == "keep"
        self.operator = robust_operator(problem)

    def first(self, given: Any) -> Answer:
        """Read ``first_model``: by default the nominal model where it is certainly a member of the set."""
        nominal = self.problem.nominal
        assert isinstance(nominal, TabularMDP)  # finite horizons were refused
        if given is not None:
            check_member(given, nominal, self.operator)
            return Answer(given, 0.0, 0.0)
        if isinstance(self.problem.uncertainty, (FiniteSet, IntervalSet, ConvexSet)):
            # Sets with a life of their own need not contain the nominal row.
            model = nature_answer(self.operator, nominal, np.zeros(nominal.n_states), None)
            return Answer(model, 0.0, 0.0)
        return Answer(nominal, 0.0, 0.0)

    def answer(self, policy: Ints, previous: TabularMDP) -> Answer:
        """Return the worst model for a policy."""
        solution = evaluate_quietly(self.operator, policy, self.tol)
        model = nature_answer(self.operator, self.operator.model, solution.V, policy)
        if self.keep:
            model = with_rows_of(previous, model, policy_pairs(previous, policy))
        return Answer(model, average(self.start, solution.V)[0], lower_average(self.start, solution.lower))

    def seen_before(self, answer: Answer, seen: list[Answer]) -> bool:
        """Compare rows; equal policies give equal rows, up to rounding."""
        return any(same_model(answer.model, earlier.model) for earlier in seen)

    def widening(self, span: float) -> float:
        r"""Bound how far the values of the models seen can be above those of members of the set.

        Models that differ by :math:`\delta` in the L1 norm of every row and by :math:`\rho` in rewards have values that
        differ by at most :math:`(\rho + \gamma \delta\, \mathrm{span}(V)/2)/(1-\gamma)`.
        """
        rows, gamma = self.operator.rows, self.problem.gamma
        distance = 2 * rows.sum_error
        if isinstance(self.problem.uncertainty, ConvexSet):
            distance += CONIC_FEASIBILITY
        elif not isinstance(self.problem.uncertainty, FiniteSet):
            distance += FEASIBILITY
        averaged = sum_noise(rows.longest_row) * rows.reward_scale if len(rows.entry_reward) else 0.0
        return (rows.reward_error + averaged + gamma * distance * span / 2) / (1.0 - gamma) * (1 + 1e-9)

    @property
    def rounding(self) -> RoundingModel:
        """What float64 can certify in this problem."""
        return self.operator.rounding


class Enumerated(Nature):
    """Every model of a finite set: one linear solve each, the smallest value at the start, the lowest index on ties."""

    def __init__(self, problem: ModelSet, start: Floats) -> None:
        self.problem = problem
        self.start = start

    def first(self, given: Any) -> Answer:
        """Read ``first_model``: an index or a model of the set, index 0 by default."""
        models = self.problem.models
        if given is None:
            return Answer(models[0], 0.0, 0.0, 0)
        if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
            if not 0 <= given < len(models):
                raise InputError(
                    f"first_model {given} is outside 0..{len(models) - 1}", argument="first_model", value=int(given)
                )
            return Answer(models[int(given)], 0.0, 0.0, int(given))
        if not isinstance(given, TabularMDP):
            raise InputError(
                f"first_model must be an index or a model of the set, found {type(given).__name__}",
                argument="first_model",
                value=given,
            )
        for i, model in enumerate(models):
            if given is model or (same_shape(given, model) and same_model(given, model)):
                return Answer(model, 0.0, 0.0, i)
        raise InputError("first_model is not among the models of the set", argument="first_model")

    def answer(self, policy: Ints, previous: TabularMDP) -> Answer:
        """Return the worst model for a policy."""
        values, lowers, slack = [], [], 0.0
        for model in self.problem.models:
            solution = evaluate_quietly(model, policy, self.tol)
            values.append(average(self.start, solution.V)[0])
            lowers.append(lower_average(self.start, solution.lower))
            slack = max(slack, 2 * solution.half_width)
        index = int(np.argmax(np.array(values) <= min(values) + slack))
        return Answer(self.problem.models[index], values[index], min(lowers), index)

    def seen_before(self, answer: Answer, seen: list[Answer]) -> bool:
        """Compare indices."""
        return any(answer.index == earlier.index for earlier in seen)

    @property
    def rounding(self) -> RoundingModel:
        """What float64 can certify in the model with the largest rewards."""
        operators = [bellman_operator(model, self.problem.gamma) for model in self.problem.models]
        return max((operator.rounding for operator in operators), key=lambda rounding: rounding.reward_scale)


def with_rows_of(base: TabularMDP, other: TabularMDP, pairs: Ints) -> TabularMDP:
    """Replace the rows and rewards of some pairs of a model by those of another one."""
    N = base.n_pairs
    source = np.arange(N)
    source[pairs] += N
    rows = sp.vstack([base.rows.csr(), other.rows.csr()], format="csr")[source]
    return TabularMDP.from_pairs(
        base.pair_state,
        base.pair_action,
        sp.csr_array(rows),
        np.concatenate([base.pair_reward, other.pair_reward])[source],
        base.gamma,
        initial=base.initial,
        state_names=base.state_names,
        action_names=base.action_names,
    )


def same_model(a: TabularMDP, b: TabularMDP) -> bool:
    """Say whether two models with the same pairs have the same rows and rewards, up to rounding."""
    rewards = np.abs(a.pair_reward - b.pair_reward) <= SAME_MODEL * (1.0 + np.abs(b.pair_reward))
    if not rewards.all():
        return False
    difference = abs(a.rows.csr() - b.rows.csr())
    return difference.nnz == 0 or float(difference.max()) <= SAME_MODEL
