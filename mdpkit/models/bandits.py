"""Bandits: problems of one state, finite-armed and linear."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError, StateIndexError, UnknownOptionError
from mdpkit.models._checks import UNIT_ROUNDOFF, as_floats, frozen
from mdpkit.models._structured import check_finite

__all__ = ["FiniteArmedBandit", "LinearBandit"]


class Immutable:
    """Fields are set once, by `fill`."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")


class _Arms(Immutable):
    """What the bandits without contexts share."""

    __slots__ = ("_means", "_sigma")
    _means: Floats
    _sigma: float

    @property
    def means(self) -> Floats:
        """Expected rewards, shape ``(K,)``."""
        return self._means

    @property
    def n_actions(self) -> int:
        """Number of arms ``K``."""
        return len(self._means)

    @property
    def optimal_action(self) -> int:
        """The best arm; the lowest index among ties."""
        return int(best_action(self._means))

    @property
    def gaps(self) -> Floats:
        """Expected loss of every arm against the best, shape ``(K,)``."""
        gaps: Floats = self._means.max() - self._means
        return gaps


class FiniteArmedBandit(_Arms):
    """A bandit with ``K`` arms and independent rewards.

    Pulling arm ``a`` yields ``means[a]`` plus Gaussian noise, or 1 with probability ``means[a]`` and else 0.

    Parameters
    ----------
    means : array_like, shape (K,)
        Expected rewards; probabilities for Bernoulli rewards.
    noise : {"gaussian", "bernoulli"}, default "gaussian"
        Law of the rewards.
    sigma : float, default 1.0
        Standard deviation of Gaussian noise, not used for Bernoulli rewards; 0 gives rewards without noise.

    Raises
    ------
    ShapeError, InputError
        No arm, a mean that is not finite or no probability, or a negative ``sigma``.
    UnknownOptionError
        ``noise`` is neither of the two.

    References
    ----------
    .. [1] T. Lattimore, C. Szepesvari, *Bandit Algorithms*, Cambridge University Press, 2020, chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> from mdpkit.models import FiniteArmedBandit
    >>> bandit = FiniteArmedBandit([0.2, 0.7, 0.5], noise="bernoulli")
    >>> bandit.optimal_action, bandit.gaps.round(3)
    (1, array([0.5, 0. , 0.2]))
    >>> bandit.sample(1, np.random.default_rng(0))
    1.0
    """

    __slots__ = ("_noise",)
    _noise: str

    def __init__(self, means: Any, *, noise: str = "gaussian", sigma: float = 1.0) -> None:
        values = as_floats(means, "means")
        if values.ndim != 1 or values.size == 0:
            raise ShapeError(f"means must have shape (K,), found {values.shape}", argument="means")
        check_finite(values, "means")
        if noise not in ("gaussian", "bernoulli"):
            raise UnknownOptionError(
                f'noise must be "gaussian" or "bernoulli", found {noise!r}', argument="noise", value=noise
            )
        bad = np.flatnonzero((values < 0.0) | (values > 1.0))
        if noise == "bernoulli" and bad.size:
            k = int(bad[0])
            raise InputError(
                f"means[{k}] = {float(values[k])!r} is no probability",
                argument="means",
                index=k,
                value=float(values[k]),
            )
        spread = check_sigma(sigma)
        fill(self, _means=frozen(values), _noise=noise, _sigma=0.5 if noise == "bernoulli" else spread)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_finite, (self._means, self._noise, self._sigma)

    @property
    def noise(self) -> str:
        """Law of the rewards."""
        return self._noise

    @property
    def sigma(self) -> float:
        """Sub-Gaussian constant of the noise: the standard deviation, or 1/2 for Bernoulli rewards."""
        return self._sigma

    def sample(self, action: int, rng: np.random.Generator) -> float:
        """Draw the reward of one pull."""
        mean = float(self._means[check_action(action, self.n_actions)])
        if self._noise == "bernoulli":
            return float(rng.random() < mean)
        return mean + self._sigma * float(rng.standard_normal())

    def __repr__(self) -> str:
        shown = "bernoulli" if self._noise == "bernoulli" else f"gaussian, sigma={self._sigma:g}"
        return f"FiniteArmedBandit(K={self.n_actions:,}, {shown})"


class LinearBandit(_Arms):
    r"""A bandit whose expected rewards are linear in the features of its arms.

    .. math:: Y = x_a^\top \theta + \sigma \xi, \quad \xi \sim N(0, 1)

    Parameters
    ----------
    features : array_like, shape (K, d)
        Feature vectors ``x_a`` of the arms.
    theta : array_like, shape (d,)
        Parameter, unknown to a learner.
    sigma : float, default 1.0
        Standard deviation of the noise.

    Raises
    ------
    ShapeError, InputError
        Shapes do not agree, a number is not finite, or ``sigma`` is negative.

    References
    ----------
    .. [1] T. Lattimore, C. Szepesvari, *Bandit Algorithms*, Cambridge University Press, 2020, chapter 19.

    Examples
    --------
    >>> from mdpkit.models import LinearBandit
    >>> bandit = LinearBandit([[1, 0], [0, 1], [0.6, 0.8]], theta=[1, 1], sigma=0.1)
    >>> bandit
    LinearBandit(K=3, d=2, sigma=0.1)
    >>> bandit.optimal_action
    2
    """

    __slots__ = ("_features", "_theta")
    _features: Floats
    _theta: Floats

    def __init__(self, features: Any, theta: Any, *, sigma: float = 1.0) -> None:
        rows, parameter = as_floats(features, "features"), as_floats(theta, "theta")
        if rows.ndim != 2 or rows.size == 0:
            raise ShapeError(f"features must have shape (K, d), found {rows.shape}", argument="features")
        check_parameter(rows, parameter)
        means = rows @ parameter
        fill(
            self,
            _features=frozen(rows),
            _theta=frozen(parameter),
            _means=frozen(means),
            _sigma=check_sigma(sigma),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_linear, (self._features, self._theta, self._sigma)

    @property
    def features(self) -> Floats:
        """Feature vectors of the arms, shape ``(K, d)``."""
        return self._features

    @property
    def theta(self) -> Floats:
        """Parameter, shape ``(d,)``."""
        return self._theta

    @property
    def dim(self) -> int:
        """Number of features ``d``."""
        return int(self._features.shape[1])

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise."""
        return self._sigma

    def sample(self, action: int, rng: np.random.Generator) -> float:
        """Draw the reward of one pull."""
        mean = float(self._means[check_action(action, self.n_actions)])
        return mean + self._sigma * float(rng.standard_normal())

    def __repr__(self) -> str:
        return f"LinearBandit(K={self.n_actions:,}, d={self.dim:,}, sigma={self._sigma:g})"


# -------------------------------------------------------------------- shared with contextual bandits


def fill(bandit: Any, **fields: Any) -> None:
    """Set the fields of an immutable object."""
    for name, value in fields.items():
        object.__setattr__(bandit, name, value)


def best_action(means: Floats) -> Ints:
    """First index, along the last axis, of a mean within rounding of the largest."""
    slack = 8 * UNIT_ROUNDOFF * np.abs(means).max(axis=-1, keepdims=True)
    best: Ints = np.argmax(means >= means.max(axis=-1, keepdims=True) - slack, axis=-1)
    return best


def check_action(action: Any, count: int, argument: str = "action") -> int:
    """Return an index in ``0..count-1``."""
    if isinstance(action, bool) or not isinstance(action, (int, np.integer)) or not 0 <= action < count:
        raise StateIndexError(
            f"{argument} must be an index in 0..{count - 1}, found {action!r}", argument=argument, value=action
        )
    return int(action)


def check_sigma(sigma: Any) -> float:
    """Return a standard deviation, which may be zero."""
    try:
        value = float(sigma)
    except (TypeError, ValueError) as error:
        raise InputError(f"sigma must be a number, found {sigma!r}", argument="sigma", value=sigma) from error
    if not 0.0 <= value < math.inf:
        raise InputError(f"sigma must be a nonnegative number, found {value!r}", argument="sigma", value=value)
    return value


def check_parameter(features: Floats, theta: Floats) -> None:
    """Refuse a parameter that does not fit the features, and numbers that are not finite."""
    d = features.shape[-1]
    if theta.shape != (d,):
        raise ShapeError(f"theta must have shape ({d},), found {theta.shape}", argument="theta")
    check_finite(features, "features")
    check_finite(theta, "theta")


def _rebuild_finite(means: Floats, noise: str, sigma: float) -> FiniteArmedBandit:
    return FiniteArmedBandit(means, noise=noise, sigma=sigma)


def _rebuild_linear(features: Floats, theta: Floats, sigma: float) -> LinearBandit:
    return LinearBandit(features, theta, sigma=sigma)
