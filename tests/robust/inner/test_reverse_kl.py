"""Reverse relative-entropy balls against 40-digit duals, conic programs and the numbers of the specification."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr

import mdpkit
from mdpkit.models import ReverseKLBall, RobustMDP, TabularMDP
from mdpkit.robust.inner import inner_problem
from tests.robust.inner import conic_oracles, precise_duals
from tests.robust.inner.support import NATURES, Draft, Q, Z, check, check_radius, drafts, one_row

RADII = st.sampled_from([0.0, 1e-12, 1e-6, 0.01, 0.05, 0.3, 0.7, 1.0, 5.0, 50.0, 500.0])
"""Of all sizes; beyond 700 the probabilities exp(-kappa) that the radius still asks for leave the doubles."""


def violation(p, q, kappa):
    # masses of 1e-300 contribute nothing, but p there may underflow to 0, where the logarithm is infinite
    some = q > 1e-290
    return rel_entr(q[some], p[some]).sum() - kappa


def test_published_row():
    value, row = one_row(Z, Q, ReverseKLBall(0.1))
    assert value == pytest.approx(1.7446674605227, abs=1e-13)
    assert row @ Z == pytest.approx(value, abs=1e-13)


def test_published_coin():
    # V is constant, so one backup of the constant gives it back
    model = TabularMDP(np.full((2, 1, 2), 0.5), np.broadcast_to([1.0, 2.0], (2, 1, 2)).copy(), 0.9)
    kappa, V = (0.1, 12.8712136854418)
    values, gap = inner_problem(RobustMDP(model, ReverseKLBall(kappa))).values(np.full(2, V))
    np.testing.assert_allclose(values, V, rtol=0, atol=2e-12)
    assert gap <= 1e-15


@settings(deadline=None, max_examples=50)
@given(drafts(), RADII, st.sampled_from(NATURES))
def test_against_precise_duals(draft, kappa, nature):
    check(
        draft,
        lambda order: ReverseKLBall(kappa, support=draft.relabelled(order).support_option),
        lambda z, k: precise_duals.reverse_kl(z, draft.q[k], kappa, draft.allowed[k]),
        lambda p, k: violation(p, draft.q[k], kappa),
        nature=nature,
        accuracy=1e-13,
        # divergences are known up to relative rounding
        feasible_to=1e-12 * max(1.0, kappa),
    )


@pytest.mark.parametrize("nature", NATURES)
@pytest.mark.parametrize("kappa", [0.01, 0.1, 0.5])
def test_against_conic_programs(kappa, nature):
    rng = np.random.default_rng(3)
    n = 7
    q = rng.dirichlet(np.ones(n), size=n) * 0.9 + 0.1 / n
    draft = Draft(q, 10.0 * rng.normal(size=n), rng.normal(size=(n, n)), q > 0, "nominal")
    sign = 1.0 if nature == "adversarial" else -1.0
    values, _ = inner_problem(draft.problem(ReverseKLBall(kappa), nature)).values(draft.V)
    for k in range(n):
        z = sign * draft.z[k]
        expected = sign * conic_oracles.reverse_kl(z, q[k], kappa, q[k] > 0)
        assert values[k] == pytest.approx(expected, abs=conic_oracles.ACCURACY * np.ptp(z))


@settings(deadline=None)
@given(drafts(), st.sampled_from(NATURES), st.sampled_from([1e-9, 0.01, 0.1, 1.0]))
def test_monotone_and_convex_in_the_radius(draft, nature, width):
    radii = np.linspace(0.0, width, 9)
    check_radius(draft, lambda r: ReverseKLBall(r, support=draft.support_option), radii, nature)


def test_warm_starts_change_nothing():
    # 40 sweeps of value iteration: every value equals that of a fresh object
    model = mdpkit.problems.garnet(60, 3, 8, gamma=0.9, seed=1)
    problem = RobustMDP(model, ReverseKLBall(np.random.default_rng(0).uniform(0.0, 0.3, size=(60, 3))))
    warm, V = inner_problem(problem), np.zeros(60)
    for _ in range(40):
        values, gap = warm.values(V)
        fresh, other = inner_problem(problem).values(V)
        np.testing.assert_allclose(values, fresh, rtol=0, atol=1e-14 + gap + other)
        V = np.maximum.reduceat(values, model.state_ptr[:-1])


def test_tiny_payoffs_and_tiny_spreads():
    draft = Draft(np.tile(Q, (4, 1)), Z, None, np.ones((4, 4), bool), "nominal")
    inner = inner_problem(draft.problem(ReverseKLBall(0.1)))
    unit = inner.values(Z)[0]
    for scale in (1e-300, 1e-200, 1e-130, 1e-9, 1e9, 1e130):
        np.testing.assert_allclose(inner.values(scale * Z)[0], scale * unit, rtol=1e-12, atol=1e-139)


def test_a_radius_of_zero_is_the_nominal_row():
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(7), size=7)
    draft = Draft(q, rng.normal(size=7), None, q > 0, "nominal")
    problem = draft.problem(ReverseKLBall(0.0))
    inner = inner_problem(problem)
    assert (inner.worst(draft.V)[0].toarray() == problem.nominal.rows.csr().toarray()).all()
    np.testing.assert_allclose(inner.values(draft.V)[0], 0.5 * (q @ draft.V), rtol=0, atol=1e-15)


@settings(deadline=None, max_examples=50)
@given(drafts(), RADII, st.sampled_from([1e-9, 1e-4, 1e-2, 1.0]), st.sampled_from(NATURES))
def test_the_gap_bounds_the_error_and_the_value_is_on_one_side(draft, kappa, tolerance, nature):
    sign = 1.0 if nature == "adversarial" else -1.0
    inner = inner_problem(draft.problem(ReverseKLBall(kappa, support=draft.support_option), nature))
    inner.tolerance = tolerance
    rng = np.random.default_rng(0)
    for _ in range(3):
        V = draft.V * (1.0 + 0.1 * rng.normal(size=len(draft.V)))
        values, gap = inner.values(V)
        assert gap <= max(tolerance, 1e-13 * np.ptp(V))
        at = Draft(draft.q, V, draft.R, draft.mask, draft.support)
        for k, z in enumerate(at.z):
            error = precise_duals.reverse_kl(sign * z, draft.q[k], kappa, draft.allowed[k]) - sign * values[k]
            assert -at.noise <= error <= gap + at.noise


def test_a_loose_tolerance_saves_steps_but_keeps_its_promise():
    # every row's gap is certified: the largest error over 2,000 rows of a warm sweep stays below the reported bound
    model = mdpkit.problems.garnet(200, 10, 12, gamma=0.9, seed=2)
    problem = RobustMDP(model, ReverseKLBall(0.1))
    V = np.random.default_rng(0).normal(size=200)
    loose, tight = inner_problem(problem), inner_problem(problem)
    loose.tolerance = 1e-3
    for _ in range(4):
        rough, gap = loose.values(V)
        exact, rounding = tight.values(V)
        assert 0.0 < gap <= 1e-3
        assert (exact - rough <= gap + 1e-14).all()
        assert (rough - exact <= rounding + 1e-14).all()
        V = np.maximum.reduceat(exact, model.state_ptr[:-1])


def test_published_receivers():
    # a fifth state of payoff 0 that the nominal row never reaches
    z, q = np.append(Z, 0.0), np.append(Q, 0.0)
    value, row = one_row(z, q, ReverseKLBall(0.5, support="all"))
    assert value == pytest.approx(np.exp(-0.5) * 2**0.3 * 5**0.1 * 4**0.2, abs=1e-14)
    assert value == pytest.approx(1.1573660973313, abs=1e-13)
    assert row[4] > 0.0
    assert row @ z == pytest.approx(value, abs=1e-14)
    assert one_row(z, q, ReverseKLBall(0.5))[0] == pytest.approx(1.2957160991381, abs=1e-13)
    value, row = one_row(z, q, ReverseKLBall(0.1, support="all"))
    assert value == pytest.approx(1.7446674605227, abs=1e-13)
    assert row[4] == 0.0


def test_stored_and_implicit_receivers_agree():
    rng = np.random.default_rng(5)
    n = 8
    q = np.where(rng.random((n, n)) < 0.5, rng.random((n, n)), 0.0) + 0.1 * np.eye(n)
    q /= q.sum(axis=1, keepdims=True)
    V = rng.normal(size=n)
    everything = np.ones((n, 1, n), dtype=bool)
    model = TabularMDP(q[:, None, :], np.zeros((n, 1)), 0.5)
    for kappa in (0.05, 0.3, 2.0):
        one = inner_problem(RobustMDP(model, ReverseKLBall(kappa, support="all")))
        other = inner_problem(RobustMDP(model, ReverseKLBall(kappa, support=everything)))
        np.testing.assert_allclose(one.values(V)[0], other.values(V)[0], rtol=0, atol=1e-15)
        np.testing.assert_allclose(one.worst(V)[0].toarray(), other.worst(V)[0].toarray(), rtol=0, atol=1e-14)


def test_a_multiplier_below_the_range_of_doubles():
    """Nature wants nearly everything on a state of nominal mass 1e-300: p = exp(-50) is left on the other."""
    q = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1e-300, 1.0]])
    draft = Draft(q, np.array([2.0, 2.0e6, 2.15e6]), None, q > 0, "nominal")
    inner = inner_problem(draft.problem(ReverseKLBall(50.0)))
    values, gap = inner.values(draft.V)
    assert gap <= 1e-15 * 1.5e5
    rows, _ = inner.worst(draft.V)
    assert rows[2, 2] == pytest.approx(np.exp(-50.0), rel=1e-12)
    assert rows[2, 1] + rows[2, 2] == pytest.approx(1.0, abs=1e-15)
    assert values[2] == pytest.approx(0.5 * (rows[2] @ draft.V), rel=1e-15)
