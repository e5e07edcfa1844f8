"""Reading stationary policies: action ids per state, or action probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.errors import PolicyError, ShapeError
from mdpkit.models._checks import ROW_SUM_TOLERANCE, as_floats

if TYPE_CHECKING:
    from mdpkit.models.tabular import TabularMDP


def is_deterministic(policy: Any) -> bool:
    """Say whether a policy array holds action ids (integers) rather than probabilities."""
    try:
        return np.asarray(policy).dtype.kind in "iu"
    except ValueError as error:
        raise ShapeError(f"policy must be an array: {error}", argument="policy") from error


def policy_pairs(model: TabularMDP, policy: Any) -> Ints:
    """Return the pair a deterministic policy uses in every state, shape ``(S,)``."""
    actions = np.asarray(policy)
    if actions.shape != (model.n_states,):
        raise ShapeError(
            f"a deterministic policy must have shape ({model.n_states},), found {actions.shape}",
            argument="policy",
        )
    pair_of = np.full((model.n_states, model.n_actions), -1, dtype=np.int64)
    pair_of[model.pair_state, model.pair_action] = np.arange(model.n_pairs)
    known = (actions >= 0) & (actions < model.n_actions)
    pairs = np.where(known, pair_of[np.arange(model.n_states), np.where(known, actions, 0)], -1)
    if np.min(pairs) < 0:
        s = int(np.argmin(pairs))
        raise PolicyError(
            f"policy[{s}] = {actions[s]}, an action that state {s} does not have",
            argument="policy",
            index=s,
            value=int(actions[s]),
        )
    return pairs


def policy_weights(model: TabularMDP, policy: Any) -> Floats:
    """Return the probability a stochastic policy gives to every pair, shape ``(N,)``."""
    table = as_floats(policy, "policy")
    if table.shape != (model.n_states, model.n_actions):
        raise ShapeError(
            f"a policy holds action ids, shape ({model.n_states},), or probabilities, shape"
            f" ({model.n_states}, {model.n_actions}); found {table.dtype} of shape {table.shape}",
            argument="policy",
        )
    bad = ~(table >= 0.0) | (~model.action_mask & (table > 0.0))
    if bad.any():
        s, a = (int(i) for i in np.argwhere(bad)[0])
        value = float(table[s, a])
        reason = "an action the state does not have" if value > 0 else "not a probability"
        raise PolicyError(f"policy[{s}, {a}] = {value!r}: {reason}", argument="policy", index=(s, a), value=value)
    sums = np.sum(table, axis=1)
    off = ~(np.abs(sums - 1.0) <= ROW_SUM_TOLERANCE)
    if off.any():
        s = int(np.argmax(off))
        raise PolicyError(
            f"policy[{s}] sums to {float(sums[s])!r}, not to 1", argument="policy", index=s, value=float(sums[s])
        )
    return np.asarray((table / sums[:, None])[model.pair_state, model.pair_action])
