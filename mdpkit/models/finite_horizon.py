"""`FiniteHorizonMDP`: a decision problem that ends after ``H`` steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import DiscountError, InputError, ShapeError
from mdpkit.models._checks import as_floats, check_discount, check_initial, check_rewards, frozen
from mdpkit.models._construct import check_horizon
from mdpkit.models.rows import is_sparse
from mdpkit.models.tabular import TabularMDP

__all__ = ["FiniteHorizonMDP"]


class FiniteHorizonMDP:
    """A Markov decision process that is played for ``H`` steps, ``h = 0..H-1``.

    Its optimal values solve ``V_H = terminal_values`` and
    ``V_h(s) = max_a r_h(s, a) + gamma * sum_s' P_h(s' | s, a) V_{h+1}(s')``. Each step is a `TabularMDP`, kept in
    `stages`; a time-homogeneous problem stores it once.

    Parameters
    ----------
    P : array_like, shape (H, S, A, S), or anything `TabularMDP` takes together with `horizon`
        Transition probabilities.
    r : array_like, shape (H, S, A), (H, S, A, S), or anything `TabularMDP` takes
        Rewards; ``-inf`` forbids a pair. With four axes in `P` and three in `r`, `r` is read as ``(H, S, A)``.
    horizon : int, optional
        Number of steps; required unless `P` has the time axis.
    gamma : float, default 1.0
        Discount factor in ``[0, 1]``.
    initial : int or array_like, shape (S,), optional
        Initial state or distribution.
    terminal_values : array_like, shape (S,), optional
        Values after the last step; zero by default.
    state_names, action_names : sequence of str, optional
        Distinct names shown in tables and plots.

    Raises
    ------
    NotStochasticError, ShapeError, NonFiniteRewardError, EmptyActionSetError, DiscountError
        As for `TabularMDP`.

    Examples
    --------
    >>> import mdpkit
    >>> problem = mdpkit.FiniteHorizonMDP([[[1.0], [1.0]]], r=[[1.0, 2.0]], horizon=3)
    >>> problem
    FiniteHorizonMDP(H=3, S=1, A=2, gamma=1.0, homogeneous)
    """

    __slots__ = ("_gamma", "_initial", "_stages", "_terminal_values")
    _stages: tuple[TabularMDP, ...]
    _gamma: float
    _initial: Floats | None
    _terminal_values: Floats

    def __init__(
        self,
        P: Any,
        r: Any,
        *,
        horizon: int | None = None,
        gamma: float = 1.0,
        initial: Any = None,
        terminal_values: Any = None,
        state_names: Sequence[object] | None = None,
        action_names: Sequence[object] | None = None,
    ) -> None:
        names: dict[str, Any] = {"state_names": state_names, "action_names": action_names}
        sparse = is_sparse(P) or (isinstance(P, (list, tuple)) and len(P) > 0 and is_sparse(P[0]))
        block = P if sparse else as_floats(P, "P")
        if sparse or block.ndim == 3:
            if horizon is None:
                raise InputError("horizon is required when P has no time axis", argument="horizon")
            H = check_horizon(horizon)
            stages = self._homogeneous(block, r, H, names)
        elif block.ndim == 4:
            H = block.shape[0]
            if H == 0:
                raise ShapeError(f"P must have at least one step, found shape {block.shape}", argument="P")
            if horizon is not None and horizon != H:
                raise ShapeError(f"P has {H} steps but horizon = {horizon}", argument="horizon", value=horizon)
            rewards = as_floats(r, "r")
            per_step = rewards.ndim >= 3
            if per_step and rewards.shape[0] != H:
                raise ShapeError(f"r must have {H} steps like P, found shape {rewards.shape}", argument="r")
            stages = tuple(self._stage(h, block[h], rewards[h] if per_step else rewards, names) for h in range(H))
        else:
            raise ShapeError(
                f"P must have shape (H, S, A, S), or (S, A, S) with horizon=; found {block.shape}",
                argument="P",
            )
        self._fill(stages, gamma, initial, terminal_values)

    @classmethod
    def _homogeneous(cls, P: Any, r: Any, H: int, names: dict[str, Any]) -> tuple[TabularMDP, ...]:
        if is_sparse(r):
            return (cls._stage(0, P, r, names),) * H
        rewards = as_floats(r, "r")
        if rewards.ndim == 4 or (
            rewards.ndim == 3 and rewards.shape[0] == H and not cls._is_transition_reward(P, rewards)
        ):
            if rewards.shape[0] != H:
                raise ShapeError(f"r must have {H} steps, found shape {rewards.shape}", argument="r")
            return tuple(cls._stage(h, P, rewards[h], names) for h in range(H))
        return (cls._stage(0, P, rewards, names),) * H

    @staticmethod
    def _is_transition_reward(P: Any, rewards: Floats) -> bool:
        """Tell ``(S, A, S)`` from ``(H, S, A)``; refuse to guess when both fit."""
        if isinstance(P, (list, tuple)):
            n_states, n_actions = P[0].shape[0], len(P)
        elif is_sparse(P):
            n_states = max(P.shape[1], 1)
            n_actions = P.shape[0] // n_states
        else:
            n_states, n_actions = P.shape[:2]
        shape = (n_states, n_actions, n_states)
        if rewards.shape == shape and rewards.shape[1:] == shape[:2]:
            raise ShapeError(
                f"r of shape {rewards.shape} could be (H, S, A) or (S, A, S); give it four axes", argument="r"
            )
        return bool(rewards.shape == shape)

    @staticmethod
    def _stage(h: int, P: Any, r: Any, names: dict[str, Any]) -> TabularMDP:
        try:
            return TabularMDP(P, r, **names)
        except InputError as error:
            error.args = (f"at step {h}: {error}",)
            raise

    @classmethod
    def from_stages(
        cls,
        stages: Sequence[TabularMDP],
        *,
        gamma: float = 1.0,
        initial: Any = None,
        terminal_values: Any = None,
    ) -> FiniteHorizonMDP:
        """Build a problem from one `TabularMDP` per step (their own discount factors are not used).

        This is the way to sparse, per-pair and outcome constructors, and to kernels that change with time.

        Parameters
        ----------
        stages : sequence of TabularMDP
            All with the same numbers of states and actions; the same object may be repeated at no cost.
        gamma, initial, terminal_values
            As for `FiniteHorizonMDP`; `initial` defaults to that of the first stage.
        """
        self = cls.__new__(cls)
        chosen = tuple(stages)
        if not chosen:
            raise InputError("stages must hold at least one model", argument="stages")
        for h, stage in enumerate(chosen):
            found = (stage.n_states, stage.n_actions)
            if found != (chosen[0].n_states, chosen[0].n_actions):
                raise ShapeError(
                    f"stages[{h}] has (S, A) = {found}, stages[0] has {(chosen[0].n_states, chosen[0].n_actions)}",
                    argument="stages",
                    index=h,
                )
        self._fill(chosen, gamma, chosen[0].initial if initial is None else initial, terminal_values)
        return self

    def _fill(self, stages: tuple[TabularMDP, ...], gamma: float, initial: Any, terminal_values: Any) -> None:
        discount = check_discount(gamma)
        if discount is None:
            raise DiscountError("gamma must be a number in [0, 1]; undiscounted is gamma=1.0", argument="gamma")
        n_states = stages[0].n_states
        if terminal_values is None:
            terminal = np.zeros(n_states)
        else:
            terminal = as_floats(terminal_values, "terminal_values")
            if terminal.shape != (n_states,):
                raise ShapeError(
                    f"terminal_values must have shape ({n_states},), found {terminal.shape}",
                    argument="terminal_values",
                )
            check_rewards(terminal, "terminal_values", lambda i: i)
        start = check_initial(initial, n_states)
        self._stages = stages
        self._gamma = discount
        self._initial = None if start is None else frozen(start)
        self._terminal_values = frozen(terminal)

    @property
    def horizon(self) -> int:
        """Number of steps ``H``."""
        return len(self._stages)

    @property
    def stages(self) -> tuple[TabularMDP, ...]:
        """The model of each step."""
        return self._stages

    @property
    def is_homogeneous(self) -> bool:
        """Whether every step is the same model."""
        return all(stage is self._stages[0] for stage in self._stages)

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return self._stages[0].n_states

    @property
    def n_actions(self) -> int:
        """Number of action ids ``A``."""
        return self._stages[0].n_actions

    @property
    def gamma(self) -> float:
        """Discount factor, 1 for plain sums."""
        return self._gamma

    @property
    def initial(self) -> Floats | None:
        """Initial distribution, or None."""
        return self._initial

    @property
    def terminal_values(self) -> Floats:
        """Values after the last step, shape ``(S,)``."""
        return self._terminal_values

    @property
    def state_names(self) -> tuple[str, ...] | None:
        """Names of the states, or None."""
        return self._stages[0].state_names

    @property
    def action_names(self) -> tuple[str, ...] | None:
        """Names of the actions, or None."""
        return self._stages[0].action_names

    def __repr__(self) -> str:
        kind = "homogeneous" if self.is_homogeneous else "time-dependent"
        return (
            f"FiniteHorizonMDP(H={self.horizon}, S={self.n_states:,}, A={self.n_actions:,}, gamma={self.gamma}, {kind})"
        )
