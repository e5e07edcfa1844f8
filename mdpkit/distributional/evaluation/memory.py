"""Exact laws of policies with memory, forwards in time: every reachable (state, reward so far, memory) is visited."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from mdpkit.distributional.evaluation.process import (
    Array,
    check_model,
    fractions,
    outcome_probabilities,
)
from mdpkit.distributional.laws.merging import Atoms, canonical
from mdpkit.errors import ExplosionError, InputError, PolicyError
from mdpkit.models import FiniteHorizonMDP, TabularMDP

DIGITS = 1e11
"""Numbers that agree to this relative precision are one key; policies see the first of them."""

CHECKED = 64
"""The first so many actions are asked for twice, to refuse policies that draw them at random."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Enumeration:
    """The law of the return from one state, and the most nodes alive at a time."""

    atoms: Atoms
    merged_error: float
    peak_nodes: int
    running: bool
    """Whether some path was not absorbed when the horizon came."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class StageTable:
    """Outcomes of one stage, as lists, by pair."""

    pair_of: list[list[int]]
    outcomes: list[list[tuple[Any, Any, int]]]


class Table:
    """A model as Python lists, which a loop over policy objects reads fastest; built once for all starts."""

    def __init__(self, mdp: TabularMDP | FiniteHorizonMDP, *, exact: bool) -> None:
        check_model(mdp)
        stages = mdp.stages if isinstance(mdp, FiniteHorizonMDP) else (mdp,)
        built = {id(stage): _stage_table(stage, exact) for stage in stages}
        self.stages = [built[id(stage)] for stage in stages]
        ending: Array = mdp.terminal_values if isinstance(mdp, FiniteHorizonMDP) else np.zeros(mdp.n_states)
        self.ending = (fractions(ending) if exact else ending).tolist()
        terminal = np.asarray(ending == 0)
        for stage in {id(stage): stage for stage in stages}.values():
            outcomes = stage.outcomes
            origin = stage.pair_state[outcomes.pair]
            terminal[origin[(outcomes.successor != origin) | (outcomes.reward != 0)]] = False
        self.terminal = terminal.tolist()

    def stage(self, t: int) -> StageTable:
        """Return the outcomes of time ``t``."""
        return self.stages[min(t, len(self.stages) - 1)]


def enumerate_forward(
    table: Table, policy: Any, start: int, *, horizon: int, gamma: Any, exact: bool, max_atoms: int
) -> Enumeration:
    """Follow a policy object from `start` along every path at once.

    Paths that meet in time, state, accumulated reward ``y_t = sum_{k<t} gamma^k r_k`` and memory are one node. The
    stock ``c_t = (c_0 + y_t) / gamma^t`` would lose digits as a key, because it grows.
    """
    one: Any = Fraction(1) if exact else 1.0
    nodes: dict[Hashable, list[Any]] = {None: [start, one * 0, None, one]}
    ended: list[tuple[Any, Any]] = []
    observe = getattr(policy, "observe", None)
    error, peak, scale, running, asked = 0.0, 1, one, False, 0
    for t in range(horizon):
        following: dict[Hashable, list[Any]] = {}
        stage = table.stage(t)
        for state, y, memory_before, mass in nodes.values():
            if table.terminal[state]:
                ended.append((y, mass))
                continue
            action, memory = policy.act(state, t, memory_before)
            if asked < CHECKED:
                asked += 1
                _check_repeatable(policy, state, t, memory_before, action)
            pair = _pair(stage, state, t, action)
            for prob, reward, successor in stage.outcomes[pair]:
                told = memory if observe is None else observe(state, t, memory, action, reward, successor)
                reached, share = y + scale * reward, mass * prob
                key = (successor, _key(reached), _key(told))
                node = following.get(key)
                if node is None:
                    following[key] = [successor, reached, told, share]
                else:
                    node[3] += share
                    if not exact:
                        error += share * abs(reached - node[1])
        if len(following) + len(ended) > max_atoms:
            raise ExplosionError(
                f"{len(following) + len(ended)} triples of state, reward so far and memory were reached at step"
                f" {t + 1}, more than max_atoms = {max_atoms}",
                argument="max_atoms",
                count=len(following) + len(ended),
                cap=max_atoms,
            )
        nodes = following
        peak = max(peak, len(nodes) + len(ended))
        scale = scale * gamma
        if not nodes:
            break
    for state, y, _, mass in nodes.values():
        running = running or not table.terminal[state]
        ended.append((y + scale * table.ending[state], mass))
    kind = object if exact else np.float64
    x, p = (np.array(column, dtype=kind) for column in zip(*ended, strict=True))
    atoms = canonical(x, p, merge_tol=None, max_atoms=max_atoms)
    return Enumeration(atoms, error + atoms.merged_error, peak, running)


def _pair(stage: StageTable, state: int, t: int, action: Any) -> int:
    """Return the pair of the action a policy object takes."""
    row = stage.pair_of[state]
    whole = isinstance(action, (int, np.integer)) and not isinstance(action, bool)
    pair = row[action] if whole and 0 <= action < len(row) else -1
    if pair < 0:
        raise PolicyError(
            f"policy.act({state}, {t}, memory) = {action!r}, an action that state {state} does not have",
            argument="policy",
            index=(t, state),
            value=action,
        )
    return pair


def _check_repeatable(policy: Any, state: int, t: int, memory: Any, action: Any) -> None:
    """Refuse a policy that answers the same question in two ways."""
    again = policy.act(state, t, memory)[0]
    if again != action:
        raise PolicyError(
            f"policy.act({state}, {t}, memory) answered {action} and then {again}: the law of a policy that draws its"
            " actions needs their probabilities; pass them as a table, or a MixturePolicy of deterministic policies",
            argument="policy",
            index=(t, state),
            value=action,
        )


def _key(value: Any) -> Hashable:
    """Return what stands for a number or a memory in a key: floats that differ by rounding only agree."""
    if isinstance(value, float):
        exponent = math.frexp(abs(value) + 1.0)[1]
        return round(math.ldexp(value, -exponent) * DIGITS), exponent
    if isinstance(value, tuple):
        return tuple(_key(part) for part in value)
    if isinstance(value, np.ndarray):
        return tuple(_key(part) for part in value.tolist())
    try:
        hash(value)
    except TypeError as error:
        raise InputError(
            f"policy keeps a memory of type {type(value).__name__}, which is not hashable; laws need memories that can"
            " be compared: numbers, tuples, arrays or frozen objects",
            argument="policy",
        ) from error
    return value  # type: ignore[no-any-return]


def _stage_table(stage: TabularMDP, exact: bool) -> StageTable:
    pair_of = np.full((stage.n_states, stage.n_actions), -1, dtype=np.int64)
    pair_of[stage.pair_state, stage.pair_action] = np.arange(stage.n_pairs)
    outcomes = stage.outcomes
    prob = outcome_probabilities(stage) if exact else outcomes.prob
    reward = fractions(outcomes.reward) if exact else outcomes.reward
    lists: list[list[tuple[Any, Any, int]]] = [[] for _ in range(stage.n_pairs)]
    for pair, p, r, successor in zip(
        outcomes.pair.tolist(), prob.tolist(), reward.tolist(), outcomes.successor.tolist(), strict=True
    ):
        lists[pair].append((p, r, successor))
    return StageTable(pair_of.tolist(), lists)
