"""Which successors nature may use, pair by pair, and what they pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Bools, Floats, Ints, SmallInts
from mdpkit.errors import InputError
from mdpkit.models import TabularMDP
from mdpkit.models._checks import UNIT_ROUNDOFF

MOST_ENTRIES = 2**29
"""Rows beyond this many entries (10 GiB with their scratch) are refused with a sentence, not by the kernel's killer."""


@dataclass(frozen=True, eq=False, slots=True)
class AllowedRows:
    """The allowed successors of every pair, as compressed rows.

    Attributes
    ----------
    row_ptr : ndarray of int64, shape (N+1,)
        Pair ``k`` owns the entries ``row_ptr[k]:row_ptr[k+1]``.
    col : ndarray of int32, shape (M,)
        Successors, increasing within a row.
    nominal : ndarray, shape (M,)
        Their nominal probabilities; 0 where only nature goes. Interval sets have a support of their own, which may
        leave nominal successors out: then a row sums to less than one.
    entry_reward : ndarray, shape (M,) or (0,)
        Rewards of the transitions, or nothing when rewards belong to pairs.
    pair_reward : ndarray, shape (N,)
        Rewards of the pairs; 0 when `entry_reward` holds them.
    floating : bool
        Whether, beside the entries, any state at all may receive mass (kept implicit: the best receiver is the same
        state for every pair).
    n_states : int
        Number of columns.
    sum_error, reward_error : float
        Bounds on what rounding did to row sums and averaged rewards.
    """

    row_ptr: Ints
    col: SmallInts
    nominal: Floats
    entry_reward: Floats
    pair_reward: Floats
    floating: bool
    n_states: int
    sum_error: float
    reward_error: float

    @property
    def n_pairs(self) -> int:
        """Number of pairs ``N``."""
        return len(self.row_ptr) - 1

    @property
    def longest_row(self) -> int:
        """Most entries a row may have, an implicit receiver included."""
        return int(np.max(np.diff(self.row_ptr))) + self.floating

    @property
    def reward_scale(self) -> float:
        """Largest reward in magnitude."""
        return max((float(np.max(np.abs(r))) for r in (self.entry_reward, self.pair_reward) if len(r)), default=0.0)


def allowed_rows(
    model: TabularMDP,
    support: str | Bools | sp.csr_array,
    transition_rewards: Floats | None = None,
    *,
    implicit_receiver: bool = False,
) -> AllowedRows:
    """Return the rows nature may use around a nominal model.

    Parameters
    ----------
    model : TabularMDP
        The nominal model.
    support : {"nominal", "all"}, ndarray of bool, shape (S, A, S), or csr_array, shape (N, S)
        The support convention, or the allowed entries themselves (what is stored counts, whatever its value).
    transition_rewards : ndarray, shape (S, A, S), optional
        Rewards of all transitions.
    implicit_receiver : bool, default False
        Whether the family can do without stored entries for ``support="all"``: only one state, the best for nature,
        ever receives mass off the nominal support.

    Raises
    ------
    InputError
        The rewards of transitions that the nominal model never makes are needed and unknown, or the rows would not fit
        into memory.
    """
    nominal = model.rows.csr()
    known = transition_rewards is not None
    by_entry = _conditional_rewards(model) if model.has_random_rewards and not known else None
    floating = isinstance(support, str) and support == "all" and implicit_receiver and by_entry is None and not known
    if isinstance(support, str):
        pattern = nominal if support == "nominal" or floating else _full(model)
    elif sp.issparse(support):
        pattern = support
    else:
        pattern = _masked(model, support)
    entry_reward, pair_reward = np.zeros(0), model.pair_reward
    reward_error = float(np.max(model.reward_error))
    if transition_rewards is not None:
        _check_rewards_agree(model, nominal, transition_rewards)
        entry_reward = transition_rewards[(*_pairs_of(model, pattern), pattern.indices)]
        pair_reward, reward_error = np.zeros(model.n_pairs), 0.0
    elif by_entry is not None:
        entry_reward, pair_reward = spread(by_entry, nominal, pattern, np.nan), np.zeros(model.n_pairs)
        _check_rewards_known(model, pattern, entry_reward)
    return AllowedRows(
        row_ptr=pattern.indptr.astype(np.int64),
        col=pattern.indices.astype(np.int32, copy=False),
        nominal=np.ascontiguousarray(spread(nominal.data, nominal, pattern, 0.0)),
        entry_reward=np.ascontiguousarray(entry_reward),
        pair_reward=pair_reward,
        floating=floating,
        n_states=model.n_states,
        sum_error=model.rows.sum_error,
        reward_error=reward_error,
    )


def spread(values: Floats, source: Any, pattern: Any, missing: float) -> Floats:
    """Return numbers that belong to the entries of one sorted pattern at the entries of another."""
    if pattern is source:
        return values
    width = source.shape[1]
    owner = np.repeat(np.arange(source.shape[0]), np.diff(source.indptr)) * width + source.indices
    wanted = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr)) * width + pattern.indices
    # a sentinel at the end, for entries past the last one
    owner, values = np.append(owner, -1), np.append(values, missing)
    position = np.searchsorted(owner[:-1], wanted)
    return np.where(owner[position] == wanted, values[position], missing)


def entry_weights(rows: AllowedRows, model: TabularMDP, weights: Floats) -> Floats:
    """Spread weights of shape ``(S,)`` or ``(S, A, S)`` over the allowed entries."""
    if weights.ndim == 1:
        return weights[rows.col]
    pair = np.repeat(np.arange(rows.n_pairs), np.diff(rows.row_ptr))
    return weights[model.pair_state[pair], model.pair_action[pair], rows.col]


def _conditional_rewards(model: TabularMDP) -> Floats | None:
    """Return mean rewards given the successor, aligned with the nominal rows; None if they do not depend on it."""
    outcomes = model.outcomes
    first = np.ones(len(outcomes), dtype=bool)
    first[1:] = (np.diff(outcomes.pair) != 0) | (np.diff(outcomes.successor) != 0)
    start = np.flatnonzero(first)
    mass = np.add.reduceat(outcomes.prob, start)
    means = np.add.reduceat(outcomes.prob * outcomes.reward, start) / mass
    # a single reward needs no average, so it stays exact
    single = np.diff(np.append(start, len(outcomes))) == 1
    means[single] = outcomes.reward[start[single]]
    pair = outcomes.pair[start]
    # rewards that are random but do not depend on the successor have equal means, up to the rounding of averages
    most = int(np.max(np.bincount(outcomes.pair)))
    largest = np.maximum.reduceat(np.abs(outcomes.reward), np.searchsorted(outcomes.pair, np.arange(model.n_pairs)))
    if (np.abs(means - model.pair_reward[pair]) <= 4 * (most + 2) * UNIT_ROUNDOFF * largest[pair]).all():
        return None
    return means


def _full(model: TabularMDP) -> sp.csr_array:
    N, S = model.n_pairs, model.n_states
    if N * S > MOST_ENTRIES:
        raise InputError(
            f"support='all' needs {N:,} x {S:,} entries for this family; use a mask or support='nominal'",
            argument="support",
            value="all",
        )
    indices = np.tile(np.arange(S, dtype=np.int32), N)
    return sp.csr_array((np.ones(N * S), indices, np.arange(N + 1, dtype=np.int64) * S), shape=(N, S))


def _masked(model: TabularMDP, mask: Bools) -> sp.csr_array:
    return sp.csr_array(mask[model.pair_state, model.pair_action].astype(np.float64))


def _pairs_of(model: TabularMDP, pattern: Any) -> tuple[Any, Any]:
    """Return state and action of every entry of a pattern."""
    pair = np.repeat(np.arange(model.n_pairs), np.diff(pattern.indptr))
    return model.pair_state[pair], model.pair_action[pair]


def _check_rewards_known(model: TabularMDP, pattern: Any, entry_reward: Floats) -> None:
    unknown = np.isnan(entry_reward)
    if unknown.any():
        j = int(np.argmax(unknown))
        state, action = _pairs_of(model, pattern)
        where = (int(state[j]), int(action[j]), int(pattern.indices[j]))
        raise InputError(
            f"rewards depend on the successor and nature may make the transition {where}, which the nominal model "
            "never makes: pass RobustMDP(..., transition_rewards=R), R of shape (S, A, S), or use support='nominal'",
            argument="transition_rewards",
            index=where,
        )


def _check_rewards_agree(model: TabularMDP, nominal: Any, transition_rewards: Floats) -> None:
    """Refuse transition rewards whose nominal averages are not the rewards of the nominal model."""
    products = nominal.data * transition_rewards[(*_pairs_of(model, nominal), nominal.indices)]
    means = np.add.reduceat(products, nominal.indptr[:-1])
    scale = np.add.reduceat(np.abs(products), nominal.indptr[:-1])
    wrong = np.abs(means - model.pair_reward) > 1e-9 * (1.0 + scale + np.abs(model.pair_reward))
    if wrong.any():
        k = int(np.argmax(wrong))
        where = (int(model.pair_state[k]), int(model.pair_action[k]))
        raise InputError(
            f"transition_rewards{list(where)} average to {float(means[k])!r} under the nominal model, whose reward "
            f"there is {float(model.pair_reward[k])!r}",
            argument="transition_rewards",
            index=where,
            value=float(means[k]),
        )
