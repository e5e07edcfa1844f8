"""`PessimisticPolicy`: the policy with the best guarantee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdpkit._typing import Floats
from mdpkit.preferences.rewards import ConfidenceSet

__all__ = ["PessimisticPolicy"]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class PessimisticPolicy:
    r"""A policy that maximizes its lower confidence bound.

    All values are relative to the reference: comparisons say nothing about the level of a reward.

    Attributes
    ----------
    policy : ndarray
        Action probabilities, shape (X, A), (S, A) or (H, S, A); action ids without the last axis where the best policy
        found is deterministic.
    lower : float
        Its lower confidence bound :math:`\min_{\theta} (u - v) \cdot \theta` over the confidence set: if the set holds
        the true parameter, the policy is worth at least this much more than the reference. Exact up to rounding.
    value : float
        Its estimated value :math:`(u - v) \cdot \hat\theta`.
    gap : float
        No policy has a lower confidence bound above ``lower + gap``; proved by planning against the worst parameter,
        whatever the solver did. For "pointwise" it is what that method gave away.
    worst : ndarray, shape (d,)
        The parameter of the confidence set that is worst for it.
    feature : ndarray, shape (d,)
        Its mean feature ``u``.
    reference : ndarray, shape (d,)
        ``v``.
    region : ConfidenceSet
        The confidence set.
    method, inner : str
        How it was found.
    converged : bool
        Whether `gap` meets the tolerance; not asked of "deterministic" and "pointwise".
    message : str
        A sentence.
    """

    policy: Any
    lower: float
    value: float
    gap: float
    worst: Floats
    feature: Floats
    reference: Floats
    region: ConfidenceSet
    method: str
    inner: str
    converged: bool
    message: str

    @property
    def is_deterministic(self) -> bool:
        """Whether the policy draws no actions."""
        return bool(self.policy.dtype.kind == "i")

    def __repr__(self) -> str:
        kind = "deterministic" if self.is_deterministic else "randomized"
        numbers = f"lower={self.lower:.6g}, value={self.value:.6g}, gap={self.gap:.2g}"
        return f"PessimisticPolicy({kind}, {numbers}, {self.method})"
