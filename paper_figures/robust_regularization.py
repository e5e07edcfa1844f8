"""Regularization against the exact inner problem, on both sides of the radius at which it stops being exact."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.robust_regularization import BALLS, SMALL
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "Regularization is a robust update until a probability reaches zero"
CAPTION = (
    "Exact worst expectation over an Lp ball minus q.z - kappa N(z), relative to the range of the payoffs, against the "
    "radius in units of the one at which the first probability becomes 0 (dashed). Grey: random rows of 3 to 8 "
    "successors (one per seed; the band holds 80 % of them, the line is the median). Color: the uniform row with "
    "payoffs (-0.1, 1.9, -2.4, 0.05, 1.6)."
)
FAMILY = "robust"
SOURCE = "Derman, Geist and Mannor 2021; Kumar et al. 2022 (arXiv 2205.14327)"
PAPER = "Derman et al. 2021"
EXPERIMENTS = ("robust_regularization",)
TITLES = {
    "l1": "$L_1$: N = (max z - min z) / 2",
    "l2": "$L_2$: N = $||z - $mean$||_2$",
    "linf": "$L_\\infty$: N = $\\Sigma\\,|z - $median$|$",
}
ROUNDING = 1e-13
"""The errors are relative to the payoffs' range; the L2 ball is solved to 1e-13 of it."""
REFERENCE_EDGES = {"l1": 0.4, "linf": 0.2}
"""Uniform row of 5: the L1 ball takes kappa/2 from one state, the L-infinity ball kappa."""

REFERENCE_VALUES = {"l1": 0.1025, "l2": 0.03881296778085, "linf": -0.09}
"""Worst expectations of the reference row at radius 0.05."""


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one panel per norm."""
    data = tables["robust_regularization"]
    with style():
        figure = Figure(figsize=(11, 3.9))
        axes = figure.subplots(1, len(TITLES))
        for ax, (norm, title), color in zip(axes, TITLES.items(), COLORS, strict=False):
            run = data[data["norm"] == norm]
            spread = run[run["seed"] > 0].groupby("multiple")["gap"].quantile([0.1, 0.5, 0.9]).unstack()
            ax.fill_between(spread.index, spread[0.1], spread[0.9], color="0.8", linewidth=0, label="80 % of the rows")
            ax.plot(spread.index, spread[0.5], color="0.5", label="median")
            reference = run[run["seed"] == 0]
            ax.plot(reference["multiple"], reference["gap"], color=color, label="reference row")
            ax.axvline(1.0, color="0.3", linestyle="--", linewidth=1)
            ax.set(title=title, xlabel="radius / first radius with a zero")
            ax.yaxis.set_major_locator(MaxNLocator(5))
            ax.legend(loc="upper left")
        axes[0].set_ylabel("(exact - formula) / range of z")
    return figure, _claims(data)


def _claims(data: pd.DataFrame) -> list[Claim]:
    inside, outside = data[data["multiple"] <= 1.0], data[data["multiple"] > 1.0]
    rows = data["seed"].nunique()
    claims = []
    for norm in BALLS:
        error = float(inside.loc[inside["norm"] == norm, "gap"].abs().max())
        least = float(outside.loc[outside["norm"] == norm, "gap"].min())
        claims += [
            Claim(
                f"{norm}: the formula is exact up to the first zero, on all {rows} rows (largest error / range)",
                error,
                ROUNDING,
                held=error <= ROUNDING,
                source="Kumar et al. 2022; 1e-13 allows for rounding",
            ),
            Claim(
                f"{norm}: beyond it the formula is too pessimistic, at every radius on all rows (least excess / range)",
                least,
                ROUNDING,
                held=least > ROUNDING,
                source="the minimizer without regard to signs is unique, and has a negative entry",
            ),
        ]
    reference = data[data["seed"] == 0].groupby("norm")[["edge", "small"]].first()
    off = float(max(abs(reference.loc[norm, "edge"] - edge) for norm, edge in REFERENCE_EDGES.items()))
    for norm, expected in REFERENCE_VALUES.items():
        value = float(reference.loc[norm, "small"])
        claims.append(
            Claim(
                f"reference row, {norm} ball of radius {SMALL:g}: the worst expectation is {expected:.13g}, to 1e-13",
                value,
                expected,
                held=abs(value - expected) <= 1e-13,
                source="closed form q.z - 0.05 N(z): Derman, Geist and Mannor 2021; Kumar et al. 2022",
            )
        )
    claims.append(
        Claim(
            "reference row: the first zero appears at radius 2/5 in the L1 ball and 1/5 in the L-infinity ball "
            "(largest difference)",
            off,
            1e-15,
            held=off <= 1e-15,
            source="closed form: half of the radius, and all of it, is taken from a probability of 1/5",
        )
    )
    return claims
