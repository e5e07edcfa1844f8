"""Checks that feedback objects share; each names the argument, the index and the value found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError, StateIndexError
from mdpkit.models._checks import as_floats, as_indices


def check_indices(values: Any, name: str, count: int | None, kind: str) -> Ints:
    """Read a column of indices ``0..count-1``; without `count` they must only be nonnegative."""
    index = as_indices(values, name)
    good = index >= 0
    if count is not None:
        good &= index < count
    if not good.all():
        bad = int(np.argmin(good))
        limit = "negative" if count is None else f"outside 0..{count - 1}"
        raise StateIndexError(
            f"{name}[{bad}] = {index[bad]}: {kind} {limit}", argument=name, index=bad, value=int(index[bad])
        )
    return index


def check_column(values: Any, name: str, length: int, good: Callable[[Floats], Any], rule: str) -> Floats:
    """Read a column of numbers of the given length that all satisfy a rule."""
    column = as_floats(values, name)
    if column.shape != (length,):
        raise ShapeError(f"{name} must have shape ({length},), found {column.shape}", argument=name)
    check_all(column, name, good, rule)
    return column


def check_all(array: Floats, name: str, good: Callable[[Floats], Any], rule: str) -> None:
    """Refuse an array with an entry that breaks a rule, naming the first."""
    fine = np.asarray(good(array))
    if not fine.all():
        where = tuple(int(i) for i in np.unravel_index(int(np.argmin(fine)), array.shape))
        value = float(array[where])
        index = where[0] if len(where) == 1 else where
        raise InputError(
            f"{name}[{', '.join(map(str, where))}] = {value!r}: {rule}", argument=name, index=index, value=value
        )


def check_weights(weights: Any, length: int) -> Floats:
    """Read the weights of ``length`` observations; one each by default."""
    if weights is None:
        return np.ones(length)
    return check_column(
        weights, "weights", length, lambda w: (w >= 0) & (w < np.inf), "weights are finite and not negative"
    )
