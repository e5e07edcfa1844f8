"""Utilities of items from comparisons."""

from mdpkit.preferences.strengths.fit import fit_strengths
from mdpkit.preferences.strengths.network import choicerank
from mdpkit.preferences.strengths.result import StrengthFit

__all__ = ["StrengthFit", "choicerank", "fit_strengths"]
