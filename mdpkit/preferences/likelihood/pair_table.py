"""`PairTable`: comparisons of items as one line per pair that met."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats, Ints
from mdpkit.feedback import PairCounts, PairList
from mdpkit.preferences.likelihood import _kernels as kernels

__all__ = ["PairTable"]

DENSE_ITEMS = 2000
"""Up to so many items a pair list is added up in an ``(N, N)`` array; beyond, its lines are sorted."""


class PairTable:
    """Bradley-Terry-Luce likelihood of pairwise comparisons.

    Parameters
    ----------
    first, second : ndarray of int, shape (m,)
        The pairs, ``first < second``, each once, in increasing order.
    wins, losses : ndarray, shape (m,)
        How often `first` beat `second`, and the other way round; not both zero.
    n_items : int
        Number of items ``N``.
    """

    def __init__(self, first: Ints, second: Ints, wins: Floats, losses: Floats, n_items: int) -> None:
        self.first, self.second, self.wins, self.losses, self.n_items = first, second, wins, losses, n_items
        self._curvature: Floats = np.zeros(len(first))

    @classmethod
    def read(cls, data: PairCounts | PairList, n_items: int) -> PairTable:
        """Add up the comparisons of each pair, in memory proportional to the data."""
        N = n_items
        if isinstance(data, PairCounts):
            W: Floats = data.W
        elif N <= DENSE_ITEMS:
            W = tally(data.winners * N + data.losers, data.weights, N * N).reshape(N, N)
        else:
            won = data.winners < data.losers
            low, high = np.minimum(data.winners, data.losers), np.maximum(data.winners, data.losers)
            pairs, line = np.unique(low * N + high, return_inverse=True)
            wins = tally(line, np.where(won, data.weights, 0.0), len(pairs))
            losses = tally(line, np.where(won, 0.0, data.weights), len(pairs))
            met = wins + losses > 0.0
            return cls(pairs[met] // N, pairs[met] % N, wins[met], losses[met], N)
        first, second = np.nonzero(np.triu(W + W.T))
        return cls(first, second, W[first, second], W[second, first], N)

    @cached_property
    def weight(self) -> float:
        """Total weight of the comparisons."""
        return float(np.sum(self.wins) + np.sum(self.losses))

    @cached_property
    def items_won(self) -> Floats:
        """Weight of the stages each item won, shape ``(N,)``."""
        return tally(self.first, self.wins, self.n_items) + tally(self.second, self.losses, self.n_items)

    @cached_property
    def items_lost(self) -> Floats:
        """Weight of the stages each item lost, shape ``(N,)``."""
        return tally(self.first, self.losses, self.n_items) + tally(self.second, self.wins, self.n_items)

    def evaluate(self, theta: Floats) -> tuple[float, Floats]:
        """Return the negative log-likelihood and its gradient; the Hessian is that of the last call."""
        gradient = np.zeros(self.n_items)
        nll = kernels.pair_pass(self.first, self.second, self.wins, self.losses, theta, gradient, self._curvature)
        return nll, gradient

    def hessian(self) -> Floats:
        """Return the Hessian, a Laplacian, shape ``(N, N)``."""
        H = np.zeros((self.n_items, self.n_items))
        kernels.add_laplacian(self.first, self.second, self._curvature, H)
        return H

    def sparse_hessian(self) -> sp.csc_array:
        """Return the Hessian as a sparse matrix."""
        w, i, j = self._curvature, self.first, self.second
        places = (np.concatenate([i, j]), np.concatenate([j, i]))
        off = sp.csc_array((np.concatenate([-w, -w]), places), shape=(self.n_items, self.n_items))
        return sp.csc_array(off + sp.diags_array(self.diagonal()))

    def product(self, v: Floats) -> Floats:
        """Return Hessian times `v`."""
        out = np.zeros(self.n_items)
        kernels.laplacian_product(self.first, self.second, self._curvature, v, out)
        return out

    def diagonal(self) -> Floats:
        """Return the diagonal of the Hessian."""
        w, N = self._curvature, self.n_items
        return tally(self.first, w, N) + tally(self.second, w, N)

    def lost_to(self) -> tuple[Ints, Ints]:
        """Return every pair (loser, winner) that occurred."""
        won, lost = self.wins > 0.0, self.losses > 0.0
        losers = np.concatenate([self.second[won], self.first[lost]])
        return losers, np.concatenate([self.first[won], self.second[lost]])

    def rates(self, strengths: Floats) -> Floats:
        """Return the rates from losers to winners of spectral ranking, shape ``(N, N)``."""
        Q = np.zeros((self.n_items, self.n_items))
        total = strengths[self.first] + strengths[self.second]
        Q[self.second, self.first] = self.wins / total
        Q[self.first, self.second] = self.losses / total
        return Q

    def restricted(self, items: Ints) -> PairTable:
        """Return the comparisons among some items, renumbered."""
        place = np.full(self.n_items, -1)
        place[items] = np.arange(len(items))
        a, b = place[self.first], place[self.second]
        kept = (a >= 0) & (b >= 0)
        return PairTable(a[kept], b[kept], self.wins[kept], self.losses[kept], len(items))


def tally(places: Ints, weights: Floats, size: int) -> Floats:
    """Add up weights by place."""
    return np.asarray(np.bincount(places, weights, size), dtype=np.float64)
