"""Drawn laws, and their functionals from the definitions, in fractions and from the raw list of atoms."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st

from mdpkit.distributional import DiscreteLaw

F = Fraction
HALF = F(1, 2)
quick = settings(deadline=None)
"""The first example of a test may have to compile a kernel."""

A = ([0, 1, 3], [F(1, 2), F(1, 4), F(1, 4)])
B = ([0, 2], [F(1, 4), F(3, 4)])
"""The two laws of case D13."""


@st.composite
def raw_laws(draw, *, least=1, most=7):
    """Unsorted atoms with duplicates, as fractions, and probabilities that sum to one, some zero."""
    n = draw(st.integers(least, most))
    x = draw(st.lists(st.fractions(-5, 5, max_denominator=6), min_size=n, max_size=n))
    weights = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n).filter(any))
    return x, [F(w, sum(weights)) for w in weights]


taus = st.fractions(F(1, 40), 1, max_denominator=40)


def exact(raw):
    return DiscreteLaw(*raw, exact=True)


def floats(raw):
    return DiscreteLaw([float(v) for v in raw[0]], [float(v) for v in raw[1]])


def mean(raw, f=lambda x: x):
    return sum((w * f(x) for x, w in zip(*raw, strict=True)), F(0))


def cdf(raw, x):
    return sum((w for y, w in zip(*raw, strict=True) if y <= x), F(0))


def integrated_quantile(raw, tau):
    """``(1/tau) int_0^tau F^{-1}``, by walking through the sorted atoms."""
    left, total = tau, F(0)
    for x, w in sorted(zip(*raw, strict=True)):
        taken = min(w, left)
        total, left = total + taken * x, left - taken
    return total / tau


def variational_cvar(raw, tau):
    """``max_x { x + E min(X - x, 0) / tau }``; the maximum is at an atom."""
    return max(x + mean(raw, lambda y, x=x: min(y - x, F(0))) / tau for x, w in zip(*raw, strict=True) if w)


def coin_return(gamma, horizon, p=HALF):
    """Law of ``sum_t gamma^t R_t`` with Bernoulli(p) rewards, by the Bellman recursion."""
    law = DiscreteLaw.point(F(0) if isinstance(gamma, Fraction) else 0.0)
    for _ in range(horizon):
        law = DiscreteLaw.mixture([1 - p, p], [law.affine(0, gamma), law.affine(1, gamma)])
    return law
