"""Checks of the arguments of formulas; each names the argument and the value found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import DiscountError, InputError, ShapeError


def check_discount(value: Any) -> float:
    """Return a discount factor in ``[0, 1)``."""
    number = _number(value, "gamma")
    if not 0.0 <= number < 1.0:
        raise DiscountError(f"gamma must lie in [0, 1), found {value!r}", argument="gamma", value=value)
    return number


def check_number(value: Any, argument: str) -> float:
    """Return a finite number of at least 0."""
    number = _number(value, argument)
    if not (math.isfinite(number) and number >= 0.0):
        raise InputError(
            f"{argument} must be a finite number of at least 0, found {value!r}", argument=argument, value=value
        )
    return number


def check_positive(value: Any, argument: str) -> float:
    """Return a finite number above 0."""
    number = _number(value, argument)
    if not (math.isfinite(number) and number > 0.0):
        raise InputError(f"{argument} must be a finite number above 0, found {value!r}", argument=argument, value=value)
    return number


def check_level(value: Any, argument: str = "delta") -> float:
    """Return a probability strictly between 0 and 1."""
    number = _number(value, argument)
    if not 0.0 < number < 1.0:
        raise InputError(f"{argument} must lie in (0, 1), found {value!r}", argument=argument, value=value)
    return number


def check_between(value: Any, argument: str, low: float, high: float) -> float:
    """Return a number in ``[low, high]``."""
    number = _number(value, argument)
    if not low <= number <= high:
        raise InputError(f"{argument} must lie in [{low:g}, {high:g}], found {value!r}", argument=argument, value=value)
    return number


def check_mixing(value: Any) -> float:
    """Return MDVI's ``alpha`` in ``[0, 1)``."""
    number = _number(value, "alpha")
    if not 0.0 <= number < 1.0:
        raise InputError(f"alpha must lie in [0, 1), found {value!r}", argument="alpha", value=value)
    return number


def check_pair(first: Any, second: Any, names: tuple[str, str]) -> tuple[Floats, Floats]:
    """Return two finite arrays of one shape."""
    one, two = check_array(first, names[0]), check_array(second, names[1])
    if one.shape != two.shape:
        raise ShapeError(
            f"{names[0]} and {names[1]} must have one shape, found {one.shape} and {two.shape}", argument=names[1]
        )
    return one, two


def check_array(values: Any, argument: str) -> Floats:
    """Return a finite float array."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{argument} must be a numeric array: {error}", argument=argument) from error
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        index = tuple(int(i) for i in np.unravel_index(int(bad[0]), array.shape))
        raise InputError(
            f"{argument}{list(index)} must be finite, found {float(array[index])!r}",
            argument=argument,
            index=index,
            value=float(array[index]),
        )
    return array


def check_numbers(values: Sequence[float] | Floats, argument: str) -> Floats:
    """Return a nonempty list of finite numbers of at least 0."""
    array = check_array(values, argument)
    if array.ndim != 1 or array.size == 0:
        raise ShapeError(f"{argument} must be a nonempty list, found shape {array.shape}", argument=argument)
    bad = np.flatnonzero(array < 0.0)
    if bad.size:
        i = int(bad[0])
        raise InputError(
            f"{argument}[{i}] must be at least 0, found {float(array[i])!r}",
            argument=argument,
            index=i,
            value=float(array[i]),
        )
    return array


def _number(value: Any, argument: str) -> float:
    # A string of digits is a mistake, not a number.
    if isinstance(value, (bool, str, bytes)):
        raise InputError(f"{argument} must be a number, found {value!r}", argument=argument, value=value)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must be a number, found {value!r}", argument=argument, value=value) from error
