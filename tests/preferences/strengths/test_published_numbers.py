"""The estimates of prefs.md 7.1, 7.2, 7.3 and 7.10, to the digits printed there, by every method that finds them."""

from __future__ import annotations

import numpy as np
import pytest

from mdpkit.feedback import PairCounts, PairList, Rankings
from mdpkit.preferences import fit_strengths, negative_log_likelihood

FOUR = PairCounts([[0, 3, 5, 2], [1, 0, 4, 3], [2, 2, 0, 6], [1, 2, 1, 0]])
CIRCLE = PairList.from_pairs([(0, 1), (0, 1), (1, 2), (2, 0)])
RACES = Rankings.from_lists([[0, 1, 2, 3], [1, 0, 3, 2], [2, 0, 1, 3], [3, 1, 0, 2], [0, 2, 3, 1]])
TO_THE_MAXIMUM = ["newton", "mm", "ilsr"]


def assert_digits(found, printed, digits):
    """Half a unit of the last digit for the rounding of what is printed, half for that of the solver."""
    np.testing.assert_allclose(found, printed, rtol=0, atol=10.0**-digits)


# ---------------------------------------------------------------- 7.1: two items


@pytest.mark.parametrize("method", TO_THE_MAXIMUM)
@pytest.mark.parametrize(("wins", "losses"), [(3, 1), (1, 1), (1, 100), (0.25, 7.5), (1e6, 1)])
def test_two_items(method, wins, losses):
    """``+-log(w / l) / 2``, and the variance of the difference is ``1 / w + 1 / l`` (the delta method)."""
    fit = fit_strengths(PairCounts([[0, wins], [losses, 0]]), method=method)
    half = 0.5 * np.log(wins / losses)
    np.testing.assert_allclose(fit.params, [half, -half], rtol=1e-10, atol=1e-12)
    difference, stderr = fit.contrast(0, 1)
    assert abs(difference - 2 * half) < 1e-9
    assert abs(stderr / np.sqrt(1 / wins + 1 / losses) - 1) < 1e-8
    np.testing.assert_allclose(fit.cov, (1 / wins + 1 / losses) / 4 * np.array([[1, -1], [-1, 1]]), rtol=1e-8)
    assert fit.probability(0, 1) == pytest.approx(wins / (wins + losses), rel=1e-9)
    assert fit.nll == pytest.approx(
        -wins * np.log(wins / (wins + losses)) - losses * np.log(losses / (wins + losses)), rel=1e-10
    )


def test_three_to_one():
    assert_digits(fit_strengths(PairCounts([[0, 3], [1, 0]])).params, [0.549306144334, -0.549306144334], 12)


def test_alpha_of_the_peer():
    """Our alpha is twice that of choix: two items, 3-1, ``alpha_choix = 0.5`` gives +-0.34181192 (prefs.md 2)."""
    fit = fit_strengths(PairCounts([[0, 3], [1, 0]]), alpha=1.0)
    assert_digits(fit.params, [0.34181192, -0.34181192], 8)


# ---------------------------------------------------------------- 7.2: three items in a circle


@pytest.mark.parametrize("method", TO_THE_MAXIMUM)
def test_circle(method):
    x = 0.419617624991
    fit = fit_strengths(CIRCLE, method=method)
    assert_digits(fit.params, [x, -x, 0], 10 if method != "newton" else 12)
    root = fit.params[0]
    assert abs(2 / (1 + np.exp(2 * root)) - 1 / (1 + np.exp(-root))) < 1e-10  # what x solves


def test_circle_in_one_spectral_step():
    fit = fit_strengths(CIRCLE, method="lsr")
    assert_digits(fit.params, [0.23104906, -0.46209812, 0.23104906], 8)
    np.testing.assert_allclose(fit.params, np.log(2) / 3 * np.array([1, -2, 1]), atol=1e-14)
    np.testing.assert_allclose(fit_strengths(CIRCLE, method="rank_centrality").params, 0, atol=1e-15)


# ---------------------------------------------------------------- 7.3: four items


@pytest.mark.parametrize("method", TO_THE_MAXIMUM)
def test_four_items(method):
    fit = fit_strengths(FOUR, method=method)
    digits = 12 if method == "newton" else 10
    assert_digits(fit.params, [0.783240013346, 0.070242845157, 0.000149255301, -0.853632113804], digits)
    assert_digits(fit.nll, 19.628338851338, 12)
    assert_digits(fit.stderr, [0.458019775084, 0.409114124112, 0.354698414882, 0.450160156399], digits)
    assert_digits(fit.contrast(0, 3)[1], 0.784220342517, digits)
    assert fit.cov_kind == "observed"


@pytest.mark.parametrize(
    ("alpha", "params"),
    [
        (0.1, [0.759554972358, 0.069387797315, -0.000013103898, -0.828929665775]),
        (1.0, [0.603565828095, 0.062371089606, -0.000735199800, -0.665201717901]),
    ],
)
def test_four_items_with_a_prior(alpha, params):
    fit = fit_strengths(FOUR, alpha=alpha)
    assert_digits(fit.params, params, 12)
    assert fit.cov_kind == "laplace"
    # the reported likelihood is that of the data alone
    assert abs(fit.nll - negative_log_likelihood(FOUR, fit.params).nll) < 1e-12


def test_four_items_without_the_maximum():
    lsr = fit_strengths(FOUR, method="lsr")
    assert_digits(lsr.params, [0.77965751, 0.04378539, -0.07399765, -0.74944525], 8)
    shares = fit_strengths(FOUR, method="rank_centrality")
    assert_digits(shares.params, [0.70150289, -0.0258765, -0.09771286, -0.57791354], 8)
    best = fit_strengths(FOUR).nll
    for fit in (lsr, shares):
        assert fit.cov_kind is None
        assert fit.nll > best
        assert fit.gradient_norm > 1e-3
        assert "not the maximum-likelihood estimate" in fit.message


# ---------------------------------------------------------------- 7.3: five races


@pytest.mark.parametrize("method", TO_THE_MAXIMUM)
def test_races(method):
    fit = fit_strengths(RACES, method=method)
    digits = 12 if method == "newton" else 10
    assert_digits(fit.params, [0.825438970779, 0.104889874812, -0.375545583177, -0.554783262415], digits)
    assert_digits(fit.nll, 14.306086313513, 12)
    assert_digits(fit.stderr, [0.515184661402, 0.503311832163, 0.530865413484, 0.518930424445], digits)


def test_races_split_into_pairs():
    fit = fit_strengths(RACES, method="pair_split")
    assert_digits(fit.params, [0.771160316202, 0.101013876972, -0.325928543090, -0.546245650085], 12)
    assert fit.cov_kind == "sandwich"


def test_races_in_one_spectral_step():
    fit = fit_strengths(RACES, method="lsr")
    assert_digits(fit.params, [0.83742453, 0.16525575, -0.45939483, -0.54328545], 8)


# ---------------------------------------------------------------- 7.10: ties


@pytest.mark.parametrize(("wins", "losses", "ties"), [(6, 3, 4), (1, 1, 1), (10, 0.5, 2.5)])
def test_two_items_with_ties(wins, losses, ties):
    """Davidson: ``log(w / l)`` and ``nu = t / sqrt(w l)``; a saturated model, so the delta method gives its errors.

    ``Var(log w - log l) = 1/w + 1/l`` and ``Var(log t - (log w + log l) / 2) = 1/t + (1/w + 1/l) / 4``: in multinomial
    counts the terms with the total cancel.
    """
    fit = fit_strengths(PairCounts([[0, wins], [losses, 0]], [[0, ties], [ties, 0]]))
    difference, stderr = fit.contrast(0, 1)
    assert abs(difference - np.log(wins / losses)) < 1e-11
    assert abs(fit.tie_parameter - ties / np.sqrt(wins * losses)) < 1e-11
    assert abs(stderr - np.sqrt(1 / wins + 1 / losses)) < 1e-10
    assert abs(fit.tie_stderr - np.sqrt(1 / ties + (1 / wins + 1 / losses) / 4)) < 1e-10
    total = wins + losses + ties
    assert abs(fit.nll + sum(k * np.log(k / total) for k in (wins, losses, ties))) < 1e-11
    assert abs(fit.probability(0, 1) - wins / total) < 1e-11
    assert abs(fit.probability(1, 0) - losses / total) < 1e-11


def test_six_three_four():
    fit = fit_strengths(PairCounts([[0, 6], [3, 0]], [[0, 4], [4, 0]]))
    assert_digits(fit.tie_parameter, 0.942809041582, 12)
    assert "nu=0.9428" in repr(fit)
