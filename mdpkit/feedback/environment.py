"""A model prepared for playing: the joint law of reward and successor as alias tables, stage by stage.

Private to the simulator, which shows none of it to a learner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import InputError, PolicyError, ShapeError
from mdpkit.feedback.alias import AliasTable
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.models._checks import ROW_SUM_TOLERANCE, as_floats


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Environment:
    """Flat arrays that the roll-out kernel reads."""

    start: AliasTable
    outcomes: AliasTable
    reward: Floats
    successor: Ints
    terminal: Bools
    pair_of: Ints
    """Row of `outcomes` of each ``(stage, state, action)``, -1 where the pair does not exist; shape ``(K, S, A)``."""
    stage_of: Ints
    """Stage of each step, shape ``(H,)``; a single zero when the law does not change with time."""

    def stages(self, horizon: int) -> Ints:
        """Return the stage of each of ``horizon`` steps."""
        return self.stage_of[:horizon] if len(self.stage_of) > 1 else np.zeros(horizon, dtype=np.int64)

    def stage(self, t: int) -> int:
        """Return the stage of step ``t``."""
        return int(self.stage_of[t]) if len(self.stage_of) > 1 else 0


def prepare(model: TabularMDP | FiniteHorizonMDP) -> Environment:
    """Build the tables of a model, ``O(nnz)``; a stage that occurs several times is stored once."""
    if not isinstance(model, (TabularMDP, FiniteHorizonMDP)):
        raise InputError(
            f"mdp must be a TabularMDP or a FiniteHorizonMDP, found {type(model).__name__}", argument="mdp"
        )
    if model.initial is None:
        raise InputError(
            "mdp has no initial distribution; pass initial= to the model or use with_initial()", argument="mdp"
        )
    stages = model.stages if isinstance(model, FiniteHorizonMDP) else (model,)
    distinct = list({id(stage): stage for stage in stages}.values())
    position = {id(stage): k for k, stage in enumerate(distinct)}
    lengths, columns = [np.zeros(1, dtype=np.int64)], []
    pair_of = np.full((len(distinct), model.n_states, model.n_actions), -1, dtype=np.int64)
    terminal = np.ones(model.n_states, dtype=bool)
    pairs = 0
    for k, stage in enumerate(distinct):
        table = stage.outcomes
        lengths.append(np.bincount(table.pair, minlength=stage.n_pairs))
        columns.append((table.prob, table.reward, table.successor))
        pair_of[k, stage.pair_state, stage.pair_action] = pairs + np.arange(stage.n_pairs)
        pairs += stage.n_pairs
        origin = stage.pair_state[table.pair]
        terminal[origin[(table.successor != origin) | (table.reward != 0)]] = False
    if isinstance(model, FiniteHorizonMDP):
        # Ending there early would hide the value that waits after the last step.
        terminal &= model.terminal_values == 0
    prob, reward, successor = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    homogeneous = len(distinct) == 1
    return Environment(
        start=AliasTable.build(np.array([0, model.n_states]), model.initial),
        outcomes=AliasTable.build(np.cumsum(np.concatenate(lengths)), prob),
        reward=reward,
        successor=successor,
        terminal=terminal,
        pair_of=pair_of,
        stage_of=np.array([0] if homogeneous else [position[id(stage)] for stage in stages], dtype=np.int64),
    )


def read_actions(policy: Any, environment: Environment, horizon: int) -> Ints:
    """Check a deterministic policy, ``(S,)`` or ``(H, S)``; return its first ``horizon`` steps or its only one."""
    _, n_states, n_actions = environment.pair_of.shape
    actions = np.asarray(policy).astype(np.int64)
    if actions.ndim not in (1, 2) or actions.shape[-1] != n_states:
        raise _shape_error(actions, n_states, n_actions)
    table = _first_steps(actions if actions.ndim == 2 else actions[None], actions.ndim == 2, horizon)
    known = (table >= 0) & (table < n_actions)
    stages = environment.stages(horizon)
    clipped = np.where(known, table, 0)
    bad = ~known
    if len(table) == len(stages):
        bad |= environment.pair_of[stages[:, None], np.arange(n_states), clipped] < 0
    else:
        for k in np.unique(stages):
            bad |= environment.pair_of[k, np.arange(n_states), clipped] < 0
    if bad.any():
        t, s = (int(i) for i in np.argwhere(bad)[0])
        index = (t, s) if actions.ndim == 2 else (s,)
        raise PolicyError(
            f"policy{list(index)} = {table[t, s]}, an action that state {s} does not have",
            argument="policy",
            index=index if actions.ndim == 2 else s,
            value=int(table[t, s]),
        )
    return np.ascontiguousarray(table)


def read_probabilities(policy: Any, environment: Environment, horizon: int) -> AliasTable:
    """Check a stochastic policy, ``(S, A)`` or ``(H, S, A)``; return one row of A cells per step and state."""
    _, n_states, n_actions = environment.pair_of.shape
    given = as_floats(policy, "policy")
    if given.ndim not in (2, 3) or given.shape[-2:] != (n_states, n_actions):
        raise _shape_error(given, n_states, n_actions)
    table = _first_steps(given if given.ndim == 3 else given[None], given.ndim == 3, horizon)
    stages = environment.stages(horizon)
    exists = environment.pair_of >= 0
    allowed = exists[stages] if len(table) == len(stages) else exists[np.unique(stages)].all(axis=0, keepdims=True)
    bad = ~((table >= 0) & (table < np.inf)) | (~allowed & (table > 0))
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        value = float(table[where])
        shown = where if given.ndim == 3 else where[1:]
        reason = "an action the state does not have" if 0 < value < np.inf else "not a probability"
        raise PolicyError(f"policy{list(shown)} = {value!r}: {reason}", argument="policy", index=shown, value=value)
    sums = np.sum(table, axis=2)
    off = np.abs(sums - 1.0) > ROW_SUM_TOLERANCE
    if off.any():
        where = tuple(int(i) for i in np.argwhere(off)[0])
        shown = where if given.ndim == 3 else where[1:]
        value = float(sums[where])
        raise PolicyError(
            f"policy{list(shown)} sums to {value!r}, not to 1", argument="policy", index=shown, value=value
        )
    return AliasTable.build(np.arange(table.shape[0] * n_states + 1) * n_actions, table.reshape(-1))


def _first_steps(table: Any, timed: bool, horizon: int) -> Any:
    if timed and len(table) < horizon:
        raise ShapeError(f"policy has {len(table)} steps, fewer than the horizon {horizon}", argument="policy")
    return table[:horizon]


def _shape_error(found: Any, n_states: int, n_actions: int) -> ShapeError:
    return ShapeError(
        f"a policy holds action ids, shape ({n_states},) or (H, {n_states}), or probabilities, shape ({n_states},"
        f" {n_actions}) or (H, {n_states}, {n_actions}), or offers act(state, t, memory); found {found.dtype} of shape"
        f" {found.shape}",
        argument="policy",
    )
