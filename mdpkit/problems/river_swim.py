"""RiverSwim: a small sure reward downstream, a large one far upstream."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count
from mdpkit.models import TabularMDP
from mdpkit.problems._arguments import check_number, check_probability, remaining

__all__ = ["river_swim"]


def river_swim(
    n_states: int = 6,
    *,
    gamma: float | None = 0.95,
    up: float = 0.35,
    down: float = 0.05,
    first_up: float = 0.6,
    last_down: float = 0.4,
    small_reward: float = 0.005,
    large_reward: float = 1.0,
) -> TabularMDP:
    r"""RiverSwim: a small sure reward downstream, a large one far upstream.

    *left* swims with the current and surely reaches the next state to the left; in state 0 it stays and earns
    ``small_reward``. *right* swims against it: from an inner state one state up with probability ``up``, one down with
    ``down``, else it stays; from state 0 up with ``first_up``, else it stays; from the last state down with
    ``last_down``, else it stays, and it earns ``large_reward`` there either way.

    Parameters
    ----------
    n_states : int, default 6
        Number of states, at least 2.
    gamma : float, optional
        Discount factor; None for the undiscounted model.
    up, down : float
        Probabilities of moving up and down when swimming right from an inner state.
    first_up : float
        Probability of moving up when swimming right from state 0.
    last_down : float
        Probability of being pushed down when swimming right from the last state.
    small_reward, large_reward : float
        Rewards for *left* in state 0 and for *right* in the last state.

    Returns
    -------
    TabularMDP
        Two actions (0 *left*, 1 *right*), sparse; episodes start in state 0.

    Notes
    -----
    **The literature has two rivers.** The default pushes *up* with 0.35 and down with 0.05, as in [2]_ and most code
    since; other papers swap the two and push *down* with 0.35, which is
    ``river_swim(up=0.05, down=0.35)`` and makes the far reward far harder to reach. Numbers of the one are not
    comparable with numbers of the other. The original of [1]_ has a third set,
    ``river_swim(up=0.3, down=0.1, first_up=0.3, last_down=0.7, small_reward=5, large_reward=3000)``; it pays 10000 when
    the swimmer stays in the last state, which happens with probability 0.3.

    Always swimming right visits the states like a birth-death chain; its long-run share of the last state is

    .. math:: \pi(S-1) \propto \frac{p_0}{d} \rho^{S-3} \frac{u}{d_{last}}, \quad \pi(0) \propto 1, \quad
              \pi(s) \propto \frac{p_0}{d} \rho^{s-1}, \quad \rho = u/d,

    with :math:`p_0` ``first_up``, :math:`u` ``up``, :math:`d` ``down``, :math:`d_{last}` ``last_down``
    (``S >= 3``), and its gain is ``large_reward`` times that share. With the defaults always right is optimal: gain
    7203/16805, bias (0, 2401, 6860, 11613, 16408, 21209)/3361; at :math:`\gamma = 0.95` the values are (17835341097,
    19399844702, 22540615097, 26378862762, 30893930137, 36184643542)/3819703271, from 4.6693 to 9.4732; at 0.99
    :math:`V(0) = 6989776866765/184647524779`.

    References
    ----------
    .. [1] A. L. Strehl, M. L. Littman, "An analysis of model-based interval estimation for Markov decision processes",
       *Journal of Computer and System Sciences* 74, 2008.
    .. [2] I. Osband, D. Russo, B. Van Roy, "(More) efficient reinforcement learning via posterior sampling",
       NeurIPS 2013.

    Examples
    --------
    >>> from mdpkit import problems
    >>> river = problems.river_swim()
    >>> river.transition(2, "right").tolist()
    [0.0, 0.05, 0.6, 0.35, 0.0, 0.0]
    >>> river.reward(0, "left"), river.reward(5, "right")
    (0.005, 1.0)
    """
    n = check_count(n_states, "n_states", least=2)
    up, down = check_probability(up, "up"), check_probability(down, "down")
    stay = remaining(up, down, "up", "down")
    first_up, last_down = check_probability(first_up, "first_up"), check_probability(last_down, "last_down")
    small, large = check_number(small_reward, "small_reward"), check_number(large_reward, "large_reward")
    s = np.arange(n)
    # Four entries per state: left -> {s-1}, right -> {s-1, s, s+1}; those beyond an end have probability 0.
    col = np.clip(s[:, None] + [-1, -1, 0, 1], 0, n - 1)
    prob = np.tile([1.0, down, stay, up], (n, 1))
    prob[0, 1:] = 0.0, 1.0 - first_up, first_up
    prob[-1, 1:] = last_down, 1.0 - last_down, 0.0
    row = (2 * s)[:, None] + [0, 1, 1, 1]
    possible = prob > 0.0
    r = np.zeros((n, 2))
    r[0, 0], r[-1, 1] = small, large
    return TabularMDP(
        sp.coo_array((prob[possible], (row[possible], col[possible])), shape=(2 * n, n)).tocsr(),
        r,
        gamma,
        initial=0,
        action_names=["left", "right"],
    )
