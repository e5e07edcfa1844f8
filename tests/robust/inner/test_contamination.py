"""Contaminated rows against linear programs and the number of the specification."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.models import Contamination
from tests.robust.inner import oracles
from tests.robust.inner.support import NATURES, Q, Z, check, check_radius, coin, drafts, one_row, quick

EPSILON = st.sampled_from([0.0, 1e-12, 0.1, 0.5, 1.0])


def test_published():
    assert one_row(Z, Q, Contamination(0.15))[0] == pytest.approx(2.105, abs=1e-14)


def test_coin():
    assert coin(Contamination(0.2)) == pytest.approx(14.0, abs=1e-13)


@quick
@given(drafts(), EPSILON, st.sampled_from(NATURES))
def test_against_programs(draft, epsilon, nature):
    def violation(p, k):
        return max(np.max((1.0 - epsilon) * draft.q[k] - p), p[~draft.allowed[k]].sum())

    check(
        draft,
        lambda order: Contamination(epsilon, support=draft.relabelled(order).support_option),
        lambda z, k: oracles.contamination(z, draft.q[k], epsilon, draft.allowed[k]),
        violation,
        nature=nature,
    )


@quick
@given(drafts(), st.sampled_from(NATURES))
def test_linear_in_epsilon(draft, nature):
    check_radius(draft, lambda e: Contamination(e, support=draft.support_option), np.linspace(0.0, 1.0, 9), nature)


def test_receiver_off_the_support():
    value, row = one_row([3.0, 2.0, 1.0], [0.5, 0.5, 0.0], Contamination(0.2, support="all"))
    assert value == pytest.approx(0.8 * 2.5 + 0.2, abs=1e-15)
    np.testing.assert_allclose(row, [0.4, 0.4, 0.2], atol=1e-16)
