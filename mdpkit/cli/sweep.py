"""``mdpkit sweep``: run one experiment, look into the finished cells, clear out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from mdpkit.cli.reproduce import check_project, jobs_option, project_option
from mdpkit.cli.root import EXIT_INTERRUPTED, check_folder_of, cli, count, single_blas_thread

__all__ = ["sweep"]

HEAD_ROWS = 5


@cli.group(short_help="Run one experiment; inspect and clean the finished cells.")
def sweep() -> None:
    """Run one experiment, see which cells are finished, and delete those that nothing can use.

    \b
    Examples:
      mdpkit sweep run planning_convergence --output table.npz
      mdpkit sweep status
      mdpkit sweep clean --dry-run
    """


@sweep.command(short_help="Run one experiment.")
@click.argument("name")
@click.option("--preset", default="quick", show_default=True, metavar="NAME", help="Which grid of CONFIGS.")
@jobs_option
@click.option(
    "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the table: .npz, .parquet or .csv."
)
@project_option
def run(name: str, preset: str, jobs: int | None, output: str | None, project: str | None) -> None:
    """Run the experiment NAME, a module of experiments/, and show or write its table.

    Finished cells are kept in .mdpkit-cache/: after an interruption, a crash or a failed cell, the same command goes
    on where it stopped.

    \b
    Exit status: 0, or 2 if cells failed or the command makes no sense, or 130 if interrupted.

    \b
    Examples:
      mdpkit sweep run planning_convergence
      mdpkit sweep run plug_in_planning --preset paper --jobs 8 --output plug_in.npz
    """
    check_project(project)
    check_folder_of(output)
    single_blas_thread()
    from mdpkit.sweeps.grid import sweep as run_sweep
    from mdpkit.sweeps.readable import readable_time
    from mdpkit.sweeps.reproduction import CACHE, find_root, short_name
    from mdpkit.sweeps.table_files import check_table_path, write_table

    if output is not None:
        check_table_path(output)
    root = find_root(project)
    try:
        done = run_sweep(
            short_name(name),
            preset=preset,
            jobs=jobs if jobs is not None else os.cpu_count() or 1,
            cache=root / CACHE,
            progress=None,
            project=root,
        )
    except KeyboardInterrupt:
        click.echo("Interrupted; the cells that finished are kept, and the same command goes on from there.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    cached = f" ({done.n_cached:,} from the cache)" if done.n_cached else ""
    click.echo(f"{count(done.n_cells, 'cell')}{cached} in {readable_time(done.seconds)}", err=True)
    if output is None:
        click.echo(done.table.head(HEAD_ROWS).to_string(index=False))
        hidden = len(done.table) - HEAD_ROWS
        if hidden > 0:
            click.echo(f"... and {count(hidden, 'more row')}; --output FILE.npz writes them")
        return
    write_table(done.table, output)
    click.echo(f"Wrote {count(len(done.table), 'row')} to {output}")


@sweep.command(short_help="Show what is finished, and what is of no use.")
@click.argument("names", nargs=-1)
@project_option
def status(names: tuple[str, ...], project: str | None) -> None:
    """Show the finished cells of the present code by experiment and preset, and what else is on disk.

    NAMES are experiments; without any, all are shown. "older" cells were computed by other code, with other library
    versions, or for configurations that are gone; "mdpkit sweep clean" deletes them.

    \b
    Examples:
      mdpkit sweep status
      mdpkit sweep status plug_in_planning
    """
    check_project(project)
    from mdpkit.sweeps import cache_status
    from mdpkit.sweeps.readable import readable_size

    found = cache_status(names, project=project)
    lines = []
    for one in found:
        if one.timing:
            done = "measures time: never kept"
        else:
            done = ", ".join(f"{preset} {p.finished:,}/{p.total:,}" for preset, p in one.presets.items())
        rest = {"older": one.older, "damaged": one.damaged, "left over": one.leftovers, "unknown": one.unknown}
        others = ", ".join(f"{len(files):,} {label}" for label, files in rest.items() if files)
        lines.append((one.experiment, done, others, readable_size(one.n_bytes) if one.n_bytes else ""))
    _print_columns(("experiment", "finished cells", "of no use", "on disk"), lines)
    for one in found:
        if one.problem is not None:
            click.echo(f"{one.experiment}: {one.problem}")


def _print_columns(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    for row in (heads, *rows):
        click.echo("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


@sweep.command(short_help="Delete finished cells that nothing can use.")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Delete the usable cells, too.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@project_option
def clean(names: tuple[str, ...], everything: bool, dry_run: bool, project: str | None) -> None:
    """Delete cells of other code, damaged cells, and what processes that died left behind.

    NAMES are experiments; without any, all are cleaned. Sweeps that run meanwhile are not disturbed.

    \b
    Examples:
      mdpkit sweep clean --dry-run
      mdpkit sweep clean plug_in_planning --all
    """
    check_project(project)
    from mdpkit.sweeps import clean_cache
    from mdpkit.sweeps.readable import readable_size

    verb = "would free" if dry_run else "freed"
    freed = clean_cache(names, everything=everything, dry_run=dry_run, project=project)
    total = 0
    for one in freed:
        kinds = {
            "usable": one.usable,
            "unknown": one.unknown,
            "older": one.older,
            "damaged": one.damaged,
            "left over": one.leftovers,
        }
        parts = ", ".join(f"{len(files):,} {label}" for label, files in kinds.items() if files)
        if parts:
            click.echo(f"{one.experiment}: {verb} {readable_size(one.n_bytes)} ({parts})")
            total += one.n_bytes
    click.echo(f"{verb.capitalize()} {readable_size(total)} in all" if total else "Nothing to delete.")
