"""From an uncertainty set to its joint update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import UnknownOptionError
from mdpkit.models import (
    ChiSquareBall,
    FiniteSet,
    KLBall,
    L1Ball,
    L2Ball,
    LinfBall,
    ReverseKLBall,
    RewardBall,
    RobustMDP,
    TabularMDP,
    UncertaintySet,
)
from mdpkit.models.uncertainty.base import per_state
from mdpkit.planning.rounding import UNIT_ROUNDOFF
from mdpkit.robust.joint.base import Joint
from mdpkit.robust.joint.chi_square import ChiSquareJoint
from mdpkit.robust.joint.finite import FiniteJoint
from mdpkit.robust.joint.kl import KLJoint
from mdpkit.robust.joint.l1 import L1Joint
from mdpkit.robust.joint.l2 import L2Joint
from mdpkit.robust.joint.linf import LinfJoint
from mdpkit.robust.joint.reverse_kl import ReverseKLJoint
from mdpkit.robust.joint.reward import RewardJoint
from mdpkit.robust.joint.smooth import SmoothJoint
from mdpkit.robust.joint.weighted_l1 import WeightedL1Joint
from mdpkit.robust.rows import AllowedRows, allowed_rows

Builder = Callable[[RobustMDP, TabularMDP, UncertaintySet, float], Joint]


def joint_problem(problem: RobustMDP, stage: int = 0) -> Joint:
    """Return the joint update of one stage of an s-rectangular problem (a discounted problem has one).

    Raises
    ------
    UnknownOptionError
        The family has no joint update.
    """
    model, uncertainty = problem.stages[stage], problem.sets[stage]
    sign = 1.0 if problem.nature == "adversarial" else -1.0
    for kind in type(uncertainty).__mro__:
        if kind in BUILDERS:
            return BUILDERS[kind](problem, model, uncertainty, sign)
    raise UnknownOptionError(
        f"there is no joint update for {type(uncertainty).__name__}", argument="uncertainty", value=uncertainty
    )


def _budget(radius: Floats, model: TabularMDP) -> Floats:
    return np.array(per_state(radius, model))


def _weights(weights: Floats | None, model: TabularMDP, rows: AllowedRows) -> Floats:
    """Spread weights ``(S,)`` or ``(S, A, S)`` over the allowed entries."""
    if weights is None:
        return np.ones(len(rows.col))
    if weights.ndim == 1:
        return weights[rows.col]
    pair = np.repeat(np.arange(rows.n_pairs), np.diff(rows.row_ptr))
    return weights[model.pair_state[pair], model.pair_action[pair], rows.col]


def _l1(problem: RobustMDP, model: TabularMDP, uncertainty: UncertaintySet, sign: float) -> Joint:
    assert isinstance(uncertainty, L1Ball)
    plain = uncertainty.weights is None
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards, implicit_receiver=plain)
    budget = _budget(uncertainty.radius, model)
    if plain:
        return L1Joint(rows, problem.gamma, sign, model, budget)
    return WeightedL1Joint(rows, problem.gamma, sign, model, budget, _weights(uncertainty.weights, model, rows))


def _linf(problem: RobustMDP, model: TabularMDP, uncertainty: UncertaintySet, sign: float) -> Joint:
    assert isinstance(uncertainty, LinfBall)
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards)
    weights = _weights(uncertainty.weights, model, rows)
    return LinfJoint(rows, problem.gamma, sign, model, _budget(uncertainty.radius, model), weights)


def _smooth(family: type[SmoothJoint]) -> Builder:
    def build(problem: RobustMDP, model: TabularMDP, uncertainty: UncertaintySet, sign: float) -> Joint:
        assert isinstance(uncertainty, (KLBall, ReverseKLBall, ChiSquareBall, L2Ball))
        rows = allowed_rows(model, uncertainty.support, problem.transition_rewards)
        return family(rows, problem.gamma, sign, model, _budget(uncertainty.radius, model))

    return build


def _finite(problem: RobustMDP, model: TabularMDP, uncertainty: UncertaintySet, sign: float) -> Joint:
    assert isinstance(uncertainty, FiniteSet)
    nominal, candidates = model.rows.csr(), uncertainty.rows_for(model).csr()
    S, A, K = model.n_states, model.n_actions, uncertainty.n_candidates
    mask = np.zeros((S, A, S), dtype=np.bool_)
    for matrix, repeats in ((nominal, 1), (candidates, K)):
        entries = matrix.tocoo()
        pair = entries.row // repeats
        mask[model.pair_state[pair], model.pair_action[pair], entries.col] = True
    rows = allowed_rows(model, mask, problem.transition_rewards)
    return FiniteJoint(rows, problem.gamma, sign, model, candidates, K)


def _reward(problem: RobustMDP, model: TabularMDP, uncertainty: UncertaintySet, sign: float) -> Joint:
    assert isinstance(uncertainty, RewardBall)
    rows, budget = allowed_rows(model, "nominal", problem.transition_rewards), _budget(uncertainty.radius, model)
    # sorting, squaring and summing A numbers of the size of the budget rounds, which the rows do not know about
    error = rows.reward_error + 16 * (model.n_actions + 4) * UNIT_ROUNDOFF * float(np.max(budget))
    return RewardJoint(replace(rows, reward_error=error), problem.gamma, sign, model, budget, uncertainty.norm)


BUILDERS: dict[type, Builder] = {
    L1Ball: _l1,
    LinfBall: _linf,
    KLBall: _smooth(KLJoint),
    ReverseKLBall: _smooth(ReverseKLJoint),
    ChiSquareBall: _smooth(ChiSquareJoint),
    L2Ball: _smooth(L2Joint),
    FiniteSet: _finite,
    RewardBall: _reward,
}
