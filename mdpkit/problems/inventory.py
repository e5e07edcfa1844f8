"""Stochastic inventory control with lost sales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.models import TabularMDP
from mdpkit.problems._arguments import check_demand, check_number, numbered

__all__ = ["inventory"]


def inventory(
    capacity: int = 3,
    *,
    gamma: float | None = 0.9,
    demand: Sequence[float] = (0.25, 0.5, 0.25),
    fixed_cost: float = 4.0,
    unit_cost: float = 2.0,
    holding_cost: float = 1.0,
    price: float = 8.0,
) -> TabularMDP:
    r"""Stochastic inventory control with lost sales.

    The state is the stock ``s``. Ordering ``a`` in ``0..M-s`` units costs ``fixed_cost`` (if ``a > 0``) plus
    ``unit_cost`` each and fills the stock to ``u = s + a``, which costs ``holding_cost`` each. Then demand ``D``
    comes: ``min(D, u)`` units are sold at ``price``, the rest of the demand is lost, and the next stock is
    ``max(u - D, 0)``.

    Parameters
    ----------
    capacity : int, default 3
        Largest stock ``M``.
    gamma : float, optional
        Discount factor; None for the undiscounted model.
    demand : sequence of float
        ``demand[d]`` is the probability that ``d`` units are asked for.
    fixed_cost, unit_cost, holding_cost, price : float
        Costs and the price, per order or per unit.

    Returns
    -------
    TabularMDP
        ``M + 1`` states; the action id is the quantity ordered, so action sets differ by state. Revenue depends on the
        demand: `TabularMDP.outcomes` keeps it with the successor, `TabularMDP.rewards` is its mean.

    Notes
    -----
    The defaults are Puterman's example. Over three periods the values are (67/16, 129/16, 97/8, 227/16), ordering
    (3, 0, 0, 0) in the first; :math:`\gamma = 0.9` gives (74405, 92185, 107985, 116845)/4244; the optimal gain is
    97/44 with bias (0, 41/11, 83/11, 10). In each of them an empty store orders up to 3 and others do not order. With
    convex holding costs and a fixed cost some (s, S) policy is optimal [2]_.

    References
    ----------
    .. [1] M. L. Puterman, *Markov Decision Processes*, Wiley, 1994, section 3.2.
    .. [2] H. Scarf, "The optimality of (S, s) policies in the dynamic inventory problem", 1960.

    Examples
    --------
    >>> from mdpkit import problems
    >>> store = problems.inventory()
    >>> store.rewards
    array([[  0.,  -1.,  -2.,  -5.],
           [  5.,   0.,  -3., -inf],
           [  6.,  -1., -inf, -inf],
           [  5., -inf, -inf, -inf]])
    >>> store.transition(1, "order 2").tolist()
    [0.0, 0.25, 0.5, 0.25]
    """
    top = check_count(capacity, "capacity")
    law = check_demand(demand, "demand")
    costs = {"fixed_cost": fixed_cost, "unit_cost": unit_cost, "holding_cost": holding_cost}
    fixed, per_unit, holding = (check_number(value, name, least=0.0) for name, value in costs.items())
    price = check_number(price, "price")
    after = _after_demand(top, law)
    stock = np.arange(top + 1)
    choices = top + 1 - stock
    state = np.repeat(stock, choices)
    order = np.arange(len(state)) - np.repeat(np.cumsum(choices) - choices, choices)
    filled = state + order
    P = after[filled]
    lengths = np.diff(P.indptr)
    expense = fixed * (order > 0) + per_unit * order + holding * filled
    sold = np.repeat(filled, lengths) - P.indices
    r = sp.csr_array((price * sold - np.repeat(expense, lengths), P.indices, P.indptr), shape=P.shape)
    return TabularMDP.from_pairs(
        state,
        order,
        P,
        r,
        gamma,
        state_names=numbered(top + 1, "stock {}"),
        action_names=[f"order {a}" for a in range(top + 1)],
    )


def _after_demand(top: int, law: Floats) -> Any:
    """Return the law of the stock left over from each stock ``0..top``, rows of one sparse matrix."""
    tail = np.zeros(top + 1)
    size = min(len(law), top + 1)
    # tail[u] is the probability that the demand empties a stock of u.
    tail[:size] = np.cumsum(law[::-1])[::-1][:size]
    stock, sold = np.divmod(np.arange((top + 1) * size), size)
    some_left = (stock > sold) & (law[sold] > 0.0)
    stock, sold = stock[some_left], sold[some_left]
    emptied = np.flatnonzero(tail > 0.0)
    row = np.concatenate([emptied, stock])
    col = np.concatenate([np.zeros(len(emptied), np.int64), stock - sold])
    prob = np.concatenate([tail[emptied], law[sold]])
    return sp.coo_array((prob, (row, col)), shape=(top + 1, top + 1)).tocsr()
