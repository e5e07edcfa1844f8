"""`LinearMixtureMDP`: transitions that mix known kernels with unknown weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import ShapeError
from mdpkit.models._checks import (
    as_floats,
    check_rewards,
    unravel,
)
from mdpkit.models._structured import StructuredMDP, check_finite, check_kernel, check_unit_rewards
from mdpkit.models.finite_horizon import FiniteHorizonMDP
from mdpkit.models.tabular import TabularMDP

__all__ = ["LinearMixtureMDP"]


class LinearMixtureMDP(StructuredMDP):
    r"""A Markov decision process whose transitions mix known base kernels.

    .. math:: P(s' \mid s, a) = \sum_i \theta_i \, \phi_i(s' \mid s, a)

    A learner knows the kernels and the rewards but not ``theta``: expected next values are linear in it,
    ``(P V)(s, a) = phi_V(s, a) . theta`` with the regressors of `features`. Neither the weights nor the kernels need
    to be probabilities, only their mixture. Instances are immutable; arrays of the right type are not copied.

    Parameters
    ----------
    kernels : array_like, shape (d, S, A, S)
        Base kernels ``phi_i(s' | s, a)``.
    theta : array_like, shape (d,)
        Weights of the mixture.
    r : array_like, shape (S, A)
        Rewards, known to the learner.
    gamma : float, optional
        Discount factor in ``[0, 1]``; None means undiscounted.
    horizon : int, optional
        Number of steps; makes `tabular` return a `FiniteHorizonMDP`.
    initial : int, str or array_like, shape (S,), optional
        Initial state or distribution.
    bounded_reward : bool, default True
        Require rewards in ``[0, 1]``, as the regret bounds do.
    state_names, action_names : sequence of str, optional
        Distinct names shown in tables and plots.

    Raises
    ------
    ShapeError
        Shapes do not agree.
    NotStochasticError
        The mixture has an entry below ``-1e-10`` or a row that does not sum to one within 1e-8.
    NonFiniteRewardError, InputError
        A number is not finite, or a reward lies outside ``[0, 1]``.
    DiscountError
        ``gamma`` is outside ``[0, 1]``.

    Notes
    -----
    ``O(d S^2 A)`` time and memory.

    References
    ----------
    .. [1] A. Ayoub, Z. Jia, C. Szepesvari, M. Wang, L. Yang, "Model-based reinforcement learning with value-targeted
       regression", ICML 2020, section 3.

    Examples
    --------
    >>> from mdpkit.models import LinearMixtureMDP
    >>> stay, leave = [[[1, 0]], [[0, 1]]], [[[0, 1]], [[0, 1]]]
    >>> model = LinearMixtureMDP([stay, leave], theta=[0.75, 0.25], r=[[1], [0]], gamma=0.9)
    >>> model
    LinearMixtureMDP(S=2, A=1, d=2, gamma=0.9)
    >>> model.features([1, 0])[0, 0]
    array([1., 0.])
    >>> model.tabular().transition(0, 0)
    array([0.75, 0.25])
    """

    __slots__ = ("_kernels", "_r", "_theta")
    _kernels: Floats
    _theta: Floats
    _r: Floats

    def __init__(
        self,
        kernels: Any,
        theta: Any,
        r: Any,
        *,
        gamma: float | None = None,
        horizon: int | None = None,
        initial: Any = None,
        bounded_reward: bool = True,
        state_names: Sequence[object] | None = None,
        action_names: Sequence[object] | None = None,
    ) -> None:
        base, weights, rewards = as_floats(kernels, "kernels"), as_floats(theta, "theta"), as_floats(r, "r")
        if base.ndim != 4 or 0 in base.shape or base.shape[1] != base.shape[3]:
            raise ShapeError(f"kernels must have shape (d, S, A, S), found {base.shape}", argument="kernels")
        d, S, A, _ = base.shape
        if weights.shape != (d,):
            raise ShapeError(f"theta must have shape ({d},), found {weights.shape}", argument="theta")
        if rewards.shape != (S, A):
            raise ShapeError(f"r must have shape ({S}, {A}), found {rewards.shape}", argument="r")
        check_finite(base, "kernels")
        check_finite(weights, "theta")
        check_rewards(rewards, "r", unravel(rewards.shape))
        if bounded_reward:
            check_unit_rewards(rewards, "r", "r")
        check_kernel(np.tensordot(weights, base, axes=1), "theta @ kernels", "kernels")
        options = {
            "gamma": gamma,
            "horizon": horizon,
            "initial": initial,
            "bounded_reward": bounded_reward,
            "state_names": state_names,
            "action_names": action_names,
        }
        self._fill({"_kernels": base, "_theta": weights, "_r": rewards}, S, A, options)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._kernels, self._theta, self._r, self._options())

    @property
    def kernels(self) -> Floats:
        """Base kernels, shape ``(d, S, A, S)``."""
        return self._kernels

    @property
    def theta(self) -> Floats:
        """Weights of the mixture, shape ``(d,)``."""
        return self._theta

    @property
    def r(self) -> Floats:
        """Rewards, shape ``(S, A)``."""
        return self._r

    @property
    def dim(self) -> int:
        """Number of base kernels ``d``."""
        return int(self._kernels.shape[0])

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return int(self._kernels.shape[1])

    @property
    def n_actions(self) -> int:
        """Number of actions ``A``."""
        return int(self._kernels.shape[2])

    def features(self, V: Any) -> Floats:
        """Return the regressors ``phi_V(s, a) = (sum_s' phi_i(s' | s, a) V(s'))_i`` of value-targeted regression.

        Parameters
        ----------
        V : array_like, shape (S,)
            Values of the next state.

        Returns
        -------
        ndarray, shape (S, A, d)
            ``features(V) @ theta`` is the expectation of ``V`` after each pair.
        """
        values = as_floats(V, "V")
        if values.shape != (self.n_states,):
            raise ShapeError(f"V must have shape ({self.n_states},), found {values.shape}", argument="V")
        return np.ascontiguousarray(np.moveaxis(self._kernels @ values, 0, -1))

    def tabular(self) -> TabularMDP | FiniteHorizonMDP:
        """Return the same problem as a table, as `LinearMDP.tabular` does."""
        return self._as_table(np.tensordot(self._theta, self._kernels, axes=1), self._r)

    def __repr__(self) -> str:
        return f"LinearMixtureMDP(S={self.n_states:,}, A={self.n_actions:,}, d={self.dim:,}{self._timing()})"


def _rebuild(kernels: Floats, theta: Floats, r: Floats, options: dict[str, Any]) -> LinearMixtureMDP:
    return LinearMixtureMDP(kernels, theta, r, **options)
