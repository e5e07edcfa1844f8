"""Values of a grid world as a heat map, with the arrows of a policy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from mdpkit._typing import Bools, Floats
from mdpkit.errors import InputError, PolicyError, ShapeError, UnknownOptionError
from mdpkit.models._checks import as_floats
from mdpkit.plotting.style import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ACTION_ORDERS", "value_heatmap"]

_UP, _RIGHT, _DOWN, _LEFT = (-1, 0), (0, 1), (1, 0), (0, -1)

ACTION_ORDERS: Mapping[str, Mapping[int, tuple[int, int]]] = MappingProxyType(
    {
        "grid_world": {0: _UP, 1: _RIGHT, 2: _DOWN, 3: _LEFT},
        "CliffWalking": {0: _UP, 1: _RIGHT, 2: _DOWN, 3: _LEFT},
        "FrozenLake": {0: _LEFT, 1: _DOWN, 2: _RIGHT, 3: _UP},
    }
)
"""What the actions of well-known grid worlds do: action id -> (change of row, change of column)."""

PRINT_UP_TO = 12
"""Numbers are printed into the cells of grids with at most this many rows and columns."""


def value_heatmap(
    values: Any,
    shape: tuple[int, int],
    *,
    policy: Any = None,
    directions: str | Mapping[int, tuple[int, int]] = "grid_world",
    labels: Any = None,
    terminals: Any = None,
    walls: Any = None,
    print_values: bool | None = None,
    value_label: str = "value",
    cmap: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw state values on a grid, with an arrow for what the policy does in each cell.

    Parameters
    ----------
    values : array_like, shape (S,)
        Values, row by row. States beyond ``rows * cols``, such as an absorbing state appended by `mdpkit.io`, are
        ignored; so are theirs in every other argument.
    shape : (rows, cols)
        Size of the grid.
    policy : array_like of int, shape (S,), or float, shape (S, A), optional
        Actions, or action probabilities: then every action of probability at least 0.01 gets an arrow of that length.
    directions : {"grid_world", "CliffWalking", "FrozenLake"} or mapping, default "grid_world"
        What the actions do: action id -> (change of row, change of column). An action that does not move, ``(0, 0)``,
        is drawn as a dot.
    labels : sequence of str, optional
        A short label per cell, such as the tiles ``"SFFH..."`` of FrozenLake; blanks are not drawn.
    terminals, walls : array_like of bool or of state indices, optional
        Terminal cells get no arrow; walls get neither color, number nor arrow.
    print_values : bool, optional
        Whether to print the numbers; by default on grids of at most 12 x 12.
    value_label : str
        Label of the color bar.
    cmap : str, optional
        Color map; viridis by default.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure of fitting size.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        An array is shorter than the grid.
    PolicyError
        The policy uses an action without a direction.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> import mdpkit.plotting as mp
    >>> ax = mp.value_heatmap([0, 1, 2, 3], (2, 2), policy=[1, 2, 1, 0], terminals=[3])
    >>> sorted(text.get_text() for text in ax.texts)
    ['0', '1', '2', '3']
    """
    import matplotlib.pyplot as plt

    rows, cols = _read_shape(shape)
    cells = rows * cols
    numbers = _read_cells(as_floats(values, "values"), cells, "values")
    blocked = _read_mask(walls, cells, "walls")
    ended = _read_mask(terminals, cells, "terminals")
    tiles = None if labels is None else _read_labels(labels, cells)
    arrows = None if policy is None else _read_arrows(policy, cells, directions, ~(blocked | ended))
    if print_values is None:
        print_values = max(rows, cols) <= PRINT_UP_TO
    with style():
        if ax is None:
            ax = plt.subplots(figsize=(max(3.4, 0.72 * cols + 1.3), max(1.8, 0.72 * rows + 0.5)))[1]
        shown = np.ma.masked_array(numbers, mask=blocked | ~np.isfinite(numbers)).reshape(rows, cols)
        image = ax.imshow(shown, cmap=cmap)
        ax.set_facecolor("#B8B8B8")
        ax.grid(False)
        ax.set_xticks(np.arange(cols))
        ax.set_yticks(np.arange(rows))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set(xlabel="column", ylabel="row")
        ink = _ink(image, numbers, blocked)
        if print_values:
            # A value certified to be zero up to rounding should read as zero.
            negligible = 1e-9 * float(np.max(np.abs(shown.compressed()), initial=0.0))
            for cell in np.flatnonzero(~blocked & np.isfinite(numbers)):
                row, col = divmod(int(cell), cols)
                low = 0.33 if arrows is not None else 0.0
                ax.text(
                    col,
                    row + low,
                    _short(0.0 if abs(numbers[cell]) <= negligible else numbers[cell]),
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color=ink[cell],
                )
        if tiles is not None:
            for cell in np.flatnonzero([bool(tile.strip()) for tile in tiles]):
                row, col = divmod(int(cell), cols)
                font: dict[str, Any] = {
                    "ha": "left",
                    "va": "top",
                    "fontsize": 7.5,
                    "fontweight": "bold",
                    "color": ink[cell],
                }
                ax.text(col - 0.45, row - 0.45, tiles[cell], **font)
        if arrows is not None:
            _draw_arrows(ax, arrows, cols, ink, lift=0.1 if print_values else 0.0)
        # An inset keeps the bar as tall as the grid, whatever room the axes were given.
        bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.02, 0.0, 0.35 / cols, 1.0)), label=value_label)
        bar.outline.set_visible(False)
    return ax


def _draw_arrows(ax: Axes, arrows: Floats, cols: int, ink: list[str], lift: float) -> None:
    """Draw one arrow per line ``(cell, d_row, d_col, length)``; standing still is a dot."""
    cell = arrows[:, 0].astype(int)
    row, col = np.divmod(cell, cols)
    d_row, d_col = arrows[:, 1], arrows[:, 2]
    moving = (d_row != 0) | (d_col != 0)
    # One arrow alone is centered in its cell, the arrows of a mixed action start in the middle.
    mixed = (np.bincount(cell)[cell] > 1)[:, None]
    step = 0.52 * np.stack([d_col, d_row], axis=1) * arrows[:, 3:] * np.where(mixed, 0.7, 1.0)
    tail = np.stack([col, row - lift], axis=1) - np.where(mixed, 0.0, 0.5) * step
    for color in sorted(set(ink)):
        chosen = moving & np.array([ink[c] == color for c in cell], dtype=bool)
        if chosen.any():
            ax.quiver(
                *tail[chosen].T,
                *step[chosen].T,
                color=color,
                angles="xy",
                scale_units="xy",
                scale=1,
                units="xy",
                width=0.045,
                headwidth=4.5,
                headlength=4.5,
                headaxislength=4.0,
                minlength=0,
            )
    still = np.flatnonzero(~moving)
    if len(still):
        ax.scatter(col[still], row[still] - lift, s=14, c=[ink[c] for c in cell[still]])


def _read_shape(shape: tuple[int, int]) -> tuple[int, int]:
    sizes = tuple(shape)
    if len(sizes) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in sizes):
        raise ShapeError(f"shape must be (rows, cols), two positive integers, found {shape!r}", argument="shape")
    return int(sizes[0]), int(sizes[1])


def _read_cells(array: Any, cells: int, name: str) -> Any:
    if array.ndim != 1 or len(array) < cells:
        raise ShapeError(f"{name} must have at least {cells} entries, found shape {array.shape}", argument=name)
    return array[:cells]


def _read_mask(chosen: Any, cells: int, name: str) -> Bools:
    """Read a mask or a list of state indices."""
    array = np.zeros(0, dtype=int) if chosen is None else np.atleast_1d(np.asarray(chosen))
    if array.dtype == bool:
        return np.asarray(_read_cells(array.reshape(-1), cells, name), dtype=bool)
    if array.size and array.dtype.kind not in "iu":
        raise InputError(f"{name} must hold booleans or state indices, found dtype {array.dtype}", argument=name)
    if array.size and np.min(array) < 0:
        raise InputError(f"{name} holds the negative index {np.min(array)}", argument=name, value=int(np.min(array)))
    return np.isin(np.arange(cells), array)


def _read_labels(labels: Any, cells: int) -> list[str]:
    flat = list(labels) if isinstance(labels, str) else [str(tile) for tile in np.asarray(labels).reshape(-1)]
    if len(flat) < cells:
        raise ShapeError(f"labels must have at least {cells} entries, found {len(flat)}", argument="labels")
    return flat[:cells]


def _read_arrows(policy: Any, cells: int, directions: str | Mapping[int, tuple[int, int]], drawn: Bools) -> Floats:
    """Return one line ``(cell, d_row, d_col, length)`` per arrow."""
    if isinstance(directions, str):
        if directions not in ACTION_ORDERS:
            raise UnknownOptionError(
                f"directions must be a mapping or one of {', '.join(ACTION_ORDERS)}; found {directions!r}",
                argument="directions",
                value=directions,
            )
        directions = ACTION_ORDERS[directions]
    table = np.asarray(policy)
    if table.dtype.kind in "iu":
        chosen = _read_cells(table, cells, "policy")
        cell, action, length = np.arange(cells), chosen, np.ones(cells)
    else:
        weights = as_floats(policy, "policy")
        if weights.ndim != 2 or len(weights) < cells:
            raise ShapeError(
                f"policy must have shape (S,), integers, or (S, A); found {weights.dtype} of shape {weights.shape}",
                argument="policy",
            )
        cell, action = np.nonzero(weights[:cells] >= 0.01)
        length = weights[cell, action]
    cell, action, length = cell[drawn[cell]], action[drawn[cell]], length[drawn[cell]]
    for c, a in zip(cell.tolist(), action.tolist(), strict=True):
        if a not in directions:
            raise PolicyError(f"policy[{c}] = {a}, an action without a direction", argument="policy", index=c, value=a)
    steps = np.array([directions[a] for a in action.tolist()], dtype=np.float64).reshape(-1, 2)
    return np.column_stack([cell, steps, length])


def _ink(image: Any, numbers: Floats, blocked: Bools) -> list[str]:
    """Black or white, whichever can be read on the color of the cell."""
    rgb = image.cmap(image.norm(np.where(np.isfinite(numbers), numbers, 0.0)))[:, :3]
    luminance = rgb @ np.array([0.299, 0.587, 0.114])
    return ["black" if light or wall else "white" for light, wall in zip(luminance > 0.5, blocked, strict=True)]


def _short(value: float) -> str:
    """Print a value in at most six characters."""
    size = abs(value)
    if size == 0 or 1e-3 <= size < 1e4:
        text = f"{value:.3g}" if size < 100 else f"{value:.0f}"
        return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
