"""The gambler's problem: stake what you have to reach a goal."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count
from mdpkit.models import TabularMDP
from mdpkit.problems._arguments import check_probability, numbered

__all__ = ["gambler"]


def gambler(goal: int = 100, *, win_probability: float = 0.4) -> TabularMDP:
    r"""Gambler's problem: stake what you have to reach a goal.

    With capital ``s`` the gambler stakes ``a`` in ``1..min(s, N-s)`` and wins it with probability ``p``, else loses it.
    Reaching the goal ``N`` pays 1, so the value of a state is the probability of reaching the goal. Capital 0 and
    ``N`` are absorbing. The model is undiscounted.

    Parameters
    ----------
    goal : int, default 100
        Capital ``N`` to reach, at least 2.
    win_probability : float, default 0.4
        Probability ``p`` of winning a stake.

    Returns
    -------
    TabularMDP
        ``N + 1`` states. The action id *is* the stake; id 0 ("stop") belongs to the two absorbing states only and is
        their one action.

    Notes
    -----
    For :math:`p \le 1/2` bold play, staking ``min(s, N-s)``, is optimal (among many ties), and with
    :math:`x = s/N` its value solves :math:`V(x) = p V(2x)` for :math:`x \le 1/2` and
    :math:`V(x) = p + (1-p) V(2x-1)` above. For ``N = 8`` and ``p = 0.4`` the values of 1..7 are (8/125, 4/25, 32/125,
    2/5, 62/125, 16/25, 98/125); for ``N = 100``, V(25) = 0.16, V(50) = 0.4, V(75) = 0.64, V(51) = 0.403098437165.
    A fair coin gives :math:`s/N` whatever the stakes. For :math:`p > 1/2` stakes of 1 are optimal and
    :math:`V(s) = (1-\rho^s)/(1-\rho^N)`, :math:`\rho = (1-p)/p`.

    References
    ----------
    .. [1] L. E. Dubins, L. J. Savage, *How to Gamble If You Must*, McGraw-Hill, 1965.
    .. [2] R. S. Sutton, A. G. Barto, *Reinforcement Learning*, 2nd edition, MIT Press, 2018, example 4.3.

    Examples
    --------
    >>> from mdpkit import problems
    >>> game = problems.gambler(8)
    >>> game.transition(3, "stake 2").tolist()
    [0.0, 0.6, 0.0, 0.0, 0.0, 0.4, 0.0, 0.0, 0.0]
    >>> game.reward(6, "stake 2"), game.reward(6, "stake 1")
    (0.4, 0.0)
    """
    n = check_count(goal, "goal", least=2)
    win = check_probability(win_probability, "win_probability")
    capital = np.arange(n + 1)
    most = np.minimum(capital, n - capital)
    count = np.maximum(most, 1)
    state = np.repeat(capital, count)
    first = np.cumsum(count) - count
    # Stakes run 1..most; the absorbing ends own the single id 0.
    stake = np.arange(len(state)) - np.repeat(first, count) + (np.repeat(most, count) > 0)
    live = np.flatnonzero(stake > 0)
    ends = np.flatnonzero(stake == 0)
    row = np.concatenate([live, live, ends])
    col = np.concatenate([state[live] - stake[live], state[live] + stake[live], state[ends]])
    prob = np.concatenate([np.full(len(live), 1.0 - win), np.full(len(live), win), np.ones(len(ends))])
    pays = np.concatenate([np.zeros(len(live), bool), state[live] + stake[live] == n, np.zeros(len(ends), bool)])
    shape = (len(state), n + 1)
    return TabularMDP.from_pairs(
        state,
        stake,
        sp.coo_array((prob, (row, col)), shape=shape).tocsr(),
        sp.coo_array((pays.astype(np.float64), (row, col)), shape=shape).tocsr(),
        state_names=numbered(n + 1, "capital {}"),
        action_names=["stop", *(f"stake {a}" for a in range(1, n // 2 + 1))],
    )
