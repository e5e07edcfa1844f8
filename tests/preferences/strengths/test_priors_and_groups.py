"""Gaussian priors: stationarity and limits. Groups with infinite differences: each is fitted as if it were alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.errors import ConvergenceWarning, UnknownOptionError
from mdpkit.feedback import PairCounts, PairList, Rankings, TopChoices
from mdpkit.preferences import fit_strengths, mle_exists
from mdpkit.testing import preference_data
from tests.preferences.strengths.support import (
    N_ITEMS,
    choices,
    completed,
    fit_by_scipy,
    item_data,
    rankings,
    stage_likelihood,
    stages_of,
    utilities,
)

some = settings(max_examples=25, deadline=None)
N = N_ITEMS
alphas = st.sampled_from([1e-3, 0.1, 1.0, 50.0])

# ---------------------------------------------------------------- priors


@some
@given(item_data(), alphas, utilities(N, largest=8))
def test_posterior_mode(data, alpha, mean):
    """The gradient of ``nll + alpha / 2 ||theta - theta_0||^2`` vanishes, existence or not; scipy agrees."""
    fit = fit_strengths(data, alpha=alpha, prior_mean=mean)
    assert fit.converged
    nll, gradient, hessian = stage_likelihood(stages_of(data), fit.params)
    np.testing.assert_allclose(gradient + alpha * (fit.params - mean), 0, atol=1e-10)
    np.testing.assert_allclose(fit.params, fit_by_scipy(stages_of(data), N, alpha=alpha, prior_mean=mean), atol=1e-8)
    # Gradients of the likelihood sum to zero, so the prior alone places the mean.
    assert abs(fit.params.mean() - mean.mean()) < 1e-10 / alpha
    assert abs(fit.nll - nll) < 1e-11 * (1 + nll)
    np.testing.assert_allclose(fit.cov @ (hessian + alpha * np.eye(N)), np.eye(N), atol=1e-8)
    assert (fit.alpha, fit.cov_kind) == (alpha, "laplace")


@some
@given(item_data(), utilities(N, largest=8))
def test_a_strong_prior_wins(data, mean):
    """``||theta - theta_0|| <= ||gradient|| / alpha``: the data move the estimate by less than their weight / alpha."""
    alpha = 1e6
    fit = fit_strengths(data, alpha=alpha, prior_mean=mean)
    weight = sum(w for *_, w in stages_of(data))
    assert np.abs(fit.params - mean).max() <= weight / alpha + 1e-15
    np.testing.assert_allclose(fit.stderr, 1e-3, rtol=1e-3)


@some
@given(item_data().map(completed))
def test_a_weak_prior_loses(data):
    """The distance to the maximum falls like alpha: ten times less prior, ten times closer."""
    best = fit_strengths(data).params
    far, near = (np.abs(fit_strengths(data, alpha=a).params - best).max() for a in (1e-4, 1e-5))
    assert near <= 0.11 * far + 1e-9


@some
@given(st.one_of(rankings(N), choices(N)), alphas, utilities(N, largest=8))
def test_split_rankings_with_a_prior(data, alpha, mean):
    """Pairs by hand with the same prior; the sandwich has the prior in its bread only."""
    pairs = [(w, (w, loser), weight) for w, members, weight in stages_of(data) for loser in members if loser != w]
    fit = fit_strengths(data, method="pair_split", alpha=alpha, prior_mean=mean)
    _, gradient, _ = stage_likelihood(pairs, fit.params)
    np.testing.assert_allclose(gradient + alpha * (fit.params - mean), 0, atol=1e-10)


def test_no_data_leave_the_prior():
    for data in (PairList([], [], n_items=3), Rankings.from_lists([], n_items=3)):
        fit = fit_strengths(data, alpha=4.0, prior_mean=[1.0, 2.0, 6.0])
        assert fit.params.tolist() == [1, 2, 6]
        np.testing.assert_allclose(fit.cov, np.eye(3) / 4)
        assert fit.nll == 0


@some
@given(st.integers(1, 9), st.integers(0, 9), st.integers(1, 9), alphas)
def test_prior_with_ties(wins, losses, ties, alpha):
    """The prior is on the utilities only; for two items stationarity can be written down."""
    data = PairCounts([[0, wins], [losses, 0]], [[0, ties], [ties, 0]])
    fit = fit_strengths(data, alpha=alpha, prior_mean=[0.5, 0.0])
    assert fit.converged
    first, second = fit.probability(0, 1), fit.probability(1, 0)
    total, tie = wins + losses + ties, 1 - first - second
    assert abs(total * tie - ties) < 1e-9
    # d/dtheta_0 of the scores: 1 for a win, 0 for a loss, 1/2 for a tie
    slope = total * (first + tie / 2) - (wins + ties / 2)
    assert abs(slope + alpha * (fit.params[0] - 0.5)) < 1e-9
    assert abs(-slope + alpha * fit.params[1]) < 1e-9
    assert fit.cov_kind == "laplace"


# ---------------------------------------------------------------- groups


def kept_among(data, items):
    """The comparisons among some items, renumbered, from the containers' meaning: others are taken out of each set."""
    place = {int(i): k for k, i in enumerate(items)}
    winners, sets, weights = [], [], []
    for winner, members, w in stages_of(data):
        inside = [place[i] for i in members if i in place]
        if winner in place and len(inside) > 1 and w > 0:
            winners.append(place[winner])
            sets.append(inside)
            weights.append(w)
    return TopChoices.from_lists(winners, sets, weights, n_items=len(items))


@some
@given(st.one_of(preference_data(N), rankings(N), choices(N)))
def test_groups_are_fitted_one_by_one(data):
    fit = fit_strengths(data, on_infinite="component")
    groups = mle_exists(data).components
    assert [g.tolist() for g in fit.components] == [g.tolist() for g in groups]
    nll = 0.0
    cov = np.full((N, N), np.nan)
    for group in groups:
        assert abs(fit.params[group].sum()) < 1e-12
        cov[np.ix_(group, group)] = 0.0
        if len(group) > 1:
            own = kept_among(data, group)
            alone = fit_strengths(own)
            np.testing.assert_allclose(fit.params[group], alone.params, atol=1e-10)
            np.testing.assert_allclose(fit_by_scipy(stages_of(own), len(group)), alone.params, atol=1e-8)
            cov[np.ix_(group, group)] = alone.cov
            nll += alone.nll
    assert abs(fit.nll - nll) < 1e-10
    np.testing.assert_allclose(fit.cov, cov, atol=1e-9)
    if len(groups) > 1:
        one, other = groups[0][0], groups[1][0]
        assert np.isnan(fit.contrast(one, other)).all()
        assert np.isnan(fit.probability(one, other))
        assert f"{len(groups)} components" in repr(fit)
    # Best first, group by group.
    assert fit.ranking().tolist() == [int(i) for g in groups for i in g[np.argsort(-fit.params[g], kind="stable")]]


@some
@given(preference_data(N))
def test_the_likelihood_of_the_groups_is_the_supremum(data):
    """Pulling the groups apart along the direction approaches what `nll` says, and never passes it."""
    fit = fit_strengths(data, on_infinite="component")
    check = mle_exists(data)
    if check.exists:
        return
    for gap, error in ((30.0, 1e-9), (3.0, None)):
        nll, _, _ = stage_likelihood(stages_of(data), fit.params + gap * check.direction)
        assert nll >= fit.nll - 1e-10
        assert error is None or nll <= fit.nll + error


@pytest.mark.parametrize("method", ["newton", "mm", "ilsr", "lsr", "rank_centrality"])
def test_groups_by_every_method(method):
    """Items 0, 1 always beat items 2, 3; within the groups it is 3-1 and 1-4."""
    W = np.array([[0, 3, 1, 1], [1, 0, 1, 1], [0, 0, 0, 1], [0, 0, 4, 0]])
    fit = fit_strengths(PairCounts(W), method=method, on_infinite="component")
    upper, lower = np.log(3) / 2, np.log(4) / 2
    np.testing.assert_allclose(fit.params, [upper, -upper, -lower, lower], atol=1e-10)
    assert fit.ranking().tolist() == [0, 1, 3, 2]
    assert fit.method == method
    assert (fit.cov_kind is None) == (method in ("lsr", "rank_centrality"))
    assert "2 groups fitted one by one" in fit.message


def test_groups_of_split_rankings():
    """Item 3 is always last; its pairs with the others add nothing, and their dependence is not forgotten."""
    rows = [[0, 1, 2, 3], [1, 0, 2, 3], [2, 1, 0, 3], [0, 2, 1, 3]]
    fit = fit_strengths(Rankings.from_lists(rows), method="pair_split", on_infinite="component")
    alone = fit_strengths(Rankings.from_lists([row[:3] for row in rows]), method="pair_split")
    np.testing.assert_allclose(fit.params, [*alone.params, 0], atol=1e-12)
    np.testing.assert_allclose(fit.cov[:3, :3], alone.cov, atol=1e-12)
    assert fit.cov_kind == "sandwich"
    assert np.isnan(fit.cov[3, :3]).all()
    assert fit.cov[3, 3] == 0


def test_groups_and_choices_won_by_others():
    """Item 0 is always chosen where it is offered: what it was chosen from says nothing about items 1 and 2."""
    sets = [[1, 0, 2]] * 5 + [[1, 2]] * 3 + [[2, 1]]
    winners = [0] * 5 + [1] * 3 + [2]
    fit = fit_strengths(TopChoices.from_lists(winners, sets), on_infinite="component")
    assert [g.tolist() for g in fit.components] == [[0], [1, 2]]
    np.testing.assert_allclose(fit.params, [0, np.log(3) / 2, -np.log(3) / 2], atol=1e-12)
    assert abs(fit.contrast(1, 2)[1] - np.sqrt(1 / 3 + 1)) < 1e-9


def test_only_single_items():
    fit = fit_strengths(PairList.from_pairs([(2, 0), (0, 1)]), on_infinite="component")
    assert fit.params.tolist() == [0, 0, 0]
    assert fit.ranking().tolist() == [2, 0, 1]
    assert fit.stderr.tolist() == [0, 0, 0]
    assert fit.nll == 0
    assert fit.converged


def test_one_group_is_no_group():
    """Where the maximum exists the option changes nothing."""
    data = PairList.from_pairs([(0, 1), (0, 1), (1, 2), (2, 0)])
    np.testing.assert_array_equal(fit_strengths(data, on_infinite="component").params, fit_strengths(data).params)
    assert len(fit_strengths(data, on_infinite="component").components) == 1


def test_groups_that_do_not_converge():
    W = np.zeros((4, 4))
    W[0, 1], W[1, 0], W[2, 3], W[3, 2] = 1, 50, 1, 1
    with pytest.warns(ConvergenceWarning):
        fit = fit_strengths(PairCounts(W), on_infinite="component", max_iter=1)
    assert not fit.converged
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit_strengths(PairCounts(W), on_infinite="component").converged


def test_groups_do_not_share_a_tie_parameter():
    data = PairCounts([[0, 3, 1], [1, 0, 1], [0, 0, 0]], [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    with pytest.raises(UnknownOptionError, match="half") as caught:
        fit_strengths(data, on_infinite="component")
    assert caught.value.argument == "on_infinite"
    fit = fit_strengths(data, on_infinite="component", ties="half")
    assert fit.contrast(0, 1)[0] == pytest.approx(np.log(3.5 / 1.5))
