"""Wasserstein balls."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.models import RobustMDP, TabularMDP, WassersteinBall
from mdpkit.models.uncertainty.base import per_pair
from mdpkit.robust.inner._kernels import transport as kernels
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows


class WassersteinInner(Inner):
    """Slide mass down the convex hulls of payoff against distance, the steepest pieces of a row first.

    With rewards per pair the hulls are those of the states, ``O(S^2)`` per sweep and ``O(n log n)`` per pair and the
    pieces it takes; with rewards per transition every pair has its own: ``O(n S)`` per pair.

    Parameters
    ----------
    rows : AllowedRows
        The nominal rows. Mass may move to any state, whether it has an entry or not.
    gamma, sign
        As for `Inner`.
    radius : ndarray, shape (N,)
        Radii.
    metric : ndarray, shape (S, S)
        Distances.
    reward : ndarray, shape (N, S) or (0, 0)
        Rewards of all transitions, or nothing when `rows` has rewards per pair.
    """

    def __init__(
        self, rows: AllowedRows, gamma: float, sign: float, radius: Floats, metric: Floats, reward: Floats
    ) -> None:
        super().__init__(rows, gamma, sign)
        S = rows.n_states
        self.radius, self.metric, self.reward = radius, metric, reward
        # a radius of 0 pins mass down, unless some state is at distance 0 from another
        self.certain = (radius == 0.0) & (np.count_nonzero(metric) == S * (S - 1))
        self._near: Any = np.argsort(metric, axis=1, kind="stable").astype(np.int32)
        # room for the longest hulls there can be; what is not needed is never touched
        longest = rows.longest_row
        room = (longest if len(reward) else S) * S
        self._hulls = np.empty(S, dtype=np.int64), np.empty(room, dtype=np.int32), np.empty(room), np.empty(room)
        self._row = (
            np.empty(S, dtype=np.int32),
            np.empty(longest, dtype=np.int32),
            np.empty(longest),
            np.empty(longest, dtype=np.int64),
        )
        self._z = np.empty(S)

    def worst(self, V: Floats, pairs: Ints | None = None) -> tuple[sp.csr_array, Floats]:
        """Return worst rows of the pairs and their expected rewards."""
        rows = self.rows
        chosen = self._every_pair if pairs is None else pairs
        # a source ends up in one state each, but for one that is split
        ptr = np.concatenate([[0], np.cumsum(np.diff(rows.row_ptr)[chosen] + 1)])
        target, mass = np.empty(ptr[-1], dtype=np.int32), np.empty(ptr[-1])
        self._move(V, chosen, np.empty(len(chosen)), target, mass)
        rewards = rows.pair_reward[chosen]
        if len(self.reward):
            owner = np.repeat(chosen, np.diff(ptr))
            rewards = rewards + np.add.reduceat(mass * self.reward[owner, target], ptr[:-1])
        matrix = sp.csr_array((mass, target, ptr), shape=(len(chosen), rows.n_states))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix, rewards

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        self._move(V, pairs, out, np.empty(0, dtype=np.int32), np.empty(0))
        return 0.0

    def _move(self, V: Floats, pairs: Ints, out: Floats, target: Any, mass: Floats) -> None:
        rows = self.rows
        kernels.move(
            rows.row_ptr,
            rows.col,
            rows.nominal,
            self.metric,
            self._near,
            self.reward,
            rows.pair_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            self.certain,
            pairs,
            *self._hulls,
            *self._row,
            self._z,
            out,
            target,
            mass,
        )


def build(problem: RobustMDP, model: TabularMDP, uncertainty: WassersteinBall, sign: float) -> Inner:
    """Return the inner problem of a Wasserstein ball."""
    rows = allowed_rows(model, "nominal", problem.transition_rewards)
    reward = np.zeros((0, 0))
    if len(rows.entry_reward):
        # mass may go anywhere, so that every reward has to be known
        everywhere = allowed_rows(model, "all", problem.transition_rewards)
        reward = everywhere.entry_reward.reshape(model.n_pairs, model.n_states)
    return WassersteinInner(rows, problem.gamma, sign, per_pair(uncertainty.radius, model), uncertainty.metric, reward)
