"""Policies that are more than one table: mixtures over episodes, and plans that change with time.

Every policy object offers ``act(state, t, memory) -> (action, memory)``; ``memory`` is None at the start of an episode.
One whose actions depend on the rewards received also offers ``observe(state, t, memory, action, reward, successor) ->
memory``: whoever plays or evaluates it calls that after every step with the memory `act` returned, and hands the result
to the next `act`. Memories are hashable, so that exact evaluation can merge histories that agree in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError, PolicyError, ShapeError
from mdpkit.models._checks import as_floats, check_probabilities, check_row_sums, frozen
from mdpkit.models.policies import is_deterministic

__all__ = ["MixturePolicy", "NonStationaryPolicy"]


class MixturePolicy:
    """Draw one of several policies at the start of every episode, and follow it to the end.

    Its value is the average of theirs, ``sum_i weights[i] V^{pi_i}``; that is not the value of the policy that draws
    anew at every step.

    Parameters
    ----------
    policies : sequence
        Action ids ``(S,)`` or ``(H, S)``, probabilities ``(S, A)`` or ``(H, S, A)``, or policy objects.
    weights : array_like, shape (K,), optional
        Probabilities of the policies; uniform by default.
    seed : int or numpy.random.Generator, default 0
        Randomness of the draws made by `act`.

    Raises
    ------
    InputError
        No policies, or weights that are not a distribution over them.

    Examples
    --------
    >>> from mdpkit.models import MixturePolicy
    >>> mixture = MixturePolicy([[0, 0], [1, 1]], weights=[0.25, 0.75])
    >>> action, memory = mixture.act(0, 0, None)
    >>> mixture.act(1, 1, memory)[0] == action
    True
    """

    __slots__ = ("_rng", "policies", "weights")

    def __init__(self, policies: Sequence[Any], weights: Any = None, *, seed: int | np.random.Generator = 0) -> None:
        self.policies = _read(policies)
        if weights is None:
            weights = np.full(len(self.policies), 1.0 / len(self.policies))
        share = as_floats(weights, "weights")
        if share.shape != (len(self.policies),):
            raise ShapeError(
                f"weights must have shape ({len(self.policies)},), found {share.shape}", argument="weights"
            )
        check_probabilities(share, "weights", lambda i: (i,))
        check_row_sums(np.atleast_1d(np.sum(share)), "weights", lambda _: ())
        self.weights: Floats = frozen(share / np.sum(share))
        self._rng = np.random.default_rng(seed)

    def act(self, state: int, t: int, memory: Any) -> tuple[int, Any]:
        """Return the action of the policy drawn for this episode."""
        if memory is None:
            memory = (int(self._rng.choice(len(self.policies), p=self.weights)), None)
        component, inner = memory
        action, inner = _act(self.policies[component], state, t, inner, self._rng)
        return action, (component, inner)

    def observe(self, state: int, t: int, memory: Any, action: int, reward: float, successor: int) -> Any:
        """Show a step to the policy drawn for this episode, if it wants to see it."""
        component, inner = memory
        observe = getattr(self.policies[component], "observe", None)
        if observe is not None:
            inner = observe(state, t, inner, action, reward, successor)
        return component, inner

    def __repr__(self) -> str:
        return f"MixturePolicy({len(self.policies)} policies)"


class NonStationaryPolicy:
    """Follow the ``t``-th policy at time ``t``, and the last one ever after.

    Parameters
    ----------
    policies : sequence
        Stationary policies, each action ids ``(S,)`` or probabilities ``(S, A)``.
    seed : int or numpy.random.Generator, default 0
        Randomness of the draws that `act` makes for stochastic members.

    Raises
    ------
    InputError
        No policies, or one that is not stationary.

    Examples
    --------
    >>> from mdpkit.models import NonStationaryPolicy
    >>> plan = NonStationaryPolicy([[0, 0], [1, 1]])
    >>> [plan.act(0, t, None)[0] for t in range(3)]
    [0, 1, 1]
    """

    __slots__ = ("_rng", "policies")

    def __init__(self, policies: Sequence[Any], *, seed: int | np.random.Generator = 0) -> None:
        self.policies = _read(policies)
        for t, policy in enumerate(self.policies):
            shape = (1,) if is_deterministic(policy) else (2,)
            if hasattr(policy, "act") or np.ndim(policy) not in shape:
                raise PolicyError(
                    f"policies[{t}] must be stationary: action ids (S,) or probabilities (S, A)",
                    argument="policies",
                    index=t,
                )
        self._rng = np.random.default_rng(seed)

    def at(self, t: int) -> Any:
        """Return the policy followed at time ``t``."""
        return self.policies[min(t, len(self.policies) - 1)]

    def act(self, state: int, t: int, memory: Any) -> tuple[int, Any]:
        """Return the action of the policy of time ``t``."""
        return _act(self.at(t), state, t, memory, self._rng)

    def __repr__(self) -> str:
        return f"NonStationaryPolicy({len(self.policies)} steps, then the last)"


def _read(policies: Sequence[Any]) -> tuple[Any, ...]:
    chosen = tuple(policy if hasattr(policy, "act") else np.asarray(policy) for policy in policies)
    if not chosen:
        raise InputError("policies must hold at least one policy", argument="policies")
    return chosen


def _act(policy: Any, state: int, t: int, memory: Any, rng: np.random.Generator) -> tuple[int, Any]:
    """Ask a policy object, or look the action up in a table."""
    if hasattr(policy, "act"):
        action, memory = policy.act(state, t, memory)
        return int(action), memory
    deterministic = is_deterministic(policy)
    rule = policy[t] if policy.ndim == (2 if deterministic else 3) else policy
    if deterministic:
        return int(rule[state]), memory
    return int(rng.choice(rule.shape[1], p=rule[state])), memory
