"""The (s,a)-rectangular hull of finitely many models: nature picks the row of any of them, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats
from mdpkit.models import TabularMDP
from mdpkit.planning.run import Run
from mdpkit.planning.solution import Solution
from mdpkit.robust.inner.finite import FiniteInner
from mdpkit.robust.operator import PairwiseBellman, RobustBellman
from mdpkit.robust.solver import METHODS, choose_method, finish


class HullBellman(PairwiseBellman):
    """The robust Bellman operator of the hull; rows that several models share are priced once.

    Parameters
    ----------
    models : sequence of TabularMDP
        At least one; all with the same pairs and discount factor. Their rewards may differ: a row brings its own.
    """

    def __init__(self, models: Sequence[TabularMDP]) -> None:
        first, K = models[0], len(models)
        gamma = first.gamma
        assert gamma is not None  # robust problems are discounted
        N = first.n_pairs
        order = np.arange(N * K).reshape(K, N).T.reshape(-1)
        stacked = sp.csr_array(sp.vstack([model.rows.csr() for model in models], format="csr")[order])
        rewards = np.concatenate([model.pair_reward for model in models])[order]
        self.inner = FiniteInner.from_candidates(np.arange(N + 1, dtype=np.int64) * K, stacked, rewards, gamma, 1.0)
        RobustBellman.__init__(self, first, self.inner.rows, gamma)
        self._choice = first.state_ptr[:-1].copy()
        # The candidates are the models' own rows and averages, so the models' own errors count.
        self.rounding = replace(
            self.rounding,
            sum_error=max(self.rounding.sum_error, *(model.rows.sum_error for model in models)),
            reward_error=max(self.rounding.reward_error, *(float(np.max(model.reward_error)) for model in models)),
        )


def solve_hull(models: Sequence[TabularMDP], V0: Floats, tol: float) -> Solution:
    """Solve the hull exactly, from the values of a smaller hull if there are any."""
    operator = HullBellman(models)
    run: Run[RobustBellman] = Run(operator, V0.copy(), tol=tol, max_iter=None)
    method = choose_method(models[0])
    METHODS[method](run)
    return finish(models[0], run, method)
