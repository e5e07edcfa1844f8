"""Inverse planning: utilities from demonstrations, as choices among trajectories."""

from mdpkit.preferences.irl.maxent import causal_maxent_irl, maxent_irl
from mdpkit.preferences.irl.result import MaxEntFit

__all__ = ["MaxEntFit", "causal_maxent_irl", "maxent_irl"]
