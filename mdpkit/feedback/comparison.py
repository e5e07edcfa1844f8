"""`ComparisonOracle`: says which of the items it is shown is better."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from mdpkit._arguments import check_count, check_seed
from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError, StateIndexError, UnknownOptionError
from mdpkit.feedback._checks import check_all, check_indices
from mdpkit.feedback.pairs import PairList
from mdpkit.feedback.rankings import Rankings
from mdpkit.models._checks import as_floats

__all__ = ["ComparisonOracle"]


class ComparisonOracle:
    """Compare items with hidden utilities, under the Bradley-Terry-Luce or the Plackett-Luce model.

    BTL: ``P(i beats j) = sigma(theta_i - theta_j)``. Plackett-Luce: a ranking picks its items from the best down, each
    with probability proportional to ``exp(theta)`` among those that remain; with two items that is BTL.

    Parameters
    ----------
    utilities : array_like, shape (N,)
        The hidden utilities ``theta``, finite.
    link : {"btl", "pl"}, default "btl"
        "btl" answers comparisons of two items only, "pl" also ranks more.
    seed : int or numpy.random.Generator
        Randomness of the answers.

    Attributes
    ----------
    queries : int
        Comparisons and rankings answered so far; a ranking counts once.

    Raises
    ------
    ShapeError, InputError, UnknownOptionError
        The utilities are no finite vector, or the link is unknown.

    Notes
    -----
    Rankings sort ``theta + G`` with independent standard Gumbel ``G``, which follows the Plackett-Luce law exactly
    [1]_ and does not overflow.

    References
    ----------
    .. [1] J. I. Yellott, "The relationship between Luce's choice axiom, Thurstone's theory of comparative judgment,
       and the double exponential distribution", Journal of Mathematical Psychology 15, 1977, theorem 5.

    Examples
    --------
    >>> from mdpkit.feedback import ComparisonOracle
    >>> oracle = ComparisonOracle([50.0, 0.0, -50.0], link="pl", seed=0)
    >>> oracle.compare(0, 1, n=10)
    10
    >>> oracle.rank([2, 0, 1])[0].tolist(), oracle.queries
    ([0, 1, 2], 11)
    """

    __slots__ = ("__rng", "__utilities", "_link", "_queries")

    def __init__(self, utilities: Any, *, link: str = "btl", seed: int | np.random.Generator) -> None:
        theta = as_floats(utilities, "utilities")
        if theta.ndim != 1 or theta.size == 0:
            raise ShapeError(f"utilities must have shape (N,), found {theta.shape}", argument="utilities")
        check_all(theta, "utilities", np.isfinite, "utilities must be finite")
        if link not in ("btl", "pl"):
            raise UnknownOptionError(f'link must be "btl" or "pl", found {link!r}', argument="link", value=link)
        self.__utilities: Floats = theta.copy()  # an oracle must not change its mind when the caller reuses the array
        self.__rng = check_seed(seed)
        self._link = link
        self._queries = 0

    @property
    def n_items(self) -> int:
        """Number of items ``N``."""
        return len(self.__utilities)

    @property
    def link(self) -> str:
        """The choice model, "btl" or "pl"."""
        return self._link

    @property
    def queries(self) -> int:
        """Number of comparisons and rankings answered so far."""
        return self._queries

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
        win = expit(self.__utilities[first] - self.__utilities[second])
        wins = self.__rng.binomial(n, win)
        self._queries += n * len(first)
        return int(wins[0]) if shape == () else wins.reshape(shape)

    def duels(self, i: Any, j: Any) -> PairList:
        """Compare ``i[k]`` with ``j[k]`` once each and return who won, as a `PairList`."""
        first, second, _ = self._read_pairs(i, j)
        won = self.__rng.random(len(first)) < expit(self.__utilities[first] - self.__utilities[second])
        self._queries += len(first)
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
        if K < 2 or len(np.unique(chosen)) < K:
            raise InputError(f"items must be at least two different items, found {chosen.tolist()}", argument="items")
        if K > 2 and self._link == "btl":
            raise UnknownOptionError(
                f'the "btl" link compares two items; use link="pl" to rank {K}', argument="items", value=K
            )
        noisy = self.__utilities[chosen] + self.__rng.gumbel(size=(n, K))
        order = np.argsort(-noisy, axis=1, kind="stable")
        self._queries += n
        return Rankings(chosen[order].reshape(-1), np.arange(n + 1) * K, n_items=self.n_items)

    def _read_pairs(self, i: Any, j: Any) -> tuple[Ints, Ints, tuple[int, ...]]:
        try:
            first, second = np.broadcast_arrays(i, j)
        except ValueError as error:
            raise ShapeError(f"j must have the shape of i: {error}", argument="j") from error
        flat = []
        for name, values in (("i", first), ("j", second)):
            if values.dtype.kind not in "iu" and values.size:
                raise StateIndexError(f"{name} must hold item numbers, found dtype {values.dtype}", argument=name)
            flat.append(check_indices(values.reshape(-1).astype(np.int64), name, self.n_items, "item"))
        if (flat[0] == flat[1]).any():
            k = int(np.argmax(flat[0] == flat[1]))
            raise InputError(
                f"j[{k}] = {flat[1][k]}: no item is compared with itself", argument="j", index=k, value=int(flat[1][k])
            )
        return flat[0], flat[1], first.shape

    def __repr__(self) -> str:
        return f"ComparisonOracle({self.n_items:,} items, link={self._link}, queries={self._queries:,})"
