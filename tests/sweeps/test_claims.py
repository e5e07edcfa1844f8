"""`Claim`: what may be said, and what may not."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit.errors import InputError, UnknownOptionError
from mdpkit.sweeps import Claim
from mdpkit.sweeps.readable import readable, readable_pair, readable_size, readable_time


@pytest.mark.parametrize(
    ("held", "kind", "status", "fails"),
    [
        (True, "exact", "held", False),
        (False, "exact", "failed", True),
        (False, "timing", "failed", False),
        (False, "descriptive", "failed", False),
        (np.bool_(True), "exact", "held", False),
    ],
)
def test_status(held: Any, kind: str, status: str, fails: bool) -> None:
    claim = Claim("it is small", np.float64(1.0), 2, held, kind=kind, source="Theorem 1")
    assert (claim.status, claim.fails_build) == (status, fails)
    assert json.dumps([claim.held, claim.value, claim.threshold]) == json.dumps([bool(held), 1.0, 2])


def test_not_reproduced() -> None:
    claim = Claim.not_reproduced("it is 3", None, 3, reason="no data", source="Table 1")
    assert (claim.held, claim.status, claim.reason, claim.fails_build) == (None, "not reproduced", "no data", False)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "vague"},
        {"sentence": " "},
        {"source": ""},
        {"held": "yes"},
        {"held": 1},
        {"held": None},  # without a reason
        {"reason": "because"},  # with one, though it held
        {"value": None},
        {"value": "3"},
        {"value": True},
        {"value": math.nan},  # comparisons with NaN hold by accident only
        {"threshold": None},
        {"kind": "statistical"},  # without uncertainty
        {"kind": "statistical", "uncertainty": 1.0},
        {"kind": "statistical", "uncertainty": math.nan},
        {"kind": "statistical", "uncertainty": ""},
    ],
)
def test_a_claim_that_says_too_little_is_refused(change: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"sentence": "it is small", "value": 1.0, "threshold": 2.0, "held": True, "source": "here"}
    Claim(**fields)
    with pytest.raises(InputError) as caught:
        Claim(**fields | change)
    assert isinstance(caught.value, UnknownOptionError) == (change.get("kind") == "vague")


def test_a_descriptive_claim_needs_no_threshold_and_a_failed_one_may_be_nan() -> None:
    assert Claim("the slope", 1.1, None, True, kind="timing", source="measured").threshold is None
    assert Claim("it converges", math.nan, 1.0, False, source="here").status == "failed"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"), (1234567, "1,234,567"), (0.93124, "0.9312"), (12345.678, "12,346"), (1.5, "1.5"), (-2.25, "−2.25"),
        (1e-6, "1e-6"), (1.234567e-9, "1.235e-9"), (3e12, "3e12"), (math.inf, "∞"), (math.nan, "NaN"), (None, "none"),
        (0.99996, "1"), (99999.5, "100,000"),
    ],
)  # fmt: skip
def test_readable(number: float | None, text: str) -> None:
    assert readable(number) == text


@given(st.floats(-1e308, 1e308))
def test_readable_is_within_four_digits(x: float) -> None:
    shown = float(readable(x).replace(",", "").replace("−", "-"))
    assert abs(shown - x) <= 5.001e-4 * abs(x)


@given(st.floats(-1e308, 1e308), st.floats(0, 1e-9))
def test_different_numbers_look_different(x: float, relative: float) -> None:
    y = x * (1 + relative)
    first, second = readable_pair(x, y)
    if abs(x) >= 1e-300 and abs(y - x) > 4 * math.ulp(x):
        assert first != second


def test_readable_time() -> None:
    assert [readable_time(t) for t in (0.31, 59.9, 125, 12000)] == ["0.3 s", "59.9 s", "2 min 5 s", "3 h 20 min"]


def test_readable_size() -> None:
    sizes = (0, 999, 1000, 9949, 9950, 999_499, 999_500, 2.2e6, 3e9, 5e13)
    assert [readable_size(int(n)) for n in sizes] == [
        *("0 bytes", "999 bytes", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "2.2 MB", "3.0 GB", "50000 GB")
    ]
