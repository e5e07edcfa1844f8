"""Pessimistic policies on the instances of prefs.md 7.5 and 7.9, digit by digit."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mdpkit.feedback import LinearPairs
from mdpkit.models import ContextualBandit
from mdpkit.preferences import ConfidenceSet, fit_reward, pessimistic_policy
from mdpkit.problems.preferences import greedy_failure, two_stage_choice
from tests.preferences.instances import two_stage_pairs, weighted_pairs

BANDIT = greedy_failure()
PHI = BANDIT.features[0]
MDP, FEATURES = two_stage_choice()


def greedy_fit(**options):
    return fit_reward(weighted_pairs([(0, 1, 31, 19), (1, 2, 4, 6)], PHI), **options)


def single(action):
    """Return the bandit with one action only: its pessimistic value is the action's lower confidence bound."""
    return ContextualBandit(PHI[None, [action]], [1.0])


def lower_bounds(reference, **options):
    fit = greedy_fit()
    return [
        pessimistic_policy(fit, single(a), radius=0.5, lam=0.01, reference=reference, **options).lower for a in range(4)
    ]


def test_lower_confidence_bounds():
    expected = [-1.224174130952, -1.595042486685, 0, -0.054917281162]
    np.testing.assert_allclose(lower_bounds("zero"), expected, atol=1e-12)
    expected = [-0.612087065476, -1.101635290795, -0.696170182687, -0.206621957368]
    np.testing.assert_allclose(lower_bounds([0.5, 0.5, 0]), expected, atol=1e-12)


def test_lower_confidence_bounds_within_the_ball():
    """The spec gives 7 digits: min-norm estimate, ball B = 2, parameters of sum zero."""
    fit = greedy_fit()
    region = ConfidenceSet(fit.theta, fit.design.regularized(0.01), 0.5, 2.0, True, "given")
    values = [
        pessimistic_policy(fit, single(a), radius=region, reference="zero", inner="exact").lower for a in range(4)
    ]
    np.testing.assert_allclose(values, [-1.18678725, -1.56740492, 0, -0.05274912], atol=6e-8)


@pytest.mark.parametrize("method", ["socp", "deterministic", "pointwise"])
def test_zero_reference_stays_with_the_action_that_is_the_reference(method):
    best = pessimistic_policy(greedy_fit(), BANDIT, radius=0.5, lam=0.01, reference="zero", method=method)
    assert best.policy.tolist() == [2]
    assert (best.lower, best.value) == (0.0, 0.0)


def test_mixing_beats_every_action():
    """With v = (.5, .5, 0) any mixture whose mean feature is v is worth 0; the best single action -0.2066."""
    fit = greedy_fit()
    best = pessimistic_policy(fit, BANDIT, radius=0.5, lam=0.01, reference=[0.5, 0.5, 0])
    assert abs(best.lower) < 1e-8
    np.testing.assert_allclose(best.feature, [0.5, 0.5, 0], atol=1e-7)
    pure = pessimistic_policy(fit, BANDIT, radius=0.5, lam=0.01, reference=[0.5, 0.5, 0], method="deterministic")
    assert pure.policy.tolist() == [3]
    assert pure.lower == pytest.approx(-0.206621957368, abs=1e-12)
    assert pure.lower + pure.gap >= best.lower


def test_the_least_example_of_randomization():
    """phi = e1, e2, theta_hat = (1, 1), A = I, f = 1/2: the half-half mixture is worth 1 - 1 / (2 sqrt 2)."""
    logit = np.e / (1 + np.e)
    data = LinearPairs(np.eye(2)[[0, 1, 0, 1]], np.zeros((4, 2)), [1, 1, 0, 0], [logit, logit, 1 - logit, 1 - logit])
    fit = fit_reward(data)
    np.testing.assert_allclose(fit.theta, [1, 1], atol=1e-12)
    region = ConfidenceSet(fit.theta, np.eye(2), 0.5, None, False, "given")
    bandit = ContextualBandit(np.eye(2)[None], [1.0])
    best = pessimistic_policy(fit, bandit, radius=region, reference="zero")
    assert best.lower == pytest.approx(0.646446609407, abs=1e-11)
    np.testing.assert_allclose(best.policy, [[0.5, 0.5]], atol=1e-4)
    assert best.gap < 1e-8
    pure = pessimistic_policy(fit, bandit, radius=region, reference="zero", method="deterministic")
    assert pure.lower == pytest.approx(0.5, abs=1e-12)
    assert pure.policy.tolist() == [0]


# ---------------------------------------------------------------- the two-stage problem


def trajectory_fit():
    return fit_reward(two_stage_pairs(), alpha=1.0)


def policy_feature(a0, a_A, a_B):
    """P(A) is 0.8 after action 0 and 0.3 after action 1."""
    to_A = (0.8, 0.3)[a0]
    return np.eye(6)[a0] + to_A * np.eye(6)[2 + a_A] + (1 - to_A) * np.eye(6)[4 + a_B]


ALL = np.array([policy_feature(*actions) for actions in product(range(2), repeat=3)])


def test_lower_bounds_of_all_policies():
    fit = trajectory_fit()
    A = fit.design.regularized(0.1)
    differences = ALL - ALL.mean(axis=0)
    by_hand = differences @ fit.theta - 0.4 * np.sqrt(
        np.einsum("pd,de,pe->p", differences, np.linalg.inv(A), differences)
    )
    expected = [
        -0.021168823, 0.114684070, -0.692246711, -0.619089732,
        -0.500644883, -0.171650005, -0.687330218, -0.444459419,
    ]  # fmt: skip
    np.testing.assert_allclose(by_hand, expected, atol=6e-10)
    plug_in = [
        0.389380422,
        0.482022978,
        -0.271811427,
        -0.179168871,
        -0.096160169,
        0.228088776,
        -0.344107112,
        -0.019858167,
    ]
    np.testing.assert_allclose(ALL @ fit.theta, plug_in, atol=6e-10)
    best = pessimistic_policy(
        fit, MDP, FEATURES, radius=0.4, lam=0.1, reference=ALL.mean(axis=0), method="deterministic"
    )
    assert best.lower == pytest.approx(0.114684070, abs=6e-10)
    assert (best.policy[0, 0], best.policy[1, 1], best.policy[1, 2]) == (0, 0, 1)


def test_the_best_policy_randomizes_at_the_start():
    best = pessimistic_policy(trajectory_fit(), MDP, FEATURES, radius=0.4, lam=0.1, reference=ALL.mean(axis=0))
    assert best.lower == pytest.approx(0.152389524, abs=6e-10)
    assert best.gap < 1e-7
    np.testing.assert_allclose(best.policy[0, 0], [0.70414250, 0.29585750], atol=5e-5)
    np.testing.assert_array_equal(best.policy[1, 1], [1, 0])
    np.testing.assert_array_equal(best.policy[1, 2], [0, 1])


def test_reference_zero():
    options = {"radius": 0.4, "lam": 0.1, "reference": "zero"}
    for method in ("socp", "deterministic"):
        best = pessimistic_policy(trajectory_fit(), MDP, FEATURES, **options, method=method)
        assert best.lower == pytest.approx(-0.668634858, abs=6e-10)
        assert (best.policy[0, 0], best.policy[1, 1], best.policy[1, 2]) == (0, 0, 1)


def test_dynamic_programming_with_a_bonus_is_something_else():
    """Decision by decision it takes a policy whose guarantee is worse by 0.037."""
    options = {"radius": 0.4, "lam": 0.1, "reference": ALL.mean(axis=0)}
    best = pessimistic_policy(trajectory_fit(), MDP, FEATURES, **options)
    greedy = pessimistic_policy(trajectory_fit(), MDP, FEATURES, **options, method="pointwise")
    assert greedy.lower < best.lower - 0.03
    assert "not the optimum" in greedy.message
