"""Laws of the return as distribution functions and as stems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError, NotStochasticError, ShapeError
from mdpkit.models._checks import as_floats
from mdpkit.plotting.style import COLORS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["law_cdf", "law_stems"]


class Law(Protocol):
    """Anything with increasing atoms `x` and their probabilities `p`, such as a `DiscreteLaw`."""

    @property
    def x(self) -> Any: ...

    @property
    def p(self) -> Any: ...


def law_cdf(
    laws: Mapping[str, Law],
    *,
    marks: Mapping[str, float] | None = None,
    xlabel: str = "return",
    ylabel: str = "probability of at most this return",
    ax: Axes | None = None,
) -> Axes:
    """Draw cumulative distribution functions as steps, one color per law.

    Parameters
    ----------
    laws : mapping of str to law
        One curve per name: objects with sorted atoms ``x`` and probabilities ``p`` of shape (n,), such as
        `mdpkit.distributional.DiscreteLaw`.
    marks : mapping of str to float, optional
        Values to mark, by name: a dotted vertical line in the color of the law of that name, in gray for other names
        (such as a target).
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
        There is no law, or atoms and probabilities do not fit.
    InputError
        Atoms are not increasing, or a number is not finite.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> import mdpkit.plotting as mp
    >>> from mdpkit.distributional import DiscreteLaw
    >>> gamble = DiscreteLaw([0, 3], [0.25, 0.75])
    >>> ax = mp.law_cdf({"gamble": gamble, "safe": DiscreteLaw.point(1)}, marks={"gamble": gamble.cvar(0.5)})
    >>> [line.get_label() for line in ax.get_lines()][:2]
    ['gamble', 'safe']
    """
    import matplotlib.pyplot as plt

    atoms = {name: _atoms(law, f"laws[{name!r}]") for name, law in laws.items()}
    if not atoms:
        raise ShapeError("laws must hold at least one law", argument="laws")
    values = _marks(marks)
    with style():
        if ax is None:
            ax = plt.subplots()[1]
        ends = [x[i] for x, _ in atoms.values() for i in (0, -1)]
        margin = 0.05 * (max(ends) - min(ends)) or 0.5
        colors = {}
        for name, (x, p) in atoms.items():
            level = np.concatenate([[0.0], np.cumsum(p), [1.0]])
            place = np.concatenate([[min(ends) - margin], x, [max(ends) + margin]])
            colors[name] = ax.plot(place, level, drawstyle="steps-post", label=name)[0].get_color()
        for name, value in values.items():
            ax.axvline(value, color=colors.get(name, "0.4"), ls=":", lw=1.4, label=f"_{name}")
        ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.02, 1.02), xlim=(min(ends) - margin, max(ends) + margin))
        ax.legend()
    return ax


def law_stems(
    law: Law,
    *,
    marks: Mapping[str, float] | None = None,
    xlabel: str = "return",
    ylabel: str = "probability",
    ax: Axes | None = None,
) -> Axes:
    """Draw the atoms of a law as stems with the height of their probabilities.

    Parameters
    ----------
    law : law
        Object with sorted atoms ``x`` and probabilities ``p`` of shape (n,), such as
        `mdpkit.distributional.DiscreteLaw`.
    marks : mapping of str to float, optional
        Values to mark with a dotted line each, by the name they get in the legend (such as "mean" or "CVaR 0.1").
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
        Atoms and probabilities do not fit.
    InputError
        Atoms are not increasing, or a number is not finite.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> import mdpkit.plotting as mp
    >>> from mdpkit.distributional import DiscreteLaw
    >>> law = DiscreteLaw([0, 1, 3], [0.5, 0.25, 0.25])
    >>> ax = mp.law_stems(law, marks={"mean": law.mean()})
    >>> len(ax.collections[0].get_segments())
    3
    """
    import matplotlib.pyplot as plt

    x, p = _atoms(law, "law")
    values = _marks(marks)
    with style():
        if ax is None:
            ax = plt.subplots()[1]
        # A line collection: a stem plot of matplotlib's own takes seconds for 1e5 atoms.
        ax.vlines(x, 0.0, p, color=COLORS[0], lw=1.4)
        if len(x) <= 200:
            ax.plot(x, p, "o", ms=4, color=COLORS[0])
        for color, (name, value) in zip(_cycle(len(values)), values.items(), strict=True):
            ax.axvline(value, color=color, ls=":", lw=1.6, label=name)
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.set_ylim(bottom=0.0)
        if values:
            ax.legend()
    return ax


def _cycle(count: int) -> list[str]:
    """Return that many colors, none of them the color of the stems."""
    return [COLORS[1 + i % (len(COLORS) - 1)] for i in range(count)]


def _atoms(law: Any, argument: str) -> tuple[Floats, Floats]:
    """Return atoms and probabilities as floats, checked."""
    root = argument.partition("[")[0]
    if not (hasattr(law, "x") and hasattr(law, "p")):
        raise InputError(f"{argument} must have atoms x and probabilities p, found {law!r}", argument=root, value=law)
    # Laws in exact mode hold fractions.
    x, p = (as_floats(np.asarray(values).astype(np.float64), argument) for values in (law.x, law.p))
    if x.ndim != 1 or x.shape != p.shape or len(x) == 0:
        raise ShapeError(
            f"{argument} must have x and p of shape (n,), n >= 1, found {x.shape} and {p.shape}", argument=root
        )
    if not np.all(np.isfinite(x)) or not np.all(np.diff(x) > 0):
        raise InputError(f"{argument} must have finite, increasing atoms", argument=root, value=x)
    if not np.all(p >= 0) or not abs(p.sum() - 1.0) <= 1e-8:
        raise NotStochasticError(f"{argument} must have probabilities that sum to 1", argument=root, value=p)
    return x, p


def _marks(marks: Mapping[str, float] | None) -> dict[str, float]:
    """Return finite values by name."""
    values = {name: float(value) for name, value in (marks or {}).items()}
    for name, value in values.items():
        if not np.isfinite(value):
            raise InputError(
                f"marks[{name!r}] must be finite, found {value}", argument="marks", index=name, value=value
            )
    return values
