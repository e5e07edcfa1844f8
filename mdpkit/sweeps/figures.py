"""Figure modules: find them, check what they declare, draw them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdpkit.errors import InputError, UnknownOptionError
from mdpkit.sweeps.claims import Claim
from mdpkit.sweeps.failures import SweepError
from mdpkit.sweeps.modules import EXPERIMENTS, FIGURES, import_module

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd

__all__ = ["Figure", "find_figures"]

PNG_DPI = 160


@dataclass(frozen=True)
class Figure:
    """A figure module ``paper_figures/NAME.py``, checked.

    Parameters
    ----------
    name : str
        The module's name.
    title, caption, family, source : str
        Its ``TITLE``, ``CAPTION``, ``FAMILY`` (the part of the package it belongs to, such as ``"planning"``) and
        ``SOURCE`` (the reference it reproduces, as exactly as possible).
    paper : str
        Its ``PAPER``, a short name under which the report sums up, such as ``"Puterman 1994"``; by default the source.
    experiments : tuple of str
        Its ``EXPERIMENTS``: names of the experiments that it reads.
    draw : callable
        Its ``draw(tables) -> (matplotlib figure, list of Claim)``; ``tables`` holds one data frame per entry of
        ``EXPERIMENTS``, under that entry.
    """

    name: str
    title: str
    caption: str
    family: str
    source: str
    paper: str
    experiments: tuple[str, ...]
    draw: Callable[[dict[str, pd.DataFrame]], tuple[matplotlib.figure.Figure, Sequence[Claim]]]


def find_figures(project: str | Path, names: Sequence[str] = ()) -> list[Figure]:
    """Import figure modules of a project.

    Parameters
    ----------
    project : path
        Folder that holds ``paper_figures/`` and ``experiments/``.
    names : sequence of str, optional
        Which ones; by default every module whose name does not start with an underscore, in alphabetical order.

    Raises
    ------
    SweepError
        There is no such folder, or a module cannot be imported.
    UnknownOptionError
        There is no figure of that name.
    InputError
        A module does not declare what a `Figure` needs.
    """
    root = Path(project).resolve()
    known = figure_names(root)
    for name in names:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise UnknownOptionError(f"there is no figure {name!r}; known: {listed}", argument="names", value=name)
    return [_load(root, name) for name in dict.fromkeys(names or known)]


def figure_names(root: Path) -> list[str]:
    """Return the names of a project's figures without importing them."""
    folder = root / FIGURES
    if not folder.is_dir():
        raise SweepError(
            f"{root} has no folder {FIGURES}/: run this in a checkout of mdpkit, or name one with --project DIR"
        )
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def _load(root: Path, name: str) -> Figure:
    module = import_module(root, f"{FIGURES}.{name}")
    texts: dict[str, str] = {}
    for field in ("TITLE", "CAPTION", "FAMILY", "SOURCE", "PAPER"):
        value = getattr(module, field, texts["source"] if field == "PAPER" else None)
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{FIGURES}/{name}.py must define {field} as a non-empty string", argument=field)
        texts[field.lower()] = value.strip()
    experiments = getattr(module, "EXPERIMENTS", None)
    if isinstance(experiments, str) or not isinstance(experiments, Sequence):
        raise InputError(f"{FIGURES}/{name}.py must define EXPERIMENTS as a tuple of names", argument="EXPERIMENTS")
    for experiment in experiments:
        path = root / EXPERIMENTS / (str(experiment).removeprefix(EXPERIMENTS + ".").replace(".", "/") + ".py")
        if not path.is_file():
            raise InputError(f"{FIGURES}/{name}.py reads the experiment {experiment!r}, but there is no {path}")
    if not callable(getattr(module, "draw", None)):
        raise InputError(f"{FIGURES}/{name}.py must define a function draw(tables)", argument="draw")
    return Figure(name=name, experiments=tuple(experiments), draw=module.draw, **texts)


def render(figure: Figure, tables: Mapping[str, pd.DataFrame]) -> tuple[dict[str, bytes], list[Claim]]:
    """Draw a figure and return it as ``png``, ``svg`` and ``pdf``, and its claims."""
    with _headless():
        import matplotlib.pyplot as plt

        opened = set(plt.get_fignums())
        # whatever style a figure sets ends with it; the fixed salt makes the SVG the same on every run
        with plt.rc_context({"svg.hashsalt": figure.name}):
            try:
                # copies, so that no figure changes what the next one reads
                drawing, claims = _checked(figure, figure.draw({name: table.copy() for name, table in tables.items()}))
                images = {end: _saved(drawing, end) for end in SAVED}
            finally:
                for number in set(plt.get_fignums()) - opened:
                    plt.close(number)
    return images, claims


SAVED: dict[str, dict[str, Any]] = {
    "png": {"dpi": PNG_DPI, "metadata": {"Software": None}},
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
}
"""Formats of every figure. No times inside: the same figure gives the same bytes."""


def _saved(drawing: matplotlib.figure.Figure, end: str) -> bytes:
    stream = io.BytesIO()
    drawing.savefig(stream, format=end, bbox_inches="tight", **SAVED[end])
    return stream.getvalue()


def _checked(figure: Figure, drawn: Any) -> tuple[matplotlib.figure.Figure, list[Claim]]:
    from matplotlib.figure import Figure as Drawing

    ok = isinstance(drawn, tuple) and len(drawn) == 2 and isinstance(drawn[0], Drawing)
    if not ok or not all(isinstance(claim, Claim) for claim in drawn[1]):
        raise InputError(f"draw of {FIGURES}/{figure.name}.py must return (matplotlib figure, list of Claim)")
    return drawn[0], list(drawn[1])


@contextmanager
def _headless() -> Iterator[None]:
    """Draw without a display, and give a notebook its own back end again afterwards."""
    import sys

    import matplotlib

    before = matplotlib.get_backend() if "matplotlib.pyplot" in sys.modules else None
    matplotlib.use("Agg")
    try:
        yield
    finally:
        if before is not None and before.lower() != "agg":
            matplotlib.use(before)
