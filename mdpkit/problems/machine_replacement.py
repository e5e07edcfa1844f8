"""Machine replacement: run a wearing machine, or have it repaired."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count
from mdpkit.models import TabularMDP
from mdpkit.problems._arguments import NAMED_STATES, check_number, check_probability, remaining

__all__ = ["machine_replacement"]


def machine_replacement(
    n_levels: int = 8,
    *,
    gamma: float | None = 0.9,
    wear_probability: float = 0.8,
    repair_probability: float = 0.6,
    long_repair_probability: float = 0.1,
    finish_probability: float = 0.8,
    failure_cost: float = 20.0,
    long_repair_cost: float = 10.0,
    repair_cost: float = 2.0,
) -> TabularMDP:
    r"""Machine replacement: run a wearing machine, or have it repaired.

    States ``0..L-1`` are levels of wear, ``L-1`` a failed machine; state ``L`` is a long repair, state ``L+1`` a normal
    one. *wait* wears the machine one level with ``wear_probability``, else it keeps its level; a failed machine stays
    failed and a long repair goes on. *repair* starts a normal repair with ``repair_probability``, a long one with
    ``long_repair_probability``, else nobody comes and the machine wears one level; it turns a long repair into a
    normal one with ``repair_probability``. A normal repair is finished by *wait* with ``finish_probability`` and yields
    a new machine; asking for *repair* again only prolongs it.

    The reward depends on the state *reached*: minus ``failure_cost`` for a failed machine, minus ``long_repair_cost``
    or ``repair_cost`` for a machine in repair, else 0.

    Parameters
    ----------
    n_levels : int, default 8
        Number of wear levels ``L``, at least 2.
    gamma : float, optional
        Discount factor; None for the undiscounted model.
    wear_probability, repair_probability, long_repair_probability, finish_probability : float
        As described above.
    failure_cost, long_repair_cost, repair_cost : float
        Costs per step, at least 0.

    Returns
    -------
    TabularMDP
        ``L + 2`` states, two actions (0 *wait*, 1 *repair*), sparse, with outcomes.

    Notes
    -----
    The defaults are the machine replacement data shipped with craam2. A control limit is optimal: wait below level 4,
    repair from level 4 on and in a long repair, wait in a normal one, at discounts 0.9, 0.99 and 0.999 alike. At
    0.9, :math:`V(0) = -631675863936/118329103625 = -5.3383`; the optimal gain is -2374/3325. Levels ``L-2`` and
    ``L-1`` repair into the same successors, so their values agree once repairing is optimal in both.

    References
    ----------
    .. [1] E. Delage, S. Mannor, "Percentile optimization for Markov decision processes with parameter uncertainty",
       *Operations Research* 58, 2010.
    .. [2] M. Petrik, craam2, ``examples/R/machine_replacement`` (MIT licence),
       https://github.com/marekpetrik/craam2.

    Examples
    --------
    >>> from mdpkit import problems
    >>> machine = problems.machine_replacement()
    >>> machine.reward("wear 6", "wait"), machine.reward("failed", "wait")
    (-16.0, -20.0)
    >>> machine.has_random_rewards
    True
    """
    n = check_count(n_levels, "n_levels", least=2)
    wear = check_probability(wear_probability, "wear_probability")
    repair = check_probability(repair_probability, "repair_probability")
    long = check_probability(long_repair_probability, "long_repair_probability")
    missed = remaining(repair, long, "repair_probability", "long_repair_probability")
    finish = check_probability(finish_probability, "finish_probability")
    cost = np.zeros(n + 2)
    cost[n - 1] = check_number(failure_cost, "failure_cost", least=0.0)
    cost[n] = check_number(long_repair_cost, "long_repair_cost", least=0.0)
    cost[n + 1] = check_number(repair_cost, "repair_cost", least=0.0)
    in_long, in_normal = n, n + 1
    level = np.arange(n)
    worse = np.minimum(level + 1, n - 1)
    full = np.ones(n)
    # One block per cause: (row, successor, probability); row 2s is wait, row 2s + 1 repair.
    blocks = [
        (2 * level, level, (1.0 - wear) * full),
        (2 * level, worse, wear * full),
        (2 * level + 1, worse, missed * full),
        (2 * level + 1, np.full(n, in_long), long * full),
        (2 * level + 1, np.full(n, in_normal), repair * full),
        (
            2 * np.array([in_long, in_long, in_long, in_normal, in_normal, in_normal]) + [0, 1, 1, 0, 0, 1],
            np.array([in_long, in_long, in_normal, 0, in_normal, in_normal]),
            np.array([1.0, 1.0 - repair, repair, finish, 1.0 - finish, 1.0]),
        ),
    ]
    row, col, prob = (np.concatenate(column) for column in zip(*blocks, strict=True))
    P = sp.coo_array((prob, (row, col)), shape=(2 * (n + 2), n + 2)).tocsr()
    P.eliminate_zeros()
    names = [*(f"wear {i}" for i in range(n - 1)), "failed", "long repair", "normal repair"]
    return TabularMDP(
        P,
        sp.csr_array((0.0 - cost[P.indices], P.indices, P.indptr), shape=P.shape),
        gamma,
        initial=0,
        state_names=names if n + 2 <= NAMED_STATES else None,
        action_names=["wait", "repair"],
    )
