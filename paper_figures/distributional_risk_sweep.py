"""From the mean to the worst fiftieth of the cases: what is optimal on the edge of a cliff."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.distributional_risk_sweep import FALL
from mdpkit.distributional import DiscreteLaw
from mdpkit.plotting import COLORS, law_cdf, style, value_heatmap
from mdpkit.sweeps import Claim

TITLE = "As the tail shrinks, the best walker keeps off the edge, then stays put, then jumps"
CAPTION = (
    "A cliff of 3 x 4 cells; each of 14 steps costs 1, a fall 40; moves go astray with probability 0.1. Top left: "
    "largest CVaR over all policies, best of the 262,144 deterministic stationary ones, and CVaR of the policy that "
    "is optimal for nested CVaR, another objective. Top middle and right: laws of the return of the optimal policies, "
    "with and without a fall (log and linear scale). Bottom: probability of ever entering a cell, to two digits; from "
    "S to G, X is the cliff. At 0.05 it is best to stay in the corner; at 0.02 a fall in the worst cases cannot be "
    "avoided, and jumping at once loses no time: that is what a pure tail objective asks for. Everything is exact, no "
    "seeds."
)
FAMILY = "distributional"
SOURCE = "stock dynamic programming over all integer thresholds, by a second implementation"
PAPER = "Bäuerle & Ott 2011"
EXPERIMENTS = ("distributional_risk_sweep", "distributional_stationary_cliff")
OPTIMA = {
    1.0: -9.282386396123,
    0.5: -11.625515041436,
    0.2: -16.712370802277,
    0.1: -23.894369311748,
    0.05: -34.770701679406,
    0.02: -40.209992445396,
}
"""Optimal CVaR of each level."""
NESTED = {0.5: -12.502274422649, 0.1: -44.530682929369}
DIGITS = 1e-11
ROUNDING = 1e-9
SHOWN = (1.0, 0.1, 0.05, 0.02)
LABELS = " " * 8 + "SXXG"


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw values, laws and where the policies walk."""
    atoms, stationary = (tables[name] for name in EXPERIMENTS)
    levels = atoms.drop_duplicates("tau").set_index("tau").sort_index(ascending=False)
    levels = levels.assign(
        stationary=stationary.set_index("level")["best"], n_policies=stationary["n_policies"].iloc[0]
    )
    with style():
        figure = Figure(figsize=(12, 6.8))
        top, bottom = figure.subfigures(2, 1, height_ratios=[1.5, 1.0])
        values, tail, bulk = top.subplots(1, 3, width_ratios=[1.1, 1.0, 1.0])
        figure.get_layout_engine().set(wspace=0.06)
        _values(values, levels)
        _laws((tail, bulk), atoms)
        for ax, tau in zip(bottom.subplots(1, len(SHOWN)), SHOWN, strict=True):
            _map(ax, levels.loc[tau], tau)
    return figure, _claims(atoms, levels)


def _values(ax: Any, levels: pd.DataFrame) -> None:
    tau = levels.index.to_numpy()
    ax.plot(tau, levels["value"], "o-", color=COLORS[0], label="all policies")
    ax.plot(tau, levels["stationary"], "x", color="black", markersize=8, label="stationary policies")
    ax.plot(tau, levels["of_nested"], "s--", color=COLORS[1], markersize=5, label="optimal for nested CVaR")
    ax.set(xscale="log", xlabel="level $\\tau$", ylabel="CVaR of the return", title="Value of the worst share $\\tau$")
    ax.set_xticks(tau, labels=[f"{x:g}" for x in tau])
    ax.minorticks_off()
    ax.legend(loc="lower right")


def _laws(axes: Any, atoms: pd.DataFrame) -> None:
    laws = {}
    for tau in SHOWN:
        run = atoms[atoms["tau"] == tau]
        laws[f"$\\tau$ = {tau:g}"] = DiscreteLaw(run["x"].to_numpy(), run["p"].to_numpy())
    for ax, limits, title in (
        (axes[0], (-54.0, -39.0), "Laws: returns with a fall"),
        (axes[1], (-15.0, -4.0), "Laws: returns without"),
    ):
        law_cdf(laws, ax=ax)
        ax.set(xlim=limits, title=title)
        ax.get_legend().remove()
    axes[0].set(yscale="log", ylim=(1e-5, 1.3), xticks=range(-54, -38, 3))
    axes[1].set_ylabel("")
    axes[1].legend(loc="lower right")


def _map(ax: Any, level: pd.Series, tau: float) -> None:
    chances = [round(float(level[f"visit{s}"]), 2) for s in range(12)]
    value_heatmap(chances, (3, 4), labels=list(LABELS), value_label="", cmap="cividis", ax=ax)
    ax.set(title=f"$\\tau$ = {tau:g}: cells entered", xlabel="", ylabel="")


def _claims(atoms: pd.DataFrame, levels: pd.DataFrame) -> list[Claim]:
    claims = [
        Claim(
            f"level {tau:g}: the optimal CVaR is {value:.12f}; tolerance {DIGITS:g}",
            float(levels.loc[tau, "value"]),
            value,
            held=abs(float(levels.loc[tau, "value"]) - value) <= DIGITS,
            source=SOURCE,
        )
        for tau, value in OPTIMA.items()
    ]
    claims += [
        Claim(
            f"level {tau:g}: the optimal nested CVaR, another objective, is {value:.12f}; tolerance {DIGITS:g}",
            float(levels.loc[tau, "nested"]),
            value,
            held=abs(float(levels.loc[tau, "nested"]) - value) <= DIGITS,
            source="backward recursion, by a second implementation",
        )
        for tau, value in NESTED.items()
    ]
    rises = float(np.max(np.diff(levels["value"])))
    off = float(np.max(np.abs(levels["value"] - levels["maximand"])))
    n = int(levels["n_policies"].iloc[0])
    fall = float(levels.loc[1.0, "fall"])
    return [
        *claims,
        Claim(
            "the optimal CVaR never falls as the level grows (largest rise from one level to the next smaller one)",
            rises,
            0.0,
            held=rises <= 0.0,
            source="CVaR of one law rises with the level, and so does the best",
        ),
        Claim(
            f"the law returned has the optimal value, by the variational form of CVaR (largest difference; "
            f"tolerance {ROUNDING:g})",
            off,
            ROUNDING,
            held=off <= ROUNDING and len(levels) == len(OPTIMA),
            source="Rockafellar and Uryasev 2000",
        ),
        _dominates(levels, "stationary", f"no deterministic stationary policy beats it, of {n:,} enumerated"),
        _dominates(levels, "of_nested", "nor does the Markov policy that is optimal for nested CVaR"),
        Claim(
            f"the maximal mean does not mean safety: it falls with probability {fall:.4f}; at level 0.02 the optimal "
            "policy falls with this probability",
            float(levels.loc[0.02, "fall"]),
            None,
            held=True,
            kind="descriptive",
            source=f"mass of the law up to {FALL:g}; ties between optimal policies may change it",
        ),
    ]


def _dominates(levels: pd.DataFrame, column: str, sentence: str) -> Claim:
    advantage = float((levels[column] - levels["value"]).max())
    return Claim(
        f"{sentence} (largest advantage; tolerance {ROUNDING:g})",
        advantage,
        ROUNDING,
        held=advantage <= ROUNDING,
        source="Bäuerle and Ott 2011: policies on states and stocks are optimal among all",
    )
