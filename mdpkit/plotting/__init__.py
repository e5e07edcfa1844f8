"""The house style and the plots people ask for: value heat maps, model graphs, convergence curves, laws of returns."""

from mdpkit.plotting.convergence import convergence
from mdpkit.plotting.heatmap import ACTION_ORDERS, value_heatmap
from mdpkit.plotting.laws import law_cdf, law_stems
from mdpkit.plotting.model_graph import model_graph
from mdpkit.plotting.stock_policy import policy_over_stock
from mdpkit.plotting.style import COLORS, STYLE, style, use_style

__all__ = [
    "ACTION_ORDERS",
    "COLORS",
    "STYLE",
    "convergence",
    "law_cdf",
    "law_stems",
    "model_graph",
    "policy_over_stock",
    "style",
    "use_style",
    "value_heatmap",
]
