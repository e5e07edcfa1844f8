"""Evaluate one (configuration, seed) and bring its result into a fixed form."""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit.errors import InputError
from mdpkit.sweeps.experiments import RESERVED

__all__ = ["Outcome", "Values", "evaluate", "failed", "normalize"]

Values = dict[str, np.ndarray[Any, Any]]
"""A cell's result: 0-d arrays for scalars, 1-d arrays of one common length for the rest."""


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: its values, or the error that it raised, or why a worker must not compute it.

    ``found`` says that the values come from the cache, where another driver saved them during this sweep.
    """

    values: Values | None
    seconds: float
    error: str | None = None
    traceback: str | None = None
    refused: str | None = None
    found: bool = False


def evaluate(
    function: Callable[[dict[str, Any], int], Mapping[str, Any]], config: dict[str, Any], seed: int
) -> Outcome:
    """Call ``run(config, seed)``; an exception becomes part of the outcome, so that the other cells go on."""
    start = time.perf_counter()
    try:
        # a copy: a run that writes into its configuration must not change its neighbors'
        values = normalize(function(copy.deepcopy(config), seed), config)
    except Exception as error:
        return failed(error, start)
    return Outcome(values, time.perf_counter() - start)


def failed(error: Exception, start: float) -> Outcome:
    """Return the outcome of a cell that raised."""
    text = "".join(traceback.format_exception(error))
    return Outcome(None, time.perf_counter() - start, f"{type(error).__name__}: {error}", text)


def normalize(result: Any, config: Mapping[str, Any]) -> Values:
    """Check what ``run`` returned and turn it into arrays of numbers, booleans or text.

    Raises
    ------
    InputError
        It is not a dictionary, a name is taken, a value has another type or more than one axis, or arrays differ in
        length.
    """
    if not isinstance(result, Mapping) or not result:
        raise InputError(f"run(config, seed) must return a non-empty dictionary, found {result!r}")
    values: Values = {}
    length: tuple[str, int] | None = None
    for name, value in result.items():
        if not isinstance(name, str) or name in config or name in RESERVED:
            raise InputError(f"the result {name!r} has the name of another column, or no name", argument=str(name))
        array = np.asarray(value)
        if array.dtype.kind not in "biufU":
            raise InputError(f"the result {name!r} must hold numbers or text, found {value!r}", argument=name)
        if array.ndim > 1 or array.size == 0:
            raise InputError(
                f"the result {name!r} must be a scalar or a non-empty 1-d array, found shape {array.shape}",
                argument=name,
            )
        if array.ndim == 1:
            if length is None:
                length = (name, array.size)
            elif array.size != length[1]:
                raise InputError(
                    f"arrays in one result must have the same length: {length[0]!r} has {length[1]}, "
                    f"{name!r} has {array.size}",
                    argument=name,
                )
        values[name] = array
    return values
