"""Chi-square balls against 40-digit duals, conic programs and the numbers of the specification."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit.models import ChiSquareBall, RobustMDP, TabularMDP
from mdpkit.robust.inner import inner_problem
from tests.robust.inner import conic_oracles, precise_duals
from tests.robust.inner.support import NATURES, Draft, Q, Z, check, check_radius, drafts, one_row

RADII = st.sampled_from([0.0, 1e-12, 1e-6, 0.01, 0.05, 0.3, 0.7, 1.0, 5.0, 50.0, 1000.0])


def violation(p, q, kappa):
    some = q > 0.0
    # tiny masses: their terms are p^2 / q up to relative rounding of p
    return ((p[some] - q[some]) / np.sqrt(q[some])) @ ((p[some] - q[some]) / np.sqrt(q[some])) - kappa


def test_published_row():
    value, row = one_row(Z, Q, ChiSquareBall(0.2))
    assert value == pytest.approx(1.6659653006341, abs=1e-13)
    assert row @ Z == pytest.approx(value, abs=1e-13)


def test_published_coin():
    # V is constant, so one backup of the constant gives it back
    model = TabularMDP(np.full((2, 1, 2), 0.5), np.broadcast_to([1.0, 2.0], (2, 1, 2)).copy(), 0.9)
    kappa, V = (0.2, 12.7639320225002)
    values, gap = inner_problem(RobustMDP(model, ChiSquareBall(kappa))).values(np.full(2, V))
    np.testing.assert_allclose(values, V, rtol=0, atol=2e-12)
    assert gap <= 1e-15


@settings(deadline=None, max_examples=50)
@given(drafts(supports=["nominal"]), RADII, st.sampled_from(NATURES))
def test_against_precise_duals(draft, kappa, nature):
    check(
        draft,
        lambda order: ChiSquareBall(kappa),
        lambda z, k: precise_duals.chi_square(z, draft.q[k], kappa),
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
    values, _ = inner_problem(draft.problem(ChiSquareBall(kappa), nature)).values(draft.V)
    for k in range(n):
        z = sign * draft.z[k]
        expected = sign * conic_oracles.chi_square(z, q[k], kappa, q[k] > 0)
        assert values[k] == pytest.approx(expected, abs=conic_oracles.ACCURACY * np.ptp(z))


@settings(deadline=None)
@given(drafts(supports=["nominal"]), st.sampled_from(NATURES), st.sampled_from([1e-9, 0.01, 0.1, 1.0]))
def test_monotone_and_convex_in_the_radius(draft, nature, width):
    radii = np.linspace(0.0, width, 9)
    check_radius(draft, lambda r: ChiSquareBall(r), radii, nature)


def test_warm_starts_change_nothing():
    # 40 sweeps of value iteration: every value equals that of a fresh object
    model = mdpkit.problems.garnet(60, 3, 8, gamma=0.9, seed=1)
    problem = RobustMDP(model, ChiSquareBall(np.random.default_rng(0).uniform(0.0, 0.3, size=(60, 3))))
    warm, V = inner_problem(problem), np.zeros(60)
    for _ in range(40):
        values, gap = warm.values(V)
        fresh, other = inner_problem(problem).values(V)
        np.testing.assert_allclose(values, fresh, rtol=0, atol=1e-14 + gap + other)
        V = np.maximum.reduceat(values, model.state_ptr[:-1])


def test_tiny_payoffs_and_tiny_spreads():
    draft = Draft(np.tile(Q, (4, 1)), Z, None, np.ones((4, 4), bool), "nominal")
    inner = inner_problem(draft.problem(ChiSquareBall(0.1)))
    unit = inner.values(Z)[0]
    for scale in (1e-300, 1e-200, 1e-130, 1e-9, 1e9, 1e130):
        np.testing.assert_allclose(inner.values(scale * Z)[0], scale * unit, rtol=1e-12, atol=1e-139)


def test_a_radius_of_zero_is_the_nominal_row():
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(7), size=7)
    draft = Draft(q, rng.normal(size=7), None, q > 0, "nominal")
    problem = draft.problem(ChiSquareBall(0.0))
    inner = inner_problem(problem)
    assert (inner.worst(draft.V)[0].toarray() == problem.nominal.rows.csr().toarray()).all()
    np.testing.assert_allclose(inner.values(draft.V)[0], 0.5 * (q @ draft.V), rtol=0, atol=1e-15)


@pytest.mark.parametrize("z", [[2.0, -1.0, 1.0], [1.0, 0.0, 1.0 + 1e-9], [0.0, 1.0, 0.3]])
@pytest.mark.parametrize("kappa", [1e-12, 1.0, 1000.0])
def test_masses_of_1e_300_beside_nearly_all_mass(z, kappa):
    # levels differ from the heavy payoff by 1e-150: found by rounding, the active set would lose the heavy successor
    q = np.array([1e-300, 1e-300, 1.0])
    value, row = one_row(z, q, ChiSquareBall(kappa))
    assert value == pytest.approx(z[2], abs=1e-14)
    assert row[2] == pytest.approx(1.0, abs=1e-14)
