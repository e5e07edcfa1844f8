r"""
Comparisons: rankings or pairs?
===============================

A judge who ranks six answers tells more than one who compares two. How much more, and what is lost if the ranking is
then split into its fifteen pairs, as is often done? Two questions that have exact answers in the Plackett-Luce model:
one about efficiency, one about error bars - those of split rankings are wrong unless they are computed as a *sandwich*.
This page evaluates the formulas, checks them by simulation, and ends with the cost of asking. The theory is in
:doc:`/theory/preferences`.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import gammaln, ndtr

from mdpkit import plotting
from mdpkit.feedback import ComparisonOracle, PairList
from mdpkit.preferences import fit_strengths, pl_efficiency, pl_efficiency_equal, pl_fisher

plotting.use_style()

# %%
# Splitting costs efficiency
# --------------------------
#
# A Plackett-Luce ranking is a sequence of choices: the best of all, the best of the rest, and so on. Maximum likelihood
# uses just that. Splitting treats the :math:`K (K-1) / 2` pairs of a ranking as independent comparisons, which they are
# not. Both estimates are consistent; their asymptotic variances have the ratio, for equally good items,
#
# .. math:: \mathrm{eff}(K) = \frac{3 K (K-1)}{4 (K+1)(K - H_K)}, \qquad H_K = 1 + \tfrac12 + \dots + \tfrac1K .

print({K: str(pl_efficiency_equal(K)) for K in range(2, 9)})

# %%
# One needs 1/eff times as many rankings for the same accuracy: with six items ten percent more, in the limit a third.
# Items of different quality change the number. `~mdpkit.preferences.pl_efficiency` computes it exactly, from the law of
# the set that is left after each choice. Here utilities are equally spaced, from best to worst a distance apart that
# grows.

spreads = np.linspace(0, 6, 25)
fig, ax = plt.subplots()
for color, K, ls in zip(plotting.COLORS, (3, 4, 6, 8), ("-", "--", "-.", ":"), strict=False):
    ratio = [pl_efficiency(np.eye(K), np.linspace(1, -1, K) * spread / 2).trace_ratio for spread in spreads]
    ax.plot(spreads, ratio, ls=ls, color=color, label=f"K = {K}")
    ax.plot(0, float(pl_efficiency_equal(K)), "o", color=color, ms=5)
ax.set(xlabel="utility of the best minus utility of the worst", ylabel="efficiency of splitting", ylim=(0.75, 1.01))
ax.set_title("What is left of the information after splitting")
ax.legend(loc="lower left")

# %%
# *Ratio of the traces of the asymptotic covariances, maximum likelihood to splitting, from exact sums; dots: the closed
# form. More items make splitting worse; how far they are apart changes it by a few percent.*

# %%
# Error bars of split rankings
# ----------------------------
#
# The second cost is easy to overlook. A program for pairs will return standard errors, from the inverse of its Hessian.
# With split rankings it believes in fifteen independent comparisons per ranking, and its intervals are far too short.
# The remedy is the sandwich :math:`H^{-1} V H^{-1}`, with :math:`V` summed over *rankings*: a ranking is one unit.
# ``fit_strengths(..., method="pair_split")`` returns that.
#
# We simulate 600 data sets of 100 rankings of six items, and look at nominal 95 % intervals for the differences of
# neighbors.


def split(rankings):
    """What a program for pairs would be given."""
    order = np.array(list(rankings))
    better, worse = np.triu_indices(order.shape[1], 1)
    return PairList(order[:, better].ravel(), order[:, worse].ravel())


def estimates(utilities, repetitions, seed):
    """Differences of neighbors with standard errors: an array (method, repetition, pair, 2)."""
    oracle = ComparisonOracle(utilities, link="pl", seed=seed)
    found = []
    for _ in range(repetitions):
        rankings = oracle.rank(n=100)
        fits = fit_strengths(rankings), fit_strengths(rankings, method="pair_split"), fit_strengths(split(rankings))
        found.append([[fit.contrast(i, i + 1) for i in range(len(utilities) - 1)] for fit in fits])
    return np.swapaxes(found, 0, 1)


methods = ("maximum likelihood", "split, sandwich", "split, inverse Hessian")
utilities = np.array([1.0, 0.6, 0.2, -0.2, -0.6, -1.0])
result = estimates(utilities, 600, seed=0)
hit = np.abs(result[..., 0] - 0.4) <= 1.96 * result[..., 1]
for name, inside, table in zip(methods, hit, result, strict=True):
    per_set = inside.mean(axis=1)  # the five differences of one data set depend on each other
    margin = 1.96 * per_set.std() / np.sqrt(len(per_set))
    print(
        f"{name:23} coverage {per_set.mean():.3f} +- {margin:.3f};"
        f" standard error claimed {table[..., 1].mean():.3f}, true {table[..., 0].std(axis=0).mean():.3f}"
    )

# %%
# Maximum likelihood and the sandwich keep their promise. The inverse Hessian claims an error that even the better
# estimate does not have, and one interval in six misses instead of one in twenty. For equally good items the true
# variance is :math:`(K+1)/3` times what the inverse Hessian says: the pairs of a ranking that share an item have
# correlation 1/3.

fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2), layout="constrained")
for k, (offset, color) in enumerate(((1, plotting.COLORS[1]), (2, plotting.COLORS[2])), start=1):
    for row in range(40):
        difference, stderr = result[k, row, 0]
        missed = not hit[k, row, 0]
        left.plot(
            difference + 1.96 * stderr * np.array([-1, 1]),
            [row + 0.45 * (offset - 1)] * 2,
            color=color,
            lw=2.4 if missed else 1.0,
            label=methods[k] if row == 0 else None,
        )
left.axvline(0.4, color="black", lw=1)
left.set(xlabel="difference of the best two", ylabel="data set", title="Forty data sets; thick: missed", ylim=(-2, 48))
left.legend(loc="upper center", ncols=2)

K = np.arange(2, 13)
right.plot(K, 2 * ndtr(1.96 * np.sqrt(3 / (K + 1))) - 1, color=plotting.COLORS[2], label="inverse Hessian, formula")
for size in (3, 6, 10):
    table = estimates(np.zeros(size), 150, seed=size)
    for k, (marker, color) in enumerate(zip("os^", plotting.COLORS, strict=False)):
        per_set = (np.abs(table[k, ..., 0]) <= 1.96 * table[k, ..., 1]).mean(axis=1)
        right.errorbar(
            size + 0.15 * (k - 1),
            per_set.mean(),
            1.96 * per_set.std() / np.sqrt(150),
            fmt=marker,
            color=color,
            capsize=2,
            label=methods[k] if size == 3 else None,
        )
right.axhline(0.95, color="black", lw=1, ls=":")
right.set(xlabel="items in a ranking", ylabel="coverage of 95 % intervals", title="The longer the ranking, the worse")
right.legend(loc="lower left")

# %%
# *Left: intervals for the same difference from the same data, sandwich and inverse Hessian; the line is the truth.
# Right: coverage for equally good items, 150 data sets of 100 rankings each, with 95 % intervals; the curve is
# asymptotic.*

# %%
# What a ranking is worth
# -----------------------
#
# In units of comparisons of two random items, and for equally good ones, a ranking is worth the ratio of the traces of
# the Fisher informations: :math:`(K - H_K) / \tfrac12`. The choice of the best alone, the first stage, is worth
# :math:`(1 - 1/K) / \tfrac12`, less than two pairs whatever :math:`K` is.

sizes = np.arange(2, 13)
ranking = np.array([2 * np.trace(pl_fisher(np.eye(K), np.zeros(K))) for K in sizes])
choice = 2 * (1 - 1 / sizes)
print("a ranking is worth:", dict(zip(sizes.tolist(), ranking.round(2).tolist(), strict=True)))
print("2 (K - H_K):       ", [round(2 * (K - sum(1 / k for k in range(1, K + 1))), 2) for K in sizes.tolist()])

# %%
# Whether that is a bargain depends on what costs. Two extreme cases: the judge's time goes into *reading* the
# alternatives, :math:`K` for a ranking and 2 for a pair; or into *comparing*, and a ranking takes the :math:`\log_2 K!`
# comparisons that sorting needs.

fig, ax = plt.subplots()
ax.plot(sizes, ranking / sizes / 0.5, "o-", ms=4, label="ranking, per item read")
ax.plot(sizes, choice / sizes / 0.5, "s--", ms=4, label="best of K, per item read")
ax.plot(sizes, ranking / (gammaln(sizes + 1) / np.log(2)), "^-.", ms=4, label="ranking, per comparison of a sort")
ax.axhline(1.0, color="black", lw=1, ls=":")
ax.set(xlabel="items shown", ylabel="information per cost (pairs: 1)", title="Cheap or dear, depending on what costs")
ax.legend()

# %%
# *Fisher information per unit of cost for equally good items, relative to pairs.*
#
# Where reading dominates, ask for full rankings: twice the information per item with five, at most four times. Asking
# only for the best of many wastes what was read. Where comparing dominates, as many independent verdicts tell somewhat
# more than a sorted list. And all of it assumes that people rank ten things as carefully as two, which is a question
# for data, not for a formula.
