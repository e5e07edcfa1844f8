"""Reading the numbers of items, contexts and actions that an oracle is asked about."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._typing import Ints
from mdpkit.errors import ShapeError, StateIndexError


def read_numbers(values: Any, name: str, count: int, kind: str) -> Ints:
    """Read numbers ``0..count-1`` of any shape, so that an error names the position in the caller's own array."""
    try:
        numbers = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{name} must be an array: {error}", argument=name) from error
    if numbers.dtype.kind not in "iu" and numbers.size:
        raise StateIndexError(f"{name} must hold {kind} numbers, found dtype {numbers.dtype}", argument=name)
    bad = np.atleast_1d((numbers < 0) | (numbers >= count))
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        value = int(np.atleast_1d(numbers)[where])
        raise StateIndexError(
            f"{name}[{', '.join(map(str, where))}] = {value}: {kind} outside 0..{count - 1}",
            argument=name,
            index=where[0] if len(where) == 1 else where,
            value=value,
        )
    return numbers.astype(np.int64)


def line_up(**columns: Ints) -> tuple[list[Ints], tuple[int, ...]]:
    """Broadcast arrays against each other; return them flat, and the shape they have together."""
    shape: tuple[int, ...] = ()
    for name, values in columns.items():
        try:
            shape = np.broadcast_shapes(shape, values.shape)
        except ValueError as error:
            raise ShapeError(
                f"{name} has shape {values.shape}, which does not go with {shape} of {', '.join(columns)}",
                argument=name,
            ) from error
    return [np.broadcast_to(values, shape).reshape(-1) for values in columns.values()], shape
