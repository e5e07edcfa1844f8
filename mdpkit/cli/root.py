"""The command group, and what all commands share: exit statuses, errors of one line, small pieces of text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from mdpkit._version import __version__
from mdpkit.errors import MDPKitError

__all__ = [
    "EXIT_CLAIM",
    "EXIT_INTERRUPTED",
    "EXIT_NOT_CONVERGED",
    "EXIT_USAGE",
    "SHOWN_NAMES",
    "Failure",
    "check_folder_of",
    "cli",
    "count",
    "print_facts",
    "single_blas_thread",
]

EXIT_CLAIM = 1
EXIT_USAGE = 2
EXIT_NOT_CONVERGED = 3
EXIT_INTERRUPTED = 130
SHOWN_NAMES = 8


class Failure(click.ClickException):
    """An error of the user's making: one line, no traceback."""

    exit_code = EXIT_USAGE


class Commands(click.Group):
    """Turns the package's own errors, and files that cannot be read or written, into one line and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MDPKitError as error:
            raise Failure(str(error)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.filename is None:
                raise
            raise Failure(f"{error.filename}: {error.strerror}") from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


def check_folder_of(output: str | None) -> None:
    """Say before hours of work, and not after, that a file cannot be written."""
    if output is not None and not Path(output).absolute().parent.is_dir():
        raise Failure(f"--output {output}: there is no such folder")


def single_blas_thread() -> None:
    """Pin BLAS to one thread, before numpy loads and in every worker: the last bit of a sum may depend on it."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[variable] = "1"


def print_facts(facts: list[tuple[str, str]]) -> None:
    """Print labels and texts in two columns."""
    width = max(len(label) for label, _ in facts)
    for label, text in facts:
        click.echo(f"{label + ':':{width + 1}} {text}")


def count(n: int, noun: str) -> str:
    """Return ``1 cell`` or ``2 cells``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
