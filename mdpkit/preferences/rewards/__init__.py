"""Linear rewards from comparisons, with confidence sets."""

from mdpkit.preferences.rewards.confidence import ConfidenceSet, confidence_set, seminorm_radius
from mdpkit.preferences.rewards.design import PreferenceDesign
from mdpkit.preferences.rewards.fit import fit_reward
from mdpkit.preferences.rewards.result import RewardFit

__all__ = ["ConfidenceSet", "PreferenceDesign", "RewardFit", "confidence_set", "fit_reward", "seminorm_radius"]
