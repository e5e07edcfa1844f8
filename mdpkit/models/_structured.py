"""What `LinearMDP` and `LinearMixtureMDP` share: immutability, options, and the check of their transitions."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError, NotStochasticError
from mdpkit.models._checks import check_discount, check_initial, check_names, check_row_sums, frozen, unravel
from mdpkit.models._construct import check_horizon, resolve
from mdpkit.models.finite_horizon import FiniteHorizonMDP
from mdpkit.models.tabular import TabularMDP

NEGATIVE_DUST = 1e-10
"""Probabilities down to minus this are rounding, and count as zero."""
OPTIONS = ("gamma", "horizon", "initial", "bounded_reward", "state_names", "action_names")


class StructuredMDP:
    """Base of models given by parameters instead of a table; holds everything but the parameters."""

    __slots__ = ("_action_names", "_bounded_reward", "_gamma", "_horizon", "_initial", "_state_names")
    _gamma: float | None
    _horizon: int | None
    _initial: Floats | None
    _bounded_reward: bool
    _state_names: tuple[str, ...] | None
    _action_names: tuple[str, ...] | None

    def _fill(self, parameters: dict[str, Floats], n_states: int, n_actions: int, options: dict[str, Any]) -> None:
        """Set the parameters, read-only, and the checked options."""
        names = check_names(options["state_names"], n_states, "state_names")
        initial = options["initial"]
        if isinstance(initial, str):
            initial = resolve(initial, n_states, names, "initial")
        start = check_initial(initial, n_states)
        horizon = options["horizon"]
        fields = {name: frozen(values) for name, values in parameters.items()} | {
            "_gamma": check_discount(options["gamma"]),
            "_horizon": None if horizon is None else check_horizon(horizon),
            "_initial": None if start is None else frozen(start),
            "_bounded_reward": bool(options["bounded_reward"]),
            "_state_names": names,
            "_action_names": check_names(options["action_names"], n_actions, "action_names"),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def _options(self) -> dict[str, Any]:
        return {name: getattr(self, f"_{name}") for name in OPTIONS}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

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

    def _timing(self) -> str:
        """Discount and horizon as a `repr` shows them."""
        shown = "" if self.gamma is None else f", gamma={self.gamma}"
        return shown if self.horizon is None else f"{shown}, H={self.horizon}"

    def _as_table(self, P: Floats, r: Floats) -> TabularMDP | FiniteHorizonMDP:
        """Build the tabular model of checked transitions, which are changed in place."""
        np.maximum(P, 0.0, out=P)
        P /= P.sum(axis=2, keepdims=True)
        common: dict[str, Any] = {
            "initial": self.initial,
            "state_names": self.state_names,
            "action_names": self.action_names,
        }
        if self.horizon is None:
            return TabularMDP(P, r, self.gamma, **common)
        return FiniteHorizonMDP(P, r, horizon=self.horizon, gamma=1.0 if self.gamma is None else self.gamma, **common)


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
