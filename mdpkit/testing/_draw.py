"""How the strategies draw: outcomes first, then the model in one of its stored forms, with its source as a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, MissingDependencyError
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.testing._arguments import count, real

try:
    from hypothesis import note
    from hypothesis import strategies as st
except ImportError as error:
    raise MissingDependencyError("the strategies need hypothesis: pip install 'mdpkit[test]'") from error

__all__ = ["choices", "deterministic", "finite_horizon", "read_limits", "linear", "st", "stochastic", "tabular"]

PARTS = 8
"""Probabilities are multiples of one eighth: exact in binary, readable, and equal often enough for ties."""
ALMOST = 1e-9
"""Near-degenerate rows hold this and the rest."""

Outcome: TypeAlias = tuple[int, int, float, float, int]
"""State, action, probability, reward, successor."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be drawn."""

    max_actions: int
    rewards: tuple[float, ...]
    random_rewards: bool | None


def read_limits(max_actions: Any, rewards: Any, random_rewards: bool | None) -> Limits:
    """Check what the user allows."""
    values = tuple(real(r, "rewards", i) for i, r in enumerate(choices(rewards, "rewards")))
    return Limits(count(max_actions, "max_actions"), values, random_rewards)


def choices(values: Sequence[Any], name: str) -> tuple[Any, ...]:
    """Refuse an empty list of choices."""
    found = tuple(values)
    if not found:
        raise InputError(f"{name} is empty: there is nothing to choose from", argument=name)
    return found


@st.composite
def _eighths(draw: st.DrawFn, size: int) -> list[float]:
    """Draw a distribution in multiples of one eighth; shrinks to all mass on the first entry."""
    left, law = PARTS, [0] * size
    for i in range(size - 1, 0, -1):
        law[i] = draw(st.integers(0, left))
        left -= law[i]
    law[0] = left
    return [k / PARTS for k in law]


@st.composite
def _rows(draw: st.DrawFn, size: int) -> list[float]:
    """Draw a row: one successor, all but 1e-9 on it, or eighths moved from it to others.

    What is drawn does not depend on `size` but for its range: so the shrinker can take a state away without losing its
    place.
    """
    target, other = draw(st.integers(0, size - 1)), draw(st.integers(0, size - 1))
    almost = draw(st.sampled_from((False, False, False, True)))
    if almost and other != target:
        return [{target: 1.0 - ALMOST, other: ALMOST}.get(t, 0.0) for t in range(size)]
    row = [0] * size
    row[target] = PARTS
    for t, parts in draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(1, PARTS // 2)), max_size=3)):
        moved = min(parts, row[target])
        row[target] -= moved
        row[t] += moved
    return [k / PARTS for k in row]


@st.composite
def _state_lines(
    draw: st.DrawFn, s: int, n_states: int, n_actions: int, rewards: tuple[float, ...], varies: bool
) -> list[Outcome]:
    """Draw the outcomes of one state."""
    kind = draw(st.sampled_from(("ordinary", "ordinary", "ordinary", "absorbing", "terminal")))
    if kind == "terminal":
        return [(s, 0, 1.0, 0.0, s)]
    lines: list[Outcome] = []
    before: list[Outcome] = []
    reward = st.sampled_from(rewards)
    missing = draw(st.sets(st.integers(0, n_actions - 1), max_size=n_actions - 1)) if draw(st.booleans()) else set()
    for a in sorted(set(range(n_actions)) - missing):
        if before and draw(st.sampled_from((False, False, True))):
            before = [(s, a, *line[2:]) for line in before]
        else:
            row = [float(t == s) for t in range(n_states)] if kind == "absorbing" else draw(_rows(n_states))
            before, same = [], None if varies else draw(reward)
            for successor, p in enumerate(row):
                if p > 0.0:
                    # Half of an entry apart: the same successor with two rewards.
                    halves = (p / 2, p / 2) if varies and draw(st.booleans()) else (p,)
                    before += [(s, a, q, draw(reward) if same is None else same, successor) for q in halves]
        lines += before
    return lines


@st.composite
def _models(
    draw: st.DrawFn, n_states: int, n_actions: int, allowed: Limits, gamma: float | None, *, named: bool = False
) -> TabularMDP:
    """Draw a model with given sizes and leave its source with hypothesis, which prints it if the example fails."""
    varies = draw(st.booleans()) if allowed.random_rewards is None else allowed.random_rewards
    states = [draw(_state_lines(s, n_states, n_actions, allowed.rewards, varies)) for s in range(n_states)]
    lines = [line for state in states for line in state]
    pairs = sorted({line[:2] for line in lines})
    rewards_of = {pair: {line[3] for line in lines if line[:2] == pair} for pair in pairs}
    keywords: dict[str, Any] = {"gamma": gamma}
    if named:
        # Names fix the number of actions where no state has the last one.
        keywords["action_names"] = [str(a) for a in range(n_actions)]
    if any(len(found) > 1 for found in rewards_of.values()):
        columns = [list(column) for column in zip(*lines, strict=True)]
        note(_source("from_outcomes", columns, {"n_states": n_states} | keywords))
        state, action, prob, reward, successor = columns
        return TabularMDP.from_outcomes(state, action, prob, reward, successor, n_states=n_states, **keywords)
    P = np.zeros((len(pairs), n_states))
    for s, a, p, _, t in lines:
        P[pairs.index((s, a)), t] += p
    state, action = [s for s, _ in pairs], [a for _, a in pairs]
    r = [next(iter(rewards_of[pair])) for pair in pairs]
    note(_source("from_pairs", [state, action, P.tolist(), r], keywords))
    return TabularMDP.from_pairs(state, action, sp.csr_array(P) if draw(st.booleans()) else P, r, **keywords)


def _source(constructor: str, arguments: list[Any], keywords: dict[str, Any]) -> str:
    shown = [repr(value) for value in arguments] + [f"{name}={value!r}" for name, value in keywords.items()]
    return f"TabularMDP.{constructor}({', '.join(shown)})"


@st.composite
def tabular(draw: st.DrawFn, max_states: int, allowed: Limits, gammas: tuple[float | None, ...]) -> TabularMDP:
    """Draw sizes, then a model."""
    n_states, n_actions = draw(st.integers(1, max_states)), draw(st.integers(1, allowed.max_actions))
    return draw(_models(n_states, n_actions, allowed, draw(st.sampled_from(gammas))))


@st.composite
def finite_horizon(
    draw: st.DrawFn, max_horizon: int, max_states: int, allowed: Limits, gammas: tuple[float, ...]
) -> FiniteHorizonMDP:
    """Draw one stage for all steps, or one for each."""
    horizon, n_states = draw(st.integers(1, max_horizon)), draw(st.integers(1, max_states))
    stage = _models(n_states, draw(st.integers(1, allowed.max_actions)), allowed, None, named=True)
    stages = [draw(stage)] * horizon if draw(st.sampled_from((True, False))) else [draw(stage) for _ in range(horizon)]
    gamma = draw(st.sampled_from(gammas))
    terminal = [draw(st.sampled_from(allowed.rewards)) for _ in range(n_states)] if draw(st.booleans()) else None
    note(f"... for {horizon} steps, gamma={gamma!r}, terminal_values={terminal!r}")
    return FiniteHorizonMDP.from_stages(stages, gamma=gamma, terminal_values=terminal)


@st.composite
def deterministic(draw: st.DrawFn, masks: list[Any], finite: bool) -> Ints:
    """Draw action ids, per step if `finite`."""
    rows = [[draw(st.sampled_from(np.flatnonzero(row).tolist())) for row in mask] for mask in masks]
    return np.array(rows if finite else rows[0], dtype=np.int64)


@st.composite
def stochastic(draw: st.DrawFn, masks: list[Any], finite: bool) -> Floats:
    """Draw action probabilities, per step if `finite`."""
    table = np.zeros((len(masks), *masks[0].shape))
    for h, mask in enumerate(masks):
        for s, row in enumerate(mask):
            table[h, s, row] = draw(_eighths(int(np.count_nonzero(row))))
    return table if finite else table[0]


@st.composite
def linear(draw: st.DrawFn, max_states: int, max_actions: int, max_features: int) -> tuple[Floats, Floats, Floats]:
    """Draw soft state aggregation: mixtures of `d` laws."""
    n_states, n_actions = draw(st.integers(1, max_states)), draw(st.integers(1, max_actions))
    d = draw(st.integers(1, max_features))
    phi = np.array([[draw(_eighths(d)) for _ in range(n_actions)] for _ in range(n_states)])
    mu = np.array([draw(_eighths(n_states)) for _ in range(d)])
    theta = np.array([draw(st.integers(0, PARTS)) / PARTS for _ in range(d)])
    return phi, mu, theta
