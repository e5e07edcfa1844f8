"""Howard's policy iteration."""

from __future__ import annotations

import numpy as np

from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.discounted.bellman import Bellman
from mdpkit.planning.discounted.linear_solvers import check_evaluation, choose_evaluation, factorize
from mdpkit.planning.discounted.value_iteration import value_iteration
from mdpkit.planning.rounding import largest
from mdpkit.planning.run import Run


def policy_iteration(run: Run[Bellman], *, evaluation: str = "auto") -> None:
    """Evaluate a policy exactly, improve it, repeat until nothing improves (Puterman 1994, section 6.4).

    The action of a state changes only if another one is better by more than rounding can explain; without that rule
    ties cycle. The number of iterations is ``O(N / (1 - gamma) log(1 / (1 - gamma)))`` (Scherrer 2016), yet on long
    paths it may be one per unit of graph distance.

    Parameters
    ----------
    run : Run
        The run.
    evaluation : {"auto", "dense", "sparse", "krylov"}
        Linear algebra behind the evaluation step: LAPACK, SuperLU or GMRES.
    """
    evaluation = check_evaluation(evaluation)
    bellman = run.bellman
    W = np.empty(bellman.n_states)
    bellman.sweep(run.V, W)
    choice = bellman.choice.copy()
    while True:
        rows = bellman.rows.take(choice)
        if evaluation == "auto":
            evaluation = choose_evaluation(rows)
        V = factorize(rows, bellman.gamma, evaluation)(bellman.reward[choice])
        if not np.isfinite(V).all():
            # With 1 - gamma down to a rounding error the system is singular in float64.
            break
        q = bellman.pair_values(V)
        lo, hi = kernels.best_pairs(bellman.state_ptr, q, V, W, bellman.choice)
        if run.check(V, W, lo, hi):
            return
        residual = largest(q[choice] - V)
        # V is within residual / (1 - gamma) of the policy's value: a smaller advantage may be noise.
        noise = 2 * bellman.gamma * residual / (1.0 - bellman.gamma)
        tie = bellman.rounding.tie(largest(V)) + noise
        if kernels.improved_pairs(q, bellman.choice, W, tie, choice) == 0:
            break
    # No pair is better, yet the evaluation was too coarse for the tolerance: let a contraction finish.
    run.V = W.copy()
    value_iteration(run)
