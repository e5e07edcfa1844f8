"""Intervals, L-infinity balls and CVaR against linear programs, fractions and the numbers of the specification."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.models import CVaRSet, IntervalSet, LinfBall
from mdpkit.robust.inner import inner_problem
from tests.robust.inner import oracles
from tests.robust.inner.support import NATURES, Draft, Q, Z, check, check_radius, coin, drafts, one_row, quick

RADII = st.sampled_from([0.0, 1e-9, 0.05, 0.3, 0.7, 1.0, 2.0, 50.0])


@st.composite
def intervals(draw, draft):
    """Ends around the nominal rows of a draft, of any width, some of them points."""
    n = len(draft.V)
    below, above = (
        np.array(draw(st.lists(st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.0]), min_size=n * n, max_size=n * n)))
        for _ in range(2)
    )
    reach = draft.q if draft.R is not None and draw(st.booleans()) else np.ones((n, n))
    lower = np.maximum(draft.q * (1.0 - below.reshape(n, n)), 0.0)
    return lower, np.minimum(draft.q + above.reshape(n, n) * reach, 1.0)


def intervals_of_row(lower, upper):
    """One uncertain row out of state 0."""
    n = len(lower)
    ends = np.stack([np.eye(n), np.eye(n)])
    ends[:, 0] = lower, upper
    return IntervalSet(*ends[:, :, None, :])


@pytest.mark.parametrize(
    ("lower", "upper", "least", "most"),
    [((0, 0.1, 0.2), (0.5, 0.6, 0.7), 1.7, 2.7), ((0.5, 0.3, 0.1), (0.7, 0.5, 0.3), 1.5, 1.7)],
)
def test_published_intervals(lower, upper, least, most):
    z = [1.0, 2.0, 3.0]
    q = (0.5, 0.3, 0.2)
    assert one_row(z, q, intervals_of_row(lower, upper))[0] == pytest.approx(least, abs=1e-15)
    assert one_row(z, q, intervals_of_row(lower, upper), "cooperative")[0] == pytest.approx(most, abs=1e-15)


def test_published_balls():
    assert one_row(Z, Q, LinfBall(0.15))[0] == pytest.approx(1.55, abs=1e-14)
    assert one_row(Z, Q, CVaRSet(0.25))[0] == pytest.approx(1.0, abs=1e-15)


def test_coin():
    assert coin(LinfBall(0.2)) == pytest.approx(13.0, abs=1e-13)
    assert coin(CVaRSet(0.7)) == pytest.approx(90 / 7, abs=1e-13)
    assert coin(CVaRSet(0.7), "cooperative") == pytest.approx(30 - 90 / 7, abs=1e-13)


@quick
@given(st.data(), st.sampled_from(NATURES))
def test_intervals_against_programs(data, nature):
    draft = data.draw(drafts(supports=["all"]))
    lower, upper = data.draw(intervals(draft))

    def make(order):
        square = np.ix_(order, order)
        return IntervalSet(lower[square][:, None, :], upper[square][:, None, :])

    def violation(p, k):
        return max(np.max(lower[k] - p), np.max(p - upper[k]))

    check(draft, make, lambda z, k: oracles.interval(z, lower[k], upper[k]), violation, nature=nature, accuracy=1e-8)


@quick
@given(st.data(), st.sampled_from(NATURES))
def test_intervals_against_fractions(data, nature):
    draft = data.draw(drafts(supports=["all"]))
    lower, upper = data.draw(intervals(draft))
    sign = 1.0 if nature == "adversarial" else -1.0
    uncertainty = IntervalSet(lower[:, None, :], upper[:, None, :])
    values, _ = inner_problem(draft.problem(uncertainty, nature)).values(draft.V)
    exact = [sign * float(oracles.interval_exact(sign * draft.z[k], lower[k], upper[k])) for k in range(len(draft.V))]
    np.testing.assert_allclose(values, exact, rtol=0, atol=draft.noise)


@quick
@given(drafts(), RADII, st.sampled_from(NATURES), st.lists(st.sampled_from([0.25, 1.0, 3.0]), min_size=6, max_size=6))
def test_balls_against_programs(draft, kappa, nature, weights):
    w = np.array(weights[: len(draft.V)])

    def violation(p, k):
        return max(np.max(np.abs(p - draft.q[k]) - kappa / w), p[~draft.allowed[k]].sum())

    check(
        draft,
        lambda order: LinfBall(kappa, weights=w[order], support=draft.relabelled(order).support_option),
        lambda z, k: oracles.linf(z, draft.q[k], kappa, w, draft.allowed[k]),
        violation,
        nature=nature,
    )


@quick
@given(drafts(supports=["nominal"]), st.sampled_from([1e-3, 0.25, 0.5, 0.999, 1.0]), st.sampled_from(NATURES))
def test_cvar_against_its_formula(draft, level, nature):
    check(
        draft,
        lambda order: CVaRSet(level),
        lambda z, k: oracles.cvar(z, draft.q[k], level),
        lambda p, k: np.max(level * p - draft.q[k]),
        nature=nature,
        accuracy=1e-12,
    )


@quick
@given(drafts(), st.sampled_from(NATURES))
def test_monotone_and_convex_in_the_radius(draft, nature):
    check_radius(draft, lambda r: LinfBall(r, support=draft.support_option), np.linspace(0.0, 1.1, 12), nature)


@pytest.mark.parametrize("make", [lambda: LinfBall(0.0), lambda: CVaRSet(1.0)])
def test_certain_rows_take_the_nominal_sweep(make):
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(7), size=7)
    draft = Draft(q, rng.normal(size=7), None, q > 0, "nominal")
    inner = inner_problem(draft.problem(make()))
    rows, _ = inner.worst(draft.V)
    nominal = draft.problem(make()).nominal.rows.csr()
    assert (rows.toarray() == nominal.toarray()).all()
    np.testing.assert_allclose(inner.values(draft.V)[0], 0.5 * (q @ draft.V), rtol=0, atol=1e-16)


def test_sparse_ends_with_a_support_of_their_own():
    # state 0 may reach state 2, which the nominal model never does, and must leave state 1 alone, which it does
    lower = sp.csr_array([[0.2, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    upper = sp.csr_array([[0.7, 0.0, 0.8], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    with pytest.warns(UserWarning, match="outside its interval set by up to 0.5"):
        value, row = one_row([3.0, 0.0, 1.0], [0.5, 0.5, 0.0], IntervalSet(lower, upper))
    assert value == pytest.approx(0.2 * 3 + 0.8, abs=1e-15)
    assert row.tolist() == pytest.approx([0.2, 0.0, 0.8], abs=1e-15)


def test_ends_that_miss_one_by_rounding_still_give_distributions():
    value, row = one_row([0.0, 1.0], [0.4, 0.6], intervals_of_row([0.0, 0.0], [0.4, 0.6 - 5e-10]))
    assert row.sum() == pytest.approx(1.0, abs=1e-15)
    assert value == pytest.approx(0.6, abs=1e-9)
    value, row = one_row([0.0, 1.0], [0.5, 0.5], intervals_of_row([0.5, 0.5 + 5e-10], [1.0, 1.0]))
    assert row.sum() == pytest.approx(1.0, abs=1e-15)
