r"""
Robust planning: IWOCS on the windy walk, step by step
======================================================

Robustness needs no new kind of solver, say Zouitine, Geist and Rachelson (2024): solve an ordinary problem, look for
the model in which your policy fares worst, add that model to those you guard against, and repeat. Their method is
called *incremental worst-case search* (IWOCS). This page follows it on the paper's own example, adds the certificate
that says when to stop, shows an instance on which the published rule gets stuck for ever, and the change that cures it.
Proofs are in :ref:`the theory page <iwocs_theory>`.
"""

# sphinx_gallery_thumbnail_number = 1

import warnings

import matplotlib.pyplot as plt
import numpy as np

import mdpkit
from mdpkit import plotting
from mdpkit.problems.robust import iwocs_stall, windy_walk
from mdpkit.robust import iwocs

plotting.use_style()

# %%
# The walk
# --------
#
# A walker crosses from the upper left corner to the upper right one; every step costs 1. Three corridors lead there,
# and the wind blows against the walker: strongly in the short northern corridor, with probability :math:`\alpha` per
# step, less in the middle (:math:`\alpha^3`), hardly in the south (:math:`\alpha^6`). Nobody knows :math:`\alpha`; it
# is one of 25 numbers between 0 and 1/2.

walk = windy_walk()
print(walk)
shape, goal = (6, 6), 5
walls = [row * 6 + col for row in (1, 3) for col in (1, 2, 3)]
moves = {0: (-1, 0), 1: (1, 0), 2: (0, 1), 3: (0, -1)}  # north, south, east, west

# %%
# One number moves the rows of all corridors at once, so the set is *not rectangular*: nature may not choose a storm in
# one cell and a calm in the next. Dynamic programming does not apply to such a set, IWOCS does.
#
# Two iterations
# --------------
#
# ``policy_step="min_q"`` is the method as published.

result = iwocs(walk, policy_step="min_q")
for i in range(result.iterations):
    print(
        f"iteration {i}: worst wind of the policy {result.model_indices[i + 1] / 48:.2f}, "
        f"bounds {result.lower[i]:9.5f} <= V* <= {result.upper[i]:9.5f}"
    )
print(result.message)

# %%
# What happened?
#
# #. It starts with a model, here the calm one, and solves it. In a calm the northern corridor is best, and the start
#    is worth -4.52. A guess about the truth can only be too optimistic: -4.52 is an *upper* bound.
# #. It asks for the worst model of that policy, by one linear solve for each of the 25 winds. It is the strongest wind,
#    and there the northern route is worth -10.29. What some policy attains is a *lower* bound.
# #. It now guards against both models: in every state it takes the action with the best
#    :math:`\min_j Q^*_{T_j}(s, a)`. The policy changes to the middle corridor; its worst model is the strongest wind
#    again, and there it is worth what the bound promised. The bounds meet, and the policy is optimal, **with a proof**.

fig, axes = plt.subplots(1, 2, figsize=(9.4, 4.2))
for ax, policy, title in zip(axes, result.policies, ("first policy: north", "second policy: middle"), strict=True):
    value = mdpkit.evaluate_policy(walk[24], policy).V
    plotting.value_heatmap(
        value, shape, policy=policy, directions=moves, walls=walls, terminals=[goal], value_label="", ax=ax
    )
    ax.set_title(f"{title}, {value[0]:.2f}")

# %%
# *Values of the two policies in their worst model,* :math:`\alpha = 1/2`. *Start: upper left; goal: upper right; gray:
# walls. Arrows show what the policy does; each picture has its own color scale.*

# %%
# The value, by another road
# --------------------------
#
# Robust value iteration solves a different problem, the *rectangular hull*, in which nature may choose the wind anew in
# every cell. That gives nature more freedom, so its value is a lower bound of the one we want. Here wind only hurts:
# nature takes the strongest everywhere, the extra freedom is worth nothing, and the two values must agree.

hull = mdpkit.solve(walk.rectangular_hull(), method="value_iteration", tol=1e-9)
print(f"rectangular hull {hull.V[0]:.9f} after {hull.iterations} sweeps over 25 rows per state-action pair")
print(f"IWOCS            {result.value:.9f} after {result.iterations} ordinary problems and 50 linear solves")

# %%
# The first model need not be the calm one, and long corridors bring in the southern route:

for length in (3, 20):
    for start in (0, 12, 24):
        run = iwocs(windy_walk(length), first_model=start, policy_step="min_q")
        found = f"{run.status} after {run.iterations}, value {run.value:.6f}"
        print(f"length {length:2d}, first wind {start / 48:.2f}: {found}")

# %%
# When it gets stuck
# ------------------
#
# The published rule stops when the bounds meet. Must they? The minimum :math:`\min_j Q^*_{T_j}` compares models that
# are each optimal on their own terms; it can stay above the truth for ever. In this problem with three states (a search
# over random ones finds a few in 1000 like it) the second worst model changes none of the minima. So the policy stays
# the same, its worst model is the same, and so is every later iteration.

problem = iwocs_stall()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
    stalled = iwocs(problem, policy_step="min_q")
print(stalled.status, stalled.converged)
print(stalled.message)

# %%
# A stall is reported as what it is, with a warning that we silenced here, and never as convergence: the policy that
# came out is worth -10.9 where 0 can be had.
#
# The cure is to use everything that the models have shown. Each of them tells which *rows* are possible; let nature
# pick, for every state-action pair, any row seen so far. That small robust problem, the hull of the rows seen, is
# solved exactly. This is the default, ``policy_step="hull"``, and it cannot stall: a policy that comes back has its
# worst rows in the hull already, so the hull's value *is* its worst case, and the gap is zero.

cured = iwocs(problem)
print(cured.message)
print(f"robust value by dynamic programming: {abs(mdpkit.solve(problem).V[0]):.9f}")

# %%
# The two runs side by side:

fig, axes = plt.subplots(1, 2, figsize=(8.2, 3.6), sharey=True)
for ax, run, title in zip(axes, (stalled, cured), ("min_q, as published: stalled", "hull: certified"), strict=True):
    i = np.arange(run.iterations)
    ax.vlines(i, run.lower, run.upper, color="#777777", lw=6, alpha=0.35)
    ax.plot(i, run.upper, "v", color=plotting.COLORS[1], ms=8, label="upper bound")
    ax.plot(i, run.lower, "^", color=plotting.COLORS[0], ms=8, label="lower bound")
    ax.axhline(0, color="black", lw=1, ls=":", label="robust value")
    ax.set(xlabel="iteration", title=title, xlim=(-0.5, 2.5))
    ax.set_xticks([0, 1, 2])
axes[0].annotate("and so on,\nfor ever", (1.55, -3.3), fontsize=9)
axes[0].set(ylabel="value of state 0", ylim=(-12.5, 9))
axes[1].legend(loc="upper right")

# %%
# *Certified bounds of the robust value of state 0 at every iteration, on the same problem. Left: the second iteration
# repeats the first. Right: the bounds meet after three.*
#
# Two habits follow. Read ``status`` before the value: "certified", "stalled" and "max_iter" mean what they say. And
# report ``value``, the lower bound, never the upper one: the first iteration *promised* 4.4 and delivered -10.9.
#
# For a rectangular problem like this one `mdpkit.solve` is quicker and simpler than IWOCS. IWOCS is of use where the
# set is a list of models (`~mdpkit.models.ModelSet`), as on the walk, and as a way of thinking: it shows *which* models
# matter. Here two of 25 did.
