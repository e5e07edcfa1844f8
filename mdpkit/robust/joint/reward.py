"""Uncertain rewards with a budget per state: regularized updates in closed form."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats
from mdpkit.models import TabularMDP
from mdpkit.robust.joint.base import Joint
from mdpkit.robust.regularization import reward_robust_value
from mdpkit.robust.rows import AllowedRows


class RewardJoint(Joint):
    r"""The update :math:`\max_d d^T Q - \alpha \|d\|_{p^*}` (Derman, Geist and Mannor 2021).

    Parameters
    ----------
    rows, gamma, sign, model, budget
        As for `Joint`; the budget is in units of reward.
    norm : float
        ``p``, 1, 2 or inf.
    """

    def __init__(
        self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, budget: Floats, norm: float
    ) -> None:
        super().__init__(rows, gamma, sign, model, budget)
        self.model = model
        self.norm = norm
        self.dual = {1.0: np.inf, 2.0: 2.0, np.inf: 1.0}[norm]

    def _best(self) -> tuple[Floats, Floats, float]:
        Q = self._mean + self._shift
        if self.sign < 0.0:
            return Q - self._groups_budget, np.ones(len(Q)), 0.0
        values, policy = reward_robust_value(self.model.scatter(Q), self.budget, self.norm)
        return values, np.asarray(policy[self.model.pair_state, self.model.pair_action]), 0.0

    def _evaluate(self, weights: Floats) -> tuple[Floats, float]:
        mean = np.add.reduceat(weights * (self._mean + self._shift), self.state_ptr[:-1])
        table = self.model.scatter(weights, fill=0.0)
        return mean - self.budget * np.linalg.norm(table, self.dual, axis=1), 0.0

    def worst(self, V: Floats, weights: Floats | None = None) -> tuple[sp.csr_array, Floats]:
        """Return the nominal rows, and the rewards that nature chooses: against a policy, or its own optimum."""
        if weights is None and self.sign < 0.0:
            weights = self.values(V)[1]
        self._look(V)
        loss = self._saddle_losses() if weights is None else self._losses(weights)
        rows = self.rows
        rewards = rows.pair_reward - self.sign * loss
        if len(rows.entry_reward):
            rewards = rewards + np.add.reduceat(rows.nominal * rows.entry_reward, rows.row_ptr[:-1])
        matrix = sp.csr_array((rows.nominal, rows.col, rows.row_ptr), shape=(rows.n_pairs, rows.n_states))
        return matrix.copy(), rewards

    def _losses(self, weights: Floats) -> Floats:
        """Return what nature takes from every pair, best against a policy: a gradient of the dual norm."""
        table = self.model.scatter(weights, fill=0.0)
        if self.norm == np.inf:
            direction = np.ones_like(table)
        elif self.norm == 2.0:
            direction = table / np.linalg.norm(table, axis=1, keepdims=True)
        else:
            direction = np.zeros_like(table)
            direction[np.arange(len(table)), np.argmax(table, axis=1)] = 1.0
        return np.asarray((self.budget[:, None] * direction)[self.model.pair_state, self.model.pair_action])

    def _saddle_losses(self) -> Floats:
        """Return what brings every action down to the value of its state."""
        if self.norm == np.inf:
            return self.budget[self.pair_state]
        values, _, _ = self._best()
        return np.maximum(self._mean + self._shift - values[self.pair_state], 0.0)

    def _rows(self, weights: Floats, p: Floats, extra: Floats) -> None:
        """Leave the rows as they are: only rewards are uncertain."""

    def _saddle_rows(self, p: Floats, extra: Floats) -> None:
        """Leave the rows as they are: only rewards are uncertain."""
