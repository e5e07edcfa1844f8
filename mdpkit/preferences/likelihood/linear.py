"""Likelihoods of comparisons of feature vectors, with their Hessians."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from mdpkit._typing import Floats
from mdpkit.feedback import LinearPairs, LinearRankings
from mdpkit.preferences.likelihood import _kernels as kernels
from mdpkit.preferences.likelihood.pair_table import tally

__all__ = [
    "LinearLikelihood",
    "PairLikelihood",
    "RankingLikelihood",
    "SplitLikelihood",
    "read_linear",
    "winners_minus_losers",
]


class PairLikelihood:
    """Bradley-Terry-Luce likelihood of rows ``x = phi_winner - phi_loser``, shape ``(n, d)``, with weights."""

    def __init__(self, rows: Floats, weights: Floats) -> None:
        self.rows, self.weights = rows, weights

    @property
    def dimension(self) -> int:
        """Number of features."""
        return int(self.rows.shape[1])

    def evaluate(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Return the negative log-likelihood, its gradient and its Hessian, ``O(n d^2)``."""
        z = self.rows @ theta
        missed = self.weights * expit(-z)
        nll = float(self.weights @ np.logaddexp(0.0, -z))
        return nll, -(missed @ self.rows), (self.rows * (missed * expit(z))[:, None]).T @ self.rows


class RankingLikelihood:
    """Plackett-Luce likelihood of rankings of feature vectors, best first, shape ``(n, K, d)``, with weights."""

    def __init__(self, features: Floats, weights: Floats) -> None:
        self.features, self.weights = features, weights

    @property
    def dimension(self) -> int:
        """Number of features."""
        return int(self.features.shape[2])

    def evaluate(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Return the negative log-likelihood, its gradient and its Hessian, ``O(n K d^2)``."""
        gradient, hessian = np.zeros(self.dimension), np.zeros((self.dimension, self.dimension))
        nll = kernels.linear_ranking_pass(self.features, self.weights, theta, gradient, hessian)
        return nll, gradient, hessian


class SplitLikelihood(PairLikelihood):
    """Rankings split into all their pairs, as if these were independent: ``K (K - 1) / 2`` rows for each ranking."""

    def __init__(self, features: Floats, weights: Floats) -> None:
        n, K, d = features.shape
        better, worse = np.triu_indices(K, 1)
        self.pairs = len(better)
        rows = (features[:, better] - features[:, worse]).reshape(n * self.pairs, d)
        super().__init__(rows, np.repeat(weights, self.pairs))

    def score_products(self, theta: Floats) -> Floats:
        """Return the sum of ``g g^T`` over rankings: the pairs of one ranking depend on each other."""
        scores = (self.rows * expit(-(self.rows @ theta))[:, None]).reshape(-1, self.pairs, self.dimension).sum(axis=1)
        return np.asarray((scores * self.weights[:: self.pairs, None]).T @ scores)


LinearLikelihood = PairLikelihood | RankingLikelihood


def read_linear(data: LinearPairs | LinearRankings, *, split: bool = False) -> LinearLikelihood:
    """Return the likelihood of comparisons of feature vectors; lines without weight are left out."""
    kept = data.weights > 0.0
    weights = data.weights[kept]
    if isinstance(data, LinearPairs):
        return _merged(winners_minus_losers(data), weights)
    features = np.ascontiguousarray(data.features[kept])
    return SplitLikelihood(features, weights) if split else RankingLikelihood(features, weights)


def winners_minus_losers(data: LinearPairs) -> Floats:
    """Return the rows ``phi_winner - phi_loser`` of the lines that count."""
    kept = data.weights > 0.0
    return np.where(data.y[kept] > 0.0, 1.0, -1.0)[:, None] * data.differences[kept]


def _merged(rows: Floats, weights: Floats) -> PairLikelihood:
    """Add up the weights of equal rows where a few rows occur often, as with the trajectories of a small problem."""
    n, d = rows.shape
    if n < 64:
        return PairLikelihood(rows, weights)
    # equal rows have equal projections; the converse is checked
    key = rows @ np.cos(np.arange(1, d + 1) ** 2)
    _, first, line = np.unique(key, return_index=True, return_inverse=True)
    if len(first) > n // 4 or not np.array_equal(rows[first][line], rows):
        return PairLikelihood(rows, weights)
    return PairLikelihood(rows[first], tally(line, weights, len(first)))
