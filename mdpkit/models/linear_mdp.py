"""`LinearMDP`: transitions and rewards that are linear in known features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import ShapeError
from mdpkit.models._checks import (
    as_floats,
    check_rewards,
)
from mdpkit.models._structured import StructuredMDP, check_finite, check_kernel, check_unit_rewards
from mdpkit.models.finite_horizon import FiniteHorizonMDP
from mdpkit.models.tabular import TabularMDP

__all__ = ["LinearMDP"]


BLOCK = 1 << 22
"""Entries of the transition matrix that are checked at a time."""


class LinearMDP(StructuredMDP):
    r"""A Markov decision process whose transitions and rewards are linear in known features.

    .. math:: P(s' \mid s, a) = \phi(s, a)^\top \mu(s'), \quad r(s, a) = \phi(s, a)^\top \theta

    The action values of *every* policy are then linear in the features:
    ``q = phi @ (theta + gamma * mu @ v)``. Instances are immutable; arrays of the right type are not copied.

    Parameters
    ----------
    phi : array_like, shape (S, A, d)
        Features of every state-action pair.
    mu : array_like, shape (d, S)
        One signed measure on the states per feature.
    theta : array_like, shape (d,)
        Reward parameter.
    gamma : float, optional
        Discount factor in ``[0, 1]``; None means undiscounted.
    horizon : int, optional
        Number of steps; makes `tabular` return a `FiniteHorizonMDP`.
    initial : int, str or array_like, shape (S,), optional
        Initial state or distribution.
    bounded_reward : bool, default True
        Require rewards in ``[0, 1]``, as the bounds for linear MDPs do.
    state_names, action_names : sequence of str, optional
        Distinct names shown in tables and plots.

    Raises
    ------
    ShapeError
        Shapes do not agree.
    NotStochasticError
        ``phi @ mu`` has an entry below ``-1e-10`` or a row that does not sum to one within 1e-8; the message names the
        pair.
    NonFiniteRewardError, InputError
        A number is not finite, or a reward lies outside ``[0, 1]``.
    DiscountError
        ``gamma`` is outside ``[0, 1]``.

    Notes
    -----
    Construction takes ``O(S^2 A d)`` time and checks the transition matrix in blocks; `tabular` holds all of it. The
    rank of the features may be below ``d``. Variances of values are *not* linear in the features.

    References
    ----------
    .. [1] C. Jin, Z. Yang, Z. Wang, M. I. Jordan, "Provably efficient reinforcement learning with linear function
       approximation", COLT 2020, Assumption A and Proposition 2.3.

    Examples
    --------
    >>> from mdpkit.models import LinearMDP
    >>> phi = [[[1, 0], [0.5, 0.5]], [[0, 1], [0, 1]]]
    >>> model = LinearMDP(phi, mu=[[0.5, 0.5], [0, 1]], theta=[1, 0], gamma=0.9)
    >>> model
    LinearMDP(S=2, A=2, d=2, gamma=0.9)
    >>> model.tabular().transition(0, 1)
    array([0.25, 0.75])
    """

    __slots__ = ("_mu", "_phi", "_theta")
    _phi: Floats
    _mu: Floats
    _theta: Floats

    def __init__(
        self,
        phi: Any,
        mu: Any,
        theta: Any,
        *,
        gamma: float | None = None,
        horizon: int | None = None,
        initial: Any = None,
        bounded_reward: bool = True,
        state_names: Sequence[object] | None = None,
        action_names: Sequence[object] | None = None,
    ) -> None:
        features, measures, parameter = as_floats(phi, "phi"), as_floats(mu, "mu"), as_floats(theta, "theta")
        if features.ndim != 3 or 0 in features.shape:
            raise ShapeError(f"phi must have shape (S, A, d), found {features.shape}", argument="phi")
        S, A, d = features.shape
        if measures.shape != (d, S):
            raise ShapeError(f"mu must have shape ({d}, {S}), found {measures.shape}", argument="mu")
        if parameter.shape != (d,):
            raise ShapeError(f"theta must have shape ({d},), found {parameter.shape}", argument="theta")
        check_finite(features, "phi")
        check_finite(measures, "mu")
        check_rewards(parameter, "theta", lambda i: i)
        if bounded_reward:
            check_unit_rewards(features @ parameter, "phi @ theta", "theta")
        step = max(1, BLOCK // (A * S))
        for first in range(0, S, step):
            check_kernel(features[first : first + step] @ measures, "phi @ mu", "phi", first)
        options = {
            "gamma": gamma,
            "horizon": horizon,
            "initial": initial,
            "bounded_reward": bounded_reward,
            "state_names": state_names,
            "action_names": action_names,
        }
        self._fill({"_phi": features, "_mu": measures, "_theta": parameter}, S, A, options)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._phi, self._mu, self._theta, self._options())

    @property
    def phi(self) -> Floats:
        """Features, shape ``(S, A, d)``."""
        return self._phi

    @property
    def mu(self) -> Floats:
        """Signed measures on the states, shape ``(d, S)``."""
        return self._mu

    @property
    def theta(self) -> Floats:
        """Reward parameter, shape ``(d,)``."""
        return self._theta

    @property
    def dim(self) -> int:
        """Number of features ``d``."""
        return int(self._phi.shape[2])

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return int(self._phi.shape[0])

    @property
    def n_actions(self) -> int:
        """Number of actions ``A``."""
        return int(self._phi.shape[1])

    @property
    def rank(self) -> int:
        """Dimension of the span of the features, at most `dim`; computed at every call, ``O(S A d^2)``."""
        return int(np.linalg.matrix_rank(self._phi.reshape(-1, self.dim)))

    def tabular(self) -> TabularMDP | FiniteHorizonMDP:
        """Return the same problem as a table, ``O(S^2 A d)`` time and ``O(S^2 A)`` memory.

        Negative dust down to ``-1e-10`` becomes 0 and rows are divided by their sum.

        Returns
        -------
        TabularMDP or FiniteHorizonMDP
            The latter when `horizon` is given; its discount factor is 1 unless `gamma` is given.
        """
        return self._as_table(self._phi @ self._mu, self._phi @ self._theta)

    def __repr__(self) -> str:
        return f"LinearMDP(S={self.n_states:,}, A={self.n_actions:,}, d={self.dim:,}{self._timing()})"


def _rebuild(phi: Floats, mu: Floats, theta: Floats, options: dict[str, Any]) -> LinearMDP:
    return LinearMDP(phi, mu, theta, **options)
