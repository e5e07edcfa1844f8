"""`ContextualBandit`: a linear bandit whose actions look different in every round."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError
from mdpkit.models._checks import as_floats, check_initial, frozen
from mdpkit.models._structured import check_finite
from mdpkit.models.bandits import Immutable, best_action, check_action, check_parameter, check_sigma, fill

__all__ = ["ContextualBandit"]


class ContextualBandit(Immutable):
    r"""A linear bandit whose features depend on a context drawn afresh in every round.

    Context ``x`` appears with probability ``distribution[x]``; action ``a`` then has the features ``features[x, a]``
    and, where a parameter is given, the reward ``features[x, a] . theta`` plus Gaussian noise.

    Parameters
    ----------
    features : array_like, shape (X, A, d)
        Features of every context-action pair.
    distribution : array_like, shape (X,)
        Law of the context; sums to one within 1e-8.
    theta : array_like, shape (d,), optional
        Parameter of the rewards. Without it the model only describes contexts and actions, as learning from
        comparisons needs; `means` and what follows from it are not defined then.
    sigma : float, default 1.0
        Standard deviation of the noise.

    Raises
    ------
    ShapeError, InputError
        Shapes do not agree, a number is not finite, or ``sigma`` is negative.
    NotStochasticError
        ``distribution`` is no distribution.

    References
    ----------
    .. [1] T. Lattimore, C. Szepesvari, *Bandit Algorithms*, Cambridge University Press, 2020, section 19.1.

    Examples
    --------
    >>> from mdpkit.models import ContextualBandit
    >>> bandit = ContextualBandit([[[1, 0], [0, 1]], [[0, 2], [1, 0]]], [0.5, 0.5], theta=[1, 2])
    >>> bandit
    ContextualBandit(X=2, A=2, d=2, sigma=1)
    >>> bandit.means
    array([[1., 2.],
           [4., 1.]])
    >>> bandit.optimal_action
    array([1, 0])
    """

    __slots__ = ("_cumulative", "_distribution", "_features", "_means", "_sigma", "_theta")
    _features: Floats
    _distribution: Floats
    _cumulative: Floats
    _theta: Floats | None
    _means: Floats | None
    _sigma: float

    def __init__(self, features: Any, distribution: Any, theta: Any = None, *, sigma: float = 1.0) -> None:
        block = as_floats(features, "features")
        if block.ndim != 3 or block.size == 0:
            raise ShapeError(f"features must have shape (X, A, d), found {block.shape}", argument="features")
        law = as_floats(distribution, "distribution")
        if law.shape != (len(block),):
            raise ShapeError(
                f"distribution must have shape ({len(block)},), found {law.shape}", argument="distribution"
            )
        start = _check_law(law)
        parameter = None if theta is None else as_floats(theta, "theta")
        if parameter is None:
            check_finite(block, "features")
        else:
            check_parameter(block, parameter)
        cumulative = np.cumsum(start)
        # The last context of positive probability takes what rounding leaves over.
        cumulative[np.flatnonzero(start)[-1] :] = 1.0
        fill(
            self,
            _features=frozen(block),
            _distribution=frozen(start),
            _cumulative=frozen(cumulative),
            _theta=None if parameter is None else frozen(parameter),
            _means=None if parameter is None else frozen(block @ parameter),
            _sigma=check_sigma(sigma),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_contextual, (self._features, self._distribution, self._theta, self._sigma)

    @property
    def features(self) -> Floats:
        """Features, shape ``(X, A, d)``."""
        return self._features

    @property
    def distribution(self) -> Floats:
        """Law of the context, shape ``(X,)``."""
        return self._distribution

    @property
    def theta(self) -> Floats | None:
        """Parameter, shape ``(d,)``, or None."""
        return self._theta

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise."""
        return self._sigma

    @property
    def n_contexts(self) -> int:
        """Number of contexts ``X``."""
        return int(self._features.shape[0])

    @property
    def n_actions(self) -> int:
        """Number of actions ``A``."""
        return int(self._features.shape[1])

    @property
    def dim(self) -> int:
        """Number of features ``d``."""
        return int(self._features.shape[2])

    @property
    def means(self) -> Floats:
        """Expected rewards, shape ``(X, A)``; `InputError` without a parameter."""
        if self._means is None:
            raise InputError("this ContextualBandit has no reward parameter; pass theta", argument="theta")
        return self._means

    @property
    def optimal_action(self) -> Ints:
        """The best action in every context, shape ``(X,)``; the lowest index among ties."""
        return best_action(self.means)

    @property
    def gaps(self) -> Floats:
        """Expected loss of every action against the best of its context, shape ``(X, A)``."""
        gaps: Floats = self.means.max(axis=1, keepdims=True) - self.means
        return gaps

    def sample_context(self, rng: np.random.Generator) -> int:
        """Draw a context."""
        return int(np.searchsorted(self._cumulative, rng.random(), side="right"))

    def sample(self, action: int, rng: np.random.Generator, *, context: int) -> float:
        """Draw the reward of an action in a context."""
        x = check_action(context, self.n_contexts, "context")
        mean = float(self.means[x, check_action(action, self.n_actions)])
        return mean + self._sigma * float(rng.standard_normal())

    def __repr__(self) -> str:
        sigma = "" if self._theta is None else f", sigma={self._sigma:g}"
        return f"ContextualBandit(X={self.n_contexts:,}, A={self.n_actions:,}, d={self.dim:,}{sigma})"


def _check_law(law: Floats) -> Floats:
    try:
        start = check_initial(law, len(law))
    except InputError as error:
        # The check speaks of initial distributions.
        error.args = (str(error).replace("initial", "distribution", 1),)
        error.argument = "distribution"
        raise
    assert start is not None
    return start


def _rebuild_contextual(features: Floats, distribution: Floats, theta: Floats | None, sigma: float) -> ContextualBandit:
    return ContextualBandit(features, distribution, theta, sigma=sigma)
