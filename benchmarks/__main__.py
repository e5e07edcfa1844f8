"""``python -m benchmarks``: measure, print tables, write ``benchmarks/results/NAME.json``."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from benchmarks.harness.declaration import DeclarationError, find, load
from benchmarks.harness.results import FOLDER, write_record
from benchmarks.harness.run import run_benchmark
from benchmarks.harness.tables import COLUMNS, conditions, explanation, tables

HERE = Path(__file__).resolve().parent


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="List the benchmarks and stop.")
@click.option("--quick", is_flag=True, help="Few problems, little time; written only if --output is given.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Where NAME.json goes.")
def main(names: tuple[str, ...], only_list: bool, quick: bool, output: Path | None) -> None:
    """Measure the benchmarks NAMES (all by default).

    Every contender is measured on every problem in a process of its own. Ctrl-C keeps what is finished. The exit status
    is 1 if mdpkit itself gave a wrong answer, failed or timed out, and 130 after Ctrl-C.
    """
    files = find(HERE)
    if unknown := [name for name in names if name not in files]:
        raise click.UsageError(f"there is no benchmark {unknown[0]!r}; there are {', '.join(files)}")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: no worker is left behind
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    try:
        if only_list:
            for name, file in files.items():
                console.print(f"{name:28s} {load(file).title}", markup=False)
            return
        broken = False
        for name in names or files:
            record = run_benchmark(files[name], quick=quick, progress=_announce)
            if output is not None or not quick:
                write_record(record, FOLDER if output is None else output)
            show(record, console)
            if not record["complete"]:
                raise SystemExit(130)
            broken = broken or any(
                result["package"] == "mdpkit" and result["status"] not in ("ok", "not run")
                for result in record["results"]
            )
    except DeclarationError as error:
        raise click.ClickException(str(error)) from error
    finally:
        signal.signal(signal.SIGTERM, before)
    raise SystemExit(int(broken))


def show(record: dict[str, Any], console: Console) -> None:
    """Print the tables of a record."""
    console.print(Text("\n" + record["title"], style="bold"))
    for table in tables(record):
        shown = RichTable(title=table.title or None, title_justify="left", title_style="bold")
        for i, head in enumerate(table.head):
            shown.add_column(head, justify="left", min_width=12 if i < 2 else None)
        for row in table.rows:
            shown.add_row(*map(Text, row))
        console.print(shown)
    for note in filter(None, (explanation(record), COLUMNS, conditions(record))):
        console.print(note, markup=False)


def _announce(problem: str, contender: str, number: int, total: int) -> None:
    click.echo(f"{number + 1}/{total}: {contender}, {problem}", err=True)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
