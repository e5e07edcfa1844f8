"""Where the bounds are taken: an initial state, or a distribution over which they are averaged."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import ShapeError
from mdpkit.models import ModelSet, RobustMDP, TabularMDP
from mdpkit.models._checks import as_floats, check_probabilities, check_row_sums
from mdpkit.models._construct import resolve
from mdpkit.planning.rounding import UNIT_ROUNDOFF, largest


def read_start(initial_state: Any, problem: RobustMDP | ModelSet) -> Floats:
    """Read an index, a name or a distribution as a distribution ``(S,)``."""
    S, name = problem.n_states, "initial_state"
    if isinstance(initial_state, (str, int, np.integer)):
        names = problem.models[0].state_names if isinstance(problem, ModelSet) else problem.state_names
        start = np.zeros(S)
        start[resolve(initial_state if isinstance(initial_state, str) else int(initial_state), S, names, name)] = 1.0
        return start
    start = as_floats(initial_state, name)
    if start.shape != (S,):
        raise ShapeError(
            f"{name} must be a state or a distribution of shape ({S},), found shape {start.shape}", argument=name
        )
    check_probabilities(start, name, lambda s: (s,))
    check_row_sums(np.atleast_1d(np.sum(start)), name, lambda _: ())
    return start / np.sum(start)


def average(start: Floats, values: Floats) -> tuple[float, float]:
    """Return ``sum_s start(s) values(s)`` and a bound on its rounding; a sure start is exact."""
    states = np.flatnonzero(start)
    if len(states) == 1:
        return float(values[states[0]]), 0.0
    chosen = values[states]
    return float(start[states] @ chosen), 4 * (len(states) + 2) * UNIT_ROUNDOFF * largest(chosen)


def lower_average(start: Floats, values: Floats) -> float:
    """Return a number that is certainly not above the average."""
    mean, noise = average(start, values)
    return mean - 2 * noise


def upper_average(start: Floats, values: Floats) -> float:
    """Return a number that is certainly not below the average."""
    mean, noise = average(start, values)
    return mean + 2 * noise


def start_pairs(model: TabularMDP, start: Floats) -> tuple[Any, Any]:
    """Return the pairs of the states where a start is possible, and where each of these states begins among them."""
    states = np.flatnonzero(start)
    lengths = np.diff(model.state_ptr)[states]
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    pairs = np.repeat(model.state_ptr[states] - first, lengths) + np.arange(int(np.sum(lengths)))
    return pairs, first
