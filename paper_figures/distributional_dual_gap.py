"""Two recursions that look like CVaR optimization and are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.distributional_time_consistency import RULES
from mdpkit.distributional import DiscreteLaw
from mdpkit.plotting import COLORS, law_cdf, style
from mdpkit.sweeps import Claim

TITLE = "A CVaR optimum cannot be had by splitting levels, nor by replanning"
CAPTION = (
    "A coin pays 0 or 2; then 1 for sure, or a gamble between 0 and 4 (left) or 3 (middle, right). Left and middle: "
    "optimal CVaR over all policies, what the dual risk-level recursion claims (without any grid of levels), and the "
    "CVaR of the policy it yields; in the middle all three agree. The dotted line marks 3/4. Right: laws of the return "
    "at level 1/2 of the optimal policy, which keeps its threshold and gambles after 0 only, and of one that maximizes "
    "CVaR afresh after the first reward; dotted: their CVaR. All exact; the simulation behind one claim uses seed 0, "
    "20,000 (quick) or 100,000 (paper) episodes."
)
FAMILY = "distributional"
SOURCE = "Hau, Delage, Ghavamzadeh and Petrik 2023; numbers by enumeration of all deterministic policies in fractions"
PAPER = "Hau et al. 2023"
EXPERIMENTS = ("distributional_dual_gap", "distributional_time_consistency")
ROUNDING = 1e-9
FALSE_ALARM = 1e-6
NAMES = {"keep": "keep the threshold", "replan": "replan"}
CVAR = {"keep": 1.5, "replan": 1.0}
LAWS = {"keep": {0.0: 0.25, 3.0: 0.75}, "replan": {1.0: 0.5, 3.0: 0.5}}
ACTIONS = {"keep": (1, 0), "replan": (0, 0)}
"""Actions after first rewards of 0 and 2: 0 *safe*, 1 *gamble*."""


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw the two gaps and the two laws."""
    gaps, rules = (tables[name] for name in EXPERIMENTS)
    with style():
        figure = Figure(figsize=(12, 4.2))
        axes = figure.subplots(1, 3)
        figure.get_layout_engine().set(wspace=0.06)
        for ax, high in zip(axes, (4.0, 3.0), strict=False):
            _gap(ax, gaps[gaps["high"] == high], high)
        laws, marks = {}, {}
        for rule in RULES:
            run = rules[rules["rule"] == rule]
            laws[NAMES[rule]] = DiscreteLaw(run["x"].to_numpy(), run["p"].to_numpy())
            marks[NAMES[rule]] = float(run["cvar"].iloc[0])
        law_cdf(laws, marks=marks, ax=axes[2])
        axes[2].set_title("Time inconsistency, $\\tau$ = 1/2")
        axes[2].legend(loc="lower right", handlelength=1.2)
    return figure, _gap_claims(gaps) + _rule_claims(rules)


def _gap(ax: Any, run: pd.DataFrame, high: float) -> None:
    run = run.sort_values("tau")
    marker = "o" if len(run) < 40 else None
    ax.plot(run["tau"], run["claimed"], marker=marker, color=COLORS[1], ms=4, label="dual recursion, claimed")
    ax.plot(run["tau"], run["exact"], marker=marker, color=COLORS[0], ms=4, label="optimal")
    ax.plot(run["tau"], run["attained"], "--", color="black", lw=1.2, label="dual recursion, attained")
    ax.axvline(0.75, color="0.5", linestyle=":", linewidth=1.2)
    ax.set(xlabel="level $\\tau$", ylabel="CVaR of the return", title=f"Gamble between 0 and {high:g}")
    ax.legend(loc="upper left")


def _gap_claims(gaps: pd.DataFrame) -> list[Claim]:
    under = float((gaps["exact"] - gaps["claimed"]).max())
    above = float((gaps["attained"] - gaps["exact"]).max())
    run = gaps[gaps["high"] == 4.0]
    at = run.iloc[int(np.argmin(np.abs(run["tau"] - 0.75)))]
    over = int((run["claimed"] - run["exact"] > ROUNDING).sum())
    return [
        Claim(
            f"the dual recursion is never below the optimum (largest deficit at {len(gaps)} levels of two gambles; "
            f"tolerance {ROUNDING:g})",
            under,
            ROUNDING,
            held=under <= ROUNDING,
            source="Hau et al. 2023: an upper bound",
        ),
        _equal("gamble 4, level 3/4: the dual recursion claims 20/9", float(at["claimed"]), 20 / 9),
        _equal("gamble 4, level 3/4: no policy has more than 2", float(at["exact"]), 2.0),
        _equal("gamble 4, level 3/4: the policy of the dual recursion has 2", float(at["attained"]), 2.0),
        Claim(
            f"the policy of the dual recursion never has more than the optimum (largest advantage; tolerance "
            f"{ROUNDING:g})",
            above,
            ROUNDING,
            held=above <= ROUNDING,
            source="the optimum is over all policies",
        ),
        Claim(
            f"gamble 4: levels, of {len(run)}, at which the dual recursion claims too much",
            over,
            None,
            held=True,
            kind="descriptive",
            source="measured",
        ),
    ]


def _rule_claims(rules: pd.DataFrame) -> list[Claim]:
    claims = []
    for rule in RULES:
        run = rules[rules["rule"] == rule]
        first = run.iloc[0]
        does = tuple(int(first[name]) for name in ("after_0", "after_2"))
        words = " and ".join(f"{'gambles' if a else 'plays safe'} after {r}" for a, r in zip(does, (0, 2), strict=True))
        law = dict(zip(run["x"].tolist(), run["p"].tolist(), strict=True))
        claims.append(_equal(f"{NAMES[rule]}: {words}, CVaR {CVAR[rule]:g}", float(first["cvar"]), CVAR[rule]))
        known = law.keys() == LAWS[rule].keys() and does == ACTIONS[rule]
        off = max((abs(p - LAWS[rule][x]) for x, p in law.items()), default=1.0) if known else 1.0
        listed = ", ".join(f"{x:g} with {p:g}" for x, p in LAWS[rule].items())
        claims.append(_equal(f"{NAMES[rule]}: the law is {listed} (largest difference of probabilities)", off, 0.0))
    keep = rules[rules["rule"] == "keep"].iloc[0]
    errors = abs(float(keep["simulated"]) - CVAR["keep"]) / float(keep["standard_error"])
    claims.append(
        Claim(
            f"{NAMES['keep']}: the mean of {int(keep['n_episodes']):,} simulated episodes is within 5 standard errors "
            "of 3/2",
            errors,
            5.0,
            held=errors <= 5.0,
            kind="statistical",
            uncertainty=FALSE_ALARM,
            source="normal approximation of an average of independent bounded numbers",
        )
    )
    return claims


def _equal(sentence: str, value: float, expected: float) -> Claim:
    return Claim(
        f"{sentence}; tolerance {ROUNDING:g}", value, expected, held=abs(value - expected) <= ROUNDING, source=SOURCE
    )
