"""How an optimal policy spreads over actions when nature shares a budget among them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.robust_shared_budget import REFERENCE
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "One budget for all actions: the optimal policy randomizes"
CAPTION = (
    "One decision with fixed payoffs. Top: optimal probabilities of the actions as nature's shared budget grows. "
    "Bottom: worst-case value of that mixture and of the best single action. Dotted lines mark the budgets of the "
    "reference numbers. Left and middle share three actions, with 4, 3 and 3 successors; right, two actions with 4. "
    "No randomness, no seeds."
)
FAMILY = "robust"
SOURCE = "Wiesemann, Kuhn and Rustem 2013; Ho, Petrik and Wiesemann 2018, 2022"
PAPER = "Ho et al. 2018"
EXPERIMENTS = ("robust_shared_budget",)
TITLES = {"l1": "L1 budget", "weighted_l1": "weighted L1 budget", "kl": "Kullback-Leibler budget"}
NUMBERS = (
    ("weighted_l1", 0.5, 1.416051660517, (0.292742927429, 0.602706027060, 0.104551045511)),
    ("weighted_l1", 1.0, 1.3, (0.0, 1.0, 0.0)),
    ("l1", 0.5, 2.19, (0.0, 0.0, 1.0)),
    ("l1", 1.0, 1.849438202247, (0.353932584270, 0.393258426966, 0.252808988764)),
    ("l1", 1.5, 1.648257655755, None),
    ("kl", 0.3, 1.44113520900174, (0.79953828, 0.20046172, 0.0)),
)
"""Set, budget, value and policy: reference numbers, checked by linear and conic programs."""
SINGLE = (0.3, 1.3565355045, 0.764039471177)
"""Kullback-Leibler budget and the values of the two single actions, from their duals with 30 digits."""

ROUNDING = 1e-11
"""The reference numbers have twelve digits, the solver's tolerance is 1e-12."""


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw one column per set."""
    data = tables["robust_shared_budget"]
    with style():
        figure = Figure(figsize=(11, 5.6))
        axes = figure.subplots(2, len(TITLES), sharex="col")
        for column, (name, title) in enumerate(TITLES.items()):
            run = data[data["set"] == name].sort_values("budget")
            top, bottom = axes[:, column]
            actions = 2 if name == "kl" else 3
            for a, color in zip(range(actions), COLORS, strict=False):
                top.plot(run["budget"], run[f"d{a}"], color=color, label=f"action {a}")
            bottom.plot(run["budget"], run["value"], color="black", label="optimal mixture")
            bottom.plot(run["budget"], run["best_single"], "--", color="0.5", label="best single action")
            for ax in (top, bottom):
                for budget in REFERENCE[name]:
                    ax.axvline(budget, color="0.5", linestyle=":", linewidth=1)
            top.set(title=title, ylim=(-0.03, 1.03))
            bottom.set_xlabel("budget $\\kappa$")
        axes[0, 0].set_ylabel("probability")
        axes[1, 0].set_ylabel("worst-case value")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        values, names = axes[1, 0].get_legend_handles_labels()
        figure.legend(handles + values, labels + names, loc="outside lower center", ncols=5)
    return figure, _claims(data)


def _claims(data: pd.DataFrame) -> list[Claim]:
    return _number_claims(data) + _optimality_claims(data) + _shape_claims(data)


def _number_claims(data: pd.DataFrame) -> list[Claim]:
    claims = []
    for name, budget, value, policy in NUMBERS:
        row = _row(data, name, budget)
        claims.append(_equal(f"{TITLES[name]} {budget:g}: value {value:.12g}", float(row["value"]), value))
        if policy is not None:
            found = row[["d0", "d1", "d2"]].to_numpy(dtype=float)
            off = float(np.max(np.abs(found - policy)))
            digits = 5e-9 if name == "kl" else ROUNDING
            listed = ", ".join(f"{p:.9g}" for p in policy)
            claims.append(
                Claim(
                    f"{TITLES[name]} {budget:g}: policy ({listed}), to the digits known (largest difference)",
                    off,
                    digits,
                    held=off <= digits,
                    source=SOURCE,
                )
            )
    budget, *single = SINGLE
    row = _row(data, "kl", budget)
    return claims + [
        _equal(f"{TITLES['kl']} {budget:g}: action {a} alone is worth {value:.12g}", float(row[f"single{a}"]), value)
        for a, value in enumerate(single)
    ]


def _optimality_claims(data: pd.DataFrame) -> list[Claim]:
    loss = float((data["best_single"] - data["value"]).max())
    return [
        Claim(
            f"no single action beats the mixture at any of {len(data)} budgets (largest advantage)",
            loss,
            ROUNDING,
            held=loss <= ROUNDING,
            source="Wiesemann, Kuhn and Rustem 2013: mixtures contain the single actions; 1e-11 allows for rounding",
        ),
        _equal(
            "the reported policy attains the value (largest difference of its evaluation)",
            float((data["of_mixture"] - data["value"]).abs().max()),
            0.0,
        ),
    ]


def _shape_claims(data: pd.DataFrame) -> list[Claim]:
    claims = []
    for name, title in TITLES.items():
        run = data[data["set"] == name].sort_values("budget")
        convex = float(np.max(_slope_drops(run)))
        claims.append(
            Claim(
                f"{title}: the value falls and is convex in the budget (largest drop of its slope)",
                convex,
                1e-8,
                held=convex <= 1e-8 and bool((np.diff(run["value"]) <= ROUNDING).all()),
                source="the least u for which a sum of convex falling functions is at most the budget; 1e-8 allows for "
                "rounding in the slopes",
            )
        )
        claims.append(
            Claim(
                f"{title}: largest gain of randomizing over the best single action",
                float((run["value"] - run["best_single"]).max()),
                None,
                held=True,
                kind="descriptive",
                source="measured",
            )
        )
    return claims


def _row(data: pd.DataFrame, name: str, budget: float) -> pd.Series:
    return data[(data["set"] == name) & (data["budget"] == budget)].iloc[0]


def _slope_drops(run: pd.DataFrame) -> np.ndarray:
    """Return by how much slopes between successive budgets decrease; nowhere positive for a convex curve."""
    budget, value = run["budget"].to_numpy(), run["value"].to_numpy()
    slopes = np.diff(value) / np.diff(budget)
    return slopes[:-1] - slopes[1:]


def _equal(sentence: str, value: float, expected: float) -> Claim:
    return Claim(
        f"{sentence}; tolerance {ROUNDING:g}",
        value,
        expected,
        held=abs(value - expected) <= ROUNDING,
        source=SOURCE,
    )
