"""`GenerativeModel`: ask any pair for successors, as often as you like, and pay for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count, check_seed
from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import InputError, ShapeError, UnknownOptionError
from mdpkit.feedback.alias import AliasTable
from mdpkit.models import TabularMDP
from mdpkit.models._checks import frozen
from mdpkit.models.rows import SparseRows

__all__ = ["GenerativeModel"]

BLOCK = 1 << 21
"""Numbers held at a time while counts are drawn (16 MiB)."""


class GenerativeModel:
    """A simulator that can be put into any state: ``sample(s, a, n)`` returns independent successors.

    The learner knows the expected rewards, the discount factor and the sizes; the transition law stays hidden. One
    query is one successor.

    Parameters
    ----------
    mdp : TabularMDP
        The model behind it.
    seed : int or numpy.random.Generator
        Randomness of the samples.

    Attributes
    ----------
    queries : int
        Successors drawn so far.

    Raises
    ------
    InputError
        The model is no `TabularMDP`, or the seed is none.

    Notes
    -----
    Tables are built once, ``O(nnz)``. A single draw costs ``O(1)``; the counts of ``n`` draws cost
    ``O(min(n, successors))``.

    References
    ----------
    .. [1] M. Kearns and S. Singh, "Finite-sample convergence rates for Q-learning and indirect algorithms", NIPS 1998.

    Examples
    --------
    >>> from mdpkit import problems
    >>> from mdpkit.feedback import GenerativeModel
    >>> generator = GenerativeModel(problems.river_swim(6, gamma=0.9), seed=0)
    >>> generator.sample(0, 0, n=4)
    array([0, 0, 0, 0])
    >>> counts = generator.sample_counts([(0, 1), (3, 1)], n=100)
    >>> counts.shape, counts.sum(axis=1).tolist(), generator.queries
    ((2, 6), [100, 100], 204)
    """

    __slots__ = ("__alias", "__col", "__pair_of", "__prob", "__rng", "_gamma", "_queries", "_rewards")

    def __init__(self, mdp: TabularMDP, *, seed: int | np.random.Generator) -> None:
        if not isinstance(mdp, TabularMDP):
            raise InputError(f"mdp must be a TabularMDP, found {type(mdp).__name__}", argument="mdp")
        self.__rng = check_seed(seed)
        rows = mdp.rows
        if isinstance(rows, SparseRows):
            row_ptr, col, prob = rows.row_ptr, rows.col, rows.prob
        else:
            matrix = rows.csr()
            row_ptr, col, prob = matrix.indptr, matrix.indices, matrix.data
        self.__col: Ints = np.asarray(col, dtype=np.int64)
        self.__prob: Floats = prob
        self.__alias = AliasTable.build(row_ptr, prob)
        self.__pair_of: Ints = np.full((mdp.n_states, mdp.n_actions), -1, dtype=np.int64)
        self.__pair_of[mdp.pair_state, mdp.pair_action] = np.arange(mdp.n_pairs)
        self._rewards: Floats = frozen(mdp.rewards)
        self._gamma = mdp.gamma
        self._queries = 0

    # ---------------------------------------------------------------- what a learner knows

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return int(self._rewards.shape[0])

    @property
    def n_actions(self) -> int:
        """Number of action ids ``A``."""
        return int(self._rewards.shape[1])

    @property
    def action_mask(self) -> Bools:
        """Which actions each state has, shape ``(S, A)``."""
        return self.__pair_of >= 0

    @property
    def rewards(self) -> Floats:
        """Expected rewards, shape ``(S, A)``, ``-inf`` where a pair does not exist."""
        return self._rewards

    @property
    def gamma(self) -> float | None:
        """Discount factor, or None for an undiscounted model."""
        return self._gamma

    @property
    def queries(self) -> int:
        """Number of successors drawn so far."""
        return self._queries

    # ---------------------------------------------------------------- sampling

    def sample(self, s: int, a: int, n: int = 1) -> Ints:
        """Draw independent successors of a pair.

        Parameters
        ----------
        s, a : int
            State and action.
        n : int, default 1
            Number of draws.

        Returns
        -------
        ndarray of int64, shape (n,)

        Raises
        ------
        InputError
            There is no such pair, or ``n`` is negative.
        """
        pair = self._read_pairs([(s, a)])
        n = check_count(n, "n", least=0)
        self._queries += n
        return self.__col[self.__alias.draw(np.repeat(pair, n), self.__rng)]

    def sample_counts(self, pairs: Any = None, n: Any = 1, *, sparse: bool = False) -> Any:
        """Draw independent successors of many pairs and count them: one multinomial per pair.

        Exactly equal in law to counting what ``n`` calls of `sample` return.

        Parameters
        ----------
        pairs : array_like of int, shape (K, 2), optional
            Rows ``(s, a)``; a pair may occur more than once. None stands for every pair of the model, ordered by state
            and action as ``np.argwhere(action_mask)``.
        n : int or array_like of int, shape (K,), default 1
            Draws per pair.
        sparse : bool, default False
            Return a compressed matrix, for problems whose ``K x S`` table would not fit.

        Returns
        -------
        ndarray of int64, shape (K, S), or scipy.sparse.csr_array
            ``counts[k, t]`` is how often pair ``k`` led to ``t``; rows sum to ``n``.

        Raises
        ------
        InputError
            A pair does not exist, or a count is negative.
        """
        if not isinstance(sparse, (bool, np.bool_)):
            raise UnknownOptionError(f"sparse must be True or False, found {sparse!r}", argument="sparse", value=sparse)
        chosen = self.__pair_of[self.__pair_of >= 0] if pairs is None else self._read_pairs(pairs)
        draws = _read_draws(n, len(chosen))
        row_ptr, where, times = self._entries(chosen, draws)
        self._queries += int(np.sum(draws))
        shape = (len(chosen), self.n_states)
        if sparse:
            found = times > 0
            ptr = np.concatenate([[0], np.cumsum(found)])[row_ptr]
            return sp.csr_array((times[found], self.__col[where[found]], ptr), shape=shape)
        counts = np.zeros(shape, dtype=np.int64)
        counts[np.repeat(np.arange(len(chosen)), np.diff(row_ptr)), self.__col[where]] = times
        return counts

    def _entries(self, chosen: Ints, draws: Ints) -> tuple[Ints, Ints, Ints]:
        """Count how often each entry of the chosen rows is drawn: pointers, entries, counts."""
        ptr = self.__alias.row_ptr
        lengths = ptr[chosen + 1] - ptr[chosen]
        row_ptr = np.concatenate([[0], np.cumsum(lengths)])
        where = np.repeat(ptr[chosen] - row_ptr[:-1], lengths) + np.arange(row_ptr[-1])
        times = np.zeros(len(where), dtype=np.int64)
        few = draws * 4 < lengths
        if few.any():
            drawn = np.repeat(np.flatnonzero(few), draws[few])
            cell = self.__alias.draw(chosen[drawn], self.__rng) - ptr[chosen[drawn]]
            np.add.at(times, row_ptr[drawn] + cell, 1)
        many = np.flatnonzero(~few)
        many = many[np.argsort(lengths[many], kind="stable")]  # rows of like length share a padded block
        while len(many):
            size = max(1, BLOCK // int(lengths[many[-1]]))
            block, many = many[-size:], many[:-size]
            longest = int(lengths[block[-1]])
            # Padded at the front: NumPy gives the last category what rounding leaves, so it must be a possible one.
            column = np.arange(longest) - (longest - lengths[block])[:, None]
            inside = column >= 0
            entry = (row_ptr[block][:, None] + column)[inside]
            law = np.zeros(inside.shape)
            law[inside] = self.__prob[where[entry]]
            law /= np.sum(law, axis=1, keepdims=True)
            times[entry] = self.__rng.multinomial(draws[block], law)[inside]
        return row_ptr, where, times

    def _read_pairs(self, pairs: Any) -> Ints:
        try:
            given = np.asarray(pairs)
        except ValueError as error:
            raise ShapeError(f"pairs must have shape (K, 2): {error}", argument="pairs") from error
        if given.size == 0:
            return np.zeros(0, dtype=np.int64)
        if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "iu":
            raise ShapeError(
                f"pairs must be integers of shape (K, 2), found {given.dtype} of shape {given.shape}",
                argument="pairs",
            )
        given = given.astype(np.int64)
        inside: Bools = np.all((given >= 0) & (given < np.array([self.n_states, self.n_actions])), axis=1)
        index = np.where(inside, self.__pair_of[tuple(np.where(inside[:, None], given, 0).T)], -1)
        if np.min(index) < 0:
            k = int(np.argmin(index))
            s, a = (int(i) for i in given[k])
            raise InputError(
                f"pairs[{k}] = ({s}, {a}): the model has no such pair", argument="pairs", index=k, value=(s, a)
            )
        return index

    def __repr__(self) -> str:
        return (
            f"GenerativeModel(S={self.n_states:,}, A={self.n_actions:,}, gamma={self._gamma},"
            f" queries={self._queries:,})"
        )


def _read_draws(n: Any, length: int) -> Ints:
    if np.ndim(n) == 0:
        return np.full(length, check_count(n, "n", least=0), dtype=np.int64)
    draws = np.asarray(n)
    if draws.shape != (length,) or draws.dtype.kind not in "iu":
        raise ShapeError(
            f"n must be an integer or integers of shape ({length},), found {draws.dtype} of shape {draws.shape}",
            argument="n",
        )
    if length and np.min(draws) < 0:
        k = int(np.argmin(draws))
        raise InputError(f"n[{k}] = {draws[k]} is negative", argument="n", index=k, value=int(draws[k]))
    return draws.astype(np.int64)
