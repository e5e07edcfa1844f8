"""Policies with guarantees from comparisons."""

from mdpkit.preferences.pessimism.front import pessimistic_policy
from mdpkit.preferences.pessimism.result import PessimisticPolicy
from mdpkit.preferences.pessimism.spaces import mean_feature

__all__ = ["PessimisticPolicy", "mean_feature", "pessimistic_policy"]
