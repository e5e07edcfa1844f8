"""Optimizing utilities of the return on states augmented by a stock."""

from mdpkit.distributional.stock.finite_horizon import StockPlan, optimize_stock
from mdpkit.distributional.stock.policy import PlanPolicy, StockPolicy
from mdpkit.distributional.stock.solution import StockSolution
from mdpkit.distributional.stock.utility import Utility
from mdpkit.distributional.stock.value_iteration import stock_policy_iteration, stock_value_iteration

__all__ = [
    "PlanPolicy",
    "StockPlan",
    "StockPolicy",
    "StockSolution",
    "Utility",
    "optimize_stock",
    "stock_policy_iteration",
    "stock_value_iteration",
]
