"""``mdpkit solve``: certified values and a policy for the model in a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mdpkit.cli.root import (
    EXIT_INTERRUPTED,
    EXIT_NOT_CONVERGED,
    check_folder_of,
    cli,
    count,
    print_facts,
)

if TYPE_CHECKING:
    from mdpkit.planning.solution import Solution

__all__ = ["read", "solve"]

SHOWN_ROWS = 20


@cli.command(short_help="Solve a problem and certify the answer.")
@click.argument("file", type=click.Path())
@click.option("--method", default="auto", show_default=True, metavar="NAME", help="For example policy_iteration.")
@click.option(
    "--tol", type=float, default=None, metavar="X", help="Certified error of the values [default: automatic]."
)
@click.option("--gamma", type=float, default=None, metavar="X", help="Discount factor, in place of the file's.")
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the whole table as CSV.")
@click.option("--all", "show_all", is_flag=True, help=f"Print every state, not only the first {SHOWN_ROWS}.")
def solve(file: str, method: str, tol: float | None, gamma: float | None, output: str | None, show_all: bool) -> None:
    """Solve the problem in FILE and print its values, with certified bounds, and a policy.

    Exit status: 0 if the tolerance was met, 3 if not (the bounds still hold), 2 for bad input.

    \b
    Examples:
      mdpkit solve forest.npz --gamma 0.95
      mdpkit solve taxi.npz --method modified_policy_iteration --tol 1e-6 --output taxi.csv
    """
    check_folder_of(output)
    model = read(file, gamma)
    from mdpkit import solve as run

    interrupted = False
    with _quiet_convergence():
        try:
            solution = run(model, method=method, tol=tol)
        except KeyboardInterrupt as stop:
            if not hasattr(stop, "solution"):
                raise
            solution, interrupted = stop.solution, True
    frame = solution.to_frame()
    _print_solution(file, model, solution)
    _print_table(frame, len(frame) if show_all else SHOWN_ROWS, output)
    if output is not None:
        frame.to_csv(output, index=False)
        click.echo(f"Wrote {len(frame):,} rows to {output}")
    sys.exit(EXIT_INTERRUPTED if interrupted else 0 if solution.converged else EXIT_NOT_CONVERGED)


def read(file: str, gamma: float | None) -> Any:
    """Read the model in a file."""
    from mdpkit import io

    return io.read(file, gamma=gamma)


@contextmanager
def _quiet_convergence() -> Iterator[None]:
    """Keep the warning out of the output: the summary says the same."""
    import warnings

    from mdpkit.errors import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _print_solution(file: str, model: Any, solution: Solution) -> None:
    import numpy as np

    half_width = float(np.max(np.asarray(solution.upper) - np.asarray(solution.lower))) / 2
    facts = [
        ("problem", f"{file}: {model!r}"),
        ("method", f"{solution.method}, {count(solution.iterations, 'iteration')}"),
        ("result", ("" if solution.converged else "NOT CONVERGED. ") + solution.message),
        ("values", f"certified within ±{half_width:.3g} (tolerance {solution.tol:.3g})"),
        ("policy", f"certified to lose at most {solution.policy_loss:.3g} in any state"),
    ]
    print_facts(facts)


def _print_table(frame: Any, n_rows: int, output: str | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in frame.columns:
        number = frame[column].dtype.kind in "fiu"
        table.add_column(str(column), justify="right" if number else "left", no_wrap=True)
    for row in frame.head(n_rows).itertuples(index=False, name=None):
        # text as it is: names such as "[a]" are not rich's markup
        table.add_row(*(_cell(value) for value in row))
    Console(highlight=False, markup=False, file=sys.stdout).print(table)
    hidden = len(frame) - n_rows
    if hidden > 0:
        hint = "" if output is not None else "; --all prints them, --output FILE.csv writes them"
        click.echo(f"... and {hidden:,} more rows{hint}")


def _cell(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)
