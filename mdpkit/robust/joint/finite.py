"""Convex hulls of finitely many kernels per state: matrix games."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linprog

from mdpkit._typing import Floats
from mdpkit.errors import MDPKitError
from mdpkit.models import TabularMDP
from mdpkit.robust.joint.base import Joint
from mdpkit.robust.rows import AllowedRows


class FiniteJoint(Joint):
    """Nature mixes ``K`` tuples of rows, candidate ``k`` of every action together.

    Each state is a matrix game between actions and candidates: one linear program per state and sweep (HiGHS), so about
    a millisecond each. Meant for small problems.

    Parameters
    ----------
    rows, gamma, sign, model
        As for `Joint`; the rows hold every entry of a candidate.
    candidates : sparse array, shape (N * K, S)
        The candidates, pair by pair.
    n_candidates : int
        ``K``.
    """

    exact = False

    def __init__(
        self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, candidates: Any, n_candidates: int
    ) -> None:
        super().__init__(rows, gamma, sign, model, np.zeros(model.n_states))
        self.n_candidates = n_candidates
        pair = np.repeat(np.arange(rows.n_pairs), np.diff(rows.row_ptr))
        entries = np.arange(len(rows.col))
        # (K, M): the candidates at the allowed entries
        self._candidates = np.zeros((n_candidates, len(rows.col)))
        key = pair * rows.n_states + rows.col
        stored = candidates.tocoo()
        owner, k = np.divmod(stored.row, n_candidates)
        place = entries[np.searchsorted(key, owner * rows.n_states + stored.col)]
        self._candidates[k, place] = stored.data

    def _games(self) -> Floats:
        """Return payoffs ``(K, N)`` of the pairs under every candidate."""
        return np.add.reduceat(self._candidates * self._z, self.rows.row_ptr[:-1], axis=1) + self._shift

    def _best(self) -> tuple[Floats, Floats, float]:
        values, weights, _, gap = self._solve()
        return values, weights, gap

    def _solve(self) -> tuple[Floats, Floats, Floats, float]:
        """Return values, the agent's and nature's mixtures ``(G, K)``, and the gap between what both guarantee."""
        games = self._games()
        G = len(self._ptr) - 1
        values, weights, mixtures, gap = np.empty(G), np.empty(games.shape[1]), np.zeros((G, self.n_candidates)), 0.0
        for g in range(G):
            pairs = slice(self._ptr[g], self._ptr[g + 1])
            game = games[:, pairs]
            if game.shape[1] == 1:
                k = int(np.argmin(game[:, 0]))
                values[g], weights[pairs], mixtures[g, k] = game[k, 0], 1.0, 1.0
                continue
            d, mixture = matrix_game(game)
            values[g] = np.min(game @ d)
            weights[pairs], mixtures[g] = d, mixture
            gap = max(gap, float(np.max(mixture @ game) - values[g]))
        return values, weights, mixtures, gap

    def _evaluate(self, weights: Floats) -> tuple[Floats, float]:
        return np.min(self._by_candidate(weights), axis=0), 0.0

    def _by_candidate(self, weights: Floats) -> Floats:
        return np.add.reduceat(weights * self._games(), self.state_ptr[:-1], axis=1)

    def _rows(self, weights: Floats, p: Floats, extra: Floats) -> None:
        chosen = np.argmin(self._by_candidate(weights), axis=0)
        pair = np.repeat(np.arange(self.rows.n_pairs), np.diff(self.rows.row_ptr))
        worst = self._candidates[chosen[self.pair_state[pair]], np.arange(len(p))]
        p[:] = np.where(weights[pair] > 0.0, worst, p)

    def _saddle_rows(self, p: Floats, extra: Floats) -> None:
        _, _, mixtures, _ = self._solve()
        of_entry = np.repeat(self.pair_state, np.diff(self.rows.row_ptr))
        p[:] = np.einsum("mk,km->m", mixtures[of_entry], self._candidates)


def matrix_game(payoff: Floats) -> tuple[Floats, Floats]:
    """Solve a zero-sum matrix game by one linear program.

    Parameters
    ----------
    payoff : ndarray, shape (K, A)
        What the column player receives.

    Returns
    -------
    columns : ndarray, shape (A,)
        The mixture that maximizes the least row payoff.
    rows : ndarray, shape (K,)
        The mixture that minimizes the largest column payoff.
    """
    K, A = payoff.shape
    # payoffs between 0 and 1, so that the tolerances of the solver are relative
    low, spread = float(np.min(payoff)), float(np.ptp(payoff))
    first = np.zeros(A)
    if spread == 0.0:
        first[0] = 1.0
        return first, np.full(K, 1.0 / K)
    scaled = (payoff - low) / spread
    task = linprog(
        np.append(np.zeros(A), -1.0),
        A_ub=np.hstack([-scaled, np.ones((K, 1))]),
        b_ub=np.zeros(K),
        A_eq=np.append(np.ones(A), 0.0)[None, :],
        b_eq=np.ones(1),
        bounds=[(0.0, None)] * A + [(None, None)],
        method="highs-ds",
    )
    if task.x is None:
        raise MDPKitError(f"HiGHS failed on a matrix game: {task.message}")
    columns = np.clip(task.x[:A], 0.0, None)
    rows = np.clip(-task.ineqlin.marginals, 0.0, None)
    return columns / columns.sum(), rows / rows.sum()
