"""Every compiled pass over comparisons of items against its slow twin, which adds up stages from the definition."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.preferences.likelihood import _kernels as kernels
from mdpkit.preferences.likelihood.order_table import OrderTable
from tests.preferences.strengths.support import (
    N_ITEMS,
    WEIGHTS,
    decimal_likelihood,
    order_stages,
    orders,
    stage_likelihood,
    utilities,
)

some = settings(max_examples=40, deadline=None)
N = N_ITEMS
# At most 6 rows of 4 stages of weight 3, utilities within 3: values below 500, so 1e-12 is 20 of their rounding errors.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


@st.composite
def pair_lines(draw):
    """Distinct pairs ``first < second`` with wins and losses, not both zero."""
    pairs = draw(st.lists(st.sampled_from(list(combinations(range(N), 2))), min_size=1, unique=True).map(sorted))
    counts = [draw(st.tuples(WEIGHTS, WEIGHTS).filter(any)) for _ in pairs]
    first, second = np.array(pairs).T
    wins, losses = np.array(counts).T
    return tuple(np.ascontiguousarray(column) for column in (first, second, wins, losses))


def pair_stages(lines):
    rows = list(zip(*(column.tolist() for column in lines), strict=True))
    return [(i, (i, j), w) for i, j, w, _ in rows] + [(j, (i, j), lost) for i, j, _, lost in rows]


def columns(rows):
    flat = np.array([i for row, *_ in rows for i in row])
    offsets = np.concatenate([[0], np.cumsum([len(row) for row, *_ in rows])])
    return flat, offsets, np.array([depth for _, depth, _ in rows]), np.array([w for *_, w in rows])


vectors = st.lists(st.integers(-4, 4), min_size=N, max_size=N).map(lambda v: np.array(v, dtype=float))

# ---------------------------------------------------------------- pairs


@some
@given(pair_lines(), utilities(N), vectors)
def test_passes_over_pairs(lines, theta, v):
    first, second, wins, losses = lines
    nll, gradient, hessian = stage_likelihood(pair_stages(lines), theta)
    found, curvature = np.zeros(N), np.full(len(first), np.nan)
    value = kernels.pair_pass(first, second, wins, losses, theta, found, curvature)
    np.testing.assert_allclose(value, nll, **CLOSE)
    np.testing.assert_allclose(found, gradient, **CLOSE)
    dense, product = np.zeros((N, N)), np.zeros(N)
    kernels.add_laplacian(first, second, curvature, dense)
    np.testing.assert_allclose(dense, hessian, **CLOSE)
    kernels.laplacian_product(first, second, curvature, v, product)
    np.testing.assert_allclose(product, hessian @ v, rtol=1e-12, atol=1e-11)
    # "add": what is there stays
    kernels.laplacian_product(first, second, curvature, v, product)
    kernels.add_laplacian(first, second, curvature, dense)
    np.testing.assert_allclose(product, 2 * hessian @ v, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(dense, 2 * hessian, **CLOSE)


@pytest.mark.parametrize("gap", [0.0, 1e-9, 30.0, 40.0, 700.0, 800.0, 1e5])
@pytest.mark.parametrize("sign", [1, -1])
def test_pairs_far_apart(gap, sign):
    """Nothing is lost or overflows, neither in the rare outcome nor in the common one (decimal twin)."""
    theta = np.array([sign * gap, 0.0])
    for wins, losses in ((3.0, 1.0), (1.0, 0.0), (0.0, 1.0)):
        stages = [(0, (0, 1), wins), (1, (0, 1), losses)]
        nll, gradient, hessian = decimal_likelihood(stages, theta)
        found, curvature = np.zeros(2), np.zeros(1)
        value = kernels.pair_pass(
            np.array([0]), np.array([1]), np.array([wins]), np.array([losses]), theta, found, curvature
        )
        # below 1e-300 doubles lose digits
        np.testing.assert_allclose([value, curvature[0]], [nll, hessian[0, 0]], rtol=1e-13, atol=1e-300)
        np.testing.assert_allclose(found, gradient, rtol=1e-13, atol=1e-300)


# ---------------------------------------------------------------- orders


@some
@given(orders(), utilities(N), vectors)
def test_passes_over_orders(rows, theta, v):
    table = columns(rows)
    nll, gradient, hessian = stage_likelihood(order_stages(rows), theta)
    logs = theta - theta.max()
    e = np.exp(logs)
    found, dense, product, diagonal = np.zeros(N), np.zeros((N, N)), np.zeros(N), np.zeros(N)
    np.testing.assert_allclose(kernels.order_pass(*table, e, logs, found), nll, **CLOSE)
    np.testing.assert_allclose(found, gradient, **CLOSE)
    for times in (1, 2):  # "add": what is there stays
        kernels.add_order_hessian(*table, e, dense)
        kernels.order_product(*table, e, v, product)
        kernels.order_diagonal(*table, e, diagonal)
        np.testing.assert_allclose(dense, times * hessian, **CLOSE)
        np.testing.assert_allclose(product, times * hessian @ v, rtol=1e-12, atol=1e-11)
        np.testing.assert_allclose(diagonal, times * np.diagonal(hessian), **CLOSE)


@some
@given(orders(), utilities(N))
def test_log_space_pass(rows, theta):
    nll, gradient, hessian = stage_likelihood(order_stages(rows), theta)
    found, dense = np.zeros(N), np.zeros((N, N))
    np.testing.assert_allclose(kernels.order_pass_log(*columns(rows), theta, found, dense), nll, **CLOSE)
    np.testing.assert_allclose(found, gradient, **CLOSE)
    np.testing.assert_allclose(dense, hessian, **CLOSE)
    again = np.zeros(N)
    np.testing.assert_allclose(kernels.order_pass_log(*columns(rows), theta, again, np.zeros((0, 0))), nll, **CLOSE)
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("spread", [50.0, 299.0, 301.0, 400.0, 590.0, 601.0, 720.0, 5000.0])
def test_orders_far_apart(spread):
    """On both sides of the switch to log space: the items at the bottom matter as much as those at the top.

    The second stage chooses between two items of nearly equal strength ``exp(-spread)``, whose squares are no doubles
    from a spread of 354 on.
    """
    theta = np.array([0.0, 0.5 - spread, 0.25 - spread, -spread, 0.3])
    rows = [((0, 1, 2, 3), 3, 2.0), ((3, 2, 4), 1, 1.0), ((4, 0, 3), 2, 0.5), ((1, 3), 1, 3.0)]
    nll, gradient, hessian = decimal_likelihood(order_stages(rows), theta)
    table = OrderTable(*columns(rows), len(theta))
    value, found = table.evaluate(theta)
    # exp of a rounded difference of utilities has a relative error of spread / 2^53
    error = {"rtol": 1e-14 * (10 + spread), "atol": 1e-14 * (10 + spread)}
    np.testing.assert_allclose(value, nll, rtol=1e-14)
    np.testing.assert_allclose(found, gradient, **error)
    np.testing.assert_allclose(table.hessian(), hessian, **error)
    np.testing.assert_allclose(table.diagonal(), np.diagonal(hessian), **error)
    v = np.array([1.0, -2.0, 0.5, 3.0, -1.0])
    np.testing.assert_allclose(table.product(v), hessian @ v, rtol=error["rtol"], atol=10 * error["atol"])


def test_longest_row():
    assert kernels.longest(np.array([0, 2, 7, 8])) == 5
    assert kernels.longest(np.array([0])) == 0


# ---------------------------------------------------------------- derivatives of each other


@some
@given(orders(), utilities(N))
def test_derivatives_of_orders(rows, theta):
    """Central differences, h = 1e-5: the third derivative of 72 stage weights is below 10, so errors are below 1e-7."""
    h = 1e-5
    for far in (0.0, 400.0):  # with a far item that nobody compares, the pass in log space
        place, table = np.append(theta, -far), OrderTable(*columns(rows), N + 1)
        _, gradient = table.evaluate(place)
        hessian = table.hessian()
        for i in range(N):
            step = h * np.eye(N + 1)[i]
            (up, gradient_up), (down, gradient_down) = table.evaluate(place + step), table.evaluate(place - step)
            assert abs((up - down) / (2 * h) - gradient[i]) < 1e-7
            np.testing.assert_allclose((gradient_up - gradient_down) / (2 * h), hessian[i], atol=1e-7)


@some
@given(pair_lines(), utilities(N))
def test_derivatives_of_pairs(lines, theta):
    h, curvature = 1e-5, np.zeros(len(lines[0]))

    def evaluate(x):
        gradient = np.zeros(N)
        return kernels.pair_pass(*lines, x, gradient, curvature), gradient

    _, gradient = evaluate(theta)
    hessian = np.zeros((N, N))
    kernels.add_laplacian(lines[0], lines[1], curvature, hessian)
    for i in range(N):
        step = h * np.eye(N)[i]
        (up, gradient_up), (down, gradient_down) = evaluate(theta + step), evaluate(theta - step)
        assert abs((up - down) / (2 * h) - gradient[i]) < 1e-7
        np.testing.assert_allclose((gradient_up - gradient_down) / (2 * h), hessian[i], atol=1e-7)


# ---------------------------------------------------------------- scores


@some
@given(orders(), utilities(N))
def test_products_of_scores(rows, theta):
    """One gradient per row, split into pairs, then its outer product."""
    split = np.zeros((N, N))
    for row, depth, w in rows:
        pairs = [(row[k], (row[k], row[j]), 1.0) for k in range(depth) for j in range(k + 1, len(row))]
        _, g, _ = stage_likelihood(pairs, theta)
        split += w * np.outer(g, g)
    found = np.zeros((N, N))
    kernels.add_pair_scores(*columns(rows), theta, found)
    np.testing.assert_allclose(found, split, rtol=1e-12, atol=1e-11)


def test_pair_scores_far_apart():
    """A win against all odds has a score of one, the expected one of nothing; no overflow."""
    V = np.zeros((2, 2))
    kernels.add_pair_scores(np.array([0, 1]), np.array([0, 2]), np.array([1]), np.array([1.0]), np.array([-1e4, 0]), V)
    np.testing.assert_array_equal(V, [[1, -1], [-1, 1]])
    kernels.add_pair_scores(np.array([1, 0]), np.array([0, 2]), np.array([1]), np.array([1.0]), np.array([-1e4, 0]), V)
    np.testing.assert_array_equal(V, [[1, -1], [-1, 1]])


# ---------------------------------------------------------------- rates


@some
@given(orders(), utilities(N))
def test_rates(rows, theta):
    """``1 / sum_{j in S} p_j`` from every loser of a stage to its winner (Maystre and Grossglauser 2015, section 3)."""
    p, expected, found = np.exp(theta), np.zeros((N, N)), np.zeros((N, N))
    for winner, members, w in order_stages(rows):
        for loser in set(members) - {winner}:
            expected[loser, winner] += w / sum(p[j] for j in members)
    kernels.add_rates(*columns(rows), p, found)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
