"""Reading features and demonstrations; every error names the argument, the index and the value found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import InputError, ShapeError, StateIndexError
from mdpkit.feedback import OfflineDataset
from mdpkit.models import FiniteHorizonMDP
from mdpkit.models._checks import as_floats
from mdpkit.preferences.irl.soft_model import SoftModel, Step, read_steps

__all__ = ["Demonstrations", "read_demonstrations", "read_features", "read_problem"]

LARGEST_FEATURE = 1e100
"""Larger features could overflow when they are squared and added up."""


@dataclass(frozen=True, eq=False, slots=True)
class Demonstrations:
    """What is known of the demonstrations: the model with the law of their first states, and their mean features.

    Attributes
    ----------
    model : SoftModel
        Features as the user gave them.
    mean : ndarray, shape (d,)
        Mean of the features of trajectories.
    count : int
        Number of trajectories.
    sampled : bool
        Whether trajectories were given, and not their mean alone.
    """

    model: SoftModel
    mean: Floats
    count: int
    sampled: bool


def read_problem(problem: Any, *, deterministic: bool) -> tuple[Step, ...]:
    """Read the transitions; refuse random ones if they must be `deterministic`."""
    if not isinstance(problem, FiniteHorizonMDP):
        raise InputError(
            f"problem must be a FiniteHorizonMDP, found {type(problem).__name__}; a TabularMDP becomes one by"
            " with_horizon(H)",
            argument="problem",
            value=problem,
        )
    if deterministic:
        for h, stage in enumerate(problem.stages):
            if h and stage is problem.stages[h - 1]:
                continue
            successors = np.diff(stage.rows.csr().indptr)
            if (successors != 1).any():
                k = int(np.argmax(successors != 1))
                s, a = int(stage.pair_state[k]), int(stage.pair_action[k])
                raise InputError(
                    f"problem: at step {h} the pair (state {s}, action {a}) has {successors[k]} successors, but"
                    " maxent_irl models choices among sure trajectories; use causal_maxent_irl for random transitions",
                    argument="problem",
                    index=(h, s, a),
                    value=int(successors[k]),
                )
    return read_steps(problem)


def read_features(features: Any, steps: tuple[Step, ...], n_states: int, n_actions: int) -> tuple[Floats, ...]:
    """Read the features of the pairs that exist, one ``(N, d)`` array per step; equal steps share theirs."""
    table = as_floats(features, "features")
    timed = table.ndim == 4
    wanted = (len(steps), n_states, n_actions) if timed else (n_states, n_actions)
    if table.ndim not in (3, 4) or table.shape[:-1] != wanted or table.shape[-1] == 0:
        raise ShapeError(
            f"features must have shape ({n_states}, {n_actions}, d) or ({len(steps)}, {n_states}, {n_actions}, d) with"
            f" d >= 1, found {table.shape}",
            argument="features",
        )
    known: dict[tuple[int, int], Floats] = {}
    for h, step in enumerate(steps):
        key = (id(step), h if timed else 0)
        if key in known:
            continue
        rows = np.asarray((table[h] if timed else table)[step.pair_state, step.pair_action])
        good = np.abs(rows) <= LARGEST_FEATURE
        if not good.all():
            k, j = (int(i) for i in np.argwhere(~good)[0])
            where = (*((h,) if timed else ()), int(step.pair_state[k]), int(step.pair_action[k]), j)
            raise InputError(
                f"features[{', '.join(map(str, where))}] = {float(rows[k, j])!r} must be finite and at most"
                f" {LARGEST_FEATURE:g} in magnitude",
                argument="features",
                index=where,
                value=float(rows[k, j]),
            )
        known[key] = rows
    return tuple(known[id(step), h if timed else 0] for h, step in enumerate(steps))


def read_demonstrations(
    demonstrations: Any, problem: FiniteHorizonMDP, steps: tuple[Step, ...], bases: tuple[Floats, ...]
) -> Demonstrations:
    """Read trajectories, or the mean of their features."""
    weights: Floats = np.power(problem.gamma, np.arange(problem.horizon), dtype=np.float64)
    if isinstance(demonstrations, OfflineDataset):
        visits, start, count = _count_visits(demonstrations, problem, steps, bases)
        model = SoftModel(steps, bases, weights, start)
        return Demonstrations(model, model.moments(visits), count, True)
    d = bases[0].shape[1]
    mean = as_floats(demonstrations, "demonstrations")
    if mean.shape != (d,):
        raise ShapeError(
            f"demonstrations must be an OfflineDataset or mean features of shape ({d},), found shape {mean.shape}",
            argument="demonstrations",
        )
    if not np.isfinite(mean).all():
        j = int(np.argmin(np.isfinite(mean)))
        raise InputError(
            f"demonstrations[{j}] = {float(mean[j])!r} must be finite",
            argument="demonstrations",
            index=j,
            value=float(mean[j]),
        )
    if problem.initial is None:
        raise InputError(
            "mean features do not tell where trajectories start; the problem needs an initial distribution (initial=)",
            argument="problem",
        )
    return Demonstrations(SoftModel(steps, bases, weights, problem.initial), mean, 1, False)


def _count_visits(
    data: OfflineDataset, problem: FiniteHorizonMDP, steps: tuple[Step, ...], bases: tuple[Floats, ...]
) -> tuple[list[Floats], Floats, int]:
    """Return how often the average trajectory is at every pair, the law of first states, and the number of episodes."""
    if len(data) == 0:
        raise InputError("demonstrations is empty", argument="demonstrations")
    order = np.lexsort((data.step, data.episode))
    first = np.diff(data.episode[order], prepend=-1) != 0
    starts = np.flatnonzero(first)
    last = np.append(starts[1:], len(order)) - 1
    n = len(starts)
    _check_steps(data, problem.horizon, order, starts)
    pairs = _check_transitions(data, steps, order, last)
    h = data.step[order]
    visits = [np.bincount(pairs[h == k], minlength=len(step.pair_state)) / n for k, step in enumerate(steps)]
    short = last[h[last] + 1 < problem.horizon]
    if len(short):
        _rest(data, steps, bases, order[short], visits, n)
    return visits, np.bincount(data.state[order[starts]], minlength=problem.n_states) / n, n


def _check_steps(data: OfflineDataset, H: int, order: Ints, starts: Ints) -> None:
    """Refuse episodes whose steps are not ``0, 1, ...``, with at most ``H`` of them."""
    lengths = np.diff(starts, append=len(order))
    wanted = np.arange(len(order)) - np.repeat(starts, lengths)
    found = data.step[order]
    bad = (found != wanted) | (found >= H)
    if bad.any():
        k = int(np.argmax(bad))
        line, episode = int(order[k]), int(data.episode[order[k]])
        reason = (
            f"but the problem has {H} steps" if found[k] == wanted[k] else f"where step {wanted[k]} should come next"
        )
        raise InputError(
            f"demonstrations.step[{line}] = {found[k]} in episode {episode}, {reason}",
            argument="demonstrations",
            index=line,
            value=int(found[k]),
        )


def _check_transitions(data: OfflineDataset, steps: tuple[Step, ...], order: Ints, last: Ints) -> Ints:
    """Return the pair of every line; refuse pairs and successors that the problem does not have."""
    S, h = len(steps[0].state_ptr) - 1, data.step[order]
    states, actions, successors = data.state[order], data.action[order], data.successor[order]
    for name, column in (("state", states), ("successor", successors)):
        _refuse(column >= S, order, name, column, StateIndexError, f"is not a state; states are 0..{S - 1}")
    jump = np.append(successors[:-1] != states[1:], False)
    jump[last] = False
    _refuse(jump, order, "successor", successors, InputError, "is not the state of the next step of its episode")
    pairs = np.full(len(order), -1)
    possible = np.zeros(len(order), dtype=bool)
    for step in {id(step): step for step in steps}.values():
        lines = np.flatnonzero(np.isin(h, [k for k, other in enumerate(steps) if other is step]))
        A = int(max(np.max(step.pair_action), np.max(actions))) + 1
        table = np.full((S, A), -1)
        table[step.pair_state, step.pair_action] = np.arange(len(step.pair_state))
        pairs[lines] = table[states[lines], actions[lines]]
        known = lines[pairs[lines] >= 0]
        possible[known] = step.probability(pairs[known], successors[known]) > 0.0
    _refuse(pairs < 0, order, "action", actions, StateIndexError, "is an action its state does not have")
    _refuse(~possible, order, "successor", successors, InputError, "has probability 0 after its state and action")
    return pairs


def _rest(
    data: OfflineDataset,
    steps: tuple[Step, ...],
    bases: tuple[Floats, ...],
    lines: Ints,
    visits: list[Floats],
    n: int,
) -> None:
    """Let episodes that ended early rest in the terminal state they entered, if nothing there depends on the action."""
    for line in lines:
        if not data.terminal[line]:
            raise InputError(
                f"demonstrations: episode {data.episode[line]} has {data.step[line] + 1} steps, but the problem has"
                f" {len(steps)}, and it did not end in a terminal state (line {line})",
                argument="demonstrations",
                index=int(line),
                value=int(data.step[line] + 1),
            )
    S = len(steps[0].state_ptr) - 1
    resting = np.zeros(S)
    for h, (step, base) in enumerate(zip(steps, bases, strict=True)):
        resting += np.bincount(data.successor[lines[data.step[lines] == h - 1]], minlength=S)
        for s in np.flatnonzero(resting):
            own = np.arange(step.state_ptr[s], step.state_ptr[s + 1])
            stays = step.probability(own, np.full(len(own), s)) > 1.0 - 1e-12
            if not (stays.all() and (base[own] == base[own[0]]).all()):
                line = int(lines[np.argmax((data.successor[lines] == s) & (data.step[lines] < h))])
                raise InputError(
                    f"demonstrations: episode {data.episode[line]} ended early in state {s}, but at step {h} the"
                    " actions of this state still matter; give all steps",
                    argument="demonstrations",
                    index=line,
                    value=int(s),
                )
            visits[h][own[0]] += resting[s] / n


def _refuse(bad: Bools, order: Ints, name: str, column: Ints, error: type[InputError], reason: str) -> None:
    if bad.any():
        # The first line of the dataset, which need not be sorted.
        k = int(np.flatnonzero(bad)[np.argmin(order[bad])])
        raise error(
            f"demonstrations.{name}[{order[k]}] = {column[k]} {reason}",
            argument="demonstrations",
            index=int(order[k]),
            value=int(column[k]),
        )
