"""What a policy makes of a model: at every time, the joint law of reward and successor, state by state.

Reward and successor are drawn together, and the law of the return depends on how; nothing is averaged here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import DiscountError, InputError, ShapeError
from mdpkit.models import FiniteHorizonMDP, NonStationaryPolicy, TabularMDP
from mdpkit.models.outcomes import merge_outcomes
from mdpkit.models.policies import is_deterministic, policy_pairs, policy_weights

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Rewards: TypeAlias = Callable[[TabularMDP], Floats]
"""Vector rewards of the outcomes of a stage, shape ``(M, m)``."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class StepLaws:
    """Joint laws of reward and successor of one step: state ``s`` owns the outcomes ``ptr[s]:ptr[s+1]``.

    Probabilities and rewards are float64, or fractions; rewards have shape ``(M,)``, or ``(M, m)`` for vectors.
    """

    ptr: Ints
    prob: Array
    reward: Array
    successor: Ints

    @property
    def state(self) -> Ints:
        """State each outcome starts from, shape ``(M,)``."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))

    def absorbed(self) -> Bools:
        """Say which states are never left and pay nothing, shape ``(S,)``."""
        state = self.state
        alive = np.zeros(len(self.ptr) - 1, dtype=bool)
        paid = self.reward != 0
        alive[state[(self.successor != state) | (paid if paid.ndim == 1 else paid.any(axis=1))]] = True
        return ~alive


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Process:
    """A model under a policy: the laws of every step, the discount and how long it runs.

    Attributes
    ----------
    steps : tuple of StepLaws
        Laws at times 0, 1, ...; the last one is repeated for ever.
    gamma : float or Fraction
        Discount factor; 1 for undiscounted models.
    horizon : int or None
        Number of steps; None for the return over all times.
    ending : ndarray, shape (S,)
        What the last state is worth after the last step.
    asked : bool
        Whether the horizon is part of the problem (a `FiniteHorizonMDP`, or no discounting), not a truncation.
    """

    steps: tuple[StepLaws, ...]
    gamma: Any
    horizon: int | None
    ending: Array
    asked: bool
    terminal: Bools = field(init=False)

    def __post_init__(self) -> None:
        terminal = np.asarray(self.ending == 0)
        for step in {id(step): step for step in self.steps}.values():
            terminal = terminal & step.absorbed()
        object.__setattr__(self, "terminal", terminal)

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return len(self.terminal)

    def step(self, t: int) -> StepLaws:
        """Return the laws of time ``t``."""
        return self.steps[min(t, len(self.steps) - 1)]


def check_model(mdp: Any) -> TabularMDP | FiniteHorizonMDP:
    """Refuse anything but the two tabular models."""
    if not isinstance(mdp, (TabularMDP, FiniteHorizonMDP)):
        raise InputError(f"mdp must be a TabularMDP or a FiniteHorizonMDP, found {type(mdp).__name__}", argument="mdp")
    return mdp


def read_horizon(mdp: TabularMDP | FiniteHorizonMDP, horizon: int | None) -> int | None:
    """Return the number of steps, at least 0; that of a `FiniteHorizonMDP` may be repeated but not changed."""
    if horizon is not None:
        whole = isinstance(horizon, (int, np.integer)) and not isinstance(horizon, bool)
        if not whole or horizon < 0:
            raise InputError(
                f"horizon must be a nonnegative integer, found {horizon!r}", argument="horizon", value=horizon
            )
    if isinstance(mdp, FiniteHorizonMDP):
        if horizon not in (None, mdp.horizon):
            raise InputError(
                f"horizon = {horizon}, but the problem has {mdp.horizon} steps", argument="horizon", value=horizon
            )
        return mdp.horizon
    return None if horizon is None else int(horizon)


def read_discount(mdp: TabularMDP | FiniteHorizonMDP, gamma: Any, *, exact: bool) -> Any:
    """Return the discount in ``(0, 1]`` as a float or, in exact mode, a fraction; the model's unless one is given."""
    value = mdp.gamma if gamma is None else gamma
    if value is None:
        value = 1
    try:
        number = Fraction(value) if exact else float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise DiscountError(
            f"gamma must be a number in (0, 1], found {value!r}", argument="gamma", value=value
        ) from error
    if not 0 < number <= 1:
        raise DiscountError(f"gamma must lie in (0, 1], found {value!r}", argument="gamma", value=value)
    return number


def induce(
    mdp: TabularMDP | FiniteHorizonMDP,
    policy: Any,
    *,
    horizon: int | None = None,
    gamma: Any = None,
    exact: bool = False,
    rewards: Rewards | None = None,
) -> Process:
    """Return the process of a policy that is a table, or a plan of tables.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    policy : array_like or NonStationaryPolicy
        Action ids ``(S,)`` or ``(H, S)``, or probabilities ``(S, A)`` or ``(H, S, A)``.
    horizon : int, optional
        Number of steps; None runs a `TabularMDP` for ever.
    gamma : number, optional
        Discount factor in place of the model's.
    exact : bool, default False
        Fractions instead of doubles.
    rewards : callable, optional
        Vector rewards in place of the model's; an array of discounts then goes with them, and `gamma` is not read.
    """
    limit = read_horizon(mdp, horizon)
    discount = read_discount(mdp, gamma, exact=exact) if rewards is None else gamma
    rules = _rules(policy, mdp.n_states, mdp.n_actions, limit)
    finite = isinstance(mdp, FiniteHorizonMDP)
    length = len(rules) if limit is None else limit
    seen: dict[tuple[int, int], StepLaws] = {}
    steps = []
    # A horizon of 0 asks for no step, but the policy is read all the same.
    for t in range(max(length, 1)):
        stage = mdp.stages[t] if isinstance(mdp, FiniteHorizonMDP) else mdp
        rule = rules[min(t, len(rules) - 1)]
        key = (id(stage), id(rule))
        if key not in seen:
            try:
                seen[key] = step_laws(stage, rule, exact=exact, rewards=rewards)
            except InputError as error:
                if len(rules) > 1:
                    error.args = (f"at step {t}: {error}",)
                raise
        steps.append(seen[key])
        if not finite and t >= len(rules) - 1:
            break  # the last rule is repeated
    ending: Array = mdp.terminal_values if isinstance(mdp, FiniteHorizonMDP) else np.zeros(mdp.n_states)
    if rewards is not None:
        ending = np.zeros(mdp.n_states)
    if exact:
        ending = fractions(ending)
    asked = finite or (rewards is None and discount == 1)
    return Process(tuple(steps), discount, limit, ending, asked)


def step_laws(stage: TabularMDP, rule: Any, *, exact: bool = False, rewards: Rewards | None = None) -> StepLaws:
    """Return the laws of one step under one rule, ``(S,)`` ids or ``(S, A)`` probabilities."""
    outcomes = stage.outcomes
    weight = _pair_weights(stage, rule, exact=exact)
    used = np.asarray(weight > 0)[outcomes.pair]
    if not exact and rewards is None:
        state = stage.pair_state[outcomes.pair[used]]
        prob = (weight[outcomes.pair] * outcomes.prob)[used]
        merged = merge_outcomes(state, prob, outcomes.reward[used], outcomes.successor[used])
        return StepLaws(_pointers(merged.pair, stage.n_states), merged.prob, merged.reward, merged.successor)
    reward = outcomes.reward if rewards is None else rewards(stage)
    prob = outcome_probabilities(stage) if exact else outcomes.prob
    return StepLaws(
        _pointers(stage.pair_state[outcomes.pair[used]], stage.n_states),
        (weight[outcomes.pair] * prob)[used],
        fractions(reward[used]) if exact else reward[used],
        outcomes.successor[used],
    )


def outcome_probabilities(stage: TabularMDP) -> Array:
    """Return the probabilities of the outcomes as fractions: the stored doubles divided by their exact sum."""
    outcomes = stage.outcomes
    prob = fractions(outcomes.prob)
    total = np.full(stage.n_pairs, Fraction(0), dtype=object)
    np.add.at(total, outcomes.pair, prob)
    return np.asarray(prob / total[outcomes.pair])


def fractions(values: Any) -> Array:
    """Return numbers at their exact value, as an object array of `Fraction`."""
    source = np.asarray(values)
    out = np.empty(source.shape, dtype=object)
    out.reshape(-1)[:] = [Fraction(value) for value in source.reshape(-1).tolist()]
    return out


def _pair_weights(stage: TabularMDP, rule: Any, *, exact: bool) -> Array:
    """Return the probability of every pair, shape ``(N,)``."""
    if is_deterministic(rule):
        weight = np.zeros(stage.n_pairs)
        weight[policy_pairs(stage, rule)] = 1.0
        return fractions(weight) if exact else weight
    floats = policy_weights(stage, rule)
    if not exact:
        return floats
    table = fractions(rule)
    return np.asarray((table / table.sum(axis=1)[:, None])[stage.pair_state, stage.pair_action])


def _pointers(state: Ints, n_states: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(state, minlength=n_states))]).astype(np.int64)


def _rules(policy: Any, n_states: int, n_actions: int, horizon: int | None) -> list[Any]:
    """Return the rules of the times 0, 1, ...; the last one is repeated."""
    if isinstance(policy, NonStationaryPolicy):
        return list(policy.policies)
    deterministic = is_deterministic(policy)
    table = np.asarray(policy)
    plain = 1 if deterministic else 2
    sizes = (n_states,) if deterministic else (n_states, n_actions)
    if table.ndim not in (plain, plain + 1) or table.shape[-plain:] != sizes:
        raise ShapeError(
            f"a policy holds action ids, shape ({n_states},) or (H, {n_states}), or probabilities, shape ({n_states},"
            f" {n_actions}) or (H, {n_states}, {n_actions}), or offers act(state, t, memory); found {table.dtype} of"
            f" shape {table.shape}",
            argument="policy",
        )
    if table.ndim == plain:
        return [table]
    if horizon is None:
        raise InputError(
            "horizon is required: the policy has a time axis and does not say what follows its last step",
            argument="horizon",
        )
    if len(table) < max(horizon, 1):
        raise ShapeError(f"policy has {len(table)} steps, fewer than the horizon {horizon}", argument="policy")
    return list(table[: max(horizon, 1)])
