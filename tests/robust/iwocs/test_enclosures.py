"""Every run encloses the robust value: spec 5.3 a to c, on small models whose answers are known exactly."""

from __future__ import annotations

import warnings
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdpkit.errors import ConvergenceWarning
from mdpkit.models import L1Ball, RobustMDP
from mdpkit.robust import IWOCSResult, evaluate_robust, iwocs
from mdpkit.testing import tabular_mdps
from tests.oracles import pairs_of
from tests.robust.exact import l1_candidates, robust_values
from tests.robust.iwocs.small_models import exact_robust_values, problem_of, small_models

SLOW_DRAWS = [HealthCheck.too_slow]
QUICK = settings(deadline=None, max_examples=40, suppress_health_check=SLOW_DRAWS)


def run(problem: Any, **options: Any) -> IWOCSResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return iwocs(problem, **options)


def assert_encloses(result: IWOCSResult, value: Fraction) -> None:
    """Exactly: ends are doubles and the value is a fraction, so no tolerance is needed."""
    assert all(Fraction(low) <= value for low in result.lower)
    assert all(Fraction(high) >= value for high in result.upper)
    assert result.value == max(result.lower)
    assert result.converged == (result.status == "certified") == (result.gap <= result.tol)


@pytest.mark.parametrize("off_policy", ["robust_greedy", "keep"])
@pytest.mark.parametrize("policy_step", ["hull", "min_q"])
@QUICK
@given(drawn=small_models(), state=st.integers(0, 2))
def test_bounds_contain_the_exact_value(policy_step: str, off_policy: str, drawn: Any, state: int) -> None:
    best, of_policy = exact_robust_values(*drawn)
    result = run(problem_of(*drawn), initial_state=state, policy_step=policy_step, off_policy=off_policy)
    assert_encloses(result, best[state])
    attained = of_policy[tuple(result.policy.tolist())][state]
    assert Fraction(result.value) <= attained
    assert result.gap >= best[state] - attained
    assert result.status in ({"certified"} if policy_step == "hull" else {"certified", "stalled"})
    assert result.iterations <= 2 ** len(best)
    for policy, low, worst in zip(result.policies, result.lower, result.worst_value, strict=True):
        value = of_policy[tuple(policy.tolist())][state]
        assert Fraction(low) <= value
        assert abs(worst - value) <= result.tol


@QUICK
@given(drawn=small_models())
def test_min_q_never_raises_its_bound(drawn: Any) -> None:
    result = run(problem_of(*drawn), policy_step="min_q")
    assert all(after <= before for before, after in pairwise(result.upper))
    assert all(after <= before + 1e-12 for before, after in pairwise(result.estimate))


@QUICK
@given(drawn=small_models())
def test_the_hull_is_below_the_minimum_of_action_values_and_above_the_robust_value(drawn: Any) -> None:
    """Property 1 of the paper, at the first model (where both are its optimal value) and at the end."""
    problem = problem_of(*drawn)
    hull, min_q = run(problem), run(problem, policy_step="min_q")
    assert abs(hull.upper[0] - min_q.upper[0]) < 1e-9
    assert hull.upper[-1] <= min(min_q.upper) + 1e-9


@QUICK
@given(drawn=small_models(), weights=st.lists(st.integers(0, 5), min_size=4, max_size=4))
def test_a_distribution_averages_the_bounds(drawn: Any, weights: list[int]) -> None:
    best, _ = exact_robust_values(*drawn)
    weights = weights[: len(best)]
    weights[0] += 1
    start = np.array(weights) / sum(weights)
    result = run(problem_of(*drawn), initial_state=start)
    exact = sum((Fraction(p) * v for p, v in zip(start.tolist(), best, strict=True)), Fraction(0))
    assert result.converged
    assert_encloses(result, exact / sum(map(Fraction, start.tolist())))


@settings(deadline=None, max_examples=25, suppress_health_check=SLOW_DRAWS)
@given(data=st.data())
def test_l1_balls(data: st.DataObject) -> None:
    """Infinitely many kernels: rows of worst models are members up to rounding, and the bounds allow for it."""
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=(0.5, 0.0, 0.875), random_rewards=False))
    radius = data.draw(st.sampled_from([Fraction(0), Fraction(1, 4), Fraction(1)]))
    best, _ = robust_values(l1_candidates(pairs_of(mdp), radius), Fraction(mdp.gamma))
    options = {
        "policy_step": data.draw(st.sampled_from(["hull", "min_q"])),
        "off_policy": data.draw(st.sampled_from(["robust_greedy", "keep"])),
    }
    problem = RobustMDP(mdp, L1Ball(float(radius)))
    result = run(problem, **options)
    assert_encloses(result, best[0])
    assert result.models[0] is mdp
    if options["policy_step"] == "hull":
        assert result.status == "certified"
    worst = evaluate_robust(problem, result.policy)
    assert worst.lower[0] <= result.value <= worst.upper[0]
