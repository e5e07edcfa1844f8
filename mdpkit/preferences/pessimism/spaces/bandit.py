"""The policies of a contextual bandit."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.errors import PolicyError, ShapeError
from mdpkit.models._checks import ROW_SUM_TOLERANCE
from mdpkit.preferences.pessimism.spaces.base import PolicySpace, normalized_rows

__all__ = ["BanditSpace"]


class BanditSpace(PolicySpace):
    """Contextual bandit: ``u = sum_x q(x) sum_a pi(a|x) phi(x, a)``."""

    def __init__(self, features: Floats, distribution: Floats) -> None:
        X, A, d = features.shape
        self.shape, self.q = (X, A), distribution
        self.features = features.reshape(X * A, d)
        self.constraints = sp.csr_array(sp.kron(sp.eye_array(X), np.ones((1, A))))
        self.start, self.share = distribution, np.ones(X * A)

    def mean_feature(self, policy: Any) -> Floats:
        """Return the exact mean feature of a policy."""
        weights = np.zeros(self.shape)
        given = np.asarray(policy)
        if given.shape == self.shape[:1] and given.dtype.kind in "iu":
            known = (given >= 0) & (given < self.shape[1])
            if not known.all():
                x = int(np.argmin(known))
                raise PolicyError(
                    f"policy[{x}] = {given[x]} is outside 0..{self.shape[1] - 1}",
                    argument="policy",
                    index=x,
                    value=int(given[x]),
                )
            weights[np.arange(self.shape[0]), given] = 1.0
        elif given.shape == self.shape:
            weights[:] = given
            wrong = ~((weights >= 0.0).all(axis=1) & (np.abs(np.sum(weights, axis=1) - 1.0) <= ROW_SUM_TOLERANCE))
            if wrong.any():
                x = int(np.argmax(wrong))
                raise PolicyError(
                    f"policy[{x}] = {weights[x].tolist()} is not a distribution", argument="policy", index=x
                )
        else:
            raise ShapeError(
                f"policy must hold action ids, shape ({self.shape[0]},), or probabilities, shape {self.shape}; found"
                f" {given.dtype} of shape {given.shape}",
                argument="policy",
            )
        return np.asarray((weights * self.q[:, None]).reshape(-1) @ self.features)

    def greedy(self, theta: Floats) -> tuple[Any, float]:
        """Return a greedy policy and an upper bound on the maximum."""
        rewards = (self.features @ theta).reshape(self.shape)
        return np.argmax(rewards, axis=1), float(self.q @ np.max(rewards, axis=1))

    def to_policy(self, x: Floats) -> Any:
        """Return the policy of an occupancy measure."""
        return normalized_rows(x.reshape(self.shape), np.ones(self.shape, dtype=bool))

    def pointwise(self, bonus: Floats) -> Any:
        """Return the policy that is greedy for a reward of each decision."""
        return np.argmax(bonus.reshape(self.shape), axis=1)

    def choices(self) -> list[tuple[Any, Ints]]:
        """Return the decisions, each with its actions."""
        return [(x, np.arange(self.shape[1])) for x in np.flatnonzero(self.q > 0.0)]

    def deterministic(self, actions: Ints) -> Any:
        """Return the policy with these actions."""
        policy = np.zeros(self.shape[0], dtype=np.int64)
        policy[self.q > 0.0] = actions
        return policy

    def mean_features(self, actions: Ints) -> Floats:
        """Return the mean features of deterministic policies."""
        seen = np.flatnonzero(self.q > 0.0)
        return np.asarray(np.einsum("x,mxd->md", self.q[seen], self.features[seen * self.shape[1] + actions]))
