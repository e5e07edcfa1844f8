"""What it is worth to know how much has been earned: steering a return to a target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "A policy that knows its stock steers the return to a target"
CAPTION = (
    "Wait for nothing, or toss a coin for 1; each step is worth half the one before. Expected distance of the return "
    "from a target, of the optimal stock policy and of the best plan that does not look at the rewards. Left: target 1 "
    "and T steps, a set point to be kept (homeostasis); dotted: 1/4, the limit. Right: four steps and eight targets. "
    "Exact, in fractions; plans by enumeration."
)
FAMILY = "distributional"
SOURCE = "Avila Pires et al. 2025, section 5; the problem and its closed form are ours"
PAPER = "Avila Pires et al. 2025"
EXPERIMENTS = ("distributional_targets",)
STEPS = 4


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw distances against the horizon and against the target."""
    data = tables["distributional_targets"]
    kept = data[data["target"] == 1.0].sort_values("horizon")
    aimed = data[data["horizon"] == STEPS].sort_values("target")
    with style():
        figure = Figure(figsize=(10, 4.2))
        left, right = figure.subplots(1, 2)
        _curves(left, kept, "horizon")
        left.axhline(0.25, color="0.5", ls=":", lw=1.2)
        left.set(xlabel="steps T", ylabel="E |G - target|", title="Target 1", ylim=(0.0, 0.56))
        left.legend(loc="lower left")
        _curves(right, aimed, "target")
        right.set(xlabel="target", ylabel="E |G - target|", title="Four steps")
        right.legend(loc="upper left")
    return figure, _claims(data, kept, aimed)


def _curves(ax: Any, run: pd.DataFrame, column: str) -> None:
    ax.plot(run[column], run["open_loop"], "s-", ms=5, color=COLORS[1], label="best open-loop plan")
    ax.plot(run[column], run["steered"], "o-", ms=5, color=COLORS[0], label="stock policy")


def _claims(data: pd.DataFrame, kept: pd.DataFrame, aimed: pd.DataFrame) -> list[Claim]:
    off = float(np.max(np.abs(kept["steered"] - (0.25 + 0.5 ** (kept["horizon"] + 1)))))
    flat = float(np.max(np.abs(kept["open_loop"] - 0.5)))
    worse = float((aimed["steered"] - aimed["open_loop"]).max())
    at_one = aimed[aimed["target"] == 1.0].iloc[0]
    disagreements = int((~data["agrees"].astype(bool)).sum())
    return [
        Claim(
            f"target 1: the distance is 1/4 + 2^-(T+1) for T = 1 to {int(kept['horizon'].max())} (largest difference)",
            off,
            0.0,
            held=off == 0.0,
            source="closed form, by induction on T",
        ),
        Claim(
            f"target 1: the best open-loop plan is 1/2 off up to T = {int(kept['horizon'].max())} (largest difference)",
            flat,
            0.0,
            held=flat == 0.0,
            source="enumeration of all plans",
        ),
        Claim(
            f"four steps: at none of {len(aimed)} targets do the {int(at_one['n_plans'])} open-loop plans do better "
            "(largest advantage)",
            worse,
            0.0,
            held=worse <= 0.0 and len(aimed) == 8,
            source="plans are policies, too",
        ),
        _equal("four steps, target 1: the stock policy is 9/32 off", float(at_one["steered"]), 9 / 32),
        _equal("four steps, target 1: the best open-loop plan is 1/2 off", float(at_one["open_loop"]), 1 / 2),
        Claim(
            f"the law of the stock policy has its value, as a fraction (failures in {len(data)} problems)",
            disagreements,
            0,
            held=disagreements == 0,
            source="forward and backward recursion",
        ),
        Claim.not_reproduced(
            "an agent with deep networks that is given its stock steers returns, trades them against violations and "
            "optimizes CVaR on gridworlds, and plays an Atari game to requested scores",
            None,
            None,
            reason="deep reinforcement learning from pixels; shown here is what it approximates, on problems that can "
            "be solved exactly",
            source="Avila Pires et al. 2025, sections 6 to 8",
        ),
    ]


def _equal(sentence: str, value: float, expected: float) -> Claim:
    return Claim(sentence, value, expected, held=value == expected, source=SOURCE)
