"""Wasserstein balls against transport programs and the number of the specification."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.models import RobustMDP, TabularMDP, WassersteinBall
from mdpkit.robust.inner import inner_problem
from tests.robust.inner import oracles
from tests.robust.inner.support import NATURES, Q, Z, check, check_radius, drafts, one_row, quick

LINE = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))


def ball(radius, metric):
    """Build a ball whose costs may be no metric."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return WassersteinBall(radius, metric)


@st.composite
def costs(draw, n):
    """Draw costs with ties, free moves and dear ones; rarely a metric."""
    kind = draw(
        st.sampled_from([st.integers(0, 3).map(float), st.floats(0.01, 5.0), st.sampled_from([1e-3, 1.0, 1e3])])
    )
    D = np.array(draw(st.lists(kind, min_size=n * n, max_size=n * n))).reshape(n, n)
    np.fill_diagonal(D, 0.0)
    return D


def test_published():
    assert one_row(Z, Q, WassersteinBall(0.3, LINE))[0] == pytest.approx(1.8, abs=1e-14)


def test_row_by_hand():
    # the steepest piece: 5 -> 2 at distance 1, all 0.1 of it; then 4 -> 2 at distance 2 with half the slope as 2 -> 1:
    # both fall by 1 per unit of distance, and the first source goes first
    value, row = one_row(Z, Q, WassersteinBall(0.3, LINE))
    np.testing.assert_allclose(row, [0.6, 0.2, 0.0, 0.2], atol=1e-15)
    assert value == pytest.approx(float(row @ Z), abs=1e-14)


@quick
@given(st.data(), st.sampled_from([0.0, 1e-9, 0.1, 0.5, 2.0, 1e4]), st.sampled_from(NATURES))
def test_against_programs(data, kappa, nature):
    draft = data.draw(drafts(sizes=(1, 5), supports=["all"]))
    metric = data.draw(costs(len(draft.V)))

    def violation(p, k):
        # the program that finds the cost is itself accurate to 1e-7 of the largest cost
        excess = oracles.transport_cost(p / p.sum(), draft.q[k] / draft.q[k].sum(), metric) - kappa
        return excess / (1.0 + np.max(metric))

    check(
        draft,
        lambda order: ball(kappa, metric[np.ix_(order, order)]),
        lambda z, k: oracles.wasserstein(z, draft.q[k], metric, kappa),
        violation,
        nature=nature,
        # the program may overspend by 1e-9 or so, which buys at most the spread per least distance
        accuracy=1e-8 * (1.0 + 1.0 / np.min(metric[metric > 0], initial=1.0)),
        feasible_to=1e-7,
    )


@quick
@given(st.data(), st.sampled_from(NATURES))
def test_monotone_and_convex_in_the_radius(data, nature):
    draft = data.draw(drafts(sizes=(1, 5), supports=["all"]))
    metric = data.draw(costs(len(draft.V))) + 1.0 - np.eye(len(draft.V))
    check_radius(draft, lambda r: ball(r, metric), np.linspace(0.0, 3.0, 10), nature)


@pytest.mark.parametrize("by_entry", [False, True])
def test_long_rows_on_the_line(by_entry):
    # on a line with decreasing convex payoffs everything slides the same way
    n = 60
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(n), size=n)
    metric = np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(float)
    V = rng.normal(size=n)
    R = rng.normal(size=(n, 1, n)) if by_entry else np.zeros((n, 1))
    model = TabularMDP(q[:, None], R, 0.9)
    inner = inner_problem(RobustMDP(model, WassersteinBall(3.0, metric), transition_rewards=R if by_entry else None))
    values, _ = inner.values(V)
    for k in range(0, n, 20):
        z = (R[k, 0] if by_entry else 0.0) + 0.9 * V
        assert values[k] == pytest.approx(oracles.wasserstein(z, q[k], metric, 3.0), abs=1e-8)


def test_free_moves_at_radius_zero():
    # two states at distance 0 are one state to the metric: even radius 0 lets mass move between them
    metric = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    value, row = one_row([2.0, 1.0, 0.0], [0.5, 0.0, 0.5], ball(0.0, metric))
    assert value == pytest.approx(0.5, abs=1e-15)
    assert row.tolist() == [0.0, 0.5, 0.5]
