"""The stock grid of an infinite-horizon problem, and what is known exactly beside it.

With ``G`` in ``[Gmin, Gmax]`` almost surely, a stock at or below ``-Gmax`` never leaves the negative side of the
utility and one at or above ``-Gmin`` never the positive one: there ``V(s, c) = f(c + J(s))`` with the largest (or,
where the utility falls, the smallest) expected return ``J(s)``. Both regions are absorbing, so the grid covers what
lies between and no stock is ever clipped to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.stock import _kernels as kernels
from mdpkit.distributional.stock.utility import Utility
from mdpkit.errors import ExplosionError, InputError
from mdpkit.models import TabularMDP
from mdpkit.planning import solve

MODES = {"linear": 0, "floor": 1, "ceil": 2}
TIE = 1e-12
"""Action values within ``TIE (1 + |value|)`` of the best tie; the lowest action id wins, or the old one."""

MAX_VALUES = 50_000_000
"""Most numbers (pairs times grid points) a grid may need; beyond, the step is refused."""

BLOCK = 1 << 22


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Side:
    """One of the two outside regions: a stationary policy (pairs, shape ``(S,)``) and its expected returns."""

    pairs: Ints
    J: Floats
    error: float


class StockGrid:
    """A model on states and grid stocks, ready to be swept.

    The values kept are those of ``f - f(0)``.

    Attributes
    ----------
    grid : ndarray, shape (G,)
        Stocks: multiples of the step that cover ``[-Gmax, -Gmin]``.
    low, high : int
        The grid points ``low:high`` lie strictly between; the others are known exactly.
    snapped : float
        Bound on how far a stock was moved to a grid point or across an end of the grid, about 1e-9 steps at most.
    closed : bool
        Whether every stock that can follow a grid point is a grid point or outside: all modes are then exact.
    """

    def __init__(self, mdp: TabularMDP, utility: Utility, alpha: float, step: float, mode: str) -> None:
        outcomes = mdp.outcomes
        assert mdp.gamma is not None
        self.mdp, self.utility, self.alpha, self.gamma, self.step = mdp, utility, alpha, mdp.gamma, step
        self.mode = MODES[mode]
        self.offset = utility.at_zero
        self.reward, self.prob, self.successor = outcomes.reward, outcomes.prob, outcomes.successor
        self.pair_ptr = np.searchsorted(outcomes.pair, np.arange(mdp.n_pairs + 1))
        self.state_ptr = mdp.state_ptr
        self.G_min = float(np.min(outcomes.reward)) / (1.0 - self.gamma)
        self.G_max = float(np.max(outcomes.reward)) / (1.0 - self.gamma)
        # Computed ends may miss a multiple of the step by rounding; a point too few would be a point clipped.
        origin = np.floor(-self.G_max / step + kernels.SNAP)
        end = np.ceil(-self.G_min / step - kernels.SNAP)
        size = end - origin + 1
        if not size * mdp.n_pairs <= MAX_VALUES:
            raise ExplosionError(
                f"a step of {step:g} on [{-self.G_max:g}, {-self.G_min:g}] needs {size:,.0f} grid points for each of "
                f"{mdp.n_pairs:,} state-action pairs, more than {MAX_VALUES:,} numbers; take a larger step",
                argument="step",
                count=int(min(size * mdp.n_pairs, 1e18)),
                cap=MAX_VALUES,
            )
        self.origin = int(origin)
        self.grid: Floats = np.asarray((self.origin + np.arange(int(size))) * step, dtype=np.float64)
        left = max(0.0, -self.G_max / step - origin + kernels.SNAP)
        right = -self.G_min / step - origin - kernels.SNAP
        index = np.arange(len(self.grid))
        self.low, self.high = int(np.sum(index <= left)), int(np.sum(index < right))
        self.high = max(self.high, self.low)
        self.below, self.above = _sides(mdp, utility)

        self.scale = 1.0 / self.gamma
        self.shift = self.origin / self.gamma + self.reward / (self.gamma * step) - self.origin
        # Comparing positions point by point keeps the split between table and formula free of rounding surprises.
        self.first = np.maximum(self.low, np.floor((left - self.shift) * self.gamma).astype(np.int64) - 1)
        self.last = np.minimum(self.high, np.ceil((right - self.shift) * self.gamma).astype(np.int64) + 1)
        for _ in range(3):
            self.first += (self.first < self.high) & (self.shift + self.first * self.scale <= left)
            self.last -= (self.last > self.low) & (self.shift + (self.last - 1) * self.scale >= right)
        self.last = np.maximum(self.first, self.last)
        inside = self.last > self.first
        positions = np.concatenate([self.shift[inside], [self.scale]]) if inside.any() else np.zeros(1)
        self.closed = bool(np.all(np.abs(positions - np.rint(positions)) <= kernels.SNAP))
        self.snapped = self._snapped(left - kernels.SNAP, right + kernels.SNAP)
        self.base = self._base()

    # ---------------------------------------------------------------- what lies outside

    def outside(self, state: Any, stock: Any) -> Floats:
        """Return the known values ``f(c + J(s)) - f(0)`` at stocks beyond the two ends (in between: meaningless)."""
        J = np.where(stock * 2 < -(self.G_min + self.G_max), self.below.J[state], self.above.J[state])
        return np.asarray(self.utility.values(np.ravel(stock + J)).reshape(np.shape(J)) - self.offset)

    def is_below(self, stock: Any) -> Any:
        """Whether stocks are at or below ``-Gmax`` (up to a billionth of a step)."""
        return stock <= -self.G_max + kernels.SNAP * self.step

    def is_above(self, stock: Any) -> Any:
        """Whether stocks are at or above ``-Gmin`` (up to a billionth of a step)."""
        return stock >= -self.G_min - kernels.SNAP * self.step

    def _snapped(self, left: float, right: float) -> float:
        """Return how far, in stock, any position was taken from where it is: to a grid point, or across an end."""
        inside = np.flatnonzero(self.last > self.first)
        before, after = self.first - 1, self.last
        moves = [
            np.maximum(0.0, self.shift + before * self.scale - left)[(before >= self.low) & (before < self.high)],
            np.maximum(0.0, right - self.shift - after * self.scale)[(after < self.high) & (after >= self.low)],
            np.maximum(0.0, [self.low - 1 - left, right - self.high]),
        ]
        if self.closed:
            for i in (self.first[inside], self.last[inside] - 1):
                positions = self.shift[inside] + i * self.scale
                moves.append(np.abs(positions - np.rint(positions)))
        elif self.mode:
            moves.append(np.array([kernels.SNAP]))
        return float(np.max(np.concatenate(moves))) * self.step

    def _base(self) -> Floats:
        """Return what the outcomes that lead outside contribute, by pair and grid point; it never changes."""
        index = np.arange(len(self.grid))
        base = np.zeros((self.mdp.n_pairs, len(self.grid)))
        per_block = max(1, BLOCK // len(self.grid))
        k = 0
        while k < self.mdp.n_pairs:
            stop = max(k + 1, int(np.searchsorted(self.pair_ptr, self.pair_ptr[k] + per_block, side="right")) - 1)
            lines = slice(self.pair_ptr[k], self.pair_ptr[stop])
            stock = (self.grid + self.reward[lines, None]) / self.gamma
            beyond = (index < self.first[lines, None]) | (index >= self.last[lines, None])
            values = np.zeros(stock.shape)
            state = np.broadcast_to(self.successor[lines, None], stock.shape)
            values[beyond] = self.outside(state[beyond], stock[beyond])
            values *= self.alpha * self.prob[lines, None]
            base[k:stop] = np.add.reduceat(values, self.pair_ptr[k:stop] - self.pair_ptr[k], axis=0)
            k = stop
        return base

    # ---------------------------------------------------------------- sweeps

    def start(self) -> Floats:
        """Return ``V_0 = f - f(0)``, with the known values where they are known, shape ``(S, G)``."""
        S = self.mdp.n_states
        V = np.tile(self.utility.values(self.grid) - self.offset, (S, 1))
        ends = np.r_[0 : self.low, self.high : len(self.grid)]
        V[:, ends] = self.outside(np.arange(S)[:, None], np.tile(self.grid[ends], (S, 1)))
        return V

    @property
    def _arrays(self) -> tuple[Any, ...]:
        weights = self.alpha * self.prob
        return self.pair_ptr, weights, self.shift, self.first, self.last, self.successor, self.scale, self.base

    def sweep(self, V: Floats, W: Floats) -> float:
        """``W = B V``; return the largest change."""
        arguments = (self.state_ptr, *self._arrays, V, self.mode, self.low, self.high, W)
        return float(kernels.sweep(*arguments))

    def policy_sweep(self, V: Floats, W: Floats, choice: Ints) -> float:
        """``W = B_pi V``; return the largest change."""
        arguments = (*self._arrays, V, self.mode, self.low, self.high, choice, W)
        return float(kernels.policy_sweep(*arguments))

    def improve(self, V: Floats, choice: Ints) -> int:
        """Make `choice` greedy for `V`, keeping what ties; return the number of changes."""
        arguments = (self.state_ptr, *self._arrays, V, self.mode, self.low, self.high, TIE, choice)
        return int(kernels.greedy(*arguments))

    def first_choice(self) -> Ints:
        """Return pairs, shape ``(S, G)``: the known policies outside, -1 (none yet) inside."""
        choice = np.full((self.mdp.n_states, len(self.grid)), -1, dtype=np.int64)
        choice[:, : self.low] = self.below.pairs[:, None]
        choice[:, self.high :] = self.above.pairs[:, None]
        return choice

    # ---------------------------------------------------------------- looking one step ahead

    def interpolate(self, V: Floats, state: Ints, stock: Floats) -> Floats:
        """Return values at any stocks: the formulas outside, the mode of the grid inside."""
        beyond = self.is_below(stock) | self.is_above(stock)
        x = np.where(beyond, 0.0, stock / self.step - self.origin)
        if self.mode == 0:
            left = np.clip(x.astype(np.int64), 0, len(self.grid) - 2 if len(self.grid) > 1 else 0)
            right = np.minimum(left + 1, len(self.grid) - 1)
            inner = V[state, left] + (x - left) * (V[state, right] - V[state, left])
        else:
            point = np.floor(x + kernels.SNAP) if self.mode == 1 else np.ceil(x - kernels.SNAP)
            inner = V[state, point.astype(np.int64).clip(0, len(self.grid) - 1)]
        if beyond.any():
            inner = np.where(beyond, self.outside(state, stock), inner)
        return np.asarray(inner)

    def look_ahead(self, V: Floats, state: int, stock: float) -> Floats:
        """Return the values of the pairs of a state at a stock, one step ahead of `V`."""
        pairs = slice(self.state_ptr[state], self.state_ptr[state + 1])
        ptr = self.pair_ptr[pairs.start : pairs.stop + 1]
        lines = slice(ptr[0], ptr[-1])
        following = (stock + self.reward[lines]) / self.gamma
        values = self.prob[lines] * self.interpolate(V, self.successor[lines], following)
        return np.asarray(self.alpha * np.add.reduceat(values, ptr[:-1] - ptr[0]))

    def best_pair(self, V: Floats, state: int, stock: float) -> int:
        """Return the pair to use: the known policy outside, the first best one step ahead inside."""
        if self.is_below(stock):
            return int(self.below.pairs[state])
        if self.is_above(stock):
            return int(self.above.pairs[state])
        q = self.look_ahead(V, state, stock)
        best = float(np.max(q))
        return int(self.state_ptr[state] + np.argmax(q >= best - TIE * (1.0 + abs(best))))


def check_step(step: Any) -> float:
    """Return the grid step, positive and finite."""
    number = not isinstance(step, (bool, str)) and hasattr(step, "__float__")
    if not number or not 0.0 < float(step) < np.inf:
        raise InputError(f"step must be a positive number, found {step!r}", argument="step", value=step)
    return float(step)


def _sides(mdp: TabularMDP, utility: Utility) -> tuple[Side, Side]:
    """Return the policies of the two outside regions; slopes of 0 leave the choice, and larger returns are liked."""
    rising = [k is None or k >= 0.0 for k in (utility.k_neg, utility.k_pos)]
    best = _expected_returns(mdp, 1.0) if any(rising) else None
    worst = _expected_returns(mdp, -1.0) if not all(rising) else None
    below, above = (best if up else worst for up in rising)
    assert below is not None
    assert above is not None
    return below, above


def _expected_returns(mdp: TabularMDP, sign: float) -> Side:
    model = mdp if sign > 0 else mdp.with_rewards(-mdp.pair_reward)
    solution = solve(model, method="policy_iteration")
    pairs = np.array([mdp.pair_index(s, int(a)) for s, a in enumerate(solution.policy)])
    return Side(pairs, sign * solution.V, solution.half_width)
