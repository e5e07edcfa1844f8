"""The exact law of the return of a policy that knows time, state and the rewards so far, by forward enumeration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.laws.merging import MAX_ATOMS
from mdpkit.distributional.risk.problem import RiskProblem
from mdpkit.errors import ExplosionError

__all__ = ["Rule", "law_of_rule", "markov_rule"]

Rule = Callable[[int, Ints, Floats], Ints]
"""``rule(t, states, rewards so far)`` returns the pair chosen at each of many states, shape ``(n,)``."""


def markov_rule(pairs: Ints) -> Rule:
    """Return the rule of a table of pairs, shape ``(H, S)``."""
    return lambda t, states, _: pairs[t, states]


def law_of_rule(problem: RiskProblem, rule: Rule, *, cap: int = MAX_ATOMS) -> tuple[DiscreteLaw, int]:
    """Return the law of the return under a rule, and how many (time, state, rewards so far) were reached.

    Sums of rewards that differ by less than 1e-12 of their size are one.

    Raises
    ------
    ExplosionError
        More than `cap` combinations at one time.
    """
    states = np.flatnonzero(problem.start)
    mass = problem.start[states]
    gained = np.zeros(len(states))
    reached = len(states)
    for t in range(problem.steps()):
        stage = problem.stage(t)
        pairs = rule(t, states, gained)
        size = np.diff(stage.ptr)[pairs]
        total = int(size.sum())
        source = np.repeat(np.arange(len(pairs)), size)
        at = np.arange(total) - np.repeat(np.cumsum(size) - size, size) + np.repeat(stage.ptr[pairs], size)
        y = gained[source] + problem.gamma**t * stage.reward[at]
        states, gained, mass = _merged(stage.successor[at], y, mass[source] * stage.prob[at])
        reached += len(states)
        if len(states) > cap:
            raise ExplosionError(
                f"the policy reaches {len(states)} combinations of state and rewards at time {t + 1}, more than "
                f"{cap}; shorten the horizon",
                argument="horizon",
                count=len(states),
                cap=cap,
            )
    return DiscreteLaw(gained + problem.gamma ** problem.steps() * problem.ending[states], mass), reached


def _merged(states: Ints, y: Floats, mass: Floats) -> tuple[Ints, Floats, Floats]:
    order = np.lexsort((y, states))
    states, y, mass = states[order], y[order], mass[order]
    first = np.ones(len(y), dtype=bool)
    first[1:] = (np.diff(states) != 0) | (np.diff(y) > 1e-12 * (1.0 + float(np.max(np.abs(y)))))
    at = np.flatnonzero(first)
    return states[at], y[at], np.add.reduceat(mass, at)
