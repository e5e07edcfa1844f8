"""Grid worlds: slippery moves, pits and a goal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count, check_seed
from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import InputError
from mdpkit.models import TabularMDP
from mdpkit.problems._arguments import NAMED_STATES, check_number, check_probability

__all__ = ["grid_world"]

Cell: TypeAlias = tuple[int, int]

# Row and column steps of up, right, down, left: neighbors in this list are perpendicular.
STEPS = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])


def grid_world(
    n_rows: int,
    n_cols: int | None = None,
    *,
    gamma: float | None = 0.99,
    slip: float = 2 / 3,
    start: Cell = (0, 0),
    goal: Cell | None = None,
    pits: Iterable[Cell] | None = None,
    pit_fraction: float = 0.05,
    walls: Iterable[Cell] = (),
    step_reward: float = 0.0,
    goal_reward: float = 1.0,
    pit_reward: float = 0.0,
    seed: int | np.random.Generator = 0,
) -> TabularMDP:
    r"""Grid worlds: slippery moves, pits and a goal.

    Cell ``(row, col)`` is state ``row * n_cols + col``, row 0 on top. The actions are 0 *up*, 1 *right*, 2 *down*,
    3 *left*. A move goes where intended with probability ``1 - slip``, and to each of the two perpendicular directions
    with ``slip/2``; a move against the border or a wall stays where it is. Every move earns ``step_reward``, plus
    ``goal_reward`` or ``pit_reward`` when it enters the goal or a pit.

    Goal and pits are terminal: one absorbing action (id 0) with reward 0. Wall cells keep their numbers, so that values
    reshape to ``(n_rows, n_cols)``; no move enters them, and they too are absorbing with reward 0.

    Parameters
    ----------
    n_rows, n_cols : int
        Shape of the grid; square if ``n_cols`` is left out.
    gamma : float, optional
        Discount factor; None for the undiscounted model.
    slip : float, default 2/3
        Probability of not moving as intended; 0 is deterministic, 2/3 makes the three directions equally likely.
    start : (int, int), default (0, 0)
        Initial cell.
    goal : (int, int), optional
        Goal cell; the far corner by default.
    pits : iterable of (int, int), optional
        Pit cells; drawn at random if left out.
    pit_fraction : float, default 0.05
        How many pits to draw, as a share of all cells; used only if ``pits`` is left out. Start, goal and walls are
        never drawn. Nothing ensures that the goal can be reached.
    walls : iterable of (int, int)
        Wall cells.
    step_reward, goal_reward, pit_reward : float
        Rewards of a move and of what it enters.
    seed : int or numpy.random.Generator, default 0
        Draws the pits.

    Returns
    -------
    TabularMDP
        ``n_rows * n_cols`` states, sparse, with rewards that depend on the successor; 10^6 cells take a few seconds.

    Notes
    -----
    With ``slip=0`` and neither pits nor walls, a cell at distance :math:`d \ge 1` (rows plus columns) from the goal has

    .. math:: V = c \frac{1-\gamma^d}{1-\gamma} + \gamma^{d-1} g,

    where :math:`g` is ``goal_reward``, :math:`c \le 0` is ``step_reward``, as long as going there beats walking about
    for ever: :math:`V \ge c/(1-\gamma)`.

    The defaults are the slippery grid used for speed comparisons. Russell and Norvig's 4 x 3 world is
    ``grid_world(3, 4, gamma=1, slip=0.2, start=(2, 0), goal=(0, 3), pits=[(1, 3)], walls=[(1, 1)],
    step_reward=-0.04, pit_reward=-1)``; its values, by rows, are .812 .868 .918 / .762 wall .660 / .705 .655 .611 .388.

    References
    ----------
    .. [1] S. Russell, P. Norvig, *Artificial Intelligence: A Modern Approach*, 3rd edition, 2010, section 17.1.

    Examples
    --------
    >>> from mdpkit import problems
    >>> grid = problems.grid_world(3, slip=0.2, pits=[(1, 1)])
    >>> grid.transition("(2, 0)", "right").reshape(3, 3).tolist()
    [[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.1, 0.8, 0.0]]
    >>> grid.action_mask.sum(axis=1).reshape(3, 3).tolist()
    [[4, 4, 4], [4, 1, 4], [4, 4, 1]]
    """
    rows = check_count(n_rows, "n_rows")
    cols = rows if n_cols is None else check_count(n_cols, "n_cols")
    slip = check_probability(slip, "slip")
    share = check_probability(pit_fraction, "pit_fraction")
    step = check_number(step_reward, "step_reward")
    prizes = check_number(goal_reward, "goal_reward"), check_number(pit_reward, "pit_reward")
    shape = rows, cols
    start_state = int(_cells([start], shape, "start")[0])
    goal_state = int(_cells([(rows - 1, cols - 1) if goal is None else goal], shape, "goal")[0])
    wall = np.zeros(rows * cols, dtype=bool)
    wall[_cells(walls, shape, "walls")] = True
    for name, cell in (("start", start_state), ("goal", goal_state)):
        if wall[cell]:
            raise InputError(f"{name} = {divmod(cell, cols)} is a wall", argument=name, value=divmod(cell, cols))
    if pits is None:
        pit_states = _draw_pits(share, wall, start_state, goal_state, seed)
    else:
        pit_states = _cells(pits, shape, "pits")
        for cell in pit_states:
            if wall[cell] or cell == goal_state:
                what = "a wall" if wall[cell] else "the goal"
                where = divmod(int(cell), cols)
                raise InputError(f"pits holds {where}, which is {what}", argument="pits", value=where)
    terminal = np.zeros(rows * cols, dtype=bool)
    terminal[pit_states] = True
    terminal[goal_state] = True
    arrival = np.full(rows * cols, step)
    arrival[pit_states] += prizes[1]
    arrival[goal_state] += prizes[0]
    return _assemble(shape, wall, terminal, arrival, slip, gamma, start_state)


def _assemble(
    shape: tuple[int, int],
    wall: Bools,
    terminal: Bools,
    arrival: Floats,
    slip: float,
    gamma: float | None,
    start: int,
) -> TabularMDP:
    """Build the model: three outcomes for each of four moves in a live cell, one loop elsewhere."""
    n_states = len(wall)
    absorbing = wall | terminal
    target = _targets(shape, wall)
    count = np.where(absorbing, 1, 4)
    first = np.cumsum(count) - count
    n_pairs = int(count.sum())
    state = np.repeat(np.arange(n_states), count)
    action = np.arange(n_pairs) - np.repeat(first, count)
    entries = np.repeat(np.where(absorbing, 1, 3), count)
    row_ptr = np.concatenate([[0], np.cumsum(entries)])
    col = np.empty(row_ptr[-1], dtype=np.int32)
    prob = np.empty(row_ptr[-1])
    loop = row_ptr[:-1][entries == 1]
    col[loop], prob[loop] = np.flatnonzero(absorbing), 1.0
    live = entries == 3
    at = row_ptr[:-1][live]
    for offset, turn, weight in ((0, 0, 1.0 - slip), (1, 1, slip / 2), (2, 3, slip / 2)):
        col[at + offset] = target[state[live], (action[live] + turn) % 4]
        prob[at + offset] = weight
    P = sp.csr_array((prob, col, row_ptr.astype(np.int64)), shape=(n_pairs, n_states))
    # Moves that end in the same cell, as in a corner, are one transition.
    P.sum_duplicates()
    P.eliminate_zeros()
    gain = arrival[P.indices]
    gain[P.indptr[:-1][~live]] = 0.0
    names = [f"({i // shape[1]}, {i % shape[1]})" for i in range(n_states)] if n_states <= NAMED_STATES else None
    return TabularMDP.from_pairs(
        state,
        action,
        P,
        sp.csr_array((gain, P.indices, P.indptr), shape=P.shape),
        gamma,
        initial=start,
        state_names=names,
        action_names=["up", "right", "down", "left"],
    )


def _targets(shape: tuple[int, int], wall: Bools) -> Ints:
    """Return where each of the four moves ends, shape ``(S, 4)``, when nothing slips."""
    rows, cols = shape
    here = np.arange(rows * cols)
    row, col = np.divmod(here, cols)
    next_row, next_col = row[:, None] + STEPS[:, 0], col[:, None] + STEPS[:, 1]
    inside = (next_row >= 0) & (next_row < rows) & (next_col >= 0) & (next_col < cols)
    target = np.where(inside, next_row * cols + next_col, here[:, None])
    return np.where(wall[target], here[:, None], target)


def _draw_pits(share: float, wall: Bools, start: int, goal: int, seed: Any) -> Ints:
    free = ~wall
    free[[start, goal]] = False
    candidates = np.flatnonzero(free)
    size = min(round(share * len(wall)), len(candidates))
    return np.asarray(check_seed(seed).choice(candidates, size=size, replace=False))


def _cells(cells: Iterable[Cell], shape: tuple[int, int], argument: str) -> Ints:
    """Turn ``(row, col)`` pairs into state numbers."""
    array = np.asarray(list(cells))
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise InputError(f"{argument} must hold (row, col) pairs of integers, found {cells!r}", argument=argument)
    bad = np.flatnonzero(((array < 0) | (array >= shape)).any(axis=1))
    if bad.size:
        found = tuple(int(x) for x in array[bad[0]])
        raise InputError(
            f"{argument} holds {found}, outside the {shape[0]} x {shape[1]} grid",
            argument=argument,
            index=int(bad[0]),
            value=found,
        )
    return np.asarray(array[:, 0] * shape[1] + array[:, 1], dtype=np.int64)
