"""`ItemOracle`: says which of the items it is shown is better."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError
from mdpkit.feedback._checks import check_all, check_indices
from mdpkit.feedback.oracles._questions import line_up, read_numbers
from mdpkit.feedback.oracles.comparison import ComparisonOracle
from mdpkit.feedback.pairs import PairList
from mdpkit.feedback.rankings import Rankings
from mdpkit.models._checks import as_floats

__all__ = ["ItemOracle"]


class ItemOracle(ComparisonOracle):
    """Compare items with hidden utilities; what `ComparisonOracle` returns for an array.

    Parameters
    ----------
    utilities : array_like, shape (N,)
        The hidden utilities, finite.
    link : {"btl", "pl"}, default "btl"
        "btl" answers comparisons of two items only, "pl" also ranks more.
    seed : int or numpy.random.Generator
        Randomness of the answers.

    Attributes
    ----------
    n_items : int
        Number of items ``N``.
    queries : int
        Comparisons and rankings answered so far; a ranking counts once.

    Raises
    ------
    ShapeError, InputError, UnknownOptionError
        The utilities are no finite vector, or the link is unknown.

    See Also
    --------
    ComparisonOracle : the choice models, with their reference.

    Examples
    --------
    >>> from mdpkit.feedback import ComparisonOracle
    >>> oracle = ComparisonOracle([50.0, 0.0, -50.0], link="pl", seed=0)
    >>> oracle.compare(0, 1, n=10)
    10
    >>> oracle.rank([2, 0, 1])[0].tolist(), oracle.queries
    ([0, 1, 2], 11)
    """

    __slots__ = ("__utilities",)

    def __init__(self, utilities: Any, *, link: str = "btl", seed: int | np.random.Generator) -> None:
        theta = as_floats(utilities, "utilities")
        if theta.ndim != 1 or theta.size == 0:
            raise ShapeError(f"utilities must have shape (N,), found {theta.shape}", argument="utilities")
        check_all(theta, "utilities", np.isfinite, "utilities must be finite")
        self.__utilities: Floats = theta.copy()  # an oracle must not change its mind when the caller reuses the array
        self._open(link, seed)

    @property
    def n_items(self) -> int:
        """Number of items ``N``."""
        return len(self.__utilities)

    def compare(self, i: Any, j: Any, n: int = 1) -> Any:
        """Return how often ``i`` beat ``j`` in ``n`` independent comparisons.

        Parameters
        ----------
        i, j : int or array_like of int
            Items; arrays are compared element by element.
        n : int, default 1
            Comparisons of each pair.

        Returns
        -------
        int, or ndarray of int64 with the shape of ``i`` and ``j``
            Wins of ``i``; ``j`` won the other ``n``.

        Raises
        ------
        StateIndexError, InputError
            There is no such item, or an item is compared with itself.
        """
        first, second, shape = self._read_pairs(i, j)
        n = check_count(n, "n", least=0)
        wins = self._count_wins(self.__utilities[first], self.__utilities[second], n)
        return int(wins[0]) if shape == () else wins.reshape(shape)

    def duels(self, i: Any, j: Any) -> PairList:
        """Compare ``i[k]`` with ``j[k]`` once each and return who won, as a `PairList`."""
        first, second, _ = self._read_pairs(i, j)
        won = self._first_wins(self.__utilities[first], self.__utilities[second])
        return PairList(np.where(won, first, second), np.where(won, second, first), n_items=self.n_items)

    def rank(self, items: Any = None, n: int = 1) -> Rankings:
        """Return ``n`` independent rankings of a set of items, best first.

        Parameters
        ----------
        items : array_like of int, shape (K,), optional
            At least two different items; all by default.
        n : int, default 1
            Number of rankings.

        Raises
        ------
        UnknownOptionError
            More than two items under the "btl" link.
        StateIndexError, InputError
            There is no such item, or it occurs twice.
        """
        chosen = np.arange(self.n_items) if items is None else check_indices(items, "items", self.n_items, "item")
        n = check_count(n, "n", least=0)
        K = len(chosen)
        if len(np.unique(chosen)) < K:
            raise InputError(f"items must be different items, found {chosen.tolist()}", argument="items")
        self._check_size(K, "items", "items")
        order = self._order(np.broadcast_to(self.__utilities[chosen], (n, K)))
        return Rankings(chosen[order].reshape(-1), np.arange(n + 1) * K, n_items=self.n_items)

    def _read_pairs(self, i: Any, j: Any) -> tuple[Ints, Ints, tuple[int, ...]]:
        columns = {"i": read_numbers(i, "i", self.n_items, "item"), "j": read_numbers(j, "j", self.n_items, "item")}
        (first, second), shape = line_up(**columns)
        if (first == second).any():
            k = int(np.argmax(first == second))
            raise InputError(
                f"j[{k}] = {second[k]}: no item is compared with itself", argument="j", index=k, value=int(second[k])
            )
        return first, second, shape

    def __repr__(self) -> str:
        return f"ItemOracle({self.n_items:,} items, link={self._link}, queries={self._queries:,})"
