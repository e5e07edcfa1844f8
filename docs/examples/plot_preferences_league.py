r"""
Comparisons: a league, with error bars
======================================

A table of points says who is first. It does not say how sure that is, and it cannot compare teams that had different
opponents. This page takes the results of a season from a data frame to utilities with standard errors: it checks first
whether there is an answer at all, gives draws a model of their own, and shows which error bars to look at when the
question is *is A better than B*. The theory is in :doc:`/theory/preferences`.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mdpkit import plotting
from mdpkit.feedback import PairCounts
from mdpkit.preferences import fit_strengths, mle_exists

plotting.use_style()

# %%
# A season
# --------
#
# Ten teams meet twice, ninety matches in eighteen rounds. The league is made up, so that the truth is known: team
# :math:`i` has a utility :math:`u_i`, and in Davidson's model the three outcomes of a match have the odds
#
# .. math:: e^{u_i} : e^{u_j} : \nu\, e^{(u_i + u_j) / 2}
#
# for a win of :math:`i`, a win of :math:`j`, and a draw. There is no home advantage, in the league or in the model.

teams = ["Ashby", "Brook", "Calder", "Dunmore", "Elland", "Frome", "Garston", "Hale", "Irwell", "Jarrow"]
truth = np.array([1.2, 0.8, 0.6, 0.3, 0.1, -0.1, -0.3, -0.6, -0.8, -1.2])
tie_parameter = 0.8
rng = np.random.default_rng(36)


def play(i, j):
    scores = np.array([truth[i], truth[j], np.log(tie_parameter) + (truth[i] + truth[j]) / 2])
    odds = np.exp(scores)
    return ("home", "away", "draw")[rng.choice(3, p=odds / odds.sum())]


order, matches = list(range(10)), []
for number in range(1, 19):  # the circle method: one stands still, the others move on
    for k in range(5):
        home, away = (order[k], order[9 - k])[:: 1 if number <= 9 else -1]
        matches.append((number, teams[home], teams[away], play(home, away)))
    order = [order[0], order[9], *order[1:9]]
results = pd.DataFrame(matches, columns=["round", "home", "away", "result"])
print(results.head(7).to_string(index=False))

# %%
# From the frame to comparisons
# -----------------------------
#
# `~mdpkit.feedback.PairCounts` holds a matrix, ``W[i, j]`` is how often ``i`` beat ``j``, and draws in a second,
# symmetric one. It reads matches line by line if they are scored as in chess: 1, 0, and 0.5 for a draw.


def counts(frame):
    score = frame.result.map({"home": 1, "draw": 0.5, "away": 0})
    return PairCounts.from_results(frame.home, frame.away, score, items=teams)


season = counts(results)
print(season)

# %%
# Is there an answer?
# -------------------
#
# A team that has never lost has no finite utility: whatever number it is given, a larger one explains its record
# better. So before anything is fitted, ask.

early = counts(results[results["round"] <= 3])
check = mle_exists(early)
print(check.message)
print("item 0 is", teams[0])

# %%
# The condition is a statement about a graph: draw an arrow from every loser to every team that beat it (both ways for a
# draw); every team must be reachable from every other. With draws there is one condition more - some cycle of results
# must have more wins than draws in it - which matters where draws are the rule. We can watch the season grow into it:

exists = [bool(mle_exists(counts(results[results["round"] <= r]))) for r in range(1, 19)]
print("an estimate exists after round:", [r for r, found in enumerate(exists, start=1) if found])

# %%
# Asking for an estimate anyway raises `~mdpkit.errors.MLENotAttainedError`, with the same sentence. Where one is needed
# early in the season, a prior gives it: ``alpha`` is the precision of a Gaussian around zero, here a standard deviation
# of one.

prior = fit_strengths(early, alpha=1.0)
print(prior.to_frame(names=teams).head(3).round(2).to_string(index=False))

# %%
# The fit
# -------

fit = fit_strengths(season)
print(fit)
print(f"tie parameter {fit.tie_parameter:.2f} (truth {tie_parameter}); log: +- {1.96 * fit.tie_stderr:.2f}")

wins, draws = season.W.sum(axis=1), season.ties.sum(axis=1)
table = fit.to_frame(names=teams)
table["points"] = (3 * wins + draws)[fit.ranking()].astype(int)
table["truth"] = truth[fit.ranking()]
print(table.round(2).to_string(index=False))

# %%
# Utilities are on the logarithmic scale of odds: a difference of 1 means that wins and losses between the two are in
# the ratio :math:`e : 1`. They are centered, since only differences mean anything.

fig, ax = plt.subplots(figsize=(6.4, 4.2))
rows = np.arange(10)
best_first = fit.ranking()
ax.errorbar(
    fit.params[best_first], rows, xerr=1.96 * fit.stderr[best_first], fmt="o", capsize=3, label="estimate, 95 %"
)
ax.plot(truth[best_first], rows, "kx", ms=6, label="truth")
ax.set_yticks(rows, [f"{teams[i]} ({int(3 * wins[i] + draws[i])})" for i in best_first])
ax.invert_yaxis()
ax.set(xlabel="utility (log odds, centered)", title="Eighteen matches say this much about a team")
ax.legend(loc="lower right")

# %%
# *Utilities with intervals of 1.96 standard errors, points in brackets; crosses: the utilities that made the season.*
#
# Where everybody meets everybody equally often, the order is that of wins plus *half* the draws: Elland and Hale have
# the same utility, although three points for a win put Hale ahead. Estimates are spread more widely than the truth,
# because the noise of a short season adds to the spread; a prior would pull them together.

# %%
# Is A better than B?
# -------------------
#
# Two bars that overlap do not answer that. The question is about a difference, and `contrast
# <mdpkit.preferences.StrengthFit.contrast>` returns it with its own standard error:

first, second, last = best_first[0], best_first[1], best_first[-1]
for other in (second, best_first[4], last):
    difference, stderr = fit.contrast(first, other)
    print(
        f"{teams[first]} - {teams[other]:8} {difference:5.2f} +- {1.96 * stderr:.2f}"
        f"   wins with probability {fit.probability(first, other):.2f}, loses {fit.probability(other, first):.2f}"
    )

# %%
# How sure is the order as a whole? Draw utilities from the normal law with the estimated covariance, and sort them.

draws_of_utilities = rng.multivariate_normal(fit.params, fit.cov, size=20_000, method="eigh")
places = np.argsort(np.argsort(-draws_of_utilities, axis=1), axis=1)
chance = np.array([np.bincount(places[:, i], minlength=10) for i in best_first]) / 20_000

fig, ax = plt.subplots(figsize=(6.2, 4.4))
image = ax.imshow(chance, cmap="Blues", vmin=0, vmax=1)
ax.set_xticks(rows, rows + 1)
ax.set_yticks(rows, [teams[i] for i in best_first])
for i, j in np.argwhere(chance >= 0.05):
    ax.text(
        j,
        i,
        f"{chance[i, j]:.2f}",
        ha="center",
        va="center",
        fontsize=8,
        color="white" if chance[i, j] > 0.5 else "black",
    )
ax.set(xlabel="place by utility", title="Which place a team belongs on")
ax.grid(visible=False)
fig.colorbar(image, ax=ax, label="probability")

# %%
# *Probability of each place, from 20 000 draws of the approximate law of the estimate; cells below 0.05 have no
# number.*
#
# Ashby won the season by four points and is the best team with probability 0.56. In the middle hardly anything is
# decided.

# %%
# What the standard error of a centered utility is not
# ----------------------------------------------------
#
# In the season above the difference hardly matters, because everybody met everybody. Take instead two conferences of
# five teams. Inside, everybody meets everybody ten times; between them there are four matches in all.

W = np.zeros((10, 10))
inside = [(i, j) for c in (0, 5) for i in range(c, c + 5) for j in range(i + 1, c + 5)]
outside = [(i, j) for i in range(5) for j in range(5, 10)]
for i, j in inside:
    W[i, j] = rng.binomial(10, 1 / (1 + np.exp(truth[j] - truth[i])))
    W[j, i] = 10 - W[i, j]
W[[0, 5, 1, 6], [5, 0, 6, 1]] = 1.0  # teams 0 and 5, and 1 and 6, met twice; each won once
linked = fit_strengths(PairCounts(W))

print("standard errors of centered utilities:", linked.stderr.round(2))
for name, (i, j) in (("within", (0, 1)), ("across", (0, 6))):
    independent = np.hypot(linked.stderr[i], linked.stderr[j])
    print(f"{name}: standard error of the contrast {linked.contrast(i, j)[1]:.2f}, from the two bars {independent:.2f}")

# %%
# Each single utility is uncertain by half a unit, because nobody knows how the conferences compare. That uncertainty is
# shared by all teams of a conference and cancels when two of them are compared:

fig, ax = plt.subplots(figsize=(5.6, 4.4))
for pairs, marker, label in ((inside, "o", "two teams of one conference"), (outside, "s", "teams of both conferences")):
    bars = [np.hypot(linked.stderr[i], linked.stderr[j]) for i, j in pairs]
    contrasts = [linked.contrast(i, j)[1] for i, j in pairs]
    ax.plot(bars, contrasts, marker, ls="", label=label)
limit = 1.05 * max(contrasts)
ax.plot([0, limit], [0, limit], "k:", lw=1)
ax.annotate("equal", (0.93 * limit, 0.93 * limit), (-6, 4), textcoords="offset points", ha="right", fontsize=9)
ax.set(
    xlabel="from the two bars: root of the sum of squares",
    ylabel="standard error of the contrast",
    title="Bars of centered utilities mislead in both directions",
)
ax.set(xlim=(0, limit), ylim=(0, limit))
ax.legend(loc="lower right")

# %%
# *Each point is a pair of teams. Reading the bars as if they were independent makes differences within a conference
# look twice as uncertain as they are, and differences across too certain.*
#
# So: bars are for looking, contrasts for concluding. A contrast does not depend on how utilities are centered; a bar
# does.
