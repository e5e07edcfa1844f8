"""Value iteration on fresh samples, against its bound."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.plug_in_planning import DELTA
from mdpkit.sweeps import Claim
from paper_figures._rates import rate_figure

TITLE = "Sampled value iteration"
CAPTION = (
    "Sup-norm error of the action values after 12 / (1 - gamma) iterations with fresh samples in each; the band holds "
    "80 % of the runs (one per seed). Dashed: the bound with its constants, at failure probability 0.1."
)
FAMILY = "bounds"
SOURCE = "Kearns and Singh 1999"
PAPER = "Kearns & Singh 1999"
EXPERIMENTS = ("sampled_value_iteration",)
TITLES = {"garnet_small": "Garnet 30/3/4, $\\gamma$ = 0.9", "river_swim": "RiverSwim 6, $\\gamma$ = 0.95"}


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one panel per problem."""
    return rate_figure(
        tables["sampled_value_iteration"],
        TITLES,
        DELTA,
        ylabel="error of the action values (sup-norm)",
        source="Kearns and Singh 1999",
    )
