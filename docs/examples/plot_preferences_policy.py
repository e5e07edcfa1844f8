r"""
Comparisons: from a log of verdicts to a policy with a guarantee
================================================================

Somebody watched pairs of episodes and said, each time, which one was better. No reward was ever written down. This page
fits a reward to the verdicts, surrounds it with a confidence set, and plans against the worst reward in that set. The
result is a policy and a number: with probability 95 % the policy is better than the average logged episode by at least
that much. Then we vary the amount of data, and see what the guarantee costs and what it protects from. The theory is in
:doc:`/theory/preferences`.
"""

# sphinx_gallery_thumbnail_number = 2

from itertools import product

import matplotlib.pyplot as plt
import numpy as np

import mdpkit
from mdpkit import plotting
from mdpkit.errors import InfeasibleError
from mdpkit.feedback import ComparisonOracle, EpisodicSimulator
from mdpkit.preferences import confidence_set, fit_reward, mean_feature, pessimistic_policy
from mdpkit.problems.preferences import two_stage_choice

plotting.use_style()

# %%
# The problem
# -----------
#
# An action at the start leads to *A* or *B* by chance; there a second action ends the episode. Transitions are known,
# rewards are not. Features are one-hot for the six state-action pairs, so a trajectory's features say which two pairs
# it used.

problem, features = two_stage_choice()
hidden = problem.stages[0].rewards.reshape(6)  # only the oracle and this page's diagrams look at it
best = mdpkit.solve(problem)
print(problem)
print("hidden rewards:", hidden, " best value:", round(best.V[0, 0], 3), " best policy:", best.policy.tolist())

# %%
# The log was made by somebody who knows the job: at the start and in *A* the right action nearly always, in *B* either.

logging_policy = np.tile([[0.95, 0.05], [0.95, 0.05], [0.5, 0.5]], (2, 1, 1))
print("the logging policy is worth", round(mdpkit.evaluate_policy(problem, logging_policy).V[0, 0], 3))

# %%
# Verdicts
# --------
#
# `~mdpkit.feedback.ComparisonOracle` answers for the hidden reward: the better of two episodes wins with probability
# :math:`\sigma(\text{difference of their returns})`. The learner gets features and verdicts.


def verdicts(n, seed):
    simulator = EpisodicSimulator(problem, seed=seed)
    oracle = ComparisonOracle(problem, features=features, seed=10_000 + seed)
    return oracle.duels(simulator.rollout(logging_policy, n), simulator.rollout(logging_policy, n))


data = verdicts(30_000, seed=0)
fit = fit_reward(data, norm_bound=1.5)
print(data)
print(fit)
print("estimate:", fit.theta.round(2))

# %%
# Six features, rank four. Every episode uses exactly one pair of the start and one of the second step, so a constant
# added to either group changes no verdict. The estimate is the one of least norm; what is *known* are differences along
# what was compared. The bound 1.5 on the norm of the parameter is prior knowledge (the truth has norm 1.12), and the
# guarantee below rests on it.
#
# Plan against the worst reward
# -----------------------------

region = confidence_set(fit, delta=0.05)
print(region)
cautious = pessimistic_policy(fit, problem, features, radius=region)
print(cautious)
print(cautious.message)

# %%
# All values are differences from a *reference*, by default the mean features of the logged trajectories. Verdicts say
# nothing about the level of a reward, so measured from zero nothing could be promised:

try:
    pessimistic_policy(fit, problem, features, radius=region, reference="zero")
except InfeasibleError as error:
    print(error)

# %%
# There are eight deterministic policies. For each: its estimated advantage over the log, down to its lower confidence
# bound, and the truth.

actions = list(product([0, 1], repeat=3))
gaps = np.array([mean_feature(problem, np.tile(a, (2, 1)), features) - fit.feature_mean for a in actions])
estimates = gaps @ fit.theta
lower = np.array([region.lower(c) for c in gaps])

fig, ax = plt.subplots(figsize=(6.6, 4.0))
place = np.arange(8)
ax.vlines(place, lower, estimates, color=plotting.COLORS[0], lw=5, alpha=0.35)
ax.plot(place, estimates, "o", color=plotting.COLORS[0], label="estimate (what a greedy planner sees)")
ax.plot(place, lower, "_", color=plotting.COLORS[0], ms=14, mew=2, label="lower confidence bound")
ax.plot(place, gaps @ hidden, "kx", ms=6, label="truth")
ax.axhline(cautious.lower, color=plotting.COLORS[1], label="bound of the pessimistic policy")
ax.axhline(0.0, color="black", lw=1, ls=":")
ax.set_xticks(place, ["".join(map(str, a)) for a in actions])
ax.set(xlabel="actions in start, A, B", ylabel="advantage over the log", title="What is known about eight policies")
ax.legend(loc="lower left")

# %%
# *Estimate, lower bound and truth of the deterministic policies after 30 000 verdicts.*
#
# Bars are short for policies that resemble the log and long where actions were rarely seen. Here one of the eight has
# the best bound of all policies. That is *proved*: planning, by ordinary backward induction, against the single reward
# ``cautious.worst`` bounds what any policy could be promised, and it gives the same number.

worst = problem.stages[0].with_rewards(cautious.worst.reshape(3, 2)).with_horizon(2)
upper = mdpkit.solve(worst).V[0, 0] - cautious.reference @ cautious.worst
print(f"promised {cautious.lower:.6f}; the best policy against the worst reward has {upper:.6f}")

# %%
# With fewer verdicts the best bound belongs to a policy that tosses coins. It imitates the log where nothing better can
# be promised, and leaves it as far as the data reach:

for n in (3000, 10_000, 12_000):
    part = fit_reward(data[:n], norm_bound=1.5)
    plan = pessimistic_policy(part, problem, features, radius=confidence_set(part, delta=0.05))
    table = np.eye(2)[plan.policy] if plan.is_deterministic else plan.policy
    odds = np.array([table[0, 0, 0], table[1, 1, 0], table[1, 2, 1]])
    print(f"{n:6,} verdicts: promised {plan.lower:7.4f}, odds of the right action in start, A, B:", odds.round(3))

# %%
# (A promise may be slightly negative: the mean features of the log contain the luck of its transitions, and no policy
# has exactly these.) The lower bound is concave in the occupancy measure and not a sum over states. So its maximum may
# lie inside, and neither dynamic programming nor a bonus per step finds it; a conic program does.

# %%
# More data
# ---------
#
# Twelve logs, each read up to growing lengths. Three planners: *greedy* trusts the estimate, the other two are
# pessimistic, with the radius of a theorem (``form="explicit"``) and with that of the usual asymptotics
# (``form="wald"``), which is drawn from 1000 verdicts on. (``lam`` of the order 1/n keeps the explicit radius finite in
# directions that a short log has not seen.)

lengths = [30, 100, 300, 1000, 3000, 10_000, 30_000]
logs = [verdicts(lengths[-1], seed=100 + k) for k in range(12)]
names = ("explicit", "wald", "greedy")
promise, truth = ({name: [[] for _ in lengths] for name in names} for _ in range(2))
for row, n in enumerate(lengths):
    for log in logs:
        fit = fit_reward(log[:n], norm_bound=1.5)
        plans = {
            "explicit": pessimistic_policy(fit, problem, features, radius=confidence_set(fit, delta=0.05, lam=0.1 / n)),
            "greedy": pessimistic_policy(fit, problem, features, radius=0.0, method="deterministic"),
        }
        if n >= 1000:
            plans["wald"] = pessimistic_policy(
                fit, problem, features, radius=confidence_set(fit, delta=0.05, form="wald")
            )
        for name, plan in plans.items():
            promise[name][row].append(plan.lower)
            truth[name][row].append((plan.feature - plan.reference) @ hidden)

failed = sum(np.sum(np.greater(promise["explicit"][row], truth["explicit"][row])) for row in range(len(lengths)))
print(f"explicit guarantees that failed: {failed} of {len(logs) * len(lengths)}")
print("verdicts   greedy truth: mean, worst   explicit: guarantee, truth   Wald: guarantee, truth")
for row, n in enumerate(lengths):
    greedy = truth["greedy"][row]
    print(f"{n:8,} {np.mean(greedy):17.3f} {np.min(greedy):7.3f}", end="")
    for name in ("explicit", "wald"):
        if promise[name][row]:
            print(f"{np.mean(promise[name][row]):19.3f} {np.mean(truth[name][row]):7.3f}", end="")
    print()

fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2), sharey=True, layout="constrained")
for panel, table in ((left, promise), (right, truth)):
    for color, name, marker in zip(plotting.COLORS, names, "os^", strict=False):
        rows = [row for row in range(len(lengths)) if table[name][row]]
        x = np.array(lengths)[rows]
        panel.fill_between(
            x, *np.transpose([np.quantile(table[name][row], [0.1, 0.9]) for row in rows]), color=color, alpha=0.15, lw=0
        )
        panel.plot(x, [np.mean(table[name][row]) for row in rows], color=color, marker=marker, ms=4, label=name)
    panel.axhline(0.0, color="black", lw=1, ls=":")
    panel.axhline(1.06 - 0.9, color="black", lw=1, ls="--")
    panel.set(xscale="log", xlabel="verdicts")
left.set(ylabel="advantage over the log", title="What is promised", ylim=(-0.62, 0.62))
right.set_title("What the policy is worth")
right.legend(loc="lower right")

# %%
# *Means over twelve logs with bands from the 10 % to the 90 % quantile. Left: what each planner promises (the greedy
# one: its estimate). Right: what its policy is worth, by the hidden reward. Dashed: the best policy; dotted: the log.*
#
# **Short logs are where pessimism pays.** The greedy planner picks what *looks* best among actions that were hardly
# ever tried; its promise is biased upwards, and its policy may be much worse than the log it learned from. The
# pessimistic ones never fall noticeably below the log.
#
# **Long logs are where it costs.** Greedy finds the best policy from some 3000 verdicts on. With the theorem's radius
# the planner dares to leave the log only after some 10 000. That radius holds for every design and for every parameter
# in the ball, and takes the curvature of the logistic function where it is least on the whole range that the norm
# bound allows. The Wald radius takes the curvature at the estimate; that is about right here, and a theorem only in the
# limit.
