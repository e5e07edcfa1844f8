"""Exact evaluation of a policy: nature's own policy iteration against it."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.planning.discounted.linear_solvers import factorize
from mdpkit.planning.rounding import largest
from mdpkit.robust.operator import Plan, RobustBellman

NATURE_ROUNDS = 200
"""Finite for polyhedral sets and quadratic otherwise; this cap is only met at the level of rounding."""


def evaluate_exactly(operator: RobustBellman, plan: Plan, V: Floats, *, accuracy: float = 0.0) -> Floats:
    """Return the worst-case value of a policy, by policy iteration for nature.

    Fix nature's rows, solve ``(I - gamma P) V = r``, let nature answer the new values, until the residual of ``T_pi``
    is at most ``accuracy`` or what rounding explains. The values fall from round to round; where they stop falling,
    nature has nothing better.
    """
    W = np.empty_like(V)
    best, least = V, np.inf
    for _ in range(NATURE_ROUNDS):
        before, V = V, linearized_values(operator, plan, V)
        if not np.isfinite(V).all():
            break
        operator.evaluate(plan, V, W)
        residual, scale = largest(W - V), largest(V)
        if residual < least:
            best, least = V, residual
        if residual <= max(accuracy, operator.rounding.sweep_error(scale)):
            break
        if largest(V - before) <= operator.rounding.tie(scale):
            break
    return best


def linearized_values(operator: RobustBellman, plan: Plan, V: Floats) -> Floats:
    """Freeze nature's answer to ``V`` and return the value of the policy in that one kernel.

    As a method of its own (undamped policy iteration) this cycles; it is a step of methods that check it.
    """
    rows, reward = operator.worst_process(plan, V)
    return factorize(rows, operator.gamma, "auto")(reward)
