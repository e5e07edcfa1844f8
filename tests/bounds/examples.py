"""One admissible call of every bound of the catalogue."""

from __future__ import annotations

from typing import Any

RUN: dict[str, Any] = {
    "gamma": 0.9, "alpha": 0.8, "k": 5, "iterations": 9, "n": 50, "n_pairs": 6, "delta": 0.1, "value_range": 7.0,
}  # fmt: skip
SAMPLES: dict[str, Any] = {"gamma": 0.9, "n": 50, "n_pairs": 6, "delta": 0.1}
EPISODES: dict[str, Any] = {"n_states": 5, "n_actions": 3, "horizon": 10, "episodes": 1000, "delta": 0.05}

EXAMPLES: dict[str, dict[str, Any]] = {
    "bellman_contraction": {"gamma": 0.9, "distance": 2.0},
    "bellman_span_contraction": {"gamma": 0.9, "span": 2.0, "overlap": 0.25},
    "value_iteration_a_priori": {"gamma": 0.9, "iterations": 7, "first_step": 1.0},
    "value_iteration_a_posteriori": {"gamma": 0.9, "last_step": 0.5},
    "bellman_residual_error": {"gamma": 0.9, "residual": 0.5},
    "macqueen_porteus_error": {"gamma": 0.9, "span": 0.5},
    "macqueen_porteus_policy_loss": {"gamma": 0.9, "span": 0.5},
    "value_iteration_sweeps": {"gamma": 0.9, "tol": 1e-3, "span": 1.0},
    "greedy_policy_loss": {"gamma": 0.9, "error": 0.5},
    "greedy_policy_loss_from_q": {"gamma": 0.9, "error": 0.5},
    "performance_difference": {"occupancy": [0.5, 1.5], "advantage": [-1.0, 2.0]},
    "approximate_policy_iteration_loss": {"gamma": 0.9, "iterations": 7, "error": 0.01},
    "politex_average_loss": {"gamma": 0.9, "iterations": 700, "n_actions": 3, "error": 0.01},
    "simulation_lemma": {
        "gamma": 0.9, "reward_error": 0.1, "transition_error": 0.2, "value_max": 7.0, "reward_range": 1.0,
    },
    "simulation_lemma_span": {
        "gamma": 0.9, "reward_error": 0.1, "transition_error": 0.2, "span": 7.0, "reward_range": 1.0,
    },
    "return_variance": {"gamma": 0.9, "reward_range": 2.0},
    "accumulated_deviation": {"gamma": 0.9, "reward_range": 2.0},
    "hoeffding_model_error": {"n": 50, "delta": 0.1, "value_range": 7.0, "n_pairs": 6},
    "empirical_bernstein": {"n": 50, "sample_variance": 0.5, "delta": 0.1, "value_range": 7.0},
    "empirical_bernstein_model_error": {
        "n": 50, "sample_variance": 0.5, "delta": 0.1, "value_range": 7.0, "n_pairs": 6,
    },
    "weissman_radius": {"n": 50, "n_successors": 4, "delta": 0.1, "n_pairs": 6},
    "weissman_radius_adaptive": {"n": 50, "n_successors": 4, "delta": 0.1, "n_pairs": 6, "n_max": 100},
    "plug_in_error": {**SAMPLES, "reward_range": 2.0},
    "plug_in_policy_loss": {**SAMPLES, "reward_range": 2.0},
    "sampled_value_iteration_error": {**SAMPLES, "iterations": 9},
    "sampled_value_iteration_policy_loss": {**SAMPLES, "iterations": 9},
    "robust_contraction": {"gamma": 0.9, "distance": 2.0},
    "robust_span_error": {"gamma": 0.9, "span": 0.5, "inner_error": 0.01},
    "robust_policy_loss": {"gamma": 0.9, "span": 0.5, "inner_error": 0.01},
    "robust_value_iteration_a_priori": {"gamma": 0.9, "iterations": 7, "first_step": 1.0},
    "robust_value_iteration_sweeps": {"gamma": 0.9, "tol": 1e-3, "first_step": 1.0},
    "partial_policy_iteration_loss": {
        "gamma": 0.9, "iterations": 7, "first_loss": 3.0, "first_tolerance": 0.5, "power": 2.5,
    },
    "iwocs_policy_loss": {"upper": [4.4, 4.25], "lower": [-10.5, 3.5]},
    "l1_radius_sensitivity": {"gamma": 0.9, "radius": 0.2, "span": 3.0},
    "l1_radius_of_kl": {"radius": 0.2},
    "l1_radius_of_chi_square": {"radius": 0.2},
    "kl_radius_of_chi_square": {"radius": 0.2},
    "lp_regularization": {"payoff": [0.0, 1.0, 4.0], "radius": 0.2, "norm": "l2"},
    "weissman_robust_radius": {"n": 50, "n_states": 4, "n_actions": 3, "delta": 0.1},
    "hoeffding_robust_radius": {"n": 50, "n_states": 4, "n_actions": 3, "delta": 0.1},
    "elliptical_potential": {"log_det_ratio": 3.0, "n": 20},
    "elliptical_potential_dimension": {"n": 20, "d": 2, "lam": 0.5, "feature_bound": 2.0},
    "oful_radius": {"log_det_ratio": 3.0, "delta": 0.1, "lam": 0.5, "noise": 0.3, "parameter_bound": 2.0},
    "oful_radius_dimension": {
        "t": 20, "d": 2, "delta": 0.1, "lam": 0.5, "noise": 0.3, "parameter_bound": 2.0, "feature_bound": 2.0,
    },
    "oful_regret": {"n": 1000, "radius": 3.0, "log_det_ratio": 5.0},
    "weighted_regression_error": {"design_value": 4.0, "noise": 0.1},
    "design_support_size": {"d": 3},
    "mdvi_error": {"gamma": 0.9, "alpha": 0.8, "noise": [0.1, 0.2, 0.3], "value_max": 8.0},
    "mdvi_noise": RUN,
    "mdvi_noise_freedman": {**RUN, "variance": 2.0},
    "mdvi_averaging": {"alpha": 0.8},
    "wls_mdvi_stationary_deviation": {"gamma": 0.9, "stay": 0.95, "standard_error": 0.1},
    "ucbvi_regret": EPISODES,
    "ucbvi_bernstein_regret": EPISODES,
    "pevi_suboptimality": {"occupancy": [0.5, 0.5], "penalty": [0.1, 0.2], "horizon": 3.0},
    "tabular_mdvi_rate": {"n_states": 5, "n_actions": 3, "horizon": 10.0, "eps": 0.1},
    "plug_in_rate": {"n_states": 5, "n_actions": 3, "horizon": 10.0, "eps": 0.1},
    "wls_mdvi_rate": {"d": 4, "horizon": 10.0, "eps": 0.1},
    "vwls_mdvi_rate": {"d": 4, "horizon": 10.0, "eps": 0.1},
    "lsvi_ucb_rate": {"d": 4, "horizon": 10.0, "steps": 1e4},
    "q_learning_ucb_rate": {"n_states": 5, "n_actions": 3, "horizon": 10.0, "steps": 1e4},
    "linear_mdp_query_lower_bound": {"gamma": 0.9, "d": 4, "eps": 0.1, "delta": 0.05},
}  # fmt: skip
