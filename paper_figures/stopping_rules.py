"""When may value iteration stop? The span rule, the sup-norm rule and the naive rule."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from experiments._planning_problems import TITLES
from experiments.stopping_rules import TOL
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "When may value iteration stop?"
CAPTION = (
    "Plain value iteration from zero. The span rule bounds the error of the shifted midpoint, the sup-norm rule that "
    "of the last iterate; the naive rule looks at the last change, which bounds nothing. Dots: where each rule stops "
    "for a tolerance of 1e-6 (dashed line). No randomness, no seeds."
)
FAMILY = "planning"
SOURCE = "MacQueen 1966; Porteus 1971; Puterman 1994, sections 6.3 and 6.6"
PAPER = "Puterman 1994"
EXPERIMENTS = ("stopping_rules",)
CURVES = (
    ("sup_rule", "bound of the sup-norm rule", COLORS[1], "-"),
    ("error", "error of the last iterate", COLORS[1], ":"),
    ("span_rule", "bound of the span rule", COLORS[0], "-"),
    ("midpoint_error", "error of the midpoint", COLORS[0], ":"),
    ("last_change", "last change (naive rule)", COLORS[4], "-"),
)


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one panel per problem."""
    data = tables["stopping_rules"]
    names = list(dict.fromkeys(data["problem"]))
    with style():
        figure = Figure(figsize=(11, 4.4))
        axes = figure.subplots(1, len(names), sharey=True)
        for ax, name in zip(axes, names, strict=True):
            run = data[data["problem"] == name]
            for column, label, color, line in CURVES:
                ax.plot(run["sweep"], run[column].clip(lower=1e-13), color=color, linestyle=line, label=label)
                if line == "-":
                    stop = run[run[column] <= TOL].iloc[0]
                    ax.plot(stop["sweep"], stop[column], "o", color=color, markersize=6)
            ax.axhline(TOL, color="0.5", linestyle="--", linewidth=1)
            ax.set(yscale="log", xscale="log", xlabel="sweeps", ylim=(1e-9, None))
            ax.set_title(f"{TITLES[name]}, $\\gamma$ = {run['gamma'].iloc[0]:g}")
        axes[0].set_ylabel("sup-norm")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure, _claims(data)


def _claims(data: pd.DataFrame) -> list[Claim]:
    river = data[data["problem"] == "river_swim"].set_index("sweep")
    by_span, by_sup = (_first(river, rule) for rule in ("span_rule", "sup_rule"))
    naive_stop = int(river.index[river["last_change"] <= TOL][0])
    naive_error = float(river.loc[naive_stop, "error"])
    contraction = float((data["contraction"] / data["gamma"]).max())
    wrong = int(((data["error"] > data["sup_rule"] + 1e-9) | (data["midpoint_error"] > data["span_rule"] + 1e-9)).sum())
    return [
        Claim(
            "on RiverSwim at gamma 0.95 the span rule certifies 1e-6 after 65 sweeps",
            by_span,
            65,
            held=by_span == 65,
            source="MacQueen-Porteus bounds evaluated on the closed form",
        ),
        Claim(
            "there the sup-norm rule needs more than four times as many",
            by_sup,
            4 * 65,
            held=by_sup > 4 * 65,
            source="Puterman 1994, Theorem 6.3.1",
        ),
        Claim(
            "after 60 sweeps the sup-norm rule still allows an error of 0.395, the span rule one of 3.7e-6",
            float(river.loc[60, "sup_rule"]),
            0.395,
            held=round(float(river.loc[60, "sup_rule"]), 3) == 0.395
            and round(float(river.loc[60, "span_rule"]), 7) == 3.7e-6,
            source="evaluated on the closed form, to the digits shown",
        ),
        Claim(
            "value iteration contracts at most by gamma in every sweep (largest ratio / gamma)",
            contraction,
            1.0 + 1e-6,
            held=contraction <= 1.0 + 1e-6,
            source="Banach; 1e-6 allows for rounding where the error is near its floor",
        ),
        Claim(
            "neither rule is ever wrong: sweeps at which an error exceeds its bound",
            wrong,
            0,
            held=wrong == 0,
            source="Puterman 1994, sections 6.3 and 6.6; 1e-9 allows for rounding",
        ),
        Claim(
            f"the naive rule stops after {naive_stop} sweeps with an error this many times the tolerance",
            naive_error / TOL,
            None,
            held=True,
            kind="descriptive",
            source="the error can be gamma / (1 - gamma) = 19 times the last change",
        ),
    ]


def _first(run: pd.DataFrame, rule: str) -> int:
    return int(run.index[run[rule] <= TOL][0])
