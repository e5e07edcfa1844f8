"""What `iwocs` returns."""

from __future__ import annotations

from dataclasses import dataclass

from mdpkit._typing import Floats, Ints
from mdpkit.models import TabularMDP

__all__ = ["IWOCSResult"]


@dataclass(frozen=True, eq=False, slots=True)
class IWOCSResult:
    """The best policy found, what it is certainly worth, and how the iterations went.

    Attributes
    ----------
    policy : ndarray of int64, shape (S,)
        Action ids: the policy with the largest lower bound (with roll-outs: the last one, as published).
    value : float
        Certified lower bound on the worst-case value of `policy` at the start, ``max(lower)`` (with roll-outs: the mean
        return of its worst model, which certifies nothing).
    lower, upper : list of float
        One pair per iteration: certified lower bounds on the worst-case value of that iteration's policy, and certified
        upper bounds on the optimal robust value, both at the start. For a `ModelSet` the upper bounds hold for every
        policy, with or without memory. Roll-outs leave the lower ends at minus infinity.
    estimate : list of float
        What each iteration's policy step promised: ``Q_i(s0, pi_i(s0))`` for "min_q", the value of the hull for
        "hull".
    worst_value : list of float
        The value of each iteration's policy in the worst model found for it (midpoint of its enclosure, or mean of
        roll-outs).
    worst_model : TabularMDP
        The worst model found for `policy`.
    models : list of TabularMDP
        ``T_0, T_1, ...``: the first model, then the answer to the policy of each iteration.
    model_indices : list of int, or None
        The same as indices into a `ModelSet`.
    policies : list of ndarray
        The policy of each iteration.
    converged : bool
        Whether `policy` is certified: ``min(upper) - max(lower) <= tol``. A stall is never converged.
    status : str
        "certified"; "stalled" (the worst model had been seen before and the gap is open, so that every later iteration
        would be the same); "max_iter"; "floor" (the gap is closed up to what float64 can certify, but `tol` is
        smaller); "estimated" (roll-outs met their own stopping rule); "interrupted".
    message : str
        The same as a sentence.
    tol : float
        The tolerance that was used.
    start : ndarray, shape (S,)
        Distribution of the initial state.
    policy_step, worst_case, off_policy : str
        The options that ran.
    """

    policy: Ints
    value: float
    lower: list[float]
    upper: list[float]
    estimate: list[float]
    worst_value: list[float]
    worst_model: TabularMDP
    models: list[TabularMDP]
    model_indices: list[int] | None
    policies: list[Ints]
    converged: bool
    status: str
    message: str
    tol: float
    start: Floats
    policy_step: str
    worst_case: str
    off_policy: str

    @property
    def iterations(self) -> int:
        """Outer iterations: policies proposed and answered."""
        return len(self.lower)

    @property
    def gap(self) -> float:
        """Certified bound on what `policy` loses at the start, ``min(upper) - max(lower)``."""
        return min(self.upper) - max(self.lower)

    def __repr__(self) -> str:
        value = 0.0 if abs(self.value) <= self.tol else self.value
        return (
            f"IWOCSResult({self.status}: {self.policy_step}, {self.iterations} iterations, value {value:.6g}, "
            f"gap {self.gap:.2g})"
        )
