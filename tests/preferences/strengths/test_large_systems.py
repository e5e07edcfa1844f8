"""The same estimate whichever way linear systems are solved: dense, by conjugate gradients, or by sparse factors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mdpkit.errors import ConvergenceWarning
from mdpkit.feedback import PairCounts, PairList, Rankings, TopChoices
from mdpkit.preferences import fit_strengths, negative_log_likelihood
from mdpkit.preferences.likelihood import PairTable, pair_table
from mdpkit.preferences.strengths import maximum_likelihood as newton
from mdpkit.preferences.strengths import result

WAYS = {
    "dense": {"DENSE_ITEMS": 10**9, "FACTOR_ITEMS": 10**9},
    "conjugate gradients": {"DENSE_ITEMS": 0, "PATIENCE": 10**9},
    "out of patience": {"DENSE_ITEMS": 0, "PATIENCE": 1, "FACTOR_ITEMS": 10**9},
    "sparse factors": {"DENSE_ITEMS": 0, "PATIENCE": 1, "FACTOR_ITEMS": 0},
}


def random_pairs(n, seed=0):
    """Every item meets its neighbours on a circle, both win; then random matches with few upsets."""
    rng = np.random.default_rng(seed)
    theta, circle = rng.normal(size=n), np.arange(n)
    i, j = rng.integers(n, size=(2, 6 * n))
    i, j = i[i != j], j[i != j]
    first_won = rng.random(len(i)) < 1 / (1 + np.exp(theta[j] - theta[i]))
    winners = np.concatenate([circle, (circle + 1) % n, np.where(first_won, i, j)])
    losers = np.concatenate([(circle + 1) % n, circle, np.where(first_won, j, i)])
    return PairList(winners, losers, n_items=n)


def random_rankings(n, seed=1):
    rng = np.random.default_rng(seed)
    theta, circle = rng.normal(size=n), np.arange(n)
    rows = [rng.permutation(n)[:5] for _ in range(4 * n)]
    rows = [row[np.argsort(-(theta[row] + rng.gumbel(size=5)))] for row in rows]
    chain = [[i, (i + 1) % n] for i in circle] + [[(i + 1) % n, i] for i in circle]
    return Rankings.from_lists([*rows, *chain], n_items=n)


def random_choices(n):
    data = random_rankings(n, seed=2)
    return TopChoices(data.flat[data.offsets[:-1]], data.flat, data.offsets, n_items=n)


def chain(n, wins, losses):
    """Item ``k`` beat item ``k + 1`` so many times and lost so often; utilities fall by ``log(wins / losses)``."""
    k = np.arange(n - 1)
    return PairList(
        np.concatenate([k, k + 1]), np.concatenate([k + 1, k]), np.repeat([float(wins), float(losses)], n - 1)
    )


DATA = {
    "pairs": lambda: random_pairs(60),
    "rankings": lambda: random_rankings(40),
    "choices": lambda: random_choices(40),
    "chain": lambda: chain(60, 3, 1),
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("alpha", [0.0, 0.2])
def test_all_ways_agree(name, alpha, monkeypatch):
    data, found = DATA[name](), {}
    monkeypatch.setattr(result, "DENSE_ITEMS", 0)
    for way, constants in WAYS.items():
        if way == "sparse factors" and name in ("rankings", "choices"):
            continue  # only Hessians of pairs are sparse
        with monkeypatch.context() as patch:
            for constant, value in constants.items():
                patch.setattr(newton, constant, value)
            fit = fit_strengths(data, alpha=alpha)
            assert fit.converged
            found[way] = fit.params, [fit.contrast(0, j)[1] for j in (1, 7, 39)], fit.cov
    _, gradient, hessian = negative_log_likelihood(data, found["dense"][0])
    np.testing.assert_allclose(gradient + alpha * found["dense"][0], 0, atol=1e-10)
    n = data.n_items
    # The oracle of covariances: a pseudoinverse of the Hessian that test_item_kernels checks.
    cov = np.linalg.pinv(hessian + alpha * np.eye(n), rcond=1e-12, hermitian=True)
    stderrs = [np.sqrt(cov[0, 0] + cov[j, j] - 2 * cov[0, j]) for j in (1, 7, 39)]
    for params, contrasts, matrix in found.values():
        np.testing.assert_allclose(params, found["dense"][0], rtol=0, atol=1e-9)
        np.testing.assert_allclose(contrasts, stderrs, rtol=1e-8)
        np.testing.assert_allclose(matrix, cov, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("n", [128, 129])
def test_around_the_switch(n):
    """128 items are the last with a dense Hessian: the score equations hold on both sides to the same accuracy."""
    for data in (random_pairs(n), random_rankings(n)):
        fit = fit_strengths(data)
        gradient = negative_log_likelihood(data, fit.params).grad
        assert fit.converged
        assert np.abs(gradient).max() < 1e-10


def test_a_long_chain_has_a_closed_form():
    """400 items in a row, 9-1 each: utilities fall by log 9 a step, over a range of 877, beyond that of ``exp``.

    Edges are independent, so the variance of a contrast is the number of steps between, times 1/9 + 1. Conjugate
    gradients need as many iterations as there are items, more than their patience; the factorization takes over.
    """
    n = 400
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = fit_strengths(chain(n, 9, 1))
    np.testing.assert_allclose(np.diff(fit.params), -np.log(9), rtol=1e-10)
    np.testing.assert_allclose(fit.params, np.log(9) * ((n - 1) / 2 - np.arange(n)), atol=1e-7)
    for j in (1, 2, 200, 399):
        difference, stderr = fit.contrast(0, j)
        assert abs(difference - j * np.log(9)) < 1e-7
        assert abs(stderr / np.sqrt(j * (1 / 9 + 1)) - 1) < 1e-8


@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_a_longer_chain_by_sparse_factors(alpha):
    """6,000 items: no dense matrix is made; the contrast of the ends is one sparse system."""
    n = 6000
    fit = fit_strengths(chain(n, 3, 1), alpha=alpha)
    excess = 4 / (1 + np.exp(np.diff(fit.params))) - 3  # expected minus observed wins of k over k + 1
    gradient = alpha * fit.params
    gradient[:-1] += excess
    gradient[1:] -= excess
    np.testing.assert_allclose(gradient, 0, atol=1e-9)
    _, stderr = fit.contrast(0, n - 1)
    if alpha == 0.0:
        np.testing.assert_allclose(np.diff(fit.params), -np.log(3), rtol=1e-9)
        assert abs(stderr / np.sqrt((n - 1) * 4 / 3) - 1) < 1e-8
    else:
        # the ends hardly know each other: twice the variance of an end, which a prior of precision alpha bounds
        assert stderr < np.sqrt(2 / alpha)
    assert "cov" not in vars(fit)


def test_reading_with_and_without_a_dense_table(monkeypatch):
    """Beyond 2,000 items lines are sorted instead of being added up in a square."""
    data = random_pairs(30, seed=3)
    data = PairList(data.winners, data.losers, np.arange(len(data)) % 4, n_items=30)
    dense = PairTable.read(data, 30)
    monkeypatch.setattr(pair_table, "DENSE_ITEMS", 0)
    sparse = PairTable.read(data, 30)
    for name in ("first", "second", "wins", "losses"):
        np.testing.assert_array_equal(getattr(sparse, name), getattr(dense, name))
    W = data.to_counts().W
    assert (dense.first < dense.second).all()
    np.testing.assert_array_equal(W[dense.first, dense.second], dense.wins)
    np.testing.assert_array_equal(W[dense.second, dense.first], dense.losses)
    assert dense.wins.sum() + dense.losses.sum() == W.sum() == data.weights.sum() == dense.weight
    counts = PairTable.read(PairCounts(W), 30)
    np.testing.assert_array_equal(counts.wins, dense.wins)
    np.testing.assert_array_equal(counts.items_won, W.sum(axis=1))


@pytest.mark.parametrize("name", ["pairs", "chain"])
def test_sparse_hessian(name):
    data = DATA[name]()
    table = PairTable.read(data, data.n_items)
    theta = np.linspace(-1, 1, data.n_items)
    table.evaluate(theta)
    expected = negative_log_likelihood(data, theta).hess
    np.testing.assert_allclose(table.sparse_hessian().toarray(), expected, atol=1e-12)
    np.testing.assert_allclose(table.diagonal(), np.diagonal(expected), rtol=1e-12)


@pytest.mark.parametrize("method", ["lsr", "ilsr", "rank_centrality", "mm"])
def test_chains_beyond_the_range_of_doubles(method):
    """400 items in a row, nine wins of ten: strengths span 9^399, far below the smallest double.

    In a row one spectral step is exact, log 9 between neighbors, and so are its iteration and rank centrality. MM moves
    far too slowly, and says so.
    """
    data = chain(400, 9, 1)
    if method == "mm":
        with pytest.warns(ConvergenceWarning):
            fit = fit_strengths(data, method=method, max_iter=50)
        assert not fit.converged
        assert np.isfinite(fit.params).all()
        return
    fit = fit_strengths(data, method=method)
    np.testing.assert_allclose(-np.diff(fit.params), np.log(9), rtol=1e-9)
