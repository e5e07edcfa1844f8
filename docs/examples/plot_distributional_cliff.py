r"""
Laws of the return: how much risk on the cliff?
===============================================

An agent walks along a cliff; a short way and a long way round lead to the goal, and now and then a step goes astray.
This page maximizes the *conditional value at risk* of the return, the mean of its worst share :math:`\tau`, at six
levels from :math:`\tau = 1` (the mean) to 0.02, draws what the six policies do, and compares the laws of their returns.
Everything is exact: no sampling, no grid. The theory is in :doc:`/theory/distributional`.
"""

# sphinx_gallery_thumbnail_number = 1

from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from mdpkit import plotting
from mdpkit.distributional import maximize_cvar, nested_risk
from mdpkit.problems.risk import cliff_walk

plotting.use_style()

# %%
# The walk
# --------
#
# Three rows, four columns. The walk starts in the lower left corner; the goal is the lower right one, with two cliff
# cells in between. A move goes where intended with probability 0.9 and to each other side with 1/30. Every step
# costs 1, a fall costs 40, goal and cliff end the walk; so do 14 steps, without further cost.

walk, horizon, start, goal, cliff = cliff_walk(), 14, 8, 11, (9, 10)
levels = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02)
solutions = {tau: maximize_cvar(walk, tau, horizon=horizon) for tau in levels}

print("  tau   best CVaR   CVaR of law     mean   P(fall)")
for tau, solution in solutions.items():
    law = solution.law
    print(f"{tau:5.2f} {solution.value:11.6f} {law.cvar(tau):13.6f} {law.mean():8.3f} {law.cdf(-40):9.4f}")

# %%
# The second column is the optimum over *all* policies, with memory or without. The third is computed from the law of
# the policy that came out: the solver's promise is kept. A smaller share of worse cases has a smaller mean, so the
# optimum falls with :math:`\tau`. The last two columns follow no such rule.
#
# What the policies do
# --------------------
#
# A policy looks at the cell, the time, and the *stock*: what has been paid so far, set against a threshold. Its methods
# ``act`` and ``observe`` play it step by step. We follow it twice: through all chances, to count the expected visits to
# each cell, and once along the path on which every step goes as intended.


def visits(policy):
    """Return the expected number of visits per cell."""
    outcomes = walk.outcomes
    count, now = np.zeros(walk.n_states), Counter({(start, None): 1.0})
    for t in range(horizon + 1):
        after = Counter()
        for (state, memory), mass in now.items():
            count[state] += mass
            if t == horizon or state == goal or state in cliff:
                continue
            action, kept = policy.act(state, t, memory)
            pair = np.flatnonzero((walk.pair_state == state) & (walk.pair_action == action))[0]
            for line in np.flatnonzero(outcomes.pair == pair):
                successor, reward = int(outcomes.successor[line]), float(outcomes.reward[line])
                told = policy.observe(state, t, kept, action, reward, successor) if t + 1 < horizon else None
                after[successor, told] += mass * outcomes.prob[line]
        now = after
    return count


def intended_path(policy):
    """Return the cells passed if no step goes astray."""
    path, state, memory = [start], start, None
    for t in range(horizon):
        action, memory = policy.act(state, t, memory)
        row, col = divmod(state, 4)
        row, col = row + (0, 0, -1, 1)[action], col + (-1, 1, 0, 0)[action]
        successor = 4 * row + col if 0 <= row < 3 and 0 <= col < 4 else state
        path.append(successor)
        if successor == goal or successor in cliff or t + 1 == horizon:
            break
        memory = policy.observe(state, t, memory, action, -1.0, successor)
        state = successor
    return path


fig, axes = plt.subplots(2, 3, figsize=(9.6, 5.4), layout="constrained")
for ax, (tau, solution) in zip(axes.flat, solutions.items(), strict=True):
    shown = visits(solution.policy)
    ax.imshow(np.sqrt(shown.reshape(3, 4)), cmap="Blues", vmin=0, vmax=np.sqrt(13))
    for cell in range(12):
        row, col = divmod(cell, 4)
        dark = shown[cell] > 5
        ax.text(col, row + 0.36, f"{shown[cell]:.2f}", ha="center", va="center", fontsize=8, color="w" if dark else "k")
    for cell, name in ((start, "start"), (goal, "goal"), (9, "cliff"), (10, "cliff")):
        ax.text(cell % 4, cell // 4 - 0.36, name, ha="center", va="center", fontsize=8, color="0.3")
    rows, cols = np.divmod(intended_path(solution.policy), 4)
    ax.plot(cols, rows, color=plotting.COLORS[1], lw=2)
    ax.plot(cols[-1], rows[-1], "o", color=plotting.COLORS[1], ms=8)
    ax.set(title=rf"$\tau$ = {tau:g}", xticks=[], yticks=[])
    ax.grid(False)

# %%
# *The path on which no step goes astray (line, ending at the dot) and the expected visits to each cell in 14 steps
# (numbers).*
#
# Down to :math:`\tau = 0.1` the intended path is the same: up, and along the far edge, away from the cliff. The
# policies differ in what they do after a step that went astray. The cautious ones hurry less along the middle row,
# beside the cliff: fewer visits there, fewer falls.
#
# Between 0.1 and 0.05 the policy changes its nature: it hides in the corner until time is up. Walking on takes some
# more risk of a fall, which costs 40; hiding costs 14, for sure. The first step alone falls with probability 1/30; in
# what is left of the worst twentieth, 14 for sure is better than the unlucky ends of a walk.
#
# And at 0.02 it jumps.
#
# Why jumping is optimal
# ----------------------
#
# Whatever the agent tries first, it slips off the edge with probability at least 1/30. That is more than 0.02: the
# worst fiftieth of cases consists of falls, under every policy. What can be improved is *when* one falls. A fall at
# step :math:`k` costs :math:`40 + k - 1`, so the earlier the better. Nothing that happens in the other 98 % of cases is
# part of the objective.

for tau in (0.05, 0.02):
    law = solutions[tau].law
    print(
        f"tau {tau}: P(fall at the first step) = {law.cdf(-40) - law.cdf(-40.5):.4f}, P(later) = {law.cdf(-40.5):.4f}"
    )

# %%
# This is no flaw of the computation, it is what was asked for. An objective that sees the tail only gives up on
# everything when the tail is lost. If that is not what you mean, use a level above the unavoidable, an objective that
# also sees the rest, such as the entropic one of `~mdpkit.distributional.maximize_erm`, or a price on the shortfall
# beside the mean: `~mdpkit.distributional.shortfall_frontier`.
#
# The laws
# --------

fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.9), layout="constrained")
chosen = {rf"$\tau$ = {tau:g}": solutions[tau].law for tau in (1.0, 0.1, 0.05, 0.02)}
plotting.law_cdf(chosen, ax=left)
left.legend(loc="upper left")
grid = np.geomspace(0.02, 1, 99)
for name, law in chosen.items():
    right.plot(grid, [law.cvar(level) for level in grid], label=name)
right.plot(levels, [solutions[tau].value for tau in levels], "ko", ms=5, label="optimum at its level")
right.set(xlabel="level", ylabel="CVaR of that level", xscale="log")
right.legend()

# %%
# *Left: laws of the return of four of the policies. Right: their CVaR at all levels; the dots are the optima at the six
# levels, and no curve passes above them.*
#
# Not the same as caution at every step
# -------------------------------------
#
# A popular shortcut applies CVaR at every step, to the value of what comes next. That is *nested* CVaR, another
# objective. Its number must not be read as a CVaR of the return:

nested = nested_risk(walk, lambda law: law.cvar(0.1), horizon=horizon)
print(f"nested value {nested.value:.3f}; CVaR of its policy's return {nested.law.cvar(0.1):.3f}")
print(f"optimal CVaR of the return {solutions[0.1].value:.3f}")
print(
    f"its policy falls with probability {nested.law.cdf(-40):.3f}; first {walk.action_names[nested.policy[0, start]]}"
)

# %%
# Steps go astray with probability 0.1, so the worst tenth of *every* step is a step gone astray. Nested CVaR behaves as
# if that happened each time, although it is the exception; it sees no safe way and jumps at once, at a level at which
# the optimal policy walks to the goal. :doc:`plot_distributional_gamble` shows on an example for the back of an
# envelope why optimizing state by state goes wrong.
