"""Which stocks can be met, step by step: the finite graph on which any utility can be optimized.

A stock is kept as the accumulated reward ``y_t = c_0 + sum_{k<t} gamma^k r_k``, not as ``c_t = y_t / gamma^t``, which
grows like ``gamma^-t`` and loses the digits that tell equal stocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.errors import ExplosionError

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

DIGITS = 11
"""Decimal digits, relative to the largest stock, in which two float stocks must agree to be one."""

CHUNK = 1 << 21
"""Moves expanded at a time."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Moves:
    """The outcomes of one step: state ``s`` owns the outcomes ``first[s]:first[s+1]``, its pairs those from `pair_ptr`.

    Probabilities and rewards are float64 or fractions; rewards have shape ``(M,)`` or ``(M, m)``.
    """

    state_ptr: Ints
    pair_ptr: Ints
    pair_action: Array
    prob: Array
    reward: Array
    successor: Ints
    paid: Floats
    """The model's own reward of each outcome, which tells those with the same successor apart."""

    @property
    def first(self) -> Ints:
        """First outcome of each state, shape ``(S+1,)``."""
        return self.pair_ptr[self.state_ptr]


class Rounding:
    """How float stocks become keys: decimals with 11 digits relative to the largest stock that can occur.

    Sums such as 0.1 + 0.2 and 0.3 get the same key. A stock that differs from its short decimal only as much as
    rounding explains is replaced by it, so that utilities with jumps see 0 where the mathematics says 0.
    """

    def __init__(self, scale: float) -> None:
        self.decimals = DIGITS - int(np.ceil(np.log10(scale))) if scale > 0 else DIGITS
        self.noise = 2.0**-49 * scale

    def keys(self, y: Array) -> Ints:
        """Return the keys of stocks."""
        return np.rint(y * 10.0**self.decimals).astype(np.int64)

    def snap(self, y: Array) -> Array:
        """Return stocks with rounding noise removed."""
        short = np.round(y, self.decimals)
        return np.where(np.abs(short - y) <= self.noise, short, y)


class Level:
    """The states and stocks that can be met at one time, and where their outcomes lead.

    Attributes
    ----------
    state : ndarray, shape (n,)
        States.
    stock : ndarray, shape (n,) or (n, m)
        Accumulated rewards.
    child : ndarray of int32, shape (E,)
        Position, in the next level, of what each outcome of each of these leads to; empty in the last level.
    begin : ndarray, shape (n,)
        Where the outcomes of each of these begin in `child`.
    """

    __slots__ = ("_index", "begin", "child", "state", "stock")

    def __init__(self, state: Ints, stock: Array) -> None:
        self.state = state
        self.stock = stock
        self.child: Any = np.zeros(0, dtype=np.int32)
        self.begin: Any = np.zeros(0, dtype=np.int64)
        self._index: dict[Any, int] | None = None

    def __len__(self) -> int:
        return len(self.state)

    def find(self, state: int, stock: Any, rounding: Rounding | None) -> int:
        """Return the position of a state and stock; -1 if they cannot be met."""
        if self._index is None:
            keys = self.stock if rounding is None else rounding.keys(self.stock)
            names = keys.tolist() if keys.ndim == 1 else map(tuple, keys.tolist())
            self._index = {}
            for i, (s, key) in enumerate(zip(self.state.tolist(), names, strict=True)):
                self._index.setdefault((s, key), i)
        point = np.asarray(stock, dtype=object if rounding is None else np.float64)
        key = (point if rounding is None else rounding.keys(point)).tolist()
        return self._index.get((state, tuple(key) if isinstance(key, list) else key), -1)


def ragged(start: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Return owner and position of the elements of slices ``start[i] : start[i] + count[i]``."""
    owner = np.repeat(np.arange(len(start)), count)
    before = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - (before - start)[owner]


def expand(level: Level, moves: Moves, *, begin: int = 0, end: int | None = None) -> tuple[Ints, Ints]:
    """Return, for every outcome of every member of a level, the member and the outcome."""
    state = level.state[begin:end]
    first = moves.first
    owner, outcome = ragged(first[state], first[state + 1] - first[state])
    return owner + begin, outcome


def reach(
    state: int, stock: Array, moves: list[Moves], discounts: list[Any], rounding: Rounding | None, max_stocks: int
) -> tuple[list[Level], float]:
    """Return the levels 0..H, and how far any float stock was moved by merging and rounding, summed over time.

    Raises `ExplosionError` as soon as more than ``max_stocks`` members are needed.
    """
    levels = [Level(np.array([state]), stock[None] if stock.ndim else stock.reshape(1))]
    total, moved = 1, 0.0
    for t, step in enumerate(moves):
        level = levels[-1]
        count = np.diff(step.first)[level.state]
        cuts = _cuts(count)
        parts, inverses, step_move = [], [], 0.0
        allowed = max_stocks - total
        for begin, end in pairwise(cuts):
            owner, outcome = expand(level, step, begin=begin, end=end)
            stocks = level.stock[owner] + discounts[t] * step.reward[outcome]
            unique, inverse, distance = merge(step.successor[outcome], stocks, rounding)
            step_move = max(step_move, distance)
            parts.append(unique)
            inverses.append(inverse)
            if len(unique) > allowed:
                raise _explosion(total + len(unique), t + 1, len(moves), max_stocks)
        following, child = parts[0], inverses[0]
        if len(parts) > 1:
            states = np.concatenate([part.state for part in parts])
            following, again, distance = merge(states, np.concatenate([part.stock for part in parts]), rounding)
            step_move += distance
            starts = np.cumsum([0, *(len(part) for part in parts)])
            child = np.concatenate([again[begin + i] for begin, i in zip(starts[:-1], inverses, strict=True)])
        moved += step_move
        total += len(following)
        if total > max_stocks:
            raise _explosion(total, t + 1, len(moves), max_stocks)
        level.child = child.astype(np.int32)
        level.begin = np.cumsum(count) - count
        levels.append(following)
    return levels, moved


def merge(state: Ints, stock: Array, rounding: Rounding | None) -> tuple[Level, Ints, float]:
    """Return the distinct members of a list, the position of each entry among them, and the largest move of a stock."""
    if rounding is None:
        return _merge_exact(state, stock)
    keys = rounding.keys(stock)
    order = np.lexsort((*(keys[:, None] if keys.ndim == 1 else keys).T[::-1], state))
    sorted_keys, sorted_state = keys[order], state[order]
    new = np.ones(len(order), dtype=bool)
    changed = np.diff(sorted_keys, axis=0) != 0
    new[1:] = (changed if changed.ndim == 1 else changed.any(axis=1)) | (np.diff(sorted_state) != 0)
    inverse = np.empty(len(order), dtype=np.int64)
    inverse[order] = np.cumsum(new) - 1
    members = order[new]
    chosen = rounding.snap(stock[members])
    moved = float(np.max(np.abs(stock - chosen[inverse]), initial=0.0))
    return Level(state[members], chosen), inverse, moved


def _merge_exact(state: Ints, stock: Array) -> tuple[Level, Ints, float]:
    index: dict[Any, int] = {}
    members: list[int] = []
    inverse = np.empty(len(state), dtype=np.int64)
    names = stock.tolist() if stock.ndim == 1 else map(tuple, stock.tolist())
    for i, name in enumerate(zip(state.tolist(), names, strict=True)):
        inverse[i] = index.setdefault(name, len(index))
        if inverse[i] == len(members):
            members.append(i)
    return Level(state[members], stock[members]), inverse, 0.0


def _cuts(count: Ints) -> list[int]:
    """Return where to cut a level so that every part has at most about `CHUNK` outcomes."""
    ends = np.cumsum(count)
    marks = np.arange(CHUNK, int(ends[-1]), CHUNK)
    return [0, *np.unique(np.searchsorted(ends, marks, side="right").clip(1)).tolist(), len(count)]


def _explosion(count: int, t: int, horizon: int, cap: int) -> ExplosionError:
    return ExplosionError(
        f"at least {count:,} pairs of state and stock can be met in the first {t} of {horizon} steps, more than "
        f"max_stocks = {cap:,}; shorten the horizon, put rewards on a lattice, or raise the cap",
        argument="max_stocks",
        count=count,
        cap=cap,
    )
