"""The house style and the plots people ask for: value heat maps, graphs of small models, convergence curves."""

from mdpkit.plotting.convergence import convergence
from mdpkit.plotting.heatmap import ACTION_ORDERS, value_heatmap
from mdpkit.plotting.model_graph import model_graph
from mdpkit.plotting.style import COLORS, STYLE, style, use_style

__all__ = ["ACTION_ORDERS", "COLORS", "STYLE", "convergence", "model_graph", "style", "use_style", "value_heatmap"]
