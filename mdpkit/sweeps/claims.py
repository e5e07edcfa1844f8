"""`Claim`: what a figure must show, as a sentence with a number and a threshold."""

from __future__ import annotations

import math
import numbers
from dataclasses import KW_ONLY, dataclass
from typing import Any

from mdpkit.errors import InputError, UnknownOptionError

__all__ = ["KINDS", "Claim"]

KINDS = {
    "exact": "must hold on every run; a failure fails the build",
    "statistical": "holds up to the stated probability of a false alarm",
    "descriptive": "describes what was seen; nothing depends on it",
    "timing": "measured on one machine; nothing depends on it",
}


@dataclass(frozen=True)
class Claim:
    """One checked sentence about a figure.

    Parameters
    ----------
    sentence : str
        What is claimed, in words, including how `value` compares with `threshold`.
    value : float or None
        The measured number; None only where the claim was not reproduced.
    threshold : float or None
        What it is compared with; None only for descriptive and timing claims.
    held : bool or None
        Whether the claim held. None means *not reproduced*: the source says so and we could not show it; see
        `not_reproduced`.
    kind : {"exact", "statistical", "descriptive", "timing"}, default "exact"
        An exact claim that fails fails the build. Descriptive and timing claims decide nothing.
    uncertainty : float or str, optional
        Required of a statistical claim: the probability that it fails although it is true (a number in ``[0, 1)``), or
        the margin it uses, in words.
    source : str
        Where the claim and its threshold come from: paper, theorem, equation, or a closed form.
    reason : str, optional
        Why the claim was not reproduced; given exactly when `held` is None.

    Raises
    ------
    InputError
        A field is missing or contradicts another; nothing is guessed.

    Examples
    --------
    >>> claim = Claim("the contraction factor is at most gamma", 0.93, 0.95, held=0.93 <= 0.95,
    ...               source="Puterman 1994, Theorem 6.2.3")
    >>> claim.status
    'held'
    >>> Claim.not_reproduced("IWOCS needs 3 models", 5, 3, reason="the paper's start model is not published",
    ...                      source="Zouitine 2024, Table 1").status
    'not reproduced'
    """

    sentence: str
    value: float | None
    threshold: float | None
    held: bool | None
    _: KW_ONLY
    kind: str = "exact"
    uncertainty: float | str | None = None
    source: str
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownOptionError(
                f"kind must be one of {', '.join(KINDS)}, found {self.kind!r}", argument="kind", value=self.kind
            )
        for name in ("sentence", "source"):
            _require_text(name, getattr(self, name))
        held: Any = self.held
        # numpy's comparisons return their own bool, which `is True` and json do not know
        if held is not None and not isinstance(held, bool):
            if type(held).__name__ not in {"bool", "bool_"}:
                raise InputError(f"held must be True, False or None, found {held!r}", argument="held", value=held)
            held = bool(held)
        object.__setattr__(self, "held", held)
        for name in ("value", "threshold"):
            object.__setattr__(self, name, _as_number(name, getattr(self, name)))
        self._check_numbers()
        self._check_uncertainty()
        if (held is None) != (self.reason is not None):
            raise InputError(
                "a claim that was not reproduced (held=None) needs a reason, and no other claim has one",
                argument="reason",
                value=self.reason,
            )
        if self.reason is not None:
            _require_text("reason", self.reason)

    def _check_numbers(self) -> None:
        if self.value is None and self.held is not None:
            raise InputError("value may be None only where held is None", argument="value")
        if self.threshold is None and self.decides and self.held is not None:
            raise InputError(f"{self.kind} claims need a threshold", argument="threshold")
        # a comparison with NaN says nothing, so a claim about it cannot have held
        if self.held and any(x is not None and math.isnan(x) for x in (self.value, self.threshold)):
            raise InputError(f"a claim about NaN cannot have held: {self.sentence!r}", argument="held", value=self.held)

    def _check_uncertainty(self) -> None:
        given = self.uncertainty
        if isinstance(given, str):
            _require_text("uncertainty", given)
        elif given is not None:
            number = _as_number("uncertainty", given)
            if number is None or not 0.0 <= number < 1.0:
                raise InputError(
                    f"uncertainty must be a probability in [0, 1) or a sentence, found {given!r}",
                    argument="uncertainty",
                    value=given,
                )
            object.__setattr__(self, "uncertainty", number)
        elif self.kind == "statistical" and self.held is not None:
            raise InputError(
                "a statistical claim must state its uncertainty: its probability of a false alarm, or its margin",
                argument="uncertainty",
            )

    @classmethod
    def not_reproduced(
        cls,
        sentence: str,
        value: float | None,
        threshold: float | None,
        *,
        reason: str,
        source: str,
        kind: str = "exact",
        uncertainty: float | str | None = None,
    ) -> Claim:
        """Return a claim that its source makes and that we could not show, with the reason."""
        return cls(sentence, value, threshold, None, kind=kind, uncertainty=uncertainty, source=source, reason=reason)

    @property
    def status(self) -> str:
        """``"held"``, ``"failed"`` or ``"not reproduced"``."""
        if self.held is None:
            return "not reproduced"
        return "held" if self.held else "failed"

    @property
    def decides(self) -> bool:
        """Whether the claim is a check (exact or statistical) and not a mere observation."""
        return self.kind in {"exact", "statistical"}

    @property
    def fails_build(self) -> bool:
        """Whether this is an exact claim that failed."""
        return self.kind == "exact" and self.held is False


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{name} must be a sentence, found {value!r}", argument=name, value=value)


def _as_number(name: str, value: Any) -> float | None:
    """Return a plain Python number, so that every claim can be printed, compared and written as JSON."""
    if value is None:
        return None
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(f"{name} must be a real number, found {value!r}", argument=name, value=value)
    return int(value) if isinstance(value, numbers.Integral) else float(value)
