"""Robust modified policy iteration (Kaufman and Schaefer 2013)."""

from __future__ import annotations

import numpy as np

from mdpkit._arguments import check_count
from mdpkit.planning.run import Run
from mdpkit.robust.operator import RobustBellman

EVALUATION_SHARE = 0.1
"""An evaluation that shrinks the span below this share of the improvement's is accurate enough."""


def modified_policy_iteration(run: Run[RobustBellman], *, sweeps: int = 20) -> None:
    """Alternate improvement sweeps over all pairs with evaluation sweeps over the policy's pairs.

    Every evaluation sweep solves nature's problem anew: freezing nature's kernel would be another, cycling method.
    Values are shifted by the midpoint of the span bounds, which the covariance ``T(V + c) = T V + gamma c`` allows.

    Parameters
    ----------
    run : Run
        The run; its operator is a `RobustBellman`.
    sweeps : int, default 20
        Most evaluation sweeps per improvement.
    """
    most = check_count(sweeps, "sweeps", least=0)
    operator = run.bellman
    factor = operator.gamma / (1.0 - operator.gamma)
    V, W = run.V.copy(), np.empty_like(run.V)
    while True:
        lo, hi = operator.sweep(V, W)
        if run.check(V, W, lo, hi):
            return
        V, W = W, V
        V += factor * (lo + hi) / 2
        plan, enough = operator.plan.copy(), EVALUATION_SHARE * (hi - lo)
        for _ in range(most):
            lo, hi = operator.evaluate(plan, V, W)
            V, W = W, V
            if hi - lo <= enough:
                break
        V += factor * (lo + hi) / 2
        run.V = V
