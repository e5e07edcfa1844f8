r"""
Robust planning: a maintenance plan
===================================

A machine wears out level by level; running a failed one is expensive, and so is repairing it too early. The optimal
plan weighs the two, *if the wear probabilities are right*. They never are. This page asks what happens when they are
wrong, in the worst way: we build the problem, solve it as if the model were exact, then surround the model with an
uncertainty set, look at nature's answer, and measure what robustness costs. The theory is in :doc:`/theory/robust`.
"""

# sphinx_gallery_thumbnail_number = 1

import matplotlib.pyplot as plt
import numpy as np

import mdpkit
from mdpkit import plotting, problems
from mdpkit.models import L1Ball
from mdpkit.robust import evaluate_robust, worst_kernel

plotting.use_style()

# %%
# The nominal plan
# ----------------
#
# Eight levels of wear, the last of them a failure that costs 20 per step; a normal repair costs 2 per step, a long one
# 10. With the probabilities as stated, repairing pays from level 4 on.

machine = problems.machine_replacement()
nominal = mdpkit.solve(machine)
print(nominal.to_frame()[["state", "action", "V"]].round(3).to_string(index=False))

# %%
# What are we unsure about?
# -------------------------
#
# The repair shop is well known: its rows stay as they are, radius 0. What a *running* machine does is less clear. Its
# row may be off by up to :math:`\kappa` in L1 distance, and not only between the successors of the table: a machine may
# skip levels and even fail on the spot. That is ``support="all"``. The radius has one entry per state-action pair.

running = np.zeros((machine.n_states, machine.n_actions))
running[:8, 0] = 1.0  # action "wait" at the eight levels of wear


def uncertain(kappa):
    return mdpkit.RobustMDP(machine, L1Ball(kappa * running, support="all"), transition_rewards=costs)


# %%
# One question is left. Costs here depend on the state that is *reached*, and nature may now make transitions that the
# nominal model never makes. mdpkit does not guess what those pay; it asks:

try:
    mdpkit.solve(mdpkit.RobustMDP(machine, L1Ball(0.1 * running, support="all")))
except mdpkit.MDPKitError as error:
    print(error)

# %%
# So we say it: what a state costs does not depend on how it was reached.

cost_of_state = np.array([0, 0, 0, 0, 0, 0, 0, 20, 10, 2])
costs = np.broadcast_to(-cost_of_state, (machine.n_states, machine.n_actions, machine.n_states))
problem = uncertain(0.1)
robust = mdpkit.solve(problem)
print(robust.message)
print(
    "nominal plan repairs from level", np.argmax(nominal.policy), "- robust plan from level", np.argmax(robust.policy)
)

# %%
# The bounds ``lower`` and ``upper`` mean what they mean everywhere in mdpkit, for the robust value: what the best plan
# is worth under the worst kernel of the set. The policy loss is certified too.
#
# What nature does
# ----------------
#
# `~mdpkit.robust.worst_kernel` returns nature's answer, an ordinary model. At every level nature spends its budget of
# 0.1 in the same way: it takes 5 % from the best successor (the machine that does not wear) and moves it to the worst
# one, instant failure.

worst = worst_kernel(problem, robust.V)
for s in range(4):
    moved = worst.transition(s, "wait") - machine.transition(s, "wait")
    listed = ", ".join(f"{machine.state_names[t]} {moved[t]:+.3f}" for t in np.flatnonzero(np.abs(moved) > 1e-12))
    print(f"{machine.state_names[s]}: {listed}")

# %%
# Plan and kernel are a *saddle point*: the best reply to nature's kernel is worth just what the robust plan is worth.
# In that sense the robust plan is optimal for a model, only not for the one we wrote down.

gap = np.max(np.abs(mdpkit.solve(worst).V - robust.V))
print(f"largest difference between the optimal values of nature's model and the robust values: {gap:.1e}")

# %%
# The price of robustness
# -----------------------
#
# How much do we pay, and for what? We solve for a range of radii and score both plans in both worlds:
# `~mdpkit.robust.evaluate_robust` gives the worst case of any policy, `mdpkit.evaluate_policy` its value in the
# nominal model.

kappas = np.linspace(0, 0.2, 41)
worst_nominal, worst_robust, plain_robust, limits = [], [], [], []
for kappa in kappas:
    problem = uncertain(kappa)
    robust = mdpkit.solve(problem)
    worst_nominal.append(evaluate_robust(problem, nominal.policy).V[0])
    worst_robust.append(robust.V[0])
    plain_robust.append(mdpkit.evaluate_policy(machine, robust.policy).V[0])
    limits.append(int(np.argmax(robust.policy)))

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 5.4), sharex=True, height_ratios=(3, 1.3))
blue, vermilion, green = plotting.COLORS[:3]
top.plot(kappas, worst_robust, color=blue, label="robust plan, worst kernel")
top.plot(kappas, worst_nominal, color=vermilion, ls="--", label="nominal plan, worst kernel")
top.step(kappas, plain_robust, color=green, ls=":", lw=2.2, where="mid", label="robust plan, nominal kernel")
top.set(ylabel="value of a new machine", title="What robustness buys, and what it costs")
top.legend(loc="lower left")
bottom.step(kappas, limits, color="black", where="mid")
bottom.set(
    xlabel=r"radius $\kappa$ of the rows of a running machine (L1)", ylabel="repair\nfrom level", ylim=(-0.3, 4.5)
)
bottom.set_yticks(range(5))

# %%
# *Above: value of a new machine for the plan that is robust at radius* :math:`\kappa` *and for the nominal plan; exact
# values, no sampling. Below: the wear level from which the robust plan repairs.*
#
# Three things can be read off.
#
# * **Up to** :math:`\kappa = 0.085` **the nominal plan is the robust plan.** The guarantee is worse than the nominal
#   value, but there is nothing to be done about it: robustness is free, and so is the knowledge that the plan stands.
# * **Then the limit drops** from 4 to 3, 2 and 0: the more a running machine may surprise us, the earlier it is
#   repaired. In the nominal model this costs something (dotted line).
# * **From** 0.125 **on the robust plan never runs the machine** except to take it out of repair, and its worst case no
#   longer depends on the radius: it has stopped using the rows it does not trust. Whether that is prudent or absurd is
#   not a question for a solver. A radius states how far you trust your model, and this is what such distrust implies.
#   The next page takes the radius from data: :doc:`plot_robust_radius`.
