"""Residual and certified width of robust methods against sweeps, with the undamped method that cycles."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.robust_convergence import METHODS, RELATIVE_TOL, TITLES, UNDAMPED
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "Robust dynamic programming: five methods that converge and one that need not"
CAPTION = (
    "Top: sup-norm Bellman residual at every certificate. Bottom: certified half width of the enclosure of V* (for the "
    "undamped method the width that a single sweep would certify). Sweeps count passes over all pairs, nature's rows "
    "included, linear solves not. Dotted: the rate gamma^n that theory promises for value iteration. The span rule "
    "stops value iteration long before its residual is small. No randomness, no seeds."
)
FAMILY = "robust"
SOURCE = (
    "Iyengar 2005, Theorem 3.2; Kaufman and Schaefer 2013; Ho, Petrik and Wiesemann 2021; Badger, Huang and Petrik 2025"
)
PAPER = "Badger et al. 2025"
EXPERIMENTS = ("robust_convergence",)
NAMES = {
    "value_iteration": "value iteration (RVI)",
    "modified_policy_iteration": "modified policy iteration (RMPI)",
    "partial_policy_iteration": "partial policy iteration (PPI)",
    "residual_conditioned_policy_iteration": "residual-conditioned policy iteration (RCPI)",
    "policy_iteration": "policy iteration (RPI)",
    UNDAMPED: "undamped (not shipped)",
}
CONTRACTING = ("value_iteration", "residual_conditioned_policy_iteration")
ROUNDING = 1e-6
"""Slack of the claims about ratios; residuals below `FLOOR` times the values are left out."""
FLOOR = 1e-8


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one column per problem."""
    data = tables["robust_convergence"]
    with style():
        figure = Figure(figsize=(11, 6.4))
        axes = figure.subplots(2, len(TITLES), sharex="col")
        for column, (problem, title) in enumerate(TITLES.items()):
            run = data[data["problem"] == problem]
            for ax, quantity in zip(axes[:, column], ("residual", "half_width"), strict=True):
                _panel(ax, run, quantity)
            axes[0, column].set_title(f"{title}, $\\gamma$ = {run['gamma'].iloc[0]:g}")
            axes[1, column].set_xlabel("sweeps over all pairs")
        axes[0, 0].set_ylabel("residual / max |V*|")
        axes[1, 0].set_ylabel("certified half width / max |V*|")
        handles = [
            Line2D([], [], color=color, marker="o", markersize=3, linestyle=_line(method), label=NAMES[method])
            for method, color in zip(NAMES, COLORS, strict=False)
        ]
        handles.append(Line2D([], [], color="0.6", linestyle=":", label="rate $\\gamma^n$"))
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure, _claims(data)


def _line(method: str) -> str:
    return "--" if method == UNDAMPED else "-"


def _panel(ax, data: pd.DataFrame, quantity: str) -> None:
    scale, gamma = data["scale"].iloc[0], data["gamma"].iloc[0]
    for method, color in zip(NAMES, COLORS, strict=False):
        run = data[data["method"] == method]
        marker = "o" if len(run) <= 45 else ""
        value = run[quantity].clip(lower=1e-14 * scale) / scale
        ax.plot(run["sweeps"], value, color=color, linestyle=_line(method), marker=marker, markersize=3)
    first = data[data["method"] == "value_iteration"].iloc[0]
    sweeps = np.linspace(1, data["sweeps"].max(), 200)
    ax.plot(sweeps, first[quantity] / scale * gamma ** (sweeps - 1), color="0.6", linestyle=":")
    ax.set(yscale="log", xlim=(0, None), ylim=(3e-15, None))


def _claims(data: pd.DataFrame) -> list[Claim]:
    return _cycle_claims(data) + _rate_claims(data) + _certificate_claims(data)


def _cycle_claims(data: pd.DataFrame) -> list[Claim]:
    undamped = data[data["method"] == UNDAMPED]
    cycle = undamped[undamped["problem"] == "cycle"].iloc[1:]
    closest, smallest = float(cycle["error"].min()), float(cycle["residual"].min())
    claims = [
        Claim(
            f"the undamped method is flat on the cycling example: in {len(cycle)} rounds it never comes closer to "
            "V* = (10, 11) than 9/11",
            closest,
            9 / 11,
            held=abs(closest - 9 / 11) <= 1e-12,
            source="closed form: it alternates between (10, 130/11) and (10, 10)",
        ),
        Claim(
            "there its residual never falls below 2/11",
            smallest,
            2 / 11,
            held=abs(smallest - 2 / 11) <= 1e-12,
            source="closed form: T (10, 130/11) = (10, 128/11), T (10, 10) = (10, 11)",
        ),
    ]
    for problem in ("river_swim", "garnet"):
        last = undamped[undamped["problem"] == problem].iloc[-1]
        claims.append(
            Claim(
                f"{TITLES[problem]}: final residual / max |V*| of the undamped method; it need not cycle",
                float(last["residual"] / last["scale"]),
                None,
                held=True,
                kind="descriptive",
                source="measured",
            )
        )
    return claims


def _rate_claims(data: pd.DataFrame) -> list[Claim]:
    claims = []
    for method in CONTRACTING:
        worst = max(_largest_ratio(run) for _, run in data[data["method"] == method].groupby("problem"))
        claims.append(
            Claim(
                f"{NAMES[method]}: every certificate shrinks the residual by gamma at least (largest ratio / gamma)",
                worst,
                1.0 + ROUNDING,
                held=worst <= 1.0 + ROUNDING,
                source="Iyengar 2005, Theorem 3.2; Badger, Huang and Petrik 2025; 1e-6 allows for rounding",
            )
        )
    for method in METHODS:
        rate = max(_average_rate(run) for _, run in data[data["method"] == method].groupby("problem"))
        claims.append(
            Claim(
                f"{NAMES[method]}: linear or better, the certified width shrinks at least by gamma per sweep, averaged "
                "over the run (slowest rate / gamma)",
                rate,
                1.0 + ROUNDING,
                held=rate <= 1.0 + ROUNDING,
                source="rate of value iteration, Iyengar 2005, Theorem 3.2, from the span of its first step",
            )
        )
    return claims


def _certificate_claims(data: pd.DataFrame) -> list[Claim]:
    certified = data[data["method"] != UNDAMPED]
    contradictions = int((~certified["consistent"].astype(bool)).sum())
    last = certified.groupby(["problem", "method"]).last()
    widest = float((last["half_width"] / last["scale"]).max())
    return [
        Claim(
            f"none of the {len(certified)} certificates contradicts the enclosure that another method proved to the "
            "rounding floor",
            contradictions,
            0,
            held=contradictions == 0,
            source="MacQueen-Porteus bounds for robust operators; value iteration against policy iteration",
        ),
        Claim(
            "all five methods certify 1e-9 of the largest value on all three problems (widest final half width)",
            widest,
            RELATIVE_TOL,
            held=widest <= RELATIVE_TOL * (1.0 + ROUNDING),
            source="tolerance of the experiment",
        ),
    ]


def _largest_ratio(run: pd.DataFrame) -> float:
    """Largest ratio of successive residuals, relative to gamma."""
    residual = run["residual"].to_numpy()
    above = residual[1:] > FLOOR * run["scale"].iloc[0]
    ratios = (residual[1:] / residual[:-1])[above]
    return float(np.max(ratios, initial=0.0)) / run["gamma"].iloc[0]


def _average_rate(run: pd.DataFrame) -> float:
    """Average factor per sweep from the width before the first sweep to the last, relative to gamma."""
    gamma, last = run["gamma"].iloc[0], run.iloc[-1]
    before = run["first_span"].iloc[0] / (2.0 * (1.0 - gamma))
    return float((last["half_width"] / before) ** (1.0 / last["sweeps"])) / gamma
