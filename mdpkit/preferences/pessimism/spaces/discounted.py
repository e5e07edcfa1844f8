"""The policies of a discounted problem."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.models import TabularMDP
from mdpkit.planning import occupancy_measure, solve
from mdpkit.preferences.pessimism.spaces.base import PolicySpace, normalized_rows

__all__ = ["DiscountedSpace"]


class DiscountedSpace(PolicySpace):
    """Discounted problem: ``u`` is the mean over the normalized occupancy measure, which sums to one."""

    def __init__(self, problem: TabularMDP, features: Floats) -> None:
        assert problem.initial is not None
        assert problem.gamma is not None
        self.problem, self.gamma = problem, float(problem.gamma)
        self.shape = (problem.n_states, problem.n_actions)
        s, a = problem.pair_state, problem.pair_action
        self.features = np.ascontiguousarray(features[s, a])
        N = len(s)
        leave = sp.csr_array((np.ones(N), (s, np.arange(N))), shape=(problem.n_states, N))
        self.constraints = sp.csr_array(leave - self.gamma * problem.rows.csr().T)
        self.start, self.share = (1.0 - self.gamma) * problem.initial, np.ones(N)

    def mean_feature(self, policy: Any) -> Floats:
        """Return the exact mean feature of a policy."""
        visits = occupancy_measure(self.problem, policy, normalized=True)
        return np.asarray(visits[self.problem.pair_state, self.problem.pair_action] @ self.features)

    def greedy(self, theta: Floats) -> tuple[Any, float]:
        """Return a greedy policy and an upper bound on the maximum."""
        return self._plan(self.features @ theta)

    def pointwise(self, bonus: Floats) -> Any:
        """Return the policy that is greedy for a reward of each decision."""
        return self._plan(bonus)[0]

    def _plan(self, rewards: Floats) -> tuple[Any, float]:
        solution = solve(self.problem.with_rewards(self.problem.scatter(rewards, fill=-np.inf)), tol=1e-12)
        return solution.policy, float(self.start @ solution.upper)

    def to_policy(self, x: Floats) -> Any:
        """Return the policy of an occupancy measure."""
        visits = np.zeros(self.shape)
        visits[self.problem.pair_state, self.problem.pair_action] = x
        return normalized_rows(visits, self.problem.action_mask)

    def choices(self) -> list[tuple[Any, Ints]]:
        """Return the decisions, each with its actions."""
        return [(s, np.flatnonzero(row)) for s, row in enumerate(self.problem.action_mask)]

    def deterministic(self, actions: Ints) -> Any:
        """Return the policy with these actions."""
        return actions

    def mean_features(self, actions: Ints) -> Floats:
        """Return the mean features of deterministic policies."""
        S = self.shape[0]
        row = np.full(self.shape, -1)
        row[self.problem.pair_state, self.problem.pair_action] = np.arange(len(self.features))
        pairs = row[np.arange(S), actions]
        kernels = self.problem.rows.csr().toarray()[pairs]
        systems = np.eye(S) - self.gamma * np.swapaxes(kernels, 1, 2)
        visits = np.linalg.solve(systems, np.broadcast_to(self.start[:, None], (len(actions), S, 1)))[..., 0]
        return np.asarray(np.einsum("ms,msd->md", visits, self.features[pairs]))
