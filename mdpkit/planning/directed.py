"""Directed rounding: sums and numbers that are certainly not above, or not below, the exact ones."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from mdpkit._typing import Floats


def add_down(a: Floats, b: Floats | float) -> Floats:
    """Return the largest doubles found that are at most ``a + b``; exact sums stay exact."""
    total, error = two_sum(a, np.asarray(b, dtype=np.float64))
    return np.where(error < 0.0, np.nextafter(total, -np.inf), total)


def add_up(a: Floats, b: Floats | float) -> Floats:
    """Return the smallest doubles found that are at least ``a + b``; exact sums stay exact."""
    total, error = two_sum(a, np.asarray(b, dtype=np.float64))
    return np.where(error > 0.0, np.nextafter(total, np.inf), total)


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Knuth's error-free sum: ``a + b = total + error`` exactly."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def round_down(number: Fraction) -> float:
    """Return the largest double at most ``number``."""
    nearest = float(number)
    return nearest if Fraction(nearest) <= number else float(np.nextafter(nearest, -np.inf))


def round_up(number: Fraction) -> float:
    """Return the smallest double at least ``number``."""
    nearest = float(number)
    return nearest if Fraction(nearest) >= number else float(np.nextafter(nearest, np.inf))
