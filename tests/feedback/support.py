"""Statistical checks with a stated false-alarm probability, and models whose laws are known by heart."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from mdpkit import TabularMDP

FALSE_ALARM = 1e-6
"""Every random test of this folder raises a false alarm with at most this probability (its seed is fixed beside)."""


CHECKS = 100
"""No test makes more chi-square checks than this; each gets its share of the false-alarm probability."""


def assert_law(counts, law):
    """Pearson's chi-square test; cells too rare for its asymptotic law are pooled."""
    counts, law = np.ravel(counts), np.ravel(law)
    assert counts[law == 0].sum() == 0
    rare = counts.sum() * law < 100
    if rare.any():
        counts, law = np.append(counts[~rare], counts[rare].sum()), np.append(law[~rare], law[rare].sum())
    likely = law > 0
    counts, expected = counts[likely], counts.sum() * law[likely]
    assert len(law) == 1 or expected.min() >= 5, "too few samples for the test to mean anything"
    if len(expected) > 1:
        assert ((counts - expected) ** 2 / expected).sum() <= chi2.isf(FALSE_ALARM / CHECKS, len(expected) - 1)


def hoeffding_width(n, comparisons):
    """Half-width that the averages of ``n`` variables in [0, 1] keep, all comparisons at once."""
    return np.sqrt(np.log(2 * comparisons / FALSE_ALARM) / (2 * n))


def uneven():
    """Three states with two, one and one action; random rewards; state 2 is terminal."""
    return TabularMDP.from_outcomes(
        state=[0, 0, 0, 0, 0, 1, 1, 1, 2],
        action=[0, 0, 0, 2, 2, 1, 1, 1, 0],
        prob=[0.1, 0.2, 0.7, 0.25, 0.75, 0.3, 0.3, 0.4, 1.0],
        reward=[1.0, -1.0, 2.0, 0.5, 0.0, 3.0, 4.0, 3.0, 0.0],
        successor=[0, 0, 1, 1, 0, 1, 1, 2, 2],
        gamma=0.9,
        initial=[0.6, 0.4, 0.0],
    )
