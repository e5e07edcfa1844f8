"""What nature does: the worst row of one inner problem, and the worst kernel of a whole one."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Floats
from mdpkit.errors import ShapeError
from mdpkit.models import FiniteHorizonMDP, RobustMDP, TabularMDP, UncertaintySet
from mdpkit.models._checks import as_floats, check_rewards, unravel
from mdpkit.planning.discounted.solver import check_values
from mdpkit.planning.finite_horizon import backward_induction as horizon
from mdpkit.robust.finite_horizon import stage_operators
from mdpkit.robust.inner import inner_problem
from mdpkit.robust.operator import RobustBellman, read_plan, robust_operator

__all__ = ["worst_case", "worst_kernel"]


def worst_case(
    payoff: Any, nominal_row: Any, uncertainty: UncertaintySet, *, nature: str = "adversarial"
) -> tuple[float, Floats]:
    r"""Solve one inner problem: ``min_p p.z`` over the uncertainty set around a row ``q``.

    Parameters
    ----------
    payoff : array_like, shape (S,)
        ``z``, what each successor is worth.
    nominal_row : array_like, shape (S,)
        ``q``, the center of the set.
    uncertainty : UncertaintySet
        The set, with scalar parameters (weights, metrics and candidate rows have one entry or row per successor).
    nature : {"adversarial", "cooperative"}
        Minimize or maximize.

    Returns
    -------
    value : float
        ``p.z`` at the optimum.
    row : ndarray, shape (S,)
        The row ``p`` that attains it.

    Raises
    ------
    InputError
        The row is no distribution, a payoff is not finite, or the set does not fit.

    Examples
    --------
    >>> from mdpkit.models import KLBall, L1Ball
    >>> from mdpkit.robust import worst_case
    >>> value, row = worst_case([1, 2, 5, 4], [0.4, 0.3, 0.1, 0.2], L1Ball(0.3))
    >>> round(value, 12), row.round(12).tolist()
    (1.75, [0.55, 0.3, 0.0, 0.15])
    >>> round(worst_case([1, 2, 5, 4], [0.4, 0.3, 0.1, 0.2], KLBall(0.1))[0], 10)
    1.7096202896
    """
    z, q = as_floats(payoff, "payoff"), as_floats(nominal_row, "nominal_row")
    if z.ndim != 1 or q.shape != z.shape:
        raise ShapeError(
            f"payoff and nominal_row must be vectors of one length, found shapes {z.shape} and {q.shape}",
            argument="nominal_row",
        )
    check_rewards(z, "payoff", unravel(z.shape))
    n = len(z)
    # Every state gets the same row; with gamma = 0 only the payoffs, as rewards of the transitions, are left.
    P, R = np.tile(q, (n, 1, 1)).reshape(n, 1, n), np.tile(z, (n, 1, 1)).reshape(n, 1, n)
    problem = RobustMDP(TabularMDP(P, R, gamma=0.0), uncertainty, nature=nature, transition_rewards=R)
    inner = inner_problem(problem)
    first = np.zeros(1, dtype=np.int64)
    values, _ = inner.values(np.zeros(n), first)
    rows, _ = inner.worst(np.zeros(n), first)
    return float(values[0]), rows.toarray()[0]


def worst_kernel(problem: RobustMDP, V: Any, policy: Any = None) -> TabularMDP | FiniteHorizonMDP:
    """Return the model that nature answers with: every pair's worst row against given values.

    Parameters
    ----------
    problem : RobustMDP
        The problem.
    V : array_like, shape (S,) or (H+1, S)
        Values, for instance those of `mdpkit.solve` or `evaluate_robust`.
    policy : array_like, optional
        The policy nature answers, as for `evaluate_robust`. In (s,a)-rectangular problems it makes no difference; in
        s-rectangular ones the budget goes where the policy plays. By default nature's own optimum, good against every
        policy.

    Returns
    -------
    TabularMDP or FiniteHorizonMDP
        A member of the uncertainty set. For optimal ``V`` and no `policy` it forms, with the optimal policy, a saddle
        point: the agent's best reply to it is worth no more than ``V``.

    Examples
    --------
    >>> import mdpkit
    >>> from mdpkit.models import L1Ball
    >>> from mdpkit.robust import worst_kernel
    >>> problem = mdpkit.RobustMDP(mdpkit.problems.river_swim(6, gamma=0.95), L1Ball(0.1))
    >>> V = mdpkit.solve(problem).V
    >>> bool(abs(mdpkit.solve(worst_kernel(problem, V)).V - V).max() < 1e-7)
    True
    """
    nominal = problem.nominal
    if isinstance(nominal, TabularMDP):
        values = check_values(V, problem.n_states, "V")
        return nature_answer(robust_operator(problem), nominal, values, policy)
    shape = (nominal.horizon + 1, nominal.n_states)
    table = as_floats(V, "V")
    if table.shape != shape:
        raise ShapeError(f"V must have shape {shape}, found {table.shape}", argument="V")
    steps = [None] * nominal.horizon if policy is None else horizon.read_plan(nominal, policy)
    stages = [
        nature_answer(operator, model, table[h + 1], step)
        for h, (operator, model, step) in enumerate(zip(stage_operators(problem), nominal.stages, steps, strict=True))
    ]
    return FiniteHorizonMDP.from_stages(
        stages, gamma=nominal.gamma, initial=nominal.initial, terminal_values=nominal.terminal_values
    )


def nature_answer(operator: RobustBellman, model: TabularMDP, V: Floats, policy: Any) -> TabularMDP:
    """Do the work of `worst_kernel` for one stage whose operator is at hand."""
    plan = None if policy is None else read_plan(model, policy)
    rows, rewards = operator.worst_rows(plan, V)
    return TabularMDP.from_pairs(
        model.pair_state,
        model.pair_action,
        sp.csr_array(rows),
        rewards,
        model.gamma,
        initial=model.initial,
        state_names=model.state_names,
        action_names=model.action_names,
    )
