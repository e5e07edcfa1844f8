"""A million comparisons of ten thousand items: score equations, and memory in proportion to the data."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from mdpkit.feedback import PairList, Rankings, TopChoices
from mdpkit.preferences import fit_strengths, mle_exists

pytestmark = pytest.mark.slow
N, M = 10_000, 1_000_000
ROWS = 200_000  # of five items: as many numbers as there are in a million pairs


def pairs():
    rng = np.random.default_rng(0)
    theta = rng.normal(size=N)
    first, second = rng.integers(N, size=M), rng.integers(1, N, size=M)
    second = (first + second) % N
    won = rng.random(M) < 1 / (1 + np.exp(theta[second] - theta[first]))
    return theta, PairList(np.where(won, first, second), np.where(won, second, first), n_items=N)


def rankings():
    rng = np.random.default_rng(1)
    theta = rng.normal(size=N)
    start, step = rng.integers(N, size=ROWS), rng.integers(1, N // 5, size=ROWS)
    items = (start[:, None] + step[:, None] * np.arange(5)) % N
    order = np.argsort(-(theta[items] + rng.gumbel(size=items.shape)), axis=1)
    return theta, Rankings.from_lists(np.take_along_axis(items, order, axis=1), n_items=N)


def fit_in_memory(data):
    """Fit and return the peak of what was allocated on the way, in bytes."""
    fit_strengths(type(data)(*small_arguments(data), n_items=200), alpha=1.0)  # compile and import first
    tracemalloc.start()
    try:
        fit = fit_strengths(data)
        difference, stderr = fit.contrast(0, 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.isfinite([difference, stderr]).all()
    assert stderr > 0
    assert "cov" not in vars(fit)
    return fit, peak


def small_arguments(data):
    if isinstance(data, PairList):
        return [0, 1], [1, 0]
    if isinstance(data, Rankings):
        return [0, 1, 2, 2, 1, 0], [0, 3, 6]
    return [0, 1], [0, 1, 0, 1], [0, 2, 4]


def test_pairs():
    """Expected and observed wins agree for each item; at most 20 numbers of 8 bytes are held per comparison.

    A dense Hessian alone would be 800 MB; the bound is 160 MB, the data themselves not counted.
    """
    theta, data = pairs()
    assert mle_exists(data)
    fit, peak = fit_in_memory(data)
    assert fit.converged
    expected = 1 / (1 + np.exp(fit.params[data.losers] - fit.params[data.winners]))
    surplus = np.bincount(data.winners, 1 - expected, N) - np.bincount(data.losers, 1 - expected, N)
    assert np.abs(surplus).max() < 1e-8
    assert peak < 8 * 20 * M
    # 200 matches per item, each with an information of about 0.2: errors of 0.16. A mean of 10,000 squares scatters by
    # 2%, so that a false alarm is 50 standard deviations away.
    assert np.sqrt(np.mean((fit.params - theta + theta.mean()) ** 2)) < 0.25
    # Each item has 200 opponents, known 200 times better together than alone: the contrast has nearly its local value.
    information = np.bincount(data.winners, expected * (1 - expected), N)
    information += np.bincount(data.losers, expected * (1 - expected), N)
    assert fit.contrast(0, 1)[1] == pytest.approx(np.sqrt(1 / information[0] + 1 / information[1]), rel=0.05)


@pytest.mark.parametrize("kind", ["rankings", "choices"])
def test_rankings_and_choices(kind):
    """The same for 200,000 rankings of five, and for their winners alone."""
    theta, data = rankings()
    rows = data.flat.reshape(-1, 5)
    if kind == "choices":
        # and one full round in which each item is chosen, so that nobody was never chosen
        circle = (np.arange(N)[:, None] + np.arange(5)) % N
        rows = np.concatenate([rows, circle])
        data = TopChoices.from_lists(rows[:, 0], rows, n_items=N)
    fit, peak = fit_in_memory(data)
    assert fit.converged
    surplus = np.zeros(N)
    for k in range(4 if kind == "rankings" else 1):
        p = np.exp(fit.params[rows[:, k:]])
        p /= p.sum(axis=1, keepdims=True)
        surplus += np.bincount(rows[:, k], minlength=N)
        surplus -= np.bincount(rows[:, k:].reshape(-1), p.reshape(-1), N)
    assert np.abs(surplus).max() < 1e-8
    assert peak < 8 * 20 * rows.size
    if kind == "rankings":
        assert np.sqrt(np.mean((fit.params - theta + theta.mean()) ** 2)) < 0.25
