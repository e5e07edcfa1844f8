"""`evaluate_robust`: the certified worst-case value of a given policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.models import FiniteHorizonMDP, RobustMDP
from mdpkit.planning.discounted.solver import check_range, check_tolerance, default_tolerance
from mdpkit.planning.discounted.value_iteration import value_iteration
from mdpkit.planning.evaluation import certify
from mdpkit.planning.rounding import RoundingModel
from mdpkit.planning.run import Run
from mdpkit.planning.solution import Solution
from mdpkit.robust.dynamic_programming.evaluation import evaluate_exactly
from mdpkit.robust.finite_horizon import evaluate_robust_horizon
from mdpkit.robust.operator import Plan, RobustBellman, read_plan, robust_operator

__all__ = ["evaluate_robust"]


class OfPolicy:
    """The operator ``T_pi`` of one policy, as a `Run` wants it."""

    def __init__(self, operator: RobustBellman, plan: Plan) -> None:
        self.operator = operator
        self.plan = plan
        self.n_states, self.gamma = operator.n_states, operator.gamma
        self.full_sweeps = 0.0

    @property
    def rounding(self) -> RoundingModel:
        """How far the latest sweep may be from the exact one."""
        return self.operator.rounding

    def sweep(self, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T_pi V``; return the extremes of ``W - V``."""
        self.full_sweeps += 1
        return self.operator.evaluate(self.plan, V, W)


def evaluate_robust(problem: RobustMDP, policy: Any, *, tol: float | None = None) -> Solution:
    r"""Return the value of a policy under nature's best answer, with a certificate.

    Solves ``V = T_pi V``, nature's own Markov decision process against the fixed policy, by policy iteration for
    nature; the last sweep encloses the answer.

    Parameters
    ----------
    problem : RobustMDP
        The problem.
    policy : array_like, shape (S,) or (S, A), or with a leading time axis for a finite horizon
        Action ids, or action probabilities.
    tol : float, optional
        Sup-norm error to certify; default as for `mdpkit.solve`.

    Returns
    -------
    Solution
        ``lower <= V^pi <= upper`` for the worst-case value (best-case, for cooperative nature), with ``quantity``
        "policy"; ``policy_loss`` bounds how far the policy is from the robust optimum, from one sweep.

    Raises
    ------
    PolicyError, ShapeError
        The policy does not fit the model.

    References
    ----------
    .. [1] G. N. Iyengar, "Robust dynamic programming", Math. Oper. Res. 30(2), 2005, Lemma 3.3.

    Examples
    --------
    What the nominal policy of RiverSwim is worth when rows may be off by 0.1 in L1 distance:

    >>> import mdpkit
    >>> from mdpkit.models import L1Ball
    >>> from mdpkit.robust import evaluate_robust
    >>> mdp = mdpkit.problems.river_swim(6, up=0.05, down=0.35, first_up=0.4, gamma=0.95)
    >>> problem = mdpkit.RobustMDP(mdp, L1Ball(0.1))
    >>> round(float(evaluate_robust(problem, mdpkit.solve(mdp).policy).V[3]), 4)
    0.074
    >>> round(float(mdpkit.solve(problem).V[3]), 4)
    0.0857
    """
    if isinstance(problem.nominal, FiniteHorizonMDP):
        return evaluate_robust_horizon(problem, policy, tol)
    return evaluate_with(robust_operator(problem), policy, tol)


def evaluate_with(operator: RobustBellman, policy: Any, tol: float | None) -> Solution:
    """Do the work of `evaluate_robust` for a discounted problem whose operator is at hand."""
    plan = read_plan(operator.model, policy)
    check_range(operator.rounding)
    tol = default_tolerance(operator.rounding) if tol is None else check_tolerance(tol)
    run = Run(
        OfPolicy(operator, plan), evaluate_exactly(operator, plan, np.zeros(operator.n_states)), tol=tol, max_iter=None
    )
    value_iteration(run)
    subject = "The worst-case value of the policy"
    return certify(operator.model, run, operator, policy, method="policy_iteration", subject=subject, depth=4)
