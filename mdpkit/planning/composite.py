"""The value of policies made of several: mixtures over episodes, and plans that change with time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.models import MixturePolicy, NonStationaryPolicy, TabularMDP
from mdpkit.planning.directed import add_down, add_up
from mdpkit.planning.discounted.bellman import process_operator
from mdpkit.planning.rounding import UNIT_ROUNDOFF, largest
from mdpkit.planning.solution import Solution

Evaluate = Callable[[Any], Solution]


def evaluate_mixture(policy: MixturePolicy, evaluate: Evaluate) -> Solution:
    """Average the values of the members: the draw is made once per episode."""
    members = [evaluate(member) for member in policy.policies]
    shares = policy.weights.tolist()
    lower = sum(w * member.lower for w, member in zip(shares, members, strict=True))
    upper = sum(w * member.upper for w, member in zip(shares, members, strict=True))
    # The average rounds once per product and once per sum, and the shares sum to one up to as much.
    scale = max(max(largest(member.lower), largest(member.upper)) for member in members)
    slack = (2 * len(members) + 4) * UNIT_ROUNDOFF * scale
    loss = sum(w * member.policy_loss for w, member in zip(shares, members, strict=True))
    return _composite(members[0], policy, add_down(lower, -slack), add_up(upper, slack), loss * (1 + 1e-12) + slack)


def evaluate_plan(model: TabularMDP, gamma: float, policy: NonStationaryPolicy, tail: Solution) -> Solution:
    """Start from the value of the last policy and apply the backups of the earlier ones, last to first."""
    lower, upper = tail.lower, tail.upper
    optimal_upper = tail.lower + tail.policy_loss
    for rule in reversed(policy.policies[:-1]):
        bellman = process_operator(model.under_policy(rule), gamma)
        error = bellman.rounding.sweep_error(max(largest(lower), largest(upper)))
        lower = add_down(bellman.pair_values(lower), -error)
        upper = add_up(bellman.pair_values(upper), error)
    loss = max(0.0, float(np.max(add_up(optimal_upper, -lower))))
    return _composite(tail, policy, lower, upper, loss)


def _composite(like: Solution, policy: Any, lower: Floats, upper: Floats, loss: float) -> Solution:
    """Return a solution for a policy object, with the bookkeeping of one of its members."""
    half_width = float(np.max(upper - lower)) / 2
    converged = half_width <= like.tol
    message = f"The value of the policy is certified within {half_width:.3g} (tol {like.tol:.3g})."
    return replace(
        like,
        V=lower + (upper - lower) / 2,
        policy=policy,
        lower=lower,
        upper=upper,
        policy_loss=loss,
        converged=converged,
        status="converged" if converged else "floor",
        message=message,
    )
