"""L1 balls that weigh successors."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import L1Ball, RobustMDP, TabularMDP
from mdpkit.models.uncertainty.base import per_pair
from mdpkit.robust.inner._kernels import weighted_l1 as kernels
from mdpkit.robust.inner.base import Inner, first_order
from mdpkit.robust.inner.l1 import L1Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows, entry_weights


class WeightedL1Inner(Inner):
    """Follow the price of deviation down to where the radius is spent; ``O(n log n)`` per row.

    Rows whose weights are all equal are L1 balls of another radius and are solved as such. The literature's homotopy
    over pairs of donors and receivers (Ho, Petrik and Wiesemann, 2018) takes ``O(n^2)`` in the worst case.

    Parameters
    ----------
    rows, gamma, sign
        As for `Inner`.
    radius : ndarray, shape (N,)
        Radii.
    weights : ndarray, shape (M,)
        Positive weights of the entries.
    """

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, radius: Floats, weights: Floats) -> None:
        super().__init__(rows, gamma, sign)
        self.radius, self.weights = radius, weights
        start = rows.row_ptr[:-1]
        lightest = np.minimum.reduceat(weights, start)
        self._plain = lightest == np.maximum.reduceat(weights, start)
        with np.errstate(over="ignore"):
            self._l1 = L1Inner(rows, gamma, sign, radius / lightest)
        pair = np.repeat(np.arange(rows.n_pairs), np.diff(rows.row_ptr))
        by_weight = np.lexsort((weights, pair))
        self._light = (by_weight - start[pair]).astype(np.int32)
        self._order = first_order(rows)
        self._hull = np.empty(rows.longest_row, dtype=np.int32)
        self._room = np.empty((3, rows.longest_row))

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        plain = self._plain[pairs]
        if plain.any():
            out[plain], _ = self._l1.values(V, pairs[plain])
            rest = np.empty(len(pairs) - int(np.count_nonzero(plain)))
            self._weighted_values(V, pairs[~plain], rest)
            out[~plain] = rest
        else:
            self._weighted_values(V, pairs, out)
        return 0.0

    def _weighted_values(self, V: Floats, pairs: Ints, out: Floats) -> None:
        rows = self.rows
        kernels.values(
            rows.row_ptr,
            rows.col.view(np.uint32),
            rows.nominal,
            self.weights,
            rows.entry_reward,
            rows.pair_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            pairs,
            self._light,
            self._order,
            self._hull,
            self._room,
            out,
        )

    def _rows(self, V: Floats, pairs: Ints, p: Floats, extra: Floats) -> None:
        rows = self.rows
        plain = self._plain[pairs]
        owner = np.repeat(plain, np.diff(rows.row_ptr)[pairs])
        if plain.any():
            l1 = np.empty(int(np.count_nonzero(owner)))
            self._l1._rows(V, pairs[plain], l1, np.zeros(len(l1)))
            p[owner] = l1
        rest = np.empty(int(np.count_nonzero(~owner)))
        kernels.rows(
            rows.row_ptr,
            rows.col.view(np.uint32),
            rows.nominal,
            self.weights,
            rows.entry_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            pairs[~plain],
            self._light,
            self._hull,
            self._room,
            rest,
        )
        p[~owner] = rest


def build(problem: RobustMDP, model: TabularMDP, uncertainty: L1Ball, sign: float) -> Inner:
    """Return the inner problem of an L1 ball, weighted or not."""
    radius, weights = per_pair(uncertainty.radius, model), uncertainty.weights
    if weights is not None and weights.ndim == 1 and (weights == weights[0]).all():
        # the usual ball in other units: no need to store what support="all" allows
        radius, weights = radius / weights[0], None
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards, implicit_receiver=weights is None)
    if weights is None:
        return L1Inner(rows, problem.gamma, sign, radius)
    return WeightedL1Inner(rows, problem.gamma, sign, radius, entry_weights(rows, model, weights))
