"""The named examples of the specification."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit import TabularMDP


def coin(gamma: float = 0.5, p: float = 0.5) -> TabularMDP:
    """D1, D2: one state, reward Bernoulli(p) at every step."""
    return TabularMDP.from_outcomes([0, 0], [0, 0], [1 - p, p], [0, 1], [0, 0], gamma=gamma)


def trap() -> TabularMDP:
    """D5: reward 1 at every step, survives with probability 0.7."""
    return TabularMDP.from_outcomes([0, 0, 1], [0, 0, 0], [0.7, 0.3, 1], [1, 1, 0], [0, 1, 1], gamma=0.9)


def chain() -> TabularMDP:
    """D6: three states, rewards on transitions."""
    P = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5]])
    R = np.array([[1, 0, -1], [2, 0.5, 0], [0, -2, 1]])
    return TabularMDP(P[:, None], R[:, None], 0.8)


def pair() -> tuple[TabularMDP, Any]:
    """D14: two states and two rewards."""
    P = np.array([[0.6, 0.4], [0.3, 0.7]])[:, None]
    R = np.zeros((2, 2, 1, 2))
    R[:, 0, 0, 0], R[:, 0, 0, 1] = (1, 0), (0, 2)
    R[:, 1, 0, 0], R[:, 1, 0, 1] = (-1, 1), (2, -1)
    return TabularMDP(P, R[0], 0.9), R


def two_step(r1: float, safe: float, low: float, high: float, gamma: float = 1.0) -> TabularMDP:
    """CAS(r1, safe, low, high): a lottery, then the choice between a sure reward and another lottery."""
    return TabularMDP.from_outcomes(
        [0, 0, 1, 1, 1, 2],
        [0, 0, 0, 1, 1, 0],
        [0.5, 0.5, 1, 0.5, 0.5, 1],
        [0, r1, safe, low, high, 0],
        [1, 1, 2, 2, 2, 2],
        gamma=gamma,
    )
