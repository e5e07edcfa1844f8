"""Policies with guarantees from comparisons."""

from mdpkit.preferences.pessimism.front import pessimistic_policy
from mdpkit.preferences.pessimism.result import PessimisticPolicy

__all__ = ["PessimisticPolicy", "pessimistic_policy"]
