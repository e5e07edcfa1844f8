"""Theorems as numbers: every bound the package uses, with what it assumes and where it is proved.

Each is a plain function (``bounds.weissman_radius(n=100, n_successors=5, delta=0.05)``) and an entry of `catalogue`.
"""

# The order of these imports is the order of the catalogue: from the exact to the asymptotic.
# ruff: noqa: I001
from mdpkit.bounds._bound import Bound, BoundValue, catalogue, get
from mdpkit.bounds.contraction import (
    bellman_contraction,
    bellman_span_contraction,
)
from mdpkit.bounds.value_iteration import (
    bellman_residual_error,
    macqueen_porteus_error,
    macqueen_porteus_policy_loss,
    value_iteration_a_posteriori,
    value_iteration_a_priori,
    value_iteration_sweeps,
)
from mdpkit.bounds.policies import (
    approximate_policy_iteration_loss,
    greedy_policy_loss,
    greedy_policy_loss_from_q,
    performance_difference,
    politex_average_loss,
)
from mdpkit.bounds.model_error import (
    accumulated_deviation,
    return_variance,
    simulation_lemma,
    simulation_lemma_span,
)
from mdpkit.bounds.concentration import (
    empirical_bernstein,
    empirical_bernstein_model_error,
    hoeffding_model_error,
    weissman_radius,
    weissman_radius_adaptive,
)
from mdpkit.bounds.sampling import (
    plug_in_error,
    plug_in_policy_loss,
    sampled_value_iteration_error,
    sampled_value_iteration_policy_loss,
)
from mdpkit.bounds.robust import (
    iwocs_policy_loss,
    partial_policy_iteration_loss,
    robust_contraction,
    robust_policy_loss,
    robust_span_error,
    robust_value_iteration_a_priori,
    robust_value_iteration_sweeps,
)
from mdpkit.bounds.uncertainty import (
    hoeffding_robust_radius,
    kl_radius_of_chi_square,
    l1_radius_of_chi_square,
    l1_radius_of_kl,
    l1_radius_sensitivity,
    lp_regularization,
    weissman_robust_radius,
)
from mdpkit.bounds.distributional import (
    cvar_lipschitz,
    distributional_contraction,
    erm_truncation_error,
    return_truncation_error,
)
from mdpkit.bounds.law_approximation import (
    categorical_cramer_error,
    categorical_sampling_rate,
    categorical_variance_bias,
    categorical_wasserstein_error,
    quantile_wasserstein_error,
)
from mdpkit.bounds.stock import (
    distributional_policy_iteration_error,
    distributional_value_iteration_error,
    stock_greedy_loss,
    stock_greedy_loss_a_posteriori,
    stock_greedy_loss_a_priori,
    stock_value_iteration_a_posteriori,
)
from mdpkit.bounds.stock_grid import (
    stock_grid_cvar_error,
    stock_grid_enclosure_error,
    stock_grid_error,
)
from mdpkit.bounds.linear import (
    design_support_size,
    elliptical_potential,
    elliptical_potential_dimension,
    oful_radius,
    oful_radius_dimension,
    oful_regret,
    weighted_regression_error,
)
from mdpkit.bounds.mdvi import (
    mdvi_averaging,
    mdvi_error,
    mdvi_noise,
    mdvi_noise_freedman,
    wls_mdvi_stationary_deviation,
)
from mdpkit.bounds.online import (
    pevi_suboptimality,
    ucbvi_bernstein_regret,
    ucbvi_regret,
)
from mdpkit.bounds.preferences import (
    pair_splitting_efficiency,
    pessimism_loss,
    preference_curvature,
    preference_seminorm_radius,
)
from mdpkit.bounds.preference_rates import (
    pessimism_lower_bound_rate,
    preference_mle_rate,
)
from mdpkit.bounds.rates import (
    linear_mdp_query_lower_bound,
    lsvi_ucb_rate,
    plug_in_rate,
    q_learning_ucb_rate,
    tabular_mdvi_rate,
    vwls_mdvi_rate,
    wls_mdvi_rate,
)

__all__ = [
    "Bound",
    "BoundValue",
    "catalogue",
    "get",
    "bellman_contraction",
    "bellman_span_contraction",
    "bellman_residual_error",
    "macqueen_porteus_error",
    "macqueen_porteus_policy_loss",
    "value_iteration_a_posteriori",
    "value_iteration_a_priori",
    "value_iteration_sweeps",
    "approximate_policy_iteration_loss",
    "greedy_policy_loss",
    "greedy_policy_loss_from_q",
    "performance_difference",
    "politex_average_loss",
    "accumulated_deviation",
    "return_variance",
    "simulation_lemma",
    "simulation_lemma_span",
    "empirical_bernstein",
    "empirical_bernstein_model_error",
    "hoeffding_model_error",
    "weissman_radius",
    "weissman_radius_adaptive",
    "plug_in_error",
    "plug_in_policy_loss",
    "sampled_value_iteration_error",
    "sampled_value_iteration_policy_loss",
    "iwocs_policy_loss",
    "partial_policy_iteration_loss",
    "robust_contraction",
    "robust_policy_loss",
    "robust_span_error",
    "robust_value_iteration_a_priori",
    "robust_value_iteration_sweeps",
    "hoeffding_robust_radius",
    "kl_radius_of_chi_square",
    "l1_radius_of_chi_square",
    "l1_radius_of_kl",
    "l1_radius_sensitivity",
    "lp_regularization",
    "weissman_robust_radius",
    "cvar_lipschitz",
    "distributional_contraction",
    "erm_truncation_error",
    "return_truncation_error",
    "categorical_cramer_error",
    "categorical_sampling_rate",
    "categorical_variance_bias",
    "categorical_wasserstein_error",
    "quantile_wasserstein_error",
    "distributional_policy_iteration_error",
    "distributional_value_iteration_error",
    "stock_greedy_loss",
    "stock_greedy_loss_a_posteriori",
    "stock_greedy_loss_a_priori",
    "stock_value_iteration_a_posteriori",
    "stock_grid_cvar_error",
    "stock_grid_enclosure_error",
    "stock_grid_error",
    "design_support_size",
    "elliptical_potential",
    "elliptical_potential_dimension",
    "oful_radius",
    "oful_radius_dimension",
    "oful_regret",
    "weighted_regression_error",
    "mdvi_averaging",
    "mdvi_error",
    "mdvi_noise",
    "mdvi_noise_freedman",
    "wls_mdvi_stationary_deviation",
    "pevi_suboptimality",
    "ucbvi_bernstein_regret",
    "ucbvi_regret",
    "pair_splitting_efficiency",
    "pessimism_loss",
    "pessimism_lower_bound_rate",
    "preference_curvature",
    "preference_mle_rate",
    "preference_seminorm_radius",
    "linear_mdp_query_lower_bound",
    "lsvi_ucb_rate",
    "plug_in_rate",
    "q_learning_ucb_rate",
    "tabular_mdvi_rate",
    "vwls_mdvi_rate",
    "wls_mdvi_rate",
]
