"""Spectral ranking: Luce spectral ranking, its iteration to the maximum-likelihood estimate, and rank centrality."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.preferences.likelihood import ItemTable, PairTable
from mdpkit.preferences.newton import NewtonRun
from mdpkit.preferences.strengths._kernels import log_stationary
from mdpkit.preferences.strengths.minorize import iterate

__all__ = ["iterated_luce_spectral_ranking", "luce_spectral_ranking", "rank_centrality"]

SMALLEST = -700.0
"""Least log strength, relative to the largest, that enters a rate."""


def luce_spectral_ranking(table: ItemTable, theta: Floats) -> Floats:
    """Return the log of the stationary distribution of the chain that moves from losers to winners, centered.

    Every stage ``(w, S)`` adds the rate ``1 / sum_{j in S} p_j`` from each loser to the winner.
    """
    # beyond the range of doubles the rates of hopeless items no longer matter
    strengths = np.exp(np.maximum(theta - np.max(theta), SMALLEST))
    return _centered(log_stationary(table.rates(strengths)))


def iterated_luce_spectral_ranking(table: ItemTable, theta: Floats, *, tol: float, max_iter: int) -> NewtonRun:
    """Repeat the step with the strengths it found; a fixed point balances wins, so it is the estimate."""

    def step(theta: Floats) -> Floats:
        return luce_spectral_ranking(table, theta)

    return iterate(table, step, theta, tol=tol, max_iter=max_iter)


def rank_centrality(table: PairTable) -> Floats:
    """Return the log of the stationary distribution of the chain with the observed winning shares, centered.

    The published chain divides all shares by the largest degree and stays put with the rest; that slows it down but
    leaves the stationary distribution as it is.
    """
    Q = np.zeros((table.n_items, table.n_items))
    total = table.wins + table.losses
    Q[table.second, table.first] = table.wins / total
    Q[table.first, table.second] = table.losses / total
    return _centered(log_stationary(Q))


def _centered(theta: Floats) -> Floats:
    return np.asarray(theta - np.mean(theta))
