"""What risk optimization returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdpkit.distributional.laws import DiscreteLaw

__all__ = ["RiskSolution"]


@dataclass(frozen=True, eq=False, kw_only=True)
class RiskSolution:
    """A policy, what it is worth, and how far from the optimum it can be.

    Attributes
    ----------
    value : float
        The objective. Where a law is returned it is that of the law: what the policy attains.
    policy : object or ndarray
        A policy that runs: action ids, shape ``(H, S)``, or an object with ``act(state, t, memory)``.
    law : DiscreteLaw or None
        Exact law of the return of `policy`; None over an infinite horizon.
    stock : float or None
        Initial stock of the policy (minus the threshold); None where none is used.
    error_bound : float
        Bound on the distance from `value` to the optimum, apart from rounding; 0 for exact methods.
    policy_loss : float
        Bound on what `policy` falls short of the optimum, in the objective; 0 for exact methods.
    status : str
        A short code, "optimal" for exact answers.
    message : str
        The same as a sentence.
    objective : str
        What was optimized.
    work : dict of str to int
        Counters: breakpoints, reached combinations of time, state and stock, evaluations, sweeps.
    """

    value: float
    policy: Any
    law: DiscreteLaw | None
    stock: float | None
    error_bound: float
    policy_loss: float
    status: str
    message: str
    objective: str
    work: dict[str, int]

    @property
    def converged(self) -> bool:
        """Whether the method did what it promises."""
        return self.status in ("optimal", "limit", "within_tolerance", "upper_bound")

    def __repr__(self) -> str:
        law = "" if self.law is None else f", {len(self.law)} atoms"
        return (
            f"{type(self).__name__}({self.status}: {self.objective} = {self.value:.6g}, "
            f"error at most {self.error_bound:.2g}{law})"
        )
