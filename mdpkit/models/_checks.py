"""Vectorised checks shared by the constructors; each names the argument, the first bad index and the value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.errors import (
    DiscountError,
    InputError,
    NonFiniteRewardError,
    NotStochasticError,
    ShapeError,
    StateIndexError,
)

UNIT_ROUNDOFF = 2.0**-53
ROW_SUM_TOLERANCE = 1e-8
RENORMALIZE_TOLERANCE = 1e-3

Locate = Callable[[int], Any]
"""Turns a flat position into the index the user knows."""


def frozen(array: np.ndarray[Any, Any]) -> Any:
    """Return a read-only view; the array it looks at stays as writable as its owner made it."""
    view = array.view()
    view.flags.writeable = False
    return view


def as_floats(values: Any, name: str) -> Floats:
    """Convert to a C-contiguous float64 array, without a copy where it already is one."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "c":
            raise TypeError("complex numbers are not accepted")
        if array.dtype.kind not in "biuf":
            array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{name} must be a numeric array: {error}", argument=name) from error
    return np.ascontiguousarray(array, dtype=np.float64)


def as_indices(values: Any, name: str) -> Ints:
    """Convert to a one-dimensional int64 array; floats are refused even when they are whole."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{name} must have one axis: {error}", argument=name) from error
    if array.ndim != 1:
        raise ShapeError(f"{name} must have one axis, found shape {array.shape}", argument=name)
    if array.dtype.kind not in "iu" and array.size:
        raise InputError(f"{name} must hold integers, found dtype {array.dtype}", argument=name)
    return array.astype(np.int64, copy=False)


def check_discount(gamma: Any) -> float | None:
    """Return ``gamma`` as a float in ``[0, 1]``, or None for an undiscounted model."""
    if gamma is None:
        return None
    try:
        if isinstance(gamma, str):
            raise TypeError("text is not a number")
        value = float(gamma)
    except (TypeError, ValueError) as error:
        raise DiscountError(
            f"gamma must be a number in [0, 1], found {gamma!r}", argument="gamma", value=gamma
        ) from error
    if not 0.0 <= value <= 1.0:
        raise DiscountError(f"gamma must lie in [0, 1], found {value!r}", argument="gamma", value=value)
    return value


def check_probabilities(prob: Floats, name: str, locate: Locate) -> None:
    """Refuse NaN, infinite and negative probabilities; no temporary of the size of the model is made."""
    if prob.size == 0:
        return
    low, high = float(np.min(prob)), float(np.max(prob))
    if low >= 0.0 and high < np.inf:
        return
    flat = prob.reshape(-1)
    bad = int(np.argmax(~((flat >= 0.0) & (flat < np.inf))))
    value = float(flat[bad])
    where = locate(bad)
    kind = "negative" if value < 0 else "not a finite number"
    raise NotStochasticError(f"{name}{_brackets(where)} = {value!r} is {kind}", argument=name, index=where, value=value)


def check_row_sums(
    sums: Floats, name: str, locate: Locate, *, renormalize: bool = False, label: str | None = None
) -> float:
    """Refuse rows that do not sum to one; return the largest distance from one. Messages begin with `label`."""
    if sums.size == 0:
        return 0.0
    distance = np.abs(sums - 1.0)
    tolerance = RENORMALIZE_TOLERANCE if renormalize else ROW_SUM_TOLERANCE
    worst = float(np.max(distance))
    if worst <= tolerance:
        return worst
    bad = int(np.argmax(~(distance <= tolerance)))
    where, value = locate(bad), float(sums[bad])
    hint = ""
    if not renormalize and abs(value - 1.0) <= RENORMALIZE_TOLERANCE:
        hint = '; pass sum_to_one="renormalize" to divide such rows by their sum'
    elif value < 1.0:
        hint = "; missing mass is not a termination: add an absorbing state with reward 0"
    raise NotStochasticError(
        f"{label or name}{_brackets(where)} sums to {value!r}, not to 1 within {tolerance:g}{hint}",
        argument=name,
        index=where,
        value=value,
    )


def sum_noise(length: int) -> float:
    """Bound on how far the computed sum of a row of this length may be from 1 by rounding alone.

    Rows within it are kept as they are (no copy); rows divided by their sum always are, so storing is idempotent.
    """
    return 2 * (length + 1) * UNIT_ROUNDOFF


def check_rewards(reward: Floats, name: str, locate: Locate, *, allow_minus_inf: bool = False) -> None:
    """Refuse NaN and infinite rewards (``-inf`` may forbid a pair of a product-form model)."""
    if reward.size == 0:
        return
    low, high = float(np.min(reward)), float(np.max(reward))
    if high < np.inf and (low > -np.inf or (allow_minus_inf and low == -np.inf)):
        return
    flat = reward.reshape(-1)
    good = flat < np.inf
    if not allow_minus_inf:
        good &= flat > -np.inf
    bad = int(np.argmax(~good))
    where, value = locate(bad), float(flat[bad])
    raise NonFiniteRewardError(
        f"{name}{_brackets(where)} = {value!r}; rewards must be finite",
        argument=name,
        index=where,
        value=value,
    )


def check_initial(initial: Any, n_states: int) -> Floats | None:
    """Return the initial distribution as ``(S,)`` floats; an integer is a sure start."""
    if initial is None:
        return None
    if isinstance(initial, (int, np.integer)) and not isinstance(initial, bool):
        if not 0 <= initial < n_states:
            raise StateIndexError(
                f"initial = {initial} is not a state; states are 0..{n_states - 1}",
                argument="initial",
                value=int(initial),
            )
        start = np.zeros(n_states)
        start[int(initial)] = 1.0
        return start
    start = as_floats(initial, "initial")
    if start.shape != (n_states,):
        raise ShapeError(f"initial must have shape ({n_states},), found {start.shape}", argument="initial")
    check_probabilities(start, "initial", lambda i: (i,))
    total = np.sum(start)
    distance = check_row_sums(np.atleast_1d(total), "initial", lambda _: ())
    # What was divided once must not change again when a model is copied, pickled or loaded.
    return start / total if distance > sum_noise(n_states) else start


def check_names(names: Sequence[object] | None, count: int, argument: str) -> tuple[str, ...] | None:
    """Return names as a tuple of distinct strings."""
    if names is None:
        return None
    labels = tuple(str(name) for name in names)
    if len(labels) != count:
        raise ShapeError(f"{argument} must hold {count} names, found {len(labels)}", argument=argument)
    if len(set(labels)) != count:
        seen: set[str] = set()
        for position, label in enumerate(labels):
            if label in seen:
                raise InputError(
                    f"{argument}[{position}] = {label!r} was used before; names must differ",
                    argument=argument,
                    index=position,
                    value=label,
                )
            seen.add(label)
    return labels


def unravel(shape: tuple[int, ...]) -> Locate:
    """Return a function from flat positions to index tuples of an array of this shape."""
    return lambda flat: tuple(int(i) for i in np.unravel_index(flat, shape))


def as_tuple(where: Any) -> tuple[Any, ...]:
    """Return an index as a tuple, so that indices can be joined."""
    return where if isinstance(where, tuple) else (where,)


def _brackets(where: Any) -> str:
    if where == ():
        return ""
    if isinstance(where, tuple):
        return f"[{', '.join(str(i) for i in where)}]"
    return f"[{where}]"
