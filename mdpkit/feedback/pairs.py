"""Pairwise comparisons of items: `PairCounts` and `PairList`.

Orientation is always winner before loser: ``W[i, j]`` is how often item ``i`` beat item ``j``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError
from mdpkit.feedback._checks import check_all, check_column, check_indices, check_weights
from mdpkit.models._checks import as_floats, frozen

__all__ = ["PairCounts", "PairList"]


class PairCounts:
    """Wins of every item over every other as a matrix.

    Parameters
    ----------
    W : array_like or DataFrame, shape (N, N)
        ``W[i, j]`` is how often item ``i`` beat item ``j``: row beats column. Finite, not negative, zero diagonal;
        fractional votes are allowed. A data frame must name its rows and columns alike.
    ties : array_like, shape (N, N), optional
        ``ties[i, j] = ties[j, i]`` is how often the two tied; None means that ties do not occur.

    Attributes
    ----------
    W, ties
        The matrices, read-only; `ties` may be None.
    n_items : int
        Number of items ``N``.
    n_comparisons : float
        Total weight, ties included.

    Raises
    ------
    ShapeError, InputError
        Naming the entry and its value.

    Examples
    --------
    >>> from mdpkit.feedback import PairCounts
    >>> counts = PairCounts([[0, 3], [1, 0]])
    >>> counts.to_list()
    PairList(2 pairs of 2 items, weight 4)
    """

    __slots__ = ("W", "ties")
    W: Floats
    ties: Floats | None

    def __init__(self, W: Any, ties: Any = None) -> None:
        self.W = _square(W, "W")
        self.ties = None
        if ties is not None:
            table = _square(ties, "ties")
            if table.shape != self.W.shape:
                raise ShapeError(f"ties must have shape {self.W.shape} like W, found {table.shape}", argument="ties")
            if not np.array_equal(table, table.T):
                i, j = (int(k) for k in np.argwhere(table != table.T)[0])
                raise InputError(
                    f"ties[{i}, {j}] = {float(table[i, j])!r} but ties[{j}, {i}] = {float(table[j, i])!r}: a tie has"
                    " no winner",
                    argument="ties",
                    index=(i, j),
                    value=float(table[i, j]),
                )
            self.ties = table

    @classmethod
    def from_results(
        cls, first: Any, second: Any, result: Any, *, weights: Any = None, items: Sequence[object] | None = None
    ) -> PairCounts:
        """Read matches line by line, draws included, scored as in chess.

        Parameters
        ----------
        first, second : array_like, shape (m,)
            Who met: numbers of items, or labels if `items` is given. Columns of a `pandas.DataFrame` will do.
        result : array_like, shape (m,)
            1 if the first won, 0 if the second did, 0.5 for a draw.
        weights : array_like, shape (m,), optional
            Weight of each line; one by default.
        items : sequence, optional
            Labels of the items in the order of their numbers.

        Raises
        ------
        ShapeError, StateIndexError, InputError
            Naming the line and its value.

        Examples
        --------
        >>> from mdpkit.feedback import PairCounts
        >>> table = PairCounts.from_results(["Ajax", "Bari", "Ajax"], ["Bari", "Ajax", "Bari"], [1, 0.5, 1],
        ...                                 items=["Ajax", "Bari"])
        >>> table.W.tolist(), table.ties.tolist()
        ([[0.0, 2.0], [0.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]])
        """
        n_items = None if items is None else len(items)
        sides = []
        for name, values in (("first", first), ("second", second)):
            column = np.asarray(values)
            numbers = column if items is None else number_labels(column, items, name)
            sides.append(check_indices(numbers, name, n_items, "item"))
        one, other = sides
        if len(other) != len(one):
            raise ShapeError(
                f"second must have shape ({len(one)},) like first, found ({len(other)},)", argument="second"
            )
        if (one == other).any():
            line = int(np.argmax(one == other))
            raise InputError(
                f"second[{line}] = {other[line]} is also the first; nobody meets itself",
                argument="second",
                index=line,
                value=int(other[line]),
            )
        score = check_column(
            result, "result", len(one), lambda r: (r == 1) | (r == 0) | (r == 0.5), "a result is 1, 0 or 0.5 (a draw)"
        )
        votes = check_weights(weights, len(one))
        N = n_items or int(max(np.max(one, initial=-1), np.max(other, initial=-1))) + 1
        won, lost, drawn = (
            np.bincount(one * N + other, votes * (score == r), N * N).reshape(N, N) for r in (1.0, 0.0, 0.5)
        )
        return cls(won + lost.T, drawn + drawn.T if (score == 0.5).any() else None)

    @property
    def n_items(self) -> int:
        """Number of items ``N``."""
        return len(self.W)

    @property
    def n_comparisons(self) -> float:
        """Total weight of all comparisons, ties included."""
        return float(np.sum(self.W) + (0.0 if self.ties is None else np.sum(self.ties) / 2))

    def to_list(self) -> PairList:
        """Return one weighted line per ordered pair that occurs; `InputError` if there are ties."""
        if self.ties is not None and self.ties.any():
            i, j = (int(k) for k in np.argwhere(self.ties)[0])
            raise InputError(
                f"ties[{i}, {j}] = {float(self.ties[i, j])!r}: a list of winners and losers cannot hold ties",
                argument="ties",
                index=(i, j),
                value=float(self.ties[i, j]),
            )
        winners, losers = np.nonzero(self.W)
        return PairList(winners, losers, self.W[winners, losers], n_items=self.n_items)

    def __repr__(self) -> str:
        ties = "" if self.ties is None else f", {np.sum(self.ties) / 2:g} of them ties"
        return f"PairCounts({self.n_items:,} items, {self.n_comparisons:g} comparisons{ties})"


class PairList:
    """Comparisons line by line: `winners` beat `losers`.

    Parameters
    ----------
    winners, losers : array_like of int, shape (m,)
        Item that won and item that lost each comparison.
    weights : array_like, shape (m,), optional
        Weight of each line, finite and not negative; one by default.
    n_items : int, optional
        Number of items; the largest index plus one by default.

    Raises
    ------
    ShapeError, StateIndexError, InputError
        Naming the line and its value.

    Examples
    --------
    >>> from mdpkit.feedback import PairList
    >>> PairList(winners=[0, 0, 1], losers=[1, 1, 0]).to_counts().W
    array([[0., 2.],
           [1., 0.]])
    """

    __slots__ = ("losers", "n_items", "weights", "winners")
    winners: Ints
    losers: Ints
    weights: Floats

    def __init__(self, winners: Any, losers: Any, weights: Any = None, *, n_items: int | None = None) -> None:
        n_items = None if n_items is None else check_count(n_items, "n_items")
        self.winners = frozen(check_indices(winners, "winners", n_items, "item"))
        self.losers = frozen(check_indices(losers, "losers", n_items, "item"))
        if len(self.losers) != len(self.winners):
            raise ShapeError(
                f"losers must have shape ({len(self.winners)},) like winners, found ({len(self.losers)},)",
                argument="losers",
            )
        if (self.winners == self.losers).any():
            line = int(np.argmax(self.winners == self.losers))
            raise InputError(
                f"losers[{line}] = {self.losers[line]} is also the winner; no item beats itself",
                argument="losers",
                index=line,
                value=int(self.losers[line]),
            )
        self.weights = frozen(check_weights(weights, len(self.winners)))
        if n_items is None:
            n_items = int(max(np.max(self.winners, initial=-1), np.max(self.losers, initial=-1))) + 1
        self.n_items = n_items

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[int, int]], *, n_items: int | None = None) -> PairList:
        """Read ``[(winner, loser), ...]``."""
        table = np.array(list(pairs))
        if table.size == 0:
            table = np.zeros((0, 2), dtype=np.int64)
        if table.ndim != 2 or table.shape[1] != 2:
            raise ShapeError(f"pairs must be (winner, loser) tuples, found shape {table.shape}", argument="pairs")
        return cls(table[:, 0], table[:, 1], n_items=n_items)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        winner: str = "winner",
        loser: str = "loser",
        weight: str | None = None,
        items: Sequence[object] | None = None,
    ) -> PairList:
        """Read a `pandas.DataFrame` with one comparison per line.

        Parameters
        ----------
        frame : DataFrame
            The comparisons.
        winner, loser, weight : str
            Names of the columns; no weights by default.
        items : sequence, optional
            Labels of the items in the order of their numbers; without it the columns hold numbers.
        """
        columns = [take_column(frame, winner), take_column(frame, loser)]
        if items is not None:
            columns = [number_labels(column, items, winner if k == 0 else loser) for k, column in enumerate(columns)]
        weights = None if weight is None else take_column(frame, weight)
        return cls(columns[0], columns[1], weights, n_items=None if items is None else len(items))

    def to_counts(self) -> PairCounts:
        """Add up the lines into a matrix of wins."""
        N = self.n_items
        flat = np.bincount(self.winners * N + self.losers, weights=self.weights, minlength=N * N)
        return PairCounts(flat.reshape(N, N))

    def __len__(self) -> int:
        return len(self.winners)

    def __repr__(self) -> str:
        return f"PairList({len(self):,} pairs of {self.n_items:,} items, weight {np.sum(self.weights):g})"


def take_column(frame: Any, name: str) -> Any:
    """Return a column of a data frame as an array."""
    if name not in getattr(frame, "columns", ()):
        raise InputError(f"frame has no column {name!r}", argument="frame", value=name)
    return np.asarray(frame[name])


def number_labels(labels: Any, items: Sequence[object], name: str) -> Ints:
    """Replace labels by their positions in `items`."""
    position = {label: k for k, label in enumerate(items)}
    if len(position) != len(items):
        raise InputError("items must be distinct", argument="items")
    numbers = np.empty(len(labels), dtype=np.int64)
    for line, label in enumerate(labels.tolist()):
        if label not in position:
            raise InputError(f"{name}[{line}] = {label!r} is not in items", argument=name, index=line, value=label)
        numbers[line] = position[label]
    return numbers


def _square(values: Any, name: str) -> Any:
    if hasattr(values, "columns") and list(values.index) != list(values.columns):
        raise ShapeError(f"{name} must name its rows and columns alike, in the same order", argument=name)
    table = as_floats(values, name)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ShapeError(f"{name} must be square, found shape {table.shape}", argument=name)
    check_all(table, name, lambda w: (w >= 0) & (w < np.inf), "counts are finite and not negative")
    diagonal = np.diagonal(table)
    if diagonal.any():
        i = int(np.argmax(diagonal != 0))
        raise InputError(
            f"{name}[{i}, {i}] = {float(diagonal[i])!r}: no item is compared with itself",
            argument=name,
            index=(i, i),
            value=float(diagonal[i]),
        )
    return frozen(table)
