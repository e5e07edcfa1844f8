"""Planning in the empirical model: error against samples, with the rate and the bound evaluated."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments.plug_in_planning import DELTA
from mdpkit.sweeps import Claim
from paper_figures._rates import rate_figure

TITLE = "Planning in the empirical model"
CAPTION = (
    "Sup-norm error of the optimal values of the empirical model, drawn afresh for every point; the band holds 80 % of "
    "the runs (one per seed). Dashed: the plug-in bound with its constants, at failure probability 0.1."
)
FAMILY = "bounds"
SOURCE = "Azar, Munos and Kappen 2013 (rate); the bound is proved in its docstring"
PAPER = "Azar et al. 2013"
EXPERIMENTS = ("plug_in_planning",)
TITLES = {"frozen_lake": "FrozenLake 8x8, $\\gamma$ = 0.99", "garnet_small": "Garnet 30/3/4, $\\gamma$ = 0.9"}


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one panel per problem."""
    return rate_figure(
        tables["plug_in_planning"],
        TITLES,
        DELTA,
        ylabel="error of the values (sup-norm)",
        source="Azar, Munos and Kappen 2013",
    )
