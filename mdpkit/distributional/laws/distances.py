"""How far apart two laws of a number are: Wasserstein, Cramer, energy and Kolmogorov distances."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from mdpkit.distributional.laws.functionals import LEVEL_TOLERANCE, cumulative
from mdpkit.distributional.laws.law import DiscreteLaw
from mdpkit.distributional.laws.merging import Array, merge_tolerance
from mdpkit.distributional.laws.vector_distances import check_pair, energy_of_vectors, transport
from mdpkit.errors import InputError, ShapeError

__all__ = ["cramer", "energy", "kolmogorov", "sup_distance", "wasserstein"]

CELL_TOLERANCE = 1e-14
"""Coupling cells of less mass than this are rounding errors of tied cumulative probabilities (finite p > 1)."""


def wasserstein(a: DiscreteLaw, b: DiscreteLaw, p: float = 1) -> Any:
    r"""Return the Wasserstein distance ``W_p = inf E(|X - Y|^p)^{1/p}`` over the couplings of two laws.

    Parameters
    ----------
    a, b : DiscreteLaw
        Of numbers, or of vectors with at most 200 atoms each (Euclidean norm, by linear programming).
    p : float, default 1
        Order, at least 1; infinite for numbers only.

    Returns
    -------
    float, or Fraction
        A fraction for p = 1 or infinite when both laws are exact.

    Raises
    ------
    InputError
        The order is below 1, or infinite for vectors, or laws of vectors have more than 200 atoms (then use `mmd`).
    ShapeError
        The laws have different dimensions.

    Notes
    -----
    For numbers, ``W_1 = int |F - G|``, and ``W_p`` couples equal quantiles. Cumulative probabilities that agree within
    1e-14 (1e-12 for p infinite) tie in float mode, otherwise rounding would couple atoms far apart. Cost
    ``O(n log n)``. Under a Bellman operator, ``sup_s W_p`` contracts by gamma.

    Examples
    --------
    >>> from mdpkit.distributional import DiscreteLaw, wasserstein
    >>> a, b = DiscreteLaw([0, 1, 3], [0.5, 0.25, 0.25]), DiscreteLaw([0, 2], [0.25, 0.75])
    >>> wasserstein(a, b), round(wasserstein(a, b, 2) ** 2, 12), wasserstein(a, b, float("inf"))
    (1.0, 1.5, 2.0)
    """
    order = _check_order(p)
    if check_pair(a, b) > 0:
        return transport(a, b, order)
    if order == 1.0:
        difference, gaps = cdf_difference(a, b)
        return _plain(np.abs(difference) @ gaps)
    a, b = _same_kind(a, b)
    ends_a, ends_b = cumulative(a.p), cumulative(b.p)
    levels = np.sort(np.concatenate([ends_a, ends_b]))
    starts = np.concatenate([levels[:1] * 0, levels[:-1]])
    mass = levels - starts
    slack = 0.0 if a.exact else LEVEL_TOLERANCE if order == np.inf else CELL_TOLERANCE
    real = mass > slack
    # The middle of a cell lies strictly between the cumulative probabilities of both laws.
    middle = (levels[real] + starts[real]) / 2
    distance = np.abs(a.x[np.searchsorted(ends_a, middle)] - b.x[np.searchsorted(ends_b, middle)])
    top = distance.max()
    if order == np.inf or top == 0:
        return _plain(top)
    # Relative to the largest distance, so that high powers neither overflow nor vanish.
    scaled = (distance / top).astype(np.float64)
    return float(top) * float(mass[real].astype(np.float64) @ scaled**order) ** (1.0 / order)


def cramer(a: DiscreteLaw, b: DiscreteLaw) -> float:
    """Return the Cramer distance ``l2 = (int (F - G)^2)^{1/2}`` of two laws of numbers.

    Under a Bellman operator, ``sup_s l2`` contracts by ``gamma^{1/2}``.

    Examples
    --------
    >>> from mdpkit.distributional import DiscreteLaw, cramer
    >>> round(cramer(DiscreteLaw.point(0), DiscreteLaw([0, 1], [0.5, 0.5])), 12)
    0.5
    """
    _check_numbers(a, b, "cramer")
    difference, gaps = cdf_difference(a, b)
    return float(np.sqrt(float(difference**2 @ gaps)))


def energy(a: DiscreteLaw, b: DiscreteLaw) -> Any:
    """Return the energy distance ``2 E|X - Y| - E|X - X'| - E|Y - Y'|`` of two laws of numbers or vectors.

    For numbers it is ``2 int (F - G)^2``, twice the squared Cramer distance and the squared MMD of the kernel
    ``-|x - y|``; a fraction when both laws are exact. (`scipy.stats.energy_distance` returns its square root.)

    Examples
    --------
    >>> from mdpkit.distributional import DiscreteLaw, energy
    >>> energy(DiscreteLaw([0, 1, 3], [0.5, 0.25, 0.25]), DiscreteLaw([0, 2], [0.25, 0.75]))
    0.75
    """
    if check_pair(a, b) > 0:
        return energy_of_vectors(a, b)
    difference, gaps = cdf_difference(a, b)
    return _plain(2 * (difference**2 @ gaps))


def kolmogorov(a: DiscreteLaw, b: DiscreteLaw) -> Any:
    """Return the Kolmogorov-Smirnov distance ``sup |F - G|`` of two laws of numbers.

    It does not see how far atoms lie apart, and no Bellman operator contracts it.

    Examples
    --------
    >>> from mdpkit.distributional import DiscreteLaw, kolmogorov
    >>> kolmogorov(DiscreteLaw.point(0), DiscreteLaw([0, 1], [0.25, 0.75]))
    0.75
    """
    _check_numbers(a, b, "kolmogorov")
    difference, gaps = cdf_difference(a, b)
    # Between atoms that are one but for rounding, the difference of the two CDFs is not there.
    real = gaps > (0 if a.exact and b.exact else merge_tolerance(np.concatenate([a.x, b.x]).astype(np.float64)))
    return _plain(np.abs(difference[real]).max(initial=0))


def sup_distance(
    distance: Callable[[DiscreteLaw, DiscreteLaw], Any], laws: Iterable[DiscreteLaw], others: Iterable[DiscreteLaw]
) -> Any:
    """Return the largest distance between laws of the same state, ``sup_s d(laws[s], others[s])``.

    Parameters
    ----------
    distance : callable
        `wasserstein`, `cramer`, ..., or any function of two laws.
    laws, others : iterable of DiscreteLaw
        One law per state (or state and stock), equally many and at least one.

    Examples
    --------
    >>> from mdpkit.distributional import DiscreteLaw, sup_distance, wasserstein
    >>> zero, one, five = (DiscreteLaw.point(x) for x in (0, 1, 5))
    >>> sup_distance(wasserstein, [zero, zero], [one, five])
    5.0
    """
    left, right = list(laws), list(others)
    if len(left) != len(right) or not left:
        raise ShapeError(
            f"laws and others must be equally many and not empty, found {len(left)} and {len(right)}",
            argument="others",
            value=len(right),
        )
    return max(distance(a, b) for a, b in zip(left, right, strict=True))


def cdf_difference(a: DiscreteLaw, b: DiscreteLaw) -> tuple[Array, Array]:
    """Return ``F - G`` between consecutive pooled atoms and the lengths of those intervals (0 at ties)."""
    a, b = _same_kind(a, b)
    x = np.concatenate([a.x, b.x])
    order = np.argsort(x, kind="stable")
    steps = np.concatenate([a.p, -b.p])[order]
    if a.exact:
        return np.asarray(np.cumsum(steps)[:-1]), np.diff(x[order])
    return np.cumsum(steps, dtype=np.longdouble)[:-1].astype(np.float64), np.diff(x[order])


def _same_kind(a: DiscreteLaw, b: DiscreteLaw) -> tuple[DiscreteLaw, DiscreteLaw]:
    """Return both laws in fractions if both are exact, else both in floats."""
    return (a, b) if a.exact and b.exact else (a.to_float(), b.to_float())


def _check_numbers(a: DiscreteLaw, b: DiscreteLaw, what: str) -> None:
    if check_pair(a, b) > 0:
        raise ShapeError(f"{what} needs laws of numbers; take marginals, or use mmd", argument="a")


def _check_order(p: Any) -> float:
    if isinstance(p, bool) or not isinstance(p, (int, float, np.integer, np.floating)) or not p >= 1:
        raise InputError(f"p must be a number of at least 1, found {p!r}", argument="p", value=p)
    return float(p)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
