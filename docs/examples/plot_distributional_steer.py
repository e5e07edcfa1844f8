r"""
Laws of the return: steering to a target
========================================

Not every goal is "as much as possible". A thermostat, a dose, a quota: the return should be *close to a number*, and
too much is as bad as too little. This page steers the discounted return of a coin game to a target, once with a policy
that knows what it has received and once without, over few steps and over infinitely many. What a policy must know for
that is one number, the *stock*; :doc:`/theory/distributional` says why.
"""

# sphinx_gallery_thumbnail_number = 1

import itertools

import matplotlib.pyplot as plt
import numpy as np

from mdpkit import plotting
from mdpkit.distributional import Utility, optimize_stock, return_law, stock_value_iteration
from mdpkit.feedback import EpisodicSimulator
from mdpkit.problems.risk import sure_or_coin

plotting.use_style()

# %%
# The game
# --------
#
# One state. At every step, *pass* for nothing or toss a fair *coin* for 1 or 0; each step is worth half the one before,
# so the return lies between 0 and 2. We want it to be 1.
#
# The stock starts at minus the target and collects the rewards, :math:`c \leftarrow (c + r)/\gamma`, so that
# :math:`c_0 + G = \gamma^t (c_t + G_t)` at all times: what is still missing, in the units of the present step. The
# utility is :math:`-|c_0 + G|`.

game = sure_or_coin(0.0)
plan = optimize_stock(game, Utility.target(), horizon=4, stock=-1.0)
print(plan)
print("expected distance to 1:", -plan.value)

# %%
# Played by hand: if the first toss pays, the target is met and the policy stops. If not, 1 is out of reach of all later
# tosses together, and it tosses to the end.

policy = plan.policy
for rewards in ((1, 0, 0, 0), (0, 1, 1, 0), (0, 0, 1, 1)):
    memory, story = None, []
    for t, coin in enumerate(rewards):
        action, memory = policy.act(0, t, memory)
        reward = float(coin) if action == 1 else 0.0
        story.append(f"{game.action_names[action] if action else 'pass'} {reward:g}")
        if t < 3:
            memory = policy.observe(0, t, memory, action, reward, 0)
    print("; ".join(story))

# %%
# Looking helps
# -------------
#
# The state is always the same, so a policy without memory of rewards is a plan: a list of four actions fixed in
# advance. There are 16, and `~mdpkit.distributional.return_law` gives the exact law of each.

targets = np.arange(0, 2, 0.125)
plans = [np.reshape(actions, (4, 1)) for actions in itertools.product((0, 1), repeat=4)]
blind_laws = [return_law(game, actions, horizon=4).law(0) for actions in plans]
blind = [min(law.expect(lambda x, g=g: abs(x - g)) for law in blind_laws) for g in targets]
seeing = [-optimize_stock(game, Utility.target(), horizon=4, stock=-g).value for g in targets]

best = min(blind_laws, key=lambda law: law.expect(lambda x: abs(x - 1.0)))
fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.8), layout="constrained")
left.plot(targets, blind, "s--", color=plotting.COLORS[1], label="best of 16 plans, blind")
left.plot(targets, seeing, "o-", color=plotting.COLORS[0], label="policy that looks at the stock")
left.set(xlabel="target", ylabel="expected distance to the target")
left.legend()
plotting.law_cdf({"stock policy": plan.law, "a best plan": best}, marks={"target": 1.0}, ax=right)

# %%
# *Left: expected distance to the target after four tosses, all exact. At 1 it is 9/32 instead of 1/2. Right: the laws
# of the return for target 1.*
#
# With more steps the policy that looks comes closer, :math:`1/4 + 2^{-(T+1)}`, while no plan ever gets below 1/2:

for T in (1, 2, 3, 4, 6, 8):
    value = -optimize_stock(game, Utility.target(), horizon=T, stock=-1.0).value
    print(f"T = {T}: {value:.6f} = 1/4 + 2^-{T + 1}: {value == 1 / 4 + 2.0 ** -(T + 1)}")

# %%
# The policy runs
# ---------------
#
# Policies that need a memory carry it themselves. Simulated episodes reproduce the exact law:

log = EpisodicSimulator(game, seed=0, horizon=4).rollout(policy, 20_000)
returns = log.reward.reshape(-1, 4) @ 0.5 ** np.arange(4)
law = plan.law
deviation = max(abs(np.mean(returns <= x) - law.cdf(x)) for x in law.x)
print(f"largest deviation of the distribution functions: {deviation:.4f} (20,000 episodes)")

# %%
# Without an end
# --------------
#
# Over an infinite horizon time drops out, if the utility permits it: :math:`-|x|` does, since scaling it by
# :math:`\gamma` is the same as scaling :math:`x`. Then state and stock suffice. Here a grid of stocks of spacing 1/4
# is closed under the recursion, so the values on it are exact.

solution = stock_value_iteration(game, Utility.target(), step=0.25)
print(solution)
print("V(-1) =", round(solution.value(0, -1.0), 12), " grid error:", solution.grid_error)
fine = stock_value_iteration(game, Utility.target(), step=2.0**-7)

fig, (top, bottom) = plt.subplots(2, 1, figsize=(7.2, 4.6), sharex=True, layout="constrained", height_ratios=[3, 1])
top.plot(fine.grid, fine.V[0], color=plotting.COLORS[0], label="V")
top.plot(solution.grid, solution.V[0], "o", ms=5, color=plotting.COLORS[0])
top.plot(fine.grid, -np.abs(fine.grid), ":", color="0.4", label="stop here: $-|c|$")
top.set(ylabel="value")
top.legend()
plotting.policy_over_stock(
    fine.actions,
    fine.grid,
    action_names=["pass", "toss the coin"],
    state_names=["game"],
    xlabel="stock (minus what is missing)",
    ax=bottom,
)
bottom.set_ylabel("")

# %%
# *Value (dots: the coarse grid) and action at each stock. Where little is missing the policy passes, and what is
# missing doubles, in the units of the step, until a toss is worth its while. The value is neither concave nor monotone:
# missing 1 is better than missing 3/4, because 1 is what a toss pays.*
#
# Ask for something the stationary method cannot do and it says which condition fails, instead of returning a number:

try:
    stock_value_iteration(game, Utility(lambda x: -(abs(x) ** 2)), step=0.25)
except ValueError as error:
    print(error)
