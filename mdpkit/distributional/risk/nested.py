"""Nested risk: a one-step risk measure applied at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.risk.endless import return_range
from mdpkit.distributional.risk.erm import actions_of
from mdpkit.distributional.risk.forward import law_of_rule, markov_rule
from mdpkit.distributional.risk.problem import RiskProblem, check_tol, read_problem, steps_until
from mdpkit.distributional.risk.solution import RiskSolution
from mdpkit.errors import InputError, NotCallableError
from mdpkit.models import FiniteHorizonMDP, TabularMDP

__all__ = ["nested_risk"]

RiskMeasure = Callable[[DiscreteLaw], Any]


def nested_risk(
    mdp: TabularMDP | FiniteHorizonMDP,
    risk: RiskMeasure,
    *,
    initial_state: int | str | None = None,
    horizon: int | None = None,
    tol: float = 1e-9,
) -> RiskSolution:
    r"""Maximize a nested (dynamic) risk measure, a one-step measure applied to the value of what comes next.

    .. math:: v_t(s) = \max_a \rho\bigl(\text{law of } R + \gamma v_{t+1}(S')\bigr)

    Time consistent, but **another objective** than :math:`\rho` of the return: neither is a bound of the other. Nested
    CVaR of a level can be below or above the optimal CVaR of the return.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    risk : callable
        :math:`\rho`, from a `DiscreteLaw` to a number: ``lambda law: law.cvar(0.1)``. Larger is better.
    initial_state : int or str, optional
        Where episodes start; by default the model's initial distribution (then :math:`\rho` is applied to it, too), or
        state 0 if it has none.
    horizon : int, optional
        Number of steps. None takes that of a `FiniteHorizonMDP`, and the infinite horizon of a discounted `TabularMDP`.
    tol : float, default 1e-9
        Accuracy over an infinite horizon, for measures that are monotone and translation equivariant.

    Returns
    -------
    RiskSolution
        ``value`` is the nested risk, not a functional of ``law``; the policy is Markov, shape ``(H, S)``, or ``(S,)``
        over an infinite horizon.

    Raises
    ------
    NotCallableError
        `risk` is not callable.
    InputError
        It returns no finite number, or the horizon or state are outside their range.
    NotWellPosedError
        No horizon and no discounting.

    Notes
    -----
    One call of `risk` per state-action pair and step. Over an infinite horizon, sweeps continue until
    :math:`\gamma^T (G_{\max} - G_{\min}) \le` `tol`; monotone, translation equivariant measures make a sweep a
    :math:`\gamma`-contraction.

    References
    ----------
    .. [1] A. Ruszczyński, "Risk-averse dynamic programming for Markov decision processes", *Mathematical Programming*
       125, 2010.

    Examples
    --------
    >>> from mdpkit.distributional import nested_risk
    >>> from mdpkit.problems.risk import two_step_gamble
    >>> nested_risk(two_step_gamble(), lambda law: law.cvar(0.5), horizon=2).value
    1.0
    """
    if not callable(risk):
        raise NotCallableError(f"risk must be callable, found {risk!r}", argument="risk", value=risk)
    tol = check_tol(tol)
    problem = read_problem(mdp, horizon=horizon, initial_state=initial_state, endless=True)
    name = getattr(risk, "__name__", "risk").replace("<lambda>", "risk")
    if problem.horizon is not None:
        v = problem.ending
        pairs = np.empty((problem.horizon, problem.n_states), dtype=np.int64)
        for t in range(problem.horizon - 1, -1, -1):
            v, pairs[t] = _sweep(problem, t, v, risk)
        law, reached = law_of_rule(problem, markov_rule(pairs))
        return _solution(problem, risk, v, actions_of(problem, pairs), law, 0.0, f"nested {name}", reached)
    low, high = return_range(problem)
    steps = max(1, steps_until(problem, high - low, tol))
    v = np.full(problem.n_states, (low + high) / 2)
    greedy = np.zeros(problem.n_states, dtype=np.int64)
    for _ in range(steps):
        v, greedy = _sweep(problem, 0, v, risk)
    bound = problem.gamma**steps * (high - low) / 2
    return _solution(problem, risk, v, problem.stage(0).action[greedy], None, bound, f"nested {name}", steps)


def _sweep(problem: RiskProblem, t: int, v: Floats, risk: RiskMeasure) -> tuple[Floats, Ints]:
    stage = problem.stage(t)
    x = stage.reward + problem.gamma * v[stage.successor]
    outcomes = [stage.outcomes(pair) for pair in range(len(stage.ptr) - 1)]
    return stage.choose(np.array([_apply(risk, DiscreteLaw(x[at], stage.prob[at])) for at in outcomes]))


def _apply(risk: RiskMeasure, law: DiscreteLaw) -> float:
    value = risk(law)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"risk must return a number, found {value!r} for {law!r}", argument="risk") from error
    if not np.isfinite(number):
        raise InputError(f"risk must return a finite number, found {value!r} for {law!r}", argument="risk", value=value)
    return number


def _solution(
    problem: RiskProblem,
    risk: RiskMeasure,
    v: Floats,
    policy: Ints,
    law: DiscreteLaw | None,
    bound: float,
    objective: str,
    work: int,
) -> RiskSolution:
    states = problem.start > 0.0
    exact = law is not None
    value = float(v[states][0]) if states.sum() == 1 else _apply(risk, DiscreteLaw(v[states], problem.start[states]))
    return RiskSolution(
        value=value,
        policy=policy,
        law=law,
        stock=None,
        error_bound=bound,
        policy_loss=2.0 * problem.gamma * bound / (1.0 - problem.gamma) if bound else 0.0,
        status="optimal" if exact else "within_tolerance",
        message="Exact for the nested objective; it is not the risk of the law of the return.",
        objective=objective,
        work={"reached" if exact else "sweeps": work},
    )
