"""Existence for items: strong connectivity of who lost to whom (Ford 1957), and what ties change."""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import NegativeCycleError, bellman_ford, connected_components

from mdpkit._typing import Floats, Ints
from mdpkit.feedback import PairCounts
from mdpkit.preferences.existence.result import Existence, name_items

__all__ = ["item_existence", "tied_existence"]

ATTAINED = "the maximum is attained, and unique up to a common shift"


def item_existence(losers: Ints, winners: Ints, n_items: int) -> Existence:
    """Judge who lost to whom: the maximum is attained if and only if every item can be reached from every other."""
    edges = sp.csr_array((np.ones(len(losers), dtype=np.int8), (losers, winners)), shape=(n_items, n_items))
    count, found = connected_components(edges, connection="strong")
    label: Ints = found.astype(np.int64)
    if count == 1:
        return Existence(True, (np.arange(n_items),), True, None, ATTAINED)
    groups = _best_first(label, count, losers, winners)
    level = np.empty(n_items)
    for place, group in enumerate(groups):
        level[group] = count - place
    islands, island = connected_components(edges, connection="weak")
    if islands > 1:
        first, second = np.flatnonzero(island == island[0]), np.flatnonzero(island != island[0])
        small, large = sorted((first, second), key=len)
        message = f"{name_items(small)} and {name_items(large)} were never compared, directly or through others"
        return Existence(False, groups, False, level, message)
    message = (
        f"the likelihood has no maximum: {name_items(groups[0])} never lost to the other items, so utilities run away"
        " to infinity"
    )
    inner = [group for group in groups if len(group) > 1]
    if len(groups) > 2 or inner:
        message += f" ({len(groups)} groups, from best to worst; {name_items(groups[-1])} never won against the others)"
    return Existence(False, groups, True, level, message)


def _best_first(label: Ints, count: int, losers: Ints, winners: Ints) -> tuple[Ints, ...]:
    """Order the groups so that none lost to a later one."""
    crossing = label[losers] != label[winners]
    links = np.unique(np.stack([label[losers[crossing]], label[winners[crossing]]], axis=1), axis=0)
    sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(range(count), ()))
    for loser, winner in links.tolist():
        sorter.add(loser, winner)
    members = np.split(np.argsort(label, kind="stable"), np.cumsum(np.bincount(label, minlength=count))[:-1])
    return tuple(members[k] for k in sorter.static_order())


def tied_existence(data: PairCounts) -> Existence:
    r"""Judge comparisons with ties under Davidson's model, whose tie parameter ``nu`` is free.

    The model is a multinomial logit with the scores ``theta_i``, ``theta_j`` and ``log nu + (theta_i + theta_j) / 2``
    of the three outcomes, so a direction ``(u, e)`` ruins the maximum if every observed outcome scores at least as high
    as the other two. For ``e = 0`` that is the usual condition, with ties as links both ways. For ``e > 0``, scaled to
    1/2, it says ``u_winner >= u_loser + 1`` and ``|u_i - u_j| <= 1`` for ties: a potential, which exists unless some
    cycle of losers to winners and along ties has more wins than ties in it.
    """
    assert data.ties is not None
    n = data.n_items
    winners, losers = np.nonzero(data.W)
    one, other = np.nonzero(data.ties)
    connectivity = item_existence(np.concatenate([losers, one]), np.concatenate([winners, other]), n)
    if not connectivity.exists or len(one) == 0:
        return connectivity
    # constraint u[head] <= u[tail] + length; a win may repeat a tie and is then the stricter of the two
    length = np.full((n, n), np.inf)
    length[one, other] = 1.0
    length[winners, losers] = -1.0
    present = np.isfinite(length)
    graph: Any = sp.csr_array((length[present], np.nonzero(present)), shape=(n, n))
    try:
        potential: Floats = bellman_ford(graph, indices=[0])[0]
    except NegativeCycleError:
        return connectivity
    message = (
        "the likelihood has no maximum: ties are so frequent that utilities and the tie parameter run away together"
        " (no cycle of comparisons has more wins than ties)"
    )
    return Existence(False, (np.arange(n),), True, potential, message)
