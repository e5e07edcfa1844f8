"""Models from gymnasium environments that publish their transition table."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit.errors import InputError, MissingDependencyError
from mdpkit.models import TabularMDP
from mdpkit.models._checks import check_discount

__all__ = ["from_gymnasium"]

TERMINATED = "terminated"
PLACES = ("Red", "Green", "Yellow", "Blue")

ACTIONS = {
    "FrozenLakeEnv": ("left", "down", "right", "up"),
    "CliffWalkingEnv": ("up", "right", "down", "left"),
    "TaxiEnv": ("south", "north", "east", "west", "pick up", "drop off"),
}


def from_gymnasium(env: Any, *, gamma: float | None = None) -> TabularMDP:
    """Read the transition table ``env.unwrapped.P`` of a gymnasium environment.

    The table holds ``P[s][a] = [(probability, successor, reward, terminated), ...]``. Outcomes that terminate lead to
    one absorbing state with reward 0, appended as state ``S`` under the name "terminated" (only if some outcome does).
    Nothing is merged that differs in its reward: in FrozenLake a move can end in a hole or at the goal, and both
    outcomes, with rewards 0 and 1, are kept.

    Parameters
    ----------
    env : gymnasium.Env or str
        An environment, wrapped or not, or the id of a registered one.
    gamma : float, optional
        Discount factor, which the environment does not know; None for the undiscounted model.

    Returns
    -------
    TabularMDP
        With readable names of states and actions for FrozenLake and CliffWalking ("(row, column) letter") and Taxi, and
        with the environment's initial distribution.

    Raises
    ------
    InputError
        The environment publishes no table (Blackjack), or its table is not the whole truth (a fickle Taxi passenger).
    MissingDependencyError
        An id was given and gymnasium is not installed.

    Notes
    -----
    Time limits (truncation) are wrappers of the environment, not part of its table; the model has none. Neither does
    the table know any discounting.

    References
    ----------
    .. [1] M. Towers et al., "Gymnasium: a standard interface for reinforcement learning environments", 2024,
       arXiv 2407.17032.

    Examples
    --------
    >>> from mdpkit import io
    >>> lake = io.from_gymnasium("FrozenLake-v1", gamma=0.99)
    >>> lake.n_states, lake.state_names[14:]
    (17, ('(3, 2) F', '(3, 3) G', 'terminated'))
    >>> lake.reward("(3, 2) F", "right")  # doctest: +ELLIPSIS
    0.333...
    """
    gamma = check_discount(gamma)
    if isinstance(env, str):
        env = _make(env)
    base = getattr(env, "unwrapped", env)
    kind = type(base).__name__
    table = getattr(base, "P", None)
    if table is None:
        raise InputError(
            f"env {kind} has no transition table P; only tabular environments such as FrozenLake, CliffWalking and"
            " Taxi publish one",
            argument="env",
            value=kind,
        )
    if kind == "TaxiEnv" and getattr(base, "fickle_passenger", False):
        raise InputError(
            "env TaxiEnv with fickle_passenger=True changes destinations outside its transition table",
            argument="env",
            value=kind,
        )
    columns = _columns(table)
    n_states = len(table)
    terminated = columns["terminated"]
    ends = bool(terminated.any())
    if ends:
        columns["successor"] = np.where(terminated, n_states, columns["successor"])
        loop = {"state": n_states, "action": 0, "prob": 1.0, "reward": 0.0, "successor": n_states}
        columns |= {name: np.append(columns[name], value) for name, value in loop.items()}
    initial = getattr(base, "initial_state_distrib", None)
    if initial is not None:
        initial = np.append(np.asarray(initial, dtype=np.float64), np.zeros(int(ends)))
    states = _state_names(kind, base, n_states)
    actions = ACTIONS.get(kind)
    return TabularMDP.from_outcomes(
        columns["state"],
        columns["action"],
        columns["prob"],
        columns["reward"],
        columns["successor"],
        gamma,
        n_states=n_states + ends,
        initial=initial,
        state_names=None if states is None else states + [TERMINATED] * ends,
        action_names=actions,
    )


def _make(name: str) -> Any:
    try:
        import gymnasium
    except ImportError as error:
        raise MissingDependencyError(
            "from_gymnasium needs gymnasium to make an environment from its id: pip install 'mdpkit[gym]'"
        ) from error
    try:
        return gymnasium.make(name)
    except gymnasium.error.Error as error:
        raise InputError(f"env {name!r} cannot be made: {error}", argument="env", value=name) from error


def _columns(table: Any) -> dict[str, Any]:
    """Flatten the nested table; ``table`` and its rows may be dicts or lists."""
    rows = []
    try:
        for s in range(len(table)):
            choices = table[s]
            for a in sorted(choices) if isinstance(choices, dict) else range(len(choices)):
                rows += [(s, a, p, t, r, bool(end)) for p, t, r, end in choices[a]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"env has a table P without proper entries for state {s}: P[s][a] must be a list of (probability,"
            f" successor, reward, terminated) ({type(error).__name__}: {error})",
            argument="env",
            index=s,
        ) from error
    if not rows:
        raise InputError("env has an empty transition table P", argument="env")
    state, action, prob, successor, reward, terminated = zip(*rows, strict=True)
    return {
        "state": np.array(state),
        "action": np.array(action),
        "prob": np.array(prob, dtype=np.float64),
        "successor": np.array(successor),
        "reward": np.array(reward, dtype=np.float64),
        "terminated": np.array(terminated),
    }


def _state_names(kind: str, base: Any, n_states: int) -> list[str] | None:
    if kind == "FrozenLakeEnv":
        letters = np.asarray(base.desc).astype(str)
    elif kind == "CliffWalkingEnv":
        # Start, goal and cliff of Sutton and Barto's example 6.6; the environment keeps no map of letters.
        letters = np.full(base.shape, ".")
        letters[-1, 1:-1] = "C"
        letters[-1, 0], letters[-1, -1] = "S", "G"
    elif kind == "TaxiEnv" and n_states == 500:
        return [_taxi_name(s) for s in range(n_states)]
    else:
        return None
    if letters.size != n_states:
        return None
    return [f"({row}, {col}) {letter}" for (row, col), letter in np.ndenumerate(letters)]


def _taxi_name(state: int) -> str:
    """Decode ``((row * 5 + col) * 5 + passenger) * 4 + destination``."""
    row, col, passenger, destination = np.unravel_index(state, (5, 5, 5, 4))
    where = "in taxi" if passenger == 4 else f"at {PLACES[passenger]}"
    return f"taxi ({row}, {col}), passenger {where}, to {PLACES[destination]}"
