"""Coverage of confidence sets against the level they promise."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import beta

from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim
from paper_figures._rates import coverage_claim

TITLE = "How often confidence sets miss"
CAPTION = (
    "Share of runs in which the truth left the set at least once, against the failure probability that was asked for; "
    "bars are 95 % Clopper-Pearson intervals. OFUL: 200 rounds of adaptively chosen actions in three dimensions. "
    "Weissman: 100 draws from four outcomes, at the end, and after every draw at once."
)
FAMILY = "bounds"
SOURCE = "Abbasi-Yadkori, Pal and Szepesvari 2011, Theorem 2; Weissman et al. 2003"
PAPER = "Abbasi-Yadkori et al. 2011"
EXPERIMENTS = ("confidence_coverage",)
NAMES = {"oful": "OFUL ellipsoid", "weissman": "Weissman, fixed size", "weissman_adaptive": "Weissman, all counts"}


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw the share of misses of every set."""
    data = tables["confidence_coverage"].groupby(["set", "delta"])[["misses", "trials"]].sum().reset_index()
    claims = []
    with style():
        figure = Figure(figsize=(6, 4.4))
        ax = figure.subplots()
        for shift, (name, label), color in zip((0.94, 1.0, 1.06), NAMES.items(), COLORS, strict=False):
            run = data[data["set"] == name].sort_values("delta")
            k, n = run["misses"].to_numpy(float), run["trials"].to_numpy(float)
            low = beta.ppf(0.025, k, n - k + 1)
            high = beta.ppf(0.975, k + 1, n - k)
            low = pd.Series(low).fillna(0.0).to_numpy()
            ax.errorbar(
                run["delta"] * shift, k / n, yerr=[k / n - low, high - k / n], fmt="o", color=color, label=label
            )
            claims += [
                coverage_claim(label, int(row.misses), int(row.trials), float(row.delta), SOURCE)
                for row in run.itertuples()
            ]
        limits = (0.007, 0.7)
        ax.plot(limits, limits, "--", color="0.5", label="promised")
        ax.set(xscale="log", xlim=limits, xlabel="failure probability $\\delta$", ylabel="share of runs that miss")
        ax.set_yscale("symlog", linthresh=1e-3)
        ax.set_ylim(-2e-4, 1.0)
        ax.legend(loc="upper left")
    return figure, claims
