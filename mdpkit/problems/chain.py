"""A long chain: a sure way back, a lossy way forward."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count
from mdpkit.models import TabularMDP
from mdpkit.problems._arguments import check_number, check_probability

__all__ = ["chain"]


def chain(
    n_states: int,
    *,
    gamma: float | None = 0.999,
    success_probability: float = 0.7,
    small_reward: float = 0.005,
    large_reward: float = 1.0,
) -> TabularMDP:
    r"""Chain with a sure way back and a lossy way forward.

    *left* surely moves one state to the left (state 0 stays) and earns ``small_reward`` in state 0. *right* moves one
    state to the right with ``success_probability`` (the last state stays), else to the left, and earns ``large_reward``
    in the last state.

    Parameters
    ----------
    n_states : int
        Number of states, at least 2.
    gamma : float, optional
        Discount factor; None for the undiscounted model.
    success_probability : float, default 0.7
        Probability that *right* moves right.
    small_reward, large_reward : float
        Rewards for *left* in state 0 and for *right* in the last state.

    Returns
    -------
    TabularMDP
        Two actions (0 *left*, 1 *right*), sparse; 10^6 states take about a second.

    Notes
    -----
    Information travels one state per sweep, so a chain needs at least ``n_states`` Jacobi sweeps before state 0 has
    heard of the far reward: the hard case for plain value iteration.

    Always going right is a birth-death chain with ratio :math:`\rho = p/(1-p)`; its gain is ``large_reward`` times
    :math:`\pi(S-1) = \rho^{S-1}(\rho-1)/(\rho^S-1)`, which tends to :math:`1 - 1/\rho` (4/7 with the defaults). Always
    going left has gain ``small_reward``.

    Examples
    --------
    >>> from mdpkit import problems
    >>> problems.chain(100_000)
    TabularMDP(S=100,000, A=2, nnz=300,000, gamma=0.999, sparse, actions=left, right)
    """
    n = check_count(n_states, "n_states", least=2)
    success = check_probability(success_probability, "success_probability")
    small, large = check_number(small_reward, "small_reward"), check_number(large_reward, "large_reward")
    s = np.arange(n)
    # Three entries per state: left -> {s-1}, right -> {s-1, s+1}.
    col = np.clip(s[:, None] + [-1, -1, 1], 0, n - 1).astype(np.int32)
    prob = np.broadcast_to([1.0, 1.0 - success, success], (n, 3)).reshape(-1)
    row_ptr = np.append(3 * s[:, None] + [0, 1], 3 * n)
    r = np.zeros((n, 2))
    r[0, 0], r[-1, 1] = small, large
    return TabularMDP(
        sp.csr_array((prob, col.reshape(-1), row_ptr), shape=(2 * n, n)),
        r,
        gamma,
        initial=0,
        action_names=["left", "right"],
    )
