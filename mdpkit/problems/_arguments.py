"""Checks of the parameters of named problems; each names the argument and the value found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError

NAMED_STATES = 1000
"""Up to this many states a problem names them; beyond it the names would cost more than the model."""


def check_number(value: Any, argument: str, *, least: float = -math.inf) -> float:
    """Return a finite float that is not below ``least``."""
    number = _as_float(value, argument)
    if not (math.isfinite(number) and number >= least):
        wanted = "a finite number" if least == -math.inf else f"a finite number of at least {least:g}"
        raise InputError(f"{argument} must be {wanted}, found {value!r}", argument=argument, value=value)
    return number


def check_probability(value: Any, argument: str) -> float:
    """Return a float in ``[0, 1]``."""
    number = _as_float(value, argument)
    if not 0.0 <= number <= 1.0:
        raise InputError(f"{argument} must lie in [0, 1], found {value!r}", argument=argument, value=value)
    return number


def remaining(first: float, second: float, first_name: str, second_name: str) -> float:
    """Return the probability that two exclusive events leave over."""
    # Summed exactly, so that 1 - 0.35 - 0.05 is the double 0.6 and nothing else.
    rest = math.fsum((1.0, -first, -second))
    if rest < -1e-12:
        raise InputError(
            f"{first_name} + {second_name} must not exceed 1, found {first!r} + {second!r}",
            argument=first_name,
            value=first,
        )
    return rest if rest > 1e-12 else 0.0


def check_demand(values: Any, argument: str) -> Floats:
    """Return a probability vector, indexed by the quantity demanded."""
    try:
        law = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must be a list of probabilities: {error}", argument=argument) from error
    if law.ndim != 1 or law.size == 0:
        raise InputError(f"{argument} must be a list of probabilities, found shape {law.shape}", argument=argument)
    bad = np.flatnonzero(~((law >= 0.0) & (law <= 1.0)))
    if bad.size:
        d = int(bad[0])
        raise InputError(
            f"{argument}[{d}] must lie in [0, 1], found {float(law[d])!r}",
            argument=argument,
            index=d,
            value=float(law[d]),
        )
    total = float(np.sum(law))
    if abs(total - 1.0) > 1e-8:
        raise InputError(f"{argument} must sum to 1, found {total!r}", argument=argument, value=total)
    return law


def numbered(count: int, label: str) -> list[str] | None:
    """Return ``label`` with every state's number, or None for models too large to read."""
    return [label.format(s) for s in range(count)] if count <= NAMED_STATES else None


def _as_float(value: Any, argument: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must be a number, found {value!r}", argument=argument, value=value) from error
