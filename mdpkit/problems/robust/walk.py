"""Windy walk: three corridors to the goal, a shorter one in a stronger wind."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.errors import ShapeError
from mdpkit.models import ModelSet, TabularMDP
from mdpkit.problems._arguments import NAMED_STATES, check_probability

__all__ = ["windy_walk", "windy_walk_model"]

N_ROWS = 6
WALL_ROWS = (1, 3)
WIND_POWER = {0: 1, 2: 3, 4: 6, 5: 6}
"""Rows of the corridors, and the power of alpha that is their wind probability."""

STEPS = ((-1, 0), (1, 0), (0, 1), (0, -1))
"""north, south, east, west, as changes of (row, column)."""


def windy_walk(corridor_length: int = 3, *, alphas: Any = None, gamma: float = 0.95) -> ModelSet:
    r"""Windy walk: one unknown wind strength moves the rows of three corridors at once.

    A walker crosses from the upper left to the upper right corner; the wind blows west. The northern corridor is the
    shortest way and the windiest, the southern one the longest and the calmest. See `windy_walk_model` for the rules.

    Parameters
    ----------
    corridor_length : int, default 3
        Number of columns ``L`` of the corridors.
    alphas : array_like, optional
        Wind strengths in ``[0, 1]``, one model each; by default 25 equally spaced ones in ``[0, 1/2]``.
    gamma : float, default 0.95
        Discount factor below 1.

    Returns
    -------
    ModelSet
        The models in the order of ``alphas``.

    Notes
    -----
    Wind only hurts, so the largest ``alpha`` is the worst for every sensible policy, and the static value of the set
    equals the robust value of its (s,a)-rectangular hull: for ``L = 3`` it is
    :math:`-73055230061803/9186855520000 = -7.9521474897` at the start. Among the default strengths the optimal route is
    north for :math:`\alpha < 0.375` and middle from there on if ``L = 3``; if ``L = 20`` it is north at first, middle
    from 0.1042 on and south from 0.4583 on.

    References
    ----------
    .. [1] A. Zouitine, M. Geist, E. Rachelson, "Solving robust MDPs as a sequence of static RL problems", arXiv
       2410.06212, 2024, figure 1. The text fixes 36 cells, 6 of them walls, three corridors and the rules of the wind;
       where the walls stand is our choice.

    Examples
    --------
    >>> from mdpkit.problems.robust import windy_walk
    >>> windy_walk()
    ModelSet(25 models of 36 states and 4 actions, gamma=0.95)
    """
    if alphas is None:
        strengths = np.linspace(0.0, 0.5, 25)
    else:
        try:
            strengths = np.asarray(alphas, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ShapeError(f"alphas must be a list of numbers: {error}", argument="alphas") from error
    if strengths.ndim != 1 or strengths.size == 0:
        raise ShapeError(f"alphas must be a nonempty list, found shape {strengths.shape}", argument="alphas")
    return ModelSet(
        [
            windy_walk_model(check_probability(float(alpha), "alphas"), corridor_length=corridor_length, gamma=gamma)
            for alpha in strengths
        ]
    )


def windy_walk_model(alpha: float, *, corridor_length: int = 3, gamma: float | None = 0.95) -> TabularMDP:
    r"""Windy walk at one wind strength.

    Six rows of ``L + 3`` cells, row 0 in the north. Rows 1 and 3 are walls in columns ``1..L``, which leaves corridors
    in row 0 (north), row 2 (middle) and rows 4 and 5 (south). Every step costs 1 until the goal. Outside of corridors
    moves succeed; moves into walls or off the grid stay put. In a corridor *west* goes west for sure; any other action
    succeeds with probability ``1 - w`` and is blown one cell west with ``w``: :math:`\alpha` in the north,
    :math:`\alpha^3` in the middle, :math:`\alpha^6` in the south.

    Parameters
    ----------
    alpha : float
        Wind strength in ``[0, 1]``.
    corridor_length : int, default 3
        Number of columns ``L`` of the corridors.
    gamma : float, optional
        Discount factor; None for the undiscounted model.

    Returns
    -------
    TabularMDP
        ``6 (L + 3)`` states, row by row, actions *north*, *south*, *east*, *west*. The start is cell (0, 0); the goal
        (0, L+2) and the walls, which nobody enters, are absorbing with one action and reward 0.

    Notes
    -----
    For ``L = 3`` and the default discount the start is worth :math:`-(1 - 0.95^5)/0.05 = -4.52438125` at
    :math:`\alpha = 0`, -6.2296225533 at 1/4 and -7.9521474897 at 1/2; the policy that is optimal without wind is worth
    -10.2944132392 at 1/2.

    References
    ----------
    .. [1] A. Zouitine, M. Geist, E. Rachelson, "Solving robust MDPs as a sequence of static RL problems", arXiv
       2410.06212, 2024, figure 1.

    Examples
    --------
    >>> from mdpkit.problems.robust import windy_walk_model
    >>> model = windy_walk_model(0.5)
    >>> model.transition("(0, 2)", "east")[1:4].tolist(), model.transition("(2, 2)", "north")[13:15].tolist()
    ([0.5, 0.0, 0.5], [0.125, 0.875])
    """
    strength = check_probability(alpha, "alpha")
    length = check_count(corridor_length, "corridor_length")
    n_cols = length + 3
    goal = n_cols - 1
    state: list[int] = []
    action: list[int] = []
    reward: list[float] = []
    entries: list[tuple[int, int, float]] = []
    for s in range(N_ROWS * n_cols):
        row, col = divmod(s, n_cols)
        if s == goal or _is_wall(row, col, length):
            entries.append((len(state), s, 1.0))
            state.append(s)
            action.append(0)
            reward.append(0.0)
            continue
        wind = strength ** WIND_POWER[row] if row in WIND_POWER and 1 <= col <= length else 0.0
        for a in range(len(STEPS)):
            # west needs no wind: both its effects are the same cell
            entries.append((len(state), _target(row, col, a, length), 1.0 - wind))
            entries.append((len(state), s - 1 if wind else s, wind))
            state.append(s)
            action.append(a)
            reward.append(-1.0)
    names = [f"({row}, {col})" for row in range(N_ROWS) for col in range(n_cols)]
    return TabularMDP.from_pairs(
        state,
        action,
        _rows(entries, len(state), len(names)),
        reward,
        gamma,
        initial=0,
        state_names=names if len(names) <= NAMED_STATES else None,
        action_names=["north", "south", "east", "west"],
    )


def _is_wall(row: int, col: int, length: int) -> bool:
    return row in WALL_ROWS and 1 <= col <= length


def _target(row: int, col: int, action: int, length: int) -> int:
    """Return where a move ends without wind."""
    n_cols = length + 3
    down, right = STEPS[action]
    there = row + down, col + right
    inside = 0 <= there[0] < N_ROWS and 0 <= there[1] < n_cols
    if not inside or _is_wall(*there, length):
        there = row, col
    return there[0] * n_cols + there[1]


def _rows(entries: list[tuple[int, int, float]], n_pairs: int, n_states: int) -> sp.csr_array:
    """Add up entries of one transition and drop those of probability 0."""
    pair, successor, probability = zip(*entries, strict=True)
    values: Floats = np.array(probability)
    rows = sp.coo_array((values, (pair, successor)), shape=(n_pairs, n_states)).tocsr()
    rows.sum_duplicates()
    rows.eliminate_zeros()
    return rows
