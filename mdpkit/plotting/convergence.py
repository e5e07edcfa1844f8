"""Error against sweeps on a logarithmic axis, with the rate that theory predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mdpkit.errors import InputError, ShapeError
from mdpkit.models._checks import as_floats
from mdpkit.plotting.style import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["convergence"]


def convergence(
    errors: Mapping[str, Any],
    *,
    rate: float | None = None,
    rate_label: str | None = None,
    xlabel: str = "sweeps",
    ylabel: str = "error (sup-norm)",
    ax: Axes | None = None,
) -> Axes:
    """Draw error curves on a logarithmic axis.

    Parameters
    ----------
    errors : mapping of str to array_like, shape (T,)
        One curve per name: the error after sweeps ``0..T-1``. Zeros (an exact answer) are not drawn.
    rate : float, optional
        Contraction factor in ``(0, 1)`` whose line ``errors[first][0] * rate**t`` is drawn for comparison.
    rate_label : str, optional
        Its entry in the legend.
    xlabel, ylabel : str
        Names of the axes.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        A curve is empty or has more than one axis.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> import mdpkit.plotting as mp
    >>> ax = mp.convergence({"value iteration": [1, 0.5, 0.25]}, rate=0.9)
    >>> [line.get_label() for line in ax.get_lines()]
    ['value iteration', 'rate 0.9']
    """
    import matplotlib.pyplot as plt

    curves = {name: as_floats(curve, f"errors[{name!r}]") for name, curve in errors.items()}
    if not curves:
        raise ShapeError("errors must hold at least one curve", argument="errors")
    for name, curve in curves.items():
        if curve.ndim != 1 or curve.size == 0:
            raise ShapeError(
                f"errors[{name!r}] must have shape (T,), T >= 1, found {curve.shape}", argument="errors", index=name
            )
    if rate is not None and not 0.0 < rate < 1.0:
        raise InputError(f"rate must lie in (0, 1), found {rate!r}", argument="rate", value=rate)
    with style():
        if ax is None:
            ax = plt.subplots()[1]
        for name, curve in curves.items():
            ax.plot(np.arange(len(curve)), np.where(curve > 0.0, curve, np.nan), label=name)
        if rate is not None:
            sweeps = np.arange(max(len(curve) for curve in curves.values()))
            start = next(iter(curves.values()))[0]
            # Below the smallest error drawn the line would only stretch the axis.
            floor = min(float(np.min(curve[curve > 0.0], initial=start)) for curve in curves.values())
            line = np.where(start * rate**sweeps >= 0.5 * floor, start * rate**sweeps, np.nan)
            ax.plot(sweeps, line, color="black", ls="--", lw=1.0, zorder=3, label=rate_label or f"rate {rate:g}")
        ax.set(yscale="log", xlabel=xlabel, ylabel=ylabel)
        ax.legend()
    return ax
