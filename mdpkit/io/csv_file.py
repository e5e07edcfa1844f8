"""The csv layout of craam2 and MDPSolver: one line per outcome."""

from __future__ import annotations

import csv
import math
import os
import warnings
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mdpkit.errors import FileFormatError, InputError
from mdpkit.models import TabularMDP
from mdpkit.models._checks import check_discount

__all__ = ["read_csv", "write_csv"]

INTEGERS = ("idstatefrom", "idaction", "idstateto")
NUMBERS = ("probability", "reward")
COLUMNS = (*INTEGERS, *NUMBERS)
LARGEST = 2**31 - 1
"""Largest index of a state or an action; models store 32 bits."""


def read_csv(path: str | PathLike[str], *, gamma: float | None = None) -> TabularMDP:
    """Read a model from a csv file with one line per outcome.

    Parameters
    ----------
    path : path-like
        File whose header names the columns ``idstatefrom, idaction, idstateto, probability, reward``, plain or quoted,
        in any order. States and actions count from 0. Lines that share their first three columns but not their reward
        stay separate outcomes.
    gamma : float, optional
        Discount factor, which the file does not hold.

    Returns
    -------
    TabularMDP

    Raises
    ------
    FileFormatError
        The header or a line cannot be read (the message names the line), or the lines do not form a model.
    """
    gamma = check_discount(gamma)
    columns = _parse(path)
    owners = columns["idstatefrom"]
    if max(owners.max(), columns["idstateto"].max()) >= len(owners):
        # More states than lines: say so before anything as long as the largest index is allocated.
        own = np.unique(owners)
        gaps = np.flatnonzero(own != np.arange(len(own)))
        missing = int(gaps[0]) if gaps.size else len(own)
        raise FileFormatError(f"{path} has no line for state {missing}", argument="path", value=str(path))
    try:
        return TabularMDP.from_outcomes(
            columns["idstatefrom"],
            columns["idaction"],
            columns["probability"],
            columns["reward"],
            columns["idstateto"],
            gamma,
        )
    except InputError as error:
        raise FileFormatError(
            f"{path} does not hold a valid model: {error}", argument="path", value=str(path)
        ) from error


def write_csv(model: TabularMDP, path: str | PathLike[str]) -> None:
    """Write a model to a csv file with one line per outcome.

    Probabilities and rewards are written with as many digits as they need to be read back to the last bit. The
    discount factor, the initial distribution and the names have no place in this format.

    Parameters
    ----------
    model : TabularMDP
        The model.
    path : path-like
        The file; it appears whole or not at all.
    """
    import pandas as pd

    table = model.outcomes
    frame = pd.DataFrame(
        {
            "idstatefrom": model.pair_state[table.pair],
            "idaction": model.pair_action[table.pair],
            "idstateto": table.successor,
            "probability": table.prob,
            "reward": table.reward,
        }
    )
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            frame.to_csv(stream, index=False, lineterminator="\n")
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _parse(path: str | PathLike[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns as arrays."""
    import pandas as pd

    # Before version 3 only this option made pandas round decimals correctly; since then all of them do.
    exact: Any = {} if int(pd.__version__.partition(".")[0]) >= 3 else {"float_precision": "round_trip"}
    types: Any = dict.fromkeys(INTEGERS, np.int64) | dict.fromkeys(NUMBERS, np.float64)
    try:
        with warnings.catch_warnings():
            # A surplus field in every line would else shift the columns (index_col) or be dropped (the warning).
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path, dtype=types, encoding="utf-8-sig", index_col=False, skipinitialspace=True, **exact
            )
        good = sorted(frame.columns) == sorted(COLUMNS) and len(frame) > 0
        good = good and bool(np.isfinite(frame[list(NUMBERS)].to_numpy()).all())
        good = good and all(frame[name].between(0, LARGEST).all() for name in INTEGERS)
    except FileNotFoundError:
        raise
    except (ValueError, OverflowError, pd.errors.ParserWarning) as error:
        _complain(path)
        raise FileFormatError(f"{path} cannot be read: {error}", argument="path", value=str(path)) from error
    if not good:
        _complain(path)
        raise FileFormatError(f"{path} cannot be read", argument="path", value=str(path))
    return {name: frame[name].to_numpy() for name in COLUMNS}


def _complain(path: str | PathLike[str]) -> None:
    """Read the file once more, slowly, to say which line is wrong and why."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True, skipinitialspace=True)
            header = next(reader, [])
            if sorted(header) != sorted(COLUMNS):
                raise _bad(path, 1, f"the header must name the columns {', '.join(COLUMNS)}, found {', '.join(header)}")
            lines = 0
            for fields in reader:
                if fields:
                    lines += 1
                    _complain_about(path, reader.line_num, dict(zip(header, fields, strict=False)), len(fields))
            if not lines:
                raise _bad(path, 1, "no line follows the header")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} is not a text file: {error}", argument="path", value=str(path)) from error
    except csv.Error as error:
        raise _bad(path, reader.line_num, str(error)) from error


def _complain_about(path: str | PathLike[str], line: int, fields: dict[str, str], count: int) -> None:
    if count != len(COLUMNS):
        raise _bad(path, line, f"expected {len(COLUMNS)} fields, found {count}")
    for name in COLUMNS:
        text = fields[name].strip()
        try:
            value = int(text) if name in INTEGERS else float(text)
        except ValueError:
            kind = "an integer" if name in INTEGERS else "a number"
            raise _bad(path, line, f"{name} must be {kind}, found {text!r}") from None
        if not (0 <= value <= LARGEST if name in INTEGERS else math.isfinite(value)):
            raise _bad(path, line, f"{name} = {text} is out of range")


def _bad(path: str | PathLike[str], line: int, what: str) -> FileFormatError:
    return FileFormatError(f"{path}, line {line}: {what}", argument="path", index=line, value=str(path))
