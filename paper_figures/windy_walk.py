"""Windy walk: errors against Bellman iterates, and what roll-outs make of the stopping rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import beta

from experiments.windy_walk import ROBUST_VALUE
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "Two ordinary problems solve the windy walk"
CAPTION = (
    "Corridors of length 3. Left: distance of V_n (robust value iteration from zeros on the (s,a)-rectangular hull of "
    "the 25 models) and of what IWOCS (min_q, exact worst cases) promises for its policy from the robust value of the "
    "start. Filled: an outer iteration is drawn after the sweeps in which value iteration solves its model to 1e-10; "
    "open: after 100, as in the paper. Evaluating the 25 models once per outer iteration is not counted; one iterate "
    "of robust value iteration prices 25 rows per pair. Errors below 1e-13 are drawn there. No randomness. Middle and "
    "right: worst cases from 300 roll-outs per model, stopping where mean and promise agree within 1e-3 (published "
    "rule) or within 3 standard errors of the mean; by outer iteration, the share of runs that had stopped (shaded: "
    "pointwise 95 % Clopper-Pearson intervals; every run ends at 50), and the values the runs report, one dot per "
    "seed, 12 (quick) or 50 (paper) seeds."
)
FAMILY = "robust"
SOURCE = "Zouitine, Geist and Rachelson 2024, figure 1 (the layout of the walls is ours)"
PAPER = "Zouitine et al. 2024"
EXPERIMENTS = ("windy_walk", "windy_walk_rollouts")
FLOOR = 1e-13
PUBLISHED_BACKUPS = 100
"""Ordinary backups per outer iteration in the paper's figure."""
REFERENCE = {"upper": (-4.52438125, -7.9521474897), "lower": (-10.2944132392, -7.9521474897)}
NAMES = {0.0: "published rule", 3.0: "3 standard errors"}


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw errors, stopping iterations and reported values."""
    traces, rollouts = tables["windy_walk"], tables["windy_walk_rollouts"]
    with style():
        figure = Figure(figsize=(12, 4.6))
        axes = figure.subplots(1, 3, width_ratios=[1.35, 1.0, 0.8])
        _errors(axes[0], traces)
        _stopping(axes[1], rollouts)
        _values(axes[2], rollouts)
    return figure, [*_trace_claims(traces), *_rollout_claims(rollouts), _not_reproduced()]


def _errors(ax: Any, traces: pd.DataFrame) -> None:
    rvi = traces[traces["method"] == "robust_value_iteration"]
    ax.plot(rvi["backups"], rvi["error"].clip(lower=FLOOR), color=COLORS[0], label="robust value iteration")
    bound = rvi["sup_error"].iloc[0] * rvi["gamma"] ** rvi["backups"]
    ax.plot(rvi["backups"], bound, ":", color="0.5", label="its bound $\\gamma^n \\|V_0 - V^*\\|_\\infty$")
    for first, color, mark in ((0, COLORS[1], "o"), (12, COLORS[2], "s")):
        run = traces[traces["first_model"] == first]
        error = run["error"].clip(lower=FLOOR)
        label = f"IWOCS from $\\alpha$ = {first / 48:g}"
        ax.plot(run["backups"], error, mark + "-", color=color, markersize=6, label=label)
        backups = PUBLISHED_BACKUPS * np.arange(1, len(run) + 1)
        ax.plot(backups, error, mark + "--", color=color, markersize=6, markerfacecolor="white", linewidth=1.0)
    ax.plot([], [], "o--", color="0.3", markerfacecolor="white", linewidth=1.0, label="IWOCS, 100 backups each")
    ax.set(
        yscale="log",
        xlabel="Bellman iterates",
        ylabel="error at the start (absolute)",
        title="Distance from the robust value",
    )
    ax.set_ylim(2e-14, None)
    _legend_below(ax)


def _stopping(ax: Any, rollouts: pd.DataFrame) -> None:
    for (errors, run), color in zip(rollouts.groupby("standard_errors"), COLORS[3:], strict=False):
        grid = np.arange(1, int(run["max_iter"].iloc[0]) + 1)
        stopped = np.array([(run["stopped"] & (run["iterations"] <= i)).sum() for i in grid])
        low, high = interval(stopped, len(run))
        ax.fill_between(grid, low, high, step="post", color=color, alpha=0.15, linewidth=0)
        ax.step(grid, stopped / len(run), where="post", color=color, label=NAMES[errors])
    ax.set(
        xscale="log",
        ylim=(-0.03, 1.03),
        xlabel="outer iterations",
        ylabel="share of runs that have stopped",
        title="When roll-outs stop",
    )
    ax.set_xticks([1, 2, 5, 10, 20, 50], labels=["1", "2", "5", "10", "20", "50"])
    ax.minorticks_off()
    _legend_below(ax)


def _values(ax: Any, rollouts: pd.DataFrame) -> None:
    for place, ((_, run), color) in enumerate(zip(rollouts.groupby("standard_errors"), COLORS[3:], strict=False)):
        x = place + np.linspace(-0.25, 0.25, len(run))
        stopped = run["stopped"].to_numpy(dtype=bool)
        ax.plot(x[stopped], run["value"][stopped], "o", color=color, markersize=5, alpha=0.8)
        ax.plot(x[~stopped], run["value"][~stopped], "x", color=color, markersize=5)
    ax.plot([], [], "o", color="0.3", label="stopped")
    ax.plot([], [], "x", color="0.3", label="cut at 50")
    ax.axhline(ROBUST_VALUE, color="0.3", linestyle="--", linewidth=1.2, label="robust value")
    ax.set_xticks([0, 1], labels=["published", "3 std. errors"])
    ax.set(xlim=(-0.5, 1.5), ylabel="reported value (discounted return)", title="What they report")
    _legend_below(ax)


def _legend_below(ax: Any) -> None:
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, columnspacing=1.2)


def interval(hits: Any, trials: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % Clopper-Pearson interval of a rate."""
    k = np.asarray(hits, dtype=float)
    low = np.where(k > 0, beta.ppf(0.025, k, trials - k + 1), 0.0)
    high = np.where(k < trials, beta.ppf(0.975, k + 1, trials - k), 1.0)
    return low, high


def _trace_claims(traces: pd.DataFrame) -> list[Claim]:
    ours = "closed form (1 - 0.95^5)/0.05 without wind; exact fractions at alpha = 1/2"
    rvi = traces[traces["method"] == "robust_value_iteration"]
    claims = []
    for first in (0, 12):
        run = traces[traces["first_model"] == first]
        held = len(run) == 2 and bool(run["certified"].all()) and list(run["worst_model"]) == [24, 24]
        claims.append(
            Claim(
                f"from alpha = {first / 48:g}, IWOCS is certified after exactly 2 outer iterations (worst alpha: 1/2)",
                len(run),
                2,
                held=held,
                source="Zouitine et al. 2024, figure 1: two iterations",
            )
        )
    run = traces[traces["first_model"] == 0]
    deviation = max(float(np.max(np.abs(run[side].to_numpy() - REFERENCE[side][: len(run)]))) for side in REFERENCE)
    excess = float(np.max(rvi["sup_error"] - rvi["sup_error"].iloc[0] * rvi["gamma"] ** rvi["backups"]))
    return [
        *claims,
        Claim(
            "from alpha = 0 its bounds are (-4.52438125, -10.2944132392), then both -7.9521474897, within 1e-9",
            deviation,
            1e-9,
            held=len(run) == 2 and deviation <= 1e-9,
            source=ours,
        ),
        Claim(
            "its value is that of the (s,a)-rectangular hull of the 25 models, within 1e-9: sharing costs nothing",
            abs(float(run["value"].iloc[-1]) - float(rvi["hull_value"].iloc[0])),
            1e-9,
            held=abs(float(run["value"].iloc[-1]) - float(rvi["hull_value"].iloc[0])) <= 1e-9,
            source="robust dynamic programming; Zouitine et al. 2024, figure 1: IWOCS reaches the value of RVI",
        ),
        Claim(
            "the sup-norm error of robust value iteration exceeds gamma^n times the first one nowhere (largest excess)",
            excess,
            1e-9,
            held=excess <= 1e-9,
            source="Iyengar 2005, Theorem 3.2: contraction; 1e-9 for the error of the reference",
        ),
    ]


def _rollout_claims(rollouts: pd.DataFrame) -> list[Claim]:
    claims = []
    for errors, run in rollouts.groupby("standard_errors"):
        n, at_two = len(run), int((run["stopped"] & (run["iterations"] == 2)).sum())
        low, high = interval(at_two, n)
        spread = run["iterations"].quantile([0.1, 0.5, 0.9])
        claims += [
            Claim(
                f"{NAMES[errors]}: {at_two} of {n} runs stop at outer iteration 2 (95 % interval {low:.2f} to "
                f"{high:.2f}), {int(run['stopped'].sum())} by 50; iterations, 10-50-90 % of runs: "
                + ", ".join(f"{q:.0f}" for q in spread),
                at_two / n,
                None,
                held=True,
                kind="descriptive",
                source="measured",
            ),
            Claim(
                f"{NAMES[errors]}: standard deviation of the reported value over {n} seeds; "
                f"its mean is {run['value'].mean() - ROBUST_VALUE:+.3f} from the robust value",
                float(run["value"].std()),
                None,
                held=True,
                kind="descriptive",
                source="measured",
            ),
        ]
    certified = int(rollouts["converged"].sum())
    above = float((rollouts["exact"] - ROBUST_VALUE).max())
    return [
        *claims,
        Claim(
            "no run with roll-outs calls itself converged",
            certified,
            0,
            held=certified == 0,
            source="roll-outs certify nothing",
        ),
        Claim(
            "no policy they return is worth more than the robust value (exact worst case, largest excess)",
            above,
            1e-9,
            held=above <= 1e-9,
            source="Wiesemann, Kuhn and Rustem 2013, eq. 4: max-min over stationary policies",
        ),
    ]


def _not_reproduced() -> Claim:
    return Claim.not_reproduced(
        "deep IWOCS reaches a mean normalized worst-case score of 2.04 on 11 MuJoCo tasks (M2TD3: 1)",
        None,
        2.04,
        reason="deep reinforcement learning in a physics simulator, with sets that are not rectangular",
        source="Zouitine et al. 2024, section on MuJoCo",
    )
