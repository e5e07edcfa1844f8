"""Guarantees from data: promised and attained values of robust policies by samples per pair."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import beta

from experiments.robust_radius import DELTA, SIZES
from mdpkit.errors import InputError
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim
from mdpkit.testing import assert_rate
from paper_figures._rates import FALSE_ALARM, coverage_claim

TITLE = "What robustness to sampling error guarantees, and what it costs"
CAPTION = (
    "Plans from n samples of every state-action pair, drawn afresh for every point; nominal rows are the observed "
    "frequencies. Left and middle: true minus promised value of the policy, averaged over states (median of the runs, "
    "one per seed; the band holds 80 % of them). Right: share of runs in which the policy is worth less than promised "
    "in some state, with 95 % Clopper-Pearson bars; with confidence sets it may be delta = 0.1 at most."
)
FAMILY = "robust"
SOURCE = "Weissman et al. 2003, Theorem 2.1; Hoeffding 1963, Theorem 2; Nilim and El Ghaoui 2005"
PAPER = "Weissman et al. 2003"
EXPERIMENTS = ("robust_radius",)
TITLES = {"garnet": "Garnet 5/2/3", "river_swim": "RiverSwim 6"}
GAMMAS = {"garnet": 0.9, "river_swim": 0.95}
NAMES = {"l1": "L1 balls (Weissman)", "intervals": "intervals (Hoeffding)", "none": "no set (plug-in)"}
GUARANTEED = ("l1", "intervals")
SLOPE, TOLERANCE = -0.5, 0.1
GROUPS = 20


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw the gaps of both problems, and the broken promises of both together."""
    data = tables["robust_radius"]
    with style():
        figure = Figure(figsize=(11.5, 4.4))
        axes = figure.subplots(1, 3)
        for ax, (problem, title) in zip(axes, TITLES.items(), strict=False):
            _gaps(ax, data[data["problem"] == problem])
            ax.set_title(f"{title}, $\\gamma$ = {GAMMAS[problem]:g}")
        axes[0].set_ylabel("true - promised value")
        _broken(axes[2], data)
        handles = [
            Line2D([], [], color=color, marker="o", markersize=4, label=NAMES[name])
            for name, color in zip(NAMES, COLORS, strict=False)
        ]
        handles.append(Line2D([], [], color="0.5", linestyle=":", label="slope -1/2"))
        handles.append(Line2D([], [], color="0.5", linestyle="--", label="$\\delta$ = 0.1"))
        figure.legend(handles=handles, loc="outside lower center", ncols=5)
    return figure, _claims(data)


def _gaps(ax, data: pd.DataFrame) -> None:
    for name, color in zip(GUARANTEED, COLORS, strict=False):
        run = data[data["set"] == name]
        spread = run.groupby("n")["gap"].quantile([0.1, 0.5, 0.9]).unstack()
        n = spread.index.to_numpy(dtype=float)
        ax.fill_between(n, spread[0.1], spread[0.9], color=color, alpha=0.2, linewidth=0)
        ax.plot(n, spread[0.5], "o-", color=color, markersize=4)
        if name == "l1":
            ax.plot(n, spread[0.5].iloc[-1] / 2 * np.sqrt(n[-1] / n), ":", color="0.5")
    ax.set(xscale="log", yscale="log", xlabel="samples per state-action pair")


def _broken(ax, data: pd.DataFrame) -> None:
    for shift, name, color in zip((0.9, 1.0, 1.1), NAMES, COLORS, strict=False):
        counts = data[data["set"] == name].groupby("n")["broken"].agg(["sum", "size"])
        k, n = counts["sum"].to_numpy(float), counts["size"].to_numpy(float)
        low = np.nan_to_num(beta.ppf(0.025, k, n - k + 1))
        high = np.where(k < n, beta.ppf(0.975, k + 1, np.maximum(n - k, 1)), 1.0)
        share = k / n
        ax.errorbar(counts.index * shift, share, yerr=[share - low, high - share], fmt="o", markersize=4, color=color)
    ax.axhline(DELTA, color="0.5", linestyle="--")
    ax.set(xscale="log", ylim=(-0.03, 1.0), xlabel="samples per state-action pair", ylabel="share of runs")
    ax.set_title("promise broken, both problems")


def _claims(data: pd.DataFrame) -> list[Claim]:
    claims = []
    for problem, title in TITLES.items():
        for name in GUARANTEED:
            run = data[(data["problem"] == problem) & (data["set"] == name)]
            # one trial per seed and sample size: each draws its own samples
            for column, what in (("broken", "policy worth less than promised"), ("above_best", "promise above V*")):
                claims.append(
                    coverage_claim(
                        f"{title}, {NAMES[name]}: {what}",
                        int(run[column].sum()),
                        len(run),
                        DELTA,
                        "Weissman et al. 2003, Theorem 2.1" if name == "l1" else "Hoeffding 1963, Theorem 2",
                    )
                )
    claims += [_rate_claim(data, "garnet", name) for name in GUARANTEED]
    claims += [_no_rate_claim(data, name) for name in GUARANTEED]
    for problem, title in TITLES.items():
        plug_in = data[(data["problem"] == problem) & (data["set"] == "none")]
        claims.append(
            Claim(
                f"{title}: share of runs in which the plug-in model promises more than its policy is worth in some "
                "state",
                float(plug_in["broken"].mean()),
                None,
                held=True,
                kind="descriptive",
                source="measured",
            )
        )
    run = data[(data["problem"] == "river_swim") & (data["set"] == "l1")]
    timid = run[run["policy_loss"] > 0.5].groupby("n").size() / run.groupby("n").size()
    claims.append(
        Claim(
            "RiverSwim, L1 balls: most samples per pair at which some robust policy still loses more than 0.5 of value "
            "(it does not dare to swim)",
            float(timid.dropna().index.max()),
            None,
            held=True,
            kind="descriptive",
            source="measured",
        )
    )
    return claims


def _mean_gaps(data: pd.DataFrame, problem: str, name: str) -> pd.DataFrame:
    """Return gaps averaged within groups of seeds: one row per sample size, one column per group."""
    run = data[(data["problem"] == problem) & (data["set"] == name)]
    table = run.pivot_table(index="n", columns="seed", values="gap")
    return table.T.groupby(np.arange(table.shape[1]) * GROUPS // table.shape[1]).mean().T


def _rate_claim(data: pd.DataFrame, problem: str, name: str) -> Claim:
    gaps = _mean_gaps(data, problem, name)
    n = gaps.index.to_numpy(float)
    try:
        check = assert_rate(n, gaps.to_numpy(), SLOPE, tolerance=TOLERANCE, false_alarm=FALSE_ALARM)
        slope, held, interval = check.slope, True, f"[{check.lower:.3f}, {check.upper:.3f}]"
    except (AssertionError, InputError) as failure:
        slope, held, interval = _slope(gaps), False, f"({failure})"
    return Claim(
        f"{TITLES[problem]}, {NAMES[name]}: from {SIZES[0]} to {SIZES[-1]} samples the mean gap falls like n^(-1/2), "
        f"slope within {TOLERANCE:g}; its interval at level 1e-6 is {interval}",
        slope,
        SLOPE,
        held=held,
        kind="statistical",
        uncertainty=FALSE_ALARM,
        source="radii proportional to n^(-1/2), and the linear radius sensitivity of small sets",
    )


def _no_rate_claim(data: pd.DataFrame, name: str) -> Claim:
    gaps = _mean_gaps(data, "river_swim", name)
    last = _slope(gaps.iloc[-2:])
    return Claim.not_reproduced(
        f"{TITLES['river_swim']}, {NAMES[name]}: the mean gap falls like n^(-1/2) over the whole range "
        f"({last:.2f} over its last step)",
        _slope(gaps),
        SLOPE,
        reason="with few samples nobody dares to swim upstream, and promise and truth agree on a small value; once the "
        "policy is right, the sets are not small compared with 1 - gamma, so that the loss is not yet linear in them",
        kind="statistical",
        source="radii proportional to n^(-1/2), and the linear radius sensitivity of small sets",
    )


def _slope(gaps: pd.DataFrame) -> float:
    return float(np.polyfit(np.log(gaps.index.to_numpy(float)), np.log(gaps.mean(axis=1)), 1)[0])
