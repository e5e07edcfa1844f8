"""Small random problems and their exact answers: what IWOCS is tested on.

The law is that of the project's reference counts: 3 or 4 states, two actions, two rows per pair, each either
deterministic or half-half on two states, integer rewards from -3 to 3, discount 0.9.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from mdpkit.models import FiniteSet, RobustMDP, TabularMDP
from tests.robust.exact import robust_values

GAMMA = 0.9
N_ACTIONS, N_ROWS = 2, 2


def problem_of(rows: Any, rewards: Any) -> RobustMDP:
    """Return the robust problem of candidate rows ``(S, A, K, S)`` and rewards ``(S, A)``."""
    return RobustMDP(TabularMDP(rows[:, :, 0], rewards, GAMMA), FiniteSet(rows))


def rows_of(first: Any, second: Any) -> Any:
    """Return rows that go to either of two states with probability one half (equal states: for sure)."""
    S = len(first)
    return 0.5 * (np.eye(S)[first] + np.eye(S)[second])


@st.composite
def small_models(draw: Any) -> tuple[Any, Any]:
    """Draw rows and rewards; equal rows, ties and unreachable states included."""
    S = draw(st.sampled_from([3, 4]))
    shape = (S, N_ACTIONS, N_ROWS)
    states = st.lists(st.integers(0, S - 1), min_size=4 * S, max_size=4 * S)
    first, second = (np.array(draw(states)).reshape(shape) for _ in range(2))
    sure = np.array(draw(st.lists(st.booleans(), min_size=4 * S, max_size=4 * S))).reshape(shape)
    rewards = np.array(draw(st.lists(st.integers(-3, 3), min_size=2 * S, max_size=2 * S))).reshape(S, 2)
    return rows_of(first, np.where(sure, first, second)), rewards.astype(float)


def random_model(rng: np.random.Generator) -> tuple[Any, Any]:
    """Draw rows and rewards from the reference law."""
    S = int(rng.integers(3, 5))
    shape = (S, N_ACTIONS, N_ROWS)
    first = rng.integers(S, size=shape)
    other = (first + rng.integers(1, S, size=shape)) % S
    second = np.where(rng.random(shape) < 0.5, first, other)
    return rows_of(first, second), rng.integers(-3, 4, size=(S, N_ACTIONS)).astype(float)


def exact_robust_values(rows: Any, rewards: Any) -> tuple[list[Fraction], dict[tuple[int, ...], list[Fraction]]]:
    """Return ``V*`` and the worst-case values of every policy, by enumeration in fractions."""
    S = len(rows)
    candidates = [
        (s, a, Fraction(rewards[s, a]), [law(rows[s, a, k]) for k in range(N_ROWS)])
        for s in range(S)
        for a in range(N_ACTIONS)
    ]
    return robust_values(candidates, Fraction(GAMMA))


def law(row: Any) -> dict[int, Fraction]:
    """Return a row as fractions."""
    return {t: Fraction(float(p)) for t, p in enumerate(row) if p}
