"""`read` and `write`: the file's suffix says the format."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TypeVar

from mdpkit.errors import InputError, UnknownOptionError
from mdpkit.io.csv_file import read_csv, write_csv
from mdpkit.models import TabularMDP

__all__ = ["read", "write"]

Format = TypeVar("Format")


def read(path: str | PathLike[str], *, gamma: float | None = None) -> TabularMDP:
    """Read a model from a file.

    Parameters
    ----------
    path : path-like
        ``.npz`` written by `write` or `TabularMDP.save`, or ``.csv`` with the columns ``idstatefrom, idaction,
        idstateto, probability, reward`` (see `read_csv`).
    gamma : float, optional
        Discount factor. A csv file holds none; for a ``.npz`` file it replaces the stored one.

    Returns
    -------
    TabularMDP

    Raises
    ------
    UnknownOptionError
        The suffix is none of the above.
    FileFormatError
        The file is damaged, or what it holds is not a model.
    FileNotFoundError
        There is no such file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from mdpkit import io, problems
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "forest.csv"
    ...     io.write(problems.forest(), path)
    ...     print(io.read(path, gamma=0.96))
    TabularMDP(S=3, A=2, nnz=9, gamma=0.96, sparse)
    """
    return _pick(_READERS, path)(path, gamma)


def write(model: TabularMDP, path: str | PathLike[str]) -> None:
    """Write a model to a file, whole or not at all.

    Parameters
    ----------
    model : TabularMDP
        The model.
    path : path-like
        ``.npz`` keeps everything; ``.csv`` keeps states, actions and outcomes to the last bit, but has no place for
        the discount factor, the initial distribution and the names.

    Raises
    ------
    UnknownOptionError
        The suffix is neither of them.
    """
    writer = _pick(_WRITERS, path)
    if not isinstance(model, TabularMDP):
        raise InputError(f"model must be a TabularMDP, found {type(model).__name__}", argument="model")
    writer(model, path)


def _read_npz(path: str | PathLike[str], gamma: float | None) -> TabularMDP:
    model = TabularMDP.load(path)
    return model if gamma is None else model.with_discount(gamma)


def _read_csv(path: str | PathLike[str], gamma: float | None) -> TabularMDP:
    return read_csv(path, gamma=gamma)


_READERS: dict[str, Callable[[str | PathLike[str], float | None], TabularMDP]] = {".npz": _read_npz, ".csv": _read_csv}
_WRITERS: dict[str, Callable[[TabularMDP, str | PathLike[str]], None]] = {".npz": TabularMDP.save, ".csv": write_csv}


def _pick(table: dict[str, Format], path: str | PathLike[str]) -> Format:
    suffix = Path(path).suffix.lower()
    if suffix not in table:
        known = ", ".join(sorted(table))
        raise UnknownOptionError(
            f"path {str(path)!r} has the suffix {suffix!r}; the formats are {known}", argument="path", value=str(path)
        )
    return table[suffix]
