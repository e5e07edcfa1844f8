"""Learning from comparisons: Bradley-Terry-Luce and Plackett-Luce, confidence sets, pessimism, inverse planning."""

from mdpkit.preferences.efficiency import (
    PLEfficiency,
    pairsplit_asymptotic_cov,
    pl_asymptotic_cov,
    pl_efficiency,
    pl_efficiency_equal,
    pl_fisher,
)
from mdpkit.preferences.existence import Existence, mle_exists
from mdpkit.preferences.irl import MaxEntFit, causal_maxent_irl, maxent_irl
from mdpkit.preferences.likelihood import Likelihood, negative_log_likelihood, ranking_log_probability
from mdpkit.preferences.pessimism import PessimisticPolicy, mean_feature, pessimistic_policy
from mdpkit.preferences.rewards import (
    ConfidenceSet,
    PreferenceDesign,
    RewardFit,
    confidence_set,
    fit_reward,
    seminorm_radius,
)
from mdpkit.preferences.strengths import StrengthFit, choicerank, fit_strengths

__all__ = [
    "ConfidenceSet",
    "Existence",
    "Likelihood",
    "MaxEntFit",
    "PLEfficiency",
    "PessimisticPolicy",
    "PreferenceDesign",
    "RewardFit",
    "StrengthFit",
    "causal_maxent_irl",
    "choicerank",
    "confidence_set",
    "fit_reward",
    "fit_strengths",
    "maxent_irl",
    "mean_feature",
    "mle_exists",
    "negative_log_likelihood",
    "pairsplit_asymptotic_cov",
    "pessimistic_policy",
    "pl_asymptotic_cov",
    "pl_efficiency",
    "pl_efficiency_equal",
    "pl_fisher",
    "ranking_log_probability",
    "seminorm_radius",
]
