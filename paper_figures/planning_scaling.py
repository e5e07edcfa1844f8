"""Time to a certified answer against the number of states."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.planning_scaling import METHODS, TOL
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "Time to a certified 1e-6"
CAPTION = (
    "Seconds for one solve on one core, model built and kernels compiled beforehand (best of five up to 10^4 states, "
    "one run beyond), discount 0.99. Slopes are least-squares fits over sizes of at least 1000 states. Measured on the "
    "machine named in the report; nothing depends on it."
)
FAMILY = "planning"
SOURCE = "measured"
PAPER = "measured"
EXPERIMENTS = ("planning_scaling",)
PANELS = {"garnet": "Garnet, 5 actions, 5 successors", "grid": "Slippery grid, 4 actions, 3 successors"}


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one panel per family of models."""
    data = tables["planning_scaling"]
    claims = []
    with style():
        figure = Figure(figsize=(9.5, 4))
        axes = figure.subplots(1, 2, sharey=True)
        for ax, (family, title) in zip(axes, PANELS.items(), strict=True):
            for method, color in zip(METHODS, COLORS, strict=False):
                run = data[(data["family"] == family) & (data["method"] == method)].sort_values("states")
                slope, intercept = _fit(run)
                name = "auto" if method == "auto" else method.replace("_", " ")
                label = f"{name}: slope {slope:.2f}"
                ax.plot(run["states"], run["seconds"], "o", color=color)
                line = run["states"][run["states"] >= 1000]
                ax.plot(line, np.exp(intercept) * line**slope, color=color, label=label)
                claims.append(
                    Claim(
                        f"{title}: {name} takes this many seconds at {int(run['states'].max()):,} states "
                        f"(log-log slope {slope:.2f})",
                        float(run["seconds"].iloc[-1]),
                        None,
                        held=True,
                        kind="timing",
                        source="measured",
                    )
                )
            ax.set(xscale="log", yscale="log", xlabel="states", title=title)
            ax.legend(loc="upper left")
        axes[0].set_ylabel("seconds")
    failed = int((~data["converged"].astype(bool) | (data["half_width"] > TOL)).sum())
    claims.insert(
        0,
        Claim(
            "every one of these answers is certified to 1e-6 (answers that are not)",
            failed,
            0,
            held=failed == 0,
            source="the certificate of each solution",
        ),
    )
    return figure, claims


def _fit(run: pd.DataFrame) -> tuple[float, float]:
    large = run[run["states"] >= 1000]
    slope, intercept = np.polyfit(np.log(large["states"]), np.log(large["seconds"]), 1)
    return float(slope), float(intercept)
