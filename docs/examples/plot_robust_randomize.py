r"""
Robust planning: when the best policy tosses a coin
===================================================

In an ordinary Markov decision process some deterministic policy is optimal, always. In a robust one that is still
true if nature picks the row of every state-action pair by itself. It is *not* true if nature has one budget per state
and must share it among the actions: then a policy that commits itself shows nature where to strike. This page
looks at the smallest example, sees why a deterministic policy loses, and lets the solver find the right odds when the
actions are not equally good. The theory is in :doc:`/theory/robust`.
"""

# sphinx_gallery_thumbnail_number = 1

import matplotlib.pyplot as plt
import numpy as np

import mdpkit
from mdpkit import plotting
from mdpkit.models import L1Ball
from mdpkit.problems.robust import shared_budget
from mdpkit.robust import evaluate_robust, worst_kernel

plotting.use_style()

# %%
# One budget, two actions
# -----------------------
#
# From the start, each of two actions leads to *good* (1 per step for ever) or to *bad* (nothing) with probability one
# half. Nature may change the two rows by 0.4 in L1 distance, **both together**.

problem = shared_budget(0.4)
print(problem)
solution = mdpkit.solve(problem)
print(f"optimal policy at the start: {solution.policy[0]}, worth {solution.V[0]:.6f}")
for action in (0, 1):
    committed = evaluate_robust(problem, np.full(3, action))
    print(f"always action {action}: worth {committed.V[0]:.6f}")

# %%
# The closed forms are :math:`9\,(1/2 - 0.4/4) = 3.6` and :math:`9\,(1/2 - 0.4/2) = 2.7`. The result of `mdpkit.solve`
# has a policy of shape ``(S, A)``, probabilities instead of action ids, whenever the problem is s-rectangular.
#
# What nature answers depends on what is played. Against a committed policy it spends everything on the action in use;
# against the coin it does not matter how it splits, because each half of the budget hurts one half of the time.

for name, policy in (("always 0", [[1, 0]] * 3), ("coin", [[0.5, 0.5]] * 3)):
    kernel = worst_kernel(problem, solution.V, np.array(policy, dtype=float))
    spent = [np.abs(kernel.transition(0, a) - problem.nominal.transition(0, a)).sum() for a in (0, 1)]
    print(f"against {name:9} nature spends {np.round(spent, 3)}")

# %%
# The whole picture in one curve: the worst-case value of the policy that plays action 0 with probability :math:`d`. It
# is a minimum of linear functions, one per kernel, hence concave, and its peak lies inside. Were the sets
# (s,a)-rectangular, with 0.4 for each action, nature could strike at both, and all policies would be worth the same.

probabilities = np.linspace(0, 1, 41)
separate = mdpkit.RobustMDP(problem.nominal, L1Ball([0.4, 0, 0]))


def mixed(d):
    return np.array([[d, 1 - d], [1, 0], [1, 0]])


shared_value = [evaluate_robust(problem, mixed(d)).V[0] for d in probabilities]
separate_value = [evaluate_robust(separate, mixed(d)).V[0] for d in probabilities]

fig, ax = plt.subplots()
ax.axhline(4.5, color="black", lw=1, ls=":", label="nominal value")
ax.plot(probabilities, shared_value, label="one budget of 0.4 for both actions")
ax.plot(probabilities, separate_value, ls="--", label="0.4 for each action")
ax.plot([0.5], [solution.V[0]], "o", color=plotting.COLORS[0], ms=7)
ax.annotate("what the solver finds", (0.5, solution.V[0]), (0.5, 3.95), ha="center", arrowprops={"arrowstyle": "-"})
ax.set(
    xlabel="probability of action 0",
    ylabel="worst-case value of the start",
    title="Committing shows nature where to strike",
)
ax.set_ylim(2.5, 5.4)
ax.legend(loc="upper right", ncols=1)

# %%
# *Worst-case value of the start against the probability of action 0; s-rectangular (solid) and (s,a)-rectangular
# (dashed).*

# %%
# Unequal actions
# ---------------
#
# With actions of different quality and different stakes the right odds are no longer obvious. Now three machines can be
# started, once: the first wins 1 per step with probability 0.60, the second 1.4 with probability 0.40, the third 2 with
# probability 0.25. We let the budget grow.

wins, chances = np.array([1.0, 1.4, 2.0]), np.array([0.60, 0.40, 0.25])
rows = np.zeros((5, 3, 5))  # start, three wins, lost
for a in range(3):
    rows[0, a, 1 + a], rows[0, a, 4] = chances[a], 1 - chances[a]
for s in range(1, 5):
    rows[s, :, s] = 1
rewards = np.repeat([[0], [1.0], [1.4], [2.0], [0]], 3, axis=1)
machines = mdpkit.TabularMDP(rows, rewards, gamma=0.9, initial=0)

budgets = np.linspace(0, 1, 81)
odds, value, committed = [], [], []
for kappa in budgets:
    game = mdpkit.RobustMDP(machines, L1Ball([kappa, 0, 0, 0, 0]), rectangularity="s")
    solution = mdpkit.solve(game)
    odds.append(solution.policy[0])
    value.append(solution.V[0])
    committed.append(max(evaluate_robust(game, np.full(5, a)).V[0] for a in range(3)))
for kappa in (0.1, 0.5):
    print(f"budget {kappa}: odds {odds[np.searchsorted(budgets, kappa)].round(4)}")
print("1/wins, normalized:", (1 / wins / np.sum(1 / wins)).round(4))

# %%
# The odds are the same for a range of budgets, and jump when another action comes into play:

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 5.4), sharex=True)
for a, (ls, marker) in enumerate((("-", "o"), ("--", "s"), (":", "^"))):
    label = f"wins {wins[a]:g} with probability {chances[a]:.2f}"
    top.plot(budgets, np.transpose(odds)[a], ls=ls, marker=marker, markevery=10, ms=4, label=label)
top.set(ylabel="probability of the action", ylim=(-0.03, 1.03))
top.set_title("The larger the budget, the more actions are in play")
top.legend()
bottom.plot(budgets, value, label="optimal, randomized")
bottom.plot(budgets, committed, ls="--", label="best deterministic policy")
bottom.set(xlabel=r"budget $\kappa$ of the start (L1)", ylabel="worst-case value")
bottom.legend()

# %%
# *Above: how the optimal policy plays the three machines. Below: its worst-case value and that of the best
# deterministic policy.*
#
# For small budgets the best machine keeps its lead even when hit, and the policy is deterministic. As soon as the
# struck best machine would fall behind the second one, the policy mixes the two, and later all three. The odds are
# inversely proportional to the stakes: a unit of budget takes twice as much from an action that can win twice as much,
# so that action is played half as often, and nature gains nothing by preferring one target to another. The solver
# finds this in one exact update per state, not by a search over mixtures; how that works is explained under
# :ref:`s-rectangular sets <s_rectangular>`.
