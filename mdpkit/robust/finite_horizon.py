"""Robust backward induction; sets and kernels may change from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit.errors import UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, RobustMDP
from mdpkit.planning.directed import add_up
from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.finite_horizon import backward_induction as nominal
from mdpkit.planning.rounding import UNIT_ROUNDOFF, largest
from mdpkit.planning.solution import Solution
from mdpkit.robust.operator import PairwiseBellman, RobustBellman, read_plan, robust_operator

SLOP = 1 + 4 * UNIT_ROUNDOFF


def solve_robust_horizon(problem: RobustMDP, *, method: str, tol: float | None, given: dict[str, Any]) -> Solution:
    """Solve a robust problem over a finite horizon: one backward pass of ``V_h = T_h V_{h+1}``."""
    if method not in nominal.METHODS:
        raise UnknownOptionError(
            f"a finite horizon is solved by backward_induction; found method {method!r}",
            argument="method",
            value=method,
        )
    for name, value in given.items():
        if value is not None:
            raise UnknownOptionError(f"backward induction takes no {name}: it is a single pass", argument=name)
    model = _horizon_of(problem)
    operators = stage_operators(problem)
    H, S = model.horizon, model.n_states
    V, errors, losses = np.empty((H + 1, S)), np.zeros(H + 1), np.zeros(H + 1)
    V[H] = model.terminal_values
    policy: list[Any] = [None] * H
    for h in range(H - 1, -1, -1):
        operator = operators[h]
        operator.sweep(V[h + 1], V[h])
        plan = operator.plan.copy()
        if isinstance(operator, PairwiseBellman):
            q = operator.pair_values(V[h + 1])
            kernels.first_within(operator.state_ptr, q, V[h], operator.rounding.tie(largest(V[h + 1])), plan)
        attained = np.empty(S)
        operator.evaluate(plan, V[h + 1], attained)
        policy[h] = operator.policy(plan)
        step = operator.rounding.sweep_error(largest(V[h + 1]))
        errors[h] = (problem.gamma * errors[h + 1] + step) * SLOP
        given_up = max(0.0, float(np.max(V[h] - attained)))
        losses[h] = (problem.gamma * losses[h + 1] + given_up + 2 * step) * SLOP
    return nominal.certified_pass(problem, V, np.array(policy), errors, None, float(np.max(losses)), tol)


def evaluate_robust_horizon(problem: RobustMDP, policy: Any, tol: float | None) -> Solution:
    """Return the worst-case value of a policy over the horizon."""
    model = _horizon_of(problem)
    operators = stage_operators(problem)
    steps = nominal.read_plan(model, policy)
    H, S = model.horizon, model.n_states
    V, errors = np.empty((H + 1, S)), np.zeros(H + 1)
    V[H] = model.terminal_values
    for h in range(H - 1, -1, -1):
        plan = read_plan(model.stages[h], steps[h])
        operators[h].evaluate(plan, V[h + 1], V[h])
        step = operators[h].rounding.sweep_error(largest(V[h + 1]))
        errors[h] = (problem.gamma * errors[h + 1] + step) * SLOP
    best = solve_robust_horizon(problem, method="auto", tol=np.finfo(float).max, given={})
    loss = float(np.max(add_up(best.upper, -np.nextafter(V - errors[:, None], -np.inf))))
    return nominal.certified_pass(problem, V, policy, errors, None, max(0.0, loss), tol, quantity="policy")


def stage_operators(problem: RobustMDP) -> list[RobustBellman]:
    """Return one operator per step; steps with the same model and set share theirs."""
    known: dict[tuple[int, int], RobustBellman] = {}
    operators = []
    for h, (model, chosen) in enumerate(zip(problem.stages, problem.sets, strict=True)):
        key = (id(model), id(chosen))
        if key not in known:
            known[key] = robust_operator(problem, h)
        operators.append(known[key])
    return operators


def _horizon_of(problem: RobustMDP) -> FiniteHorizonMDP:
    assert isinstance(problem.nominal, FiniteHorizonMDP)
    return problem.nominal
