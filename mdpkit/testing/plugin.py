"""The pytest plugin: ``--mdpkit-trials``, the fixture `mdpkit_trials` and the hypothesis profiles.

Pytest imports this file at every start, of every project on the machine that has mdpkit: it imports nothing heavy.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import pytest

from mdpkit.testing.profiles import QUICK, THOROUGH, register_profiles

__all__ = ["mdpkit_trials", "pytest_addoption", "pytest_configure"]


def _factor(text: str) -> float:
    """Read the option; pytest shows the error as one of usage."""
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0.0 < factor < math.inf:
        raise pytest.UsageError(f"--mdpkit-trials must be a positive number, found {text!r}")
    return factor


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--mdpkit-trials`` (a hook of pytest)."""
    parser.getgroup("mdpkit").addoption(
        "--mdpkit-trials",
        type=_factor,
        default=1.0,
        metavar="FACTOR",
        help="multiply the numbers of trials of tests that use the fixture mdpkit_trials (default: 1)",
    )


@pytest.hookimpl(tryfirst=True)  # before hypothesis loads the profile it was asked for
def pytest_configure(config: pytest.Config) -> None:
    """Register the hypothesis profiles where they can be used (a hook of pytest)."""
    wanted = config.getoption("--hypothesis-profile", default=None)
    if wanted in (QUICK, THOROUGH) or "hypothesis" in sys.modules:
        register_profiles()


@pytest.fixture(scope="session")
def mdpkit_trials(pytestconfig: pytest.Config) -> Callable[[int], int]:
    """Scale a number of trials: ``n_trials=mdpkit_trials(455)`` is 455, or 4,550 under ``--mdpkit-trials=10``.

    Below a factor 1 a test may become too small to notice anything; `assert_holds_with_probability` then refuses.
    """
    factor: float = pytestconfig.getoption("--mdpkit-trials")
    # Rounded first: 455 * 1.1 is 500.50000000000006.
    return lambda n_trials: math.ceil(round(n_trials * factor, 6))
