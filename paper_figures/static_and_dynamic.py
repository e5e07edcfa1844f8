"""Static against dynamic nature: values of two small problems against the discount factor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim

TITLE = "What it is worth that nature must choose once and for all"
CAPTION = (
    "Two doors, one of them open, nobody knows which. Left: worst-case value of the closed state under different "
    "rules, times 1 - gamma. Middle: how far the two best rules stay behind an agent who sees the model. Lines: "
    "closed forms; markers: different problems of that value, computed. Memory: try one door, then the other (dot), "
    "Bayes value of the uniform prior (square), upper bound of IWOCS (diamond). Coin: best of 41 randomized "
    "stationary policies, s-rectangular hull, worst mixture of the models if the agent sees it. Deterministic: best "
    "stationary policy, (s,a)-rectangular hull. Right: two models with one action each, where only nature's freedom "
    "matters. No randomness, no seeds."
)
FAMILY = "robust"
SOURCE = "Wiesemann, Kuhn and Rustem 2013; Iyengar 2005; the instances are ours"
PAPER = "Wiesemann et al. 2013"
EXPERIMENTS = ("static_and_dynamic",)


def informed(gamma: Any) -> Any:
    """Return (1 - gamma) times the value if the agent sees the model."""
    return gamma


def with_memory(gamma: Any) -> Any:
    """Return (1 - gamma) times the value of trying one door, then the other."""
    return gamma * (1.0 + gamma) / 2.0


def randomized(gamma: Any) -> Any:
    """Return (1 - gamma) times the value of tossing a coin at every step."""
    return (gamma / 2.0) / (1.0 - gamma / 2.0)


def nothing(gamma: Any) -> Any:
    """Return the value of a door that never opens."""
    return 0.0 * gamma


RULES = (
    ("the agent sees the model", informed, (("informed", "each of the two models"),)),
    (
        "policies with memory",
        with_memory,
        (
            ("with_memory", "one door, then the other"),
            ("bayes", "Bayes value of the uniform prior"),
            ("iwocs_upper", "upper bound of IWOCS"),
        ),
    ),
    (
        "coin at every step",
        randomized,
        (
            ("randomized", "best randomized stationary policy"),
            ("s_rectangular", "s-rectangular hull"),
            ("informed_mixed", "worst mixture of the models, seen by the agent"),
        ),
    ),
    (
        "deterministic, stationary",
        nothing,
        (
            ("deterministic", "best deterministic stationary policy"),
            ("sa_rectangular", "(s,a)-rectangular hull"),
        ),
    ),
)
"""Label, closed form, and the computed columns that must equal it."""
MARKERS = (("o", "full", 5.0), ("s", "none", 8.0), ("D", "none", 11.0))


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw closed forms as lines and computed values as markers."""
    data = tables["static_and_dynamic"].sort_values("gamma")
    with style():
        figure = Figure(figsize=(12, 4.8))
        axes = figure.subplots(1, 3, width_ratios=[1.2, 1.2, 0.8])
        gamma = np.linspace(0.0, 0.999, 400)
        _doors(axes[0], data, gamma, loss=False)
        _doors(axes[1], data, gamma, loss=True)
        _drifts(axes[2], data)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure, _claims(data)


def _doors(ax: Any, data: pd.DataFrame, gamma: np.ndarray, *, loss: bool) -> None:
    shown = data.iloc[:: max(1, len(data) // 12)]
    for (label, formula, columns), color in zip(RULES, COLORS, strict=False):
        if loss and formula in (informed, nothing):
            continue
        line = informed(gamma) - formula(gamma) if loss else formula(gamma)
        ax.plot(gamma, line, color=color, linewidth=1.4, label=label)
        for (column, _), (marker, fill, size) in zip(columns, MARKERS, strict=False):
            values = (1.0 - shown["gamma"]) * shown[column]
            values = informed(shown["gamma"]) - values if loss else values
            ax.plot(shown["gamma"], values, marker, color=color, markersize=size, fillstyle=fill, linewidth=0)
    title = "Price of not knowing the door" if loss else "Retry: one of two doors is open"
    label = "lost against an informed agent, times $1 - \\gamma$" if loss else "value of the start times $1 - \\gamma$"
    ax.set(xlabel="discount factor $\\gamma$", ylabel=label, title=title, xlim=(0.0, 1.03))
    if loss:
        ax.set_ylim(0.0, None)


def _drifts(ax: Any, data: pd.DataFrame) -> None:
    shown = data.iloc[:: max(1, len(data) // 12)]
    for column, level, color, text in (
        ("drifts_static", 1.0, COLORS[4], "nature chooses once"),
        ("drifts_dynamic", 0.0, COLORS[6], "nature chooses at every step"),
    ):
        ax.axhline(level, color=color, linewidth=1.4)
        ax.plot(shown["gamma"], shown[column], "o", color=color, markersize=5)
        ax.text(0.5, level + 0.04, text, ha="center", va="bottom")
    ax.set(
        xlabel="discount factor $\\gamma$",
        ylabel="value of the uniform start",
        title="Opposite drifts",
        xlim=(0.0, 1.03),
        ylim=(-0.1, 1.25),
    )


def _claims(data: pd.DataFrame) -> list[Claim]:
    gamma = data["gamma"]
    claims = []
    for label, formula, columns in RULES:
        names = ", ".join(name for _, name in columns)
        error = max(float(np.max(np.abs((1.0 - gamma) * data[column] - formula(gamma)))) for column, _ in columns)
        claims.append(_equal(f"retry, {label}: the closed form is met by {names}", error))
    tosses = float(np.max(np.abs(np.concatenate([data["best_toss"] - 0.5, data["s_policy_left"] - 0.5]))))
    drifts = float(np.max(np.abs(np.concatenate([data["drifts_static"] - 1.0, data["drifts_dynamic"]]))))
    memory = float(np.min(data["with_memory"] - data["randomized"]))
    return [
        *claims,
        _equal("retry: the fair coin is best among 41 coins, and it is the s-rectangular optimal policy", tosses),
        Claim(
            "retry: memory is worth something at every discount factor (smallest advantage over the coin)",
            memory,
            0.0,
            held=memory > 0.0,
            source="closed forms: the advantage is gamma^2 / (2 (2 - gamma))",
        ),
        _equal("opposite drifts: the static value is 1 and the rectangular one 0 at every discount factor", drifts),
    ]


def _equal(sentence: str, error: float) -> Claim:
    return Claim(f"{sentence} (within 1e-9)", error, 1e-9, held=error <= 1e-9, source="closed forms in the text")
