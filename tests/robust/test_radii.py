"""Data-driven radii: closed forms, exact failure probabilities, and counts that depend on what was seen."""

from __future__ import annotations

from math import comb, log, sqrt

import numpy as np
import pytest
import scipy.sparse as sp

from mdpkit.errors import InputError, ShapeError, UnknownOptionError
from mdpkit.models import IntervalSet, L1Ball, RobustMDP, TabularMDP
from mdpkit.robust import hoeffding_intervals, l1_radius
from mdpkit.testing import assert_holds_with_probability

COUNTS = np.array([[[30, 10, 0], [0, 0, 0]], [[1, 0, 0], [100, 200, 700]], [[3, 3, 3], [0, 5000, 5000]]])
S, A = 3, 2
DELTA = 0.05

# ---------------------------------------------------------------- closed forms


@pytest.mark.parametrize("sampling", ["fixed", "adaptive"])
def test_l1_radius_in_closed_form(sampling):
    """Spec 5.4; adaptive: delta / (n (n + 1)) at each count, which adds up to delta."""
    radius = l1_radius(COUNTS, DELTA, sampling=sampling)
    for s, a in np.ndindex(S, A):
        n = int(COUNTS[s, a].sum())
        if n == 0:
            assert radius[s, a] == 2
            continue
        share = DELTA / (n * (n + 1)) if sampling == "adaptive" else DELTA
        expected = min(2.0, sqrt(2 * (log(2**S - 2) + log(S * A / share)) / n))
        assert radius[s, a] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("sampling", ["fixed", "adaptive"])
def test_hoeffding_intervals_in_closed_form(sampling):
    lower, upper = hoeffding_intervals(COUNTS, DELTA, sampling=sampling)
    for s, a in np.ndindex(S, A):
        n = int(COUNTS[s, a].sum())
        if n == 0:
            assert (lower[s, a] == 0).all()
            assert (upper[s, a] == 1).all()
            continue
        share = DELTA / (n * (n + 1)) if sampling == "adaptive" else DELTA
        half = sqrt(log(2 * S**2 * A / share) / (2 * n))
        frequency = COUNTS[s, a] / n
        np.testing.assert_allclose(lower[s, a], np.clip(frequency - half, 0, 1), rtol=1e-13, atol=1e-16)
        np.testing.assert_allclose(upper[s, a], np.clip(frequency + half, 0, 1), rtol=1e-13)


def test_every_form_of_counts_gives_the_same():
    whole = l1_radius(COUNTS, DELTA)
    np.testing.assert_array_equal(whole, l1_radius(COUNTS.sum(axis=2), DELTA))
    np.testing.assert_array_equal(whole, l1_radius(sp.csr_array(COUNTS.reshape(S * A, S)), DELTA))
    np.testing.assert_array_equal(whole, l1_radius(COUNTS.tolist(), DELTA))


def test_adaptive_is_the_default_and_wider():
    visits = np.array([[10, 1000], [10**6, 10**9]])
    fixed, adaptive = (l1_radius(visits, DELTA, sampling=s) for s in ("fixed", "adaptive"))
    np.testing.assert_array_equal(l1_radius(visits, DELTA), adaptive)
    assert (fixed <= adaptive).all()
    assert (fixed[1] < adaptive[1]).all()
    # the factor the docstring names: sqrt(1 + 2 log n / (S log 2)) for many states
    visits = np.full((200, 1), 10**6)
    ratio = l1_radius(visits, DELTA) / l1_radius(visits, DELTA, sampling="fixed")
    np.testing.assert_allclose(ratio, sqrt(1 + 2 * log(10**6) / (200 * log(2))), rtol=0.01)


def test_sizes_that_overflow_nothing():
    radius = l1_radius(np.full((2000, 1), 10**7), DELTA)
    assert np.isfinite(radius).all()
    assert 0 < radius[0, 0] < 0.05
    assert l1_radius([[5]], DELTA).tolist() == [[0.0]]  # one state: nothing to be uncertain about


def test_the_sets_meet_their_model():
    """Both families are accepted around the empirical rows, pairs without samples included."""
    visits = COUNTS.sum(axis=2, keepdims=True)
    rows = np.where(visits > 0, COUNTS / np.maximum(visits, 1), 1 / S)
    nominal = TabularMDP(rows, np.zeros((S, A)), 0.9)
    RobustMDP(nominal, L1Ball(l1_radius(COUNTS, DELTA), support="all"))
    RobustMDP(nominal, IntervalSet(*hoeffding_intervals(COUNTS, DELTA)))


# ---------------------------------------------------------------- coverage, exactly


@pytest.mark.parametrize("delta", [0.3, 0.05])
@pytest.mark.parametrize("n", [10, 60])
@pytest.mark.parametrize("p", [0.5, 0.1])
def test_fixed_coverage_exactly(p, n, delta):
    """One action, two states with a coin each: P(some row outside) = 1 - (1 - one)^2 over all counts."""
    radius = l1_radius([[n], [n]], delta, sampling="fixed")[0, 0]
    law = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    one = sum(w for k, w in enumerate(law) if 2 * abs(k / n - p) > radius)
    assert 1 - (1 - one) ** 2 <= delta
    ends = [hoeffding_intervals([[[k, n - k]], [[k, n - k]]], delta, sampling="fixed") for k in range(n + 1)]
    one = sum(w for w, (low, high) in zip(law, ends, strict=True) if not low[0, 0, 0] <= p <= high[0, 0, 0])
    assert 1 - (1 - one) ** 2 <= delta


def ever_outside(half: np.ndarray) -> float:
    """Probability that the frequency of a fair coin leaves 1/2 by more than half[n] at some n = 1..len(half)."""
    alive, lost = np.array([1.0]), 0.0
    for n, width in enumerate(half, start=1):
        grown = np.zeros(n + 1)
        grown[:-1] += alive / 2
        grown[1:] += alive / 2
        outside = np.abs(np.arange(n + 1) / n - 0.5) > width
        lost += grown[outside].sum()
        alive = np.where(outside, 0.0, grown)
    return lost


@pytest.mark.parametrize("family", ["l1", "hoeffding"])
def test_a_stopping_rule_breaks_fixed_radii_only(family):
    """Sample until the set misses the coin, at most 3000 times, in both states: nothing is random in this test.

    The count then depends on the outcomes. The fixed radius fails with probability above delta, the adaptive one does
    not.
    """
    delta, steps = 0.3, 3000

    def failure(sampling: str) -> float:
        n = np.arange(1, steps + 1)
        if family == "l1":
            half = np.array([l1_radius([[k], [k]], delta, sampling=sampling)[0, 0] for k in n]) / 2
        else:
            # the width around k // 2 of k samples; where the upper end is clipped, nothing lies outside at all
            blocks = ([[[k // 2, k - k // 2]], [[k // 2, k - k // 2]]] for k in n)
            highs = (hoeffding_intervals(block, delta, sampling=sampling)[1] for block in blocks)
            half = np.array([high[0, 0, 0] - (k // 2) / k for k, high in zip(n, highs, strict=True)])
        return 1 - (1 - ever_outside(half)) ** 2

    assert failure("adaptive") <= delta
    assert failure("fixed") > delta


# ---------------------------------------------------------------- coverage, by sampling

KERNEL = np.array(
    [[[0.6, 0.4, 0.0], [0.1, 0.1, 0.8]], [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]], [[1 / 3, 1 / 3, 1 / 3], [0.05, 0.9, 0.05]]]
)


def walk(rng: np.random.Generator, steps: int) -> np.ndarray:
    """Transition counts of a walker that repeats an action after moving up and draws a new one otherwise."""
    counts, s, a = np.zeros((S, A, S), dtype=np.int64), 0, 0
    cumulative = KERNEL.cumsum(axis=2)
    for u, v in rng.random((steps, 2)):
        t = min(int(np.searchsorted(cumulative[s, a], u, side="right")), S - 1)
        counts[s, a, t] += 1
        a = a if t > s else int(2 * v)
        s = t
    return counts


def contained(counts: np.ndarray, delta: float, sampling: str, shrink: float = 1.0) -> bool:
    visits = counts.sum(axis=2, keepdims=True)
    frequency = counts / np.maximum(visits, 1)
    radius = shrink * l1_radius(counts, delta, sampling=sampling)
    inside = np.abs(frequency - KERNEL).sum(axis=2) <= np.where(visits[:, :, 0] > 0, radius, 2)
    lower, upper = hoeffding_intervals(counts, delta, sampling=sampling)
    return bool(inside.all() and (lower <= KERNEL + 1e-12).all() and (upper + 1e-12 >= KERNEL).all())


def test_adaptive_coverage_of_a_walk():
    """Both sets contain the kernel at once, so each spends delta / 2; false alarm 1e-6."""
    check = assert_holds_with_probability(
        lambda rng: contained(walk(rng, 200), 0.1, "adaptive"), 0.8, n_trials=200, seed=11
    )
    assert check.power > 0.5


def test_fixed_coverage_by_sampling():
    def trial(rng: np.random.Generator, shrink: float = 1.0) -> bool:
        return contained(rng.multinomial(50, KERNEL), 0.1, "fixed", shrink)

    assert_holds_with_probability(trial, 0.8, n_trials=400, seed=12)
    with pytest.raises(AssertionError, match="failed in"):  # power: a third of the radius is not enough
        assert_holds_with_probability(lambda rng: trial(rng, 1 / 3), 0.8, n_trials=400, seed=12)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("counts", "error", "message"),
    [
        ([[1, -2]], InputError, r"counts\[0, 1\] must be at least 0, found -2"),
        ([[1.0, 2.0]], ShapeError, "counts must be integers, found dtype float64"),
        ([1, 2], ShapeError, r"shape \(S, A\) or \(S, A, S\), found \(2,\)"),
        (np.zeros((2, 1, 3), dtype=int), ShapeError, r"found \(2, 1, 3\)"),
        (np.zeros((0, 2), dtype=int), ShapeError, r"found \(0, 2\)"),
        (sp.csr_array(np.ones((3, 2), dtype=int)), ShapeError, r"sparse counts must have shape \(S\*A, S\)"),
    ],
)
def test_bad_counts(counts, error, message):
    with pytest.raises(error, match=message) as caught:
        l1_radius(counts, DELTA)
    assert caught.value.argument == "counts"


@pytest.mark.parametrize("function", [l1_radius, hoeffding_intervals])
def test_bad_options(function):
    with pytest.raises(UnknownOptionError, match="sampling must be 'adaptive' or 'fixed', found 'iid'"):
        function(COUNTS, DELTA, sampling="iid")
    for bad in (0.0, 1.0, -0.1, float("nan"), "0.1", True):
        with pytest.raises(InputError, match="delta") as caught:
            function(np.zeros((2, 1, 2), dtype=int), bad)
        assert caught.value.argument == "delta"


def test_intervals_need_transitions():
    with pytest.raises(ShapeError, match=r"counts must have shape \(S, A, S\), found \(3, 2\)"):
        hoeffding_intervals(COUNTS.sum(axis=2), DELTA)
    with pytest.raises(InputError, match=r"counts\[0, 0, 1\] must be at least 0"):
        hoeffding_intervals([[[1, -1]], [[1, 1]]], DELTA)
