"""What is to be optimized."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Discounted"]


@dataclass(frozen=True, slots=True)
class Discounted:
    """Maximize the expected discounted return ``E[sum_t gamma^t r_t]``; the default for a `TabularMDP`.

    The discount factor is the model's own.

    Examples
    --------
    >>> import mdpkit
    >>> mdpkit.solve(mdpkit.problems.two_state(gamma=0.9), mdpkit.Discounted()).policy.tolist()
    [1, 0]
    """
