r"""
Comparisons: when trusting the estimate fails, however much data there is
=========================================================================

The maximum-likelihood estimate of a reward is consistent where the data look. Acting greedily on it can still lose a
constant, for *every* number of comparisons: Zhu, Jiao and Jordan (2023, Theorem 3.9) give an instance with four
actions. This page replays it, shows where the loss comes from, and what pessimism does about it - with a radius that is
a theorem, with radii that are guesses, and with one that is too small to be worth anything. The theory is in
:doc:`/theory/preferences`.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np

from mdpkit import plotting
from mdpkit.bounds import pessimism_loss
from mdpkit.feedback import ComparisonOracle, LinearPairs
from mdpkit.preferences import confidence_set, fit_reward, mle_exists, pessimistic_policy
from mdpkit.problems.preferences import greedy_failure, greedy_failure_suboptimality

plotting.use_style()

# %%
# The instance
# ------------
#
# One context, four actions, three features:

bandit = greedy_failure()
phi, reward = bandit.features[0], bandit.means[0]
for a in range(4):
    print(f"action {a}: features {phi[a].astype(int)}, reward {reward[a]:4.1f}")

# %%
# Of ``n`` comparisons all but one are between actions 0 and 1. The last one is between 1 and 2. So the second
# coordinate of the parameter becomes known as well as one likes. About the first there is a single answer; action 1 is
# worse than action 2 by 1, and with probability :math:`\sigma(-1) = 0.269` it wins all the same.


def ask(n, seed):
    """Return n comparisons, equal questions in one line with a weight."""
    oracle = ComparisonOracle(bandit, seed=seed)
    wins, upset = oracle.compare(0, 0, 1, n=n - 1), oracle.compare(0, 1, 2)
    return LinearPairs(phi[[0, 0, 1]], phi[[1, 1, 2]], [1, 0, upset], [wins, n - 1 - wins, 1])


unlucky = next(data for data in (ask(500, seed) for seed in range(100)) if data.y[2] == 1)
print(mle_exists(unlucky).message)

# %%
# One answer cannot be contradicted, so the likelihood has no maximum. The paper searches a ball, :math:`\|\theta\| \le
# 2`, and there the estimate runs to the boundary, in the wrong direction if the answer was unlucky:

fit = fit_reward(unlucky, norm_bound=2.0, center=True)
print(fit)
print("estimate:", fit.theta.round(3), " truth:", bandit.theta)

# %%
# What a pessimist sees
# ---------------------
#
# All values are measured from action 2, whose features are zero (``reference="zero"``). The lower confidence bound of
# an action is its estimate minus radius times the length of its features in the inverse design. That length is about 1
# for action 3 and about :math:`\sqrt n` for actions 0 and 1. Four radii:
#
# * ``form="explicit"``: a theorem with all its constants;
# * ``form="paper"``, the shape :math:`C \sqrt{(d + \log 1/\delta)/(\gamma^2 n) + \lambda B^2}` of the paper with an
#   unspecified constant, here :math:`C = 1`, 0.05 and 0.02. Nothing proves the last two.
#
# (``lam`` is of the order :math:`1/n`, as it should be. A fixed one would add a floor to the radius, and at the same
# time hide that actions 0 and 1 are badly covered.)

radii = {
    "explicit, a theorem": {"form": "explicit"},
    "C = 1": {"form": "paper", "gamma_convention": "paper", "C": 1.0},
    "C = 0.05, a guess": {"form": "paper", "gamma_convention": "paper", "C": 0.05},
    "C = 0.02, invalid": {"form": "paper", "gamma_convention": "paper", "C": 0.02},
}


def regions(fit):
    return {name: confidence_set(fit, delta=0.1, lam=0.01 / fit.n, **options) for name, options in radii.items()}


fig, ax = plt.subplots(figsize=(6.6, 4.0))
place = np.arange(4)
ax.plot(place, reward, "kx", ms=8, mew=2, label="reward", zorder=3)
ax.plot(place - 0.08, phi @ fit.theta, "o", color="0.4", label="estimate")
for k, (name, region) in enumerate(regions(fit).items()):
    bound = np.array([region.lower(x) for x in phi])
    ax.plot(place + 0.08 * (k + 1), np.maximum(bound, -5.5), "v^sD"[k], color=plotting.COLORS[k], ms=5, label=name)
ax.axhline(0.0, color="black", lw=1, ls=":")
ax.set_xticks(place, [f"action {a}" for a in place])
ax.set(ylim=(-5.7, 1.9), ylabel="reward, measured from action 2", title="500 comparisons, and the one answer was wrong")
ax.legend(loc="lower right", ncols=2)

# %%
# *Rewards, estimates and lower confidence bounds; bounds below -5.5 are drawn there. A planner takes the action with
# the highest mark of its kind.*
#
# Greedy takes action 0, the second worst. Every radius that is large enough pushes actions 0 and 1 below zero and
# leaves a choice between 2 and 3; one that is larger than the estimate of action 3 cannot tell these two apart and
# takes 2, which costs 0.1. The set of :math:`C = 0.02` does not even allow for the one bad answer, and its pessimist
# does what the greedy planner does.
#
# Over many data sets
# -------------------
#
# Fifty repetitions for each ``n``, and the exact expectation of the greedy loss, which
# `~mdpkit.problems.preferences.greedy_failure_suboptimality` sums up from the binomial law. (``n`` is even: with an odd
# one wins and losses may balance, and the answer would depend on how ties are broken.) For the explicit radius also the
# bound of Theorem 3.2: :math:`2 f \|\phi_3\|_{A^{-1}}`.

sizes = [20, 50, 100, 200, 500, 1000, 3000, 10_000, 30_000, 100_000, 300_000]
repetitions = 50
loss = {name: np.empty((len(sizes), repetitions)) for name in ("greedy", *radii)}
error, theorem = np.empty((2, len(sizes), repetitions))
held = dict.fromkeys(radii, 0)
for row, n in enumerate(sizes):
    for k in range(repetitions):
        fit = fit_reward(ask(n, seed=1000 * row + k), norm_bound=2.0, center=True)
        loss["greedy"][row, k] = reward.max() - reward[np.argmax(phi @ fit.theta)]
        for name, region in regions(fit).items():
            plan = pessimistic_policy(fit, bandit, radius=region, reference="zero", method="deterministic")
            loss[name][row, k] = reward.max() - reward[plan.policy[0]]
            held[name] += region.contains(bandit.theta)
        region = regions(fit)["explicit, a theorem"]
        error[row, k] = region.norm(fit.theta - bandit.theta)
        theorem[row, k] = pessimism_loss(radius=region.radius, matrix=region.matrix, direction=phi[3])

print("      n  greedy   exact" + "".join(f"{name:>21}" for name in radii) + "  (Theorem 3.2)")
for row, n in enumerate(sizes):
    means = [loss[name][row].mean() for name in radii]
    print(f"{n:7,} {loss['greedy'][row].mean():7.3f} {greedy_failure_suboptimality(n):7.3f}", end="")
    print("".join(f"{value:21.3f}" for value in means), f"{theorem[row].mean():14.3f}")
print("sets that held the truth:", {name: f"{count / error.size:.1%}" for name, count in held.items()})

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.3), layout="constrained", width_ratios=[2, 3])
left.loglog(sizes, error.mean(axis=1), "o-", ms=4, label="measured")
left.loglog(sizes, error[0].mean() * np.sqrt(sizes[0] / np.array(sizes)), "k:", lw=1, label="slope -1/2")
left.set(xlabel="comparisons", ylabel=r"$\|\hat\theta - \theta^*\|_{\Sigma + \lambda I}$", title="The estimate is fine")
left.legend()
exact = [greedy_failure_suboptimality(n) for n in sizes]
right.semilogx(sizes, exact, color="0.4", lw=5, alpha=0.4, label="greedy, exact")
width = 1.96 * loss["greedy"].std(axis=1) / np.sqrt(repetitions)
right.errorbar(sizes, loss["greedy"].mean(axis=1), width, fmt="o", ms=4, color="0.4", capsize=2, label="greedy")
for k, name in enumerate(radii):
    right.plot(sizes, loss[name].mean(axis=1), "v^sD"[k] + "-", ms=5, color=plotting.COLORS[k], label=name)
right.set(xlabel="comparisons", ylabel="mean loss", title="Acting on it greedily is not", ylim=(-0.01, 0.72))
right.legend(ncols=2, loc="upper right")

# %%
# *Left: mean error in the norm of what was compared. Right: mean loss of the chosen action, with 95 % intervals for the
# greedy one.*
#
# **The norm is the point.** On the left everything is as the theory says: the error falls with the square root of
# :math:`n`. But it is an error in the norm of :math:`\Sigma`, in which the first coordinate has weight :math:`1/n`. A
# planner that asks for actions 0 and 1 asks in the other norm.
#
# **Too large, valid, too small.** With :math:`C = 1` pessimism is safe and timid: it loses 0.1 up to 100 000
# comparisons. The explicit radius is a theorem, and several times smaller; it finds the best action between 10 000 and
# 100 000. With :math:`C = 0.05` all is well from 3000 on, but luck is part of it: nearly half of these sets do not
# hold the true parameter, so no theorem says that it would be well elsewhere. With :math:`C = 0.02` pessimism is a name
# only. Here one can say where the border is: the veto on actions 0 and 1 does not depend on :math:`n`, and needs
# :math:`44\, C > 1.42`.
#
# **What no method can do.** The bound of Theorem 3.2 involves only the direction of the *best* action, and that one is
# well covered here. Theorem 3.10 of the paper is the other half: with coverage
# :math:`\Lambda = \|\Sigma^{-1/2} \phi^*\|` every method loses of the order of :math:`\Lambda \sqrt{d/n}` on some
# instance. Had action 0 been the best one, :math:`\Lambda` would be about :math:`\sqrt n`, and no amount of such data
# would tell. Pessimism does not create information; it keeps a planner from using information that is not there.
