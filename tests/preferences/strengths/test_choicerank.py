"""ChoiceRank against its published iteration run to the end and against the single choices; bad input."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.errors import ConvergenceWarning, InputError, ShapeError
from mdpkit.preferences import choicerank
from mdpkit.preferences.strengths import result

some = settings(max_examples=25, deadline=None)


@st.composite
def networks(draw, weighted=True):
    """Links with weights, moves along them, and a prior; nodes without links and without traffic are likely."""
    n = draw(st.integers(1, 5))
    weights = st.sampled_from([0.0, 0.0, 1.0, 0.25, 3.0] if weighted else [0.0, 1.0])
    A = np.array(draw(st.lists(weights, min_size=n * n, max_size=n * n))).reshape(n, n)
    moves = np.array(draw(st.lists(st.integers(0, 6), min_size=n * n, max_size=n * n))).reshape(n, n) * (A > 0)
    return A, moves.astype(float), draw(st.sampled_from([1.0, 0.3, 4.0]))


def published_iteration(A, arrivals, departures, alpha):
    """``p_i <- (in_i + alpha) / (sum_{j -> i} a_ji out_j / sum_k a_jk p_k + alpha)`` until it stays (prefs.md 3.5)."""
    p = np.ones(len(A))
    for _ in range(100_000):
        offered = A @ p
        rate = np.divide(departures, offered, out=np.zeros(len(A)), where=departures > 0)
        new = (arrivals + alpha) / (A.T @ rate + alpha)
        if np.abs(np.log(new / p)).max() < 1e-14:
            return np.log(new)
        p = new
    raise AssertionError("the published iteration did not converge")


def objective(theta, A, moves, alpha):
    """Every move from ``j`` to ``i`` is a choice among the successors of ``j``; Gamma(alpha + 1, alpha) on ``p``."""
    p, total = np.exp(theta), 0.0
    for j, i in np.argwhere(moves):
        total -= moves[j, i] * np.log(A[j, i] * p[i] / (A[j] @ p))
    return total - alpha * np.sum(theta - p)


@some
@given(networks())
def test_published_iteration(case):
    A, moves, alpha = case
    arrivals, departures = moves.sum(axis=0), moves.sum(axis=1)
    fit = choicerank(A, arrivals, departures, alpha=alpha)
    assert fit.converged
    np.testing.assert_allclose(fit.params, published_iteration(A, arrivals, departures, alpha), atol=1e-9)
    # The gradient along a common shift is alpha (sum p - N): strengths average to one.
    assert abs(np.exp(fit.params).mean() - 1) < 1e-9
    assert fit.gradient_norm < 1e-9
    assert (fit.method, fit.alpha, fit.cov_kind) == ("choicerank", alpha, "laplace")


@some
@given(networks())
def test_it_is_the_mode_of_the_single_moves(case):
    """The data enter through the marginals only: derivatives of the likelihood of all moves vanish, by differences.

    Central differences with h = 1e-4: values below 1e3 give errors of 1e-9, third derivatives below 500 give 1e-6.
    """
    A, moves, alpha = case
    fit = choicerank(A, moves.sum(axis=0), moves.sum(axis=1), alpha=alpha)
    n, h = len(A), 1e-4

    def value(shift):
        return objective(fit.params + shift, A, moves, alpha)

    steps = h * np.eye(n)
    for step in steps:
        assert abs((value(step) - value(-step)) / (2 * h)) < 1e-5
    hessian = [[value(a + b) - value(a - b) - value(b - a) + value(-a - b) for b in steps] for a in steps]
    np.testing.assert_allclose(fit.cov @ np.array(hessian) / (4 * h * h), np.eye(n), atol=2e-3)
    # nll is that of the marginals: it leaves out the weights of the links that were taken
    taken = moves > 0
    constant = np.sum(moves[taken] * np.log(A[taken]))
    prior = alpha * np.sum(np.exp(fit.params) - fit.params)
    assert abs(fit.nll - (value(0) - prior + constant)) < 1e-9


@some
@given(networks())
def test_sparse_input_and_contrasts(case):
    A, moves, alpha = case
    arrivals, departures = moves.sum(axis=0), moves.sum(axis=1)
    fit = choicerank(A, arrivals, departures, alpha=alpha)
    for form in (sp.csr_array, sp.coo_array, sp.csc_matrix):
        stored = form(A)
        before = stored.copy()
        np.testing.assert_allclose(choicerank(stored, arrivals, departures, alpha=alpha).params, fit.params, atol=1e-12)
        assert (stored != before).nnz == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(result, "DENSE_ITEMS", 0)
        lazy = choicerank(A, arrivals, departures, alpha=alpha)
        stderr = lazy.contrast(0, len(A) - 1)[1]
        assert "cov" not in vars(lazy)
    direction = np.eye(len(A))[0] - np.eye(len(A))[-1]
    assert abs(stderr**2 - direction @ fit.cov @ direction) < 1e-8


@some
@given(networks(weighted=False), st.sampled_from([0.5, 10.0]))
def test_only_relative_weights_of_links_matter(case, scale):
    """Multiplying the links out of a node by a number changes none of its choices."""
    A, moves, alpha = case
    factors = scale ** np.arange(len(A))
    fit = choicerank(A, moves.sum(axis=0), moves.sum(axis=1), alpha=alpha)
    scaled = choicerank(A * factors[:, None], moves.sum(axis=0), moves.sum(axis=1), alpha=alpha)
    np.testing.assert_allclose(scaled.params, fit.params, atol=1e-9)


def test_a_node_without_traffic_keeps_its_prior():
    """Nobody can go to node 2 and nobody did: the mode of a Gamma(alpha + 1, alpha) strength is one."""
    fit = choicerank([[0, 1, 0], [1, 0, 0], [1, 1, 0]], [5, 3, 0], [3, 5, 0], alpha=2.0)
    assert abs(fit.params[2]) < 1e-12
    assert abs(fit.stderr[2] ** 2 - 1 / 2) < 1e-9  # curvature alpha p = 2


def test_steps_too_long_for_doubles_are_shortened():
    """With a weak prior and very different links a full Newton step overflows ``exp``; no warning, same answer."""
    A, arrivals, departures = np.array([[1e-2, 1e2], [0, 1e2]]), np.array([10.0, 1]), np.array([11.0, 0])
    fit = choicerank(A, arrivals, departures, alpha=0.01)
    assert fit.converged
    np.testing.assert_allclose(fit.params, published_iteration(A, arrivals, departures, 0.01), atol=1e-9)
    A = np.array([[1, 0, 0], [0, 0, 10], [100, 0.1, 0.01]])
    fit = choicerank(A, [19, 17, 8], [19, 5, 20], alpha=1e-4)
    assert fit.converged
    assert abs(np.exp(fit.params).mean() - 1) < 1e-6


def test_stopping_early():
    with pytest.warns(ConvergenceWarning, match="choicerank stopped after 1 Newton steps") as caught:
        fit = choicerank([[0, 1, 1], [1, 0, 1], [1, 1, 0]], [5, 90, 5], [90, 5, 5], alpha=0.1, max_iter=1)
    assert caught[0].filename == __file__
    assert not fit.converged


LINKS = [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("call", "error", "argument", "index", "value"),
    [
        (lambda: choicerank([[0, 1, 1], [1, 0, 0]], [1, 1], [1, 1]), ShapeError, "adjacency", None, None),
        (lambda: choicerank(np.zeros((0, 0)), [], []), ShapeError, "adjacency", None, None),
        (lambda: choicerank([[0, -1], [1, 0]], [1, 1], [1, 1]), InputError, "adjacency", (0, 1), -1.0),
        (lambda: choicerank([[0, 1], [np.inf, 0]], [1, 1], [1, 1]), InputError, "adjacency", (1, 0), np.inf),
        (lambda: choicerank(sp.csr_array([[0, 1.0], [-2, 0]]), [1, 1], [1, 1]), InputError, "adjacency", (1, 0), -2.0),
        (lambda: choicerank("links", [1, 1], [1, 1]), ShapeError, "adjacency", None, None),
        (lambda: choicerank(LINKS, [1, 1, 0], [1, 1]), ShapeError, "traffic_in", None, None),
        (lambda: choicerank(LINKS, [1, 1], [[1, 1]]), ShapeError, "traffic_out", None, None),
        (lambda: choicerank(LINKS, [-1, 3], [1, 1]), InputError, "traffic_in", 0, -1.0),
        (lambda: choicerank(LINKS, [1, 1], [1, np.inf]), InputError, "traffic_out", 1, np.inf),
        (lambda: choicerank(LINKS, [1, 1], [1, 2]), InputError, "traffic_in", None, 2.0),
        (lambda: choicerank([[0, 1], [0, 0]], [1, 1], [2, 0]), InputError, "traffic_in", 0, 1.0),
        (lambda: choicerank([[0, 1], [0, 0]], [0, 3], [1, 2]), InputError, "traffic_out", 1, 2.0),
        (lambda: choicerank(LINKS, [1, 1], [1, 1], alpha=0.0), InputError, "alpha", None, 0.0),
        (lambda: choicerank(LINKS, [1, 1], [1, 1], alpha=-1.0), InputError, "alpha", None, -1.0),
        (lambda: choicerank(LINKS, [1, 1], [1, 1], max_iter=0), InputError, "max_iter", None, 0),
    ],
)
def test_bad_input(call, error, argument, index, value):
    with pytest.raises(error) as caught:
        call()
    assert (caught.value.argument, caught.value.index, caught.value.value) == (argument, index, value)


def test_nan_is_refused():
    with pytest.raises(InputError, match="adjacency"):
        choicerank([[0, np.nan], [1, 0]], [1, 1], [1, 1])
    with pytest.raises(InputError, match="traffic_out"):
        choicerank(LINKS, [1, 1], [np.nan, 1])
