"""Laws of fixed size: how far from the law of the return, and what that does to moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mdpkit.bounds import categorical_variance_bias
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "Fixed-size return laws: distances fall like 1/n, grids keep means and add variance"
CAPTION = (
    "Fixed points of categorical (n equal intervals) and quantile (n equally likely atoms) evaluation. Left: a coin "
    "worth half as much at every step, whose return is uniform on [0, 2]. Middle: a chain with three states at "
    "discount 0.8 (largest over the states), against a categorical law with 16,001 (quick) or 64,001 (paper) points; "
    "gray: how far that one may be from the truth. Right: variance added in the three states of the chain. No "
    "randomness."
)
FAMILY = "distributional"
SOURCE = "Rowland et al. 2018; Bellemare, Dabney and Rowland 2023, chapter 5"
PAPER = "Bellemare et al. 2023"
EXPERIMENTS = ("distributional_approximation",)
METHODS = {"categorical": (COLORS[0], "o"), "quantile": (COLORS[1], "s")}
ROUNDING = 1e-9
K51 = 50
VARIANCES = (2.153717963304, 1.771947685095, 2.499416089610)
MEANS = (1.439393939394, 1.659779614325, 1.033057851240)
"""Exact means of the chain, and variances with 51 points."""
EXACT_VARIANCES = (2.080077019944, 1.699323591893, 2.426324435358)


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw distances on both problems, and the variance that grids add."""
    data = tables["distributional_approximation"]
    with style():
        figure = Figure(figsize=(12, 4.4))
        axes = figure.subplots(1, 3)
        figure.get_layout_engine().set(wspace=0.06)
        for ax, problem, title in zip(axes, ("coin", "chain"), ("Fair coin", "Three states"), strict=False):
            _distances(ax, data[data["problem"] == problem], title)
        _variances(axes[2], data[(data["problem"] == "chain") & (data["method"] == "categorical")])
    return figure, _claims(data)


def _distances(ax: Any, data: pd.DataFrame, title: str) -> None:
    for method, (color, mark) in METHODS.items():
        worst = data[data["method"] == method].groupby("n")[["w1", "w1_bound"]].max()
        ax.plot(worst.index, worst["w1"], mark + "-", ms=4, color=color, label=method)
    ax.plot(worst.index, worst["w1_bound"], ":", color="black", label="bound (of both)")
    uncertain = float(data["reference_error"].max())
    if uncertain:
        ax.axhspan(uncertain / 3, uncertain, color="0.85", lw=0)
        ax.set_ylim(uncertain / 3, None)
    ax.set(xscale="log", yscale="log", xlabel="size n", ylabel="W1 to the law of the return", title=title)
    ax.legend()


def _variances(ax: Any, data: pd.DataFrame) -> None:
    for (state, run), color in zip(data.groupby("state"), COLORS, strict=False):
        ax.plot(run["n"], run["extra_variance"], "o-", ms=4, color=color, label=f"state {state}")
    run = data[data["state"] == 0]
    ax.plot(run["n"], _bias_bound(run), ":", color="black", label="bound")
    ax.set(xscale="log", yscale="log", xlabel="size n", ylabel="variance added", title="Categorical, three states")
    ax.legend()


def _bias_bound(run: pd.DataFrame) -> list[float]:
    return [
        float(categorical_variance_bias(gamma=gamma, spacing=spacing))
        for gamma, spacing in zip(run["gamma"], run["spacing"], strict=True)
    ]


def _claims(data: pd.DataFrame) -> list[Claim]:
    claims = []
    for method in METHODS:
        run = data[data["method"] == method]
        sure = run["w1"] - run["reference_error"]
        before, after = float((sure / run["w1_bound"]).max()), float((sure / run["a_posteriori"]).max())
        words = f"{method}: no distance exceeds the bound"
        claims += [
            _at_most(f"{words} known beforehand, beyond what the reference may be off (largest ratio)", before, 1.0),
            _at_most(f"{words} that the solver reports (largest ratio; rounding 1e-9)", after, 1.0 + ROUNDING),
        ]
        coin = run[run["problem"] == "coin"]
        slope = float(np.polyfit(np.log(coin["n"]), np.log(coin["w1"]), 1)[0])
        claims.append(
            Claim(
                f"fair coin, {method}: the distance falls like 1/n (fitted slope, within 0.05 of -1)",
                slope,
                -1.0,
                held=abs(slope + 1.0) <= 0.05,
                source="the law of the return has a density",
            )
        )
    grids = data[data["method"] == "categorical"]
    coin, chain = (grids[grids["problem"] == problem] for problem in ("coin", "chain"))
    cramer = float((coin["cramer"] / coin["cramer_bound"]).max())
    slope = float(np.polyfit(np.log(coin["n"]), 2 * np.log(coin["cramer"]), 1)[0])
    quantile = data[(data["method"] == "quantile") & (data["problem"] == "coin")]
    return [
        *claims,
        _at_most("fair coin, categorical: nor does the Cramér distance exceed its bound (largest ratio)", cramer, 1.0),
        Claim(
            "fair coin, categorical: the squared Cramér distance falls like 1/n^2, faster than its bound (fitted "
            "slope, within 0.05 of -2)",
            slope,
            -2.0,
            held=abs(slope + 2.0) <= 0.05,
            source="the law of the return has a density",
        ),
        _largest("fair coin, categorical: the distance is a quarter of the spacing", coin["w1"] - coin["spacing"] / 4),
        _largest("fair coin, quantile: the distance is 1/n", quantile["w1"] - 1.0 / quantile["n"]),
        _largest("categorical: means are exact in every state", grids["mean_error"]),
        _at_most(
            "categorical: the variance added never exceeds its bound (largest ratio)",
            float((grids["extra_variance"] / np.array(_bias_bound(grids))).max()),
            1.0 + ROUNDING,
        ),
        _at_most("categorical: no variance is lost (largest loss)", float(-grids["extra_variance"].min()), ROUNDING),
        _largest(
            "three states, 51 points: the variances added are those of " + ", ".join(f"{v:.12f}" for v in VARIANCES),
            chain[chain["n"] == K51].sort_values("state")["extra_variance"].to_numpy()
            - (np.array(VARIANCES) - np.array(EXACT_VARIANCES)),
        ),
    ]


def _at_most(sentence: str, value: float, threshold: float) -> Claim:
    return Claim(sentence, value, threshold, held=value <= threshold, source=SOURCE)


def _largest(sentence: str, differences: Any) -> Claim:
    off = float(np.max(np.abs(differences)))
    return Claim(
        f"{sentence} (largest difference; tolerance {ROUNDING:g})",
        off,
        ROUNDING,
        held=off <= ROUNDING,
        source="closed form for the coin; for the chain, numbers by a second implementation",
    )
