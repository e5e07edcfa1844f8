"""`assert_holds_with_probability` accuses wrong bounds, spares right ones and refuses tests without power.

Every use of the assertion here that must pass has false-alarm probability 1e-6 (its default) by its own guarantee; what
must fail is planted so far off that it is missed with the probability stated beside it.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, norm

from mdpkit.errors import InputError
from mdpkit.testing import assert_holds_with_probability, minimum_trials
from mdpkit.testing.probability import _allowed

MINIMAL = {0.1: 441, 0.05: 953, 0.01: 5058}
"""From these numbers of trials on, a doubled failure rate is noticed with power 0.9 at false alarm 1e-6.

Found below by listing the power at every n with scipy. The 455, 957 and 5075 quoted elsewhere are these numbers rounded
up on a geometric grid; they are sufficient.
"""


def powers(n: np.ndarray, delta: float, false_alarm: float = 1e-6) -> np.ndarray:
    """Power against a doubled rate, by scipy's binomial distribution."""
    return binom.sf(binom.isf(false_alarm, n, delta), n, min(2 * delta, 1.0))


# ---------------------------------------------------------------- how many trials


@pytest.mark.parametrize(("delta", "trials"), MINIMAL.items())
def test_minimal_numbers_are_where_the_sawtooth_stays_above(delta, trials):
    n = np.arange(1, 3 * trials)
    assert np.flatnonzero(powers(n, delta) < 0.9)[-1] + 2 == trials
    assert minimum_trials(delta) == trials


@given(
    delta=st.floats(0.02, 0.9),
    false_alarm=st.sampled_from([1e-2, 1e-4, 1e-6]),
    power=st.sampled_from([0.5, 0.8, 0.95]),
)
@settings(max_examples=30, deadline=None)
def test_minimal_number_against_every_n(delta, false_alarm, power):
    exact = minimum_trials(delta, false_alarm=false_alarm, power=power)
    n = np.arange(1, 2 * exact + 200)
    low = np.flatnonzero(powers(n, delta, false_alarm) < power)
    assert exact == (low[-1] + 2 if len(low) else 1)


@given(n=st.integers(1, 3000), delta=st.floats(1e-4, 0.99), false_alarm=st.sampled_from([0.3, 1e-2, 1e-6]))
@settings(max_examples=100, deadline=None)
def test_allowed_failures_are_the_exact_quantile(n, delta, false_alarm):
    assert _allowed(n, delta, false_alarm) == binom.isf(false_alarm, n, delta)


@pytest.mark.parametrize(("delta", "trials"), MINIMAL.items())
def test_too_few_trials_are_refused_before_they_run(delta, trials):
    def never(rng: np.random.Generator) -> bool:
        raise RuntimeError

    with pytest.raises(InputError, match=f"n_trials = {trials - 1} is too few .* at least {trials} trials") as caught:
        assert_holds_with_probability(never, 1 - delta, n_trials=trials - 1, seed=0)
    assert (caught.value.argument, caught.value.value) == ("n_trials", trials - 1)


def test_low_power_on_request():
    check = assert_holds_with_probability(
        lambda rng: rng.random() >= 0.1, 0.9, n_trials=20, seed=0, allow_low_power=True
    )
    assert check.power == pytest.approx(binom.sf(binom.isf(1e-6, 20, 0.1), 20, 0.2), rel=1e-12)
    assert check.power < 0.01


# ---------------------------------------------------------------- right and wrong bounds


@pytest.mark.parametrize("seed", range(8))
def test_a_statement_that_fails_exactly_as_often_as_claimed_passes(seed):
    check = assert_holds_with_probability(lambda rng: rng.random() >= 0.1, 0.9, n_trials=455, seed=seed)
    assert check.allowed == 79  # binom.isf(1e-6, 455, 0.1)
    assert check.upper == pytest.approx(beta.isf(1e-6, check.failures + 1, check.trials - check.failures), rel=1e-9)


def test_measured_power_is_the_computed_one():
    """Failing at twice the claimed rate is caught with probability Pr[Bin(455, 0.2) > 79] = 0.9128.

    The number of catches in 150 is outside its band with probability 2e-6 at most.
    """
    caught = 0
    for seed in range(150):
        try:
            assert_holds_with_probability(lambda rng: rng.random() >= 0.2, 0.9, n_trials=455, seed=seed)
        except AssertionError:
            caught += 1
    power = binom.sf(79, 455, 0.2)
    assert power == pytest.approx(0.91282, abs=1e-5)
    assert binom.isf(1 - 1e-6, 150, power) <= caught <= binom.isf(1e-6, 150, power)


def failure_of_mean(radius: float, n: int, p: float) -> float:
    """Exact probability that the mean of ``n`` Bernoulli(p) is further than `radius` from ``p``."""
    k = np.arange(n + 1)
    return float(binom.pmf(k, n, p)[np.abs(k / n - p) > radius].sum())


@pytest.mark.parametrize("seed", range(3))
def test_halved_radius_of_a_mean(seed):
    n, p, delta = 200, 0.5, 0.1
    k = np.arange(n + 1)
    tight = min(r for r in np.abs(k / n - p) if failure_of_mean(r, n, p) <= delta)
    assert 0.08 < failure_of_mean(tight, n, p) <= delta  # nothing smaller holds

    def within(radius: float):
        return lambda rng: bool(abs(rng.binomial(n, p) / n - p) <= radius)

    assert_holds_with_probability(within(tight), 1 - delta, n_trials=455, seed=seed)
    # Fails with probability 0.4: 79 or fewer failures in 455 have probability 1e-24.
    assert binom.cdf(79, 455, failure_of_mean(tight / 2, n, p)) < 1e-20
    with pytest.raises(AssertionError, match="the statement failed in"):
        assert_holds_with_probability(within(tight / 2), 1 - delta, n_trials=455, seed=seed)


def test_slack_in_hoeffding_is_not_accused():
    """Half the constant under Hoeffding's root is still true for fair coins: exact failure probability below 0.1."""
    n, delta = 200, 0.1
    hoeffding = np.sqrt(np.log(2 / delta) / (2 * n))
    wrong_proof = hoeffding / np.sqrt(2)
    assert failure_of_mean(wrong_proof, n, 0.5) < delta
    assert_holds_with_probability(
        lambda rng: bool(abs(rng.binomial(n, 0.5) / n - 0.5) <= wrong_proof), 1 - delta, n_trials=455, seed=0
    )
    # Half the radius fails with probability above 0.2: caught but for probability 0.03.
    assert failure_of_mean(hoeffding / 2, n, 0.5) > 0.2
    with pytest.raises(AssertionError):
        assert_holds_with_probability(
            lambda rng: bool(abs(rng.binomial(n, 0.5) / n - 0.5) <= hoeffding / 2), 1 - delta, n_trials=1000, seed=0
        )


@pytest.mark.parametrize("seed", range(3))
def test_missing_log_of_the_union(seed):
    """Twenty Gaussian means at once: the quantile at delta / 20 holds, the one at delta forgets the union.

    The right one fails with probability 1 - (1 - delta/20)**20 = 0.0953, the wrong one with 0.878.
    """
    delta, arms = 0.1, 20

    def all_within(level: float):
        radius = norm.isf(level / 2)
        return lambda rng: bool(np.max(np.abs(rng.standard_normal(arms))) <= radius)

    assert_holds_with_probability(all_within(delta / arms), 1 - delta, n_trials=455, seed=seed)
    with pytest.raises(AssertionError):
        assert_holds_with_probability(all_within(delta), 1 - delta, n_trials=455, seed=seed)


@pytest.mark.parametrize("seed", range(3))
def test_exact_upper_bound_of_a_proportion_against_the_normal_one(seed):
    """Just above the bound for zero successes, Clopper-Pearson fails exactly when there are none: probability 0.1.

    The normal approximation gives bound 0 there; at p = 0.03 and 50 draws that fails with probability 0.97**50 = 0.22
    and, one success being bounded by 0.0454, no other way.
    """
    n, delta = 50, 0.1
    p = float(beta.isf(delta, 1, n)) * (1 + 1e-9)
    assert (1 - p) ** n == pytest.approx(delta, rel=1e-6)
    assert_holds_with_probability(
        lambda rng: bool(p <= beta.isf(delta, (k := rng.binomial(n, p)) + 1, n - k)), 1 - delta, n_trials=455, seed=seed
    )

    def normal(rng: np.random.Generator) -> bool:
        mean = rng.binomial(n, 0.03) / n
        return bool(mean + norm.isf(delta) * np.sqrt(mean * (1 - mean) / n) >= 0.03)

    # 1,000 trials allow 148 failures: missed with probability 1.3e-8.
    assert binom.cdf(binom.isf(1e-6, 1000, delta), 1000, 0.97**n) < 2e-8
    with pytest.raises(AssertionError):
        assert_holds_with_probability(normal, 1 - delta, n_trials=1000, seed=seed)


def test_statements_that_always_hold():
    check = assert_holds_with_probability(lambda rng: rng.random() < 1.0, 1.0, n_trials=20, seed=0)
    assert (check.failures, check.allowed, check.power) == (0, 0, 1.0)
    assert check.upper == pytest.approx(1 - 1e-6 ** (1 / 20), rel=1e-9)
    calls = iter([True] * 7 + [False] + [True] * 12)
    with pytest.raises(AssertionError, match=r"failed in 1 of 20 trials; at failure probability 0 at most 0"):
        assert_holds_with_probability(lambda rng: next(calls), 1.0, n_trials=20, seed=0)


def test_everything_fails():
    with pytest.raises(AssertionError, match="failed in 455 of 455"):
        assert_holds_with_probability(lambda rng: False, 0.9, n_trials=455, seed=0)


# ---------------------------------------------------------------- streams and bad input


def test_each_trial_has_its_own_stream_whatever_the_number_of_trials():
    def drawn(n: int, seed) -> list[float]:
        seen: list[float] = []
        assert_holds_with_probability(
            lambda rng: seen.append(rng.random()) is None, 0.9, n_trials=n, seed=seed, allow_low_power=True
        )
        return seen

    long, short = drawn(50, 3), drawn(10, 3)
    assert len(set(long)) == 50
    assert long[:10] == short
    assert drawn(10, 4) != short
    assert drawn(10, np.random.default_rng(5)) == drawn(10, np.random.default_rng(5))


def test_the_message_repeats_the_first_failing_trial():
    def trial(rng: np.random.Generator) -> bool:
        return bool(rng.random() >= 0.5)

    with pytest.raises(AssertionError) as caught:
        assert_holds_with_probability(trial, 0.9, n_trials=500, seed=11)
    code = re.search(r"trial\(.*\)$", str(caught.value))
    assert code is not None
    assert eval(code.group(), {"numpy": np, "trial": trial}) is False
    with pytest.raises(AssertionError, match=r"the first failing trial is number \d+$"):
        assert_holds_with_probability(trial, 0.9, n_trials=500, seed=np.random.default_rng(11))


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"probability": 0.0}, "probability"),
        ({"probability": 1.1}, "probability"),
        ({"probability": float("nan")}, "probability"),
        ({"n_trials": 0}, "n_trials"),
        ({"n_trials": 455.0}, "n_trials"),
        ({"false_alarm": 0.0}, "false_alarm"),
        ({"false_alarm": 1}, "false_alarm"),
        ({"seed": -1}, "seed"),
        ({"seed": None}, "seed"),
        ({"trial": lambda rng: 0.3}, "trial"),
        ({"trial": lambda rng: None}, "trial"),
    ],
)
def test_bad_input(change, argument):
    good = {"trial": lambda rng: True, "probability": 0.9, "n_trials": 455, "seed": 0}
    with pytest.raises(InputError) as caught:
        assert_holds_with_probability(**{**good, **change})
    assert caught.value.argument == argument


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.1, "0.1", True])
def test_bad_delta(delta):
    with pytest.raises(InputError, match="delta"):
        minimum_trials(delta)
