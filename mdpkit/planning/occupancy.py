"""Occupancy measures: how often a policy visits each state-action pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import gmres, splu

from mdpkit._typing import Floats
from mdpkit.errors import InputError, UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.models.policies import is_deterministic, policy_pairs, policy_weights
from mdpkit.planning.discounted.linear_solvers import choose_evaluation
from mdpkit.planning.discounted.solver import check_discounted
from mdpkit.planning.finite_horizon.backward_induction import read_plan

__all__ = ["occupancy_measure"]


def occupancy_measure(problem: TabularMDP | FiniteHorizonMDP, policy: Any, *, normalized: bool = False) -> Floats:
    """Return the expected (discounted) number of visits to every pair.

    ``x(s, a) = sum_t gamma^t Pr(s_t = s, a_t = a)``, so that ``sum x * r`` is the value of the policy from the initial
    distribution; for a finite horizon the visits of each step, ``x_h(s, a) = gamma^h Pr(s_h = s, a_h = a)``.

    Parameters
    ----------
    problem : TabularMDP or FiniteHorizonMDP
        A model with an initial distribution; a `TabularMDP` must have ``gamma < 1``.
    policy : array_like
        Action ids ``(S,)`` or probabilities ``(S, A)``; for a finite horizon also with a leading time axis.
    normalized : bool, default False
        Divide by the total, ``1 / (1 - gamma)`` (or the sum of ``gamma^h``), to get a probability distribution.

    Returns
    -------
    ndarray, shape (S, A) or (H, S, A)

    Raises
    ------
    InputError
        The model has no initial distribution, or the policy does not fit.

    Examples
    --------
    >>> import mdpkit
    >>> mdp = mdpkit.problems.two_state(gamma=0.9).with_initial(0)
    >>> mdpkit.occupancy_measure(mdp, [1, 0]).round(9).tolist()
    [[0.0, 1.0], [9.0, 0.0]]
    """
    if problem.initial is None:
        raise InputError(
            "an occupancy measure needs an initial distribution; pass initial= to the model or use with_initial()",
            argument="problem",
        )
    if isinstance(problem, FiniteHorizonMDP):
        return _finite_horizon(problem, problem.initial, policy, normalized=normalized)
    if not isinstance(problem, TabularMDP):
        raise UnknownOptionError(
            f"no occupancy measure for problems of type {type(problem).__name__}", argument="problem"
        )
    gamma = check_discounted(problem.gamma)
    visits = _discounted_visits(problem, gamma, policy, problem.initial)
    occupancy = _spread(problem, visits, policy)
    return occupancy * (1.0 - gamma) if normalized else occupancy


def _discounted_visits(model: TabularMDP, gamma: float, policy: Any, start: Floats) -> Floats:
    """Solve ``(I - gamma P_pi)^T d = start``."""
    rows = model.under_policy(policy).rows
    matrix = sp.csc_array(sp.eye_array(model.n_states) - gamma * rows.csr()).T
    if choose_evaluation(rows) == "dense":
        return np.asarray(np.linalg.solve(matrix.toarray(), start))
    if choose_evaluation(rows) == "krylov":
        visits, failed = gmres(matrix, start, rtol=1e-13, atol=0.0, restart=50, maxiter=40)
        if not failed:
            return np.asarray(visits)
    return np.asarray(splu(sp.csc_array(matrix)).solve(start))


def _finite_horizon(problem: FiniteHorizonMDP, start: Floats, policy: Any, *, normalized: bool) -> Floats:
    plan = read_plan(problem, policy)
    occupancy = np.empty((problem.horizon, problem.n_states, problem.n_actions))
    visits = start
    for h, stage in enumerate(problem.stages):
        occupancy[h] = _spread(stage, visits, plan[h])
        visits = problem.gamma * np.asarray(visits @ stage.under_policy(plan[h]).rows.csr())
    return occupancy / np.sum(occupancy) if normalized else occupancy


def _spread(model: TabularMDP, visits: Floats, policy: Any) -> Floats:
    """Split the visits of each state over its actions."""
    if is_deterministic(policy):
        weights = np.zeros(model.n_pairs)
        weights[policy_pairs(model, policy)] = 1.0
    else:
        weights = policy_weights(model, policy)
    return model.scatter(visits[model.pair_state] * weights, fill=0.0)
