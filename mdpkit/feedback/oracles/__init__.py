"""Oracles that say which of the things they are shown is better: items, actions, trajectories."""

from mdpkit.feedback.oracles.actions import ActionOracle
from mdpkit.feedback.oracles.comparison import ComparisonOracle
from mdpkit.feedback.oracles.features import trajectory_features
from mdpkit.feedback.oracles.items import ItemOracle
from mdpkit.feedback.oracles.trajectories import TrajectoryOracle

__all__ = ["ActionOracle", "ComparisonOracle", "ItemOracle", "TrajectoryOracle", "trajectory_features"]
