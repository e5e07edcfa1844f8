"""Price of robustness: nominal and worst-case values of nominal-optimal and robust policies against the radius."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.robust_price import FAMILIES, TOL
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "The price of robustness"
CAPTION = (
    "Values, averaged over states, of the nominal-optimal and of the robust policy, in the nominal model and in the "
    "worst model of the set. Sets are matched: with Kullback-Leibler and reverse Kullback-Leibler radius kappa^2/2 and "
    "chi-square radius kappa^2 they lie inside the L1 ball of radius kappa, and all keep the nominal support. Right: "
    "largest loss of optimal value in any state against the bound for L1 balls. No randomness, no seeds."
)
FAMILY = "robust"
SOURCE = "Nilim and El Ghaoui 2005; Pinsker's inequality; the simulation lemma of Kearns and Singh 2002"
PAPER = "Nilim & El Ghaoui 2005"
EXPERIMENTS = ("robust_price",)
TITLES = {"river_swim": "RiverSwim 6 (weak swimmer)", "machine_replacement": "machine replacement"}
NAMES = {"l1": "L1", "kl": "Kullback-Leibler", "reverse_kl": "reverse Kullback-Leibler", "chi_square": "chi-square"}
CURVES = (
    ("robust", "robust policy, worst model", "-"),
    ("careless", "nominal policy, worst model", "--"),
    ("robust_nominally", "robust policy, nominal model", ":"),
)
SLACK = 4 * TOL
"""Two certified values are off by `TOL` each; as much again for values that are compared with a comparison."""


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one row per problem."""
    data = tables["robust_price"]
    with style():
        figure = Figure(figsize=(11, 7.2))
        axes = figure.subplots(len(TITLES), 3, sharex=True)
        for row, (problem, title) in zip(axes, TITLES.items(), strict=True):
            run = data[data["problem"] == problem]
            _values(row[0], run, ("robust", "careless"))
            _values(row[1], run, ("robust_nominally",))
            _losses(row[2], run)
            row[0].set(title=f"{title}: worst model", ylabel="mean value")
            row[1].set(title="nominal model", ylabel="mean value")
            row[2].set(title="loss of optimal value", ylabel="largest over states")
        for ax in axes[1]:
            ax.set_xlabel("L1 radius $\\kappa$ around the set")
        handles = [
            Line2D([], [], color=color, label=NAMES[family]) for family, color in zip(FAMILIES, COLORS, strict=False)
        ]
        handles += [Line2D([], [], color="0.3", linestyle=line, label=label) for _, label, line in CURVES]
        handles.append(Line2D([], [], color="0.6", linestyle="-.", label="nominal optimum; bound for L1 balls"))
        figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure, _claims(data)


def _values(ax, data: pd.DataFrame, shown: tuple[str, ...]) -> None:
    for family, color in zip(FAMILIES, COLORS, strict=False):
        run = data[data["family"] == family]
        for column, _, line in CURVES:
            if column in shown:
                ax.plot(run["kappa"], run[column], color=color, linestyle=line)
    ax.axhline(data["nominal"].iloc[0], color="0.6", linestyle="-.")


def _losses(ax, data: pd.DataFrame) -> None:
    for family, color in zip(FAMILIES, COLORS, strict=False):
        run = data[(data["family"] == family) & (data["kappa"] > 0.0)]
        ax.plot(run["kappa"], run["drop"], color=color)
        if family == "l1":
            ax.plot(run["kappa"], run["limit"], color="0.6", linestyle="-.")
    ax.set(yscale="log")


def _claims(data: pd.DataFrame) -> list[Claim]:
    n = len(data)
    certain = data[data["kappa"] > 0.0]
    ratio = certain["drop"] / certain["limit"]
    checks = (
        (
            f"worst-case values of both policies fall as the set grows, in every state (largest rise of {n} steps)",
            float(data["rise"].max()),
            1.0,
            "larger sets give nature more freedom",
        ),
        (
            "in the worst model the robust policy is worth at least as much as the nominal one, in every state "
            "(smallest advantage)",
            float(data["advantage"].min()),
            -1.0,
            "Iyengar 2005, Theorem 3.2",
        ),
        (
            "in the nominal model it is the other way round (smallest price)",
            float(data["price"].min()),
            -1.0,
            "optimality of the nominal policy",
        ),
        (
            "ordering: no smaller set has a smaller robust value, in any state (smallest difference to the L1 ball of "
            "radius kappa and, for chi-square, to the Kullback-Leibler ball of radius log(1 + kappa^2))",
            float(data["order"].min()),
            -1.0,
            "Pinsker; Cauchy-Schwarz; Jensen (Gibbs and Su 2002)",
        ),
        (
            "the loss of optimal value is at most gamma kappa span / (2 (1 - gamma)) (largest excess)",
            float((data["drop"] - data["limit"]).max()),
            1.0,
            "radius sensitivity: the simulation lemma with the span, for sets inside L1 balls",
        ),
    )
    claims = [
        Claim(
            f"{sentence}; the solvers' tolerance allows for {SLACK:g}",
            value,
            sign * SLACK,
            held=sign * value <= SLACK,
            source=source,
        )
        for sentence, value, sign, source in checks
    ]
    for problem, title in TITLES.items():
        of_problem = ratio[certain["problem"] == problem]
        claims.append(
            Claim(
                f"{title}: tightness of that bound, largest loss / bound (it reaches 1 on two states with one action)",
                float(of_problem.max()),
                None,
                held=True,
                kind="descriptive",
                source="measured",
            )
        )
    for problem, title in TITLES.items():
        run = data[(data["problem"] == problem) & (data["family"] == "l1")]
        changed = run[run["nominal"] - run["robust_nominally"] > SLACK]
        claims.append(
            Claim(
                f"{title}, L1: first radius of the grid at which robustness costs nominal value",
                float(changed["kappa"].min()),
                None,
                held=True,
                kind="descriptive",
                source="measured",
            )
        )
    return claims
