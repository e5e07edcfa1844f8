"""Weighted L1 balls against linear programs, vertices, fractions and the number of the specification."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.models import L1Ball
from mdpkit.robust.inner import inner_problem
from mdpkit.robust.inner.l1 import L1Inner
from tests.robust.inner import oracles
from tests.robust.inner.support import NATURES, Draft, Q, Z, check, check_radius, drafts, one_row, quick

RADII = st.sampled_from([0.0, 1e-9, 0.1, 0.3, 1.0, 2.0, 7.0])
WEIGHTS = st.one_of(
    st.lists(st.sampled_from([0.5, 1.0, 1.0, 2.0]), min_size=6, max_size=6),
    st.lists(st.floats(0.1, 10.0), min_size=6, max_size=6),
    st.lists(st.sampled_from([1e-6, 1.0, 1e6]), min_size=6, max_size=6),
)


def test_published():
    w = np.array([1.0, 2.0, 0.5, 1.0])
    assert one_row(Z, Q, L1Ball(0.3, weights=w))[0] == pytest.approx(1.675, abs=1e-14)


@quick
@given(drafts(), RADII, WEIGHTS, st.sampled_from(NATURES))
def test_against_fractions(draft, kappa, weights, nature):
    w = np.array(weights[: len(draft.V)])

    def oracle(z, k):
        # a state that may not receive is never the cheapest place to go when its payoff is the highest of all
        allowed = draft.allowed[k]
        return float(oracles.l1_exact(z[allowed], draft.q[k][allowed], kappa, w[allowed]))

    def violation(p, k):
        return max((w @ np.abs(p - draft.q[k]) - kappa) / max(1.0, np.max(w)), p[~draft.allowed[k]].sum())

    check(
        draft,
        lambda order: L1Ball(kappa, weights=w[order], support=draft.relabelled(order).support_option),
        oracle,
        violation,
        nature=nature,
        accuracy=1e-13,
    )


@quick
@given(drafts(extreme=False), RADII, st.lists(st.floats(0.2, 5.0), min_size=6, max_size=6))
def test_against_programs(draft, kappa, weights):
    w = np.array(weights[: len(draft.V)])
    uncertainty = L1Ball(kappa, weights=w, support=draft.support_option)
    values, _ = inner_problem(draft.problem(uncertainty)).values(draft.V)
    expected = [oracles.l1(draft.z[k], draft.q[k], kappa, w, draft.allowed[k]) for k in range(len(w))]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-8 * (1 + np.ptp(draft.z)))


@quick
@given(
    drafts(sizes=(2, 3), supports=["all"], extreme=False), RADII, st.lists(st.floats(0.2, 5.0), min_size=3, max_size=3)
)
def test_against_all_vertices(draft, kappa, weights):
    w = np.array(weights[: len(draft.V)])
    values, _ = inner_problem(draft.problem(L1Ball(kappa, weights=w, support="all"))).values(draft.V)
    for k in range(len(w)):
        expected = oracles.l1_vertices(draft.z[k], draft.q[k], kappa, w)
        # the vertex of a ball of radius 1e-9 or 0 is found to the accuracy of a small linear system
        assert values[k] == pytest.approx(expected, abs=1e-7 * (1 + np.ptp(draft.z)))


@quick
@given(drafts(), WEIGHTS, st.sampled_from(NATURES))
def test_monotone_and_convex_in_the_radius(draft, weights, nature):
    w = np.array(weights[: len(draft.V)])
    check_radius(draft, lambda r: L1Ball(r, weights=w, support=draft.support_option), np.linspace(0.0, 2.2, 12), nature)


def test_equal_weights_are_another_radius():
    rng = np.random.default_rng(1)
    q = rng.dirichlet(np.ones(5), size=5)
    draft = Draft(q, rng.normal(size=5), None, q > 0, "nominal")
    plain, _ = inner_problem(draft.problem(L1Ball(0.2))).values(draft.V)
    scaled = inner_problem(draft.problem(L1Ball(0.6, weights=np.full(5, 3.0), support="all")))
    assert isinstance(scaled, L1Inner)
    assert len(scaled.rows.col) == 25  # not stored twice: the rows are full already
    np.testing.assert_allclose(scaled.values(draft.V)[0], plain, rtol=0, atol=1e-15)


def test_rows_with_and_without_equal_weights_mix():
    rng = np.random.default_rng(2)
    q = rng.dirichlet(np.ones(4), size=4)
    draft = Draft(q, rng.normal(size=4), None, q > 0, "nominal")
    w = np.ones((4, 1, 4))
    w[2] = [1.0, 2.0, 3.0, 4.0]
    inner = inner_problem(draft.problem(L1Ball(0.4, weights=w)))
    values, _ = inner.values(draft.V)
    rows, _ = inner.worst(draft.V)
    for k in range(4):
        assert values[k] == pytest.approx(oracles.l1(draft.z[k], q[k], 0.4, w[k, 0]), abs=1e-9)
    np.testing.assert_allclose(0.5 * (rows @ draft.V), values, rtol=0, atol=1e-15)


def test_long_rows():
    # n = 300 with many receivers on the envelope: heavier is better
    rng = np.random.default_rng(3)
    q = rng.dirichlet(np.ones(300), size=300)
    w = np.sort(rng.uniform(0.1, 10.0, 300))
    V = 8.0 / w + 0.05 * rng.normal(size=300)
    draft = Draft(q, V, None, q > 0, "nominal")
    inner = inner_problem(draft.problem(L1Ball(np.linspace(0.0, 6.0, 300), weights=w)))
    values, _ = inner.values(V)
    rows = inner.worst(V)[0].toarray()
    for k in range(0, 300, 20):
        assert values[k] == pytest.approx(oracles.l1(draft.z[k], q[k], 6.0 * k / 299, w), abs=1e-8 * np.ptp(draft.z))
    assert (np.abs(rows - q) @ w <= np.linspace(0.0, 6.0, 300) + 1e-12).all()
