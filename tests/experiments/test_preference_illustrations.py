"""The parts of the preference experiments that could be wrong without any claim noticing."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import chi2

from experiments import (
    preferences_efficiency,
    preferences_greedy_failure,
    preferences_greedy_failure_exact,
    preferences_kwise,
    preferences_radius,
)
from mdpkit.feedback import ComparisonOracle, LinearPairs
from mdpkit.preferences import fit_reward, pl_fisher
from mdpkit.problems.preferences import four_choices, greedy_failure, greedy_failure_pairs
from paper_figures import preferences_greedy_failure as greedy_figure
from paper_figures import preferences_kwise as kwise_figure
from paper_figures import preferences_radius as radius_figure


def test_counted_answers_give_the_estimate_of_the_answers_one_by_one():
    n = 30
    first, second = greedy_failure_pairs(n)
    data = ComparisonOracle(greedy_failure(), seed=0).duels(np.zeros(n, dtype=int), first, second)
    wins, last = int(data.y[:-1].sum()), int(data.y[-1])
    one_by_one = fit_reward(data, norm_bound=preferences_greedy_failure.NORM_BOUND, center=True)
    found = preferences_greedy_failure.fit(n, wins, last)
    np.testing.assert_allclose(found.theta, one_by_one.theta, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.design.matrix, one_by_one.design.matrix, rtol=0, atol=1e-15)


def test_the_oracle_is_asked_as_often_as_the_problem_says():
    # Action 0 beats 1 with probability sigma(0.1), action 1 beats 2 with probability sigma(-1).
    answers = np.array([preferences_greedy_failure.ask(1001, seed) for seed in range(400)])
    assert set(answers[:, 1]) == {0, 1}
    rates = answers[:, 0].mean() / 1000, answers[:, 1].mean()
    # standard errors 0.0008 and 0.022: six of them
    assert rates == (pytest.approx(1 / (1 + np.exp(-0.1)), abs=0.005), pytest.approx(1 / (1 + np.e), abs=0.14))


def test_greedy_ties_are_split_evenly():
    # Features (1, 1, 0) and (1, 0, 0) tie: losses 1 and 1.1.
    assert preferences_greedy_failure.greedy_loss(np.array([1.0, 0.0, -1.0])) == pytest.approx(1.05)
    assert preferences_greedy_failure.greedy_loss(np.zeros(3)) == pytest.approx((1.0 + 1.1 + 0.1 + 0.0) / 4)


@pytest.mark.parametrize(("wins", "last"), [(11, 1), (8, 1), (11, 0), (8, 0)])
def test_greedy_decides_by_two_signs(wins: int, last: int):
    theta = preferences_greedy_failure.fit(20, wins, last).theta
    assert np.sign(theta[0]) == (1 if last else -1)
    assert np.sign(theta[1]) == (1 if wins > 9.5 else -1)
    expected = preferences_greedy_failure.signs_loss(20, wins, last)
    assert preferences_greedy_failure.greedy_loss(theta) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "last"), [(20, 0), (20, 1), (50, 1)])
def test_nothing_happens_between_equal_choices(n: int, last: int):
    full = [preferences_greedy_failure_exact.losses(n, wins, last) for wins in range(n)]
    assert preferences_greedy_failure_exact.table(n, last, 0, n - 1).tolist() == [list(line) for line in full]


def test_the_law_of_losses_adds_up():
    law = preferences_greedy_failure_exact.run({"n": 20}, 0)
    for rule in preferences_greedy_failure_exact.RULES:
        assert law[f"chance_{rule}"].sum() == pytest.approx(1.0, abs=1e-12)
    # with C = 1 nothing but action 2 is safe
    np.testing.assert_allclose(law["chance_1"], [0, 1, 0, 0], rtol=0, atol=1e-12)


def test_p_values_of_sums_against_all_outcomes():
    chance, count = np.array([0.5, 0.2, 0.2, 0.1]), 4
    tenths = np.array([0, 1, 10, 11])
    law: dict[int, float] = {}
    for draw in product(range(4), repeat=count):
        total = int(tenths[list(draw)].sum())
        law[total] = law.get(total, 0.0) + float(np.prod(chance[list(draw)]))
    for total in law:
        low = sum(p for t, p in law.items() if t <= total)
        high = sum(p for t, p in law.items() if t >= total)
        expected = min(1.0, 2 * min(low, high))
        assert greedy_figure.sum_p_value(chance, count, total) == pytest.approx(expected, abs=1e-12)


def test_random_instances_are_centered_and_inside_the_ball():
    for K in (4, 9):
        bandit = preferences_kwise.random_instance(K)
        assert bandit.features.shape == (1, K, 3)
        assert abs(bandit.theta.sum()) <= 1e-12
        assert np.linalg.norm(bandit.theta) <= preferences_kwise.NORM_BOUND + 1e-12


def test_equal_rankings_may_be_added_up():
    rankings = ComparisonOracle(four_choices(), link="pl", seed=1).rank(np.zeros(200, dtype=int))
    short = preferences_kwise.counted(rankings)
    assert len(short) <= 24
    assert short.weights.sum() == 200
    for method in preferences_kwise.METHODS:
        both = [fit_reward(data, method=method) for data in (rankings, short)]
        np.testing.assert_allclose(both[0].theta, both[1].theta, rtol=0, atol=1e-9)


def test_limits_of_centered_estimates_are_those_of_the_constrained_problem():
    bandit = preferences_kwise.random_instance(4)
    phi, theta = bandit.features[0], bandit.theta
    found = kwise_figure.limits(("random", 4))
    # The inverse information on the plane of sum zero, by a border that imposes it.
    bordered = np.block([[pl_fisher(phi, theta), np.ones((3, 1))], [np.ones((1, 3)), np.zeros((1, 1))]])
    cov = np.linalg.inv(bordered)[:3, :3]
    X = phi[:, None] - phi[None, :]
    design = np.einsum("jka,jkb->ab", X, X) / (4 * 3)
    assert found.mle_mse == pytest.approx(float(np.trace(cov @ design)), rel=1e-9)


def test_mean_squares_of_one_normal_error_are_chi_square():
    low, high = kwise_figure.mse_interval(np.array([[2.0]]), 50)
    assert low == pytest.approx(2.0 * chi2.ppf(5e-7, 50) / 50)
    assert high == pytest.approx(2.0 * chi2.isf(5e-7, 50) / 50)


def test_the_limiting_error_without_a_signal(monkeypatch: pytest.MonkeyPatch):
    # theta = 0: information E x x^T / 4 = I / 6, covariance 6 I, in the norm of 2/3 I: 2 E|z| with z normal in 3-D.
    monkeypatch.setattr(radius_figure, "THETA", np.zeros(3))
    assert radius_figure.limiting_error(0.0) == pytest.approx(2.0 * np.sqrt(8.0 / np.pi), rel=1e-9)


def test_the_limiting_error_against_random_features():
    rng = np.random.default_rng(0)
    shown = rng.standard_normal((2, 100_000, 3))
    shown /= np.linalg.norm(shown, axis=2, keepdims=True)
    x = shown[0] - shown[1]
    z = x @ preferences_radius.THETA
    cov = np.linalg.inv((x / (2 + np.exp(z) + np.exp(-z))[:, None]).T @ x / len(x))
    errors = rng.standard_normal((100_000, 3)) @ np.linalg.cholesky(cov).T
    mean = np.linalg.norm(errors, axis=1).mean() * np.sqrt(2 / 3 + 0.01)
    # standard errors of 0.13 % (mean) and about 0.2 % (information)
    assert radius_figure.limiting_error(0.01) == pytest.approx(mean, rel=0.015)


def test_features_of_the_radius_experiment_are_unit_vectors():
    rng = np.random.default_rng(0)
    pairs = preferences_radius.dataset(2, 40, rng)
    assert isinstance(pairs, LinearPairs)
    rankings = preferences_radius.dataset(4, 40, rng).features
    for features in (pairs.first, pairs.second, rankings):
        np.testing.assert_allclose(np.linalg.norm(features, axis=-1), 1.0, rtol=0, atol=1e-12)
    assert rankings.shape == (40, 4, 3)


def test_the_efficiency_starts_at_equal_utilities():
    found = preferences_efficiency.run({"K": 3}, 0)
    assert found["spread"][0] == 0.0
    assert found["trace_ratio"][0] == pytest.approx(27 / 28, abs=1e-12)
    assert len(found["trace_ratio"]) == len(preferences_efficiency.SPREADS)


@pytest.mark.parametrize(
    ("experiment", "config"),
    [
        (preferences_greedy_failure, {"n": 20}),
        (preferences_kwise, {"instance": "random", "K": 4}),
        (preferences_radius, {"K": 2, "n": 250}),
    ],
)
def test_runs_depend_on_nothing_but_their_seed(experiment, config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(experiment, "DATASETS", 2)
    once, again, other = (experiment.run(dict(config), seed) for seed in (3, 3, 4))
    assert all(np.array_equal(once[name], again[name]) for name in once)
    assert any(not np.array_equal(once[name], other[name]) for name in once)
