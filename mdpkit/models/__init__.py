"""Decision problems, written down exactly: immutable, validated, with no algorithm inside."""

from mdpkit.models.finite_horizon import FiniteHorizonMDP
from mdpkit.models.outcomes import Outcomes
from mdpkit.models.policy_objects import MixturePolicy, NonStationaryPolicy
from mdpkit.models.reward_process import MarkovRewardProcess
from mdpkit.models.tabular import TabularMDP

__all__ = ["FiniteHorizonMDP", "MarkovRewardProcess", "MixturePolicy", "NonStationaryPolicy", "Outcomes", "TabularMDP"]
