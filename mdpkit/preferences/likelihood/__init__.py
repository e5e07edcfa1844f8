"""Likelihoods of comparisons: values, gradients and Hessians."""

from mdpkit.preferences.likelihood.front import Likelihood, negative_log_likelihood, ranking_log_probability
from mdpkit.preferences.likelihood.order_table import OrderTable
from mdpkit.preferences.likelihood.pair_table import PairTable
from mdpkit.preferences.likelihood.read import ItemData, ItemTable, add_half_ties, check_item_data, read_items

__all__ = [
    "ItemData",
    "ItemTable",
    "Likelihood",
    "OrderTable",
    "PairTable",
    "add_half_ties",
    "check_item_data",
    "negative_log_likelihood",
    "ranking_log_probability",
    "read_items",
]
