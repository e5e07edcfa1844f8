"""`BanditFeedback`: pull an arm, see its reward, nothing else."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mdpkit._arguments import check_seed
from mdpkit._typing import Floats
from mdpkit.errors import InputError, StateIndexError
from mdpkit.models._checks import frozen

__all__ = ["Bandit", "BanditFeedback"]


class Bandit(Protocol):
    """What `BanditFeedback` asks of a model; one with linear rewards also offers `features`, shape ``(A, d)``."""

    @property
    def n_actions(self) -> int:
        """Number of arms."""

    def sample(self, action: int, rng: np.random.Generator) -> float:
        """Draw a reward of an arm."""


class BanditFeedback:
    """Rewards of a bandit, one pull at a time.

    Parameters
    ----------
    bandit : object
        A model with ``n_actions`` and ``sample(action, rng) -> float``.
    seed : int or numpy.random.Generator
        Randomness of the rewards.

    Attributes
    ----------
    queries : int
        Pulls so far.

    Raises
    ------
    InputError
        The bandit lacks one of the two, or the seed is none.

    Examples
    --------
    >>> from mdpkit.feedback import BanditFeedback
    >>> class Coin:
    ...     n_actions = 2
    ...     def sample(self, action, rng):
    ...         return float(rng.random() < 0.5) if action else 0.0
    >>> feedback = BanditFeedback(Coin(), seed=0)
    >>> feedback.pull(0), feedback.queries
    (0.0, 1)
    """

    __slots__ = ("__bandit", "__rng", "_n_actions", "_queries")

    def __init__(self, bandit: Bandit, *, seed: int | np.random.Generator) -> None:
        for name in ("n_actions", "sample"):
            if not hasattr(bandit, name):
                raise InputError(f"bandit {type(bandit).__name__} has no {name}", argument="bandit", value=name)
        self.__bandit = bandit
        self.__rng = check_seed(seed)
        self._n_actions = int(bandit.n_actions)
        self._queries = 0

    @property
    def n_actions(self) -> int:
        """Number of arms."""
        return self._n_actions

    @property
    def features(self) -> Floats | None:
        """Features of the arms, shape ``(A, d)``, which the learner knows; None where there are none."""
        found = getattr(self.__bandit, "features", None)
        return None if found is None else frozen(np.asarray(found, dtype=np.float64))

    @property
    def queries(self) -> int:
        """Number of pulls so far."""
        return self._queries

    def pull(self, action: int) -> float:
        """Pull an arm and return its reward.

        Raises
        ------
        StateIndexError
            There is no such arm.
        """
        if isinstance(action, bool) or not isinstance(action, (int, np.integer)) or not 0 <= action < self._n_actions:
            raise StateIndexError(
                f"action = {action!r} is outside 0..{self._n_actions - 1}", argument="action", value=action
            )
        self._queries += 1
        return float(self.__bandit.sample(int(action), self.__rng))

    def __repr__(self) -> str:
        return f"BanditFeedback(A={self._n_actions:,}, queries={self._queries:,})"
