"""Policy objects and regret, against exact fractions and against rolling the policy out on paper."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit.errors import InputError, PolicyError, ShapeError
from mdpkit.planning import MixturePolicy, NonStationaryPolicy
from tests.oracles import exact_policy_values, pairs_of

RIVER = mdpkit.problems.river_swim(4, gamma=0.9)
LEFT, RIGHT = np.zeros(4, dtype=int), np.ones(4, dtype=int)


def exact_value(policy: np.ndarray) -> list[Fraction]:
    return exact_policy_values(pairs_of(RIVER), policy.tolist(), Fraction(0.9))


def one_backup(policy: np.ndarray, values: list[Fraction]) -> list[Fraction]:
    """``T_pi v`` in exact fractions."""
    law = {(s, a): (r, row) for s, a, r, row in pairs_of(RIVER)}
    gamma = Fraction(0.9)
    return [
        law[s, int(a)][0] + gamma * sum((p * values[t] for t, p in law[s, int(a)][1].items()), Fraction(0))
        for s, a in enumerate(policy)
    ]


def contains(solution: mdpkit.Solution, exact: list[Fraction]) -> bool:
    pairs = zip(solution.lower.tolist(), exact, solution.upper.tolist(), strict=True)
    return all(Fraction(low) <= value <= Fraction(high) for low, value, high in pairs)


@given(st.integers(0, 8))
@settings(max_examples=9, deadline=None)
def test_a_mixture_is_worth_the_average_of_its_members(eighths: int):
    share = eighths / 8
    mixture = MixturePolicy([LEFT, RIGHT], weights=[share, 1 - share])
    solution = mdpkit.evaluate_policy(RIVER, mixture)
    exact = [
        Fraction(share) * a + Fraction(1 - share) * b
        for a, b in zip(exact_value(LEFT), exact_value(RIGHT), strict=True)
    ]
    assert contains(solution, exact)
    assert solution.half_width < 1e-12
    best = exact_value(RIGHT)  # optimal at these discounts; spec of RiverSwim
    assert solution.policy_loss >= float(max(b - e for b, e in zip(best, exact, strict=True)))


@pytest.mark.parametrize("plan", [[LEFT], [LEFT, RIGHT], [RIGHT, LEFT, LEFT, RIGHT]])
def test_a_plan_is_worth_the_backups_of_its_steps(plan: list[np.ndarray]):
    solution = mdpkit.evaluate_policy(RIVER, NonStationaryPolicy(plan))
    exact = exact_value(plan[-1])
    for rule in reversed(plan[:-1]):
        exact = one_backup(rule, exact)
    assert contains(solution, exact)
    assert solution.half_width < 1e-12
    assert list(solution.to_frame().columns) == ["state", "V", "lower", "upper"]


def test_finite_horizons_read_plans_and_mixtures():
    problem = RIVER.with_horizon(3)
    table = mdpkit.evaluate_policy(problem, np.array([LEFT, RIGHT, RIGHT]))
    plan = mdpkit.evaluate_policy(problem, NonStationaryPolicy([LEFT, RIGHT]))
    np.testing.assert_array_equal(plan.V, table.V)
    half = mdpkit.evaluate_policy(problem, MixturePolicy([LEFT, RIGHT]))
    ends = [mdpkit.evaluate_policy(problem, policy).V for policy in (LEFT, RIGHT)]
    np.testing.assert_allclose(half.V, (ends[0] + ends[1]) / 2, rtol=0, atol=1e-14)


def test_acting():
    plan = NonStationaryPolicy([LEFT, RIGHT])
    assert [plan.act(2, t, None)[0] for t in (0, 1, 5)] == [0, 1, 1]
    sure = MixturePolicy([LEFT, np.array([LEFT, RIGHT])], weights=[0.0, 1.0])
    action, memory = sure.act(0, 0, None)
    assert (action, sure.act(0, 1, memory)[0]) == (0, 1)
    drawn = [MixturePolicy([LEFT, RIGHT], seed=seed).act(0, 0, None)[0] for seed in range(64)]
    assert set(drawn) == {0, 1}  # false alarm 2^-63
    coin = MixturePolicy([np.full((4, 2), 0.5)], seed=1)
    assert {coin.act(0, t, None)[0] for t in range(64)} == {0, 1}


def test_regret_of_every_episode():
    river = RIVER.with_initial(0)
    played = SimpleNamespace(policies=[LEFT, RIGHT], policy_of_episode=[0, 0, 1])
    gap = float(exact_value(RIGHT)[0] - exact_value(LEFT)[0])
    np.testing.assert_allclose(mdpkit.regret(river, played), [gap, gap, 0.0], rtol=0, atol=1e-12)
    finite = river.with_horizon(5)
    value = [mdpkit.evaluate_policy(finite, policy).V[0, 0] for policy in (LEFT, RIGHT)]
    expected = mdpkit.solve(finite).V[0, 0] - np.array(value)
    np.testing.assert_allclose(mdpkit.regret(finite, [LEFT, RIGHT]), expected, rtol=0, atol=1e-14)


def test_bad_input():
    with pytest.raises(InputError, match="at least one policy"):
        MixturePolicy([])
    with pytest.raises(ShapeError, match="weights"):
        MixturePolicy([LEFT], weights=[0.5, 0.5])
    with pytest.raises(InputError, match=r"weights.* 0\.9"):
        MixturePolicy([LEFT, RIGHT], weights=[0.5, 0.4])
    with pytest.raises(PolicyError, match=r"policies\[1\]"):
        NonStationaryPolicy([LEFT, np.array([LEFT, RIGHT])])
    with pytest.raises(InputError, match="initial"):
        mdpkit.regret(RIVER.with_initial(None), [LEFT])
    with pytest.raises(InputError, match=r"policy_of_episode\[1\] = 2"):
        mdpkit.regret(RIVER.with_initial(0), SimpleNamespace(policies=[LEFT], policy_of_episode=[0, 2]))
    with pytest.raises(InputError, match="no policies"):
        mdpkit.regret(RIVER.with_initial(0), [])
