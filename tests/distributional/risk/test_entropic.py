"""Optimal ERM and EVaR against closed forms and brute-forced laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from mdpkit.distributional import maximize_cvar, maximize_erm, maximize_evar, maximize_var, return_law
from mdpkit.errors import InputError, NotWellPosedError
from mdpkit.problems.risk import bernoulli_rewards, cliff_walk, sure_or_coin, two_step_gamble
from tests.distributional.brute_force import as_mdp, history_laws, two_step, two_step_problems


def arrays(law):
    return np.array([float(x) for x in law]), np.array([float(p) for p in law.values()])


def erm(law, b):
    x, p = arrays(law)
    return x.min() - np.log(p @ np.exp(-b * (x - x.min()))) / b


def evar(law, tau):
    """Supremum over b by a scalar search of the concave function of theta = 1/b, and its limit at theta = 0."""
    x, p = arrays(law)

    def loss(theta):
        return -(x.min() - theta * np.log(p @ np.exp(-(x - x.min()) / theta)) + theta * np.log(tau))

    widest = (p @ x - x.min()) / -np.log(tau) + 1e-9
    found = minimize_scalar(loss, bounds=(1e-9 * widest, widest), method="bounded", options={"xatol": 1e-12})
    return max(x.min(), -found.fun)


# ---------------------------------------------------------------- ERM


@pytest.mark.parametrize(("b", "value", "sure"), [(1.0, 0.84309083516012, [0]), (4.0, 0.79920652557593, [0, 1, 2])])
def test_no_stationary_policy_is_optimal(b, value, sure):
    """Spec D11, with the sum of its docstring."""
    solution = maximize_erm(sure_or_coin(), b, horizon=6)
    scale = 0.5 ** np.arange(6)
    expected = np.sum(np.maximum(0.4 * scale, -np.log(0.5 * (1 + np.exp(-b * scale))) / b))
    assert solution.value == pytest.approx(value, abs=1e-13)
    assert solution.value == pytest.approx(expected, abs=1e-14)
    assert np.flatnonzero(solution.policy[:, 0] == 0).tolist() == sure
    assert solution.law.erm(b) == pytest.approx(value, abs=1e-13)


@pytest.mark.parametrize(
    ("gamma", "values"),
    [
        (1.0, [2.33800247269772, 1.75977098608344, 1.56621916951697, 1.23022383180741]),
        (0.9, [2.20923356615980, 1.68504820447559, 1.46621916951697, 1.13022383180741]),
    ],
)
def test_two_step_gamble(gamma, values):
    """Spec D4, except for b = 0.1, where each of its numbers has one wrong digit (checked to 50)."""
    laws = history_laws(two_step(2, 1, 0, 3), 2, gamma)
    for b, value in zip((0.1, 0.5, 1.0, 3.0), values, strict=True):
        solution = maximize_erm(two_step_gamble(gamma=gamma), b, horizon=2)
        assert solution.value == pytest.approx(value, abs=1e-13)
        assert solution.value == pytest.approx(max(erm(law, b) for law in laws), abs=1e-12)


@pytest.mark.parametrize(
    ("b", "value"), [(0.1, 0.98333888536), (1, 0.83856063843), (5, 0.46052609879), (20, 0.18444397270)]
)
def test_fair_coin_for_ever(b, value):
    """Spec D2b: ``-(1/b) log((1 - e^{-2b}) / (2b))``."""
    solution = maximize_erm(bernoulli_rewards(), b, tol=1e-12)
    assert solution.law is None
    assert solution.error_bound <= 1e-12
    assert solution.value == pytest.approx(-np.log((1 - np.exp(-2 * b)) / (2 * b)) / b, abs=2e-12)
    assert solution.value == pytest.approx(value, abs=1e-11)


def test_tail_of_the_mean_costs_what_it_says():
    for tol in (1e-2, 1e-4, 1e-6):
        solution = maximize_erm(bernoulli_rewards(), 5.0, tol=tol)
        exact = -np.log((1 - np.exp(-10.0)) / 10.0) / 5.0
        assert 0.0 <= solution.value - exact <= solution.error_bound <= tol


@settings(max_examples=100, deadline=None)
@given(two_step_problems(), st.sampled_from([1e-6, 0.3, 2.0, 1e6]), st.sampled_from([1.0, 0.5]))
def test_best_of_all_laws(problem, b, gamma):
    """ERM of huge and tiny aversion neither overflows nor loses digits."""
    solution = maximize_erm(as_mdp(problem, gamma), b, horizon=2)
    laws = history_laws(problem, 2, gamma)
    mean_or_log = [float(arrays(law)[0] @ arrays(law)[1]) if b < 1e-3 else erm(law, b) for law in laws]
    # At b = 1e-6 the mean is too high by at most b range^2 / 8.
    assert solution.value == pytest.approx(max(mean_or_log), abs=1e-11 if b > 1e-3 else 1e-4)
    assert solution.law.erm(b) == pytest.approx(solution.value, abs=1e-10)


@pytest.mark.parametrize("b", [0.0, -1.0, float("inf"), float("nan"), "1"])
def test_aversions_out_of_range(b):
    with pytest.raises(InputError, match="b must be positive"):
        maximize_erm(two_step_gamble(), b, horizon=2)


@pytest.mark.parametrize("tol", [0.0, -1e-9, float("nan"), "tight", None])
def test_tolerances_out_of_range(tol):
    for maximize in (maximize_erm, maximize_evar):
        with pytest.raises(InputError, match="tol must be") as error:
            maximize(bernoulli_rewards(), 0.5, tol=tol)
        assert error.value.argument == "tol"


def test_undiscounted_without_horizon():
    with pytest.raises(NotWellPosedError, match="horizon"):
        maximize_erm(two_step_gamble(), 1.0)


# ---------------------------------------------------------------- EVaR


@pytest.mark.parametrize(("tau", "value"), [(0.25, 1.0), (0.5, 1.0)])
def test_limit_of_infinite_aversion(tau, value):
    """Spec D4: the supremum is the best worst case and reached only in the limit."""
    solution = maximize_evar(two_step_gamble(), tau, horizon=2)
    assert solution.value == value
    assert solution.parameter == np.inf
    assert solution.status == "limit"
    assert solution.law.x[0] == value


def test_two_step_gamble_evar():
    """Spec D4 gives 1.280552986; the supremum over its four laws is 1.2805530140 (the last digits there are off)."""
    solution = maximize_evar(two_step_gamble(), 0.75, horizon=2)
    best = max(evar(law, 0.75) for law in history_laws(two_step(2, 1, 0, 3), 2))
    assert solution.value == pytest.approx(best, abs=1e-9)
    assert solution.value == pytest.approx(1.280552986, abs=5e-8)
    assert solution.parameter == pytest.approx(0.906, abs=1e-3)


@pytest.mark.parametrize(
    ("tau", "value", "b"),
    [(0.05, 0.036787944117, 27.1828182), (0.1, 0.073575888235, 13.5914095), (0.5, 0.3696550418, 2.6310379)],
)
def test_fair_coin_for_ever_evar(tau, value, b):
    """Spec D2b."""
    solution = maximize_evar(bernoulli_rewards(), tau, tol=1e-11)
    assert solution.value == pytest.approx(value, abs=1e-10)
    assert solution.parameter == pytest.approx(b, rel=1e-3)
    assert solution.error_bound < 1e-10


@settings(max_examples=60, deadline=None)
@given(two_step_problems(), st.sampled_from([0.1, 0.3, 0.6, 0.85]), st.sampled_from([1.0, 0.5]))
def test_certificate(problem, tau, gamma):
    """The best of all laws lies between value and upper, and the returned law attains the value."""
    solution = maximize_evar(as_mdp(problem, gamma), tau, horizon=2)
    best = max(evar(law, tau) for law in history_laws(problem, 2, gamma))
    assert solution.converged
    assert solution.value - 1e-8 <= best <= solution.upper + 1e-12
    assert solution.upper - solution.value == solution.error_bound <= 1e-9 * (1 + abs(solution.value)) + 1e-15
    assert solution.law.evar(tau) == pytest.approx(solution.value, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(two_step_problems(), st.sampled_from([0.1, 0.3, 0.6, 0.85]))
def test_order_of_the_measures(problem, tau):
    """EVaR <= CVaR <= VaR+ of the same level, at the optima, too."""
    mdp = as_mdp(problem)
    entropic = maximize_evar(mdp, tau, horizon=2).value
    tail = maximize_cvar(mdp, tau, horizon=2).value
    quantile = maximize_var(mdp, tau, horizon=2).value
    assert entropic <= tail + 1e-9
    assert tail <= quantile + 1e-9


def test_cliff_walk_needs_few_evaluations():
    solution = maximize_evar(cliff_walk(), 0.1, horizon=14)
    assert solution.work["evaluations"] < 200
    assert solution.value <= -23.894369311748
    law = return_law(cliff_walk(), solution.policy, horizon=14, initial_state=8).law(8)
    assert law.evar(0.1) == pytest.approx(solution.value, abs=1e-9)


def test_level_one_is_the_mean():
    solution = maximize_evar(two_step_gamble(), 1.0, horizon=2)
    assert (solution.value, solution.parameter) == (2.5, 0.0)


def test_a_sure_return():
    solution = maximize_evar(two_step_gamble(0, 1, 0, 0), 0.3, horizon=2)
    assert (solution.value, solution.parameter, solution.error_bound) == (1.0, np.inf, 0.0)
