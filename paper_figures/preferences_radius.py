"""Confidence radii for rewards from comparisons: how far the truth is, in units of what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import beta, binom, norm

from experiments.preferences_radius import DELTA, LAM, NORM_BOUND, THETA
from mdpkit import bounds
from mdpkit.plotting import COLORS, style
from mdpkit.sweeps import Claim
from paper_figures._preferences import error_band, seen
from paper_figures._rates import FALSE_ALARM, coverage_claim

TITLE = "How conservative confidence radii from comparisons are"
CAPTION = (
    "n sets of K alternatives, their features uniform on the unit sphere of three dimensions; maximum likelihood with "
    "||theta|| <= 1; errors and radii in the norm of the design + 0.01, delta = 0.1. 20 (quick) or 200 (paper) seeds "
    "of 35 datasets each. Left: share of datasets with error / radius above x at n = 1000, no band; the curve of a "
    "radius with no slack passes through the dotted corner. Middle: mean error, a band that holds 80 % of the "
    "datasets, and radii; dotted: the limit of the mean error. Right: share of datasets with the truth outside, with "
    "95 % Clopper-Pearson bars. Explicit: a theorem with all its constants; paper: C = 1 and curvature at L B, no "
    "theorem (for K = 4 off the scale); Wald: right for many comparisons only."
)
FAMILY = "preferences"
SOURCE = "Zhu, Jiao and Jordan 2023, Lemma 3.1 and Theorem 4.1; the explicit constants are ours"
PAPER = "Zhu et al. 2023"
EXPERIMENTS = ("preferences_radius",)
FORMS = {"explicit": "explicit radius", "paper": "paper's form, C = 1", "wald": "Wald ellipsoid"}
PAINT = dict(zip(FORMS, (COLORS[6], COLORS[2], COLORS[0]), strict=True))
STYLES = {2: "-", 4: "--"}
REFERENCE_SIZE = 1000
SPECIFIED = {250: 3.45, 1000: 3.42, 4000: 3.37}
"""Mean error times sqrt(n) of 300 datasets of the specification's prototype."""
TOLERANCE = 0.08
WALD_MARGIN = 0.02
"""Allowed for in the Wald ellipsoid's rate of misses at finite n."""


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw relative errors, rates, and misses."""
    data = tables["preferences_radius"]
    data = data.assign(
        ratio_explicit=data["error"] / data["explicit"],
        ratio_paper=data["error"] / data["paper"],
        ratio_wald=data["wald_ratio"],
    )
    with style():
        figure = Figure(figsize=(12, 4.7))
        left, middle, right = figure.subplots(1, 3)
        _relative(left, data[data["n"] == REFERENCE_SIZE])
        _rates(middle, data)
        _misses(right, data)
        handles = [Line2D([], [], color=PAINT[form], label=label) for form, label in FORMS.items()]
        handles += [Line2D([], [], color="0.3", linestyle=line, label=f"K = {K}") for K, line in STYLES.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=5)
    return figure, _claims(data)


def _relative(ax: Any, data: pd.DataFrame) -> None:
    for K, form in ((2, "explicit"), (2, "paper"), (2, "wald"), (4, "explicit"), (4, "wald")):
        ratio = np.sort(data.loc[data["K"] == K, f"ratio_{form}"])
        above = 1.0 - np.arange(1, len(ratio) + 1) / len(ratio)
        ax.step([0.0, *ratio], [1.0, *above], where="post", color=PAINT[form], linestyle=STYLES[K], linewidth=1.5)
    ax.plot([1.0, 1.0, 0.0], [3e-3, DELTA, DELTA], ":", color="0.4", linewidth=1.3)
    ax.set(yscale="log", xlim=(0.0, 1.6), ylim=(3e-3, 1.2), xlabel="error / radius", ylabel="share of datasets above")
    ax.set_title(f"n = {REFERENCE_SIZE}")


def _rates(ax: Any, data: pd.DataFrame) -> None:
    for K, color in ((2, COLORS[1]), (4, COLORS[4])):
        run = data[data["K"] == K]
        error_band(ax, run, "error", color=color, label=f"error, K = {K}")
        ax.plot(run.groupby("n")["explicit"].mean(), STYLES[K], color=PAINT["explicit"], linewidth=1.3)
        if K == 2:
            ax.plot(run.groupby("n")["paper"].mean(), STYLES[K], color=PAINT["paper"], linewidth=1.3)
    n = np.sort(data["n"].unique())
    ax.plot(n, limiting_error(LAM) / np.sqrt(n), ":", color="black", linewidth=1.5, label="limit, K = 2")
    ax.set(xscale="log", yscale="log", xlabel="comparisons or rankings n", ylabel="distance to $\\theta^*$")
    _name_sizes(ax, n)
    ax.set_title("Errors and radii")
    ax.legend(loc="lower left")


def _misses(ax: Any, data: pd.DataFrame) -> None:
    for shift, (K, form) in zip(
        (0.86, 0.95, 1.05, 1.16), ((2, "explicit"), (2, "wald"), (4, "explicit"), (4, "wald")), strict=True
    ):
        counts = (data[data["K"] == K].set_index("n")[f"ratio_{form}"] > 1.0).groupby("n").agg(["sum", "size"])
        k, N = counts["sum"].to_numpy(float), counts["size"].to_numpy(float)
        low = np.nan_to_num(beta.ppf(0.025, k, N - k + 1))
        high = beta.ppf(0.975, k + 1, N - k)
        face = PAINT[form] if K == 2 else "white"
        ax.errorbar(
            counts.index * shift,
            k / N,
            yerr=[k / N - low, high - k / N],
            fmt="o" if K == 2 else "s",
            markersize=4,
            color=PAINT[form],
            markerfacecolor=face,
        )
    ax.axhline(DELTA, color="0.5", linestyle=":")
    ax.set(xscale="log", ylim=(-0.005, 0.16), xlabel="comparisons or rankings n", ylabel="share of datasets outside")
    ax.set_title("Misses (squares: K = 4)")
    _name_sizes(ax, np.sort(data["n"].unique()))


def _name_sizes(ax: Any, n: np.ndarray) -> None:
    ax.set_xticks(n, labels=[str(k) for k in n])
    ax.set_xticks([], minor=True)


def limiting_error(lam: float) -> float:
    r"""Return the limit of ``sqrt(n) E ||theta_hat - theta*||`` for comparisons, in the norm of the design + ``lam``.

    A difference ``x`` of two independent uniform unit vectors has a uniform direction and, independently,
    ``|x|^2 = 2 - 2 cos`` uniform on [0, 4]. The information ``E sigma'(x . theta) x x^T`` has one eigenvalue along
    ``theta`` and two across; the error is normal in the limit, and its length has the mean ``sqrt(8 / pi)`` times that
    of ``||root(C) u||`` over unit vectors ``u``.
    """
    nodes, weights = np.polynomial.legendre.leggauss(40)
    square, c = 2.0 + 2.0 * nodes[:, None], nodes[None, :]
    z = np.sqrt(square) * float(np.linalg.norm(THETA)) * c
    curvature = np.outer(weights, weights) / 4.0 * square / (2.0 + np.exp(z) + np.exp(-z))
    along, across = float(np.sum(curvature * c**2)), float(np.sum(curvature * (1.0 - c**2) / 2.0))
    length = np.sqrt((2.0 / 3.0 + lam) * (nodes**2 / along + (1.0 - nodes**2) / across))
    return float(np.sqrt(8.0 / np.pi) * (weights @ length) / 2.0)


def _claims(data: pd.DataFrame) -> list[Claim]:
    pairs = data[data["K"] == 2]
    at = pairs[pairs["n"] == REFERENCE_SIZE]
    theorem = bounds.preference_seminorm_radius(
        n=REFERENCE_SIZE,
        d_eff=3,
        delta=DELTA,
        lam=LAM,
        curvature=float(bounds.preference_curvature(utility_range=2.0)),
        norm_bound=NORM_BOUND,
    )
    widest = float(at["explicit"].max())
    paper = np.sqrt((3 + np.log(1 / DELTA)) * (2 + np.e + 1 / np.e) ** 2 / REFERENCE_SIZE + LAM * NORM_BOUND**2)
    claims = [
        Claim(
            f"K = 2, n = {REFERENCE_SIZE}: all explicit radii are at most {float(theorem):.6f}, that of d_eff = 3 and "
            "curvature gamma(2)",
            widest,
            float(theorem),
            held=widest <= theorem and widest <= 1.116,
            source="mdpkit.bounds.preference_seminorm_radius; about half of the specification's 1.116",
        ),
        Claim(
            f"K = 2, n = {REFERENCE_SIZE}: the paper's form, C = 1 and gamma(1), is {paper:.6f} (largest difference)",
            float(np.max(np.abs(at["paper"] - paper))),
            1e-9,
            held=bool(np.max(np.abs(at["paper"] - paper)) <= 1e-9),
            source="Zhu et al. 2023, Lemma 3.1",
        ),
    ]
    for (K, n), run in data.groupby(["K", "n"]):
        misses = int((run["ratio_explicit"] > 1.0).sum())
        claims.append(
            coverage_claim(
                f"K = {K}, n = {n}, explicit radius: the truth is outside",
                misses,
                len(run),
                DELTA,
                "mdpkit.bounds.preference_seminorm_radius",
            )
        )
    N = int(data.groupby(["K", "n"]).size().min())
    allowed = int(binom.isf(FALSE_ALARM, N, DELTA))
    claims += [
        seen(
            f"chance that each of these tests, {N} datasets with at most {allowed} misses, catches a radius that "
            f"misses with probability {2 * DELTA:g}",
            float(binom.sf(allowed, N, 2 * DELTA)),
        ),
        *(_wald_claim(int(K), int(n), run) for (K, n), run in data.groupby(["K", "n"])),
        *(_mean_claim(int(n), run) for n, run in pairs.groupby("n")),
        seen(
            f"K = 2, n = {REFERENCE_SIZE}: mean error, in the norm of the design + {LAM:g}", float(at["error"].mean())
        ),
        seen(f"K = 2, n = {REFERENCE_SIZE}: 99 % quantile of the error", float(at["error"].quantile(0.99))),
        seen("K = 2: largest error / explicit radius", float(pairs["ratio_explicit"].max())),
        seen("K = 2: largest error / paper's form with C = 1", float(pairs["ratio_paper"].max())),
        seen("K = 4: largest error / explicit radius", float(data.loc[data["K"] == 4, "ratio_explicit"].max())),
        seen("K = 4: largest error / paper's form with C = 1", float(data.loc[data["K"] == 4, "ratio_paper"].max())),
    ]
    # no two parameters of the ball are further apart: the design of random sets tends to 2/3 of the identity
    trivial = 2.0 * NORM_BOUND * np.sqrt(2.0 / 3.0 + LAM)
    claims += [
        seen(
            f"K = {K}, n = {n}: explicit radius / {trivial:.2f}, which is no statement at all for a design of 2/3 I",
            float(run["explicit"].mean() / trivial),
        )
        for (K, n), run in data.groupby(["K", "n"])
    ]
    return claims


def _wald_claim(K: int, n: int, run: pd.DataFrame) -> Claim:
    misses, N = int((run["ratio_wald"] > 1.0).sum()), len(run)
    low = int(binom.ppf(FALSE_ALARM / 2, N, DELTA - WALD_MARGIN))
    high = int(binom.isf(FALSE_ALARM / 2, N, DELTA + WALD_MARGIN))
    interval = 100 * beta.ppf(0.025, misses, N - misses + 1), 100 * beta.ppf(0.975, misses + 1, N - misses)
    return Claim(
        f"K = {K}, n = {n}, Wald ellipsoid: {misses} of {N} datasets outside (95 % interval {interval[0]:.1f} to "
        f"{interval[1]:.1f} %), between {low} and {high}: compatible with delta = {DELTA:g} up to {WALD_MARGIN:g}",
        misses / N,
        DELTA,
        held=low <= misses <= high,
        kind="statistical",
        uncertainty=f"1e-6, binomial, with a margin of {WALD_MARGIN:g} for finite n",
        source="Wald's approximation: chi-square in the limit",
    )


def _mean_claim(n: int, run: pd.DataFrame) -> Claim:
    scaled = np.sqrt(n) * run["plain_error"].to_numpy()
    mean, error = float(scaled.mean()), float(np.std(scaled, ddof=1) / np.sqrt(len(scaled)))
    limit = limiting_error(0.0)
    off, half = abs(mean / limit - 1.0), float(norm.isf(FALSE_ALARM / 2)) * error / mean
    return Claim(
        f"K = 2, n = {n}: sqrt(n) times the mean error in the norm of the design is within {TOLERANCE:.0%} of its "
        f"limit {limit:.3f} ({off:.1%} off; its interval at level 1e-6 is +- {half:.1%}, to be at most "
        f"{TOLERANCE:.0%}; it is {abs(mean / SPECIFIED[n] - 1.0):.1%} from the specification's {SPECIFIED[n]:g})",
        mean,
        limit,
        held=half <= TOLERANCE and off <= TOLERANCE + half,
        kind="statistical",
        uncertainty=FALSE_ALARM,
        source="normal limit of maximum likelihood; specification, section 6",
    )
