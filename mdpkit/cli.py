"""The ``mdpkit`` command: thin, and quick to answer ``--help`` (numerical libraries load inside the commands)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mdpkit._version import __version__
from mdpkit.errors import MDPKitError, UnknownOptionError

if TYPE_CHECKING:
    from mdpkit.bounds import Bound
    from mdpkit.planning.solution import Solution
    from mdpkit.sweeps import Reproduction

__all__ = ["cli", "main"]

EXIT_CLAIM = 1
EXIT_USAGE = 2
EXIT_NOT_CONVERGED = 3
EXIT_INTERRUPTED = 130

SHOWN_ROWS = 20
SHOWN_NAMES = 8


class _Failure(click.ClickException):
    """An error of the user's making: one line, no traceback."""

    exit_code = EXIT_USAGE


class _Commands(click.Group):
    """Turns the package's own errors, and files that cannot be read or written, into one line and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MDPKitError as error:
            raise _Failure(str(error)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.filename is None:
                raise
            raise _Failure(f"{error.filename}: {error.strerror}") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mdpkit")
def cli() -> None:
    """Exact solvers and provable algorithms for Markov decision processes.

    \b
    Examples:
      mdpkit problems                             list the named problems
      mdpkit problems forest --output forest.npz  write one of them to a file
      mdpkit solve forest.npz --gamma 0.95        certified values and a policy
      mdpkit reproduce                            every figure, with its claims checked
    """


def main() -> None:
    """Run the command line; the entry point of the ``mdpkit`` script."""
    cli(prog_name="mdpkit")


# ---------------------------------------------------------------- reproduce


@cli.command(short_help="Make figures and check their claims.")
@click.argument("names", nargs=-1)
@click.option(
    "--preset", type=click.Choice(["quick", "paper"]), default="quick", show_default=True, help="Size of the runs."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=None, metavar="N", help="Worker processes [default: cores]."
)
@click.option(
    "--output", type=click.Path(file_okay=False), metavar="DIR", help="Where the report goes [default: report/]."
)
@click.option("--project", type=click.Path(file_okay=False), metavar="DIR", help="A checkout [default: here or above].")
@click.option("--list", "only_list", is_flag=True, help="List the figures and stop.")
def reproduce(
    names: tuple[str, ...], preset: str, jobs: int | None, output: str | None, project: str | None, only_list: bool
) -> None:
    """Run the experiments behind figures, draw them, and check what they claim.

    NAMES are modules of paper_figures/; without any, all figures are made. Finished cells are kept in .mdpkit-cache/,
    so an interrupted run goes on where it stopped. The report is report/index.html.

    \b
    Exit status: 0, or 1 if an exact claim failed or a figure could not be made, or 2 if the command
    makes no sense, or 130 if interrupted.

    \b
    Examples:
      mdpkit reproduce --list
      mdpkit reproduce planning_convergence --jobs 2
      mdpkit reproduce --preset paper --output /tmp/report --project ~/mdpkit
    """
    if project is not None and not Path(project).is_dir():
        raise _Failure(f"--project {project}: there is no such folder")
    if only_list:
        _list_figures(names, project)
        return
    _one_blas_thread()
    from mdpkit.sweeps import reproduce as run

    try:
        done = run(
            names,
            preset=preset,
            jobs=jobs if jobs is not None else os.cpu_count() or 1,
            output=output,
            project=project,
            log=lambda line: click.echo(line, err=True),
        )
    except KeyboardInterrupt:
        click.echo("Interrupted; the cells that finished are kept, and the same command goes on from there.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    _print_claims(done)
    sys.exit(0 if done.ok else EXIT_CLAIM)


def _list_figures(names: tuple[str, ...], project: str | None) -> None:
    from mdpkit.sweeps.figures import find_figures
    from mdpkit.sweeps.modules import find_project

    figures = find_figures(project if project is not None else find_project() or Path.cwd(), names)
    width = max((len(figure.name) for figure in figures), default=0)
    for figure in figures:
        click.echo(f"{figure.name:{width}}  {figure.title} ({figure.family}; {figure.source})")
    if not figures:
        click.echo("There are no figures yet.")


def _one_blas_thread() -> None:
    """Pin BLAS to one thread, before numpy loads and in every worker: the last bit of a sum may depend on it."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[variable] = "1"


def _print_claims(done: Reproduction) -> None:
    from mdpkit.sweeps.readable import readable_pair, readable_time

    for result in done.figures:
        for claim in result.claims:
            if claim.status == "held":
                continue
            value, threshold = readable_pair(claim.value, claim.threshold)
            click.echo(f"{claim.status}: {result.figure.name}: {claim.sentence} [value {value}, threshold {threshold}]")
    for name in done.errors:
        click.echo(f"could not be made: {name} (see the report)")
    total = sum(len(result.claims) for result in done.figures)
    held = sum(claim.status == "held" for claim in done.claims)
    click.echo(f"{held} of {total} claims held, {_count(len(done.figures), 'figure')}, {readable_time(done.seconds)}")
    click.echo(f"Report: {done.report}")


# ---------------------------------------------------------------- solve


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
    if output is not None and not Path(output).absolute().parent.is_dir():
        raise _Failure(f"--output {output}: there is no such folder")  # said before hours of work, not after
    model = _read(file, gamma)
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


def _read(file: str, gamma: float | None) -> Any:
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
        ("method", f"{solution.method}, {_count(solution.iterations, 'iteration')}"),
        ("result", ("" if solution.converged else "NOT CONVERGED. ") + solution.message),
        ("values", f"certified within ±{half_width:.3g} (tolerance {solution.tol:.3g})"),
        ("policy", f"certified to lose at most {solution.policy_loss:.3g} in any state"),
    ]
    _print_facts(facts)


def _print_facts(facts: list[tuple[str, str]]) -> None:
    width = max(len(label) for label, _ in facts)
    for label, text in facts:
        click.echo(f"{label + ':':{width + 1}} {text}")


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


# ---------------------------------------------------------------- info, problems


@cli.command(short_help="Describe a problem.")
@click.argument("file", type=click.Path())
@click.option("--gamma", type=float, default=None, metavar="X", help="Discount factor, in place of the file's.")
def info(file: str, gamma: float | None) -> None:
    """Describe the problem in FILE: sizes, discount, sparsity, rewards, terminal states, names.

    \b
    Example:
      mdpkit info forest.npz
    """
    _print_facts(_describe(_read(file, gamma)))


def _describe(model: Any) -> list[tuple[str, str]]:
    import numpy as np

    horizon = getattr(model, "horizon", None)
    stages = list(model.stages) if horizon is not None else [model]
    if horizon is not None and model.is_homogeneous:
        stages = stages[:1]  # every stage is this one
    n_states, n_pairs = model.n_states, sum(stage.n_pairs for stage in stages)
    nnz = sum(stage.nnz for stage in stages)
    rewards = [stage.outcomes.reward if stage.has_random_rewards else stage.pair_reward for stage in stages]
    low, high = min(float(np.min(r)) for r in rewards), max(float(np.max(r)) for r in rewards)
    discount = "none (undiscounted)" if model.gamma is None else f"{model.gamma:.12g}"
    where = " over all steps" if len(stages) > 1 else ""
    facts = [("type", type(model).__name__), ("states", f"{n_states:,}"), ("actions", f"{model.n_actions:,}")]
    if horizon is not None:
        facts.append(("horizon", f"{horizon:,} steps{', all alike' if model.is_homogeneous else ''}"))
    facts += [
        ("state-action pairs", f"{n_pairs:,}{where}"),
        (
            "transitions",
            f"{nnz:,}{where} ({nnz / n_pairs:.3g} per pair, {nnz / (n_pairs * n_states):.3%} of the matrix)",
        ),
        ("discount", discount),
        ("rewards", f"{low:.6g} to {high:.6g}" + (", random" if any(s.has_random_rewards for s in stages) else "")),
        ("initial state", _initial(model)),
    ]
    if horizon is None:
        facts.append(("terminal states", _listed(_terminal_states(model), model.state_names)))
    for label, names in (("state names", model.state_names), ("action names", model.action_names)):
        facts.append((label, "none" if names is None else _listed(range(len(names)), names)))
    return facts


def _terminal_states(model: Any) -> list[int]:
    """Return the states whose every action loops with reward 0."""
    import numpy as np

    matrix = model.rows.csr().tocoo()
    own = matrix.col == model.pair_state[matrix.row]
    stay = np.zeros(model.n_pairs)
    np.add.at(stay, matrix.row[own], matrix.data[own])
    # a row is divided by its sum, so a sure loop is 1 up to one rounding
    loops = (stay >= 1.0 - 1e-15) & (model.pair_reward == 0.0)
    escapes = np.zeros(model.n_states, dtype=bool)
    escapes[model.pair_state[~loops]] = True
    return [int(s) for s in np.flatnonzero(~escapes)]


def _initial(model: Any) -> str:
    import numpy as np

    if model.initial is None:
        return "not given"
    support = np.flatnonzero(model.initial)
    listed = _listed([int(s) for s in support], model.state_names)
    return listed if len(support) == 1 else f"random: {listed}"


def _listed(items: Any, names: tuple[str, ...] | None) -> str:
    items = list(items)
    if not items:
        return "none"
    shown = ", ".join(str(i) if names is None else names[i] for i in items[:SHOWN_NAMES])
    return shown if len(items) <= SHOWN_NAMES else f"{shown}, ... ({len(items):,} in all)"


@cli.command(short_help="List the named problems, or write one to a file.")
@click.argument("name", required=False)
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write a small instance of NAME.")
def problems(name: str | None, output: str | None) -> None:
    """List the named problems, describe one, or write a small instance of it to a file.

    \b
    Examples:
      mdpkit problems
      mdpkit problems river_swim
      mdpkit problems river_swim --output river_swim.npz
    """
    from mdpkit.problems import catalogue

    entries = {entry.name: entry for entry in catalogue()}
    if name is None:
        if output is not None:
            raise click.UsageError("--output needs the NAME of a problem")
        width = max(map(len, entries))
        for entry in entries.values():
            click.echo(f"{entry.name:{width}}  {entry.summary}")
        return
    if name not in entries:
        raise UnknownOptionError(f"there is no problem {name!r}; known: {', '.join(entries)}", argument="name")
    model = entries[name].example()
    if output is None:
        click.echo(f"mdpkit.problems.{name}{entries[name].parameters}\n{entries[name].summary}\n\nA small instance:")
        _print_facts(_describe(model))
        return
    from mdpkit import io

    io.write(model, output)
    click.echo(f"Wrote {model!r} to {output}")


# ---------------------------------------------------------------- bounds


@cli.command(short_help="List the theorems, or search them.")
@click.argument("word", required=False)
def bounds(word: str | None) -> None:
    """List every bound of the catalogue, or show those with WORD in their name, statement or reference.

    \b
    Examples:
      mdpkit bounds
      mdpkit bounds weissman_radius
      mdpkit bounds Hoeffding
    """
    from mdpkit.bounds import catalogue

    found = catalogue()
    if word is not None:
        found = [bound for bound in found if _mentions(bound, word)]
        found = [bound for bound in found if bound.name == word] or found
        if not found:
            raise UnknownOptionError(f"no bound mentions {word!r}; mdpkit bounds lists them all", argument="word")
    if word is not None and len(found) <= SHOWN_NAMES:
        click.echo("\n\n".join(_bound_details(bound) for bound in found))
        return
    width, kind_width = max(len(bound.name) for bound in found), max(len(bound.kind) for bound in found)
    for bound in found:
        click.echo(f"{bound.name:{width}}  {bound.kind:{kind_width}}  {bound.summary}")


def _mentions(bound: Bound, word: str) -> bool:
    text = " ".join((bound.name, bound.summary, bound.statement, bound.reference))
    return word.casefold() in text.casefold()


def _bound_details(bound: Bound) -> str:
    from textwrap import fill

    def block(first: str, text: str) -> str:
        # The double backticks are markup for the documentation.
        return fill(text.replace("``", ""), 100, initial_indent=first, subsequent_indent=" " * len(first))

    lines = [f"mdpkit.bounds.{bound.name}({', '.join(bound.parameters)})", block("", bound.summary), ""]
    lines += [block("  ", bound.statement), "", f"Kind: {bound.kind}", "Assumes:"]
    lines += [block("  - ", sentence) for sentence in bound.assumptions]
    lines += ["Arguments:", *(block(f"  {name}: ", text) for name, text in bound.parameters.items())]
    if bound.exponents is not None:
        powers = ", ".join(f"{name}^{power:g}" for name, power in bound.exponents.items())
        lines.append(f"Exponents: {powers}")
    return "\n".join([*lines, block("Reference: ", bound.reference)])


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
