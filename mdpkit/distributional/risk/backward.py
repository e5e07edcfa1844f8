"""Backward recursions on laws: mix what an action leads to, then combine the actions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.risk.problem import RiskProblem, Stage

__all__ = ["action_laws", "backward_laws", "start_law"]


def action_laws(stage: Stage, state: int, following: list[DiscreteLaw], gamma: float, cap: int) -> list[DiscreteLaw]:
    """Return the law of ``R + gamma X`` for each action of a state, ``X`` the law of the successor."""
    laws = []
    for pair in stage.pairs(state):
        at = stage.outcomes(pair)
        moved = [
            following[s].affine(r, gamma)
            for r, s in zip(stage.reward[at].tolist(), stage.successor[at].tolist(), strict=True)
        ]
        laws.append(moved[0] if len(moved) == 1 else DiscreteLaw.mixture(stage.prob[at], moved, max_atoms=cap))
    return laws


def backward_laws(
    problem: RiskProblem, combine: Callable[[list[DiscreteLaw]], DiscreteLaw], cap: int
) -> tuple[list[list[DiscreteLaw]], int]:
    """Return the laws of every time and state, times ``0..H``, and how many atoms they have together."""
    laws = [[DiscreteLaw.point(x) for x in problem.ending.tolist()]]
    for t in range(problem.steps() - 1, -1, -1):
        stage, following = problem.stage(t), laws[-1]
        row = []
        for s in range(problem.n_states):
            if problem.terminal[s]:
                row.append(following[s])
                continue
            choices = action_laws(stage, s, following, problem.gamma, cap)
            row.append(choices[0] if len(choices) == 1 else combine(choices))
        laws.append(row)
    return laws[::-1], sum(len(law) for row in laws for law in row)


def start_law(problem: RiskProblem, laws: list[DiscreteLaw]) -> DiscreteLaw:
    """Mix the laws of the initial states."""
    states = np.flatnonzero(problem.start)
    if len(states) == 1:
        return laws[int(states[0])]
    return DiscreteLaw.mixture(problem.start[states], [laws[s] for s in states.tolist()])
