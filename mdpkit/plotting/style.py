"""The house style: colors everyone can tell apart, no chart junk, text that stays text."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from cycler import cycler

__all__ = ["COLORS", "STYLE", "style", "use_style"]

COLORS: tuple[str, ...] = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette without its yellow (unreadable on white), darkest contrasts first."""

STYLE: Mapping[Any, Any] = MappingProxyType(
    {
        "axes.prop_cycle": cycler(color=COLORS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.labelsize": 10,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "figure.constrained_layout.use": True,
        "figure.dpi": 110,
        "figure.figsize": (6.0, 3.8),
        "font.size": 10,
        "grid.color": "#DDDDDD",
        "grid.linewidth": 0.6,
        "image.cmap": "viridis",
        "legend.fontsize": 9,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "savefig.bbox": "tight",
        "savefig.dpi": 160,
        "svg.fonttype": "none",
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
    }
)
"""The matplotlib settings behind `style` and `use_style`."""


def style() -> AbstractContextManager[None]:
    """Return a context manager that draws in the house style and restores the user's settings afterwards.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> import mdpkit.plotting as mp
    >>> with mp.style():
    ...     mpl.rcParams["svg.fonttype"]
    'none'
    """
    return mpl.rc_context(dict(STYLE))


def use_style() -> None:
    """Adopt the house style for the rest of the session."""
    mpl.rcParams.update(STYLE)
