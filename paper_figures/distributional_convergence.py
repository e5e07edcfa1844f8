"""How fast dynamic programming on states and stocks converges, and what its grid costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.distributional_convergence import GAMMA
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "Stock dynamic programming contracts by the discount, and grids enclose its values"
CAPTION = (
    "Take 0.4 for sure or toss a coin for 1, for ever, and keep the shortfall E min(c + G, 0) small. Left: largest "
    "error on the grid of tenths, which is closed under the recursion at discount 1/2, against linear systems; below "
    "1e-13 drawn there; dotted: bounds known beforehand, in the colors of the methods. Middle: at discount 0.7 the "
    "grid is not closed; values at its stocks with successors rounded down and up (band) and interpolated. Right: "
    "largest height of the band as the spacing shrinks. No randomness."
)
FAMILY = "distributional"
SOURCE = "Avila Pires et al. 2025, section 4: value and policy iteration; numbers by a second implementation"
PAPER = "Avila Pires et al. 2025"
EXPERIMENTS = ("distributional_convergence", "distributional_grid_refinement")
NAMES = {"value_iteration": "value iteration", "policy_iteration": "policy iteration"}
FLOOR = 1e-12
"""Errors below are rounding."""
GAPS = {0.08: 0.11184, 0.02: 0.02955, 0.005: 0.01031}
"""Spacing and largest distance between the enclosing values."""
HALF_DIGIT = 5e-6
SHRINKAGE = 2.5


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw errors, an enclosure, and its width."""
    sweeps, grids = (tables[name] for name in EXPERIMENTS)
    grids = grids.assign(gap=grids["ceil"] - grids["floor"])
    with style():
        figure = Figure(figsize=(12, 4.2))
        axes = figure.subplots(1, 3)
        figure.get_layout_engine().set(wspace=0.06)
        _errors(axes[0], sweeps)
        _enclosure(axes[1], grids[grids["step"] == max(GAPS)])
        _gaps(axes[2], grids)
    return figure, _sweep_claims(sweeps) + _grid_claims(grids)


def _errors(ax: Any, sweeps: pd.DataFrame) -> None:
    for (method, name), color, mark in zip(NAMES.items(), COLORS, ("o", "s"), strict=False):
        run = sweeps[sweeps["method"] == method]
        ax.plot(run["n"], run["error"].clip(lower=FLOOR / 10), mark + "-", ms=4, color=color, label=name)
        ax.plot(run["n"], run["bound"], ":", color=color)
    ax.set(yscale="log", xlabel="sweeps, or policies evaluated", ylabel="largest error", title="Error, discount 1/2")
    ax.legend()


def _enclosure(ax: Any, run: pd.DataFrame) -> None:
    ax.fill_between(run["stock"], run["floor"], run["ceil"], color=COLORS[0], alpha=0.25, lw=0, label="floor to ceil")
    ax.plot(run["stock"], run["linear"], color=COLORS[1], lw=1.4, label="linear")
    ax.set(xlabel="stock c", ylabel="value", title="Enclosure, spacing 0.08", xlim=(-2.6, -0.4), ylim=(-1.1, 0.05))
    ax.legend(loc="upper left")


def _gaps(ax: Any, grids: pd.DataFrame) -> None:
    run = grids.groupby("step").agg(gap=("gap", "max"), bound=("enclosure_bound", "first"))
    ax.plot(run.index, run["gap"], "o-", color=COLORS[0], label="measured")
    ax.plot(run.index, run["bound"], ":", color=COLORS[0], label="bound $2\\gamma L h/(1-\\gamma)$")
    ax.set(xscale="log", yscale="log", xlabel="spacing h", ylabel="largest ceil - floor", title="Refinement")
    ax.set_xticks(run.index, labels=[f"{h:g}" for h in run.index])
    ax.minorticks_off()
    ax.legend()


def _sweep_claims(sweeps: pd.DataFrame) -> list[Claim]:
    claims = []
    for method, name in NAMES.items():
        run = sweeps[sweeps["method"] == method]
        ratio = float((run["error"] / run["bound"]).max())
        claims.append(
            Claim(
                f"{name}: the error never exceeds the bound known beforehand (largest ratio)",
                ratio,
                1.0,
                held=ratio <= 1.0,
                source=SOURCE,
            )
        )
    run = sweeps[(sweeps["method"] == "value_iteration") & (sweeps["error"] > FLOOR)]
    slope = float(np.polyfit(run["n"], np.log(run["error"]), 1)[0])
    last = float(sweeps.loc[sweeps["method"] == "policy_iteration", "error"].iloc[-1])
    return [
        *claims,
        Claim(
            "value iteration: the logarithm of the error falls per sweep at least by that of the discount (fitted "
            "slope at most log(1/2) + 0.02)",
            slope,
            float(np.log(GAMMA) + 0.02),
            held=slope <= np.log(GAMMA) + 0.02,
            source=SOURCE,
        ),
        Claim(
            f"policy iteration ends at the values of the linear systems; tolerance {FLOOR:g}",
            last,
            FLOOR,
            held=last <= FLOOR,
            source="the grid is closed, and policies are finitely many",
        ),
        *(
            Claim(
                f"{name}: in the end the value at stock -1 is -11/70; tolerance 1e-10",
                value,
                -11 / 70,
                held=abs(value + 11 / 70) <= 1e-10,
                source="solved by hand",
            )
            for name, value in _at_one(sweeps).items()
        ),
    ]


def _at_one(sweeps: pd.DataFrame) -> dict[str, float]:
    last = sweeps.sort_values("n").groupby("method")["at_one"].last()
    return {name: float(last[method]) for method, name in NAMES.items()}


def _grid_claims(grids: pd.DataFrame) -> list[Claim]:
    disorder = float(np.max([grids["floor"] - grids["linear"], grids["linear"] - grids["ceil"]]))
    gaps = grids.groupby("step")["gap"].max().sort_index(ascending=False)
    ratio = float((grids["gap"] / grids["enclosure_bound"]).max())
    shrinkage = float(np.min(gaps.to_numpy()[:-1] / gaps.to_numpy()[1:]))
    claims = [
        Claim(
            "floor <= linear <= ceil at every stock of every grid (largest violation; tolerance 1e-9)",
            disorder,
            1e-9,
            held=disorder <= 1e-9,
            source="monotone recursions of a utility that never decreases",
        ),
        Claim(
            "ceil - floor never exceeds 2 gamma L h / (1 - gamma) (largest ratio)",
            ratio,
            1.0,
            held=ratio <= 1.0,
            source="each is within gamma L h / (1 - gamma) of the optimal values",
        ),
        Claim(
            f"a quarter of the spacing divides the largest ceil - floor at least by {SHRINKAGE:g} (least factor)",
            shrinkage,
            SHRINKAGE,
            held=shrinkage >= SHRINKAGE,
            source="a distance of order h, measured",
        ),
    ]
    claims += [
        Claim(
            f"spacing {h:g}: the largest distance is {gap:.5f} to its five digits",
            float(gaps[h]),
            gap,
            held=abs(float(gaps[h]) - gap) <= HALF_DIGIT,
            source=SOURCE,
        )
        for h, gap in GAPS.items()
    ]
    return claims
