"""Sets cut out by two ends per successor: intervals, L-infinity balls, CVaR."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.models import CVaRSet, IntervalSet, LinfBall, RobustMDP, TabularMDP
from mdpkit.models._checks import sum_noise
from mdpkit.models.uncertainty.base import per_pair
from mdpkit.robust.inner._kernels import sorted_rows as kernels
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows, entry_weights, spread


class IntervalInner(Inner):
    """Start at the lower ends and fill up the worst successors first.

    Givan, Leach and Dean (2000), section 4; ``O(n)`` per row once its order is known, ``O(n log n)`` otherwise.

    Parameters
    ----------
    rows, gamma, sign
        As for `Inner`.
    lower, upper : ndarray, shape (M,)
        Ends, aligned with the entries of the rows; ``sum(lower) <= 1 <= sum(upper)`` up to rounding.
    certain : ndarray of bool, shape (N,)
        Pairs that keep their nominal rows, whatever the ends.
    """

    def __init__(
        self, rows: AllowedRows, gamma: float, sign: float, lower: Floats, upper: Floats, certain: Bools | None = None
    ) -> None:
        super().__init__(rows, gamma, sign)
        if certain is not None:
            fixed = np.repeat(certain, np.diff(rows.row_ptr))
            lower, upper = np.where(fixed, rows.nominal, lower), np.where(fixed, rows.nominal, upper)
        self.lower, self.room = lower, np.maximum(upper - lower, 0.0)
        self.free = np.maximum(1.0 - np.add.reduceat(lower, rows.row_ptr[:-1]), 0.0)
        if certain is not None:
            self.free[certain] = 0.0
        self._working = rows.col.view(np.uint32).copy(), lower.copy(), self.room.copy(), rows.entry_reward.copy()

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        rows = self.rows
        kernels.interval_values(
            rows.row_ptr,
            *self._working,
            rows.pair_reward,
            self.gamma,
            V,
            self.sign,
            self.free,
            pairs,
            self._scratch,
            out,
        )
        return 0.0

    def _rows(self, V: Floats, pairs: Ints, p: Floats, extra: Floats) -> None:
        rows = self.rows
        kernels.interval_rows(
            rows.row_ptr,
            rows.col.view(np.uint32),
            self.lower,
            self.room,
            rows.entry_reward,
            self.gamma,
            V,
            self.sign,
            self.free,
            pairs,
            self._scratch,
            p,
        )


def build(problem: RobustMDP, model: TabularMDP, uncertainty: IntervalSet, sign: float) -> Inner:
    """Return the inner problem of an interval set, whose support is where the upper ends are positive."""
    lower, upper = uncertainty.rows_for(model)
    # rounding of at most 1e-9 may leave no distribution between the ends; the sums are moved to 1 exactly
    lower, upper = _divided(lower, np.maximum(_sums(lower), 1.0)), _divided(upper, np.minimum(_sums(upper), 1.0))
    upper.eliminate_zeros()
    rows = allowed_rows(model, upper, problem.transition_rewards)
    rows = replace(rows, sum_error=rows.sum_error + sum_noise(rows.longest_row))
    # where the upper end is 0, so is the lower one
    return IntervalInner(rows, problem.gamma, sign, spread(lower.data, lower, upper, 0.0), upper.data)


def build_linf(problem: RobustMDP, model: TabularMDP, uncertainty: LinfBall, sign: float) -> Inner:
    """Return the inner problem of an L-infinity ball: intervals ``q - kappa/w`` to ``q + kappa/w`` within [0, 1]."""
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards)
    radius = per_pair(uncertainty.radius, model)
    reach = np.repeat(radius, np.diff(rows.row_ptr))
    if uncertainty.weights is not None:
        with np.errstate(over="ignore"):
            reach = reach / entry_weights(rows, model, uncertainty.weights)
    lower, upper = np.maximum(rows.nominal - reach, 0.0), np.minimum(rows.nominal + reach, 1.0)
    return IntervalInner(rows, problem.gamma, sign, lower, upper, radius == 0.0)


def build_cvar(problem: RobustMDP, model: TabularMDP, uncertainty: CVaRSet, sign: float) -> Inner:
    """Return the inner problem of a CVaR set: the intervals 0 to ``q / alpha`` within [0, 1]."""
    rows = allowed_rows(model, "nominal", problem.transition_rewards)
    level = per_pair(uncertainty.level, model)
    with np.errstate(over="ignore"):
        upper = np.minimum(rows.nominal / np.repeat(level, np.diff(rows.row_ptr)), 1.0)
    return IntervalInner(rows, problem.gamma, sign, np.zeros(len(upper)), upper, level == 1.0)


def _sums(ends: sp.csr_array) -> Floats:
    return np.asarray(ends.sum(axis=1), dtype=np.float64).reshape(-1)


def _divided(ends: sp.csr_array, divisors: Floats) -> sp.csr_array:
    ends = sp.csr_array(ends, copy=True)
    ends.sort_indices()
    ends.data = ends.data / np.repeat(divisors, np.diff(ends.indptr))
    return ends
