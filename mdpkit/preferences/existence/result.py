"""What an existence check says, and the error it turns into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.errors import DisconnectedComparisonGraphError, MLENotAttainedError

__all__ = ["Existence"]

SHOWN = 6
"""A message names at most so many items of a group."""


@dataclass(frozen=True, eq=False, slots=True)
class Existence:
    """Whether the likelihood of comparison data has a maximum.

    Attributes
    ----------
    exists : bool
        Whether the maximum is attained; it is then unique up to what the data cannot see.
    components : tuple of ndarray of int
        For items: the groups within which everybody is comparable, from the best to the worst; one group if the
        maximum is attained. Empty for feature vectors.
    connected : bool
        For items: whether all of them are linked by comparisons at all.
    direction : ndarray or None
        Where it is not attained: utilities ``(N,)`` or a parameter ``(d,)`` that rates every winner at least as high as
        its losers and some winner higher, so that moving along it improves the likelihood for ever.
    message : str
        A sentence.

    Examples
    --------
    >>> from mdpkit.feedback import PairList
    >>> from mdpkit.preferences import mle_exists
    >>> mle_exists(PairList.from_pairs([(0, 1), (1, 2), (2, 0)])).exists
    True
    >>> check = mle_exists(PairList.from_pairs([(0, 1), (1, 2)]))
    >>> check.exists, [group.tolist() for group in check.components]
    (False, [[0], [1], [2]])
    """

    exists: bool
    components: tuple[Ints, ...]
    connected: bool
    direction: Floats | None
    message: str

    def __bool__(self) -> bool:
        return self.exists

    def __repr__(self) -> str:
        return f"Existence(exists={self.exists}: {self.message})"

    def raise_if_not_attained(self, hint: str) -> None:
        """Raise the error that says so, with a hint what to do."""
        if self.exists:
            return
        kind = MLENotAttainedError if self.connected else DisconnectedComparisonGraphError
        raise kind(f"{self.message}; {hint}", components=self.components, direction=self.direction)


def name_items(items: Ints) -> str:
    """Name a few items."""
    shown = ", ".join(str(int(i)) for i in np.sort(items)[:SHOWN])
    more = "" if len(items) <= SHOWN else f", ... ({len(items):,} in all)"
    return f"item {shown}" if len(items) == 1 else f"items {shown}{more}"
