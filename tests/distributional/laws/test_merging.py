"""Canonical form: sorted, merged without losing mass or mean, within the error reported; caps raise."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.distributional import DiscreteLaw, wasserstein
from mdpkit.distributional.laws._kernels import merge_sorted
from mdpkit.errors import ExplosionError, MDPKitError
from tests.distributional.laws.support import F, coin_return, exact, floats, quick, raw_laws


def slow_merge(x, p, tol):
    """NumPy twin of the kernel: one cluster after the other."""
    atoms, probs, starts, moved = [], [], [], 0.0
    i = 0
    while i < len(x):
        members = np.flatnonzero(x - x[i] <= tol)
        members = members[members >= i]
        starts.append(i)
        probs.append(p[members].sum())
        atoms.append(x[i] + p[members] @ (x[members] - x[i]) / probs[-1])
        moved += p[members] @ abs(x[members] - atoms[-1])
        i = members[-1] + 1
    return np.array(atoms), np.array(probs), np.array(starts), moved


@quick
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), min_size=1, max_size=40), st.integers(0, 6))
def test_kernel_matches_its_twin(atoms, width):
    x = np.sort([a / 8 for a, _ in atoms])
    p = np.array([float(w) for _, w in atoms])
    for ours, theirs in zip(merge_sorted(x, p, width / 8), slow_merge(x, p, width / 8), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-13)
    assert np.all(np.diff(merge_sorted(x, p, width / 8)[0]) > 0)


@quick
@given(raw_laws(most=30), st.fractions(0, 3, max_denominator=5))
def test_merging_keeps_the_mean_and_reports_its_error(raw, width):
    fine, coarse = (
        floats(raw),
        DiscreteLaw([float(x) for x in raw[0]], [float(p) for p in raw[1]], merge_tol=float(width)),
    )
    assert coarse.mean() == pytest.approx(fine.mean(), abs=1e-13)
    assert abs(coarse.p.sum() - 1) < 1e-14
    # No atom moves further than the width of its cluster.
    assert wasserstein(fine, coarse) <= coarse.merged_error + 1e-13 <= float(width) + 2e-13
    assert np.all(np.diff(coarse.x) > 0)
    assert len(coarse) <= len(fine) <= len(raw[0])


@quick
@given(raw_laws(most=20))
def test_canonical_form(raw):
    law = exact(raw)
    mass = {}
    for x, w in zip(*raw, strict=True):
        mass[x] = mass.get(x, 0) + w
    assert dict(zip(law.x, law.p, strict=True)) == {x: w for x, w in mass.items() if w}
    assert list(law.x) == sorted(law.x)
    assert law.merged_error == 0
    np.testing.assert_allclose(floats(raw).x, law.x.astype(float), rtol=0, atol=1e-15)
    np.testing.assert_allclose(floats(raw).p, law.p.astype(float), rtol=0, atol=1e-15)


def test_close_atoms_become_one():
    law = DiscreteLaw([0.1 + 0.2, 0.3], [0.5, 0.5])
    assert len(law) == 1
    assert 0 < law.merged_error < 1e-16
    assert len(DiscreteLaw([0.1 + 0.2, 0.3], [0.5, 0.5], merge_tol=0.0)) == 2
    # A chain of close atoms may not collapse to one point: no cluster is wider than the tolerance.
    chain = DiscreteLaw(np.arange(100) * 0.5, np.full(100, 0.01), merge_tol=1.0)
    assert len(chain) == 34
    assert chain.merged_error <= 1.0


def test_merged_error_is_inherited():
    base = DiscreteLaw([0.0, 1.0, 5.0], [0.5, 0.25, 0.25], merge_tol=2.0)
    assert base.merged_error == pytest.approx(1 / 3)
    assert base.affine(7, -0.5).merged_error == pytest.approx(1 / 6)
    mixed = DiscreteLaw.mixture([0.25, 0.75], [base, DiscreteLaw.point(9)])
    assert mixed.merged_error == pytest.approx(1 / 12)
    assert DiscreteLaw.mixture([0.0, 1.0], [base, DiscreteLaw.point(9)]).merged_error == 0


def test_nothing_but_zero_probabilities_is_dropped():
    law = DiscreteLaw([0, 1, 2], [1e-300, 0.0, 1.0])
    assert list(law.x) == [0, 2]
    assert law.p[0] == 1e-300


def test_caps_raise_with_counts():
    with pytest.raises(ExplosionError, match=r"11 atoms.*max_atoms = 10") as caught:
        DiscreteLaw(range(11), [1 / 11] * 11, max_atoms=10)
    assert (caught.value.argument, caught.value.count, caught.value.cap) == ("max_atoms", 11, 10)
    assert isinstance(caught.value, MemoryError)
    assert isinstance(caught.value, MDPKitError)
    half = [F(1, 2), F(1, 2)]
    with pytest.raises(ExplosionError):
        DiscreteLaw.mixture(half, [DiscreteLaw.point(F(k)) for k in range(2)], max_atoms=1)
    assert len(DiscreteLaw(range(11), [1 / 11] * 11, max_atoms=11)) == 11
    assert len(DiscreteLaw([1] * 11, [1 / 11] * 11, max_atoms=1)) == 1


@quick
@given(raw_laws(most=12), raw_laws(most=12), st.integers(0, 4))
def test_vectors_merge_like_their_coordinates(raw, other, digits):
    """Rounding noise in the first coordinate must not part vectors; marginals are those of the scalar laws."""
    n = min(len(raw[0]), len(other[0]))
    noise = np.arange(n) % 3 * 1e-14
    points = np.array([[float(a), float(b)] for a, b in zip(raw[0][:n], other[0][:n], strict=True)])
    p = np.full(n, 1 / n)
    clean = DiscreteLaw(points, p)
    law = DiscreteLaw(points + noise[:, None], p)
    assert len(law) == len(clean) == len(np.unique(points, axis=0))
    np.testing.assert_allclose(law.x, clean.x, atol=1e-13)
    np.testing.assert_allclose(law.p, clean.p, atol=1e-14)
    for k in range(2):
        single = DiscreteLaw(points[:, k] + noise, p)
        np.testing.assert_allclose(law.marginal(k).x, single.x, rtol=0, atol=1e-15)
        np.testing.assert_allclose(law.marginal(k).p, single.p, atol=1e-14)
    assert law.merged_error <= 2e-12 * 6 * np.sqrt(2)


def test_a_law_of_262144_atoms_is_quick():
    """Measured 7 to 30 ms; the limit only notices a lost order of magnitude on a busy machine."""
    law = coin_return(0.5, 17)
    halves = [law.affine(0, 0.5), law.affine(1, 0.5)]
    start = time.perf_counter()
    whole = DiscreteLaw.mixture([0.5, 0.5], halves)
    assert time.perf_counter() - start < 1.0
    assert len(whole) == 2**18
    assert whole.mean() == 1 - 2.0**-18
