"""Rankings of K alternatives: errors of maximum likelihood and of pair splitting, and the ratio that theory gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import gamma, norm
from scipy.stats import t as student

from experiments.preferences_kwise import FIXED_SIZE, METHODS, random_instance
from mdpkit.models import ContextualBandit
from mdpkit.plotting import COLORS, style
from mdpkit.preferences import PLEfficiency, pl_efficiency
from mdpkit.problems.preferences import four_choices
from mdpkit.sweeps import Claim
from paper_figures._preferences import error_band, rate_claim, seen
from paper_figures._rates import FALSE_ALARM

TITLE = "From rankings, maximum likelihood is more precise than splitting them into pairs"
CAPTION = (
    "Left and middle: error in the norm of the design of one random instance each, K items in three dimensions, "
    "features and parameter Gaussian (numpy seed (0, K)), the parameter centered; estimates with sum zero and "
    "||theta|| <= 2, both on the same rankings. Mean, and a band that holds 80 % of the datasets of each size: 20 "
    "(quick) or 200 (paper) seeds of 10 each. Right: ratio of mean squared errors with 95 % bars (delta method), and "
    "its limits for many rankings, computed exactly (dashes); the fixed instance has 400 (quick) or 4000 (paper) "
    "datasets of 2000 rankings."
)
FAMILY = "preferences"
SOURCE = "Zhu, Jiao and Jordan 2023, Theorem 4.3 and section 7; instances and limits are ours"
PAPER = "Zhu et al. 2023"
EXPERIMENTS = ("preferences_kwise",)
LABELS = {"mle": "maximum likelihood", "pair_split": "pair splitting"}
PLACES = {("random", 4): "random, K = 4", ("random", 9): "random, K = 9", ("four_choices", 4): "fixed, K = 4"}
LIMITS = "asymptotic covariances, by summation over sets of placed items"
ENUMERATED = {"mle_mse": 3.4658635102, "pair_split_mse": 3.7215095660, "ratio": 0.9313058179}
"""Limits of the fixed instance, by enumeration of all rankings (specification, 7.6)."""


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw errors and ratios."""
    data = tables["preferences_kwise"]
    runs = {place: data[(data["instance"] == place[0]) & (data["K"] == place[1])] for place in PLACES}
    with style():
        figure = Figure(figsize=(12, 4.8))
        axes = figure.subplots(1, 3, width_ratios=[1.0, 1.0, 1.1])
        axes[1].sharey(axes[0])
        for ax, K in zip(axes, (4, 9), strict=False):
            _errors(ax, runs["random", K])
            ax.set_title(f"Random instance, K = {K}")
        axes[0].set_ylabel("error in the norm of the design")
        _ratios(axes[2], runs)
        handles = [entry for ax in (axes[0], axes[2]) for entry in zip(*ax.get_legend_handles_labels(), strict=True)]
        figure.legend(*zip(*handles, strict=True), loc="outside lower center", ncols=6)
    claims = [claim for K in (4, 9) for claim in _random_claims(K, runs["random", K])]
    return figure, claims + _fixed_claims(runs["four_choices", 4])


def limits(place: tuple[str, int]) -> PLEfficiency:
    """Return the limits of ``n`` times the mean squared errors, in the coordinates that are estimated."""
    bandit: ContextualBandit = four_choices() if place[0] == "four_choices" else random_instance(place[1])
    features, theta = bandit.features[0], bandit.theta
    assert theta is not None
    if place[0] == "random":
        # estimates sum to zero: two coordinates in an orthonormal basis of that plane
        basis = np.linalg.svd(np.ones((1, len(theta))))[2][1:].T
        features, theta = features @ basis, basis.T @ theta
    return pl_efficiency(features, theta)


def _errors(ax: Any, run: pd.DataFrame) -> None:
    for method, color, marker in zip(METHODS, COLORS, ("o", "s"), strict=False):
        error_band(ax, run, f"error_{method}", color=color, marker=marker, label=LABELS[method])
    n = np.sort(run["n"].unique())
    last = run.loc[run["n"] == n[-1], "error_mle"].mean()
    ax.plot(n, last / 1.8 * np.sqrt(n[-1] / n), ":", color="0.5", label="slope -1/2")
    ax.set(xscale="log", yscale="log", xlabel="rankings n")


def _ratios(ax: Any, runs: dict[tuple[str, int], pd.DataFrame]) -> None:
    for (place, run), color, marker, shift in zip(
        runs.items(), COLORS[2:5], ("o", "s", "D"), (0.97, 1.03, 1.0), strict=True
    ):
        points = [(n, *ratio(group)) for n, group in run.groupby("n")]
        n, value, error = np.array(points).T
        ax.errorbar(n * shift, value, yerr=1.96 * error, fmt=marker, markersize=4, color=color, label=PLACES[place])
        ax.axhline(limits(place).ratio, linestyle="--", linewidth=1.2, color=color)
    ax.axhline(1.0, color="0.5", linewidth=0.8)
    ax.set(xscale="log", xlabel="rankings n", ylabel="MSE of maximum likelihood / of pair splitting")
    ax.set_title("Ratio of mean squared errors")


def ratio(run: pd.DataFrame) -> tuple[float, float]:
    """Return the ratio of mean squared errors and its standard error (delta method, pairs of errors)."""
    mle, split = run["error_mle"].to_numpy() ** 2, run["error_pair_split"].to_numpy() ** 2
    value = float(mle.mean() / split.mean())
    return value, float(np.std(mle - value * split, ddof=1) / np.sqrt(len(run)) / split.mean())


def _random_claims(K: int, run: pd.DataFrame) -> list[Claim]:
    claims = [
        rate_claim(f"K = {K}, {LABELS[m]}", run, f"error_{m}", 0.1, "Zhu et al. 2023, Theorem 4.1") for m in METHODS
    ]
    # one unit per seed and position: independent datasets, one of each size
    excess = (run["error_pair_split"] - run["error_mle"]) * np.sqrt(run["n"])
    place = run.groupby(["seed", "n"]).cumcount()
    units = excess.groupby([run["seed"], place]).mean().to_numpy()
    half = float(student.isf(FALSE_ALARM / 2, len(units) - 1) * np.std(units, ddof=1) / np.sqrt(len(units)))
    mean = float(units.mean())
    sizes = run.groupby("n")[["error_mle", "error_pair_split"]].mean()
    better = int((sizes["error_mle"] < sizes["error_pair_split"]).sum())
    found = limits(("random", K))
    return [
        *claims,
        Claim(
            f"K = {K}: maximum likelihood has the smaller mean error, on the same rankings: sqrt(n) times the "
            f"difference, averaged over sizes, is {mean:.3f} +- {half:.3f} (its lower end)",
            mean - half,
            0.0,
            held=mean - half > 0.0,
            kind="statistical",
            uncertainty="shown, not only compatible: the t interval at level 1e-6 over the datasets must exclude zero",
            source="Zhu et al. 2023, Theorem 4.3 and section 7",
        ),
        seen(f"K = {K}: sizes, of {len(sizes)}, at which its mean error is the smaller one", better),
        seen(f"K = {K}: limit of the ratio of mean squared errors", found.ratio),
    ]


def _fixed_claims(run: pd.DataFrame) -> list[Claim]:
    found = limits(("four_choices", 4))
    R = len(run)
    mle, split = (FIXED_SIZE * run[f"error_{m}"].to_numpy() ** 2 for m in METHODS)
    # Fieller: no ratio of means is tested but a mean difference, which is zero at the true ratio
    difference = mle - found.ratio * split
    z = float(difference.mean() / (np.std(difference, ddof=1) / np.sqrt(R)))
    margin = float(norm.isf(FALSE_ALARM / 2))
    value, error = ratio(run)
    off = max(abs(getattr(found, name) - number) for name, number in ENUMERATED.items())
    claims = [
        Claim(
            f"fixed instance, n = {FIXED_SIZE}, {R} datasets: the ratio of mean squared errors, {value:.4f} +- "
            f"{1.96 * error:.4f}, is compatible with its limit {found.ratio:.6f} (z of MSE - ratio * MSE, at most "
            f"{margin:.2f} in size)",
            abs(z),
            margin,
            held=abs(z) <= margin,
            kind="statistical",
            uncertainty="1e-6 in the normal approximation for a mean of paired differences, n -> infinity",
            source=LIMITS,
        ),
        Claim(
            "fixed instance: the limits are those derived by enumeration of all rankings (largest difference)",
            off,
            1e-9,
            held=off <= 1e-9,
            source="specification 7.6, by enumeration",
        ),
    ]
    for method, squares, cov, limit in (
        ("mle", mle, found.mle_cov, found.mle_mse),
        ("pair_split", split, found.pair_split_cov, found.pair_split_mse),
    ):
        low, high = mse_interval(cov @ found.design, R)
        mean = float(squares.mean())
        score = (mean - limit) / (float(np.std(squares, ddof=1)) / np.sqrt(R))
        claims.append(
            Claim(
                f"fixed instance, {LABELS[method]}: n MSE over {R} datasets is compatible with its limit {limit:.4f} "
                f"(between {low:.3f} and {high:.3f}; z = {score:.2f})",
                mean,
                limit,
                held=low <= mean <= high,
                kind="statistical",
                uncertainty="1e-6 for normal errors: gamma law with mean and variance of the weighted chi-square",
                source=LIMITS,
            )
        )
    return claims


def mse_interval(matrix: np.ndarray, count: int) -> tuple[float, float]:
    """Return where a mean of ``count`` squared norms of normal errors lies, but for 1e-6; ``matrix``: cov times norm.

    Mean and variance are exact; the law between them is a gamma law, which it is if all eigenvalues are equal.
    """
    mean, variance = float(np.trace(matrix)), 2.0 * float(np.trace(matrix @ matrix)) / count
    law = gamma(mean**2 / variance, scale=variance / mean)
    return float(law.ppf(FALSE_ALARM / 2)), float(law.isf(FALSE_ALARM / 2))
