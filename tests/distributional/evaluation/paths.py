"""The oracle: laws of returns by listing every path, in fractions. It shares no code with the package's evaluation."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

import numpy as np

Law = dict[Any, Fraction]


def outcome_lists(mdp: Any) -> dict[tuple[int, int], list[tuple[Fraction, Fraction, int]]]:
    """Return ``(probability, reward, successor)`` by state and action; stored doubles divided by their exact sum."""
    table: dict[tuple[int, int], list[tuple[Fraction, Fraction, int]]] = defaultdict(list)
    outcomes = mdp.outcomes
    for k in range(len(outcomes)):
        pair = int(outcomes.pair[k])
        key = int(mdp.pair_state[pair]), int(mdp.pair_action[pair])
        line = Fraction(float(outcomes.prob[k])), Fraction(float(outcomes.reward[k])), int(outcomes.successor[k])
        table[key].append(line)
    for key, lines in table.items():
        total = sum(line[0] for line in lines)
        table[key] = [(p / total, r, s) for p, r, s in lines]
    return table


def law_by_paths(problem: Any, policy: Any, start: int, horizon: int, gamma: Fraction) -> Law:
    """Return the law of the return from `start`: one term per path, added up where returns are equal.

    `policy(t, state, rewards)` gives the probabilities of the actions after a history of rewards.
    """
    finite = hasattr(problem, "stages")
    tables = [outcome_lists(stage) for stage in (problem.stages if finite else [problem])]
    law: Law = defaultdict(Fraction)

    def walk(t: int, state: int, rewards: tuple[Fraction, ...], mass: Fraction) -> None:
        if t == horizon:
            last = Fraction(float(problem.terminal_values[state])) if finite else Fraction(0)
            law[sum((gamma**k * r for k, r in enumerate(rewards)), gamma**horizon * last)] += mass
            return
        for action, share in policy(t, state, rewards):
            for p, r, successor in tables[t if finite else 0][state, action]:
                walk(t + 1, successor, (*rewards, r), mass * share * p)

    walk(0, start, (), Fraction(1))
    return dict(law)


def table_policy(policy: Any) -> Any:
    """Read a policy array of any shape as a function of time and state."""
    array = np.asarray(policy)
    deterministic = array.dtype.kind in "iu"

    def rule(t: int, state: int, rewards: Any) -> list[tuple[int, Fraction]]:
        row = (array[t] if array.ndim == (2 if deterministic else 3) else array)[state]
        if deterministic:
            return [(int(row), Fraction(1))]
        shares = [Fraction(float(p)) for p in row]
        return [(a, p / sum(shares)) for a, p in enumerate(shares) if p > 0]

    return rule


def as_dict(law: Any) -> Law:
    """Return the atoms of a `DiscreteLaw` as a dictionary."""
    keys = law.x.tolist() if law.x.ndim == 1 else [tuple(row) for row in law.x.tolist()]
    return dict(zip(keys, law.p.tolist(), strict=True))
