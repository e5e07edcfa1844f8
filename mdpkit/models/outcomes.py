"""Outcomes: the joint law of reward and successor, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models._checks import frozen

__all__ = ["Outcomes"]


@dataclass(frozen=True, eq=False, slots=True)
class Outcomes:
    """Columns ``(pair, prob, reward, successor)``, sorted by pair and successor.

    A pair may reach the same successor with several rewards; such outcomes stay apart, because laws of returns and
    worst cases depend on them even though expected values do not.

    Attributes
    ----------
    pair : ndarray of int64, shape (M,)
        Index of the state-action pair, nondecreasing.
    prob : ndarray of float64, shape (M,)
        Probabilities, positive; they sum to one over each pair.
    reward : ndarray of float64, shape (M,)
        Reward received together with the move.
    successor : ndarray of int64, shape (M,)
        Next state.
    """

    pair: Ints
    prob: Floats
    reward: Floats
    successor: Ints

    def __post_init__(self) -> None:
        for name in ("pair", "prob", "reward", "successor"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, because pickle forgets that arrays are read-only.
        return Outcomes, (self.pair, self.prob, self.reward, self.successor)

    def __len__(self) -> int:
        return len(self.pair)

    def __repr__(self) -> str:
        return f"Outcomes({len(self):,} outcomes of {len(np.unique(self.pair)):,} pairs)"


def merge_outcomes(pair: Ints, prob: Floats, reward: Floats, successor: Ints) -> Outcomes:
    """Sort outcomes by pair, successor and reward; add up those that agree in all three; drop impossible ones."""
    possible = prob > 0.0
    if not possible.all():
        pair, prob, reward, successor = pair[possible], prob[possible], reward[possible], successor[possible]
    order = np.lexsort((reward, successor, pair))
    pair, prob, reward, successor = pair[order], prob[order], reward[order], successor[order]
    first = np.ones(len(pair), dtype=bool)
    first[1:] = (np.diff(pair) != 0) | (np.diff(successor) != 0) | (np.diff(reward) != 0)
    if not first.all():
        prob = np.add.reduceat(prob, np.flatnonzero(first))
        pair, reward, successor = pair[first], reward[first], successor[first]
    return Outcomes(pair, prob, reward, successor)
