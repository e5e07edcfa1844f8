"""Forest management: wait for old wood, or cut before the fire comes."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count
from mdpkit.models import TabularMDP
from mdpkit.problems._arguments import check_number, check_probability, numbered

__all__ = ["forest"]


def forest(
    n_states: int = 3,
    *,
    gamma: float | None = 0.96,
    r_wait: float = 4.0,
    r_cut: float = 2.0,
    fire_probability: float = 0.1,
) -> TabularMDP:
    r"""Forest management: wait for old wood, or cut before the fire comes.

    The state is the age class of the forest, 0 the youngest. Under *wait* it burns down to 0 with probability ``p``,
    else it grows one class older (the oldest stays oldest). *cut* leads to 0. Waiting pays ``r_wait`` in the oldest
    class and nothing elsewhere; cutting pays nothing in class 0, ``r_cut`` in the oldest and 1 in between.

    Parameters
    ----------
    n_states : int, default 3
        Number of age classes ``S``, at least 2.
    gamma : float, optional
        Discount factor; None for the undiscounted model.
    r_wait, r_cut : float
        Rewards of the two actions in the oldest class.
    fire_probability : float, default 0.1
        Probability ``p`` of a fire in a step without a cut.

    Returns
    -------
    TabularMDP
        ``S`` states, two actions (0 *wait*, 1 *cut*), sparse.

    Notes
    -----
    Write :math:`q = \gamma(1-p)` and :math:`n = S-1`. Always waiting is worth

    .. math:: V(0) = \frac{q^n r_{wait}}{1-\gamma}, \qquad V(s) = \frac{\gamma p V(0) + q^{n-s} r_{wait}}{1-q},

    and it is optimal exactly when :math:`1 + \gamma V(0) \le V(1)` (not needed for ``S = 2``) and
    :math:`r_{cut} + \gamma V(0) \le V(n)`. For three classes the values are (26.244, 29.484, 33.484) at
    :math:`\gamma = 0.9` and (74.6496, 78.1056, 82.1056) at 0.96.

    The conventions are those of pymdptoolbox's ``mdptoolbox.example.forest(S, r1, r2, p)``.

    References
    ----------
    .. [1] I. Chadès, G. Chapron, M.-J. Cros, F. Garcia, R. Sabbadin, "MDPtoolbox: a multi-platform toolbox to solve
       stochastic dynamic programming problems", *Ecography* 37, 2014.

    Examples
    --------
    >>> from mdpkit import problems
    >>> model = problems.forest()
    >>> model
    TabularMDP(S=3, A=2, nnz=9, gamma=0.96, sparse, states=age 0, age 1, age 2, actions=wait, cut)
    >>> model.transition("age 1", "wait").tolist()
    [0.1, 0.0, 0.9]
    """
    n = check_count(n_states, "n_states", least=2)
    wait, cut = check_number(r_wait, "r_wait"), check_number(r_cut, "r_cut")
    fire = check_probability(fire_probability, "fire_probability")
    # Three entries per state: wait -> {0, one older}, cut -> {0}.
    col = np.zeros((n, 3), dtype=np.int32)
    col[:, 1] = np.minimum(np.arange(1, n + 1), n - 1)
    prob = np.broadcast_to([fire, 1.0 - fire, 1.0], (n, 3)).reshape(-1)
    row_ptr = np.append(3 * np.arange(n)[:, None] + [0, 2], 3 * n)
    r = np.zeros((n, 2))
    r[1:, 1] = 1.0
    r[-1] = wait, cut
    return TabularMDP(
        sp.csr_array((prob, col.reshape(-1), row_ptr), shape=(2 * n, n)),
        r,
        gamma,
        state_names=numbered(n, "age {}"),
        action_names=["wait", "cut"],
    )
