"""Mean features of given policies, their lower confidence bounds, and references that a policy nearly equals."""

from __future__ import annotations

import numpy as np
import pytest

import mdpkit
from mdpkit.errors import InputError, PolicyError, ShapeError
from mdpkit.feedback import ComparisonOracle, EpisodicSimulator
from mdpkit.models import ContextualBandit
from mdpkit.preferences import ConfidenceSet, confidence_set, fit_reward, mean_feature, pessimistic_policy
from mdpkit.problems.preferences import two_stage_choice

BANDIT = ContextualBandit(np.arange(12.0).reshape(2, 3, 2), [0.25, 0.75])
EPISODE, FEATURES = two_stage_choice()
RIVER = mdpkit.problems.river_swim(3, gamma=0.9).with_initial(0)


def test_mean_features_by_hand():
    np.testing.assert_allclose(mean_feature(BANDIT, [0, 2]), 0.25 * np.array([0, 1]) + 0.75 * np.array([10, 11]))
    np.testing.assert_allclose(
        mean_feature(BANDIT, [[0.5, 0.5, 0], [0, 0, 1]]), 0.25 * np.array([1, 2]) + 0.75 * np.array([10, 11])
    )
    np.testing.assert_allclose(mean_feature(BANDIT, [0, 0], np.ones((2, 3, 1))), [1.0])
    # start with action 0 and be in A with probability 0.8; then action 1 in A, 0 in B
    np.testing.assert_allclose(mean_feature(EPISODE, [0, 1, 0], FEATURES), [1, 0, 0, 0.8, 0.2, 0], atol=1e-15)
    features = np.random.default_rng(0).normal(size=(3, 2, 4))
    visits = mdpkit.occupancy_measure(RIVER, [1, 1, 1], normalized=True)
    np.testing.assert_allclose(mean_feature(RIVER, [1, 1, 1], features), np.einsum("sa,sad->d", visits, features))


def test_a_given_policy_is_judged_like_the_best_one():
    simulator = EpisodicSimulator(EPISODE, seed=0)
    coin = np.full((2, 3, 2), 0.5)
    verdicts = ComparisonOracle(EPISODE, features=FEATURES, seed=1).duels(
        simulator.rollout(coin, 2000), simulator.rollout(coin, 2000)
    )
    fit = fit_reward(verdicts, norm_bound=1.5)
    region = confidence_set(fit, delta=0.05)
    best = pessimistic_policy(fit, EPISODE, FEATURES, radius=region, method="deterministic")
    u = mean_feature(EPISODE, best.policy, FEATURES) - fit.feature_mean
    assert region.lower(u) == pytest.approx(best.lower, abs=1e-12)
    for actions in np.ndindex(2, 2, 2):
        other = mean_feature(EPISODE, list(actions), FEATURES) - fit.feature_mean
        assert region.lower(other) <= best.lower + 1e-12


@pytest.mark.parametrize("seed", range(6))
def test_a_policy_that_imitates_the_data_is_not_lost_to_rounding(seed):
    """With little data the best policy is the reference itself; the design is singular, and the difference is noise."""
    simulator = EpisodicSimulator(EPISODE, seed=5)
    coin = np.full((2, 3, 2), 0.5)
    verdicts = ComparisonOracle(EPISODE, features=FEATURES, seed=seed).duels(
        simulator.rollout(coin, 30), simulator.rollout(coin, 30)
    )
    fit = fit_reward(verdicts, norm_bound=1.5)
    best = pessimistic_policy(fit, EPISODE, FEATURES, radius=confidence_set(fit, delta=0.05))
    assert best.converged
    assert np.isfinite(best.lower)
    assert best.lower <= 1e-9 + max(0.0, best.value)


def test_scale_tells_rounding_from_blindness():
    region = ConfidenceSet(np.array([1.0, 0.0]), np.diag([1.0, 0.0]), 0.5, None, False, "given")
    assert region.lower([2.0, 0.0]) == 1.0
    assert region.lower([2.0, 1e-6]) == -np.inf
    assert region.lower([1e-9, 1e-9]) == -np.inf
    assert region.lower([1e-9, 1e-9], scale=1.0) == pytest.approx(0.5e-9)


@pytest.mark.parametrize(
    ("call", "error", "argument", "index"),
    [
        (lambda: mean_feature(BANDIT, [0, 3]), PolicyError, "policy", 1),
        (lambda: mean_feature(BANDIT, [-1, 0]), PolicyError, "policy", 0),
        (lambda: mean_feature(BANDIT, [0]), ShapeError, "policy", None),
        (lambda: mean_feature(BANDIT, [0.0, 1.0]), ShapeError, "policy", None),
        (lambda: mean_feature(BANDIT, [[1, 0, 0], [0.5, 0.6, 0]]), PolicyError, "policy", 1),
        (lambda: mean_feature(BANDIT, [[1, 0, 0], [np.nan, 0, 1]]), PolicyError, "policy", 1),
        (lambda: mean_feature(BANDIT, [0, 0], np.ones((2, 2, 1))), ShapeError, "features", None),
        (lambda: mean_feature(EPISODE, [0, 0, 0]), InputError, "features", None),
        (lambda: mean_feature(EPISODE, [0, 0, 0], 1.0), ShapeError, "features", None),
        (lambda: mean_feature(None, [0]), InputError, "problem", None),
    ],
)
def test_bad_input(call, error, argument, index):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument
    assert caught.value.index == index
