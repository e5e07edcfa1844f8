"""Checks of the arguments that the assertions share."""

from __future__ import annotations

import math
import numbers
from typing import Any

from mdpkit.errors import InputError


def open_unit(value: Any, name: str) -> float:
    """Read a number strictly between 0 and 1."""
    number = real(value, name)
    if not 0.0 < number < 1.0:
        raise InputError(f"{name} must lie strictly between 0 and 1, found {value!r}", argument=name, value=value)
    return number


def real(value: Any, name: str, index: int | None = None) -> float:
    """Read a finite real number, entry `index` of the argument if given."""
    if not isinstance(value, bool) and isinstance(value, numbers.Real) and math.isfinite(value):
        return float(value)
    where = name if index is None else f"{name}[{index}]"
    raise InputError(f"{where} must be a finite number, found {value!r}", argument=name, index=index, value=value)


def count(value: Any, name: str, *, least: int = 1) -> int:
    """Read an integer that is at least `least`."""
    if not isinstance(value, bool) and isinstance(value, numbers.Integral) and int(value) >= least:
        return int(value)
    raise InputError(f"{name} must be an integer, at least {least}, found {value!r}", argument=name, value=value)
