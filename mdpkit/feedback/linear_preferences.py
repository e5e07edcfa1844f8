"""Preferences between feature vectors: `LinearPairs` and `LinearRankings`."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import ShapeError
from mdpkit.feedback._checks import check_all, check_column, check_weights
from mdpkit.models._checks import as_floats, frozen

__all__ = ["LinearPairs", "LinearRankings"]


class LinearPairs:
    """Comparisons of two feature vectors: ``y[k] = 1`` says that ``first[k]`` was preferred to ``second[k]``.

    With utilities ``phi . theta`` the Bradley-Terry-Luce model is ``P(y = 1) = sigma(differences . theta)``.

    Parameters
    ----------
    first, second : array_like, shape (n, d)
        Features of the two alternatives.
    y : array_like of 0 and 1, shape (n,)
        1 where the first won, 0 where the second did.
    weights : array_like, shape (n,), optional
        Weight of each comparison; one by default.

    Attributes
    ----------
    differences : ndarray, shape (n, d)
        ``first - second``.

    Raises
    ------
    ShapeError, InputError
        Naming the entry and its value.

    Examples
    --------
    >>> from mdpkit.feedback import LinearPairs
    >>> data = LinearPairs(first=[[1.0, 0.0]], second=[[0.0, 1.0]], y=[1])
    >>> data.differences.tolist(), data
    ([[1.0, -1.0]], LinearPairs(1 comparisons, d=2))
    >>> data[:0]
    LinearPairs(0 comparisons, d=2)
    """

    __slots__ = ("first", "second", "weights", "y")
    first: Floats
    second: Floats
    y: Floats
    weights: Floats

    def __init__(self, first: Any, second: Any, y: Any, weights: Any = None) -> None:
        self.first = frozen(_features(first, "first", 2, "(n, d)"))
        self.second = frozen(_features(second, "second", 2, "(n, d)"))
        if self.second.shape != self.first.shape:
            raise ShapeError(
                f"second must have shape {self.first.shape} like first, found {self.second.shape}", argument="second"
            )
        n = len(self.first)
        self.y = frozen(check_column(y, "y", n, lambda v: (v == 0) | (v == 1), "y is 1 (first preferred) or 0"))
        self.weights = frozen(check_weights(weights, n))

    @classmethod
    def from_winners(cls, winners: Any, losers: Any, weights: Any = None) -> LinearPairs:
        """Read features of the preferred and of the other alternative, each ``(n, d)``."""
        return cls(winners, losers, np.ones(len(winners)), weights)

    @property
    def differences(self) -> Floats:
        """``first - second``, shape ``(n, d)``."""
        return np.asarray(self.first - self.second)

    @property
    def dimension(self) -> int:
        """Number of features ``d``."""
        return int(self.first.shape[1])

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, lines: Any) -> LinearPairs:
        """Return some of the comparisons: a slice, an array of line numbers, or a mask."""
        return LinearPairs(self.first[lines], self.second[lines], self.y[lines], self.weights[lines])

    def __repr__(self) -> str:
        return f"LinearPairs({len(self):,} comparisons, d={self.dimension})"


class LinearRankings:
    """Rankings of K feature vectors: ``features[i, 0]`` is the best of ranking ``i``, ``features[i, K-1]`` the worst.

    Parameters
    ----------
    features : array_like, shape (n, K, d)
        Features from best to worst, ``K >= 2``.
    weights : array_like, shape (n,), optional
        Weight of each ranking; one by default.

    Raises
    ------
    ShapeError, InputError
        Naming the entry and its value.

    Examples
    --------
    >>> from mdpkit.feedback import LinearRankings
    >>> LinearRankings([[[3.0], [2.0], [1.0]]])
    LinearRankings(1 rankings of K=3, d=1)
    """

    __slots__ = ("features", "weights")
    features: Floats
    weights: Floats

    def __init__(self, features: Any, weights: Any = None) -> None:
        self.features = frozen(_features(features, "features", 3, "(n, K, d) with K >= 2"))
        if self.features.shape[1] < 2:
            raise ShapeError(
                f"features must have shape (n, K, d) with K >= 2, found {self.features.shape}", argument="features"
            )
        self.weights = frozen(check_weights(weights, len(self.features)))

    @property
    def dimension(self) -> int:
        """Number of features ``d``."""
        return int(self.features.shape[2])

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, lines: Any) -> LinearRankings:
        """Return some of the rankings: a slice, an array of line numbers, or a mask."""
        return LinearRankings(self.features[lines], self.weights[lines])

    def __repr__(self) -> str:
        return f"LinearRankings({len(self):,} rankings of K={self.features.shape[1]}, d={self.dimension})"


def _features(values: Any, name: str, axes: int, shape: str) -> Floats:
    table = as_floats(values, name)
    if table.ndim != axes:
        raise ShapeError(f"{name} must have shape {shape}, found {table.shape}", argument=name)
    check_all(table, name, np.isfinite, "features must be finite")
    return table
