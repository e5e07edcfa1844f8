"""Decision problems, written down exactly: immutable, validated, with no algorithm inside."""

from mdpkit.models.bandits import FiniteArmedBandit, LinearBandit
from mdpkit.models.contextual_bandit import ContextualBandit
from mdpkit.models.finite_horizon import FiniteHorizonMDP
from mdpkit.models.linear_mdp import LinearMDP
from mdpkit.models.linear_mixture import LinearMixtureMDP
from mdpkit.models.outcomes import Outcomes
from mdpkit.models.policy_objects import MixturePolicy, NonStationaryPolicy
from mdpkit.models.reward_process import MarkovRewardProcess
from mdpkit.models.tabular import TabularMDP

__all__ = [
    "ContextualBandit",
    "FiniteArmedBandit",
    "FiniteHorizonMDP",
    "LinearBandit",
    "LinearMDP",
    "LinearMixtureMDP",
    "MarkovRewardProcess",
    "MixturePolicy",
    "NonStationaryPolicy",
    "Outcomes",
    "TabularMDP",
]
