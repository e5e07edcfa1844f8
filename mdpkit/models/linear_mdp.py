"""`LinearMDP`: transitions and rewards that are linear in known features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError, NotStochasticError, ShapeError
from mdpkit.models._checks import (
    as_floats,
    check_discount,
    check_initial,
    check_names,
    check_rewards,
    check_row_sums,
    frozen,
    unravel,
)
from mdpkit.models._construct import check_horizon, resolve
from mdpkit.models.finite_horizon import FiniteHorizonMDP
from mdpkit.models.tabular import TabularMDP

__all__ = ["LinearMDP"]

NEGATIVE_DUST = 1e-10
"""Probabilities may fall this far below zero, and rewards leave [0, 1] by as much, through rounding of the products."""

BLOCK = 1 << 22
"""Entries of the transition matrix that are checked at a time."""


class LinearMDP:
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

    __slots__ = (
        "_action_names",
        "_bounded_reward",
        "_gamma",
        "_horizon",
        "_initial",
        "_mu",
        "_phi",
        "_state_names",
        "_theta",
    )
    _phi: Floats
    _mu: Floats
    _theta: Floats
    _gamma: float | None
    _horizon: int | None
    _initial: Floats | None
    _bounded_reward: bool
    _state_names: tuple[str, ...] | None
    _action_names: tuple[str, ...] | None

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
        names = check_names(state_names, S, "state_names")
        if isinstance(initial, str):
            initial = resolve(initial, S, names, "initial")
        start = check_initial(initial, S)
        fields = {
            "_phi": frozen(features),
            "_mu": frozen(measures),
            "_theta": frozen(parameter),
            "_gamma": check_discount(gamma),
            "_horizon": None if horizon is None else check_horizon(horizon),
            "_initial": None if start is None else frozen(start),
            "_bounded_reward": bool(bounded_reward),
            "_state_names": names,
            "_action_names": check_names(action_names, A, "action_names"),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("LinearMDP is immutable")

    def __reduce__(self) -> tuple[Any, ...]:
        options = {
            name: getattr(self, f"_{name}")
            for name in ("gamma", "horizon", "initial", "bounded_reward", "state_names", "action_names")
        }
        return _rebuild, (self._phi, self._mu, self._theta, options)

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

    @property
    def gamma(self) -> float | None:
        """Discount factor, or None."""
        return self._gamma

    @property
    def horizon(self) -> int | None:
        """Number of steps, or None."""
        return self._horizon

    @property
    def initial(self) -> Floats | None:
        """Initial distribution, or None."""
        return self._initial

    @property
    def state_names(self) -> tuple[str, ...] | None:
        """Names of the states, or None."""
        return self._state_names

    @property
    def action_names(self) -> tuple[str, ...] | None:
        """Names of the actions, or None."""
        return self._action_names

    def tabular(self) -> TabularMDP | FiniteHorizonMDP:
        """Return the same problem as a table, ``O(S^2 A d)`` time and ``O(S^2 A)`` memory.

        Negative dust down to ``-1e-10`` becomes 0 and rows are divided by their sum.

        Returns
        -------
        TabularMDP or FiniteHorizonMDP
            The latter when `horizon` is given; its discount factor is 1 unless `gamma` is given.
        """
        return as_table(self._phi @ self._mu, self._phi @ self._theta, self)

    def __repr__(self) -> str:
        return f"LinearMDP(S={self.n_states:,}, A={self.n_actions:,}, d={self.dim:,}{timing(self)})"


def _rebuild(phi: Floats, mu: Floats, theta: Floats, options: dict[str, Any]) -> LinearMDP:
    return LinearMDP(phi, mu, theta, **options)


# -------------------------------------------------------------------- shared with linear mixtures


def check_finite(values: Floats, argument: str) -> None:
    """Refuse the first entry that is NaN or infinite."""
    if np.isfinite(values).all():
        return
    flat = int(np.argmax(~np.isfinite(values)))
    where, value = unravel(values.shape)(flat), float(values.reshape(-1)[flat])
    raise InputError(
        f"{argument}[{', '.join(map(str, where))}] = {value!r} must be finite",
        argument=argument,
        index=where,
        value=value,
    )


def check_unit_rewards(reward: Floats, label: str, argument: str) -> None:
    """Refuse the first reward outside ``[0, 1]``, up to rounding dust."""
    good = (reward >= -NEGATIVE_DUST) & (reward <= 1.0 + NEGATIVE_DUST)
    if good.all():
        return
    s, a = unravel(reward.shape)(int(np.argmin(good)))
    value = float(reward[s, a])
    raise InputError(
        f"reward ({label})[{s}, {a}] = {value!r} lies outside [0, 1]; pass bounded_reward=False to allow that",
        argument=argument,
        index=(s, a),
        value=value,
    )


def check_kernel(P: Floats, label: str, argument: str, first_state: int = 0) -> None:
    """Refuse transition probabilities, shape ``(S, A, S')``, that are negative beyond dust or do not sum to one."""
    # Written so that NaN, from products that overflow, fails too.
    if not P.min() >= -NEGATIVE_DUST:
        s, a, t = unravel(P.shape)(int(np.argmax(~(P >= -NEGATIVE_DUST))))
        value, where = float(P[s, a, t]), (first_state + s, a, t)
        raise NotStochasticError(
            f"({label})[{where[0]}, {a}, {t}] = {value!r} is no probability",
            argument=argument,
            index=where,
            value=value,
        )

    def locate(flat: int) -> tuple[int, int]:
        return first_state + flat // P.shape[1], flat % P.shape[1]

    # `check_row_sums` offers a keyword of TabularMDP to rows that are only slightly off; here there is none.
    try:
        check_row_sums(P.sum(axis=2).reshape(-1), argument, locate, label=f"({label})")
    except NotStochasticError as error:
        message = str(error).partition("; pass sum_to_one")[0]
        raise NotStochasticError(message, argument=error.argument, index=error.index, value=error.value) from None


def as_table(P: Floats, r: Floats, model: Any) -> TabularMDP | FiniteHorizonMDP:
    """Build the tabular model of checked transitions, which are changed in place."""
    np.maximum(P, 0.0, out=P)
    P /= P.sum(axis=2, keepdims=True)
    names = {"state_names": model.state_names, "action_names": model.action_names}
    if model.horizon is None:
        return TabularMDP(P, r, model.gamma, initial=model.initial, **names)
    gamma = 1.0 if model.gamma is None else model.gamma
    return FiniteHorizonMDP(P, r, horizon=model.horizon, gamma=gamma, initial=model.initial, **names)


def timing(model: Any) -> str:
    """Discount and horizon as a `repr` shows them."""
    shown = "" if model.gamma is None else f", gamma={model.gamma}"
    return shown if model.horizon is None else f"{shown}, H={model.horizon}"
