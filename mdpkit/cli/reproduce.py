"""``mdpkit reproduce``: figures, claims and the report."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdpkit.cli.root import EXIT_CLAIM, EXIT_INTERRUPTED, Failure, cli, count, single_blas_thread

if TYPE_CHECKING:
    from mdpkit.sweeps import Reproduction

__all__ = ["check_project", "jobs_option", "project_option", "reproduce"]

jobs_option = click.option(
    "--jobs", type=click.IntRange(min=1), default=None, metavar="N", help="Worker processes [default: cores]."
)
project_option = click.option(
    "--project", type=click.Path(file_okay=False), metavar="DIR", help="A checkout [default: here or above]."
)


@cli.command(short_help="Make figures and check their claims.")
@click.argument("names", nargs=-1)
@click.option(
    "--preset", type=click.Choice(["quick", "paper"]), default="quick", show_default=True, help="Size of the runs."
)
@jobs_option
@click.option("--only-failed", is_flag=True, help="Make only what the report lacks or shows as failed.")
@click.option(
    "--output", type=click.Path(file_okay=False), metavar="DIR", help="Where the report goes [default: report/]."
)
@project_option
@click.option("--list", "only_list", is_flag=True, help="List the figures with their state, and stop.")
def reproduce(
    names: tuple[str, ...],
    preset: str,
    jobs: int | None,
    only_failed: bool,
    output: str | None,
    project: str | None,
    only_list: bool,
) -> None:
    """Run the experiments behind figures, draw them, and check what they claim.

    NAMES are modules of paper_figures/; without any, all figures are made. Finished cells are kept in .mdpkit-cache/,
    so an interrupted run goes on where it stopped. The report is report/index.html; it keeps what earlier runs found
    about other figures, and marks what was made with other sources, versions or another preset.

    \b
    Exit status: 0, or 1 if an exact claim of this run failed or a figure could not be made, or 2 if
    the command makes no sense or the report cannot be written, or 130 if interrupted.

    \b
    Examples:
      mdpkit reproduce --list
      mdpkit reproduce planning_convergence --jobs 2
      mdpkit reproduce --only-failed
      mdpkit reproduce --preset paper --output /tmp/report --project ~/mdpkit
    """
    check_project(project)
    if only_list:
        _list_figures(names, output, project)
        return
    single_blas_thread()
    from mdpkit.sweeps import reproduce as run

    try:
        done = run(
            names,
            preset=preset,
            jobs=jobs if jobs is not None else os.cpu_count() or 1,
            only_failed=only_failed,
            output=output,
            project=project,
            log=lambda line: click.echo(line, err=True),
        )
    except KeyboardInterrupt:
        click.echo("Interrupted; the cells that finished are kept, and the same command goes on from there.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    _print_claims(done)
    sys.exit(0 if done.ok else EXIT_CLAIM)


def check_project(project: str | None) -> None:
    """Refuse a --project that does not exist."""
    if project is not None and not Path(project).is_dir():
        raise Failure(f"--project {project}: there is no such folder")


def _list_figures(names: tuple[str, ...], output: str | None, project: str | None) -> None:
    from mdpkit.sweeps.figures import find_figures
    from mdpkit.sweeps.records import read_records
    from mdpkit.sweeps.reproduction import find_root, report_folder

    root = find_root(project)
    figures = find_figures(root, names)
    if not figures:
        click.echo("There are no figures yet.")
        return
    records, damaged = read_records(report_folder(root, output), [figure.name for figure in figures])
    states = {
        figure.name: records[figure.name].status
        if figure.name in records
        else "damaged"
        if figure.name in damaged
        else "not made"
        for figure in figures
    }
    rows = [(f.name, states[f.name], f.paper, f.title) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        click.echo("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=False)) + f"  {row[3]}")


def _print_claims(done: Reproduction) -> None:
    from mdpkit.sweeps.readable import readable_pair, readable_time

    for result in done.figures:
        for claim in result.claims:
            if claim.status == "held":
                continue
            value, threshold = readable_pair(claim.value, claim.threshold)
            click.echo(f"{claim.status}: {result.name}: {claim.sentence} [value {value}, threshold {threshold}]")
    for name in done.errors:
        click.echo(f"could not be made: {name} (see the report)")
    if done.figures:
        held = sum(claim.status == "held" for claim in done.claims)
        click.echo(
            f"{held} of {len(done.claims)} claims held, {count(len(done.figures), 'figure')}, "
            f"{readable_time(done.seconds)}"
        )
    earlier = count(len(done.earlier), "figure")
    click.echo(f"Report: {done.report}" + (f" (with {earlier} of earlier runs)" if done.earlier else ""))
