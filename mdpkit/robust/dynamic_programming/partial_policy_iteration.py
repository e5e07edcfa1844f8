"""Partial policy iteration (Ho, Petrik and Wiesemann 2021)."""

from __future__ import annotations

import numpy as np

from mdpkit.planning.rounding import largest
from mdpkit.planning.run import Run
from mdpkit.robust.dynamic_programming.evaluation import evaluate_exactly
from mdpkit.robust.operator import RobustBellman


def partial_policy_iteration(run: Run[RobustBellman]) -> None:
    r"""Evaluate each policy only as well as needed: :math:`\|T_\pi V_k - V_k\| \le (1 - \gamma) \epsilon_k`.

    The accuracies shrink by ``gamma^2`` at least, ``eps_{k+1} = min(gamma^2 eps_k, ||T V_k - V_k|| / 2(1 - gamma))``;
    then ``||V* - V^{pi_{k+1}}|| <= gamma^k (||V* - V^{pi_1}|| + 2 eps_1 / (1 - gamma)^2)``.
    """
    operator, gamma = run.bellman, run.bellman.gamma
    V, W = run.V.copy(), np.empty_like(run.V)
    lo, hi = operator.sweep(V, W)
    if run.check(V, W, lo, hi):
        return
    accuracy = max(abs(lo), abs(hi)) / (1.0 - gamma)
    while True:
        plan = operator.plan.copy()
        V = evaluate_exactly(operator, plan, W.copy(), accuracy=(1.0 - gamma) * accuracy)
        lo, hi = operator.sweep(V, W)
        if run.check(V, W, lo, hi):
            return
        accuracy = min(gamma**2 * accuracy, 0.5 * largest(W - V) / (1.0 - gamma))
