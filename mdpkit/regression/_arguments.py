"""Checks of arguments shared by the regression tools; each names the argument, the first bad index and the value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError, ShapeError


def as_numbers(values: Any, argument: str) -> Floats:
    """Convert to a finite, writable, C-contiguous float64 array, without a copy where it already is one."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "c":
            raise TypeError("complex numbers are not accepted")
        # Writable, because Numba compiles every kernel anew for read-only arrays.
        numbers: Floats = np.require(array, np.float64, ["C", "W"])
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{argument} must be a numeric array: {error}", argument=argument) from error
    if not np.isfinite(numbers).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(numbers))[0])
        _refuse(argument, where, float(numbers[where]), "must be finite")
    return numbers


def check_positive_entries(values: Floats, argument: str) -> None:
    """Refuse the first entry that is not positive."""
    if values.size and not values.min() > 0.0:
        where = tuple(int(i) for i in np.argwhere(~(values > 0.0))[0])
        _refuse(argument, where, float(values[where]), "must be positive")


def check_positive(value: Any, argument: str) -> float:
    """Return a finite positive float."""
    number = _as_float(value, argument)
    if not 0.0 < number < math.inf:
        raise InputError(f"{argument} must be a positive number, found {value!r}", argument=argument, value=value)
    return number


def check_nonnegative(value: Any, argument: str) -> float:
    """Return a finite float that is not negative."""
    number = _as_float(value, argument)
    if not 0.0 <= number < math.inf:
        raise InputError(f"{argument} must be a nonnegative number, found {value!r}", argument=argument, value=value)
    return number


def check_count(value: Any, argument: str) -> int:
    """Return a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{argument} must be a positive integer, found {value!r}", argument=argument, value=value)
    return int(value)


def _as_float(value: Any, argument: str) -> float:
    try:
        if isinstance(value, str):
            raise TypeError("text is not a number")
        return float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must be a number, found {value!r}", argument=argument, value=value) from error


def _refuse(argument: str, where: tuple[int, ...], value: float, wanted: str) -> None:
    place = f"[{', '.join(map(str, where))}]" if where else ""
    raise InputError(f"{argument}{place} = {value!r} {wanted}", argument=argument, index=where, value=value)
