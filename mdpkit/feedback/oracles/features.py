"""`trajectory_features`: what a linear reward sees of whole episodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError
from mdpkit.feedback._checks import check_all
from mdpkit.feedback.dataset import OfflineDataset
from mdpkit.feedback.oracles._questions import read_numbers
from mdpkit.models._checks import as_floats, check_discount

__all__ = ["trajectory_features"]


def trajectory_features(data: OfflineDataset, features: Any, *, gamma: float | None = 1.0) -> Floats:
    r"""Add up the features of the pairs that each episode visits.

    .. math:: \phi(\tau) = \sum_h \gamma^h \phi_h(s_h, a_h)

    Parameters
    ----------
    data : OfflineDataset
        The episodes; ``h`` is the column `step`, so lines may come in any order.
    features : array_like, shape (S, A, d) or (H, S, A, d)
        Features of every state-action pair, or of every step, state and action.
    gamma : float or None, default 1.0
        Discount factor in ``[0, 1]``; None counts as 1.

    Returns
    -------
    ndarray, shape (n_episodes, d)
        One row per episode, in the order in which the episodes first appear.

    Raises
    ------
    ShapeError, StateIndexError, InputError
        A feature is not finite; a state, action or step has no features; or an episode has two lines for one step.

    Notes
    -----
    Time ``O(n log n + n d)`` for ``n`` steps. A reward that is linear in the pairs, ``phi_h(s, a) . theta``, makes the
    discounted return of an episode linear in its features, ``phi(tau) . theta``.

    References
    ----------
    .. [1] A. Pacchiano, A. Saha, J. Lee, "Dueling RL: reinforcement learning with trajectory preferences", AISTATS
       2023.

    Examples
    --------
    With one-hot features this counts visits: here of the pairs (0, 0), (0, 1), (1, 0) and (1, 1).

    >>> import numpy as np
    >>> from mdpkit.feedback import OfflineDataset, trajectory_features
    >>> data = OfflineDataset(episode=[0, 0, 1], step=[0, 1, 0], state=[0, 0, 1], action=[1, 1, 0],
    ...                       reward=[0, 0, 0], successor=[0, 1, 1])
    >>> trajectory_features(data, np.eye(4).reshape(2, 2, 4), gamma=0.5)
    array([[0. , 1.5, 0. , 0. ],
           [0. , 0. , 1. , 0. ]])
    """
    table = read_features(features)
    horizon = len(table) if table.ndim == 4 else None
    n_states, n_actions = table.shape[-3:-1]
    discount = check_discount(gamma)
    return read_trajectories(data, "data", n_states, n_actions, horizon).total(table, discount)


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Trajectories:
    """The checked steps of several episodes."""

    n: int
    row: Ints
    """Which episode each step belongs to, in order of first appearance."""
    step: Ints
    state: Ints
    action: Ints

    def visits(self, shape: tuple[int, int, int], gamma: float | None) -> Any:
        """Return a sparse matrix, ``(n, K*S*A)``: how often each cell was visited, a visit at step h counting gamma^h.

        With one stage, K = 1, every step visits that stage.
        """
        K, S, A = shape
        stage = self.step if K > 1 else 0
        weight = np.ones(len(self.row)) if gamma is None else np.power(gamma, self.step)
        cell = (stage * S + self.state) * A + self.action
        return sp.csr_array((weight, (self.row, cell)), shape=(self.n, K * S * A))

    def total(self, table: Floats, gamma: float | None) -> Floats:
        """Sum ``gamma^h table[(h,) s, a]`` over each episode, shape ``(n, d)``."""
        S, A, d = table.shape[-3:]
        K = len(table) if table.ndim == 4 else 1
        return np.asarray(self.visits((K, S, A), gamma) @ table.reshape(K * S * A, d))


def read_features(features: Any) -> Floats:
    """Check features of pairs, ``(S, A, d)``, or of steps and pairs, ``(H, S, A, d)``."""
    table = as_floats(features, "features")
    if table.ndim not in (3, 4) or table.size == 0:
        raise ShapeError(
            f"features must have shape (S, A, d) or (H, S, A, d), found {table.shape}", argument="features"
        )
    check_all(table, "features", np.isfinite, "features must be finite")
    return table


def read_trajectories(
    data: OfflineDataset, name: str, n_states: int, n_actions: int, horizon: int | None
) -> Trajectories:
    """Check that a dataset fits a problem and tell its episodes apart; errors call it `name`."""
    if not isinstance(data, OfflineDataset):
        raise InputError(f"{name} must be an OfflineDataset, found {type(data).__name__}", argument=name)
    state = read_numbers(data.state, f"{name}.state", n_states, "state")
    action = read_numbers(data.action, f"{name}.action", n_actions, "action")
    step = data.step if horizon is None else read_numbers(data.step, f"{name}.step", horizon, "step")
    _, first, which = np.unique(data.episode, return_index=True, return_inverse=True)
    position = np.empty(len(first), dtype=np.int64)
    position[np.argsort(first)] = np.arange(len(first))
    order = np.lexsort((step, which))
    again = (np.diff(which[order]) == 0) & (np.diff(step[order]) == 0)
    if again.any():
        # Two runs joined without renumbering their episodes would add up to trajectories that nobody played.
        line = int(order[1:][np.argmax(again)])
        raise InputError(
            f"{name}.step[{line}] = {step[line]} occurs twice in episode {data.episode[line]}",
            argument=f"{name}.step",
            index=line,
            value=int(step[line]),
        )
    return Trajectories(len(first), position[which], step, state, action)
