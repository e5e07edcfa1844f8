"""L1 balls against linear programs, fractions and the numbers of the specification."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mdpkit
from mdpkit.models import Contamination, CVaRSet, L1Ball, LinfBall, RobustMDP
from mdpkit.planning.discounted.bellman import bellman_operator
from mdpkit.robust.inner import inner_problem
from mdpkit.robust.inner.l1 import L1Inner
from tests.robust.inner import oracles
from tests.robust.inner.support import NATURES, Draft, Q, Z, check, check_radius, coin, drafts, one_row, quick

RADII = st.sampled_from([0.0, 1e-9, 0.1, 0.5, 1.0, 1.9999, 2.0, 3.0, 100.0])


@pytest.mark.parametrize(("kappa", "value"), [(0.0, 2.3), (0.3, 1.75), (1.0, 1.1), (2.0, 1.0)])
def test_published(kappa, value):
    assert one_row(Z, Q, L1Ball(kappa))[0] == pytest.approx(value, abs=1e-14)


@pytest.mark.parametrize(
    ("kappa", "nature", "value"),
    [(0.5, "adversarial", 12.5), (1.0, "adversarial", 10.0), (0.5, "cooperative", 17.5), (1.0, "cooperative", 20.0)],
)
def test_coin(kappa, nature, value):
    assert coin(L1Ball(kappa), nature) == pytest.approx(value, abs=1e-13)


def test_cooperative_receives_at_the_top():
    # 0.15 moves from payoff 1 to payoff 5: 2.3 + 0.6
    value, row = one_row(Z, Q, L1Ball(0.3), "cooperative")
    assert value == pytest.approx(2.9, abs=1e-14)
    np.testing.assert_allclose(row, [0.25, 0.3, 0.25, 0.2], atol=1e-15)


@quick
@given(drafts(), RADII, st.sampled_from(NATURES))
def test_against_programs(draft, kappa, nature):
    def violation(p, k):
        return max(np.abs(p - draft.q[k]).sum() - kappa, p[~draft.allowed[k]].sum())

    check(
        draft,
        lambda order: L1Ball(kappa, support=draft.relabelled(order).support_option),
        lambda z, k: oracles.l1(z, draft.q[k], kappa, allowed=draft.allowed[k]),
        violation,
        nature=nature,
    )


@quick
@given(drafts(supports=["all"]), RADII)
def test_against_fractions(draft, kappa):
    values, _ = inner_problem(draft.problem(L1Ball(kappa, support="all"))).values(draft.V)
    ones = np.ones(len(draft.V))
    exact = [float(oracles.l1_exact(draft.z[k], draft.q[k], kappa, ones)) for k in range(len(ones))]
    np.testing.assert_allclose(values, exact, rtol=0, atol=draft.noise)


@quick
@given(drafts(), st.sampled_from(NATURES))
def test_monotone_and_convex_in_the_radius(draft, nature):
    check_radius(draft, lambda r: L1Ball(r, support=draft.support_option), np.linspace(0.0, 2.2, 12), nature)


@quick
@given(drafts(), st.lists(RADII, min_size=6, max_size=6))
def test_radius_of_each_pair(draft, radii):
    n = len(draft.V)
    values, _ = inner_problem(draft.problem(L1Ball(np.array(radii[:n])[:, None]))).values(draft.V)
    for k in range(n):
        alone, _ = inner_problem(draft.problem(L1Ball(radii[k]))).values(draft.V)
        assert values[k] == alone[k]


def test_long_rows_that_are_shuffled_every_time():
    # insertion sort gives up on reversed rows of 200; the fallback must give the same values
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(200), size=200)
    draft = Draft(q, rng.normal(size=200), None, q > 0, "nominal")
    inner = inner_problem(draft.problem(L1Ball(0.4)))
    entry = inner_problem(replace(draft, R=np.zeros((200, 200))).problem(L1Ball(0.4)))
    for _ in range(3):
        V = rng.normal(size=200)
        fresh, _ = inner_problem(draft.problem(L1Ball(0.4))).values(V)
        for old in (inner, entry):
            np.testing.assert_allclose(old.values(V)[0], fresh, rtol=0, atol=1e-14)
            np.testing.assert_allclose(
                old.values(-V)[0], inner_problem(draft.problem(L1Ball(0.4))).values(-V)[0], atol=1e-14
            )


def test_all_support_stays_implicit():
    q = np.eye(50)
    inner = inner_problem(Draft(q, np.zeros(50), None, q > 0, "all").problem(L1Ball(0.2, support="all")))
    assert isinstance(inner, L1Inner)
    assert len(inner.rows.col) == 50
    V = np.arange(50.0)[::-1].copy()
    rows, _ = inner.worst(V)
    assert (rows.toarray()[:49] == 0.9 * np.eye(50)[:49] + 0.1 * np.eye(50)[49]).all()
    assert (rows.toarray()[49] == np.eye(50)[49]).all()


@pytest.mark.parametrize("uncertainty", [L1Ball(0.0), Contamination(0.0), LinfBall(0.0), CVaRSet(1.0)], ids=repr)
def test_radius_zero_is_the_nominal_sweep(uncertainty):
    model = mdpkit.problems.garnet(40, 3, 5, gamma=0.9, seed=0)
    V = np.random.default_rng(0).normal(size=40)
    inner = inner_problem(RobustMDP(model, uncertainty))
    inner.values(V[::-1].copy())
    # the same operations in the same order; compilers may fuse other pairs of them
    expected = bellman_operator(model, 0.9).pair_values(V)
    np.testing.assert_allclose(inner.values(V)[0], expected, rtol=0, atol=4 * 2.0**-53 * (1.0 + np.max(np.abs(V))))


def test_ties_are_reproducible():
    # receivers from the front, donors from the back of the stable order
    _, row = one_row([1.0, 1.0, 2.0, 2.0], [0.25] * 4, L1Ball(0.5))
    assert row.tolist() == [0.5, 0.25, 0.25, 0.0]
