r"""
Robust planning: from a log to a guarantee
==========================================

A robust policy is only as good as its uncertainty set. This page takes the set from data: logged transitions go in, a
policy and a number come out, and with probability 95 % the policy is worth at least that number *in the true model*,
which nobody ever saw. It then asks what the guarantee costs, and how the price falls as the log grows.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np

import mdpkit
from mdpkit import plotting
from mdpkit.feedback import EpisodicSimulator, collect
from mdpkit.robust import from_dataset, l1_radius

plotting.use_style()

# %%
# The plant
# ---------
#
# A press runs in two modes. *Gentle* pays 1 per step and breaks the press once in 200 steps; *hard* pays 1.4 and breaks
# it once in ten. Repairs take 20 steps on average and pay nothing. Gentle is right by a wide margin.

press = mdpkit.TabularMDP.from_pairs(
    [0, 0, 1],  # states: up, up, down
    [0, 1, 2],
    [[0.995, 0.005], [0.9, 0.1], [0.05, 0.95]],
    [1.0, 1.4, 0.0],
    gamma=0.95,
    initial=0,
    state_names=["up", "down"],
    action_names=["gentle", "hard", "wait"],
)
optimal = mdpkit.solve(press)
always_hard = mdpkit.evaluate_policy(press, [1, 2])
print(optimal.to_frame()[["state", "action", "V"]].round(3).to_string(index=False))
print(f"always hard: {always_hard.V[0]:.3f}")

# %%
# The engineer has a log only. Its author mostly ran the press gently and tried *hard* one time in ten, in episodes of
# 100 steps.

logging_policy = np.array([[0.9, 0.1, 0.0], [0.0, 0.0, 1.0]])


def make_log(steps, seed):
    return collect(EpisodicSimulator(press, seed=seed, horizon=100), logging_policy, steps)


# %%
# Five lines
# ----------
#
# `~mdpkit.robust.from_dataset` surrounds the observed frequencies with L1 balls that contain the true rows, all of them
# at once, with probability :math:`1 - \delta`. Solving the robust problem gives a policy and a certified lower bound.

data = make_log(3000, seed=0)
problem = from_dataset(data, delta=0.05)
solution = mdpkit.solve(problem)
print("policy:", [press.action_names[a] for a in solution.policy])
print(f"worth at least {solution.lower[0]:.3f} from 'up', with probability 95 %")

# %%
# (In truth it is worth 19.07. More about this distance below.) Inside is `~mdpkit.robust.l1_radius`, the inequality of
# Weissman and others, with a union over pairs *and over counts*: how often a pair occurs in a log depends on what
# happened before, so the number of samples was not fixed in advance and the textbook radius would be wrong.

visits = data.counts().sum(axis=2)
print("visits of (up, gentle), (up, hard), (down, wait):", visits[0, 0], visits[0, 1], visits[1, 2])
print("their radii:", problem.uncertainty.radius[[0, 0, 1], [0, 1, 2]].round(3))

# %%
# What the two kinds of radius cost, for this problem and for a hundred states:

n = np.unique(np.logspace(0.5, 6, 60).astype(int))
fig, ax = plt.subplots()
for color, (S, A) in zip(plotting.COLORS, [(2, 3), (100, 3)], strict=False):
    for sampling, ls in (("adaptive", "-"), ("fixed", "--")):
        counts = np.zeros((S, A), dtype=int)
        radii = []
        for count in n:
            counts[0, 0] = count
            radii.append(l1_radius(counts, 0.05, sampling=sampling)[0, 0])
        ax.loglog(n, radii, color=color, ls=ls, label=f"{S} states, {sampling} counts")
ax.set(xlabel="samples of a pair", ylabel="L1 radius", title="Radii that hold for all pairs at once, 95 %")
ax.legend()

# %%
# *Radius against the number of samples of one pair. It is capped at 2, the largest L1 distance there is, and falls with
# the square root. Solid: valid for logs; dashed: for sample sizes chosen in advance. With many states the union over
# counts costs next to nothing.*

# %%
# Does it hold, and what does it cost?
# ------------------------------------
#
# We draw 60 logs of each length and compare with the usual practice: estimate the model, solve it as if it were exact
# (*plug-in*), and believe its value.

lengths = [30, 100, 300, 1000, 3000, 10_000, 30_000]
repetitions = 60
columns = ("guarantee", "robust policy", "plug-in promise", "plug-in policy")
results = np.empty((len(lengths), repetitions, 4))
broken = 0
for i, length in enumerate(lengths):
    for seed in range(repetitions):
        data = make_log(length, seed=1000 * i + seed)
        robust = mdpkit.solve(from_dataset(data, delta=0.05, lowest_reward=0.0))
        plug_in = mdpkit.solve(data.empirical_model(unvisited="absorbing"))
        truth = [mdpkit.evaluate_policy(press, solution.policy).V for solution in (robust, plug_in)]
        broken += bool(np.any(robust.lower > truth[0] + 1e-9))
        results[i, seed] = robust.lower[0], truth[0][0], plug_in.V[0], truth[1][0]

print(f"guarantees that failed: {broken} of {len(lengths) * repetitions}")
print("steps  " + "  ".join(f"{name:>15}" for name in columns))
for length, row in zip(lengths, results.mean(axis=1), strict=True):
    print(f"{length:6d} " + "  ".join(f"{value:15.2f}" for value in row))

# %%
# (``lowest_reward`` is what a pair that was never tried pays at least; in short logs there are such pairs.)

fig, ax = plt.subplots(figsize=(6.4, 4.4))
labels = ("guarantee: the robust value", "truth of the robust policy", "promise of plug-in", "truth of plug-in")
for k, (label, marker, ls) in enumerate(zip(labels, "os^v", ("-", "-", "--", "--"), strict=True)):
    shown, color = results[:, :, k], plotting.COLORS[k]
    ax.fill_between(lengths, *np.quantile(shown, [0.1, 0.9], axis=1), color=color, alpha=0.15, lw=0)
    ax.plot(lengths, shown.mean(axis=1), color=color, marker=marker, ms=4, ls=ls, label=label)
ax.axhline(optimal.V[0], color="black", lw=1, ls=":", label="optimal value")
ax.set(xscale="log", ylim=(0, 36), xlabel="steps in the log", ylabel="value of 'up'")
ax.set_title("Promises and what they are worth")
ax.legend(loc="upper right", ncols=2)

# %%
# *Means over 60 logs per length; bands from the 10 % to the 90 % quantile. A promise is what the method says, the truth
# what its policy is worth in the model that made the log.*
#
# **Short logs are where robustness pays.** With 30 or 100 steps the press has often not broken in hard mode yet. The
# plug-in model concludes that it never breaks, promises more than the optimum and gets far less. Its policy was chosen
# *because* it looked good, so its promise is biased upward. The robust policy prefers the action that it knows well,
# and picks the right one nearly always. Nothing in it was told to be careful about breakdowns; ``support="all"`` lets
# nature move mass to states that the log never showed.
#
# **Long logs are where robustness costs.** Both policies are optimal from some 1000 steps on, but the guarantee is
# still far below the truth; radii shrink with the square root of the length only, and every step adds its own error.
# That is the price of a statement about *every* policy and *every* pair at once that assumes nothing about the rows. A
# radius that is merely plausible - half of this one, say - gives a better number and no guarantee.

gaps = results[:, :, 1].mean(axis=1) - results[:, :, 0].mean(axis=1)
print("price of the guarantee:", dict(zip(lengths, gaps.round(2).tolist(), strict=True)))

# %%
# None of the 420 guarantees failed, although 5 % were allowed to: the bound is conservative. How many runs it takes to
# *test* such a statement is the subject of :doc:`/theory/statistical_tests`.
