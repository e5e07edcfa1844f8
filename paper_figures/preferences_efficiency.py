"""What splitting rankings into pairs costs: exact efficiencies by number of items and spread of utilities."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mdpkit.plotting import COLORS, style
from mdpkit.preferences import pl_efficiency_equal
from mdpkit.sweeps import Claim
from paper_figures._preferences import seen

TITLE = "What splitting rankings into pairs costs, by number of items and spread of utilities"
CAPTION = (
    "Limit of the mean squared error of maximum likelihood from rankings of K items, divided by that of the estimate "
    "that takes all pairs of a ranking for independent comparisons: the share of rankings that maximum likelihood "
    "needs for the same precision. Left: equal utilities, closed form in fractions. Right: utilities equally spaced "
    "from -s/2 to s/2, trace ratio of the covariances of the utilities (one-hot features). No sampling: exact up to "
    "rounding."
)
FAMILY = "preferences"
SOURCE = "Zhu, Jiao and Jordan 2023, Theorem 4.3; the closed form is ours"
PAPER = "Zhu et al. 2023"
EXPERIMENTS = ("preferences_efficiency",)
KNOWN = {
    2: Fraction(1),
    3: Fraction(27, 28),
    4: Fraction(108, 115),
    5: Fraction(150, 163),
    6: Fraction(450, 497),
    7: Fraction(2205, 2468),
    8: Fraction(3920, 4437),
}
"""From the eigenvalues of both covariances, by enumeration of all rankings."""
ROUNDING = 1e-12


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw the efficiency at equal utilities, and a heat map over the spread."""
    data = tables["preferences_efficiency"]
    with style():
        figure = Figure(figsize=(10.5, 4.3))
        left, right = figure.subplots(1, 2, width_ratios=[1.0, 1.35])
        _equal(left, data)
        _map(figure, right, data)
    return figure, _claims(data)


def _equal(ax: Any, data: pd.DataFrame) -> None:
    equal = data[data["spread"] == 0.0].sort_values("K")
    fractions = [int(a) / int(b) for a, b in zip(equal["numerator"], equal["denominator"], strict=True)]
    ax.plot(equal["K"], fractions, "-", color=COLORS[0], label="closed form")
    ax.plot(equal["K"], equal["trace_ratio"], "o", color=COLORS[1], label="from the covariances")
    ax.axhline(0.75, color="0.5", linestyle=":")
    ax.annotate("limit 3/4", (12, 0.755), ha="right", va="bottom", color="0.35")
    ax.set_xticks(range(2, 13))
    ax.set(ylim=(0.73, 1.01), xlabel="items per ranking K", ylabel="efficiency of pair splitting")
    ax.set_title("Equal utilities")
    ax.legend()


def _map(figure: Figure, ax: Any, data: pd.DataFrame) -> None:
    table = data.pivot_table(index="spread", columns="K", values="trace_ratio")
    spread = table.index.to_numpy()
    mesh = ax.pcolormesh(table.columns, spread, table.to_numpy(), shading="nearest", cmap="viridis", rasterized=True)
    lines = ax.contour(
        table.columns, spread, table.to_numpy(), levels=[0.8, 0.85, 0.9, 0.95], colors="white", linewidths=1.0
    )
    ax.clabel(lines, fmt="%.2f", fontsize=8)
    ax.grid(visible=False)
    ax.set_xticks(range(2, 13))
    ax.set(xlabel="items per ranking K", ylabel="best less worst utility s", title="Equally spaced utilities")
    figure.colorbar(mesh, ax=ax, label="efficiency of pair splitting")


def _claims(data: pd.DataFrame) -> list[Claim]:
    equal = data[data["spread"] == 0.0].sort_values("K")
    found = {
        int(K): Fraction(int(a), int(b))
        for K, a, b in zip(equal["K"], equal["numerator"], equal["denominator"], strict=True)
    }
    different = sum(found.get(K) != fraction for K, fraction in KNOWN.items())
    values = np.array([float(f) for f in found.values()])
    off = float(np.max(np.abs(equal["trace_ratio"] - values)))
    bound = float(np.max(np.abs(equal["closed_form"] - values)))
    falls = all(a > b > Fraction(3, 4) for a, b in zip(list(found.values()), list(found.values())[1:], strict=False))
    two = float(np.max(np.abs(data.loc[data["K"] == 2, "trace_ratio"] - 1.0)))
    excess = float(data["least_excess"].min())
    design = float(np.max(np.abs(data["trace_ratio"] - data["design_ratio"])))
    least = data.loc[data["trace_ratio"].idxmin()]
    above = int((data["trace_ratio"] > 1.0 + ROUNDING).sum())
    far = float(pl_efficiency_equal(10_000))
    return [
        Claim(
            f"equal utilities: the efficiency is 1, 27/28, 108/115, 150/163, 450/497, 2205/2468, 3920/4437 for K = 2 "
            f"to 8, as fractions (differences of {len(KNOWN)})",
            different,
            0,
            held=different == 0,
            source="3 K (K-1) / (4 (K+1) (K - H_K)), by enumeration",
        ),
        Claim(
            f"equal utilities: the covariances give the closed form for K = 2 to {max(found)} (largest difference)",
            off,
            ROUNDING,
            held=off <= ROUNDING,
            source="pl_efficiency with one-hot features against pl_efficiency_equal",
        ),
        Claim(
            "equal utilities: mdpkit.bounds states the same number (largest difference)",
            bound,
            ROUNDING,
            held=bound <= ROUNDING,
            source="pair_splitting_efficiency, with the digamma function",
        ),
        Claim(
            f"equal utilities: the efficiency falls from each K to the next and stays above 3/4, as fractions (at K = "
            f"{max(found)})",
            float(values[-1]),
            0.75,
            held=falls,
            source="closed form",
        ),
        seen("equal utilities, K = 10000: efficiency", far),
        Claim(
            "two items: both estimates are the same, at any spread (largest difference from 1)",
            two,
            ROUNDING,
            held=two <= ROUNDING,
            source="a ranking of two is a pair",
        ),
        Claim(
            f"splitting helps in no direction, at none of {len(data)} points: least eigenvalue of the difference of "
            "the covariances, relative to the larger one, at least -1e-12",
            excess,
            -ROUNDING,
            held=excess >= -ROUNDING and above == 0,
            source="Zhu et al. 2023, Theorem 4.3",
        ),
        Claim(
            "the trace ratio is the ratio of mean squared errors in the norm of the design (largest difference)",
            design,
            ROUNDING,
            held=design <= ROUNDING,
            source="the design of one-hot features is a multiple of the projection on sum zero",
        ),
        seen(
            f"least efficiency of the map, at K = {int(least['K'])} and s = {least['spread']:g}",
            float(least["trace_ratio"]),
        ),
    ]
