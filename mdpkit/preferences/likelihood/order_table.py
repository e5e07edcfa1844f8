"""`OrderTable`: rankings and choices of items as rows, best first, of which the first ``depth`` were chosen."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.feedback import Rankings, TopChoices
from mdpkit.preferences.likelihood import _kernels as kernels
from mdpkit.preferences.likelihood.pair_table import tally

__all__ = ["OrderTable"]

SPREAD = 300.0
"""Utilities further apart than this go through log space: Hessians square ``exp`` of their difference."""


class OrderTable:
    """Plackett-Luce likelihood of rankings and choices.

    Parameters
    ----------
    flat : ndarray of int, shape (L,)
        Items of all rows, best first.
    offsets : ndarray of int, shape (m + 1,)
        Row ``k`` is ``flat[offsets[k]:offsets[k+1]]``.
    depth : ndarray of int, shape (m,)
        How many items of a row were chosen, one after the other, from what remained: ``K - 1`` for a ranking of K
        items, one for a choice of the best. The order of the others means nothing.
    weights : ndarray, shape (m,)
        Weight of each row, positive.
    n_items : int
        Number of items ``N``.
    """

    def __init__(self, flat: Ints, offsets: Ints, depth: Ints, weights: Floats, n_items: int) -> None:
        self.flat, self.offsets, self.depth, self.weights, self.n_items = flat, offsets, depth, weights, n_items
        self._theta: Floats = np.zeros(n_items)
        self._strengths: Floats | None = None

    @classmethod
    def read(cls, data: Rankings | TopChoices, n_items: int) -> OrderTable:
        """Bring rankings and choices into one form; equal rankings of few items are counted together."""
        flat, offsets, weights = data.flat, data.offsets, data.weights
        if isinstance(data, Rankings):
            flat, offsets, weights = _merge_equal(flat, offsets, weights, n_items)
            depth = np.diff(offsets) - 1
        else:
            # the winner first: a stable sort by "is not the winner" within each row
            row = np.repeat(np.arange(len(data)), np.diff(offsets))
            flat = flat[np.lexsort((flat != data.winners[row], row))]
            depth = np.minimum(np.diff(offsets) - 1, 1)
        return _kept(flat, offsets, depth, weights, n_items)

    @cached_property
    def weight(self) -> float:
        """Total weight of the rows."""
        return float(np.sum(self.weights))

    @cached_property
    def items_won(self) -> Floats:
        """Weight of the stages each item won, shape ``(N,)``."""
        won = self._position < self._spread(self.depth)
        return tally(self.flat[won], self._spread(self.weights)[won], self.n_items)

    @cached_property
    def items_lost(self) -> Floats:
        """Weight of the stages each item lost, shape ``(N,)``."""
        seen = np.minimum(self._position, self._spread(self.depth))
        return tally(self.flat, self._spread(self.weights) * seen, self.n_items)

    @cached_property
    def _position(self) -> Ints:
        return np.asarray(np.arange(len(self.flat)) - self._spread(self.offsets[:-1]))

    def _spread(self, values: Any) -> Any:
        """Give every place the value of its row."""
        return np.repeat(values, np.diff(self.offsets))

    def evaluate(self, theta: Floats) -> tuple[float, Floats]:
        """Return the negative log-likelihood and its gradient; the Hessian is that of the last call."""
        gradient = np.zeros(self.n_items)
        self._theta, self._strengths = theta, None
        logs = theta - np.max(theta)
        if np.min(logs) < -SPREAD:
            empty = np.zeros((0, 0))
            return kernels.order_pass_log(*self._rows, theta, gradient, empty), gradient
        self._strengths = np.exp(logs)
        return kernels.order_pass(*self._rows, self._strengths, logs, gradient), gradient

    @property
    def _rows(self) -> tuple[Ints, Ints, Ints, Floats]:
        return self.flat, self.offsets, self.depth, self.weights

    def hessian(self) -> Floats:
        """Return the Hessian, shape ``(N, N)``."""
        H = np.zeros((self.n_items, self.n_items))
        if self._strengths is None:
            kernels.order_pass_log(*self._rows, self._theta, np.zeros(self.n_items), H)
        else:
            kernels.add_order_hessian(*self._rows, self._strengths, H)
        return H

    def product(self, v: Floats) -> Floats:
        """Return Hessian times `v`."""
        if self._strengths is None:
            return np.asarray(self.hessian() @ v)
        out = np.zeros(self.n_items)
        kernels.order_product(*self._rows, self._strengths, v, out)
        return out

    def diagonal(self) -> Floats:
        """Return the diagonal of the Hessian."""
        if self._strengths is None:
            return np.diagonal(self.hessian()).copy()
        out = np.zeros(self.n_items)
        kernels.order_diagonal(*self._rows, self._strengths, out)
        return out

    def pair_score_products(self, theta: Floats) -> Floats:
        """Return the sum of ``g g^T`` over rows, ``g`` the gradient of a row split into pairs, shape ``(N, N)``."""
        V = np.zeros((self.n_items, self.n_items))
        kernels.add_pair_scores(*self._rows, theta, V)
        return V

    def lost_to(self) -> tuple[Ints, Ints]:
        """Return pairs (loser, winner) with the same paths as all that occurred: each row as a chain of its winners."""
        behind = self._position > 0
        start = self._spread(self.offsets[:-1])
        last = np.minimum(self._position, self._spread(self.depth)) - 1
        return self.flat[behind], self.flat[(start + last)[behind]]

    def rates(self, strengths: Floats) -> Floats:
        """Return the rates from losers to winners of spectral ranking, shape ``(N, N)``."""
        Q = np.zeros((self.n_items, self.n_items))
        kernels.add_rates(*self._rows, strengths, Q)
        return Q

    def restricted(self, items: Ints) -> OrderTable:
        """Return the rows among some items, renumbered: Plackett-Luce choices do not depend on who else was there."""
        place = np.full(self.n_items, -1)
        place[items] = np.arange(len(items))
        kept = place[self.flat] >= 0
        row = self._spread(np.arange(len(self.depth)))
        lengths = np.bincount(row[kept], minlength=len(self.depth))
        chosen = kept & (self._position < self._spread(self.depth))
        depth = np.minimum(np.bincount(row[chosen], minlength=len(self.depth)), lengths - 1)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return _kept(place[self.flat[kept]], offsets, depth, self.weights, len(items))

    def split_pairs(self) -> tuple[Ints, Ints, Floats]:
        """Return winner, loser and weight of every pair that a row orders."""
        winners, losers, weights = [], [], []
        shapes = np.stack([np.diff(self.offsets), self.depth], axis=1)
        for K, depth in np.unique(shapes, axis=0):
            rows = np.flatnonzero((shapes == (K, depth)).all(axis=1))
            items = self.flat[self.offsets[rows][:, None] + np.arange(K)]
            better, worse = np.triu_indices(K, 1)
            known = better < depth
            winners.append(items[:, better[known]].reshape(-1))
            losers.append(items[:, worse[known]].reshape(-1))
            weights.append(np.repeat(self.weights[rows], int(np.sum(known))))
        none = np.zeros(0, dtype=np.int64)
        return np.concatenate([none, *winners]), np.concatenate([none, *losers]), np.concatenate([[], *weights])


def _merge_equal(flat: Ints, offsets: Ints, weights: Floats, n_items: int) -> tuple[Ints, Ints, Floats]:
    """Add up the weights of equal rankings where there are fewer possible ones than rows."""
    lengths = np.diff(offsets)
    m = len(lengths)
    if m == 0 or (lengths != lengths[0]).any() or float(n_items) ** int(lengths[0]) > max(m, 1000):
        return flat, offsets, weights
    K = int(lengths[0])
    codes = flat.reshape(m, K) @ (n_items ** np.arange(K - 1, -1, -1))
    total = tally(codes, weights, 0)
    seen = np.flatnonzero(total)
    rows = seen[:, None] // n_items ** np.arange(K - 1, -1, -1) % n_items
    return rows.reshape(-1), np.arange(len(seen) + 1) * K, total[seen]


def _kept(flat: Ints, offsets: Ints, depth: Ints, weights: Floats, n_items: int) -> OrderTable:
    """Leave out rows without weight or without a stage."""
    lengths = np.diff(offsets)
    good = (weights > 0.0) & (depth > 0)
    if not good.all():
        flat = flat[np.repeat(good, lengths)]
        offsets = np.concatenate([[0], np.cumsum(lengths[good])])
        depth, weights = depth[good], weights[good]
    return OrderTable(
        np.ascontiguousarray(flat), np.ascontiguousarray(offsets), np.ascontiguousarray(depth), weights, n_items
    )
