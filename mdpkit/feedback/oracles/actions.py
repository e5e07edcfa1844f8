"""`ActionOracle`: says which of two actions is better in a context."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError
from mdpkit.feedback.linear_preferences import LinearPairs, LinearRankings
from mdpkit.feedback.oracles._questions import line_up, read_numbers
from mdpkit.feedback.oracles.comparison import ComparisonOracle
from mdpkit.models import ContextualBandit
from mdpkit.models._checks import frozen

__all__ = ["ActionOracle"]


class ActionOracle(ComparisonOracle):
    """Compare the actions of a bandit in a context; what `ComparisonOracle` returns for a `ContextualBandit`.

    The hidden utility of action ``a`` in context ``x`` is its expected reward ``features[x, a] . theta``. The learner
    knows the features and sees contexts; parameter and law of the contexts stay hidden.

    Parameters
    ----------
    bandit : ContextualBandit
        The model, with its parameter ``theta``.
    link : {"btl", "pl"}, default "btl"
        "btl" answers comparisons of two actions only, "pl" also ranks more.
    seed : int or numpy.random.Generator
        Randomness of the answers and of the contexts.

    Attributes
    ----------
    features : ndarray, shape (X, A, d)
        Features of every context-action pair, known to the learner, as are `n_contexts` and `n_actions`.
    queries : int
        Comparisons and rankings answered so far; a ranking counts once, a context shown does not count.

    Raises
    ------
    InputError, UnknownOptionError
        The bandit is none or has no parameter, or the link is unknown.

    See Also
    --------
    ComparisonOracle : the choice models, with their reference.

    Notes
    -----
    The noise ``sigma`` of the bandit plays no part: choices are random by the choice model.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or
       K-wise comparisons", ICML 2023.

    Examples
    --------
    >>> from mdpkit.feedback import ComparisonOracle
    >>> from mdpkit.models import ContextualBandit
    >>> bandit = ContextualBandit([[[1, 0], [0, 1]], [[0, 2], [1, 0]]], [0.5, 0.5], theta=[50, -50])
    >>> oracle = ComparisonOracle(bandit, seed=0)
    >>> oracle
    ActionOracle(X=2, A=2, d=2, link=btl, queries=0)
    >>> contexts = oracle.sample_contexts(6)
    >>> data = oracle.duels(contexts, first=0, second=1)
    >>> (data.y == (contexts == 0)).all(), oracle.queries
    (np.True_, 6)
    """

    __slots__ = ("__distribution", "__utilities", "_features")

    def __init__(self, bandit: ContextualBandit, *, link: str = "btl", seed: int | np.random.Generator) -> None:
        if not isinstance(bandit, ContextualBandit):
            raise InputError(f"bandit must be a ContextualBandit, found {type(bandit).__name__}", argument="bandit")
        if bandit.theta is None:
            raise InputError(
                "bandit has no reward parameter to compare actions by; pass theta to the ContextualBandit",
                argument="bandit",
            )
        self.__utilities: Floats = bandit.means
        self.__distribution: Floats = bandit.distribution
        self._features: Floats = bandit.features
        self._open(link, seed)

    @property
    def features(self) -> Floats:
        """Features of every context-action pair, shape ``(X, A, d)``."""
        known: Floats = frozen(self._features)
        return known

    @property
    def n_contexts(self) -> int:
        """Number of contexts ``X``."""
        return int(self._features.shape[0])

    @property
    def n_actions(self) -> int:
        """Number of actions ``A``."""
        return int(self._features.shape[1])

    def sample_contexts(self, n: int) -> Ints:
        """Draw ``n`` contexts from their law, shape ``(n,)``; they count as no queries."""
        return self._draw(self.__distribution, check_count(n, "n", least=0))

    def compare(self, contexts: Any, first: Any, second: Any, n: int = 1) -> Any:
        """Return how often the first action beat the second in ``n`` independent comparisons.

        Parameters
        ----------
        contexts, first, second : int or array_like of int
            Contexts and actions, broadcast against each other. An action may meet itself: a fair coin decides.
        n : int, default 1
            Comparisons of each pair.

        Returns
        -------
        int, or ndarray of int64 with the common shape
            Wins of the first; the second won the other ``n``.

        Raises
        ------
        StateIndexError, ShapeError, InputError
            There is no such context or action, shapes do not agree, or ``n`` is no count.
        """
        (x, a, b), shape = self._read_pairs(contexts, first, second)
        wins = self._count_wins(self.__utilities[x, a], self.__utilities[x, b], check_count(n, "n", least=0))
        return int(wins[0]) if shape == () else wins.reshape(shape)

    def duels(self, contexts: Any, first: Any, second: Any) -> LinearPairs:
        """Compare two actions in each context once.

        Parameters
        ----------
        contexts, first, second : int or array_like of int
            Contexts and actions, broadcast against each other. An action may meet itself: a fair coin decides.

        Returns
        -------
        LinearPairs
            The features of the two and who won, one line per comparison.

        Raises
        ------
        StateIndexError, ShapeError
            There is no such context or action, or shapes do not agree.
        """
        (x, a, b), _ = self._read_pairs(contexts, first, second)
        won = self._first_wins(self.__utilities[x, a], self.__utilities[x, b])
        return LinearPairs(self._features[x, a], self._features[x, b], won)

    def rank(self, contexts: Any, actions: Any = None) -> LinearRankings:
        """Rank actions in each context once.

        Parameters
        ----------
        contexts : int or array_like of int, shape (n,)
            Contexts.
        actions : array_like of int, shape (K,) or (n, K), optional
            At least two different actions, the same in every context or those of each; all by default.

        Returns
        -------
        LinearRankings
            The features of the actions, best first.

        Raises
        ------
        UnknownOptionError
            More than two actions under the "btl" link.
        StateIndexError, ShapeError, InputError
            There is no such context or action, shapes do not agree, or an action occurs twice.
        """
        x = np.atleast_1d(read_numbers(contexts, "contexts", self.n_contexts, "context"))
        if x.ndim != 1:
            raise ShapeError(f"contexts must have shape (n,), found {x.shape}", argument="contexts")
        chosen = self._read_sets(np.arange(self.n_actions) if actions is None else actions, len(x))
        order = self._order(self.__utilities[x[:, None], chosen])
        return LinearRankings(self._features[x[:, None], np.take_along_axis(chosen, order, axis=1)])

    def _read_pairs(self, contexts: Any, first: Any, second: Any) -> tuple[list[Ints], tuple[int, ...]]:
        return line_up(
            contexts=read_numbers(contexts, "contexts", self.n_contexts, "context"),
            first=read_numbers(first, "first", self.n_actions, "action"),
            second=read_numbers(second, "second", self.n_actions, "action"),
        )

    def _read_sets(self, actions: Any, n: int) -> Ints:
        """Read the actions to rank in each of ``n`` contexts, ``(n, K)``."""
        sets = read_numbers(actions, "actions", self.n_actions, "action")
        if sets.ndim not in (1, 2) or (sets.ndim == 2 and len(sets) != n):
            raise ShapeError(f"actions must have shape (K,) or ({n}, K), found {sets.shape}", argument="actions")
        self._check_size(sets.shape[-1], "actions", "actions")
        again = (np.diff(np.sort(sets, axis=-1), axis=-1) == 0).any(axis=-1)
        if again.any():
            k = int(np.argmax(again)) if sets.ndim == 2 else None
            twice = sets.tolist() if k is None else sets[k].tolist()
            raise InputError(
                f"actions{'' if k is None else [k]} = {twice}: the actions to rank must differ",
                argument="actions",
                index=k,
                value=twice,
            )
        return np.broadcast_to(sets, (n, sets.shape[-1]))

    def __repr__(self) -> str:
        X, A, d = self._features.shape
        return f"ActionOracle(X={X:,}, A={A:,}, d={d:,}, link={self._link}, queries={self._queries:,})"
