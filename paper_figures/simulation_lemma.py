"""The change of a value under a perturbed model, against the simulation lemma."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "How tight is the simulation lemma?"
CAPTION = (
    "Change of a policy's value when its transitions are mixed with others, divided by what the lemma allows: the form "
    "with the largest value and the form with the span. Medians over seeds, bands from least to most; the "
    "tight instance confuses two absorbing states and has no randomness."
)
FAMILY = "bounds"
SOURCE = "Kearns and Singh 2002, Lemma 4"
PAPER = "Kearns & Singh 2002"
EXPERIMENTS = ("simulation_lemma",)


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw measured / bound against the size of the perturbation."""
    data = tables["simulation_lemma"].copy()
    data["plain"] = data["measured"] / data["bound"]
    data["span"] = data["measured"] / data["span_bound"]
    groups = list(data.groupby(["model", "gamma"]))
    with style():
        figure = Figure(figsize=(9.5, 3.8))
        axes = figure.subplots(1, 2, sharey=True)
        for ax, column, title in zip(axes, ("plain", "span"), ("largest value", "span of the values"), strict=True):
            for ((model, gamma), run), color in zip(groups, COLORS, strict=False):
                spread = run.groupby("size")[column].quantile([0.0, 0.5, 1.0]).unstack()
                ax.fill_between(spread.index, spread[0.0], spread[1.0], color=color, alpha=0.2, linewidth=0)
                ax.plot(
                    spread.index, spread[0.5], "o-", color=color, markersize=4, label=f"{model}, $\\gamma$ = {gamma:g}"
                )
            ax.axhline(1.0, color="0.4", linestyle="--", linewidth=1)
            ax.set(xscale="log", yscale="log", xlabel="size of the perturbation", title=f"Bound with the {title}")
        axes[0].set_ylabel("measured / bound")
        axes[1].legend(loc="lower left")
    worst = {column: float(data[column].max()) for column in ("plain", "span")}
    tight = float(data[data["model"] == "tight"]["span"].max())
    return figure, [
        Claim(
            "no change of value exceeds the lemma's plain form (largest ratio)",
            worst["plain"],
            1.0,
            held=worst["plain"] <= 1.0,
            source=SOURCE,
        ),
        Claim(
            "nor its span form (largest ratio)",
            worst["span"],
            1.0,
            held=worst["span"] <= 1.0 + 1e-12,
            source="mdpkit.bounds.simulation_lemma_span; 1e-12 allows for rounding in the two linear solves",
        ),
        Claim(
            "the span form cannot be improved by a constant: the tight instance reaches this share of it",
            tight,
            0.9,
            held=tight >= 0.9,
            source="two absorbing states confused with probability p: ratio 1 / (1 + 2 gamma p / (1 - gamma))",
        ),
    ]
