"""IWOCS on random models: who stalls, how wide the bounds stay, how many iterations it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import beta, fisher_exact

from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "IWOCS stalls where it improves minima of action values, and never on the hull"
CAPTION = (
    "Random (s,a)-rectangular models: 3 or 4 states, two actions, two rows per pair, deterministic or half-half, "
    "integer rewards from -3 to 3, gamma 0.9; the same models for all variants, 1000 (20 seeds, quick) or 4000 (80 "
    "seeds, paper). Left: share of runs that stall, with 95 % Clopper-Pearson intervals; dashes: 100,000 other "
    "models, by a second implementation that enumerates policies and kernels. Middle: share of runs whose certified "
    "gap min(upper) - max(lower) at the start exceeds x, no band; gaps at 1e-12 are rounding. Right: share of runs by "
    "outer iterations."
)
FAMILY = "robust"
SOURCE = "Zouitine, Geist and Rachelson 2024, footnote 3; the hull step and the counts are ours"
PAPER = "Zouitine et al. 2024"
EXPERIMENTS = ("iwocs_stalls",)
VARIANTS = {
    ("min_q", "robust_greedy"): "min_q, robust-greedy rows",
    ("min_q", "keep"): "min_q, rows kept",
    ("hull", "robust_greedy"): "hull",
}
REFERENCE = {"robust_greedy": (390, 100_000), "keep": (580, 100_000), "either": (28, 4000)}
"""Stalls and models: counts of the second implementation in the tests, and the one of the specification."""
FALSE_ALARM = 1e-6


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw stall rates, gaps and iterations."""
    data = tables["iwocs_stalls"]
    groups = dict(list(data.groupby(["policy_step", "off_policy"])))
    runs = [(label, groups[variant]) for variant, label in VARIANTS.items()]
    with style():
        figure = Figure(figsize=(12, 4.4))
        axes = figure.subplots(1, 3, width_ratios=[0.8, 1.2, 1.0])
        _rates(axes[0], runs)
        _gaps(axes[1], runs)
        _iterations(axes[2], runs)
        handles, labels = axes[1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure, _claims(data)


def interval(hits: int, trials: int, error: float) -> tuple[float, float]:
    """Return the Clopper-Pearson interval that misses the rate with probability at most ``error``."""
    low = beta.ppf(error / 2, hits, trials - hits + 1) if hits else 0.0
    high = beta.ppf(1 - error / 2, hits + 1, trials - hits) if hits < trials else 1.0
    return float(low), float(high)


def _rates(ax: Any, runs: list[tuple[str, pd.DataFrame]]) -> None:
    for place, ((_, run), color) in enumerate(zip(runs, COLORS, strict=False)):
        rate = float(run["stalled"].mean())
        low, high = interval(int(run["stalled"].sum()), len(run), 0.05)
        ax.errorbar(place, 100 * rate, yerr=[[100 * (rate - low)], [100 * (high - rate)]], fmt="o", color=color)
    for place, rule in enumerate(("robust_greedy", "keep")):
        stalls, models = REFERENCE[rule]
        ax.plot([place - 0.3, place + 0.3], [100 * stalls / models] * 2, color="0.3", linestyle="--", linewidth=1.2)
    ax.set_xticks(range(len(runs)), labels=["min_q,\ngreedy", "min_q,\nkept", "hull"])
    ax.set(xlim=(-0.5, len(runs) - 0.5), ylabel="stalled runs in %", title="Stalls")
    ax.set_ylim(-0.05, None)


def _gaps(ax: Any, runs: list[tuple[str, pd.DataFrame]]) -> None:
    for (label, run), color, line in zip(runs, COLORS, ("-", "--", ":"), strict=False):
        gap = np.sort(run["gap"].clip(lower=1e-14).to_numpy())
        above = 1.0 - np.arange(len(gap)) / len(gap)
        # down to the axis after the last run
        ax.step([1e-14, *gap, gap[-1]], [1.0, *above, 1e-9], where="pre", color=color, linestyle=line, label=label)
    ax.set(
        xscale="log",
        yscale="log",
        xlim=(1e-13, 1e2),
        ylim=(0.5 / len(runs[0][1]), 1.3),
        xlabel="certified gap x (discounted return)",
        ylabel="share of runs with a larger gap",
        title="How far apart the bounds stay",
    )


def _iterations(ax: Any, runs: list[tuple[str, pd.DataFrame]]) -> None:
    most = int(max(run["iterations"].max() for _, run in runs))
    grid = np.arange(1, most + 1)
    for shift, (_, run), color in zip((-0.26, 0.0, 0.26), runs, COLORS, strict=False):
        share = [float((run["iterations"] == i).mean()) for i in grid]
        ax.bar(grid + shift, share, width=0.24, color=color)
    ax.set_xticks(grid)
    ax.grid(axis="x", visible=False)
    ax.set(xlabel="outer iterations", ylabel="share of runs", title="How long it takes")


def _claims(data: pd.DataFrame) -> list[Claim]:
    hull = data[data["policy_step"] == "hull"]
    min_q = data[data["policy_step"] == "min_q"]
    witness = data.drop_duplicates(["policy_step", "off_policy", "seed"])
    known = witness[(witness["policy_step"] == "min_q") & (witness["off_policy"] == "robust_greedy")]
    claims = [
        Claim(
            "min_q with robust-greedy rows stalls on a model to which this law gives positive probability (runs on it)",
            float(known["witness_stalled"].mean()),
            1.0,
            held=bool(known["witness_stalled"].all()),
            source="iwocs_stall: a stall enumerated by hand",
        )
    ]
    either = min_q.groupby(["seed", "index"])["stalled"].any()
    claims += _rate_claims("either rule of min_q", int(either.sum()), len(either), REFERENCE["either"])
    for rule, run in min_q.groupby("off_policy"):
        claims += _rate_claims(VARIANTS["min_q", str(rule)], int(run["stalled"].sum()), len(run), REFERENCE[str(rule)])
    open_runs = int((~hull["certified"].astype(bool)).sum())
    outside = int((~data["consistent"].astype(bool)).sum())
    checked = data[data["enumerated"].astype(bool)]
    missed = int((~checked["enclosed"].astype(bool)).sum())
    misled = int((min_q["stalled"].astype(bool) & (min_q["loss"] > 1e-6)).sum())
    stalls = int(min_q["stalled"].sum())
    return [
        *claims,
        Claim(
            f"the hull stalls in none of {len(hull)} runs: all of them are certified",
            open_runs,
            0,
            held=open_runs == 0,
            source="theorem: a policy that comes back has its worst rows in the hull, which closes the gap",
        ),
        Claim(
            f"none of {len(data)} runs, stalled or not, contradicts lower <= V* <= upper with V* enclosed by robust "
            "dynamic programming",
            outside,
            0,
            held=outside == 0,
            source="Iyengar 2005, Lemma 3.3; Zouitine et al. 2024, property 1",
        ),
        Claim(
            f"lower <= V* <= upper in all of {len(checked)} runs, every stalled one among them, with V* from "
            "enumeration in fractions (violations)",
            missed,
            0,
            held=missed == 0 and not (data["stalled"].astype(bool) & ~data["enumerated"].astype(bool)).any(),
            source="enumeration of all policies and kernels",
        ),
        Claim(
            f"{misled} of {stalls} stalled runs return a policy that is not robust-optimal at the start, the "
            "others one whose optimality min_q cannot certify (share of the former)",
            misled / stalls if stalls else 0.0,
            None,
            held=True,
            kind="descriptive",
            source="measured",
        ),
    ]


def _rate_claims(label: str, stalls: int, trials: int, reference: tuple[int, int]) -> list[Claim]:
    """Compare a count with the reference count, and with zero where a rate like the reference would show itself."""
    low, high = interval(stalls, trials, 0.05)
    p_value = float(fisher_exact([[stalls, trials - stalls], [reference[0], reference[1] - reference[0]]]).pvalue)
    claims = [
        Claim(
            f"{label}: {stalls} of {trials} runs stall (95 % interval {100 * low:.2f} to {100 * high:.2f} %), "
            f"compatible with {reference[0]} of {reference[1]} (Fisher's exact test, p-value at least 1e-6)",
            p_value,
            FALSE_ALARM,
            held=p_value >= FALSE_ALARM,
            kind="statistical",
            uncertainty=FALSE_ALARM,
            source="counts by a second implementation, which enumerates policies and kernels",
        )
    ]
    none_at_all = (1 - reference[0] / reference[1]) ** trials
    if none_at_all <= FALSE_ALARM:
        claims.append(
            Claim(
                f"{label}: the stall rate is positive (stalls seen, of {trials})",
                stalls,
                1,
                held=stalls >= 1,
                kind="statistical",
                uncertainty=none_at_all,
                source="Zouitine et al. 2024, footnote 3; false alarm at the reference rate",
            )
        )
    return claims
