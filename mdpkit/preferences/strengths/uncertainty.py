"""Covariances of estimated utilities, computed when somebody asks for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.preferences.likelihood import ItemTable, OrderTable, PairTable
from mdpkit.preferences.strengths.maximum_likelihood import NewtonSystem

__all__ = ["BlockCovariance", "GivenCovariance", "InverseInformation", "PairSandwich", "Uncertainty"]


class Uncertainty(ABC):
    """How a fit computes its covariances."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """Say "observed", "laplace" or "sandwich"."""

    @abstractmethod
    def matrix(self) -> Floats:
        """Return the covariance of all utilities, shape ``(N, N)``."""

    def variance(self, v: Floats) -> float:
        """Return the variance of the combination ``v . params``."""
        return float(v @ self.matrix() @ v)


@dataclass(frozen=True, eq=False, slots=True)
class InverseInformation(Uncertainty):
    """Inverse observed information, with the prior added where there is one."""

    table: ItemTable
    alpha: float
    theta: Floats

    @property
    def kind(self) -> str:
        """Observed information without a prior, Laplace approximation with one."""
        return "laplace" if self.alpha > 0.0 else "observed"

    def _system(self) -> NewtonSystem:
        self.table.evaluate(self.theta)
        return NewtonSystem(self.table, self.alpha)

    def matrix(self) -> Floats:
        """Invert the Hessian, ``O(N^3)``."""
        return self._system().covariance()

    def variance(self, v: Floats) -> float:
        """Solve one linear system."""
        return float(v @ self._system().solve(v, 1e-10))


@dataclass(frozen=True, eq=False, slots=True)
class PairSandwich(Uncertainty):
    """The covariance ``H^- V H^-`` of pair splitting, in which a ranking is one unit."""

    pairs: PairTable
    rankings: OrderTable
    alpha: float
    theta: Floats

    @property
    def kind(self) -> str:
        """A sandwich."""
        return "sandwich"

    def matrix(self) -> Floats:
        """Invert the Hessian of the pairs and add up the scores of the rankings."""
        bread = InverseInformation(self.pairs, self.alpha, self.theta).matrix()
        return np.asarray(bread @ self.rankings.pair_score_products(self.theta) @ bread)


@dataclass(frozen=True, eq=False, slots=True)
class GivenCovariance(Uncertainty):
    """A covariance that the fit had at hand."""

    covariance: Floats
    alpha: float

    @property
    def kind(self) -> str:
        """Observed information without a prior, Laplace approximation with one."""
        return "laplace" if self.alpha > 0.0 else "observed"

    def matrix(self) -> Floats:
        """Return it."""
        return self.covariance


@dataclass(frozen=True, eq=False, slots=True)
class BlockCovariance(Uncertainty):
    """Groups of items that cannot be compared: NaN between them."""

    n_items: int
    groups: Sequence[tuple[Ints, Uncertainty]]

    @property
    def kind(self) -> str:
        """That of the groups."""
        return self.groups[0][1].kind if self.groups else "observed"

    def matrix(self) -> Floats:
        """Return the blocks; an item that is alone has utility zero by convention."""
        cov = np.full((self.n_items, self.n_items), np.nan)
        cov[np.diag_indices(self.n_items)] = 0.0
        for items, group in self.groups:
            cov[np.ix_(items, items)] = group.matrix()
        return cov
