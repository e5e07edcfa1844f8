"""The update of s-rectangular sets: one budget per state, shared by its actions, and a randomized best policy."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Bools, Floats
from mdpkit.models import TabularMDP
from mdpkit.robust.joint._kernels import payoffs as kernels
from mdpkit.robust.rows import AllowedRows


class Joint(ABC):
    r"""Values, policies and worst rows of all states, given values of the successors.

    Nature chooses rows ``p_a`` with :math:`\sum_a D(p_a, q_a) \le \kappa_s`, the agent a distribution ``d`` over the
    actions; payoffs are :math:`z_a = r(s, a, \cdot) + \gamma V`. The value of the state is

    .. math::  u = \max_d \min_p \sum_a d_a\, p_a \cdot z_a
                 = \min \{u : \sum_a h_a(u) \le \kappa_s\}, \qquad h_a(u) = \min \{D(p, q_a) : p \cdot z_a \le u\},

    and :math:`d_a \propto -h_a'(u)` is optimal. Cooperative nature maximizes too; then all the budget goes to one
    action and the best policy is deterministic.

    Subclasses solve one family. Inside they only minimize: payoffs are multiplied by ``sign`` first.

    Parameters
    ----------
    rows : AllowedRows
        The successors nature may use.
    gamma : float
        Discount factor.
    sign : float
        1 for adversarial nature, -1 for cooperative nature.
    model : TabularMDP
        The nominal model, for its pairs.
    budget : ndarray, shape (S,)
        The budgets ``kappa_s``.

    Attributes
    ----------
    exact : bool
        Whether the family is solved by finitely many operations. Otherwise values are off by up to the gap returned
        with them.

    References
    ----------
    .. [1] C. P. Ho, M. Petrik, W. Wiesemann, "Fast Bellman updates for robust MDPs", ICML 2018.
    .. [2] C. P. Ho, M. Petrik, W. Wiesemann, "Robust phi-divergence MDPs", NeurIPS 2022.
    """

    exact = True

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, budget: Floats) -> None:
        self.rows = rows
        self.gamma = gamma
        self.sign = sign
        self.state_ptr = model.state_ptr
        self.pair_state = model.pair_state
        self.budget = budget
        N = rows.n_pairs
        if sign > 0.0:
            self._ptr, self._groups_budget = self.state_ptr, budget
        else:
            # every pair alone with the budget of its state
            self._ptr, self._groups_budget = np.arange(N + 1), budget[self.pair_state]
        self._z = np.empty(len(rows.col))
        self._mean, self._low = np.empty(N), np.empty(N)
        self._shift = sign * rows.pair_reward
        # Where the value lay between its bounds last time: the start of the next search.
        self._share = np.full(len(self._groups_budget), 0.5)

    def values(self, V: Floats) -> tuple[Floats, Floats, float]:
        """Return the values of the states, an optimal policy and a bound on the error of the values.

        Parameters
        ----------
        V : ndarray, shape (S,)
            Values of the successors.

        Returns
        -------
        u : ndarray, shape (S,)
            Values.
        weights : ndarray, shape (N,)
            Probabilities of the pairs under an optimal policy; they sum to one over each state.
        gap : float
            ``|u - exact| <= gap`` from unfinished iterations; rounding is not covered.
        """
        self._look(V)
        u, weights, gap = self._best()
        if self.sign > 0.0:
            return u, weights, gap
        # The agent too takes the best: the first of the best actions.
        best = np.maximum.reduceat(-u, self.state_ptr[:-1])
        return best, self._first(-u == best[self.pair_state]), gap

    def evaluate(self, V: Floats, weights: Floats) -> tuple[Floats, float]:
        """Return the values ``(S,)`` of a fixed randomized policy, and a bound on their error.

        Parameters
        ----------
        V : ndarray, shape (S,)
            Values of the successors.
        weights : ndarray, shape (N,)
            Probabilities of the pairs.
        """
        self._look(V)
        value, gap = self._evaluate(weights)
        return self.sign * value, gap

    def worst(self, V: Floats, weights: Floats | None = None) -> tuple[sp.csr_array, Floats]:
        """Return nature's rows ``(N, S)``, and their expected rewards ``(N,)``.

        Against a fixed randomized policy these are best replies: pairs without weight get no budget and keep their
        nominal rows; ties go to the first minimizer in the stable order of payoffs, then to the first action. Best
        replies to an optimal policy are many, and few of them hold the agent to the value of the state. Without
        ``weights`` the rows are nature's own optimum, which does: no action pays more than ``u``.
        """
        if weights is None and self.sign < 0.0:
            weights = self.values(V)[1]
        self._look(V)
        rows = self.rows
        p, extra = rows.nominal.copy(), np.zeros(rows.n_pairs)
        if weights is None:
            self._saddle_rows(p, extra)
        else:
            self._rows(weights, p, extra)
        rewards = rows.pair_reward
        if len(rows.entry_reward):
            rewards = rewards + np.add.reduceat(p * rows.entry_reward, rows.row_ptr[:-1])
        # copies, because dropping zeros rewrites them in place
        matrix = sp.csr_array((p, rows.col.copy(), rows.row_ptr.copy()), shape=(rows.n_pairs, rows.n_states))
        if extra.any():
            receiver = np.full(rows.n_pairs, self._receiver(V))
            matrix = matrix + sp.csr_array((extra, receiver, np.arange(rows.n_pairs + 1)), shape=matrix.shape)
        matrix.eliminate_zeros()
        return matrix, rewards

    def _receiver(self, V: Floats) -> int:
        """Return the state that an implicit receiver of mass is."""
        return int(np.argmin(self.sign * V))

    def _look(self, V: Floats) -> None:
        """Compute payoffs, nominal means and least payoffs, pair rewards left out."""
        rows = self.rows
        kernels.payoffs(
            rows.row_ptr,
            rows.col,
            rows.nominal,
            rows.entry_reward,
            self.gamma,
            V,
            self.sign,
            self._z,
            self._mean,
            self._low,
        )
        if rows.floating:
            np.minimum(self._low, self.gamma * float(np.min(self.sign * V)), out=self._low)

    def _first(self, chosen: Bools) -> Floats:
        """Return weight 1 for the first chosen pair of every group."""
        pairs = np.flatnonzero(chosen)
        group = np.searchsorted(self.state_ptr, pairs, side="right") - 1
        weights = np.zeros(len(chosen))
        weights[pairs[np.unique(group, return_index=True)[1]]] = 1.0
        return weights

    @abstractmethod
    def _best(self) -> tuple[Floats, Floats, float]:
        """Return least values of the groups, weights of the pairs and the gap."""

    @abstractmethod
    def _evaluate(self, weights: Floats) -> tuple[Floats, float]:
        """Return the least weighted payoffs of the states, and the gap."""

    @abstractmethod
    def _rows(self, weights: Floats, p: Floats, extra: Floats) -> None:
        """Overwrite the rows in ``p``, aligned with the allowed entries, by worst ones.

        ``extra[k]`` is what pair ``k`` sends to the implicit receiver; it starts at 0.
        """

    @abstractmethod
    def _saddle_rows(self, p: Floats, extra: Floats) -> None:
        """Overwrite the rows by those that bring every action down to the value of its state, or below."""
