"""A progress bar with remaining time and failures, on terminals only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]

Advance = Callable[[bool], None]
"""Call once per finished cell; True when it failed."""


@contextmanager
def progress_bar(label: str, total: int, show: bool | None) -> Iterator[Advance]:
    """Show a bar on stderr while cells finish.

    Parameters
    ----------
    label : str
        Shown before the bar.
    total : int
        Cells to compute (cells found on disk take no time and would spoil the estimate of the time that remains).
    show : bool or None
        None shows it if stderr is a terminal.
    """
    if not (sys.stderr.isatty() if show is None else show) or total == 0:
        yield lambda failed: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failures]}", style="bold red"),
    )
    failures = 0
    # cells may take minutes: an estimate from the last thirty seconds would see none of them finish
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=3600.0) as bar:
        task = bar.add_task(label, total=total, failures="")

        def advance(failed: bool) -> None:
            nonlocal failures
            failures += failed
            bar.update(task, advance=1, failures=f"{failures} failed" if failures else "")

        yield advance
