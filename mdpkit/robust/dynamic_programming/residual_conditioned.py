"""Residual-conditioned policy iteration (Badger, Huang and Petrik 2025)."""

from __future__ import annotations

import numpy as np

from mdpkit.planning.run import Run
from mdpkit.robust.dynamic_programming.evaluation import linearized_values
from mdpkit.robust.operator import RobustBellman


def residual_conditioned_policy_iteration(run: Run[RobustBellman]) -> None:
    r"""Take the linearized step where it shrinks the residual by gamma, a value-iteration step where it does not.

    Let ``u = T v`` with residual ``||u - v||``. Freezing both players at ``v`` gives ``w`` (one linear solve); it is
    accepted if ``||T w - w|| <= gamma ||u - v||``, otherwise ``v`` becomes ``u``. Either way the residual contracts by
    gamma, so the method converges where the undamped one cycles; usually it is as fast as Newton's method. After a
    refusal the next trial waits for twice as many value-iteration steps as the last.
    """
    operator, gamma = run.bellman, run.bellman.gamma
    v, u = run.V.copy(), np.empty_like(run.V)
    lo, hi = operator.sweep(v, u)
    if run.check(v, u, lo, hi):
        return
    wait, patience = 0, 1
    z = np.empty_like(v)
    while True:
        residual = max(abs(lo), abs(hi))
        if wait == 0:
            w = linearized_values(operator, operator.plan.copy(), v)
            if np.isfinite(w).all():
                lo, hi = operator.sweep(w, z)
                if max(abs(lo), abs(hi)) <= gamma * residual:
                    v, u, z = w, z, u
                    patience = 1
                    if run.check(v, u, lo, hi):
                        return
                    continue
            wait, patience = patience, 2 * patience
        wait -= 1
        v, u = u, v
        lo, hi = operator.sweep(v, u)
        if run.check(v, u, lo, hi):
            return
