r"""
Define and solve a problem
==========================

A robot collects cans. Its battery is *high* or *low*. It can *search* for cans, *wait* until somebody brings one, or -
only when the battery is low - *recharge*. Searching finds more than waiting, but drains the battery; a robot that
searches with a low battery may strand and must be rescued, which costs 3. (This is the recycling robot of Sutton and
Barto, *Reinforcement Learning*, example 3.3.)

We write this problem down in three ways, solve it, look at the answer as a table and as a graph, and then solve a
larger one that comes from another library.
"""

# %%
# Three ways to write it down
# ---------------------------
#
# Let :math:`\alpha = 0.8` be the probability that a search leaves a high battery high, and :math:`\beta = 0.7` that
# it leaves a low one low.
#
# **As arrays**, ``P[s, a, s']`` and ``r[s, a]``. Every state has a row for every action, so the missing one
# (recharging a high battery) must be forbidden: its reward is ``-inf``. The reward of a risky search is the average
# over what may happen, :math:`\beta \cdot 2 + (1 - \beta) \cdot (-3) = 0.5`.

# sphinx_gallery_thumbnail_number = 3

import numpy as np

import mdpkit

alpha, beta = 0.8, 0.7
names = {"state_names": ["high", "low"], "action_names": ["search", "wait", "recharge"]}
missing = [1.0, 0.0]  # any row will do: it is never read

P = np.array(
    [
        [[alpha, 1 - alpha], [1.0, 0.0], missing],
        [[1 - beta, beta], [0.0, 1.0], [1.0, 0.0]],
    ]
)
r = np.array([[2.0, 1.0, -np.inf], [beta * 2.0 + (1 - beta) * -3.0, 1.0, 0.0]])
from_arrays = mdpkit.TabularMDP(P, r, gamma=0.9, **names)
print(from_arrays)

# %%
# **As state-action pairs**, one row each. Action sets that differ by state need no trick now. ``P`` may be sparse,
# which is how models with a million states are built.

from_pairs = mdpkit.TabularMDP.from_pairs(
    state=[0, 0, 1, 1, 1],
    action=[0, 1, 0, 1, 2],
    P=[[alpha, 1 - alpha], [1.0, 0.0], [1 - beta, beta], [0.0, 1.0], [1.0, 0.0]],
    r=[2.0, 1.0, beta * 2.0 + (1 - beta) * -3.0, 1.0, 0.0],
    gamma=0.9,
    **names,
)
print(from_pairs)

# %%
# **As outcomes**, one line for each thing that may happen. This is closest to the story, and nothing has to be
# averaged by hand: the two outcomes of a risky search keep their own rewards.

HIGH, LOW = 0, 1
SEARCH, WAIT, RECHARGE = 0, 1, 2
lines = [
    # state, action, probability, reward, successor
    (HIGH, SEARCH, alpha, 2.0, HIGH),
    (HIGH, SEARCH, 1 - alpha, 2.0, LOW),
    (HIGH, WAIT, 1.0, 1.0, HIGH),
    (LOW, SEARCH, beta, 2.0, LOW),
    (LOW, SEARCH, 1 - beta, -3.0, HIGH),  # stranded, rescued, recharged
    (LOW, WAIT, 1.0, 1.0, LOW),
    (LOW, RECHARGE, 1.0, 0.0, HIGH),
]
robot = mdpkit.TabularMDP.from_outcomes(*zip(*lines, strict=True), gamma=0.9, initial=HIGH, **names)
print(robot)

# %%
# Planning only sees averages, so the three are the same problem:

print([mdpkit.solve(model).V.round(6).tolist() for model in (from_arrays, from_pairs, robot)])

# %%
# Mistakes are found when a model is built, not when its answer looks odd. Let us forget that a search may drain the
# battery:

broken = P.copy()
broken[0, 0] = [alpha, 0.0]
try:
    mdpkit.TabularMDP(broken, r, gamma=0.9, **names)
except mdpkit.MDPKitError as error:
    print(f"{type(error).__name__}: {error}")

# %%
# Solve
# -----
#
# `mdpkit.solve` picks a method by the type and the size of the problem.

solution = mdpkit.solve(robot)
print(solution.message)
solution.to_frame()

# %%
# So: search while the battery is high, recharge when it is low. The columns ``lower`` and ``upper`` are proved
# bounds of the best possible value, here equal to ``V`` to all digits shown, and ``policy_loss`` is a proved bound
# on what the policy leaves on the table. How much worse are the other actions? That is what action values say;
# ``-inf`` marks an action that does not exist.

print(f"policy loss at most {solution.policy_loss:.1e}")
print(mdpkit.planning.q_values(robot, solution.V).round(3))

# %%
# Small models can be drawn. Circles are states, the dots on their stems are actions with their expected rewards, and
# from each dot one arrow leads to every possible successor. Actions the policy does not take are faded.

from mdpkit import plotting

plotting.use_style()
ax = plotting.model_graph(robot, policy=solution.policy)
ax.set_title("Recycling robot and its optimal policy")

# %%
# When does the answer change?
# ----------------------------
#
# Solving is cheap, so ask more than one question. How reliable must a search with a low battery be before it pays?
# For each :math:`\beta` we evaluate, with `mdpkit.evaluate_policy`, the two policies that differ in this one
# decision.

import matplotlib.pyplot as plt


def robot_with(beta):
    rewards = [2.0, 1.0, beta * 2.0 + (1 - beta) * -3.0, 1.0, 0.0]
    rows = [[alpha, 1 - alpha], [1.0, 0.0], [1 - beta, beta], [0.0, 1.0], [1.0, 0.0]]
    return mdpkit.TabularMDP.from_pairs([0, 0, 1, 1, 1], [0, 1, 0, 1, 2], rows, rewards, gamma=0.9, **names)


betas = np.linspace(0.0, 1.0, 101)
recharge = [mdpkit.evaluate_policy(robot_with(b), [SEARCH, RECHARGE]).V[LOW] for b in betas]
gamble = [mdpkit.evaluate_policy(robot_with(b), [SEARCH, SEARCH]).V[LOW] for b in betas]
best = [mdpkit.solve(robot_with(b)).V[LOW] for b in betas]

fig, ax = plt.subplots()
ax.plot(betas, recharge, label="recharge when low")
ax.plot(betas, gamble, label="search when low")
ax.plot(betas, best, color="black", ls="--", lw=1.2, label="optimal")
ax.set(
    xlabel=r"$\beta$, probability that a search leaves a low battery low",
    ylabel="value of the state low",
    title="Gambling pays only with a good battery",
)
ax.legend()
first = betas[np.argmax(np.array(gamble) > np.array(recharge))]
print(f"of the values tried, searching on a low battery is better from beta = {first:.2f} on")

# %%
# *Value of the state* low *under two policies, and the optimal value, against the battery's quality. The optimal
# curve follows the better of the two; each point is certified to about ten digits.*

# %%
# A problem from another library
# ------------------------------
#
# Gymnasium's FrozenLake publishes its transition table; `mdpkit.io.from_gymnasium` reads it. The agent crosses a
# frozen lake from the upper left to the goal in the lower right corner and slips: each move goes where intended
# with probability one third, and to either side with one third each. Holes end the walk without reward.

import gymnasium

from mdpkit import io

lake = io.from_gymnasium(gymnasium.make("FrozenLake-v1", map_name="8x8"), gamma=0.99)
walk = mdpkit.solve(lake)
print(lake)
print(walk)

# %%
# States carry readable names - row, column and tile - and the one absorbing state that ends every walk is appended
# under the name *terminated*. A heat map with an arrow per cell shows the whole answer at once.

tiles = [name[-1] for name in lake.state_names[:-1]]
ax = plotting.value_heatmap(
    walk.V,
    (8, 8),
    policy=walk.policy,
    directions="FrozenLake",
    labels=tiles,
    terminals=np.flatnonzero(np.isin(tiles, ["H", "G"])),
    value_label="expected discounted reward",
)
ax.set_title("FrozenLake 8x8, discount 0.99")

# %%
# *Optimal values (numbers and color) and actions (arrows). S start, F frozen, H hole, G goal.* The arrows look
# wrong at first: next to a hole they point away from it, even into the wall. They are right. The agent never moves
# backwards from where it aims, so aiming away from a hole is the only way never to slip into it.
#
# With a deadline the answer depends on the time left. A finite horizon is the same model, played for ``H`` steps;
# `mdpkit.solve` then returns one row of values and actions per step.

for horizon in (20, 50, 100, 200):
    plan = mdpkit.solve(lake.with_horizon(horizon))
    print(f"probability to cross within {horizon:3d} steps: {plan.V[0, 0]:.4f}")

# %%
# Next: :doc:`plot_certificates`.
