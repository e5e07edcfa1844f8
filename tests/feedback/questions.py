"""Small problems, datasets and laws that the tests of comparison oracles share."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from mdpkit import FiniteHorizonMDP
from mdpkit.feedback import (
    OfflineDataset,
)
from mdpkit.models import ContextualBandit

N = 100_000

FEATURES = np.array(
    [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]],
        [[0.5, 0.0, 2.0], [-1.0, 1.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, 0.0]],
    ]
)
THETA = np.array([0.8, -0.3, -0.5])


def bandit(theta=THETA):
    return ContextualBandit(FEATURES, [0.3, 0.7], theta)


def tree():
    """Spec 7.9, "H2": two actions at s0 lead to A or B, where two more end the episode; rewards written by hand."""
    P = np.zeros((2, 3, 2, 3))
    P[0, 0] = [[0, 0.8, 0.2], [0, 0.3, 0.7]]
    P[0, 1:] = P[1] = [0, 0, 1]
    r = np.zeros((2, 3, 2))
    r[0, 0] = [0.25, -0.5]
    r[1, 1:] = [[1.0, -1.0], [0.5, 2.0]]
    return FiniteHorizonMDP(P, r, gamma=0.5, initial=0)


TREE_PATHS = [[(0, a), (s, b)] for a in (0, 1) for s in (1, 2) for b in (0, 1)]
TREE_RETURNS = [0.75, -0.25, 0.5, 1.25, 0.0, -1.0, -0.25, 0.5]
"""``r_0 + r_1 / 2`` along `TREE_PATHS`, by hand."""


def dataset(*paths, numbers=None):
    """Log trajectories given as lists of (state, action)."""
    numbers = range(len(paths)) if numbers is None else numbers
    lines = [(e, h, s, a) for e, path in zip(numbers, paths, strict=True) for h, (s, a) in enumerate(path)]
    episode, step, state, action = (list(column) for column in zip(*lines, strict=True))
    return OfflineDataset(episode, step, state, action, np.zeros(len(lines)), state)


def repeated(path, n):
    """The same trajectory n times, built without a Python loop over n."""
    one = dataset(path)
    columns = {name: np.tile(getattr(one, name), n) for name in ("step", "state", "action", "reward", "successor")}
    return OfflineDataset(episode=np.repeat(np.arange(n), len(path)), **columns)


def duel_law(u, v):
    """BTL written with strengths and not with the logistic function."""
    share = np.exp(u) / (np.exp(u) + np.exp(v))
    return [share, 1 - share]


def ranking_law(utilities):
    """The product formula of Plackett-Luce for every order of a few utilities."""
    strength = np.exp(utilities)
    orders = list(permutations(range(len(utilities))))
    return orders, [
        np.prod([strength[i] / strength[list(order[k:])].sum() for k, i in enumerate(order)]) for order in orders
    ]


def count_orders(ranked, known, orders):
    """Count the rankings whose features are those of `known`, (K, d), in each order."""
    counts = [int((ranked == known[list(order)]).all(axis=(1, 2)).sum()) for order in orders]
    assert sum(counts) == len(ranked), "features came back that nobody asked about"
    return np.array(counts)
