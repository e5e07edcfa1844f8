"""From an uncertainty set to the solver of its inner problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mdpkit.errors import UnknownOptionError
from mdpkit.models import (
    ChiSquareBall,
    Contamination,
    ConvexSet,
    CVaRSet,
    FiniteSet,
    IntervalSet,
    KLBall,
    L1Ball,
    L2Ball,
    LinfBall,
    ReverseKLBall,
    RewardBall,
    RobustMDP,
    TabularMDP,
    WassersteinBall,
)
from mdpkit.robust.inner import (
    chi_square,
    contamination,
    convex,
    finite,
    interval,
    kl,
    l2,
    reverse_kl,
    reward,
    wasserstein,
    weighted_l1,
)
from mdpkit.robust.inner.base import Inner

Builder = Callable[[RobustMDP, TabularMDP, Any, float], Inner]
"""``build(problem, model, uncertainty, sign)``, beside the class it builds."""


def inner_problem(problem: RobustMDP, stage: int = 0) -> Inner:
    """Return the inner problem of one stage of an (s,a)-rectangular problem (a discounted problem has one)."""
    model, uncertainty = problem.stages[stage], problem.sets[stage]
    sign = 1.0 if problem.nature == "adversarial" else -1.0
    for kind in type(uncertainty).__mro__:
        if kind in BUILDERS:
            return BUILDERS[kind](problem, model, uncertainty, sign)
    raise UnknownOptionError(
        f"there is no inner solver for {type(uncertainty).__name__}", argument="uncertainty", value=uncertainty
    )


BUILDERS: dict[type, Builder] = {
    L1Ball: weighted_l1.build,
    LinfBall: interval.build_linf,
    IntervalSet: interval.build,
    CVaRSet: interval.build_cvar,
    Contamination: contamination.build,
    FiniteSet: finite.build,
    WassersteinBall: wasserstein.build,
    ConvexSet: convex.build,
    L2Ball: l2.build,
    KLBall: kl.build,
    ReverseKLBall: reverse_kl.build,
    RewardBall: reward.build,
    ChiSquareBall: chi_square.build,
}
