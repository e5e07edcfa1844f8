"""`ComparisonOracle`: says which of the things it is shown is better."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from scipy.special import expit

from mdpkit._arguments import check_seed
from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import InputError, UnknownOptionError
from mdpkit.models import ContextualBandit, FiniteHorizonMDP, LinearMDP, TabularMDP

if TYPE_CHECKING:
    from mdpkit.feedback.oracles.actions import ActionOracle
    from mdpkit.feedback.oracles.items import ItemOracle
    from mdpkit.feedback.oracles.trajectories import TrajectoryOracle

__all__ = ["ComparisonOracle"]


class FrontSignature:
    """What `help` and the documentation show of the front door; the oracles behind it show their own."""

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        if owner is not ComparisonOracle:
            raise AttributeError("__signature__")

        def front(utilities, *, features=None, link="btl", seed):  # type: ignore[no-untyped-def]
            """Stand for the overloads of `ComparisonOracle.__new__`."""

        return inspect.signature(front)


class ComparisonOracle:
    """Compare things with hidden utilities, under the Bradley-Terry-Luce or the Plackett-Luce model.

    What is compared decides which oracle this returns: items with an `ItemOracle`, the actions of a bandit with an
    `ActionOracle`, trajectories of an episodic problem with a `TrajectoryOracle`.

    BTL: ``P(i beats j) = sigma(u_i - u_j)``. Plackett-Luce: a ranking picks from the best down, each with probability
    proportional to ``exp(u)`` among those that remain; with two that is BTL.

    Parameters
    ----------
    utilities : array_like, shape (N,), or ContextualBandit, TabularMDP, FiniteHorizonMDP or LinearMDP
        The utilities of items, or the model whose expected rewards are the utilities.
    features : array_like, optional
        Features of the state-action pairs, for trajectories only; see `TrajectoryOracle`.
    link : {"btl", "pl"}, default "btl"
        "btl" answers comparisons of two only, "pl" also ranks more.
    seed : int or numpy.random.Generator
        Randomness of the answers.

    Attributes
    ----------
    queries : int
        Comparisons and rankings answered so far; a ranking counts once.

    Raises
    ------
    InputError
        As for the oracle it returns.

    See Also
    --------
    ItemOracle, ActionOracle, TrajectoryOracle

    Notes
    -----
    Rankings sort ``u + G`` with independent standard Gumbel ``G``, which follows the Plackett-Luce law exactly [1]_
    and does not overflow. Utilities are on the natural-log scale: adding a constant to all changes no answer.

    References
    ----------
    .. [1] J. I. Yellott, "The relationship between Luce's choice axiom, Thurstone's theory of comparative judgment,
       and the double exponential distribution", Journal of Mathematical Psychology 15, 1977, theorem 5.

    Examples
    --------
    >>> from mdpkit import problems
    >>> from mdpkit.feedback import ComparisonOracle
    >>> ComparisonOracle([50.0, 0.0, -50.0], link="pl", seed=0)
    ItemOracle(3 items, link=pl, queries=0)
    >>> ComparisonOracle(problems.river_swim(6).with_horizon(10), seed=0)
    TrajectoryOracle(S=6, A=2, H=10, d=12, link=btl, queries=0)
    """

    __slots__ = ("__rng", "_link", "_queries")
    __signature__ = FrontSignature()
    __rng: np.random.Generator
    _link: str
    _queries: int

    # No __init__ here: the type checker would read the signature from it instead of from __new__.

    @overload
    def __new__(
        cls, utilities: ContextualBandit, /, *, link: str = "btl", seed: int | np.random.Generator
    ) -> ActionOracle: ...
    @overload
    def __new__(
        cls,
        utilities: TabularMDP | FiniteHorizonMDP | LinearMDP,
        /,
        *,
        features: Any = None,
        link: str = "btl",
        seed: int | np.random.Generator,
    ) -> TrajectoryOracle: ...
    @overload
    def __new__(cls, utilities: Any, *, link: str = "btl", seed: int | np.random.Generator) -> ItemOracle: ...

    def __new__(cls, *given: Any, **options: Any) -> ComparisonOracle:
        """Choose the oracle by what is compared; copies come here without arguments, subclasses with any."""
        if cls is not ComparisonOracle:
            return object.__new__(cls)
        from mdpkit.feedback.oracles.actions import ActionOracle
        from mdpkit.feedback.oracles.items import ItemOracle
        from mdpkit.feedback.oracles.trajectories import TrajectoryOracle

        utilities = given[0] if given else options.get("utilities")
        if isinstance(utilities, ContextualBandit):
            return object.__new__(ActionOracle)
        if isinstance(utilities, (TabularMDP, FiniteHorizonMDP, LinearMDP)):
            return object.__new__(TrajectoryOracle)
        return object.__new__(ItemOracle)

    def _open(self, link: str, seed: int | np.random.Generator) -> None:
        """Set what every oracle has."""
        if link not in ("btl", "pl"):
            raise UnknownOptionError(f'link must be "btl" or "pl", found {link!r}', argument="link", value=link)
        self.__rng = check_seed(seed)
        self._link = link
        self._queries = 0

    @property
    def link(self) -> str:
        """The choice model, "btl" or "pl"."""
        return self._link

    @property
    def queries(self) -> int:
        """Number of comparisons and rankings answered so far."""
        return self._queries

    # ---------------------------------------------------------------- the choice models, on utilities

    def _first_wins(self, first: Floats, second: Floats) -> Bools:
        """Compare utilities element by element, shape ``(n,)``."""
        won = self.__rng.random(len(first)) < expit(first - second)
        self._queries += len(first)
        return np.asarray(won)

    def _count_wins(self, first: Floats, second: Floats, n: int) -> Ints:
        """Compare utilities ``n`` times each; return the wins of the first."""
        wins = self.__rng.binomial(n, expit(first - second))
        self._queries += n * len(first)
        return np.asarray(wins)

    def _order(self, utilities: Floats) -> Ints:
        """Rank every row of utilities, ``(n, K)``; return positions, best first."""
        noisy = utilities + self.__rng.gumbel(size=utilities.shape)
        self._queries += len(utilities)
        return np.argsort(-noisy, axis=1, kind="stable")

    def _draw(self, law: Floats, n: int) -> Ints:
        """Draw indices from a distribution; no answer, so nothing is counted."""
        return self.__rng.choice(len(law), size=n, p=law)

    def _check_size(self, K: int, argument: str, kind: str) -> None:
        """Refuse rankings of fewer than two, and of more than two where the link compares pairs."""
        if K < 2:
            raise InputError(f"{argument} must hold at least two {kind} to rank, found {K}", argument=argument, value=K)
        if K > 2 and self._link == "btl":
            raise UnknownOptionError(
                f'the "btl" link compares two {kind}; use link="pl" to rank {K}', argument=argument, value=K
            )
