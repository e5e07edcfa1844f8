"""Small problems on which stock-augmented dynamic programming is exact by enumeration or on a closed lattice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np

Problem: TypeAlias = list[list[list[tuple[float, float, int]]]]  # state, action: (probability, reward, successor)
Values: TypeAlias = Callable[[np.ndarray], np.ndarray]

LAYERS = ((0,), (1, 2), (3, 4), (5,))
"""State 0, then 1 or 2, then 3 or 4, then the end: the state tells the time."""


def layered(rng: np.random.Generator) -> Problem:
    """Three decisions between two actions, two outcomes each, rewards in [-1, 1]; state 5 is the end."""

    def row(following: tuple[int, ...]) -> list[tuple[float, float, int]]:
        rewards = rng.choice([-1.0, 1.0, float(rng.uniform(-1, 1))], size=2)
        chances = rng.dirichlet(np.ones(2))
        return [(float(p), float(r), int(rng.choice(following))) for p, r in zip(chances, rewards, strict=True)]

    problem = [[row(following) for _ in range(2)] for here, following in pairwise(LAYERS) for _ in here]
    return [*problem, [[(1.0, 0.0, 5)]] * 2]


def two_slopes(k_neg: float, k_pos: float) -> Values:
    return lambda x: k_pos * np.maximum(x, 0.0) + k_neg * np.minimum(x, 0.0)


@dataclass
class OneState:
    """One state, two actions, two outcomes each, gamma = 1/2 and rewards in tenths.

    The stocks ``-max G + i / (10 n)`` are closed under ``c -> 2 (c + r)``, so values on this lattice are exact with any
    interpolation.
    """

    p: np.ndarray  # (2, 2): action, outcome
    r: np.ndarray
    k_neg: float
    k_pos: float
    n: int
    gamma: float = 0.5
    lattice: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        tenths = np.rint(10 * (self.r.max() - self.r.min()) * 2).astype(int)
        self.low, self.high = -2 * self.r.max(), -2 * self.r.min()
        self.lattice = self.low + np.arange(tenths * self.n + 1) / (10 * self.n)

    @classmethod
    def draw(cls, rng: np.random.Generator, slopes: list[float]) -> OneState:
        p = rng.dirichlet(np.ones(2), size=2)
        r = rng.permutation(np.r_[rng.choice(np.arange(-10, 11), size=4, replace=False)]).reshape(2, 2) / 10
        return cls(p, r, *(float(k) for k in rng.choice(slopes, size=2)), n=int(rng.integers(1, 8)))

    def outside(self, c: np.ndarray, k: float) -> np.ndarray:
        """Value where the sign of ``c + G`` is certain: the slope times the best, or the least, mean."""
        means = 2 * (self.p * self.r).sum(axis=1)
        return k * c + k * (means.max() if k >= 0 else means.min())

    def interpolated(self, grid: np.ndarray, V: np.ndarray, mode: str = "linear") -> Values:
        def values(c: np.ndarray) -> np.ndarray:
            position = (c - grid[0]) / (grid[1] - grid[0])
            # Stocks on the grid up to rounding are on the grid.
            position = np.where(np.abs(position - np.rint(position)) < 1e-9, np.rint(position), position)
            position = {"linear": position, "floor": np.floor(position), "ceil": np.ceil(position)}[mode]
            inside = np.interp(position, np.arange(len(grid)), V)
            return np.where(
                c <= self.low + 1e-12,
                self.outside(c, self.k_neg),
                np.where(c >= self.high - 1e-12, self.outside(c, self.k_pos), inside),
            )

        return values

    def q(self, V: Values, c: np.ndarray) -> np.ndarray:
        """Action values by one-step lookahead, shape (2, len(c))."""
        return np.array([
            sum(p * V((c + r) / self.gamma) for p, r in zip(*row, strict=True)) * self.gamma
            for row in zip(self.p, self.r, strict=True)
        ])  # fmt: skip

    def fixed_point(self, grid: np.ndarray, mode: str = "linear", policy: np.ndarray | None = None) -> np.ndarray:
        """Values on a grid after 60 sweeps, optimal or of a policy: 2^-60 of the way from the limit.

        At the two ends and beyond nothing is chosen, the values are known.
        """
        V = np.zeros(len(grid))
        for _ in range(60):
            Q = self.q(self.interpolated(grid, V, mode), grid)
            V = Q.max(axis=0) if policy is None else np.take_along_axis(Q, policy[None], axis=0)[0]
        return self.interpolated(grid, V, mode)(grid)
