"""Float stocks merge when rounding is all that tells them apart, and chunks change nothing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.distributional import Utility, optimize_stock
from mdpkit.distributional.stock import reachable
from mdpkit.distributional.stock.reachable import Rounding, merge, ragged
from tests.distributional.stock.support import coin_or_safe


def test_ragged():
    owner, position = ragged(np.array([5, 0, 7]), np.array([2, 0, 3]))
    assert owner.tolist() == [0, 0, 2, 2, 2]
    assert position.tolist() == [5, 6, 7, 8, 9]


def test_noise_disappears():
    rounding = Rounding(1.0)
    stocks = np.array([0.1 + 0.2, 0.3, 0.1 + 0.2 - 0.3, 0.0, 1 / 3, 1 / 3 + 1e-9])
    level, inverse, moved = merge(np.zeros(6, dtype=np.int64), stocks, rounding)
    assert sorted(level.stock.tolist()) == [0.0, 0.3, 1 / 3, 1 / 3 + 1e-9]
    np.testing.assert_allclose(level.stock[inverse], stocks, rtol=0, atol=1e-16)
    assert moved <= 1e-16


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-40, 40)), min_size=1, max_size=40), st.integers(1, 9))
def test_floats_merge_as_fractions_do(entries, divisor):
    state = np.array([s for s, _ in entries])
    exact = np.array([Fraction(k, divisor) for _, k in entries], dtype=object)
    floats, inverse, moved = merge(state, exact.astype(np.float64), Rounding(40.0))
    fractions, _, none = merge(state, exact, None)
    assert len(floats) == len(fractions) == len(set(zip(state.tolist(), exact.tolist(), strict=True)))
    np.testing.assert_array_equal(floats.state[inverse], state)
    np.testing.assert_allclose(floats.stock[inverse], exact.astype(np.float64), rtol=0, atol=40 * 2.0**-49)
    assert moved <= 40 * 2.0**-49
    assert none == 0
    for i in range(len(floats)):
        assert floats.find(int(floats.state[i]), float(floats.stock[i]), Rounding(40.0)) == i


def test_vectors_merge_by_all_coordinates():
    stocks = np.array([[0.1 + 0.2, 1.0], [0.3, 1.0], [0.3, 2.0], [0.3, 1.0]])
    level, inverse, _ = merge(np.array([0, 0, 0, 1]), stocks, Rounding(2.0))
    assert len(level) == 3
    assert inverse[0] == inverse[1]
    assert level.find(1, (0.3, 1.0), Rounding(2.0)) == inverse[3]
    assert level.find(1, (0.3, 2.0), Rounding(2.0)) == -1


@pytest.mark.parametrize("exact", [False, True])
def test_chunks_change_nothing(monkeypatch, exact):
    whole = optimize_stock(coin_or_safe(0.7), Utility.cvar(), horizon=6, stock=-1.5, exact=exact)
    for size in (1, 7, 50):
        monkeypatch.setattr(reachable, "CHUNK", size)
        parts = optimize_stock(coin_or_safe(0.7), Utility.cvar(), horizon=6, stock=-1.5, exact=exact)
        assert parts.value == whole.value
        assert parts.n_stocks == whole.n_stocks
        np.testing.assert_array_equal(parts.law.x, whole.law.x)
        np.testing.assert_array_equal(parts.law.p, whole.law.p)
