"""Least squares on features: growing ridge designs with confidence radii, and optimal designs of experiments."""

from mdpkit.regression.core_size import core_size_bound, todd_core_size_bound
from mdpkit.regression.optimal_design import Design, SingularDesignError, g_optimal_design
from mdpkit.regression.ridge import RidgeDesign

__all__ = [
    "Design",
    "RidgeDesign",
    "SingularDesignError",
    "core_size_bound",
    "g_optimal_design",
    "todd_core_size_bound",
]
