"""Weights of demonstrators that follow the model are recovered, as accurately as `cov` says.

Every test compares a quadratic form with a chi-square quantile; its false-alarm probability is 1e-6, up to the error of
the normal approximation at the sample sizes used. Seeds are fixed; the tests have power because the same forms with a
wrong weight or a wrong covariance exceed the quantile, which is asserted too.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

import mdpkit
from mdpkit.feedback import EpisodicSimulator
from mdpkit.preferences.irl import causal_maxent_irl, maxent_irl
from tests.preferences.irl.support import Case, soft_policy

FALSE_ALARM = 1e-6


def random_case(*, sure: bool, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    H, S, A, d = 4, 5, 3, 4
    P = rng.dirichlet(np.full(S, 0.5), size=(H, S, A))
    if sure:
        P = np.eye(S)[np.argmax(P, axis=3)]
    features = rng.standard_normal((H, S, A, d))
    features[..., 3] = features[..., 0] - features[..., 1]
    theta = rng.standard_normal(d)
    return Case(P, np.ones((H, S, A), dtype=bool), np.full(S, 1 / S), 0.9, features, theta)


@pytest.mark.parametrize("sure", [True, False])
def test_weights_lie_in_their_ellipsoid(sure):
    case = random_case(sure=sure, seed=11)
    n = 40_000
    data = EpisodicSimulator(case.problem, seed=12).rollout(soft_policy(case, case.theta)[1], n)
    fit = (maxent_irl if sure else causal_maxent_irl)(case.problem, case.features, data)
    assert fit.converged
    assert fit.rank == 3
    assert fit.n_demonstrations == n
    span = np.eye(4) - fit.null_basis @ fit.null_basis.T
    error = fit.theta - span @ case.theta
    # The quadratic form of rank 3 is chi-square with 3 degrees of freedom.
    distance = error @ np.linalg.pinv(fit.cov, rcond=1e-9, hermitian=True) @ error
    assert distance < chi2.ppf(1 - FALSE_ALARM, df=3)
    # Power: weights off by a tenth of their length are far outside.
    off = 0.1 * span @ case.theta
    assert off @ np.linalg.pinv(fit.cov, rcond=1e-9, hermitian=True) @ off > 3 * chi2.ppf(1 - FALSE_ALARM, df=3)


def test_spread_of_many_fits_under_random_transitions():
    """The sum of 300 squared standardized errors is chi-square with 300 degrees of freedom; both tails are tested.

    Means of 20,000 demonstrations are drawn from their exact law: the goal is a coin (see `causal_maxent_irl`).
    The bias of theta is of order 1/n, which changes the sum by about 300 / 20,000.
    """
    P = [[[0.0, 0.8, 0.2], [0.0, 0.2, 0.8]], [[0, 1, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 1]]]
    problem = mdpkit.FiniteHorizonMDP(P, r=[[0, 0]] * 3, horizon=2, initial=0)
    at_goal = [[[0.0], [0.0]], [[0.0], [0.0]], [[1.0], [1.0]]]
    theta, n, times = np.log(3) / 0.6, 20_000, 300
    means = np.random.default_rng(7).binomial(n, 0.65, size=times) / n
    fits = [causal_maxent_irl(problem, at_goal, [mean]) for mean in means]
    errors = np.array([fit.theta[0] - theta for fit in fits])
    total = float(np.sum(errors**2 / np.array([fit.cov[0, 0] / n for fit in fits])))
    low, high = chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], df=times)
    assert low < total < high
    # The inverse information alone leaves out the luck of the transitions and would be far too confident.
    naive = float(np.sum(errors**2 * np.array([fit.information[0, 0] * n for fit in fits])))
    assert naive > 2 * high
