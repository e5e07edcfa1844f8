"""`iwocs` on the instances whose every number is known: spec 6.4, 6.5, 6.9 and 7.2."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

import mdpkit
from mdpkit.errors import ConvergenceWarning
from mdpkit.models import ModelSet
from mdpkit.problems.robust import iwocs_stall, opposite_drifts, opposite_drifts_rectangular, retry, windy_walk
from mdpkit.robust import evaluate_robust, iwocs

CLOSE = {"rel": 1e-10, "abs": 1e-10}


@pytest.mark.parametrize(
    ("policy_step", "off_policy"), [("hull", "robust_greedy"), ("hull", "keep"), ("min_q", "keep")]
)
def test_the_stall_model_can_be_certified(policy_step: str, off_policy: str) -> None:
    result = iwocs(iwocs_stall(), policy_step=policy_step, off_policy=off_policy)
    assert result.status == "certified"
    assert result.converged
    assert result.iterations == 3
    assert result.upper == pytest.approx([4.4, 80 / 19, 0.0], **CLOSE)
    assert result.lower == pytest.approx([-208 / 19, -10.0, 0.0], **CLOSE)
    assert result.policy.tolist() == [1, 0, 1]
    assert result.value == pytest.approx(0.0, abs=1e-10)
    assert len(result.models) == 4
    assert result.model_indices is None
    assert (result.policy_step, result.worst_case, result.off_policy) == (policy_step, "exact", off_policy)
    # a saddle point: in the worst model nothing beats the policy
    assert mdpkit.solve(result.worst_model).V[0] >= -1e-10


def test_min_q_stalls_with_the_robust_greedy_completion() -> None:
    problem = iwocs_stall()
    with pytest.warns(ConvergenceWarning, match="not converged"):
        result = iwocs(problem, policy_step="min_q")
    assert result.status == "stalled"
    assert not result.converged
    assert result.iterations == 2
    assert result.upper == pytest.approx([4.4, 4.4], **CLOSE)
    assert result.value == max(result.lower) == pytest.approx(-208 / 19, **CLOSE)
    assert result.policy.tolist() == [0, 1, 0]
    assert pytest.approx([4.4, 6.0, 10.0], **CLOSE) == mdpkit.solve(result.models[0]).V
    assert pytest.approx([17.0, 20.0, 20.0], **CLOSE) == mdpkit.solve(result.models[1]).V
    second = [[result.models[1].transition(s, a).argmax() for a in (0, 1)] for s in range(3)]
    assert second[1][0] == 1
    assert second[2][0] == 1
    # the optimal policy attains 0 all the same
    assert pytest.approx([0.0, 2.0, 3.8], **CLOSE) == evaluate_robust(problem, [1, 0, 1]).V


@cache
def walk() -> ModelSet:
    return windy_walk()


@pytest.mark.parametrize("policy_step", ["min_q", "hull"])
@pytest.mark.parametrize(("first", "upper"), [(0, -4.52438125), (12, -6.2296225533)])
def test_the_windy_walk_takes_two_iterations(policy_step: str, first: int, upper: float) -> None:
    result = iwocs(walk(), policy_step=policy_step, first_model=first)
    assert result.status == "certified"
    assert result.iterations == 2
    exact = -73055230061803 / 9186855520000
    assert result.upper == pytest.approx([upper, exact], abs=1e-9)
    assert result.lower == pytest.approx([-10.2944132392, exact], abs=1e-9)
    assert result.lower[1] <= exact <= result.upper[1]
    assert result.model_indices == [first, 24, 24]
    assert result.worst_model is walk()[24]


def test_the_windy_walk_loses_nothing_to_rectangularity() -> None:
    """Wind only hurts, so nature gains nothing by changing its mind: the hull of the 25 kernels has the same value."""
    hull = walk().rectangular_hull()
    static = iwocs(walk())
    assert mdpkit.solve(hull, method="value_iteration", tol=1e-10).V[0] == pytest.approx(static.value, abs=1e-9)
    dynamic = iwocs(hull)
    assert dynamic.status == "certified"
    assert dynamic.value == pytest.approx(static.value, abs=1e-9)


@pytest.mark.parametrize("gamma", [0.5, 0.9])
@pytest.mark.parametrize("policy_step", ["min_q", "hull"])
def test_retry_keeps_its_gap(policy_step: str, gamma: float) -> None:
    """No deterministic policy is worth anything, while trying both doors meets the upper bound: the gap is real."""
    total = 1 / (1 - gamma)
    with pytest.warns(ConvergenceWarning, match="Stalled"):
        result = iwocs(retry(gamma=gamma), policy_step=policy_step, initial_state="closed")
    assert result.status == "stalled"
    assert result.upper == pytest.approx([gamma * total, gamma * total * (1 + gamma) / 2], **CLOSE)
    assert result.value == pytest.approx(0.0, abs=1e-10)
    assert set(result.model_indices or []) == {0, 1}
    # the rectangular hull is another problem, and a lower bound: worth nothing here
    assert iwocs(retry(gamma=gamma).rectangular_hull()).value == pytest.approx(0.0, abs=1e-10)


def test_opposite_drifts_static_and_dynamic() -> None:
    """Rewards that differ by model, or by transition: nature once gives 1, nature at every step 0."""
    uniform = [0.5, 0.5]
    static = iwocs(opposite_drifts(), initial_state=uniform)
    assert static.status == "certified"
    assert static.value == pytest.approx(1.0, abs=1e-9)
    dynamic = iwocs(opposite_drifts_rectangular(), initial_state=uniform)
    assert dynamic.status == "certified"
    assert dynamic.value == pytest.approx(0.0, abs=1e-9)


def test_roll_outs_certify_nothing() -> None:
    from mdpkit.robust import MonteCarlo

    results: list[Any] = []
    for standard_errors in (3.0, 0.0):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            options = MonteCarlo(seed=5, standard_errors=standard_errors)
            results.append(iwocs(walk(), policy_step="min_q", worst_case=options, max_iter=4))
        assert [w.category for w in caught] == [ConvergenceWarning]
    allowing, published = results
    assert allowing.status == "estimated"
    assert not allowing.converged
    assert published.status == "max_iter"
    assert published.iterations == 4
    for result in results:
        assert result.worst_case == "monte_carlo"
        assert set(result.lower) == {-np.inf}
        assert result.gap == np.inf
        assert result.value == result.worst_value[-1]
        assert "certif" in result.message
        # what is exact stays exact
        assert result.upper[0] == pytest.approx(-4.52438125, abs=1e-9)
    again = iwocs_quietly(MonteCarlo(seed=5))
    assert again.worst_value == allowing.worst_value


def iwocs_quietly(options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return iwocs(walk(), policy_step="min_q", worst_case=options)


def test_mean_returns_are_unbiased() -> None:
    """Mean of 20,000 discounted returns against the exact value; 5.3 standard errors: false alarm 1.2e-7 per mean."""
    from mdpkit.robust import MonteCarlo

    result = iwocs_quietly(MonteCarlo(n_rollouts=20_000, seed=1))
    for policy, model, mean in zip(result.policies, result.models[1:], result.worst_value, strict=True):
        exact = mdpkit.evaluate_policy(model, policy).V[0]
        # returns lie between -20 and 0 and their standard deviation is at most 10
        assert abs(mean - exact) <= 5.3 * 10 / np.sqrt(20_000)
