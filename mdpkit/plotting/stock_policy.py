"""What a policy does at every state and stock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mdpkit.errors import InputError, ShapeError
from mdpkit.models._checks import as_floats
from mdpkit.plotting.style import COLORS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["policy_over_stock"]


def policy_over_stock(
    actions: Any,
    stocks: Any,
    *,
    action_names: Sequence[str] | None = None,
    state_names: Sequence[str] | None = None,
    xlabel: str = "stock",
    ax: Axes | None = None,
) -> Axes:
    """Draw the actions of a policy that looks at the stock: one row per state, one color per action.

    Parameters
    ----------
    actions : array_like of int, shape (S, N)
        Action in each state at each stock; -1 where there is none (never reached), left white.
    stocks : array_like, shape (N,)
        Increasing stocks; each cell extends half way to its neighbors.
    action_names : sequence of str, optional
        Names in the legend, by action id; by default "action 0", ...
    state_names : sequence of str, length S, optional
        Names of the rows; by default the state indices.
    xlabel : str
        Name of the horizontal axis.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure of fitting height.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        Shapes do not fit, or a name is missing.
    InputError
        An action is not an integer of at least -1, or stocks are not finite and increasing.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> import mdpkit.plotting as mp
    >>> ax = mp.policy_over_stock([[0, 0, 1], [1, -1, 1]], [-2, -1, 0], action_names=["gamble", "safe"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['gamble', 'safe']
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    table, grid = _check(actions, stocks)
    used = np.unique(table[table >= 0])
    most = int(used.max(initial=-1)) + 1
    names = [f"action {a}" for a in range(most)] if action_names is None else list(action_names)
    if len(names) < most:
        raise ShapeError(
            f"action_names must name actions 0..{most - 1}, found {len(names)} names", argument="action_names"
        )
    rows = [str(s) for s in range(len(table))] if state_names is None else list(state_names)
    if len(rows) != len(table):
        raise ShapeError(
            f"state_names must have one name per state, found {len(rows)} for {len(table)}", argument="state_names"
        )
    middle = (grid[1:] + grid[:-1]) / 2
    first, last = (middle[0], middle[-1]) if len(grid) > 1 else (grid[0] - 0.5, grid[0] + 0.5)
    edges = np.concatenate([[2 * grid[0] - first], middle, [2 * grid[-1] - last]])
    palette = [COLORS[a % len(COLORS)] for a in range(max(most, 1))]
    with style():
        if ax is None:
            ax = plt.subplots(figsize=(6.0, 1.2 + 0.35 * min(len(table), 20)))[1]
        ax.pcolormesh(
            edges,
            np.arange(len(table) + 1) - 0.5,
            np.ma.masked_less(table, 0),
            cmap=ListedColormap(palette),
            vmin=-0.5,
            vmax=len(palette) - 0.5,
            # Fine grids make large files and hairlines between vector cells.
            rasterized=True,
        )
        ax.set(xlabel=xlabel, ylabel="state", yticks=range(len(rows)), yticklabels=rows)
        ax.grid(False)
        ax.invert_yaxis()
        if len(used):
            ax.legend(
                handles=[Patch(color=palette[a], label=names[a]) for a in used],
                loc="lower left",
                bbox_to_anchor=(0.0, 1.0),
                ncols=min(len(used), 4),
            )
    return ax


def _check(actions: Any, stocks: Any) -> tuple[Any, Any]:
    """Return the table of actions and the stocks, checked."""
    table = np.asarray(actions)
    if table.ndim != 2 or table.size == 0:
        raise ShapeError(f"actions must have shape (S, N), found {table.shape}", argument="actions", value=table.shape)
    bad = np.argwhere(table < -1) if table.dtype.kind in "iu" else np.zeros((1, 2), dtype=int)
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        raise InputError(
            f"actions must be integers of at least -1, found {table[index]} at index {index}",
            argument="actions",
            index=index,
            value=table[index],
        )
    grid = as_floats(stocks, "stocks")
    if grid.shape != table.shape[1:]:
        raise ShapeError(
            f"stocks must have shape {table.shape[1:]}, found {grid.shape}", argument="stocks", value=grid.shape
        )
    if not np.all(np.isfinite(grid)) or not np.all(np.diff(grid) > 0):
        raise InputError("stocks must be finite and increasing", argument="stocks", value=grid)
    return table, grid
