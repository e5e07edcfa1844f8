r"""
Laws of the return: why optimizing CVaR state by state is wrong
===============================================================

Dynamic programming optimizes state by state: in each state do what is best from there on. For the expected return that
is the principle of optimality. For the conditional value at risk (CVaR) it is a mistake, and this page shows it on a
problem with two coins, where every number can be checked by hand. It ends with a recursion that was published as
a repair, and what it computes instead. The theory is in :doc:`/theory/distributional`.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np

from mdpkit import plotting
from mdpkit.distributional import DiscreteLaw, dual_level_cvar, maximize_cvar, nested_risk, return_law
from mdpkit.problems.risk import two_step_gamble

plotting.use_style()

# %%
# Two steps
# ---------
#
# A fair coin pays 0 or 2. Then there is a choice: *safe* pays 1, *gamble* pays 0 or 3 with equal odds. We maximize
# :math:`\mathrm{CVaR}_{1/2}` of the total, the mean of its worse half.

game, tau = two_step_gamble(), 0.5

# %%
# State by state
# --------------
#
# In the second state the worse half of *gamble* is 0, and that of *safe* is 1. So play safe, whatever the first coin
# paid; nothing in that argument depends on it.

safe, gamble = DiscreteLaw.point(1), DiscreteLaw([0, 3], [0.5, 0.5])
print("CVaR in the second state: safe", safe.cvar(tau), "gamble", gamble.cvar(tau))

always_safe = return_law(game, [0, 0, 0], horizon=2).law(0)
always_gamble = return_law(game, [0, 1, 0], horizon=2).law(0)
print("always safe:  ", always_safe, "CVaR", always_safe.cvar(tau))
print("always gamble:", always_gamble, "CVaR", always_gamble.cvar(tau))

# %%
# From the start
# --------------

solution = maximize_cvar(game, tau, horizon=2)
print(solution)
print("law:", solution.law, "CVaR", solution.law.cvar(tau))

policy = solution.policy
for first in (0.0, 2.0):
    action, memory = policy.act(0, 0, None)
    memory = policy.observe(0, 0, memory, action, first, 1)
    print(f"after {first:g}: {game.action_names[policy.act(1, 1, memory)[0]]}")

# %%
# The best policy gambles after 0 and is content after 2. Its CVaR is 3/2, half as much again as that of any policy that
# looks at the state only.
#
# What went wrong? The worse half *of the whole* need not contain the worse half of each part. After a 2 the total is at
# least 2; after a 0 and safe it is 1. With safe throughout, the worse half is *everything that follows a 0*. There,
# with a 0 in hand, a coin between 0 and 3 has the better mean: 3/2. The share of the tail that falls on a state depends
# on how one got there and on what is done elsewhere. A state by itself does not know it.
#
# What has to be known is a single number: by how much the threshold has been missed so far, the *stock*. Fix the
# threshold at 3, and :math:`\mathbb E \min(G - 3, 0)` is an expectation, which dynamic programming does handle:
#
# .. math:: \mathrm{CVaR}_\tau(G) = \max_x \bigl\{ x + \tfrac1\tau \mathbb E \min(G - x, 0) \bigr\} .

print(
    "threshold:", -solution.stock, " a median of the law:", solution.law.quantile(0.5), solution.law.upper_quantile(0.5)
)
for law in (always_safe, always_gamble, solution.law):
    print([3 + law.expect(lambda g: min(g - 3, 0)) / tau, law.cvar(tau)])

fig, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
plotting.law_cdf({"always safe": always_safe, "always gamble": always_gamble, "by the first coin": solution.law}, ax=ax)
ax.axhline(tau, color="0.5", lw=1)
ax.annotate("the worse half is below this line", (3.15, tau - 0.05), fontsize=9, color="0.4")

# %%
# *Laws of the return of three policies. CVaR averages the part below the line.*
#
# The same policy looks inconsistent on the way: after a 0, with CVaR computed afresh, *gamble* is worth 0 and *safe* 1,
# so one would like to change one's mind. That is a property of the objective, not of an algorithm.
# **Nested** CVaR avoids it by definition, and thereby is a different objective: here its value is 1, the policy always
# plays safe. It is neither an upper nor a lower bound of the optimal CVaR.

print(nested_risk(game, lambda law: law.cvar(tau), horizon=2))

# %%
# The recursion over levels
# -------------------------
#
# Another idea (Chow et al. 2015) carries the *level* along: an adversary spreads the tail over the successors, and
# each state is asked for the best CVaR at the level that it is given. For a fixed policy that is right. Maximized, it
# is not, as Hau et al. (2023) found: the adversary's choice meets another policy at each level, and no single policy is
# all of them. What comes out is an upper bound. We raise the prize of the gamble to 4 and compare at 19 levels.

richer = two_step_gamble(2, 1, 0, 4)
levels = np.arange(1, 20) / 20
exact = [maximize_cvar(richer, level, horizon=2).value for level in levels]
dual = [dual_level_cvar(richer, level, horizon=2) for level in levels]

fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.8), layout="constrained", width_ratios=[3, 2])
left.plot(
    levels, [bound.value for bound in dual], "v-", color=plotting.COLORS[1], label="claimed by the level recursion"
)
left.plot(levels, exact, "o-", color=plotting.COLORS[0], label="optimum")
left.plot(levels, [bound.policy_value for bound in dual], "k+", ms=9, label="its policy really has")
left.set(xlabel=r"level $\tau$", ylabel="CVaR")
left.legend()
gap = [bound.value - best for bound, best in zip(dual, exact, strict=True)]
right.bar(levels, gap, width=0.035, color=plotting.COLORS[1])
right.set(xlabel=r"level $\tau$", ylabel="promised beyond the optimum")

bound = dual_level_cvar(richer, 0.75, horizon=2)
best = maximize_cvar(richer, 0.75, horizon=2)
print(f"at 3/4: claimed {bound.value:.6f} = 20/9, its policy has {bound.policy_value:.6f}, optimum {best.value:.6f}")

# %%
# *Left: what the recursion claims, what its policy attains, and the optimum. Right: the difference of the first and the
# last. No finer grid of levels removes it; mdpkit's version uses none.*
#
# Hence the division of labor in mdpkit: `~mdpkit.distributional.maximize_cvar` solves the problem.
# `~mdpkit.distributional.dual_level_cvar` is there for comparison and calls itself an upper bound;
# `~mdpkit.distributional.nested_risk` is there for those who want that objective.
