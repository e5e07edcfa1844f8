"""`iwocs` on finite, non-rectangular sets: the upper bound covers every policy, and is what its formula says."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdpkit.errors import ConvergenceWarning
from mdpkit.models import ModelSet, TabularMDP
from mdpkit.robust import IWOCSResult, iwocs
from tests.robust.iwocs.small_models import GAMMA, small_models

QUICK = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])


def run(problem: Any, **options: Any) -> IWOCSResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return iwocs(problem, **options)


def value_of(model: TabularMDP, policy: Any) -> Any:
    """``V^pi`` for probabilities ``(S, A)``, by a dense linear solve."""
    S = model.n_states
    P = np.array([[model.transition(s, a) for a in range(2)] for s in range(S)])
    chain, reward = np.einsum("sa,sat->st", policy, P), (policy * model.rewards).sum(axis=1)
    return np.linalg.solve(np.eye(S) - GAMMA * chain, reward)


@pytest.mark.parametrize("policy_step", ["hull", "min_q"])
@QUICK
@given(data=st.data())
def test_bounds_hold_for_randomized_policies(policy_step: str, data: st.DataObject) -> None:
    """Rewards differ by model; every deterministic policy and a randomized one are below the upper ends."""
    rows, rewards = data.draw(small_models())
    others = data.draw(st.lists(st.integers(-3, 3), min_size=rewards.size, max_size=rewards.size))
    models = ModelSet(
        [
            TabularMDP(rows[:, :, 0], rewards, GAMMA),
            TabularMDP(rows[:, :, 1], np.reshape(others, rewards.shape), GAMMA),
            TabularMDP(rows[:, ::-1, 1], rewards, GAMMA),
        ]
    )
    S = len(rewards)
    result = run(models, policy_step=policy_step)
    deterministic = [np.eye(2)[list(actions)] for actions in product(range(2), repeat=S)]
    mixing = np.array(data.draw(st.lists(st.integers(0, 4), min_size=S, max_size=S))) / 4
    worst = [min(value_of(m, pi)[0] for m in models) for pi in (*deterministic, np.stack([mixing, 1 - mixing], 1))]
    assert max(worst) <= min(result.upper) + 1e-9
    assert result.status in ("certified", "stalled")
    for policy, low, index in zip(result.policies, result.lower, (result.model_indices or [])[1:], strict=True):
        values = [value_of(m, np.eye(2)[policy])[0] for m in models]
        assert low == pytest.approx(min(values), abs=1e-8)
        assert index == int(np.argmax(np.array(values) <= min(values) + 1e-9))


@QUICK
@given(data=st.data())
def test_the_upper_bound_is_the_value_of_the_first_step_game(data: st.DataObject) -> None:
    """``max_d min_j sum_a d_a Q_j(a)`` for two actions: a concave, piecewise linear function of ``d_0``."""
    rows, rewards = data.draw(small_models())
    models = ModelSet([TabularMDP(rows[:, :, k], rewards, GAMMA) for k in range(2)])
    result = run(models)
    seen = [models[i] for i in dict.fromkeys((result.model_indices or [])[: result.iterations])]
    Q = np.array([optimal_action_values(model)[0] for model in seen])
    knots = [0.0, 1.0]
    if len(Q) == 2:
        slope = (Q[0, 0] - Q[0, 1]) - (Q[1, 0] - Q[1, 1])
        if slope:
            knots.append(float(np.clip((Q[1, 1] - Q[0, 1]) / slope, 0.0, 1.0)))
    game = max(min(d * q[0] + (1 - d) * q[1] for q in Q) for d in knots)
    assert result.upper[-1] == pytest.approx(game, abs=1e-8)


def optimal_action_values(model: TabularMDP) -> Any:
    """``Q*`` by enumerating policies."""
    S = model.n_states
    V = np.max([value_of(model, np.eye(2)[list(actions)]) for actions in product(range(2), repeat=S)], axis=0)
    return np.array([[model.rewards[s, a] + GAMMA * model.transition(s, a) @ V for a in range(2)] for s in range(S)])


def test_start_distributions_share_one_model() -> None:
    """Nature picks once for all starts, so the bound mixes models over states: opposite corners cannot both be worst.

    Two separate states, each with an action that pays 1 in one model and 0 in the other; whichever model nature picks,
    one of the two starts is paid, and a coin is worth 1/2 from either.
    """
    eye = np.broadcast_to(np.eye(2)[:, None], (2, 2, 2))
    models = ModelSet([TabularMDP(eye, [[1, 0], [0, 1]], 0.0), TabularMDP(eye, [[0, 1], [1, 0]], 0.0)])
    result = run(models, initial_state=[0.5, 0.5])
    # action 0 in both states: paid in exactly one of them, whatever nature picks
    assert min(result.upper) == pytest.approx(0.5, abs=1e-9)
    single = run(models, initial_state=0)
    assert min(single.upper) == pytest.approx(0.5, abs=1e-9)
    assert single.value == pytest.approx(0.0, abs=1e-9)


def test_first_models() -> None:
    rows = np.eye(2)[np.array([[[0, 1]], [[1, 0]]])]
    models = ModelSet([TabularMDP(rows[:, :, k], [[1.0], [0.0]], GAMMA) for k in (0, 1)])
    assert run(models).model_indices == run(models, first_model=models[0]).model_indices
    twin = TabularMDP(rows[:, :, 1], [[1.0], [0.0]], GAMMA)
    for given_first in (1, np.int64(1), models[1], twin):
        result = run(models, first_model=given_first)
        assert result.model_indices is not None
        assert result.model_indices[0] == 1
    assert run(models, worst_case="enumerate").lower == run(models).lower
