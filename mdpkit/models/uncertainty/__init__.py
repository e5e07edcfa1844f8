"""Uncertainty sets: which kernels nature may choose around a nominal model."""

from mdpkit.models.uncertainty.balls import L1Ball, L2Ball, LinfBall
from mdpkit.models.uncertainty.base import UncertaintySet
from mdpkit.models.uncertainty.convex_sets import Contamination, ConvexSet, CVaRSet, IntervalSet
from mdpkit.models.uncertainty.divergences import ChiSquareBall, KLBall, ReverseKLBall
from mdpkit.models.uncertainty.finite_set import FiniteSet
from mdpkit.models.uncertainty.rewards import RewardBall
from mdpkit.models.uncertainty.transport import WassersteinBall

__all__ = [
    "CVaRSet",
    "ChiSquareBall",
    "Contamination",
    "ConvexSet",
    "FiniteSet",
    "IntervalSet",
    "KLBall",
    "L1Ball",
    "L2Ball",
    "LinfBall",
    "ReverseKLBall",
    "RewardBall",
    "UncertaintySet",
    "WassersteinBall",
]
