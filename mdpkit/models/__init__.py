"""Decision problems, written down exactly: immutable, validated, with no algorithm inside."""

from mdpkit.models.bandits import FiniteArmedBandit, LinearBandit
from mdpkit.models.contextual_bandit import ContextualBandit
from mdpkit.models.finite_horizon import FiniteHorizonMDP
from mdpkit.models.linear_mdp import LinearMDP
from mdpkit.models.linear_mixture import LinearMixtureMDP
from mdpkit.models.model_set import ModelSet
from mdpkit.models.outcomes import Outcomes
from mdpkit.models.policy_objects import MixturePolicy, NonStationaryPolicy
from mdpkit.models.reward_process import MarkovRewardProcess
from mdpkit.models.robust_mdp import RobustMDP
from mdpkit.models.tabular import TabularMDP
from mdpkit.models.uncertainty import (
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
    UncertaintySet,
    WassersteinBall,
)

__all__ = [
    "CVaRSet",
    "ChiSquareBall",
    "Contamination",
    "ContextualBandit",
    "ConvexSet",
    "FiniteArmedBandit",
    "FiniteHorizonMDP",
    "FiniteSet",
    "IntervalSet",
    "KLBall",
    "L1Ball",
    "L2Ball",
    "LinearBandit",
    "LinearMDP",
    "LinearMixtureMDP",
    "LinfBall",
    "MarkovRewardProcess",
    "MixturePolicy",
    "ModelSet",
    "NonStationaryPolicy",
    "Outcomes",
    "ReverseKLBall",
    "RewardBall",
    "RobustMDP",
    "TabularMDP",
    "UncertaintySet",
    "WassersteinBall",
]
