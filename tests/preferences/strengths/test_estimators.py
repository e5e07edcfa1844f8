"""Newton, MM and I-LSR find the maximum that scipy finds; score equations; MM never loses; spectral steps; ties."""

from __future__ import annotations

import warnings
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from mdpkit.errors import ConvergenceWarning
from mdpkit.feedback import PairCounts, PairList, Rankings, TopChoices
from mdpkit.preferences import fit_strengths
from mdpkit.testing import preference_data
from tests.preferences.strengths.support import (
    N_ITEMS,
    choices,
    completed,
    fit_by_scipy,
    item_data,
    rankings,
    relabelled,
    stage_likelihood,
    stages_of,
)

some = settings(max_examples=25, deadline=None)
N = N_ITEMS
attained = item_data().map(completed)


@some
@given(attained)
def test_three_methods_and_scipy(data):
    reference = fit_by_scipy(stages_of(data), N)
    # I-LSR and MM stop when steps are 1e-11: on these small dense designs they contract by less than 0.999 per step.
    for method, error in (("newton", 1e-9), ("mm", 1e-8), ("ilsr", 1e-8)):
        fit = fit_strengths(data, method=method)
        assert fit.converged
        np.testing.assert_allclose(fit.params, reference, atol=error)
        assert abs(fit.params.sum()) < 1e-12
        nll, gradient, _ = stage_likelihood(stages_of(data), fit.params)
        assert abs(fit.nll - nll) < 1e-11
        # what gradient_norm reports, from the definition; the reported one may be pure rounding
        assert abs(fit.gradient_norm - np.abs(gradient).max()) < 1e-12


@some
@given(attained)
def test_expected_wins_are_wins(data):
    """The score equations: for each item the stages it won are as many as the model expects, to 1e-10 votes."""
    theta = fit_strengths(data).params
    wins, expected = np.zeros(N), np.zeros(N)
    for winner, members, w in stages_of(data):
        wins[winner] += w
        strengths = {i: np.exp(theta[i]) for i in members}
        for i in members:
            expected[i] += w * strengths[i] / sum(strengths.values())
    np.testing.assert_allclose(expected, wins, atol=1e-10)


@some
@given(attained, st.permutations(range(N)))
def test_names_do_not_matter(data, order):
    new = np.array(order)
    for method in ("newton", "lsr"):
        fit, moved = fit_strengths(data, method=method), fit_strengths(relabelled(data, new), method=method)
        np.testing.assert_allclose(moved.params[new], fit.params, atol=1e-10)
    np.testing.assert_allclose(
        fit_strengths(relabelled(data, new)).cov[np.ix_(new, new)], fit_strengths(data).cov, atol=1e-9
    )


@some
@given(attained, st.sampled_from([1e-3, 7.0, 1e6]))
def test_scaling_all_weights(data, factor):
    """The estimate stays, covariances are divided by the factor; a thousand weak votes are as good as one."""
    if isinstance(data, PairList):
        scaled = PairList(data.winners, data.losers, data.weights * factor)
    elif isinstance(data, Rankings):
        scaled = Rankings(data.flat, data.offsets, data.weights * factor)
    else:
        scaled = TopChoices(data.winners, data.flat, data.offsets, data.weights * factor)
    for method in ("newton", "lsr", "mm"):
        fit, other = fit_strengths(data, method=method), fit_strengths(scaled, method=method)
        np.testing.assert_allclose(other.params, fit.params, atol=1e-8)
    np.testing.assert_allclose(fit_strengths(scaled).cov * factor, fit_strengths(data).cov, rtol=1e-7, atol=1e-9)


@some
@given(attained)
def test_minorize_maximize_never_loses(data):
    """Hunter (2004): every step of MM increases the likelihood, or it is at the maximum. Strengths start equal."""
    start, _, _ = stage_likelihood(stages_of(data), np.zeros(N))
    values = [start]
    for steps in range(1, 11):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fit = fit_strengths(data, method="mm", max_iter=steps)
        assert fit.iterations <= steps
        values.append(stage_likelihood(stages_of(data), fit.params)[0])
    assert all(later <= earlier + 1e-12 * (1 + earlier) for earlier, later in pairwise(values))


@some
@given(attained)
def test_one_step_of_minorize_maximize(data):
    """``p_i <- wins_i / sum over stages with i of c / sum_{j in S} p_j`` from equal strengths (prefs.md 3.2)."""
    wins, inverse = np.zeros(N), np.zeros(N)
    for winner, members, w in stages_of(data):
        wins[winner] += w
        inverse[list(members)] += w / len(members)
    expected = np.log(wins / inverse)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = fit_strengths(data, method="mm", max_iter=1)
    np.testing.assert_allclose(fit.params, expected - expected.mean(), atol=1e-12)


# ---------------------------------------------------------------- spectral steps


def stationary_by_least_squares(Q):
    Q = Q - np.diag(Q.sum(axis=1))
    pi = np.linalg.lstsq(np.vstack([Q.T, np.ones(len(Q))]), np.append(np.zeros(len(Q)), 1.0), rcond=None)[0]
    theta = np.log(pi)
    return theta - theta.mean()


@some
@given(attained)
def test_spectral_step(data):
    """From every loser of a stage to its winner with rate ``c / |S|``; two steps of I-LSR are two such steps."""
    theta = np.zeros(N)
    for step in (1, 2):
        Q = np.zeros((N, N))
        for winner, members, w in stages_of(data):
            rate = w / np.exp(theta[list(members)]).sum()
            for loser in set(members) - {winner}:
                Q[loser, winner] += rate
        theta = stationary_by_least_squares(Q)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            np.testing.assert_allclose(fit_strengths(data, method="ilsr", max_iter=step).params, theta, atol=1e-9)
        if step == 1:
            np.testing.assert_allclose(fit_strengths(data, method="lsr").params, theta, atol=1e-9)


@some
@given(preference_data(N).map(completed))
def test_rank_centrality(data):
    """The published chain (Negahban et al., with ``1 / d_max`` and self-loops) on the shares of wins."""
    W = data.to_counts().W
    met = (W + W.T) > 0
    share = np.divide(W.T, W + W.T, out=np.zeros((N, N)), where=met)  # [loser, winner]
    P = share / met.sum(axis=1).max()
    np.fill_diagonal(P, 1 - P.sum(axis=1))
    assert (P >= -1e-15).all()
    theta = stationary_by_least_squares(P - np.eye(N))
    np.testing.assert_allclose(fit_strengths(data, method="rank_centrality").params, theta, atol=1e-9)


# ---------------------------------------------------------------- splitting rankings, ties


@some
@given(st.one_of(rankings(N), choices(N)).map(completed))
def test_split_rankings_are_pairs_by_hand(data):
    """Each ranking as all its ordered pairs; of a choice only the pairs with the winner are known."""
    pairs = [(w, loser, weight) for w, members, weight in stages_of(data) for loser in members if loser != w]
    winners, losers, weights = zip(*pairs, strict=True)
    expected = fit_strengths(PairList(winners, losers, weights, n_items=N))
    found = fit_strengths(data, method="pair_split")
    np.testing.assert_allclose(found.params, expected.params, atol=1e-10)
    assert abs(found.nll - expected.nll) < 1e-10


@st.composite
def tied_tables(draw):
    """Wins both ways around a circle of all items, so that the maximum exists, and ties here and there."""
    n = draw(st.integers(2, 4))
    W, ties = np.zeros((n, n)), np.zeros((n, n))
    for i, j in combinations(range(n), 2):
        W[i, j], W[j, i], ties[i, j] = (draw(st.sampled_from([0.0, 1, 3])) for _ in range(3))
    for i in range(n - 1):
        W[i, i + 1] += 1
        W[i + 1, i] += 1
    ties[0, 1] += 0.5
    return W, ties + ties.T


def davidson_nll(x, W, ties):
    """``P(i > j) = p_i / (p_i + p_j + nu sqrt(p_i p_j))`` (prefs.md 3.8)."""
    p, nu, total = np.exp(x[:-1]), np.exp(x[-1]), 0.0
    for i, j in combinations(range(len(W)), 2):
        tie = nu * np.sqrt(p[i] * p[j])
        whole = p[i] + p[j] + tie
        total -= W[i, j] * np.log(p[i] / whole) + W[j, i] * np.log(p[j] / whole) + ties[i, j] * np.log(tie / whole)
    return total


@some
@given(tied_tables())
def test_ties_by_scipy(counts):
    """No derivatives are given to scipy: its gradients, and so its utilities, are good to 1e-5."""
    W, ties = counts
    n = len(W)
    found = minimize(lambda x: davidson_nll(x, W, ties) + x[:n].sum() ** 2, np.zeros(n + 1), options={"gtol": 1e-6})
    fit = fit_strengths(PairCounts(W, ties))
    np.testing.assert_allclose(fit.params, found.x[:n] - found.x[:n].mean(), atol=2e-5)
    assert abs(np.log(fit.tie_parameter) - found.x[n]) < 2e-5
    x = np.append(fit.params, np.log(fit.tie_parameter))
    assert abs(fit.nll - davidson_nll(x, W, ties)) < 1e-11
    assert fit.nll <= found.fun + 1e-12
    # The score equation of nu: as many ties as expected.
    p, expected = np.exp(fit.params), 0.0
    for i, j in combinations(range(n), 2):
        tie = fit.tie_parameter * np.sqrt(p[i] * p[j])
        expected += (W[i, j] + W[j, i] + ties[i, j]) * tie / (p[i] + p[j] + tie)
    assert abs(expected - ties.sum() / 2) < 1e-9


@some
@given(tied_tables())
def test_half_wins(counts):
    """``ties="half"``: each tie is half a win of both."""
    W, ties = counts
    fit, plain = fit_strengths(PairCounts(W, ties), ties="half"), fit_strengths(PairCounts(W + ties / 2))
    np.testing.assert_array_equal(fit.params, plain.params)
    assert fit.tie_parameter is None
    assert fit.tie_stderr is None


# ---------------------------------------------------------------- stopping early


@pytest.mark.parametrize("method", ["newton", "mm", "ilsr", "pair_split"])
def test_one_step_is_not_enough(method):
    data = Rankings.from_lists([[0, 1, 2], [2, 1, 0], [0, 2, 1]])
    with pytest.warns(ConvergenceWarning, match=f"{method} stopped after 1 steps") as caught:
        fit = fit_strengths(data, method=method, max_iter=1)
    assert caught[0].filename == __file__  # the warning points at the caller
    assert not fit.converged
    assert fit.iterations == 1
    assert repr(fit).endswith("not converged)")
    assert fit.gradient_norm > 1e-4


def test_one_step_with_ties_is_not_enough():
    with pytest.warns(ConvergenceWarning, match="newton stopped"):
        assert not fit_strengths(PairCounts([[0, 6], [3, 0]], [[0, 4], [4, 0]]), max_iter=1).converged
