"""The ``mdpkit`` command: thin, and quick to answer ``--help`` (numerical libraries load inside the commands)."""

from mdpkit.cli import bounds, problems, reproduce, solve, sweep  # noqa: F401 - each adds its command to the group
from mdpkit.cli.root import cli

__all__ = ["cli", "main"]


def main() -> None:
    """Run the command line; the entry point of the ``mdpkit`` script."""
    cli(prog_name="mdpkit")
