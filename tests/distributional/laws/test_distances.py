"""Distances of laws of numbers: case D13, scipy, transport as a linear program, metric axioms, contraction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import energy_distance, wasserstein_distance

from mdpkit.distributional import DiscreteLaw, cramer, energy, kolmogorov, mmd, sup_distance, wasserstein
from mdpkit.errors import InputError, ShapeError
from tests.distributional.laws.support import (
    A,
    B,
    F,
    cdf,
    coin_return,
    exact,
    floats,
    integrated_quantile,
    quick,
    raw_laws,
    taus,
)

INF = float("inf")
METRICS = {
    "W1": wasserstein,
    "W2": lambda a, b: wasserstein(a, b, 2),
    "W3.5": lambda a, b: wasserstein(a, b, 3.5),
    "Winf": lambda a, b: wasserstein(a, b, INF),
    "l2": cramer,
    "KS": kolmogorov,
    "MMD": mmd,
    "MMD energy": lambda a, b: mmd(a, b, "energy", exponent=1.5),
}


@pytest.mark.parametrize("make", [exact, floats])
def test_case_d13(make):
    a, b = make(A), make(B)
    assert wasserstein(a, b) == 1
    assert wasserstein(a, b, 2) ** 2 == pytest.approx(1.5, abs=1e-15)
    assert wasserstein(a, b, INF) == 2
    assert cramer(a, b) ** 2 == pytest.approx(3 / 8, abs=1e-15)
    assert energy(a, b) == F(3, 4)
    assert kolmogorov(a, b) == F(1, 2)
    exactly = all(isinstance(v, F) for v in (wasserstein(a, b), wasserstein(a, b, INF), energy(a, b), kolmogorov(a, b)))
    assert exactly == a.exact


def pooled(raw, other):
    return sorted({*raw[0], *other[0]})


@quick
@given(raw_laws(), raw_laws())
def test_against_their_integrals(raw, other):
    """In fractions, from the definitions; and floats agree with fractions."""
    a, b = exact(raw), exact(other)
    grid = pooled(raw, other)
    steps = [(cdf(raw, x) - cdf(other, x), y - x) for x, y in itertools.pairwise(grid)]
    assert wasserstein(a, b) == sum(abs(d) * gap for d, gap in steps)
    assert energy(a, b) == 2 * sum(d * d * gap for d, gap in steps)
    assert kolmogorov(a, b) == max((abs(d) for d, _ in steps), default=0)
    # Between consecutive levels both quantile functions are constant; D's increments of u times F^{-1}.
    levels = sorted({0, *(cdf(raw, x) for x in grid), *(cdf(other, x) for x in grid)})
    cells = []
    for low, high in itertools.pairwise(levels):
        ends = [
            high * integrated_quantile(r, high) - (low * integrated_quantile(r, low) if low else 0)
            for r in (raw, other)
        ]
        cells.append((high - low, abs(ends[0] - ends[1]) / (high - low)))
    assert wasserstein(a, b, INF) == max(d for _, d in cells)
    assert wasserstein(a, b) == sum(mass * d for mass, d in cells)
    for p in (2, 3):
        power = sum(mass * d**p for mass, d in cells)
        assert wasserstein(a, b, p) == pytest.approx(float(power) ** (1 / p), rel=1e-13, abs=1e-13)
    x, y = floats(raw), floats(other)
    assert wasserstein(x, y) == pytest.approx(float(wasserstein(a, b)), abs=1e-13)
    assert wasserstein(x, y, INF) == pytest.approx(float(wasserstein(a, b, INF)), abs=1e-13)
    assert energy(x, y) == pytest.approx(float(energy(a, b)), abs=1e-13)
    assert kolmogorov(x, y) == pytest.approx(float(kolmogorov(a, b)), abs=1e-14)
    # One exact law and one in floats meet in floats.
    assert wasserstein(a, y) == pytest.approx(float(wasserstein(a, b)), abs=1e-13)


@quick
@given(raw_laws(), raw_laws())
def test_against_scipy(raw, other):
    a, b = floats(raw), floats(other)
    assert wasserstein(a, b) == pytest.approx(wasserstein_distance(a.x, b.x, a.p, b.p), abs=1e-13)
    # The root of a rounding error of 1e-16 is 1e-8.
    assert energy(a, b) == pytest.approx(energy_distance(a.x, b.x, a.p, b.p) ** 2, abs=1e-13)
    assert cramer(a, b) == pytest.approx(energy_distance(a.x, b.x, a.p, b.p) / np.sqrt(2), abs=2e-7)


@quick
@given(raw_laws(), raw_laws(), st.sampled_from([1, 1.5, 2, 4]))
def test_quantile_coupling_is_the_optimal_transport(raw, other, p):
    """The linear program that serves vectors knows no quantiles; one coordinate must give the same cost."""
    a, b = floats(raw), floats(other)
    columns = DiscreteLaw(a.x[:, None], a.p), DiscreteLaw(b.x[:, None], b.p)
    # The solver meets its constraints to 1e-7; powers of the cost are compared, roots would magnify.
    assert wasserstein(a, b, p) ** p == pytest.approx(wasserstein(*columns, p) ** p, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", METRICS)
@quick
@given(raw_laws(most=5), raw_laws(most=5), raw_laws(most=5))
def test_metric_axioms(name, raw, other, third):
    metric = METRICS[name]
    a, b, c = floats(raw), floats(other), floats(third)
    # Kernel means are roots of sums that cancel: their zero is the root of 1e-15.
    slack = 1e-7 if "MMD" in name else 1e-12
    assert metric(a, a) == 0
    assert metric(a, b) == pytest.approx(metric(b, a), abs=slack)
    assert metric(a, b) <= metric(a, c) + metric(c, b) + slack
    if exact(raw) != exact(other):
        assert metric(a, b) > 0


@quick
@given(raw_laws(), raw_laws(), st.sampled_from([F(1, 3), F(1, 2), F(9, 10)]), st.fractions(-3, 3, max_denominator=4))
def test_behavior_under_affine_maps(raw, other, gamma, shift):
    """The factors of the Bellman operator: gamma for W_p, its root for l2, ``gamma^{a/2}`` for the energy kernel."""
    a, b = exact(raw), exact(other)
    moved = a.affine(shift, gamma), b.affine(shift, gamma)
    for p in (1, INF):
        assert wasserstein(*moved, p) == gamma * wasserstein(a, b, p)
    assert energy(*moved) == gamma * energy(a, b)
    assert kolmogorov(*moved) == kolmogorov(a, b)
    g = float(gamma)
    assert wasserstein(*moved, 2) == pytest.approx(g * wasserstein(a, b, 2), abs=1e-12)
    assert cramer(*moved) == pytest.approx(g**0.5 * cramer(a, b), abs=1e-12)
    kernel = [mmd(x, y, "energy", exponent=1.5) for x, y in (moved, (a, b))]
    assert kernel[0] ** 2 == pytest.approx(g**1.5 * kernel[1] ** 2, abs=1e-12)
    for p in (1, 2, INF):
        assert wasserstein(a, a.affine(shift), p) == pytest.approx(abs(float(shift)), abs=1e-12)


@quick
@given(raw_laws(), raw_laws(), taus)
def test_order_of_the_distances(raw, other, tau):
    a, b = exact(raw), exact(other)
    orders = [float(wasserstein(a, b, p)) for p in (1, 1.5, 2, 7, 60, INF)]
    assert all(x <= y + 1e-12 for x, y in itertools.pairwise(orders))
    # C8: CVaR is (1/tau)-Lipschitz in W1, means 1-Lipschitz.
    assert abs(a.cvar(tau) - b.cvar(tau)) <= wasserstein(a, b) / tau
    assert abs(a.ocvar(tau) - b.ocvar(tau)) <= wasserstein(a, b) / tau
    assert abs(a.mean() - b.mean()) <= wasserstein(a, b)
    assert float(mmd(a, b, "energy")) ** 2 == pytest.approx(float(energy(a, b)), abs=1e-12)


def test_case_d1_truncation():
    """``W1(law of G_H, law of G_K) = 2^-H - 2^-K``: the longer return is the shorter plus something nonnegative."""
    laws = {h: coin_return(F(1, 2), h) for h in (3, 6, 9)}
    assert wasserstein(laws[3], laws[9]) == F(1, 8) - F(1, 512)
    assert wasserstein(laws[6], laws[9], INF) == F(2, 64) - F(2, 512)


def test_rounded_sums_do_not_couple_atoms_far_apart():
    """0.1 + 0.2 exceeds 0.3 by 5e-17: the laws are one, though a sliver of mass seems to travel from 1 to 1000."""
    a, b = DiscreteLaw([0, 1, 1000], [0.1, 0.2, 0.7]), DiscreteLaw([0, 1, 1000], [0.1, 0.3 - 0.1, 0.7])
    for p in (2, 50, INF):
        assert wasserstein(a, b, p) == 0
    near = DiscreteLaw([0.3], [1.0]), DiscreteLaw([0.1 + 0.2], [1.0])
    assert near[0] != near[1]
    assert kolmogorov(*near) == 0
    # A truly small mass counts.
    small = DiscreteLaw([0, 1], [1 - 1e-10, 1e-10])
    assert wasserstein(DiscreteLaw.point(0), small, INF) == 1
    assert wasserstein(DiscreteLaw.point(0), small, 2) == pytest.approx(1e-5)


def test_large_orders_do_not_overflow():
    a, b = DiscreteLaw([0, 1e200], [0.5, 0.5]), DiscreteLaw([0, 3e200], [0.5, 0.5])
    assert wasserstein(a, b, 300) == pytest.approx(2e200 * 0.5 ** (1 / 300))
    assert wasserstein(a, b, INF) == pytest.approx(2e200)


def test_large_laws():
    """Two laws of 2^17 atoms, apart by the last coin."""
    short, long = coin_return(0.5, 16), coin_return(0.5, 17)
    assert wasserstein(short, long) == pytest.approx(2.0**-17, abs=1e-14)
    assert wasserstein(short, long, 2) == pytest.approx(2.0**-16 * 0.5**0.5, abs=1e-14)


def test_supremum_over_states():
    zero, two, five = (DiscreteLaw.point(F(v)) for v in (0, 2, 5))
    assert sup_distance(wasserstein, [zero, two], [two, five]) == 3
    assert sup_distance(cramer, (law for law in [zero]), [two]) == pytest.approx(2**0.5)


ONE = DiscreteLaw.point(0)
PAIR = DiscreteLaw.point((0, 1))


@pytest.mark.parametrize(
    ("build", "kind", "argument"),
    [
        (lambda: wasserstein(ONE, ONE, 0.5), InputError, "p"),
        (lambda: wasserstein(ONE, ONE, float("nan")), InputError, "p"),
        (lambda: wasserstein(ONE, ONE, "two"), InputError, "p"),
        (lambda: wasserstein(PAIR, PAIR, INF), InputError, "p"),
        (lambda: wasserstein(ONE, PAIR), ShapeError, "b"),
        (lambda: wasserstein([0, 1], ONE), InputError, "a"),
        (lambda: energy(ONE, 0), InputError, "b"),
        (lambda: cramer(PAIR, PAIR), ShapeError, "a"),
        (lambda: kolmogorov(PAIR, PAIR), ShapeError, "a"),
        (lambda: sup_distance(wasserstein, [ONE], []), ShapeError, "others"),
        (lambda: sup_distance(wasserstein, [], []), ShapeError, "others"),
    ],
)
def test_bad_input(build, kind, argument):
    with pytest.raises(kind) as caught:
        build()
    assert type(caught.value) is kind
    assert caught.value.argument == argument
