"""What all uncertainty sets share: the support convention, and numbers per pair or per state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mdpkit._typing import Bools, Floats
from mdpkit.errors import InputError, ShapeError, UnknownOptionError
from mdpkit.models._checks import as_floats, unravel

if TYPE_CHECKING:
    from mdpkit.models.tabular import TabularMDP

__all__ = ["UncertaintySet"]


class UncertaintySet:
    """A family of sets of transition rows, one set per state-action pair (or per state) of a nominal model.

    Attributes
    ----------
    joint : bool
        Whether the family has an s-rectangular form: one budget per state, shared by its actions.
    support : str or ndarray
        Which successors may receive mass: ``"nominal"`` (those of the nominal row), ``"all"`` states, or a boolean mask
        of shape ``(S, A, S)``.
    """

    joint: ClassVar[bool] = False
    support: str | Bools = "nominal"

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check every number against the model it is to surround; `RobustMDP` calls this once.

        Raises
        ------
        InputError
            Naming the argument, the first offending index and the value.
        """
        raise NotImplementedError

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; build a new set")

    def _store(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)


def read_support(support: Any) -> str | Bools:
    """Return "nominal", "all" or a boolean ``(S, A, S)`` mask."""
    if isinstance(support, str):
        if support not in ("nominal", "all"):
            raise UnknownOptionError(
                f"support must be 'nominal', 'all' or a boolean mask of shape (S, A, S), found {support!r}",
                argument="support",
                value=support,
            )
        return support
    mask = np.asarray(support)
    if mask.dtype != np.bool_ or mask.ndim != 3:
        raise ShapeError(
            f"support must be 'nominal', 'all' or a boolean mask of shape (S, A, S), found {mask.dtype} of shape "
            f"{mask.shape}",
            argument="support",
        )
    return mask


def check_support(support: str | Bools, nominal: TabularMDP) -> None:
    """Refuse a mask of another shape, or one that forbids a nominal successor."""
    if isinstance(support, str):
        return
    shape = (nominal.n_states, nominal.n_actions, nominal.n_states)
    if support.shape != shape:
        raise ShapeError(f"support must have shape {shape}, found {support.shape}", argument="support")
    rows = nominal.rows.csr().tocoo()
    state, action = nominal.pair_state[rows.row], nominal.pair_action[rows.row]
    allowed = support[state, action, rows.col]
    if not allowed.all():
        bad = int(np.argmin(allowed))
        where = (int(state[bad]), int(action[bad]), int(rows.col[bad]))
        raise InputError(
            f"support{list(where)} is False, but the nominal model moves there with probability "
            f"{float(rows.data[bad])!r}",
            argument="support",
            index=where,
            value=False,
        )


def read_numbers(values: Any, name: str, *, least: float, most: float = np.inf, open_below: bool = False) -> Floats:
    """Return finite numbers in a range as an array of any shape; NaN, infinities and the rest are refused."""
    array = as_floats(values, name)
    if not np.ndim(values):
        array = array.reshape(())
    above = array > least if open_below else array >= least
    good = above & (array <= most) & (array < np.inf)
    if not good.all():
        flat = int(np.argmin(good))
        where = unravel(array.shape)(flat) if array.ndim else ()
        value = float(array.reshape(-1)[flat])
        bracket = f"[{', '.join(map(str, where))}]" if where else ""
        lower = f"{'above' if open_below else 'at least'} {least:g}"
        wanted = lower if most == np.inf else f"{lower} and at most {most:g}"
        raise InputError(
            f"{name}{bracket} = {value!r}; it must be finite, {wanted}", argument=name, index=where, value=value
        )
    array = array.view()
    array.flags.writeable = False
    return array


def check_shape(values: Floats, name: str, nominal: TabularMDP, rectangularity: str) -> None:
    """Accept a scalar, ``(S,)``, or, for (s,a)-rectangular sets, ``(S, A)``."""
    shapes: list[tuple[int, ...]] = [(), (nominal.n_states,)]
    if rectangularity == "sa":
        shapes.append((nominal.n_states, nominal.n_actions))
    if values.shape not in shapes:
        listed = ", ".join(str(shape) for shape in shapes[1:])
        hint = "; s-rectangular sets have one budget per state" if rectangularity == "s" and values.ndim == 2 else ""
        raise ShapeError(f"{name} must be a scalar or have shape {listed}, found {values.shape}{hint}", argument=name)


def per_pair(values: Floats, nominal: TabularMDP) -> Floats:
    """Spread a scalar, ``(S,)`` or ``(S, A)`` over the pairs: shape ``(N,)``."""
    if values.ndim == 2:
        return np.ascontiguousarray(values[nominal.pair_state, nominal.pair_action])
    if values.ndim == 1:
        return np.ascontiguousarray(values[nominal.pair_state])
    return np.full(nominal.n_pairs, float(values))


def per_state(values: Floats, nominal: TabularMDP) -> Floats:
    """Spread a scalar or ``(S,)`` over the states: shape ``(S,)``."""
    return np.ascontiguousarray(np.broadcast_to(values, (nominal.n_states,)))
