"""Quantiles, CVaR, optimistic CVaR and moments against their definitions and the cases D1, D2, D9 and D13."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.distributional import DiscreteLaw
from tests.distributional.laws.support import (
    A,
    F,
    cdf,
    coin_return,
    exact,
    floats,
    integrated_quantile,
    mean,
    quick,
    raw_laws,
    taus,
    variational_cvar,
)

LEVELS = [F(1, 10), F(1, 2), F(3, 5), F(3, 4), F(9, 10)]


@pytest.mark.parametrize("make", [exact, floats])
def test_case_d13(make):
    law = make(A)
    tolerance = 0 if law.exact else 1e-15
    levels = LEVELS if law.exact else [float(u) for u in LEVELS]
    for u, low, high, worst, best in zip(
        levels,
        [0, 0, 1, 1, 3],
        [0, 1, 1, 3, 3],
        [0, 0, F(1, 6), F(1, 3), F(7, 9)],
        [3, 2, F(5, 3), F(4, 3), F(10, 9)],
        strict=True,
    ):
        assert law.quantile(u) == low
        assert law.upper_quantile(u) == high
        assert abs(law.cvar(u) - worst) <= tolerance
        assert abs(law.ocvar(u) - best) <= 2 * tolerance


@quick
@given(raw_laws(), taus)
def test_exact_functionals_are_their_definitions(raw, tau):
    law = exact(raw)
    assert law.cvar(tau) == integrated_quantile(raw, tau) == variational_cvar(raw, tau)
    mirrored = [-x for x in raw[0]], raw[1]
    assert law.ocvar(tau) == -variational_cvar(mirrored, tau)
    assert law.mean() == law.cvar(1) == law.ocvar(1) == mean(raw)
    assert law.var() == mean(raw, lambda x: (x - mean(raw)) ** 2)
    assert [law.moment(k) for k in range(4)] == [mean(raw, lambda x, k=k: x**k) for k in range(4)]
    atoms = [x for x, w in zip(*raw, strict=True) if w]
    assert law.quantile(tau) == min(x for x in atoms if cdf(raw, x) >= tau)
    below = {x: cdf(raw, x) - mean(raw, lambda y, x=x: y == x) for x in atoms}
    assert law.upper_quantile(tau) == max(x for x in atoms if below[x] <= tau)
    assert [law.cdf(x) for x in (-6, *atoms, 6)] == [cdf(raw, x) for x in (-6, *atoms, 6)]


@quick
@given(raw_laws(), taus)
def test_floats_agree_with_fractions_also_at_tied_levels(raw, tau):
    """Levels with small denominators hit cumulative probabilities exactly; floats must resolve the tie alike."""
    law, rational = floats(raw), exact(raw)
    tied = [F(k, d) for d in (7, 10, 12) for k in range(d + 1)] + [tau]
    for u in tied:
        assert law.quantile(float(u)) == pytest.approx(float(rational.quantile(u)), abs=1e-14)
        assert law.upper_quantile(float(u)) == pytest.approx(float(rational.upper_quantile(u)), abs=1e-14)
    # Values below 5, tails of at least a fortieth: 1e-13 leaves a factor of 10 for the sums of at most 7 terms.
    for name in ("cvar", "ocvar"):
        assert getattr(law, name)(float(tau)) == pytest.approx(float(getattr(rational, name)(tau)), abs=1e-13)
    assert law.mean() == pytest.approx(float(rational.mean()), abs=1e-14)
    assert law.var() == pytest.approx(float(rational.var()), abs=1e-13)


def test_ties_of_rounded_sums():
    """0.1 + 0.2 exceeds 0.3 in floating point."""
    law = DiscreteLaw([0, 1, 2], [0.1, 0.2, 0.7])
    assert 0.1 + 0.2 > 0.3
    assert (law.quantile(0.3), law.upper_quantile(0.3)) == (1.0, 2.0)
    law = DiscreteLaw(range(10), [0.1] * 10)
    assert [law.quantile(k / 10) for k in range(1, 11)] == list(range(10))
    assert [law.upper_quantile(k / 10) for k in range(10)] == list(range(10))
    np.testing.assert_array_equal(law.quantile([0.0, 0.35, 1.0]), [0, 3, 9])
    assert law.upper_quantile(1.0) == 9


def test_cvar_at_the_ends():
    law = DiscreteLaw([-1 / 3, 2 / 7, 5.5], [0.3, 0.3, 0.4])
    for tau in (1e-300, 1e-9, 0.1, 0.3):
        assert law.cvar(tau) == -1 / 3
        assert law.ocvar(tau) == 5.5
    assert law.cvar(1) == law.cvar(1.0) == law.mean()
    assert law.cvar(np.nextafter(1.0, 0.0)) == pytest.approx(law.mean(), abs=1e-15)


@quick
@given(raw_laws(), raw_laws(), taus, st.fractions(0, 1, max_denominator=9), st.fractions(-9, 9, max_denominator=7))
def test_properties_of_tail_means(raw, other, tau, weight, shift):
    law, second = exact(raw), exact(other)
    mixed = DiscreteLaw.mixture([weight, 1 - weight], [law, second])
    # CVaR is a maximum, OCVaR a minimum, of functions linear in the law.
    assert mixed.cvar(tau) <= weight * law.cvar(tau) + (1 - weight) * second.cvar(tau)
    assert mixed.ocvar(tau) >= weight * law.ocvar(tau) + (1 - weight) * second.ocvar(tau)
    assert mixed.mean() == weight * law.mean() + (1 - weight) * second.mean()
    assert law.affine(shift).cvar(tau) == law.cvar(tau) + shift
    assert law.affine(0, F(3, 2)).cvar(tau) == F(3, 2) * law.cvar(tau)
    assert law.affine(0, -2).cvar(tau) == -2 * law.ocvar(tau)
    # Monotone in the level and in the outcomes, and a lower tail is worse than the whole.
    assert law.cvar(tau) <= law.cvar((1 + tau) / 2) <= law.mean() <= law.ocvar((1 + tau) / 2) <= law.ocvar(tau)
    lifted = DiscreteLaw([x + abs(x) for x in raw[0]], raw[1], exact=True)
    assert lifted.cvar(tau) >= law.cvar(tau)
    assert law.x[0] <= law.cvar(tau) <= law.quantile(tau) <= law.upper_quantile(tau)


def test_case_d9_mixing_helps_the_optimist():
    a, b = DiscreteLaw([0, 3], [F(3, 4), F(1, 4)]), DiscreteLaw.point(F(3, 2))
    assert a.ocvar(F(1, 2)) == b.ocvar(F(1, 2)) == F(3, 2)
    values = {w: DiscreteLaw.mixture([w, 1 - w], [a, b]).ocvar(F(1, 2)) for w in (F(k, 30) for k in range(31))}
    assert values[F(2, 3)] == 2 == max(values.values())


def test_case_d1_uniform():
    """Fair coins at gamma = 1/2: atoms ``k 2^{1-H}``, all alike."""
    for horizon, variance in {1: F(1, 4), 2: F(5, 16), 3: F(21, 64), 8: F(21845, 65536)}.items():
        law = coin_return(F(1, 2), horizon)
        assert list(law.x) == [F(2 * k, 2**horizon) for k in range(2**horizon)]
        assert law.mean() == 1 - F(1, 2**horizon)
        assert law.var() == variance
    assert float(law.cvar(F(1, 10))) == 0.09613037109375
    assert law.cvar(F(1, 10)) == integrated_quantile((law.x, law.p), F(1, 10))


def test_case_d2_cantor():
    """At gamma = 1/3 the worst 2^-k of the coins starts with k zeros, so what is left is the law again, scaled."""
    horizon = 12
    law = coin_return(F(1, 3), horizon)
    for k in range(4):
        assert law.cvar(F(1, 2**k)) == F(1, 3**k) * F(3, 4) * (1 - F(1, 3 ** (horizon - k)))
    # The rest of the return lies in [0, 1.5 / 3^12]; moments move by at most that times their Lipschitz constants.
    assert float(law.cvar(F(3, 4))) == pytest.approx(19 / 36, abs=3e-6)
    assert float(law.var()) == pytest.approx(9 / 32, abs=9e-6)
    assert float(law.moment(3)) == pytest.approx(1.0546875, abs=2e-5)
    # The Cantor function at 1/3..2/3 and 1/9..2/9 of [0, 3/2].
    assert [law.cdf(x) for x in (F(1, 2), F(3, 4), F(99, 100))] == [F(1, 2)] * 3
    assert law.cdf(F(1, 4)) == F(1, 4)
    skewed = coin_return(0.5, 18, p=0.3)
    assert skewed.cvar(0.49) == pytest.approx(0.15, abs=1e-5)
    assert skewed.var() == pytest.approx(0.28, abs=1e-10)


def test_expectations_and_sampling():
    law = DiscreteLaw([-1, 0, 2], [0.5, 0.25, 0.25])
    assert law.expect(lambda x: min(x, 0)) == -0.5
    assert law.expect(lambda x: 7) == 7
    assert exact(A).expect(lambda x: x * x) == F(5, 2)
    assert law.expect(lambda x: -np.inf if x < 0 else 0.0) == -np.inf
    n = 100_000
    draws = law.sample(n, seed=1)
    # Hoeffding: each frequency is further off than 0.009 with probability below 2 exp(-2 n 0.009^2) < 2e-7.
    for x, p in zip(law.x, law.p, strict=True):
        assert abs(np.mean(draws == x) - p) < 0.009
    np.testing.assert_array_equal(draws, law.sample(n, seed=1))
    assert law.sample(0, seed=0).shape == (0,)
    pairs = DiscreteLaw([(0, 1), (1, 0)], [0.5, 0.5]).sample(5, seed=3)
    assert pairs.shape == (5, 2)
    np.testing.assert_array_equal(pairs.sum(axis=1), 1.0)
