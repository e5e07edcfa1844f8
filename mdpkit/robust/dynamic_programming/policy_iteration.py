"""Robust policy iteration: evaluate exactly, improve, repeat."""

from __future__ import annotations

import numpy as np

from mdpkit.planning.discounted.value_iteration import value_iteration
from mdpkit.planning.rounding import largest
from mdpkit.planning.run import Run
from mdpkit.robust.dynamic_programming.evaluation import evaluate_exactly
from mdpkit.robust.operator import RobustBellman

ACCURACY = 0.1
"""Residuals of an evaluation, as a share of what the tolerance allows in the end."""


def policy_iteration(run: Run[RobustBellman]) -> None:
    """Evaluate a policy against nature's best answer, improve it, until nothing improves (Iyengar 2005).

    A state changes its action only where that gains more than rounding and the evaluation's own residual explain;
    without that rule ties cycle. Strongly polynomial for (s,a)-rectangular L-infinity sets and fixed gamma
    (Asadi et al. 2026).
    """
    operator = run.bellman
    W = np.empty_like(run.V)
    operator.sweep(run.V, W)
    plan, V = operator.plan.copy(), W.copy()
    accuracy = ACCURACY * run.tol * (1.0 - operator.gamma)
    while True:
        V = evaluate_exactly(operator, plan, V, accuracy=accuracy)
        of_policy = np.empty_like(V)
        operator.evaluate(plan, V, of_policy)
        lo, hi = operator.sweep(V, W)
        if run.check(V, W, lo, hi):
            return
        residual = largest(of_policy - V)
        noise = 2 * operator.gamma * residual / (1.0 - operator.gamma)
        if not operator.improve(plan, W, of_policy, operator.rounding.tie(largest(V)) + noise):
            break
    # Nothing improves, yet the evaluation was too coarse for the tolerance: let a contraction finish.
    run.V = W.copy()
    value_iteration(run)
