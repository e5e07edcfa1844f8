"""What a sweep says when something in it went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mdpkit.errors import MDPKitError

__all__ = ["CellFailure", "SweepError"]


@dataclass(frozen=True)
class CellFailure:
    """One cell of a sweep that raised.

    Parameters
    ----------
    experiment : str
        Import name of the experiment.
    config : dict
        The cell's configuration.
    seed : int
        Its seed.
    error : str
        The exception, as ``Type: message``.
    traceback : str
        The traceback of the process that ran the cell.
    """

    experiment: str
    config: dict[str, Any]
    seed: int
    error: str
    traceback: str

    def __str__(self) -> str:
        return f"{self.experiment} with config={self.config!r}, seed={self.seed}: {self.error}"


class SweepError(MDPKitError, RuntimeError):
    """A sweep could not be completed; what it finished is in its cache.

    Parameters
    ----------
    message : str
        The sentence shown to the user.
    failures : sequence of CellFailure, optional
        The cells that raised. The traceback of the first is chained as the cause, whichever process it comes from.
    """

    def __init__(self, message: str, failures: Sequence[CellFailure] = ()) -> None:
        super().__init__(message)
        self.failures = tuple(failures)


class WorkerTraceback(Exception):  # noqa: N818 - never raised, only shown as the cause of a SweepError
    """The text of a traceback from another process."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'
