"""Policies as a convex set of mean features: what pessimism plans over.

A policy enters its own value only through its mean feature ``u``. The set of mean features is the image of the
occupancy measures, which linear constraints describe; each kind of problem says how.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Bools, Floats, Ints

__all__ = ["PolicySpace", "normalized_rows"]

TINY = 1e-12
"""A state visited less than this has no say in the mean feature; its actions are drawn uniformly."""


class PolicySpace(ABC):
    """Occupancy measures ``x >= 0`` with ``constraints @ x = start``, and mean features ``u = x @ features``.

    Attributes
    ----------
    features : ndarray, shape (N, d)
        Feature of each decision, a (stage, state, action) that exists.
    constraints : sparse array, shape (m, N)
        Flow constraints.
    start : ndarray, shape (m,)
        Their right-hand side.
    share : ndarray, shape (N,)
        Part of the reference that each decision is compared with: ``x @ share`` is one for every policy.
    """

    features: Floats
    constraints: sp.csr_array
    start: Floats
    share: Floats

    @abstractmethod
    def mean_feature(self, policy: Any) -> Floats:
        """Return the exact mean feature of a policy, shape ``(d,)``."""

    @abstractmethod
    def greedy(self, theta: Floats) -> tuple[Any, float]:
        """Return a policy that maximizes ``u . theta``, and an upper bound on that maximum."""

    @abstractmethod
    def to_policy(self, x: Floats) -> Any:
        """Return the policy of an occupancy measure."""

    @abstractmethod
    def pointwise(self, bonus: Floats) -> Any:
        """Return the policy that is greedy for a reward of each decision."""

    @abstractmethod
    def choices(self) -> list[tuple[Any, Ints]]:
        """Return the decisions a deterministic policy makes: where, and between which actions."""

    @abstractmethod
    def deterministic(self, actions: Ints) -> Any:
        """Return the deterministic policy with these actions at its `choices`."""

    @abstractmethod
    def mean_features(self, actions: Ints) -> Floats:
        """Return the mean features, shape ``(m, d)``, of the deterministic policies in the rows of ``(m, choices)``."""


def normalized_rows(visits: Floats, mask: Bools) -> Floats:
    """Return action probabilities; uniform over what exists where nobody comes."""
    visits = np.maximum(visits, 0.0) * mask
    total = np.sum(visits, axis=-1, keepdims=True)
    uniform = mask / np.sum(mask, axis=-1, keepdims=True)
    return np.asarray(np.where(total > TINY, visits / np.maximum(total, TINY), uniform))
