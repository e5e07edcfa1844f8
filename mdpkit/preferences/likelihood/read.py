"""From the containers of `mdpkit.feedback` to the likelihoods of items."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from mdpkit._arguments import check_count
from mdpkit.errors import InputError
from mdpkit.feedback import LinearPairs, LinearRankings, PairCounts, PairList, Rankings, TopChoices
from mdpkit.preferences.likelihood.order_table import OrderTable
from mdpkit.preferences.likelihood.pair_table import PairTable

__all__ = ["ItemData", "ItemTable", "add_half_ties", "check_item_data", "read_items"]

ItemData: TypeAlias = PairCounts | PairList | Rankings | TopChoices
ItemTable: TypeAlias = PairTable | OrderTable


def check_item_data(data: Any, n_items: int | None) -> int:
    """Check the container and return the number of items."""
    if isinstance(data, (LinearPairs, LinearRankings)):
        raise InputError(
            f"data compares feature vectors ({type(data).__name__}); use fit_reward for linear rewards",
            argument="data",
        )
    if not isinstance(data, (PairCounts, PairList, Rankings, TopChoices)):
        raise InputError(
            f"data must be PairCounts, PairList, Rankings or TopChoices of mdpkit.feedback, found"
            f" {type(data).__name__}: PairList.from_pairs([(winner, loser), ...]) reads pairs,"
            " Rankings.from_lists([[best, ..., worst], ...]) rankings",
            argument="data",
        )
    if n_items is None:
        return max(data.n_items, 1)
    n = check_count(n_items, "n_items")
    if n < data.n_items:
        raise InputError(f"n_items = {n}, but data holds items up to {data.n_items - 1}", argument="n_items", value=n)
    if isinstance(data, PairCounts) and n > data.n_items:
        raise InputError(f"n_items = {n}, but data.W is a matrix of {data.n_items} items", argument="n_items", value=n)
    return n


def read_items(data: ItemData, n_items: int) -> ItemTable:
    """Return the likelihood of comparisons of items; ties must have been dealt with."""
    if isinstance(data, (PairCounts, PairList)):
        return PairTable.read(data, n_items)
    return OrderTable.read(data, n_items)


def add_half_ties(data: PairCounts) -> PairCounts:
    """Count every tie as half a win of each."""
    return data if data.ties is None else PairCounts(np.asarray(data.W + data.ties / 2))
