"""Policies as convex sets of mean features, one kind of problem per file."""

from mdpkit.preferences.pessimism.spaces.base import PolicySpace
from mdpkit.preferences.pessimism.spaces.read import mean_feature, read_space

__all__ = ["PolicySpace", "mean_feature", "read_space"]
