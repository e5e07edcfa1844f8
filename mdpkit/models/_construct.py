"""How the constructors of `TabularMDP` turn what users have into what the package stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints, SmallInts
from mdpkit.errors import (
    DuplicatePairError,
    EmptyActionSetError,
    InputError,
    ShapeError,
    StateIndexError,
    UnknownOptionError,
)
from mdpkit.models._checks import (
    UNIT_ROUNDOFF,
    Locate,
    as_floats,
    as_indices,
    as_tuple,
    check_probabilities,
    check_rewards,
    check_row_sums,
    sum_noise,
    unravel,
)
from mdpkit.models.outcomes import Outcomes, merge_outcomes
from mdpkit.models.rows import DenseRows, Rows, SparseRows, interleave, is_sparse, read_rows, rows_from_sparse


@dataclass(frozen=True, eq=False, slots=True)
class Core:
    """The arrays behind a `TabularMDP`, already validated."""

    rows: Rows
    state_ptr: Ints
    pair_action: SmallInts
    n_actions: int
    reward: Floats
    reward_error: Floats | None = None
    outcome_reward: Floats | None = None
    outcome_table: Outcomes | None = None


def product_core(P: Any, r: Any, *, renormalize: bool) -> Core:
    """Every state has every action, except where ``r[s, a] = -inf``."""
    if isinstance(P, (list, tuple)) and P and is_sparse(P[0]):
        n_states = P[0].shape[0]
        for a, block in enumerate(P):
            if block.shape != (n_states, n_states):
                raise ShapeError(
                    f"P[{a}] must have shape ({n_states}, {n_states}), found {block.shape}", argument="P", index=a
                )
        P = interleave(list(P), n_states)
    if is_sparse(P):
        n_rows, n_states = P.shape
        if n_states == 0 or n_rows % n_states or n_rows == 0:
            raise ShapeError(
                f"a sparse P must have shape (S*A, S), found {P.shape}; use from_pairs when action sets differ",
                argument="P",
            )
        block, n_actions = P, n_rows // n_states
    else:
        dense = as_floats(P, "P")
        if dense.ndim != 3 or dense.shape[0] != dense.shape[2] or 0 in dense.shape:
            raise ShapeError(f"P must have shape (S, A, S), found {dense.shape}", argument="P")
        n_states, n_actions = dense.shape[:2]
        block = dense.reshape(n_states * n_actions, n_states)

    def locate(k: int) -> Any:
        return divmod(k, n_actions)

    if not is_sparse(r):
        r = as_floats(r, "r")
    kept: Ints | None = None
    if not is_sparse(r) and r.shape == (n_states, n_actions) and not np.min(r) > -np.inf:
        check_rewards(r, "r", unravel(r.shape), allow_minus_inf=True)
        mask = (r > -np.inf).reshape(-1)
        kept = np.flatnonzero(mask)
        block = block.tocsr()[kept] if is_sparse(block) else block[kept]
        r = r.reshape(-1)[kept]
        counts = np.sum(mask.reshape(n_states, n_actions), axis=1)
        _check_action_sets(counts, "r", hint=f": every r[{int(np.argmin(counts))}, a] is -inf")
        state_ptr = np.concatenate([[0], np.cumsum(counts)])
        pairs = kept

        def locate(k: int) -> Any:
            return divmod(int(pairs[k]), n_actions)

    else:
        state_ptr = np.arange(n_states + 1, dtype=np.int64) * n_actions
    pair_id = np.arange(n_states * n_actions) if kept is None else kept
    pair_action = (pair_id % n_actions).astype(np.int32)
    rows = read_rows(block, n_states, "P", locate, renormalize=renormalize)
    core = Core(rows, state_ptr, pair_action, n_actions, np.zeros(0))
    return _with_rewards(core, r, locate)


def pairs_core(state: Any, action: Any, P: Any, r: Any, *, n_actions: int | None, renormalize: bool) -> Core:
    """One row per pair, in any order."""
    states, actions = as_indices(state, "state"), as_indices(action, "action")
    if not is_sparse(P):
        P = as_floats(P, "P")
    if len(P.shape) != 2:
        raise ShapeError(f"P must have shape (N, S), found {P.shape}", argument="P")
    n_pairs, n_states = P.shape
    for name, column in (("state", states), ("action", actions)):
        if len(column) != n_pairs:
            raise ShapeError(f"{name} must have one entry per row of P ({n_pairs}), found {len(column)}", argument=name)
    if n_pairs == 0 or n_states == 0:
        raise ShapeError(f"P must have at least one row and one column, found shape {P.shape}", argument="P")
    n_actions = _check_pair_indices(states, actions, n_states, n_actions)
    if not is_sparse(r):
        r = as_floats(r, "r")
        if r.shape not in ((n_pairs,), (n_pairs, n_states)):
            raise ShapeError(
                f"r must have shape ({n_pairs},) or ({n_pairs}, {n_states}), found {r.shape}", argument="r"
            )
    key = states * n_actions + actions
    steps = np.diff(key)
    order: Ints | None = None
    if n_pairs > 1 and not np.min(steps) > 0:
        order = np.argsort(key, kind="stable")
        steps = np.diff(key[order])
        if np.min(steps) == 0:
            twice = order[int(np.argmin(steps != 0)) + 1]
            raise DuplicatePairError(
                f"pair (state {states[twice]}, action {actions[twice]}) at position {twice} was given before",
                argument="state",
                index=int(twice),
                value=(int(states[twice]), int(actions[twice])),
            )
        P, r = (
            P[order] if not is_sparse(P) else P.tocsr()[order],
            r[order] if not is_sparse(r) else r.tocsr()[order],
        )
        actions = actions[order]
    counts = np.bincount(states, minlength=n_states)
    _check_action_sets(counts, "state")
    given = order

    def locate(k: int) -> Any:
        return k if given is None else int(given[k])

    rows = read_rows(P, n_states, "P", locate, renormalize=renormalize)
    state_ptr = np.concatenate([[0], np.cumsum(counts)])
    core = Core(rows, state_ptr, actions.astype(np.int32), n_actions, np.zeros(0))
    return _with_rewards(core, r, locate)


def outcomes_core(
    state: Any,
    action: Any,
    prob: Any,
    reward: Any,
    successor: Any,
    *,
    n_states: int | None,
    n_actions: int | None,
    renormalize: bool,
) -> Core:
    """One line per outcome ``(state, action, probability, reward, successor)``."""
    columns: dict[str, Any] = {
        name: as_indices(c, name) for name, c in (("state", state), ("action", action), ("successor", successor))
    }
    columns |= {name: as_floats(c, name) for name, c in (("prob", prob), ("reward", reward))}
    length = len(columns["state"])
    for name, column in columns.items():
        if column.shape != (length,):
            raise ShapeError(f"{name} must have shape ({length},) like state, found {column.shape}", argument=name)
    if length == 0:
        raise ShapeError("state and the other outcome columns are empty", argument="state")
    states, actions, successors = columns["state"], columns["action"], columns["successor"]
    check_probabilities(columns["prob"], "prob", lambda i: i)
    check_rewards(columns["reward"], "reward", lambda i: i)
    if n_states is None:
        n_states = int(max(np.max(states), np.max(successors))) + 1
    _check_range(successors, n_states, "successor", hint="; a terminal state is an absorbing state with reward 0")
    if n_states > length:
        # Some state owns no line: say so before one stray index makes arrays of its size.
        owners = np.unique(states)
        missing = np.flatnonzero(owners != np.arange(len(owners)))
        raise _no_action(int(missing[0]) if len(missing) else len(owners), "state")
    n_actions = _check_pair_indices(states, actions, n_states, n_actions)
    key, pair = np.unique(states * n_actions + actions, return_inverse=True)
    pair_state, pair_action = np.divmod(key, n_actions)
    counts = np.bincount(pair_state, minlength=n_states)
    _check_action_sets(counts, "state")
    # Merged before summed: a table read back from a file must meet the same sums and the same noise.
    table = merge_outcomes(pair, columns["prob"], columns["reward"], successors)
    sums: Floats = np.bincount(table.pair, weights=table.prob, minlength=len(key)).astype(np.float64)
    distance = check_row_sums(
        sums,
        "prob",
        lambda k: (int(pair_state[k]), int(pair_action[k])),
        renormalize=renormalize,
        label="prob of pair ",
    )
    longest = int(np.max(np.bincount(table.pair)))
    noise = sum_noise(longest)
    if distance > noise:
        table = replace(table, prob=table.prob / sums[table.pair])
        distance = noise
    rows = _marginal_rows(table, len(key), n_states)
    state_ptr = np.concatenate([[0], np.cumsum(counts)])
    core = Core(rows, state_ptr, pair_action.astype(np.int32), n_actions, np.zeros(0))
    if len(table) == rows.nnz:
        return _with_entry_rewards(core, table.reward)
    start = np.flatnonzero(np.diff(table.pair, prepend=-1))
    low, high = np.minimum.reduceat(table.reward, start), np.maximum.reduceat(table.reward, start)
    mean, error = _means(np.add.reduceat(table.prob * table.reward, start), low, high, longest, distance + noise)
    return replace(core, reward=mean, reward_error=error, outcome_table=table)


def _marginal_rows(table: Outcomes, n_pairs: int, n_states: int) -> SparseRows:
    """Add up the outcomes that share a successor."""
    first = np.ones(len(table), dtype=bool)
    first[1:] = (np.diff(table.pair) != 0) | (np.diff(table.successor) != 0)
    start = np.flatnonzero(first)
    prob = np.add.reduceat(table.prob, start) if len(start) < len(table) else table.prob
    lengths = np.bincount(table.pair[start], minlength=n_pairs)
    row_ptr = np.concatenate([[0], np.cumsum(lengths)])
    matrix = sp.csr_array((prob, table.successor[start].astype(np.int32), row_ptr), shape=(n_pairs, n_states))
    return rows_from_sparse(matrix, "prob", lambda k: k)


def replace_rewards(core: Core, r: Any) -> Core:
    """Return the same transitions with other rewards."""
    if not is_sparse(r):
        r = as_floats(r, "r")
    n_states, n_actions = len(core.state_ptr) - 1, core.n_actions
    pair_state = np.repeat(np.arange(n_states), np.diff(core.state_ptr))
    by_pair = (n_states, n_actions)
    has_gaps = len(pair_state) < n_states * n_actions
    if not is_sparse(r) and (r.shape == (*by_pair, n_states) or (r.shape == by_pair and has_gaps)):
        r = r[pair_state, core.pair_action]

    def locate(k: int) -> Any:
        return int(pair_state[k]), int(core.pair_action[k])

    return _with_rewards(replace(core, outcome_reward=None, outcome_table=None), r, locate)


def restore_rewards(core: Core, reward: Floats, values: Floats | None = None) -> Core:
    """Put back stored average rewards, to the last bit, after checking them against the outcomes they average."""
    if values is not None:
        stored = core.rows.matrix.shape if isinstance(core.rows, DenseRows) else core.rows.prob.shape
        if values.shape != stored:
            raise ShapeError(f"transition rewards have shape {values.shape}, not {stored}", argument="reward")
        check_rewards(values, "reward", unravel(stored))
        core = _with_entry_rewards(core, values)
    off = (
        np.abs(reward - core.reward) > 2 * (0.0 if core.reward_error is None else core.reward_error)
        if reward.shape == core.reward.shape
        else np.ones(1, bool)
    )
    if off.any():
        raise InputError("reward does not agree with the outcomes", argument="reward", index=int(np.argmax(off)))
    return replace(core, reward=reward)


def _with_rewards(core: Core, r: Any, locate: Locate) -> Core:
    """Attach rewards given per state, per pair or per transition."""
    rows, n_states = core.rows, len(core.state_ptr) - 1
    if is_sparse(r):
        return _with_entry_rewards(core, _sparse_entry_rewards(rows, r, locate))
    product = (n_states, core.n_actions)
    if r.shape == (n_states,) and n_states != rows.n_rows:
        check_rewards(r, "r", unravel(r.shape))
        return replace(core, reward=np.repeat(r, np.diff(core.state_ptr)), reward_error=None)
    if r.shape == (rows.n_rows,) or (r.shape == product and rows.n_rows == r.size):
        check_rewards(r, "r", locate if r.ndim == 1 else unravel(r.shape))
        return replace(core, reward=r.reshape(-1), reward_error=None)
    if r.shape in ((rows.n_rows, n_states), (*product, n_states)) and r.size == rows.n_rows * n_states:
        check_rewards(r, "r", lambda k: (*as_tuple(locate(k // n_states)), k % n_states))
        flat = r.reshape(rows.n_rows, n_states)
        if isinstance(rows, DenseRows):
            return _with_entry_rewards(core, flat)
        pair = np.repeat(np.arange(rows.n_rows), np.diff(rows.row_ptr))
        return _with_entry_rewards(core, flat[pair, rows.col])
    raise ShapeError(
        f"r must have shape ({n_states},), ({n_states}, {core.n_actions}) or"
        f" ({n_states}, {core.n_actions}, {n_states}), found {r.shape}",
        argument="r",
    )


def _sparse_entry_rewards(rows: Rows, r: Any, locate: Locate) -> Floats:
    """Read a sparse matrix of transition rewards at the transitions of the model; absent entries are 0."""
    if r.shape != (rows.n_rows, rows.n_columns):
        raise ShapeError(
            f"a sparse r must have the shape of P, ({rows.n_rows}, {rows.n_columns}), found {r.shape}",
            argument="r",
        )
    matrix = r.tocsr()

    def locate_entry(flat: int) -> Any:
        row = int(np.searchsorted(matrix.indptr, flat, side="right")) - 1
        return (*as_tuple(locate(row)), int(matrix.indices[flat]))

    check_rewards(as_floats(matrix.data, "r"), "r", locate_entry)
    if isinstance(rows, DenseRows):
        values = matrix.toarray()
    else:
        pair = np.repeat(np.arange(rows.n_rows), np.diff(rows.row_ptr))
        values = np.asarray(matrix[pair, rows.col]).reshape(-1)
    return np.ascontiguousarray(values, dtype=np.float64)


def _with_entry_rewards(core: Core, values: Floats) -> Core:
    """Attach rewards aligned with the stored transitions, averaging them for planning; constant rows stay exact."""
    rows = core.rows
    if isinstance(rows, SparseRows):
        start = rows.row_ptr[:-1]
        low, high = np.minimum.reduceat(values, start), np.maximum.reduceat(values, start)
        if np.array_equal(low, high):
            return replace(core, reward=low, reward_error=None)
        mean = np.add.reduceat(rows.prob * values, start)
    else:
        possible = rows.matrix > 0.0
        low = np.min(values, axis=1, where=possible, initial=np.inf)
        high = np.max(values, axis=1, where=possible, initial=-np.inf)
        if np.array_equal(low, high):
            return replace(core, reward=low, reward_error=None)
        mean = np.einsum("ks,ks->k", rows.matrix, values)
    mean, error = _means(mean, low, high, rows.longest_row, rows.sum_error)
    return replace(core, reward=mean, reward_error=error, outcome_reward=values)


def _means(mean: Floats, low: Floats, high: Floats, longest: int, sum_error: float) -> tuple[Floats, Floats]:
    """Return averaged rewards ``sum_j p_j r_j`` and bounds on their rounding; rewards that do not vary are exact."""
    constant = low == high
    error = ((longest + 2) * UNIT_ROUNDOFF + sum_error) * np.maximum(np.abs(low), np.abs(high))
    return np.where(constant, low, np.clip(mean, low, high)), np.where(constant, 0.0, error)


def _check_pair_indices(states: Ints, actions: Ints, n_states: int, n_actions: int | None) -> int:
    _check_range(states, n_states, "state")
    if n_actions is None:
        n_actions = int(np.max(actions)) + 1
    _check_range(actions, n_actions, "action")
    if n_actions > np.iinfo(np.int32).max:
        bad = int(np.argmax(actions))
        raise StateIndexError(
            f"action[{bad}] = {actions[bad]}; action ids must stay below 2^31",
            argument="action",
            index=bad,
            value=n_actions - 1,
        )
    return n_actions


def _check_range(index: Ints, count: int, argument: str, hint: str = "") -> None:
    if len(index) and (np.min(index) < 0 or np.max(index) >= count):
        bad = int(np.argmax((index < 0) | (index >= count)))
        raise StateIndexError(
            f"{argument}[{bad}] = {index[bad]} is outside 0..{count - 1}{hint}",
            argument=argument,
            index=bad,
            value=int(index[bad]),
        )


def _check_action_sets(counts: Ints, argument: str, hint: str = "") -> None:
    if np.min(counts) == 0:
        raise _no_action(int(np.argmin(counts)), argument, hint)


def _no_action(s: int, argument: str, hint: str = "") -> EmptyActionSetError:
    return EmptyActionSetError(f"{argument}: state {s} has no action{hint}", argument=argument, index=s, value=0)


def renormalize_flag(sum_to_one: str) -> bool:
    """Read the ``sum_to_one`` option."""
    if sum_to_one not in ("strict", "renormalize"):
        raise UnknownOptionError(
            f'sum_to_one must be "strict" or "renormalize", found {sum_to_one!r}',
            argument="sum_to_one",
            value=sum_to_one,
        )
    return sum_to_one == "renormalize"


def check_horizon(horizon: Any) -> int:
    """Read a number of steps, at least one."""
    if isinstance(horizon, bool) or not isinstance(horizon, (int, np.integer)) or horizon < 1:
        raise InputError(f"horizon must be a positive integer, found {horizon!r}", argument="horizon", value=horizon)
    return int(horizon)


def resolve(label: int | str, count: int, names: Sequence[str] | None, kind: str) -> int:
    """Turn an index or a name into an index."""
    if isinstance(label, str):
        if names is None or label not in names:
            raise StateIndexError(f"there is no {kind} named {label!r}", argument=kind, value=label)
        return names.index(label)
    if not isinstance(label, (int, np.integer)):
        raise StateIndexError(f"{kind} must be an index or a name, found {label!r}", argument=kind, value=label)
    if not 0 <= label < count:
        raise StateIndexError(f"{kind} {label} is outside 0..{count - 1}", argument=kind, value=label)
    return int(label)
