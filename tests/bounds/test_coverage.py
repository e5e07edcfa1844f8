"""Probability bounds against exact failure probabilities: every outcome enumerated, nothing sampled."""

from __future__ import annotations

from itertools import product
from math import comb, factorial, prod

import numpy as np
import pytest

from mdpkit import bounds

DELTAS = [0.3, 0.1, 0.01]
COINS = [0.0, 0.02, 0.1, 0.3, 0.5]


def multinomial(n: int, p: tuple[float, ...]) -> list[tuple[np.ndarray, float]]:
    """Every vector of counts with its probability."""
    outcomes = []
    for head in product(range(n + 1), repeat=len(p) - 1):
        if sum(head) <= n:
            counts = (*head, n - sum(head))
            ways = factorial(n) // prod(factorial(c) for c in counts)
            outcomes.append((np.array(counts), ways * prod(q**c for q, c in zip(p, counts, strict=True))))
    assert abs(sum(weight for _, weight in outcomes) - 1) < 1e-9
    return outcomes


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("n", [1, 5, 20, 40])
@pytest.mark.parametrize(
    "p", [(0.5, 0.5), (0.9, 0.1), (1 / 3, 1 / 3, 1 / 3), (0.8, 0.1, 0.1), (0.5, 0.5, 0.0)], ids=str
)
def test_weissman(p, n, delta):
    radius = bounds.weissman_radius(n=n, n_successors=len(p), delta=delta)
    failed = sum(weight for counts, weight in multinomial(n, p) if np.abs(counts / n - p).sum() > radius)
    assert failed <= delta


def test_weissman_notices_a_halved_radius():
    """The enumeration has power: half the radius fails too often."""
    radius = bounds.weissman_radius(n=40, n_successors=2, delta=0.1) / 2
    failed = sum(w for counts, w in multinomial(40, (0.5, 0.5)) if np.abs(counts / 40 - 0.5).sum() > radius)
    assert failed > 0.1


def ever_outside(p: float, steps: int, radius: list[float]) -> float:
    """Probability that ||Phat - P||_1 of a coin exceeds radius[n] for some n in 1..steps."""
    alive, lost = np.array([1.0]), 0.0
    for n in range(1, steps + 1):
        grown = np.zeros(n + 1)
        grown[:-1] += alive * (1 - p)
        grown[1:] += alive * p
        outside = 2 * np.abs(np.arange(n + 1) / n - p) > radius[n]
        lost += grown[outside].sum()
        alive = np.where(outside, 0.0, grown)
    return lost


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("n_max", [None, 300])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_weissman_at_all_counts_at_once(p, n_max, delta):
    radius = [bounds.weissman_radius_adaptive(n=n, n_successors=2, delta=delta, n_max=n_max) for n in range(301)]
    assert ever_outside(p, 300, radius) <= delta


def test_the_fixed_radius_does_not_hold_at_all_counts_at_once():
    """Why the union over counts is needed: a learner may stop at the worst count."""
    radius = [3.0, *(bounds.weissman_radius(n=n, n_successors=2, delta=0.3) for n in range(1, 1001))]
    assert ever_outside(0.5, 1000, radius) > 0.3


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("n", [1, 10, 100])
@pytest.mark.parametrize("p", COINS)
def test_hoeffding(p, n, delta):
    radius = bounds.hoeffding_model_error(n=n, delta=delta, value_range=1)
    assert sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if abs(k / n - p) > radius) <= delta


def test_hoeffding_union_over_pairs():
    """Independent pairs: 1 - (1 - failure of one)^pairs."""
    n, n_pairs, delta = 100, 8, 0.1
    radius = bounds.hoeffding_model_error(n=n, delta=delta, value_range=1, n_pairs=n_pairs)
    one = sum(comb(n, k) / 2**n for k in range(n + 1) if abs(k / n - 0.5) > radius)
    assert 0 < 1 - (1 - one) ** n_pairs <= delta


def bernstein_failures(p: float, n: int, delta: float, shrink: float = 1.0) -> tuple[float, float]:
    """Exact failure probabilities on a coin: of the upper confidence bound, and of the two-sided form."""
    upper = both = 0.0
    for k in range(n + 1):
        weight = comb(n, k) * p**k * (1 - p) ** (n - k)
        sample = {"n": n, "sample_variance": k * (n - k) / (n * (n - 1)), "delta": delta, "value_range": 1.0}
        upper += weight * (p - k / n > shrink * bounds.empirical_bernstein(**sample))
        both += weight * (abs(p - k / n) > shrink * bounds.empirical_bernstein_model_error(**sample))
    return upper, both


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("n", [2, 10, 100, 400])
@pytest.mark.parametrize("p", [0.02, 0.5, 0.98])
def test_empirical_bernstein(p, n, delta):
    assert max(bernstein_failures(p, n, delta)) <= delta


def test_empirical_bernstein_notices_a_third_of_the_radius():
    assert min(bernstein_failures(0.5, 400, 0.1, shrink=1 / 3)) > 0.1


def test_plug_in_error_on_a_leaking_state():
    """State 0 pays 1 and survives with probability p; V = 1 / (1 - gamma phat) is enumerated over all counts."""
    gamma, p, n, delta = 0.8, 0.7, 200, 0.1
    bound = bounds.plug_in_error(gamma=gamma, n=n, n_pairs=1, delta=delta)
    truth = 1 / (1 - gamma * p)
    failed = sum(
        comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if abs(1 / (1 - gamma * k / n) - truth) > bound
    )
    assert not bound.vacuous
    assert failed <= delta
