"""What the rate figures share: a panel of errors against samples, and their claims."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import binom

from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim
from mdpkit.testing import assert_rate

FALSE_ALARM = 1e-6


def rate_figure(
    data: pd.DataFrame, titles: dict[str, str], delta: float, *, ylabel: str, source: str
) -> tuple[Figure, list[Claim]]:
    """Draw one panel per problem and state its claims."""
    with style():
        figure = Figure(figsize=(9.5, 4))
        axes = figure.subplots(1, len(titles))
        for ax, (problem, title) in zip(axes, titles.items(), strict=True):
            rate_panel(ax, data[data["problem"] == problem], title, delta)
        axes[0].set_ylabel(ylabel)
        axes[0].legend(loc="center left")
    names = {problem: title.partition(",")[0] for problem, title in titles.items()}
    return figure, rate_claims(data, names, delta, source)


def rate_panel(ax, run: pd.DataFrame, title: str, delta: float) -> None:
    """Draw errors with their spread, the evaluated bound, and the predicted slope."""
    spread = run.groupby("n")["error"].quantile([0.1, 0.5, 0.9]).unstack()
    n = spread.index.to_numpy(dtype=float)
    ax.fill_between(n, spread[0.1], spread[0.9], color=COLORS[0], alpha=0.2, linewidth=0)
    ax.plot(n, spread[0.5], "o-", color=COLORS[0], markersize=4, label="error (median, 10-90 % of runs)")
    ax.plot(n, run.groupby("n")["bound"].first(), "--", color=COLORS[1], label=f"bound at $\\delta$ = {delta:g}")
    ax.plot(n, spread[0.5].iloc[-1] / 3 * np.sqrt(n[-1] / n), ":", color="0.5", label="slope -1/2")
    ax.set(xscale="log", yscale="log", xlabel="samples per state-action pair", title=title)


def rate_claims(data: pd.DataFrame, titles: dict[str, str], delta: float, source: str) -> list[Claim]:
    """State slope and coverage of every problem."""
    claims = []
    for problem, title in titles.items():
        run = data[data["problem"] == problem]
        table = run.pivot_table(index="n", columns="seed", values="error")
        groups = np.arange(table.shape[1]) * 20 // table.shape[1]
        repeats = table.T.groupby(groups).mean().T
        try:
            check = assert_rate(
                repeats.index.to_numpy(float), repeats.to_numpy(), -0.5, tolerance=0.05, false_alarm=FALSE_ALARM
            )
            slope, held = check.slope, True
        except AssertionError:
            slope, held = float(np.polyfit(np.log(table.index), np.log(table.mean(axis=1)), 1)[0]), False
        claims.append(
            Claim(
                f"{title}: the error falls like n^(-1/2), slope within 0.05",
                slope,
                -0.5,
                held=held,
                kind="statistical",
                uncertainty=FALSE_ALARM,
                source=source,
            )
        )
        missed = int((run["error"] > run["bound"]).sum())
        claims.append(coverage_claim(f"{title}: errors beyond the bound", missed, len(run), delta, source))
        ratio = float((run["error"] / run["bound"]).median())
        claims.append(
            Claim(f"{title}: median of measured / bound", ratio, None, held=True, kind="descriptive", source="measured")
        )
    return claims


def coverage_claim(what: str, misses: int, trials: int, delta: float, source: str) -> Claim:
    """State that a bound at level delta is not missed more often than chance allows."""
    allowed = int(binom.isf(FALSE_ALARM, trials, delta))
    return Claim(
        f"{what}: {misses} of {trials} runs, at most {allowed} at delta = {delta:g}",
        misses,
        allowed,
        held=misses <= allowed,
        kind="statistical",
        uncertainty=FALSE_ALARM,
        source=source,
    )
