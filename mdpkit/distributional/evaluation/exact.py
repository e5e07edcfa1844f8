"""Exact laws over a horizon, backwards in time: every atom is kept."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from mdpkit._typing import Bools, Ints
from mdpkit.bounds import return_truncation_error
from mdpkit.distributional.evaluation.process import Array, Process, StepLaws
from mdpkit.distributional.laws.merging import Atoms, canonical

CHUNK = 4
"""A backup holds at most this many times the cap before it merges what it has."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class ExactLaws:
    """Atoms of each start, bounds on the W1 errors of merging and of truncation, and the most atoms held at a time."""

    atoms: dict[int, Atoms]
    merged_error: float
    truncation_error: float
    peak_atoms: int


def sure_end(process: Process, starts: Ints | None = None) -> int | None:
    """Return the number of steps after which every path from `starts` has been absorbed; None if there is none."""
    reached = _indicator(process, starts)
    for t in range(len(process.steps) + process.n_states + 1):
        if not (reached & ~process.terminal).any():
            return t
        reached = _successors(process.step(t), reached)
    return None


def exact_laws(process: Process, horizon: int, starts: Ints | None, max_atoms: int) -> ExactLaws:
    """Return the laws of the return over `horizon` steps from the given states (from all by default).

    ``eta_H(s) = delta(ending(s))`` and ``eta_t(s) = sum_j p_j law(r_j + gamma X_j)``, ``X_j ~ eta_{t+1}(s_j)``, for the
    states that can be met at time ``t``. Equal atoms are merged; floats also when no further apart than rounding.
    """
    reached = [_indicator(process, starts)]
    for t in range(horizon):
        reached.append(_successors(process.step(t), reached[-1]))
    dimension = process.steps[0].reward.shape[1:]
    laws = {int(s): _point(process.ending[s], dimension) for s in np.flatnonzero(reached[-1])}
    gamma, error = process.gamma, 0.0
    peak = len(laws)
    for t in reversed(range(horizon)):
        step = process.step(t)
        laws = {
            s: laws[s] if process.terminal[s] else backup(step, s, gamma, laws, max_atoms)
            for s in map(int, np.flatnonzero(reached[t]))
        }
        error = float(np.max(gamma)) * error + max(law.merged_error for law in laws.values())
        peak = max(peak, sum(len(law.p) for law in laws.values()))
    running = bool((reached[-1] & ~process.terminal).any())
    tail = truncation_error(process, horizon) if running and not process.asked else 0.0
    return ExactLaws(laws, error, tail, peak)


def backup(step: StepLaws, s: int, gamma: Any, laws: dict[int, Atoms], max_atoms: int) -> Atoms:
    """Return the law of ``R + gamma X(S')`` in state `s`, where `laws` holds those of the successors."""
    x: list[Array] = []
    p: list[Array] = []
    held, error = 0, 0.0
    for j in range(step.ptr[s], step.ptr[s + 1]):
        law = laws[int(step.successor[j])]
        if held > CHUNK * max_atoms:
            done = canonical(np.concatenate(x), np.concatenate(p), merge_tol=None, max_atoms=max_atoms)
            x, p, held, error = [done.x], [done.p], len(done.p), error + done.merged_error
        x.append(step.reward[j] + gamma * law.x)
        p.append(step.prob[j] * law.p)
        held += len(law.p)
    done = canonical(np.concatenate(x), np.concatenate(p), merge_tol=None, max_atoms=max_atoms)
    return Atoms(done.x, done.p, error + done.merged_error)


def truncation_error(process: Process, horizon: int) -> float:
    """Bound the return after the horizon: ``gamma^H max |R| / (1 - gamma)``, in the Euclidean norm for vectors."""
    later = process.steps[min(horizon, len(process.steps) - 1) :]
    size = np.max([np.max(np.abs(step.reward), axis=0) for step in later], axis=0)
    pairs = zip(np.atleast_1d(process.gamma), np.atleast_1d(size), strict=True)
    each = [
        0.0 if r == 0 else return_truncation_error(gamma=float(g), horizon=horizon, reward_max=float(r))
        for g, r in pairs
        if g < 1
    ]
    return float(np.linalg.norm(each)) if each else 0.0


def _point(value: Any, dimension: tuple[int, ...]) -> Atoms:
    """Return the law of the last state's worth; vectors end with nothing."""
    exact = isinstance(value, Fraction)
    kind = object if exact else np.float64
    x = np.full((1, *dimension), value, dtype=kind)
    return Atoms(x, np.array([Fraction(1) if exact else 1.0], dtype=kind), 0.0)


def _indicator(process: Process, starts: Ints | None) -> Bools:
    reached = np.zeros(process.n_states, dtype=bool)
    reached[slice(None) if starts is None else starts] = True
    return reached


def _successors(step: StepLaws, reached: Bools) -> Bools:
    following = np.zeros(len(reached), dtype=bool)
    following[step.successor[reached[step.state]]] = True
    return following
