"""Action values, greedy policies and Bellman residuals of any value function."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.errors import ShapeError, UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.models._checks import as_floats
from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.discounted.bellman import bellman_operator
from mdpkit.planning.discounted.solver import check_finite, check_values
from mdpkit.planning.rounding import largest

__all__ = ["bellman_residual", "greedy_policy", "q_values"]


def q_values(problem: TabularMDP | FiniteHorizonMDP, V: Any) -> Floats:
    """Return ``Q(s, a) = r(s, a) + gamma * sum_s' P(s' | s, a) V(s')``.

    Parameters
    ----------
    problem : TabularMDP or FiniteHorizonMDP
        The model; ``gamma = None`` counts as 1.
    V : array_like, shape (S,) or (H+1, S)
        Values.

    Returns
    -------
    ndarray, shape (S, A) or (H, S, A)
        ``-inf`` where a pair does not exist.

    Raises
    ------
    ShapeError
        ``V`` has the wrong shape.

    Examples
    --------
    >>> import mdpkit
    >>> mdpkit.planning.q_values(mdpkit.problems.two_state(gamma=0.9), [1.0, -10.0]).round(3).tolist()
    [[0.95, 1.0], [-10.0, -inf]]
    """
    if isinstance(problem, FiniteHorizonMDP):
        return np.stack([stage.scatter(q) for stage, q, _ in _steps(problem, V)])
    values = _pair_values(problem, V)
    return problem.scatter(values)


def greedy_policy(problem: TabularMDP | FiniteHorizonMDP, V: Any) -> Ints:
    """Return a policy that is greedy for ``V``; ties go to the lowest action id.

    Parameters
    ----------
    problem, V
        As for `q_values`.

    Returns
    -------
    ndarray of int, shape (S,) or (H, S)

    Examples
    --------
    >>> import mdpkit
    >>> mdpkit.planning.greedy_policy(mdpkit.problems.two_state(gamma=0.9), [1.0, -10.0]).tolist()
    [1, 0]
    """
    if isinstance(problem, FiniteHorizonMDP):
        return np.stack([_greedy(stage, problem.gamma, q, V_next) for stage, q, V_next in _steps(problem, V)])
    values = check_values(V, problem.n_states, "V")
    return _greedy(problem, _gamma(problem), _pair_values(problem, values), values)


def bellman_residual(problem: TabularMDP | FiniteHorizonMDP, V: Any) -> Floats:
    """Return ``T V - V``; zero exactly at the optimal values.

    Parameters
    ----------
    problem, V
        As for `q_values`.

    Returns
    -------
    ndarray, shape (S,) or (H, S)

    Examples
    --------
    >>> import mdpkit
    >>> mdpkit.planning.bellman_residual(mdpkit.problems.two_state(gamma=0.9), [0.0, 0.0]).tolist()
    [10.0, -1.0]
    """
    if isinstance(problem, FiniteHorizonMDP):
        values = as_floats(V, "V")
        return np.asarray(np.max(q_values(problem, values), axis=2) - values[:-1])
    values = check_values(V, problem.n_states, "V")
    return np.asarray(np.maximum.reduceat(_pair_values(problem, values), problem.state_ptr[:-1]) - values)


def _gamma(model: TabularMDP) -> float:
    if not isinstance(model, TabularMDP):
        raise UnknownOptionError(
            f"action values are not defined for problems of type {type(model).__name__}; a robust problem becomes an "
            "ordinary one with mdpkit.robust.worst_kernel",
            argument="problem",
        )
    return 1.0 if model.gamma is None else model.gamma


def _pair_values(model: TabularMDP, V: Any) -> Floats:
    return bellman_operator(model, _gamma(model)).pair_values(check_values(V, model.n_states, "V"))


def _steps(problem: FiniteHorizonMDP, V: Any) -> list[tuple[TabularMDP, Floats, Floats]]:
    values = as_floats(V, "V")
    if values.shape != (problem.horizon + 1, problem.n_states):
        raise ShapeError(
            f"V must have shape ({problem.horizon + 1}, {problem.n_states}), found {values.shape}", argument="V"
        )
    check_finite(values, "V")
    operators = {id(stage): bellman_operator(stage, problem.gamma) for stage in set(problem.stages)}
    return [(m, operators[id(m)].pair_values(values[h + 1]), values[h + 1]) for h, m in enumerate(problem.stages)]


def _greedy(model: TabularMDP, gamma: float, q: Floats, V: Floats) -> Ints:
    best = np.maximum.reduceat(q, model.state_ptr[:-1])
    choice = model.state_ptr[:-1].copy()
    kernels.first_within(model.state_ptr, q, best, bellman_operator(model, gamma).rounding.tie(largest(V)), choice)
    return model.pair_action[choice].astype(np.int64)
