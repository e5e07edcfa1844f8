"""The certified width shrinks at least by gamma at every sweep."""

import numpy as np
from matplotlib.figure import Figure

from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "The span shrinks faster than gamma"
CAPTION = "Certified half width against sweeps of value iteration on random models; every line is one seed."
FAMILY = "planning"
SOURCE = "Puterman 1994, section 6.6"
PAPER = "Puterman 1994"
EXPERIMENTS = ("contraction",)


def draw(tables):
    """Draw every run, and check the rate on all of them."""
    data = tables["contraction"]
    ratios = []
    with style():
        figure = Figure(figsize=(6, 3.8))
        ax = figure.subplots()
        for color, (_, model) in zip(COLORS, data.groupby("branching"), strict=False):
            for _, seed in model.groupby("seed"):
                ax.semilogy(seed["sweep"], seed["half_width"], lw=0.8, color=color)
                width = seed["half_width"].to_numpy()
                ratios.append(np.max(width[1:] / width[:-1]))
        ax.set(xlabel="sweeps", ylabel="certified half width")
    worst, gamma = max(ratios), data["gamma"].iloc[0]
    return figure, [
        Claim(
            "the certified width shrinks at least by gamma at every sweep (largest ratio)",
            worst,
            gamma * (1 + 1e-6),
            held=worst <= gamma * (1 + 1e-6),
            source="Puterman 1994, section 6.6: the span contracts by gamma; 1e-6 allows for rounding",
        ),
        Claim(
            "median over the runs of their largest ratio",
            np.median(ratios),
            None,
            held=True,
            kind="descriptive",
            source="measured",
        ),
    ]
