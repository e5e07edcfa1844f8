"""`MarkovRewardProcess`: a Markov chain that earns, and what remains of an MDP once its policy is fixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats
from mdpkit.errors import ShapeError
from mdpkit.models._checks import (
    UNIT_ROUNDOFF,
    as_floats,
    check_discount,
    check_initial,
    check_names,
    check_rewards,
    frozen,
)
from mdpkit.models.policies import is_deterministic, policy_pairs, policy_weights
from mdpkit.models.rows import DenseRows, Rows, SparseRows, is_sparse, read_rows

if TYPE_CHECKING:
    from mdpkit.models.tabular import TabularMDP

__all__ = ["MarkovRewardProcess"]


class MarkovRewardProcess:
    """A Markov chain with a reward on leaving each state.

    Its value is ``v = (I - gamma P)^{-1} r``.

    Parameters
    ----------
    P : array_like or sparse matrix, shape (S, S)
        Transition probabilities; rows sum to one within 1e-8.
    r : array_like, shape (S,)
        Rewards.
    gamma : float, optional
        Discount factor in ``[0, 1]``; None means undiscounted.
    initial : int or array_like, shape (S,), optional
        Initial state or distribution.
    state_names : sequence of str, optional
        Distinct names.

    Raises
    ------
    NotStochasticError, ShapeError, NonFiniteRewardError, DiscountError
        As for `TabularMDP`.

    Examples
    --------
    >>> import mdpkit
    >>> chain = mdpkit.MarkovRewardProcess([[0.5, 0.5], [0, 1]], r=[1, 0], gamma=0.9)
    >>> chain
    MarkovRewardProcess(S=2, nnz=3, gamma=0.9)
    """

    __slots__ = ("_gamma", "_initial", "_reward", "_reward_error", "_rows", "_state_names")
    _rows: Rows
    _reward: Floats
    _reward_error: Floats
    _gamma: float | None
    _initial: Floats | None
    _state_names: tuple[str, ...] | None

    def __init__(
        self,
        P: Any,
        r: Any,
        gamma: float | None = None,
        *,
        initial: Any = None,
        state_names: Sequence[object] | None = None,
    ) -> None:
        if not is_sparse(P):
            P = as_floats(P, "P")
        if len(P.shape) != 2 or P.shape[0] != P.shape[1] or P.shape[0] == 0:
            raise ShapeError(f"P must have shape (S, S), found {P.shape}", argument="P")
        n_states = int(P.shape[0])
        reward = as_floats(r, "r")
        if reward.shape != (n_states,):
            raise ShapeError(f"r must have shape ({n_states},), found {reward.shape}", argument="r")
        check_rewards(reward, "r", lambda i: i)
        rows = read_rows(P, n_states, "P", lambda k: k, renormalize=False)
        names = check_names(state_names, n_states, "state_names")
        self._fill(rows, reward, np.zeros(n_states), check_discount(gamma), check_initial(initial, n_states), names)

    def _fill(
        self,
        rows: Rows,
        reward: Floats,
        reward_error: Floats,
        gamma: float | None,
        initial: Floats | None,
        state_names: tuple[str, ...] | None,
    ) -> None:
        self._rows = rows
        self._reward = frozen(reward)
        self._reward_error = reward_error
        self._gamma = gamma
        self._initial = None if initial is None else frozen(initial)
        self._state_names = state_names

    @property
    def n_states(self) -> int:
        """Number of states."""
        return self._rows.n_columns

    @property
    def nnz(self) -> int:
        """Number of transitions with positive probability."""
        return self._rows.nnz

    @property
    def gamma(self) -> float | None:
        """Discount factor, or None."""
        return self._gamma

    @property
    def initial(self) -> Floats | None:
        """Initial distribution, or None."""
        return self._initial

    @property
    def state_names(self) -> tuple[str, ...] | None:
        """Names of the states, or None."""
        return self._state_names

    @property
    def rows(self) -> Rows:
        """Transition probabilities, one row per state."""
        return self._rows

    @property
    def reward(self) -> Floats:
        """Expected reward on leaving each state, shape ``(S,)``."""
        return self._reward

    @property
    def reward_error(self) -> Floats:
        """Bounds on the rounding made when rewards were averaged, shape ``(S,)``."""
        return self._reward_error

    def transition_matrix(self) -> Floats:
        """Return the transition probabilities as a dense ``(S, S)`` array."""
        return self._rows.csr().toarray() if isinstance(self._rows, SparseRows) else self._rows.matrix

    def __repr__(self) -> str:
        return f"MarkovRewardProcess(S={self.n_states:,}, nnz={self.nnz:,}, gamma={self.gamma})"


def reward_process(model: TabularMDP, policy: Any) -> MarkovRewardProcess:
    """Return the process a stationary policy induces on a model."""
    process = MarkovRewardProcess.__new__(MarkovRewardProcess)
    if is_deterministic(policy):
        pairs = policy_pairs(model, policy)
        rows, reward, error = model.rows.take(pairs), model.pair_reward[pairs], model.reward_error[pairs]
    else:
        rows, reward, error = _mixed(model, policy_weights(model, policy))
    process._fill(rows, reward, error, model.gamma, model.initial, model.state_names)
    return process


def _mixed(model: TabularMDP, weights: Floats) -> tuple[Rows, Floats, Floats]:
    """Average rows and rewards over the actions a stochastic policy takes."""
    mix = sp.csr_array((weights, np.arange(model.n_pairs), model.state_ptr), shape=(model.n_states, model.n_pairs))
    reward = np.asarray(mix @ model.pair_reward)
    # Every averaged entry is a sum of at most A products, and the weights of a state sum to one up to A roundings.
    relative = (2 * model.n_actions + 4) * UNIT_ROUNDOFF
    error: Floats = np.asarray(mix @ (model.reward_error + relative * np.abs(model.pair_reward)), dtype=np.float64)
    error = error * (1.0 + relative)
    if isinstance(model.rows, DenseRows):
        return DenseRows(np.asarray(mix @ model.rows.matrix), model.rows.sum_error + relative), reward, error
    averaged = sp.csr_array(mix @ model.rows.csr())
    averaged.sort_indices()
    averaged.eliminate_zeros()
    rows = SparseRows(
        averaged.indptr.astype(np.int64),
        averaged.indices.astype(np.int32, copy=False),
        averaged.data,
        model.n_states,
        model.rows.sum_error + relative,
    )
    return rows, reward, error
