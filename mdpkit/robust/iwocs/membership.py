"""Whether a model given by the user can belong to an (s,a)-rectangular set."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats
from mdpkit.errors import InputError, ShapeError
from mdpkit.models import TabularMDP
from mdpkit.planning.discounted.bellman import bellman_operator
from mdpkit.robust.iwocs.inner_solves import solve_quietly
from mdpkit.robust.operator import PairwiseBellman, RobustBellman

SLACK = 1e-9
"""Distance from the set, relative to rewards and values, up to which a model counts as a member."""


def same_shape(a: TabularMDP, b: TabularMDP) -> bool:
    """Say whether two models have the same states, pairs and discount factor."""
    return (
        a.n_states == b.n_states
        and a.gamma == b.gamma
        and np.array_equal(a.state_ptr, b.state_ptr)
        and np.array_equal(a.pair_action, b.pair_action)
    )


def check_member(model: Any, nominal: TabularMDP, operator: RobustBellman) -> None:
    """Refuse a first model that is certainly not in the set.

    Successors and rewards are compared, and no row may pay less than nature's worst: at 0, at the model's own optimal
    values and at their negatives. These conditions are necessary; a set given by its worst cases alone has no cheap
    sufficient ones.
    """
    assert isinstance(operator, PairwiseBellman)  # s-rectangular problems were refused
    if not isinstance(model, TabularMDP):
        raise InputError(
            f"first_model must be a TabularMDP, found {type(model).__name__}", argument="first_model", value=model
        )
    if not same_shape(model, nominal):
        raise ShapeError(
            "first_model has other states, actions or another discount factor than the nominal model",
            argument="first_model",
        )
    _check_successors_and_rewards(model, operator)
    values = solve_quietly(model, 1e-6 * (1.0 + operator.rounding.reward_scale)).V
    for V in (np.zeros(model.n_states), values, -values):
        worst, _ = operator.inner.values(V)
        paid = bellman_operator(model, operator.gamma).pair_values(V)
        scale = operator.rounding.reward_scale + float(np.max(np.abs(V)))
        _refuse_first(model, paid < worst - SLACK * scale, "a row outside of the uncertainty set")


def _check_successors_and_rewards(model: TabularMDP, operator: PairwiseBellman) -> None:
    allowed, rows = operator.rows, model.rows.csr()
    shape = (model.n_pairs, model.n_states)
    pattern = sp.csr_array((np.ones(len(allowed.col)), allowed.col, allowed.row_ptr), shape=shape)
    if not allowed.floating:
        inside: Floats = np.asarray((rows * pattern).sum(axis=1))
        _refuse_first(model, inside < 1.0 - SLACK, "a successor that the set forbids")
    expected = allowed.pair_reward
    if len(allowed.entry_reward):
        per_entry = sp.csr_array((allowed.entry_reward, allowed.col, allowed.row_ptr), shape=shape)
        expected = np.asarray((rows * per_entry).sum(axis=1))
    off = np.abs(model.pair_reward - expected) > SLACK * (1.0 + allowed.reward_scale)
    _refuse_first(model, off, "another reward than the problem")


def _refuse_first(model: TabularMDP, bad: Any, what: str) -> None:
    if bad.any():
        k = int(np.argmax(bad))
        where = (int(model.pair_state[k]), int(model.pair_action[k]))
        raise InputError(f"first_model{list(where)} has {what}", argument="first_model", index=where)
