"""Rankings and choices of more than two items: `Rankings` (best first) and `TopChoices`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError
from mdpkit.feedback._checks import check_indices, check_weights
from mdpkit.feedback.pairs import take_column
from mdpkit.models._checks import as_indices, frozen

__all__ = ["Rankings", "TopChoices"]


class Rankings:
    """Rankings of subsets of the items, each from best to worst; lengths may differ.

    Parameters
    ----------
    flat : array_like of int, shape (L,)
        All rankings one after the other.
    offsets : array_like of int, shape (m + 1,)
        Ranking ``k`` is ``flat[offsets[k]:offsets[k+1]]``, best first.
    weights : array_like, shape (m,), optional
        Weight of each ranking; one by default.
    n_items : int, optional
        Number of items; the largest index plus one by default.

    Raises
    ------
    ShapeError, StateIndexError, InputError
        Naming the ranking and the item.

    Warns
    -----
    UserWarning
        Rankings of a single item carry no information and are dropped.

    See Also
    --------
    Rankings.from_lists : the usual way in.
    """

    __slots__ = ("flat", "n_items", "offsets", "weights")
    flat: Ints
    offsets: Ints
    weights: Floats

    def __init__(self, flat: Any, offsets: Any, weights: Any = None, *, n_items: int | None = None) -> None:
        items, ptr, n_items = _read_sets(flat, offsets, n_items, "flat", "ranking")
        votes = check_weights(weights, len(ptr) - 1)
        lengths = np.diff(ptr)
        single = lengths == 1
        if single.any():
            warnings.warn(
                f"{np.sum(single)} rankings of a single item carry no information and were dropped",
                UserWarning,
                stacklevel=2,
            )
            items, votes = items[np.repeat(~single, lengths)], votes[~single]
            ptr = np.concatenate([[0], np.cumsum(lengths[~single])])
        self.flat, self.offsets, self.weights, self.n_items = frozen(items), frozen(ptr), frozen(votes), n_items

    @classmethod
    def from_lists(cls, rankings: Any, weights: Any = None, *, n_items: int | None = None) -> Rankings:
        """Read a list of rankings, or an array of shape ``(m, K)``; the best item comes first.

        Examples
        --------
        Item 2 won the first race, ahead of 0 and 1.

        >>> from mdpkit.feedback import Rankings
        >>> races = Rankings.from_lists([[2, 0, 1], [0, 2]])
        >>> races, races[0].tolist()
        (Rankings(2 rankings of 3 items), [2, 0, 1])
        """
        return cls(*_flatten(rankings, "rankings"), weights, n_items=n_items)

    @classmethod
    def from_frame(
        cls, frame: Any, *, ranking: str = "ranking", item: str = "item", rank: str = "rank", n_items: int | None = None
    ) -> Rankings:
        """Read a long `pandas.DataFrame` with the columns ranking, item and rank; rank 1 is the best."""
        label, items, place = (take_column(frame, name) for name in (ranking, item, rank))
        _, which = np.unique(label, return_inverse=True)
        order = np.lexsort((place, which))
        if len(order):
            again = (np.diff(which[order]) == 0) & (np.diff(place[order]) == 0)
            if again.any():
                line = int(order[1:][np.argmax(again)])
                raise InputError(
                    f"{rank}[{line}] = {place[line]} occurs twice in its ranking; rankings have no ties",
                    argument=rank,
                    index=line,
                    value=place[line].item(),
                )
        return cls(items[order], np.concatenate([[0], np.cumsum(np.bincount(which))]), n_items=n_items)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, k: int) -> Ints:
        if not 0 <= k < len(self):
            raise IndexError(f"ranking {k} is outside 0..{len(self) - 1}")
        return self.flat[self.offsets[k] : self.offsets[k + 1]]

    def __iter__(self) -> Iterator[Ints]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        return f"Rankings({len(self):,} rankings of {self.n_items:,} items)"


class TopChoices:
    """Choices of one item from a set: ``winners[k]`` was chosen from ``flat[offsets[k]:offsets[k+1]]``.

    Parameters
    ----------
    winners : array_like of int, shape (m,)
        The chosen items, each a member of its set.
    flat : array_like of int, shape (L,)
        All choice sets one after the other, winners included.
    offsets : array_like of int, shape (m + 1,)
        Where they begin and end.
    weights : array_like, shape (m,), optional
        Weight of each choice; one by default.
    n_items : int, optional
        Number of items; the largest index plus one by default.

    Raises
    ------
    ShapeError, StateIndexError, InputError
        Naming the choice and the item.
    """

    __slots__ = ("flat", "n_items", "offsets", "weights", "winners")
    winners: Ints
    flat: Ints
    offsets: Ints
    weights: Floats

    def __init__(
        self, winners: Any, flat: Any, offsets: Any, weights: Any = None, *, n_items: int | None = None
    ) -> None:
        items, ptr, n_items = _read_sets(flat, offsets, n_items, "flat", "choice set")
        chosen = check_indices(winners, "winners", n_items, "item")
        if len(chosen) != len(ptr) - 1:
            raise ShapeError(f"winners must have shape ({len(ptr) - 1},), found ({len(chosen)},)", argument="winners")
        members = np.zeros(len(chosen), dtype=np.int64)
        np.add.at(members, np.repeat(np.arange(len(chosen)), np.diff(ptr)), items == np.repeat(chosen, np.diff(ptr)))
        if (members == 0).any():
            k = int(np.argmin(members))
            raise InputError(
                f"winners[{k}] = {chosen[k]} is not in its choice set {items[ptr[k] : ptr[k + 1]].tolist()}",
                argument="winners",
                index=k,
                value=int(chosen[k]),
            )
        self.winners, self.flat, self.offsets, self.n_items = frozen(chosen), frozen(items), frozen(ptr), n_items
        self.weights = frozen(check_weights(weights, len(chosen)))

    @classmethod
    def from_lists(
        cls, winners: Any, choice_sets: Sequence[Any], weights: Any = None, *, n_items: int | None = None
    ) -> TopChoices:
        """Read winners and the sets they were chosen from.

        Examples
        --------
        >>> from mdpkit.feedback import TopChoices
        >>> TopChoices.from_lists(winners=[2, 0], choice_sets=[[0, 1, 2], [0, 1]])
        TopChoices(2 choices among 3 items)
        """
        return cls(winners, *_flatten(choice_sets, "choice_sets"), weights, n_items=n_items)

    def __len__(self) -> int:
        return len(self.winners)

    def __repr__(self) -> str:
        return f"TopChoices({len(self):,} choices among {self.n_items:,} items)"


def _flatten(lists: Any, name: str) -> tuple[Ints, Ints]:
    rows = [as_indices(row, f"{name}[{k}]") for k, row in enumerate(lists)]
    flat = np.concatenate([np.zeros(0, dtype=np.int64), *rows]).astype(np.int64)
    return flat, np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)


def _read_sets(flat: Any, offsets: Any, n_items: int | None, name: str, kind: str) -> tuple[Ints, Ints, int]:
    """Check ragged rows of distinct items."""
    n_items = None if n_items is None else check_count(n_items, "n_items")
    items = check_indices(flat, name, n_items, "item")
    ptr = as_indices(offsets, "offsets")
    if len(ptr) == 0 or ptr[0] != 0 or ptr[-1] != len(items):
        raise ShapeError(f"offsets must begin with 0 and end with {len(items)}", argument="offsets")
    lengths = np.diff(ptr)
    if (lengths < 1).any():
        k = int(np.argmax(lengths < 1))
        raise InputError(f"{kind} {k} is empty", argument="offsets", index=k, value=int(lengths[k]))
    which = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((items, which))
    again = (np.diff(which[order]) == 0) & (np.diff(items[order]) == 0)
    if again.any():
        position = int(order[1:][np.argmax(again)])
        k, item = int(which[position]), int(items[position])
        raise InputError(f"{kind} {k} holds item {item} twice", argument=name, index=k, value=item)
    return items, ptr, int(np.max(items, initial=-1)) + 1 if n_items is None else n_items
