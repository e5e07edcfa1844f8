"""G-optimal designs in two dimensions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.core_set import TOL
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "Core sets: where a G-optimal design samples"
CAPTION = (
    "Feature vectors (grey) and the design's weights (area of the blue discs), with the ellipse on which the "
    "predictive variance equals the dimension: the Kiefer-Wolfowitz theorem says that it encloses the "
    "features and touches the core set. No randomness beyond one fixed Gaussian cloud."
)
FAMILY = "bounds"
SOURCE = "Kiefer and Wolfowitz 1960"
PAPER = "Kiefer & Wolfowitz 1960"
EXPERIMENTS = ("core_set",)
TITLES = {"polygon": "regular heptagon", "gaussian": "400 Gaussian features", "three": "$e_1$, $e_2$, $e_1 + e_2$"}


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one panel per cloud."""
    data = tables["core_set"]
    with style():
        figure = Figure(figsize=(11, 4))
        for ax, (name, title) in zip(figure.subplots(1, 3), TITLES.items(), strict=True):
            run = data[data["cloud"] == name]
            ax.plot(run["x"], run["y"], ".", color="0.45", markersize=4 if len(run) > 20 else 9, zorder=4)
            core = run[run["rho"] > 0]
            ax.scatter(core["x"], core["y"], s=600 * core["rho"], color=COLORS[0], alpha=0.8, zorder=3)
            circle = np.sqrt(2.0) * np.array([np.cos(t := np.linspace(0, 2 * np.pi, 200)), np.sin(t)])
            edge = np.linalg.cholesky(_gram(run)) @ circle
            ax.plot(edge[0], edge[1], color=COLORS[1])
            ax.set(aspect="equal", title=f"{title}: {len(core)} in the core", xlabel="feature 1")
        figure.axes[0].set_ylabel("feature 2")
    return figure, _claims(data)


def _gram(run: pd.DataFrame) -> np.ndarray:
    first = run.iloc[0]
    return np.array([[first["G_xx"], first["G_xy"]], [first["G_xy"], first["G_yy"]]])


def _claims(data: pd.DataFrame) -> list[Claim]:
    worst = float(data["g_max"].max())
    polygon, three = (data[data["cloud"] == name] for name in ("polygon", "three"))
    isotropy = float(np.max(np.abs(_gram(polygon) - np.eye(2) / 2)))
    uniform = float(np.max(np.abs(three["rho"] - 1 / 3)))
    least = float(2.0 - data.groupby("cloud")["g_max"].first().min())
    return [
        Claim(
            "the largest predictive variance is the dimension, 2, up to the tolerance",
            worst,
            2 * (1 + TOL),
            held=worst <= 2 * (1 + TOL) + 1e-9 and least <= 1e-9,
            source="Kiefer and Wolfowitz 1960: the minimum is exactly d",
        ),
        Claim(
            "regular polygon: G = I / 2 (largest entry of the difference)",
            isotropy,
            1e-5,
            held=isotropy <= 1e-5,
            source="symmetry",
        ),
        Claim(
            "e1, e2, e1 + e2: weights 1/3 each (largest difference)",
            uniform,
            1e-5,
            held=uniform <= 1e-5,
            source="closed form: every leverage is then 2",
        ),
    ]
