"""Bounds on the exact pair values ``r + gamma P V`` of a stored model, for any vector of doubles ``V``.

The exact model divides each stored row by its exact sum and averages rewards over outcomes exactly. Small models are
computed in rational arithmetic; large ones in doubled precision with a bound on what is left.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import TabularMDP
from mdpkit.models._checks import sum_noise
from mdpkit.models.rows import SparseRows
from mdpkit.planning.directed import add_down, add_up, round_down, round_up, two_sum
from mdpkit.planning.rounding import UNDERFLOW, UNIT_ROUNDOFF, largest
from mdpkit.planning.verification import _kernels as kernels

EXACT_LIMIT = 20_000
"""Rational arithmetic up to this many transitions (a fraction of a second); doubled precision beyond."""


class ExactPairs:
    """Pair values in rational arithmetic, rounded outward once at the end."""

    exact = True

    def __init__(self, model: TabularMDP, gamma: float) -> None:
        self.gamma = Fraction(gamma)
        table = model.outcomes
        self.laws: list[list[tuple[int, Fraction]]] = [[] for _ in range(model.n_pairs)]
        mass = [Fraction(0)] * model.n_pairs
        earned = [Fraction(0)] * model.n_pairs
        columns = (table.pair.tolist(), table.prob.tolist(), table.reward.tolist(), table.successor.tolist())
        for k, p, reward, successor in zip(*columns, strict=True):
            weight = Fraction(p)
            mass[k] += weight
            earned[k] += weight * Fraction(reward)
            self.laws[k].append((successor, weight))
        self.mass = mass
        self.reward = [earned[k] / mass[k] for k in range(model.n_pairs)]

    def values(self, V: list[Fraction]) -> list[Fraction]:
        """Return every pair value exactly."""
        return [
            r + self.gamma * sum((w * V[s] for s, w in law), Fraction(0)) / m
            for r, law, m in zip(self.reward, self.laws, self.mass, strict=True)
        ]

    def bounds(self, V: Floats) -> tuple[Floats, Floats]:
        """Return the nearest doubles below and above every exact pair value."""
        exact = self.values([Fraction(v) for v in V.tolist()])
        return np.array([round_down(q) for q in exact]), np.array([round_up(q) for q in exact])


class DoubledPairs:
    """Pair values in doubled precision, widened by a bound on the remaining error."""

    exact = False

    def __init__(self, model: TabularMDP, gamma: float) -> None:
        self.model = model
        self.gamma = gamma
        table = model.outcomes if model.has_random_rewards else None
        # Rows that merged several outcomes were rounded; the outcomes are the model.
        self.outcomes = table if table is not None and len(table) > model.nnz else None
        self.longest, self.sum_error = model.rows.longest_row, model.rows.sum_error
        if self.outcomes is not None:
            lengths = np.bincount(self.outcomes.pair, minlength=model.n_pairs)
            self.row_ptr = np.concatenate([[0], np.cumsum(lengths)])
            self.longest = int(np.max(lengths))
            self.sum_error += 2 * sum_noise(self.longest)

    def bounds(self, V: Floats) -> tuple[Floats, Floats]:
        """Return doubles certainly below and above every exact pair value."""
        rows, table, n = self.model.rows, self.outcomes, self.model.n_pairs
        high, low, excess = np.empty(n), np.empty(n), np.empty(n)
        if table is not None:
            kernels.doubled_expectation(
                self.row_ptr, table.successor.astype(np.uint32), table.prob, V, high, low, excess
            )
        elif isinstance(rows, SparseRows):
            kernels.doubled_expectation(rows.row_ptr, rows.col.view(np.uint32), rows.prob, V, high, low, excess)
        else:
            kernels.doubled_expectation_dense(rows.matrix, V, high, low, excess)
        tail, error = quotient_tail(high, low, excess, self.longest, self.sum_error, largest(V))
        # r + gamma (high + tail) stays in doubled precision and is rounded outward once, as in rational arithmetic:
        # a claim as tight as the solver's own rounding must not be lost to the rounding of its check.
        product, product_error = two_product(self.gamma, high)
        total, total_error = two_sum(self.model.pair_reward, product)
        parts = (product_error, total_error, self.gamma * tail)
        rest = parts[0] + parts[1] + parts[2]
        error = self.gamma * error + 4 * UNIT_ROUNDOFF * (np.abs(parts[0]) + np.abs(parts[1]) + np.abs(parts[2]))
        # Rewards averaged on input carry their own error.
        error = (error + self.model.reward_error) * (1 + 8 * UNIT_ROUNDOFF)
        return add_down(total, add_down(rest, -error)), add_up(total, add_up(rest, error))


def two_product(a: float, b: Floats) -> tuple[Floats, Floats]:
    """Dekker's error-free product: ``a * b = product + error`` exactly, underflow apart."""
    product = a * b
    a_high, a_low = _split(np.float64(a))
    b_high, b_low = _split(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _split(x: Any) -> tuple[Any, Any]:
    shifted = kernels.SPLITTER * x
    high = shifted - (shifted - x)
    return high, x - high


def quotient_bounds(
    high: Floats, low: Floats, excess: Floats, longest: int, sum_error: float, scale: float
) -> tuple[Floats, Floats]:
    """Bound ``(high + low) / (1 + excess)``, the mean under a row divided by its exact sum."""
    tail, error = quotient_tail(high, low, excess, longest, sum_error, scale)
    return add_down(high, add_down(tail, -error)), add_up(high, add_up(tail, error))


def quotient_tail(
    high: Floats, low: Floats, excess: Floats, longest: int, sum_error: float, scale: float
) -> tuple[Floats, Floats]:
    """Return ``tail`` and ``error`` with ``(high + low) / (1 + excess)`` within ``error`` of ``high + tail``.

    ``1 / (1 + x) = 1 - x`` up to ``x^2``, and the doubled sums are off by ``O(b^2 u^2)`` relative to ``max |V|``.
    """
    tail = low - high * excess
    sums = scale * (4 * (longest + 8) ** 2 * UNIT_ROUNDOFF**2 + 2 * (sum_error + UNIT_ROUNDOFF) ** 2)
    return tail, sums + 4 * UNIT_ROUNDOFF * np.abs(tail) + UNDERFLOW * (scale > 0.0)


def mixture_bounds(state_ptr: Ints, weights: Floats, q_low: Floats, q_high: Floats) -> tuple[Floats, Floats]:
    """Bound the mean of pair values under the action probabilities of each state."""
    n, columns = len(state_ptr) - 1, np.arange(len(weights), dtype=np.uint32)
    longest = int(np.max(np.diff(state_ptr)))
    ends = []
    for q in (q_low, q_high):
        high, low, excess = np.empty(n), np.empty(n), np.empty(n)
        kernels.doubled_expectation(state_ptr, columns, weights, q, high, low, excess)
        sum_error = largest(excess) + (longest + 2) * UNIT_ROUNDOFF
        ends.append(quotient_bounds(high, low, excess, longest, sum_error, largest(q)))
    return ends[0][0], ends[1][1]


def pair_bounds(model: TabularMDP, gamma: float) -> ExactPairs | DoubledPairs:
    """Pick the arithmetic by the size of the model."""
    if model.nnz <= EXACT_LIMIT and len(model.outcomes) <= EXACT_LIMIT:
        return ExactPairs(model, gamma)
    return DoubledPairs(model, gamma)
