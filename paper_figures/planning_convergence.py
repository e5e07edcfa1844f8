"""Error and certified width against sweeps, with the theoretical rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments._planning_problems import TITLES
from experiments.planning_convergence import METHODS
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "What four planners know after every certificate"
CAPTION = (
    "Sup-norm error of the reported midpoint (solid) and its certified bound (dashed) against work, in passes over the "
    "whole model, for gymnasium's toy-text tables, a random Garnet and RiverSwim. Grey: the rate gamma^n that theory "
    "promises for value iteration, from its first bound. Exact values are proved in rational arithmetic; errors below "
    "one rounding are not drawn. No randomness, no seeds."
)
FAMILY = "planning"
SOURCE = "MacQueen 1966; Porteus 1971; Puterman 1994, section 6.6"
PAPER = "Puterman 1994"
EXPERIMENTS = ("planning_convergence",)
NAMES = {
    "value_iteration": "value iteration",
    "gauss_seidel": "Gauss-Seidel",
    "modified_policy_iteration": "modified policy iteration",
    "policy_iteration": "policy iteration",
}


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one panel per problem."""
    data = tables["planning_convergence"]
    with style():
        figure = Figure(figsize=(11, 6.4))
        axes = figure.subplots(2, 3).reshape(-1)
        for ax, (problem, title) in zip(axes, TITLES.items(), strict=False):
            _panel(ax, data[data["problem"] == problem], title)
        for ax in axes[[0, 3]]:
            ax.set_ylabel("error of V (sup-norm) / max |V*|")
        handles = [
            Line2D([], [], color=color, label=NAMES[method]) for method, color in zip(METHODS, COLORS, strict=False)
        ]
        handles += [
            Line2D([], [], color="0.3", label="measured error"),
            Line2D([], [], color="0.3", linestyle="--", label="certified bound"),
            Line2D([], [], color="0.6", linestyle=":", label="rate $\\gamma^n$"),
        ]
        axes[-1].axis("off")
        axes[-1].legend(handles=handles, loc="center left", fontsize=11)
    return figure, _claims(data)


def _panel(ax, data: pd.DataFrame, title: str) -> None:
    scale, gamma = data["scale"].iloc[0], data["gamma"].iloc[0]
    for method, color in zip(METHODS, COLORS, strict=False):
        run = data[data["method"] == method]
        marker = "o" if len(run) <= 20 else ""
        error = np.where(run["error"] > 1e-15 * scale, run["error"], np.nan) / scale
        ax.plot(run["sweeps"], error, color=color, marker=marker, markersize=3)
        ax.plot(run["sweeps"], run["half_width"] / scale, color=color, linestyle="--", linewidth=1.2)
    first = data[data["method"] == METHODS[0]].iloc[0]
    sweeps = np.linspace(1, data["sweeps"].max(), 200)
    ax.plot(sweeps, first["half_width"] / scale * gamma ** (sweeps - 1), color="0.6", linestyle=":")
    ax.set(yscale="log", xscale="log", xlabel="sweeps over the model", title=f"{title}, $\\gamma$ = {gamma:g}")
    ax.set_ylim(1e-16, None)


def _claims(data: pd.DataFrame) -> list[Claim]:
    certificates = len(data)
    violated = int((~data["contained"].astype(bool)).sum())
    above = int((data["error"] > data["half_width"]).sum())
    rate = _slowest_width(data)
    return [
        Claim(
            f"none of the {certificates} certificates of four methods on five problems misses the exact values",
            violated,
            0,
            held=violated == 0,
            source="MacQueen-Porteus bounds with rounding; exact values proved in rational arithmetic",
        ),
        Claim(
            "the measured error exceeds its certified bound in none of them",
            above,
            0,
            held=above == 0,
            source="MacQueen-Porteus bounds",
        ),
        Claim(
            "the certified width of value iteration shrinks at least by gamma per sweep (largest ratio / gamma)",
            rate,
            1.0 + 1e-6,
            held=rate <= 1.0 + 1e-6,
            source="Puterman 1994, section 6.6: the span contracts by gamma; 1e-6 allows for the rounding floor",
        ),
    ]


def _slowest_width(data: pd.DataFrame) -> float:
    """Largest ratio of successive certified widths of value iteration, relative to gamma, above the rounding floor."""
    worst = 0.0
    for _, run in data[data["method"] == "value_iteration"].groupby("problem"):
        width = run["half_width"].to_numpy()
        above = width[1:] > 1e-7 * run["scale"].iloc[0]
        if above.any():
            worst = max(worst, float(np.max((width[1:] / width[:-1])[above])) / run["gamma"].iloc[0])
    return worst
