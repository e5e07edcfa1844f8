"""Discrete laws as pairs ``(x, p)`` and the distributional Bellman operator, in a few lines of NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Law: TypeAlias = tuple[np.ndarray, np.ndarray]
Chain: TypeAlias = list[list[tuple[float, float, int]]]  # per state: (probability, reward, successor)
Projection: TypeAlias = Callable[[Law], Law]

ZERO: Law = (np.zeros(1), np.ones(1))


def merged(law: Law) -> Law:
    """Sort the atoms; those that agree to 12 decimals become one."""
    x, where = np.unique(np.round(law[0], 12), return_inverse=True)
    return x, np.bincount(where, law[1], len(x))


def bellman(chain: Chain, gamma: float, laws: list[Law]) -> list[Law]:
    return [
        merged((
            np.concatenate([r + gamma * laws[t][0] for _, r, t in row]),
            np.concatenate([p * laws[t][1] for p, _, t in row]),
        ))
        for row in chain
    ]  # fmt: skip


def iterate(chain: Chain, gamma: float, sweeps: int, project: Projection = merged) -> list[Law]:
    laws = [project(ZERO)] * len(chain)
    for _ in range(sweeps):
        laws = [project(law) for law in bellman(chain, gamma, laws)]
    return laws


def acyclic(rng: np.random.Generator, n_states: int = 4) -> Chain:
    """A chain that ends in its last state after at most ``n_states - 1`` steps; rewards in [-1, 1]."""
    chain: Chain = []
    for s in range(n_states - 1):
        p = rng.dirichlet(np.ones(3))
        chain.append([(float(q), float(rng.uniform(-1, 1)), int(rng.integers(s + 1, n_states))) for q in p])
    return [*chain, [(1.0, 0.0, n_states - 1)]]


def categorical(z: np.ndarray) -> Projection:
    def project(law: Law) -> Law:
        x, p = law
        i = np.clip(np.searchsorted(z, x, side="right") - 1, 0, len(z) - 2)
        right = np.clip((x - z[i]) / (z[i + 1] - z[i]), 0, 1)
        return z, np.bincount(i, p * (1 - right), len(z)) + np.bincount(i + 1, p * right, len(z))

    return project


def quantiles(m: int) -> Projection:
    def project(law: Law) -> Law:
        x, p = merged(law)
        levels = (2 * np.arange(m) + 1) / (2 * m)
        # A cumulative sum that equals a level up to rounding counts as having reached it.
        return x[np.minimum(np.searchsorted(np.cumsum(p), levels - 1e-12), len(x) - 1)], np.full(m, 1 / m)

    return project


def difference(one: Law, two: Law) -> tuple[np.ndarray, np.ndarray]:
    """Difference of the cdfs between neighboring atoms, and the gaps."""
    x = np.union1d(one[0], two[0])
    D = sum(sign * (np.where(law[0] <= x[:, None], law[1], 0).sum(axis=1)) for sign, law in ((1, one), (-1, two)))
    return np.asarray(D)[:-1], np.diff(x)


def wasserstein(one: Law, two: Law) -> float:
    D, gaps = difference(one, two)
    return float(np.abs(D) @ gaps)


def cramer(one: Law, two: Law) -> float:
    D, gaps = difference(one, two)
    return float(np.sqrt(D**2 @ gaps))


def wasserstein_inf(one: Law, two: Law) -> float:
    """Largest difference of the quantile functions, read in the middle of every piece on which both are constant."""
    (x, p), (y, q) = merged(one), merged(two)
    levels = np.union1d(np.cumsum(p), np.cumsum(q))
    # Pieces shorter than rounding do not exist.
    levels = np.r_[0, levels[:-1][np.diff(levels) > 1e-10], 1]
    u = (levels[1:] + levels[:-1]) / 2
    return float(np.abs(x[np.searchsorted(np.cumsum(p), u)] - y[np.searchsorted(np.cumsum(q), u)]).max())


def mean(law: Law) -> float:
    return float(law[0] @ law[1])


def variance(law: Law) -> float:
    return float((law[0] - mean(law)) ** 2 @ law[1])


def cvar(law: Law, tau: float) -> float:
    """Mean of the lowest ``tau`` of the mass, the last atom in part."""
    x, p = merged(law)
    before = np.r_[0, np.cumsum(p)[:-1]]
    return float(x @ np.clip(tau - before, 0, p) / tau)


def erm(law: Law, b: float) -> float:
    low = law[0].min()
    return float(low - np.log(law[1] @ np.exp(-b * (law[0] - low))) / b)
