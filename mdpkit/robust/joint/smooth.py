"""Families whose worst payoff is smooth in the budget: iterations with a certified enclosure."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.models import TabularMDP
from mdpkit.robust.joint.base import Joint
from mdpkit.robust.rows import AllowedRows

STEPS = 120
"""Most iterations on the value of a state; a handful suffice unless the budget is at the edge of what it can buy."""

PATIENCE = 3
"""Iterations without any progress, after which rounding is all that is left."""


class SmoothJoint(Joint):
    r"""Newton's method on :math:`\sum_a h_a(u) = \kappa`, all states at once, each inside its enclosure.

    Every inner solve returns a dual value, a slope ``s_a`` and a feasible row. By convexity and weak duality, even if
    the inner solve is not finished, ``u + (sum dual_a - kappa) / sum s_a`` is a lower bound (what the policy
    ``s_a / sum s`` guarantees); it is the Newton step as well. The rows, mixed with the nominal ones until they fit the
    budget, bound the value from above. The midpoint steps in where Newton's method is slow.

    Fixed policies are evaluated by one multiplier ``1 / b`` of the budget per state: each ``b`` gives a lower bound,
    and the rows at the two ends of a bracket for ``b``, mixed so as to spend the budget, an upper bound.
    """

    exact = False

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, budget: Floats) -> None:
        super().__init__(rows, gamma, sign, model, budget)
        N = rows.n_pairs
        self._group = np.repeat(np.arange(len(self._groups_budget)), np.diff(self._ptr))
        self._dual, self._slope, self._primal, self._value = (np.zeros(N) for _ in range(4))
        # two numbers per pair that determine a row of the family
        self._first_parameter, self._second_parameter = np.zeros(N), np.zeros(N)
        self._multiplier = np.zeros(len(budget))
        self._found: tuple[Floats, Floats, Floats] = (np.zeros(N), np.zeros(N), np.zeros(N))

    def _clear(self) -> None:
        for array in (self._dual, self._slope, self._primal):
            array[:] = 0.0

    def _best(self) -> tuple[Floats, Floats, float]:
        start, group, budget = self._ptr[:-1], self._group, self._groups_budget
        bottom, top = self._low + self._shift, self._mean + self._shift
        lo = np.maximum.reduceat(bottom, start)
        hi = np.maximum.reduceat(top, start)
        spread = np.maximum.reduceat(np.maximum(top - bottom, 0.0), start)
        tol = 2e-14 * spread + 1e-15 * np.maximum(np.abs(lo), np.abs(hi))
        certain = budget <= 0.0
        hi = np.where(certain, hi, np.maximum(hi, lo))
        lower, upper = np.where(certain, hi, lo), hi.copy()
        weights = self._first_of(np.where(certain[group], top == hi[group], bottom == lo[group]))
        # rows that prove the upper bound: parameters, and how far from nominal to go; nominal rows to begin with
        first, second, scale = self._found
        scale[:] = 0.0
        unfinished = upper - lower > tol
        u = lo + self._share * (hi - lo)
        floor_seen, idle = ~unfinished, np.zeros(len(budget), dtype=np.int64)
        for _ in range(STEPS):
            if not unfinished.any():
                break
            self._clear()
            self._value[:] = self._mean
            active = unfinished[group] & (top > u[group])
            self._at_value(np.flatnonzero(active), u[group] - self._shift)
            spent = np.add.reduceat(self._primal, start)
            slope = np.add.reduceat(self._slope, start)
            with np.errstate(invalid="ignore", divide="ignore"):
                newton = u + (np.add.reduceat(self._dual, start) - budget) / slope
                fit = np.where(spent > budget, budget / spent, 1.0)
                policy = self._slope / slope[group]
            newton = np.where(np.isfinite(newton), newton, lo)
            reached = np.where(active, self._value + self._shift, top)
            cover = np.maximum.reduceat(fit[group] * reached + (1.0 - fit[group]) * top, start)
            climbs, falls = unfinished & (newton > lower), unfinished & (cover < upper)
            width = upper - lower
            lower[climbs], upper[falls] = newton[climbs], cover[falls]
            for pairs, source, kept in (
                (climbs[group], policy, weights),
                (falls[group], self._first_parameter, first),
                (falls[group], self._second_parameter, second),
                (falls[group], np.where(active, fit[group], 0.0), scale),
            ):
                kept[pairs] = source[pairs]
            idle = np.where(climbs | falls, 0, idle + 1)
            slow = upper - lower > 0.5 * width
            to_floor = (newton <= lo) & ~floor_seen
            floor_seen |= u <= lo
            middle = 0.5 * (lower + upper)
            following = np.where(slow | ((newton <= lower) & ~climbs), middle, np.clip(newton, lower, upper))
            following = np.where(to_floor, lo, following)
            unfinished &= (upper - lower > tol) & (idle < PATIENCE)
            u = np.where(unfinished, following, u)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (0.5 * (lower + upper) - lo) / (hi - lo)
        self._share = np.where(hi > lo, share, 0.5)
        return lower, weights, float(np.max(np.maximum(upper - lower, 0.0)))

    def _first_of(self, chosen: Bools) -> Floats:
        """Return weight 1 for the first chosen pair of every group."""
        pairs = np.flatnonzero(chosen)
        weights = np.zeros(len(chosen))
        weights[pairs[np.unique(self._group[pairs], return_index=True)[1]]] = 1.0
        return weights

    def _saddle_rows(self, p: Floats, extra: Floats) -> None:
        self._best()
        first, second, scale = self._found
        self._blend(np.flatnonzero(scale > 0.0), first, second, scale, p)

    def _blend(self, pairs: Ints, first: Floats, second: Floats, scale: Floats, p: Floats) -> None:
        """Move rows in ``p`` by the fraction ``scale`` towards those of the parameters."""
        if len(pairs) == 0:
            return
        row = p.copy()
        self._write_rows(pairs, first, second, row)
        step = np.repeat(scale, np.diff(self.rows.row_ptr))
        # not p + step * (row - p): tiny probabilities must survive
        p[:] = np.where(step > 0.0, (1.0 - step) * p + step * row, p)

    def _evaluate(self, weights: Floats) -> tuple[Floats, float]:
        lower, upper, _ = self._bracket(weights)
        return lower, float(np.max(np.maximum(upper - lower, 0.0)))

    def _rows(self, weights: Floats, p: Floats, extra: Floats) -> None:
        _, _, (pairs, left, right, share) = self._bracket(weights)
        q = p.copy()
        far = p.copy()
        # the left end may still be the nominal row
        self._blend(pairs[left[0][pairs] > 0.0], left[1], left[2], left[0], p)
        self._blend(pairs[right[0][pairs] > 0.0], right[1], right[2], right[0], far)
        step = np.repeat(share[self.pair_state], np.diff(self.rows.row_ptr))
        mixed = np.where(step > 0.0, (1.0 - step) * p + step * far, p)
        used = np.repeat(weights > 0.0, np.diff(self.rows.row_ptr))
        p[:] = np.where(used, mixed, q)

    def _bracket(
        self, weights: Floats
    ) -> tuple[Floats, Floats, tuple[Ints, tuple[Floats, ...], tuple[Floats, ...], Floats]]:
        """Enclose the values of a fixed policy; return the rows at both ends of the bracket and how to mix them."""
        start, state, budget = self.state_ptr[:-1], self.pair_state, self.budget
        used = (weights > 0.0) & (budget[state] > 0.0)
        pairs = np.flatnonzero(used)

        def total(values: Floats) -> Floats:
            return np.add.reduceat(np.where(used, values, 0.0), start)

        fixed = np.add.reduceat(weights * self._shift, start)
        nominal = np.add.reduceat(weights * self._mean, start)
        spread = np.add.reduceat(weights * np.maximum(self._mean - self._low, 0.0), start)
        tol = 2e-14 * spread + 1e-15 * np.abs(nominal + fixed)
        self._clear()
        self._at_price(pairs, np.full(len(weights), np.inf))
        # (multiplier, spent, payoff) at both ends; rows as (there are any, parameters)
        left_b, left_spent, left_value = np.zeros(len(budget)), np.zeros(len(budget)), nominal.copy()
        right_b, right_spent = np.full(len(budget), np.inf), total(self._primal)
        right_value = np.add.reduceat(weights * np.where(used, self._low, self._mean), start)
        left = (np.zeros(len(weights)), np.zeros(len(weights)), np.zeros(len(weights)))
        right = (used.astype(np.float64), self._first_parameter.copy(), self._second_parameter.copy())
        lower, upper = right_value.copy(), nominal.copy()
        free = right_spent <= budget
        upper[free] = right_value[free]
        share = np.where(free, 1.0, 0.0)
        unfinished, idle = upper - lower > tol, np.zeros(len(budget), dtype=np.int64)
        b = np.where(self._multiplier > 0.0, self._multiplier, 1.0 / np.where(spread > 0.0, spread, 1.0))
        for step in range(STEPS):
            if not unfinished.any():
                break
            self._clear()
            self._at_price(np.flatnonzero(used & unfinished[state]), weights * b[state])
            spent, value = (
                total(self._primal),
                np.add.reduceat(weights * np.where(used, self._value, self._mean), start),
            )
            certain = np.add.reduceat(np.where(used, 0.0, weights * self._mean), start)
            bound = (total(self._dual) - budget) / b + certain
            fits = unfinished & (spent <= budget)
            over = unfinished & (spent > budget)
            for mask, end, numbers in (
                (fits, left, (left_b, left_spent, left_value)),
                (over, right, (right_b, right_spent, right_value)),
            ):
                for kept, source in zip(numbers, (b, spent, value), strict=True):
                    kept[mask] = source[mask]
                chosen = mask[state] & used
                for kept, source in zip(end, (used, self._first_parameter, self._second_parameter), strict=True):
                    kept[chosen] = source[chosen]
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                mix = np.where(unfinished, (budget - left_spent) / (right_spent - left_spent), share)
                mix = np.where(np.isfinite(mix), mix, 0.0)
                mixed = left_value + np.where(mix > 0.0, mix * (right_value - left_value), 0.0)
                chord = (right_spent - left_spent) / (left_value - right_value)
                power = np.log(right_spent / left_spent) / np.log(right_b / left_b)
                secant = left_b * (budget / left_spent) ** (1.0 / power)
                secant = np.where(left_b > 0.0, secant, right_b * np.sqrt(budget / right_spent))
                middle = np.where(left_b > 0.0, np.sqrt(left_b * right_b), 0.125 * right_b)
            share = mix
            moved = unfinished & ((bound > lower) | (mixed < upper))
            lower = np.where(unfinished, np.maximum(lower, bound), lower)
            upper = np.where(unfinished, np.minimum(upper, mixed), upper)
            idle = np.where(moved, 0, idle + 1)
            middle = np.where(np.isfinite(middle), middle, 8.0 * left_b)
            guess = (secant, chord, secant, chord, middle)[step % 5]
            inside = np.isfinite(guess) & (guess > left_b) & (guess < right_b)
            unfinished &= (upper - lower > tol) & (idle < 3 * PATIENCE)
            b = np.where(unfinished, np.where(inside, guess, middle), b)
        self._multiplier = b
        return lower + fixed, upper + fixed, (pairs, left, right, share)

    @abstractmethod
    def _at_value(self, pairs: Ints, target: Floats) -> None:
        """Solve for the least divergence at the targets ``(N,)``, pair rewards left out.

        Writes, for the pairs, ``_dual <= h(target)``, ``_slope`` with ``h(u) >= dual - slope * (u - target)``, and
        parameters of a row with divergence at most ``_primal`` and payoff ``_value``. At or below the least payoff the
        slope is infinite.
        """

    @abstractmethod
    def _at_price(self, pairs: Ints, price: Floats) -> None:
        """Solve ``min_p D(p, q) + price p.z`` for the pairs; an infinite price asks for the least payoff.

        Writes ``_dual`` (at most the minimum), and parameters of a row with divergence ``_primal`` and payoff
        ``_value``.
        """

    @abstractmethod
    def _write_rows(self, pairs: Ints, first: Floats, second: Floats, p: Floats) -> None:
        """Write the rows of the parameters into ``p``."""
