"""From a list of atoms to the canonical form of a law: checked, sorted, equal or close atoms merged."""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from typing import Any, NamedTuple

import numpy as np

from mdpkit._typing import Floats
from mdpkit.distributional.laws._kernels import merge_sorted
from mdpkit.errors import ExplosionError, InputError, NotStochasticError, ShapeError

__all__ = ["MAX_ATOMS", "Atoms", "canonical", "check_atoms", "merge_tolerance"]

MAX_ATOMS = 2_000_000
"""Most atoms a law may hold unless its maker says otherwise."""

SUM_TOLERANCE = 1e-8
"""Probabilities must sum to one within this, and are then divided by their sum (the package's one constant)."""

Array = np.ndarray[Any, np.dtype[Any]]


class Atoms(NamedTuple):
    """Canonical atoms: sorted and distinct, positive probabilities, and what merging may have cost in W1."""

    x: Array
    p: Array
    merged_error: float


def merge_tolerance(x: Floats) -> float:
    """Return the default width within which float atoms count as one, ``1e-12 (1 + max |x|)``."""
    return 1e-12 * (1.0 + float(np.max(np.abs(x), initial=0.0)))


def is_rational(values: Array) -> bool:
    """Tell whether every entry is an integer or a fraction."""
    if values.dtype.kind == "O":
        return all(isinstance(v, Rational) for v in values.flat)
    return values.dtype.kind in "iu"


def to_fractions(values: Array) -> Array:
    """Return the entries as fractions: rationals as they are, doubles at their exact binary value."""
    out = np.empty(values.shape, dtype=object)
    for i, v in enumerate(values.flat):
        out.flat[i] = Fraction(int(v)) if isinstance(v, (int, np.integer)) else Fraction(v)
    return out


def as_array(values: Any, argument: str) -> Array:
    """Return numbers as an array, of dtype object where they hold fractions."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{argument} is ragged: {error}", argument=argument) from error
    if array.dtype.kind not in "iufO" or (
        array.dtype.kind == "O" and not all(isinstance(v, (Rational, float, np.floating)) for v in array.flat)
    ):
        raise InputError(f"{argument} must hold real numbers, found {array.dtype}", argument=argument, value=values)
    return array


def check_finite(values: Array, argument: str) -> None:
    """Refuse NaN and infinities."""
    if values.dtype.kind == "O":
        # Fractions are finite, and large ones could not be made floats.
        finite = np.array([isinstance(v, Rational) or np.isfinite(v) for v in values.flat], dtype=bool)
    else:
        finite = np.isfinite(values).ravel()
    bad = np.flatnonzero(~finite)
    if len(bad):
        where = np.unravel_index(bad[0], values.shape)
        value = values[where]
        index: object = tuple(int(i) for i in where) if len(where) > 1 else int(where[0]) if len(where) else None
        place = "" if index is None else f" at index {index}"
        raise InputError(
            f"{argument} must be finite, found {value}{place}", argument=argument, index=index, value=value
        )


def check_probabilities(p: Array, argument: str) -> Array:
    """Return nonnegative numbers that sum to one, divided by their sum; fractions must sum to one exactly."""
    bad = np.flatnonzero(~(p >= 0))
    if len(bad):
        index = int(bad[0])
        raise NotStochasticError(
            f"{argument} must be nonnegative, found {p[index]} at index {index}",
            argument=argument,
            index=index,
            value=p[index],
        )
    total = p.sum()
    slack = 0.0 if is_rational(p) else SUM_TOLERANCE
    if not abs(total - 1) <= slack:
        raise NotStochasticError(f"{argument} must sum to 1, found {total}", argument=argument, value=total)
    return p if total == 1 else np.asarray(p / total)


def check_atoms(x: Any, p: Any, *, exact: bool | None) -> tuple[Array, Array]:
    """Return atoms and probabilities as arrays of one kind, both float64 or both fractions."""
    atoms, probs = as_array(x, "x"), as_array(p, "p")
    if probs.ndim != 1 or len(probs) == 0:
        raise ShapeError(f"p must have shape (n,), n >= 1, found {probs.shape}", argument="p", value=probs.shape)
    if atoms.ndim not in (1, 2) or len(atoms) != len(probs) or atoms.size == 0:
        raise ShapeError(
            f"x must have shape (n,) or (n, m) with n = {len(probs)} and m >= 1, found {atoms.shape}",
            argument="x",
            value=atoms.shape,
        )
    check_finite(atoms, "x")
    check_finite(probs, "p")
    if exact is None:
        exact = "O" in (atoms.dtype.kind, probs.dtype.kind) and is_rational(atoms) and is_rational(probs)
    if not exact:
        return atoms.astype(np.float64), check_probabilities(probs.astype(np.float64), "p")
    if is_rational(probs):
        return to_fractions(atoms), check_probabilities(to_fractions(probs), "p")
    check_probabilities(probs.astype(np.float64), "p")
    weights = to_fractions(probs)
    return to_fractions(atoms), np.asarray(weights / weights.sum())


def canonical(x: Array, p: Array, *, merge_tol: float | None, max_atoms: int) -> Atoms:
    """Sort checked atoms, drop those of probability zero and merge equal (fractions) or close (floats) ones.

    Parameters
    ----------
    x : ndarray, shape (n,) or (n, m)
        Atoms, float64 or fractions.
    p : ndarray, shape (n,)
        Their probabilities.
    merge_tol : float or None
        Width within which float atoms are merged, by default `merge_tolerance`; 0 merges equal values only.
    max_atoms : int
        Cap on the number of atoms after merging.

    Returns
    -------
    Atoms

    Raises
    ------
    ExplosionError
        More than `max_atoms` atoms remain.

    Notes
    -----
    A cluster becomes its weighted mean, so that means are kept; ``merged_error`` is the mass moved times how far, an
    upper bound on the W1 distance to the law given. Cost ``O(n log n)``, ``O(n)`` for a few sorted runs one after the
    other.
    """
    keep = p > 0
    if not keep.all():
        x, p = x[keep], p[keep]
    if p.dtype.kind == "O":
        done = _merge_equal(x, p)
    else:
        tol = merge_tolerance(x) if merge_tol is None else merge_tol
        done = _merge_scalars(x, p, tol) if x.ndim == 1 else _merge_vectors(x, p, tol)
    if len(done.p) > max_atoms:
        raise ExplosionError(
            f"the law has {len(done.p)} atoms, more than max_atoms = {max_atoms}; raise the cap or use a fixed-size "
            "representation (categorical or quantile)",
            argument="max_atoms",
            count=len(done.p),
            cap=max_atoms,
        )
    return done


def _merge_equal(x: Array, p: Array) -> Atoms:
    """Merge equal fractions."""
    mass: dict[Any, Fraction] = {}
    keys = x.tolist() if x.ndim == 1 else [tuple(row) for row in x.tolist()]
    for key, weight in zip(keys, p.tolist(), strict=True):
        mass[key] = mass[key] + weight if key in mass else weight
    order = sorted(mass)
    atoms = np.empty((len(order), *x.shape[1:]), dtype=object)
    atoms[:] = order
    probs = np.empty(len(order), dtype=object)
    probs[:] = [mass[key] for key in order]
    return Atoms(atoms, probs, 0.0)


def _merge_scalars(x: Floats, p: Floats, tol: float) -> Atoms:
    """Merge float atoms within `tol` of each other."""
    # A stable sort is a merge of the sorted runs that a mixture of laws consists of.
    order = np.argsort(x, kind="stable")
    atoms, probs, _, moved = merge_sorted(x[order], p[order], tol)
    return Atoms(atoms, probs, moved)


def _merge_vectors(x: Floats, p: Floats, tol: float) -> Atoms:
    """Merge vectors that agree within `tol` in every coordinate.

    Coordinates are clustered one by one: a lexicographic order alone would part vectors whose first coordinates differ
    by a rounding error. Every marginal is then exactly the scalar law's.
    """
    moved = np.empty_like(x)
    for k in range(x.shape[1]):
        order = np.argsort(x[:, k], kind="stable")
        centers, _, starts, _ = merge_sorted(x[order, k], p[order], tol)
        moved[order, k] = np.repeat(centers, np.diff(starts, append=len(order)))
    atoms, inverse = np.unique(moved, axis=0, return_inverse=True)
    probs = np.bincount(inverse.ravel(), weights=p, minlength=len(atoms))
    return Atoms(atoms, probs, float(p @ np.linalg.norm(x - moved, axis=1)))
