"""Entropic risk and EVaR against high-precision decimals, closed forms (D2b) and a search over b."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from mdpkit.distributional import DiscreteLaw
from tests.distributional.laws.support import F, coin_return, exact, floats, quick, raw_laws, taus

COIN = coin_return(0.5, 18)


def decimal_erm(x, p, b):
    """The definition with 400 digits, from the doubles as they are."""
    with localcontext(prec=400, Emax=MAX_EMAX, Emin=MIN_EMIN):
        risk = Decimal(b)
        total = sum(Decimal(w) * (-risk * Decimal(v)).exp() for v, w in zip(x, p, strict=True))
        return float(-(total / sum(Decimal(w) for w in p)).ln() / risk)


@pytest.mark.parametrize("b", [1e-200, 1e-30, 1e-12, 1e-6, 1e-2, 0.3, 1.0, 7.0, 500.0, 1e6])
@pytest.mark.parametrize(
    ("x", "p"),
    [
        ([0.0, 1.0, 3.0], [0.5, 0.25, 0.25]),
        ([-7.0, 1.5], [1e-20, 1.0]),
        ([1000.0, 1000.5], [0.3, 0.7]),
        ([-1e3, 2e3], [0.5, 0.5]),
    ],
)
def test_entropic_risk_for_every_aversion(x, p, b):
    """Error at most a few units in the last place of the largest number at hand; nothing overflows."""
    assert DiscreteLaw(x, p).erm(b) == pytest.approx(decimal_erm(x, p, b), abs=4e-16 * max(map(abs, x)))


@quick
@given(raw_laws(), st.floats(-8, 6))
def test_entropic_risk_properties(raw, log_b):
    law, b = floats(raw), 10.0**log_b
    value = law.erm(b)
    assert value == pytest.approx(exact(raw).erm(b), abs=1e-13)
    # Between the least atom and the mean, below it by at most b range^2 / 8 (Hoeffding's lemma).
    spread = law.x[-1] - law.x[0]
    assert law.x[0] - 1e-14 <= value <= law.mean() + 1e-14
    assert law.mean() - value <= b * spread**2 / 8 + 1e-14
    assert law.erm(2 * b) <= value + 1e-14
    assert law.affine(3).erm(b) == pytest.approx(value + 3, abs=1e-13)
    assert law.affine(0, 0.25).erm(b) == pytest.approx(0.25 * law.erm(0.25 * b), abs=1e-13)


def closed_erm(b):
    """Case D1's ``-(1/b) log((1 - exp(-2b)) / (2b))``."""
    return -np.log(-np.expm1(-2 * b) / (2 * b)) / b


@pytest.mark.parametrize(
    ("b", "value"), [(0.1, 0.98333888536), (1, 0.83856063843), (5, 0.46052609879), (20, 0.18444397270)]
)
def test_case_d2b_entropic_risk(b, value):
    """The return of 18 coins plus 2^-18 times an independent copy of the whole return is the whole return."""
    steps = 0.5 ** np.arange(18)
    assert COIN.erm(b) == pytest.approx(-np.sum(np.log1p(0.5 * np.expm1(-b * steps))) / b, abs=1e-13)
    whole = COIN.erm(b) + 2.0**-18 * closed_erm(b * 2.0**-18)
    assert whole == pytest.approx(closed_erm(b), abs=1e-10)
    assert whole == pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize(
    ("tau", "value", "b"),
    [(0.05, 0.036787944117, 27.1828182), (0.1, 0.073575888235, 13.5914095), (0.5, 0.3696550418, 2.6310379)],
)
def test_case_d2b_evar(tau, value, b):
    """What the 18 coins leave out lies in [0, 2^-17] and EVaR is monotone and shifts with the law."""
    assert COIN.evar(tau) <= value + 1e-10
    assert value - 1e-10 <= COIN.evar(tau) + 2.0**-17
    # Independent of what was left out: its mean 2^-18 to first order, its variance b 2^-36 / 6 beyond.
    assert COIN.evar(tau) + 2.0**-18 == pytest.approx(value, abs=1e-9)
    assert COIN.evar_parameter(tau) == pytest.approx(b, rel=1e-6)


@quick
@given(raw_laws(), taus)
def test_evar_is_the_supremum(raw, tau):
    """At least every value of the objective on a fine grid, attained at the reported b, and in the chain of risks."""
    law, level = floats(raw), float(tau)
    value, b = law.evar(level), law.evar_parameter(level)
    assert value == pytest.approx(exact(raw).evar(level), abs=1e-11)

    def objective(c):
        return -logsumexp(-c * law.x, b=law.p) / c + np.log(level) / c

    grid = [objective(c) for c in np.geomspace(1e-6, 1e6, 200)]
    assert max(grid) <= value + 1e-9
    assert law.x[0] <= value <= law.cvar(level) + 1e-9
    assert law.cvar(level) <= law.upper_quantile(level) + 1e-12
    if law.p[0] >= level * (1 - 1e-12):
        assert (value, b) == (law.x[0], np.inf)
    elif level == 1.0:
        assert (value, b) == (law.mean(), 0.0)
    else:
        assert objective(b) == pytest.approx(value, abs=1e-11)
        best = minimize_scalar(lambda t: -objective(np.exp(t)), bounds=(np.log(b) - 2, np.log(b) + 2), method="bounded")
        assert -best.fun == pytest.approx(value, abs=1e-9)


@quick
@given(raw_laws(least=2), st.integers(-12, -2))
def test_evar_close_to_the_mean(raw, exponent):
    """As tau goes to 1, EVaR is ``mean - std sqrt(-2 log tau) + O(-log tau)``."""
    law = floats(raw)
    assume(law.var() > 0)
    tau = 1.0 - 10.0**exponent
    loss = -np.log(tau)
    spread = law.x[-1] - law.x[0]
    if law.p[0] < tau:
        # The third cumulant is at most range * variance; its share in the supremum at most a third of range * loss.
        expected = law.mean() - np.sqrt(2 * loss * law.var())
        assert law.evar(tau) == pytest.approx(expected, abs=spread * loss + 1e-9)


def test_evar_limits():
    assert DiscreteLaw([0, 3], [0.25, 0.75]).evar_parameter(0.25) == np.inf
    assert DiscreteLaw([0, 3], [0.25, 0.75]).evar(0.2) == 0.0
    point = DiscreteLaw.point(F(7, 2))
    assert (point.evar(0.5), point.evar(1), point.evar_parameter(1)) == (3.5, 3.5, np.inf)
    # A gap of 1e-9 beside a range of 1: the best b is of the order of its inverse.
    law = DiscreteLaw([0.0, 1e-9, 1.0], [0.1, 0.6, 0.3])
    assert 0.0 < law.evar(0.2) <= law.cvar(0.2) == pytest.approx(0.5e-9)
    assert law.evar_parameter(0.2) > 1e8
