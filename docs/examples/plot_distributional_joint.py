r"""
Laws of the return: several returns at once
===========================================

Profit and emissions, two players, an immediate and a far-sighted view: often more than one return is at stake. This
page computes their *joint* law under a policy, shows what the separate laws cannot tell, and then trades one return
against the shortfall of the other. The theory is in :doc:`/theory/distributional`.
"""

# sphinx_gallery_thumbnail_number = 1

import matplotlib.pyplot as plt
import numpy as np

import mdpkit
from mdpkit import plotting
from mdpkit.distributional import DiscreteLaw, joint_covariance, joint_return_law, mmd, return_law, shortfall_frontier
from mdpkit.problems.risk import bernoulli_rewards

plotting.use_style()

# %%
# One coin, two players
# ---------------------
#
# At every step a fair coin pays 1 to the first or to the second player. For each of them alone the return is that of a
# coin, uniform on [0, 2] if :math:`\gamma = 1/2` and the game goes on for ever. Together they get 2, for sure. Rewards
# are given per line of ``mdp.outcomes``, so that the two sides of the coin stay apart although they lead to the same
# state.

coin = bernoulli_rewards(gamma=0.5)
shares = [[0.0, 1.0], [1.0, 0.0]]
found = joint_covariance(coin, [0], rewards=shares, discounts=0.5)
print("means", found.mean[0], " correlation", found.correlation[0, 0, 1].round(12))

law = joint_return_law(coin, [0], rewards=shares, discounts=0.5, horizon=6).law(0)
print(law)
print(
    "W1 of a marginal to the law of a single coin:",
    mdpkit.distributional.wasserstein(law.marginal(0), return_law(coin, [0], horizon=6).law(0)),
)

# %%
# Means and marginals are those of two independent coins. The correlation is -1.
#
# Two states, two discounts
# -------------------------
#
# The coordinates may have discounts of their own, and all of them move on the same transition. That is what couples
# them.

P = [[[0.6, 0.4]], [[0.3, 0.7]]]
chain = mdpkit.TabularMDP(P, [[0.0], [0.0]], gamma=0.9)
rewards = np.array([[[[1, 0]], [[-1, 2]]], [[[0, 2]], [[1, -1]]]], dtype=float)  # (m, S, A, S)
gammas = [0.9, 0.5]
exact = joint_covariance(chain, [0, 0], rewards=rewards, discounts=gammas)
print("means from state 0:", exact.mean[0].round(6))
print("covariance:", exact.covariance[0].round(6).tolist())

steps = 14
joint = joint_return_law(chain, [0, 0], rewards=rewards, discounts=gammas, horizon=steps, initial_state=0).law(0)
print(f"{len(joint)} atoms after {steps} steps; covariance {joint.covariance().round(4).tolist()}")

cloud = joint.sample(4000, 0)
apart = np.column_stack([joint.marginal(k).sample(4000, 1 + k) for k in range(2)])
fig, axes = plt.subplots(1, 2, figsize=(9.4, 4.0), sharex=True, sharey=True, layout="constrained")
for ax, points, title in zip(axes, (cloud, apart), ("joint law", "same marginals, independent"), strict=True):
    ax.plot(*points.T, ".", ms=2.5, alpha=0.5, color=plotting.COLORS[0])
    ax.set(title=title, xlabel="first return, discount 0.9")
axes[0].set_ylabel("second return, discount 0.5")

# %%
# *4000 draws from the joint law of the two returns, and from the product of its marginals.*
#
# The events that matter often concern both returns. How likely is it that both are above their means?

means = joint.mean()
both = joint.expect(lambda g: float(np.all(np.asarray(g) > means)))
each = [joint.marginal(k).expect(lambda x, k=k: float(x > means[k])) for k in range(2)]
print(f"joint {both:.4f}; product of the marginals {each[0] * each[1]:.4f}")

# %%
# How close are two joint laws?
# -----------------------------
#
# In several dimensions `~mdpkit.distributional.mmd` measures it. Samples approach the exact law at the rate
# :math:`n^{-1/2}`; the wrong dependence stays where it is.

short = joint_return_law(chain, [0, 0], rewards=rewards, discounts=gammas, horizon=6, initial_state=0).law(0)
sizes = [30, 100, 300, 1000]
errors = [
    np.mean(
        [mmd(DiscreteLaw(points, np.full(n, 1 / n)), short) for points in (short.sample(n, seed) for seed in range(20))]
    )
    for n in sizes
]
independent = np.array([(x, y) for x in short.marginal(0).x for y in short.marginal(1).x])
weights = np.outer(short.marginal(0).p, short.marginal(1).p).ravel()
floor = mmd(DiscreteLaw(independent, weights), short)
slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
print(f"slope {slope:.2f}; distance of the product law {floor:.4f}")

fig, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
ax.loglog(sizes, errors, "o-", label="samples of the joint law")
ax.loglog(sizes, errors[0] * np.sqrt(sizes[0] / np.array(sizes)), "k:", lw=1, label="slope -1/2")
ax.axhline(floor, color=plotting.COLORS[1], label="product of the marginals")
ax.set(xlabel="sample size", ylabel="MMD to the joint law")
ax.legend()

# %%
# *Distance of empirical laws to the exact one, mean of 20.*
#
# Trading one return against the other
# ------------------------------------
#
# Now there are decisions. A plant runs *clean* for a profit of 1, *careful* for 1.3 or 1.8, or *dirty* for 1.5 or 2.5;
# it uses a permit where it earns the better amount, one time in ten if careful, one in two if dirty. Six steps, two
# permits; more are a violation. The second return counts permits used, with a minus sign, and its expected shortfall
# below -2 gets a price.

plant = mdpkit.TabularMDP.from_outcomes(
    state=[0] * 5,
    action=[0, 1, 1, 2, 2],
    prob=[1.0, 0.9, 0.1, 0.5, 0.5],
    reward=[1.0, 1.3, 1.8, 1.5, 2.5],
    successor=[0] * 5,
    gamma=1.0,
    action_names=["clean", "careful", "dirty"],
)
used = -1.0 * np.isin(plant.outcomes.reward, [1.8, 2.5])  # one number per line of plant.outcomes
prices = [0, 1, 1.5, 2, 2.5, 3, 4, 6, 10]
frontier = shortfall_frontier(plant, used, threshold=-2.0, prices=prices, horizon=6)
for i in range(len(prices)):
    print(
        f"price {frontier.prices[i]:4.1f}: mean {frontier.mean[i]:.4f}, expected excess {frontier.shortfall[i]:.4f}, "
        f"P(violation) {frontier.violation[i]:.4f}"
    )

# %%
# The policies look at the permits left. Where a third permit costs 10, the plant runs dirty while it has two; with one
# left it is careful in the first half and dirty in the second; with none it is clean. A policy that runs dirty by a
# fixed probability cannot do that.

blind = []
for p in np.linspace(0, 1, 41):
    total = joint_return_law(
        plant, [[1 - p, 0, p]], rewards=[plant.outcomes.reward, used], discounts=1.0, horizon=6
    ).law(0)
    blind.append((total.expect(lambda g: max(-2.0 - g[1], 0.0)), total.mean()[0]))

fig, ax = plt.subplots(figsize=(6.0, 3.8), layout="constrained")
ax.plot(frontier.shortfall, frontier.mean, "o-", color=plotting.COLORS[0], label="policies that count")
ax.plot(*np.transpose(blind), "--", color=plotting.COLORS[1], label="dirty with a fixed probability")
ax.set(xlabel="expected permits beyond two", ylabel="expected profit")
ax.legend()

# %%
# *Expected profit against expected excess. Points on the segments are mixtures of two neighboring policies.*
