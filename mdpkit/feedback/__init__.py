"""What a learner may observe of a model: samples, episodes, logged data, comparisons and pulls, each counted."""

from mdpkit.feedback.bandit import BanditFeedback
from mdpkit.feedback.dataset import OfflineDataset, collect
from mdpkit.feedback.generative import GenerativeModel
from mdpkit.feedback.linear_preferences import LinearPairs, LinearRankings
from mdpkit.feedback.oracles import (
    ActionOracle,
    ComparisonOracle,
    ItemOracle,
    TrajectoryOracle,
    trajectory_features,
)
from mdpkit.feedback.pairs import PairCounts, PairList
from mdpkit.feedback.rankings import Rankings, TopChoices
from mdpkit.feedback.simulator import EpisodicSimulator, Step

__all__ = [
    "ActionOracle",
    "BanditFeedback",
    "ComparisonOracle",
    "EpisodicSimulator",
    "GenerativeModel",
    "ItemOracle",
    "LinearPairs",
    "LinearRankings",
    "OfflineDataset",
    "PairCounts",
    "PairList",
    "Rankings",
    "Step",
    "TopChoices",
    "TrajectoryOracle",
    "collect",
    "trajectory_features",
]
