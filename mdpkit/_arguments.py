"""Checks of arguments that every package makes; each names the argument and the value found."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from mdpkit.errors import InputError, UnknownOptionError


def check_count(value: Any, argument: str, *, least: int = 1, most: int | None = None) -> int:
    """Return an integer in ``least..most``."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        wanted = f"of at least {least}" if most is None else f"in {least}..{most}"
        raise InputError(f"{argument} must be an integer {wanted}, found {value!r}", argument=argument, value=value)
    return int(value)


def check_option(value: Any, argument: str, known: Collection[str]) -> None:
    """Refuse the name of an option that does not exist."""
    if value not in known:
        raise UnknownOptionError(
            f"{argument} must be one of {', '.join(known)}; found {value!r}", argument=argument, value=value
        )


def check_seed(seed: Any) -> np.random.Generator:
    """Return the generator a seed stands for; None is refused, so that every run can be repeated."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(
            f"seed must be a nonnegative integer or a numpy.random.Generator, found {seed!r}",
            argument="seed",
            value=seed,
        )
    return np.random.default_rng(int(seed))
