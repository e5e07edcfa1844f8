r"""
What certificates prove
=======================

Iterative solvers converge *in the limit*, but they stop somewhere. What do we know at that moment? This page measures
it on RiverSwim, the standard hard little problem: six states in a row, a small sure reward downstream, a large one far
upstream against the current. We compare the error we can *prove* with the error we really *make*, see why a natural
stopping rule is wrong, stop a run early on purpose, try to cheat the checker, and reach the floor of floating-point
arithmetic. The theory behind it is in :doc:`/theory/certificates`.
"""

# sphinx_gallery_thumbnail_number = 2

import dataclasses
import warnings

import matplotlib.pyplot as plt
import numpy as np

import mdpkit
from mdpkit import plotting, problems

plotting.use_style()
river = problems.river_swim(6, gamma=0.95)
ax = plotting.model_graph(river)
ax.set_title("RiverSwim with six states")

# %%
# *States are circles, actions are the small nodes. Swimming right succeeds with probability 0.35 in the middle of the
# river.* Its optimal values are known as fractions with the denominator 3 819 703 271, so errors can be measured
# against the truth.

exact = np.array([17835341097, 19399844702, 22540615097, 26378862762, 30893930137, 36184643542]) / 3819703271

# %%
# What is known after each sweep
# ------------------------------
#
# A callback sees a snapshot after every certificate. Value iteration certifies each sweep, so we can write down,
# sweep by sweep, three things:
#
# * the **certified** half width of the enclosure ``lower <= V* <= upper``, which the solver knows,
# * the true error of its **midpoint** ``V``, which it does not know,
# * the true error of the **raw iterate** :math:`V_n = T^n 0`, the number that a textbook implementation would return.

records = []


def watch(snapshot):
    inside = np.all((snapshot.lower <= exact) & (exact <= snapshot.upper))
    midpoint = np.max(np.abs(snapshot.V - exact))
    raw = np.max(np.abs(snapshot.last_sweep - exact))
    records.append((snapshot.iterations, snapshot.half_width, midpoint, raw, inside))


solution = mdpkit.solve(river, method="value_iteration", tol=1e-6, callback=watch)
sweeps, certified, midpoint, raw, inside = (np.array(column) for column in zip(*records, strict=True))
print(solution.message)
print(f"exact values inside the enclosure: at {inside.sum()} of {len(inside)} sweeps")
print(f"after sweep {sweeps[-1]}: certified {certified[-1]:.2e}, midpoint off by {midpoint[-1]:.2e}, ", end="")
print(f"raw iterate off by {raw[-1]:.2f}")

# %%
# (Every solver ends with one more sweep, to read off the policy; it tightened the certificate in the message.)
# The enclosure contained the truth at every sweep. In the picture the certified curve (what we may claim) lies just
# above the midpoint's error (what is true): the certificate wastes almost nothing. The raw iterate lags far behind,
# because its error is nearly the same in all states - a constant that the certificate moves out of the way.

fig, ax = plt.subplots()
ax.semilogy(sweeps, certified, label="certified half width")
ax.semilogy(sweeps, midpoint, ls="--", label="error of the midpoint")
ax.semilogy(sweeps, raw, label="error of the raw iterate")
ax.semilogy(sweeps, 2 * raw[0] * 0.95 ** (sweeps - 1), color="#777777", ls=":", label=r"slope of $\gamma^n$")
ax.set(xlabel="sweeps", ylabel="error (largest over states)", title="What is proved, and what is true")
ax.legend()

# %%
# *Value iteration on RiverSwim from zero, tolerance* :math:`10^{-6}`. *Both the certificate and the midpoint fall
# faster than* :math:`\gamma^n`, *the rate at which the raw iterate converges.*
#
# For one state, the enclosure looks like this: a band that closes around the exact value.

lows, highs = [], []


def band(snapshot):
    lows.append(snapshot.lower[0])
    highs.append(snapshot.upper[0])


mdpkit.solve(river, method="value_iteration", tol=1e-2, callback=band)
n = np.arange(1, len(lows) + 1)
iterates = [0.0]
V = np.zeros(river.n_states)
for _ in n:
    V = V + mdpkit.planning.bellman_residual(river, V)
    iterates.append(V[0])

fig, ax = plt.subplots()
ax.fill_between(n, lows, highs, alpha=0.25, label="proved enclosure")
ax.plot(n, iterates[1:], color=plotting.COLORS[1], label="raw iterate")
ax.axhline(exact[0], color="black", ls="--", lw=1.2, label="exact value")
ax.set(xlabel="sweeps", ylabel="value of state 0", title="The enclosure closes around the exact value")
ax.legend()

# %%
# *Lower and upper bounds of the value of state 0 (band), the iterate of plain value iteration, and the exact
# value.* When the band is already thinner than the line, the iterate has covered half of its way.

# %%
# The natural stopping rule is wrong
# ----------------------------------
#
# Many programs stop as soon as two successive iterates differ by less than the tolerance. The difference says how
# far the last step went, not how far there is still to go: a constant error :math:`c` shrinks by
# :math:`(1 - \gamma) c` per sweep, so a small step is compatible with an error :math:`\gamma / (1 - \gamma)` times
# larger. Let us ask for :math:`10^{-6}`.

tol = 1e-6


def natural_rule(mdp):
    """Iterate until max|V_{n+1} - V_n| < tol; return the sweeps used and the true error."""
    V, count = np.zeros(mdp.n_states), 0
    while True:
        step = mdpkit.planning.bellman_residual(mdp, V)
        V, count = V + step, count + 1
        if np.max(np.abs(step)) < tol:
            return count, np.max(np.abs(V - mdpkit.solve(mdp).V))


gammas = [0.9, 0.95, 0.99, 0.999]
rows = []
for gamma in gammas:
    mdp = river.with_discount(gamma)
    count, error = natural_rule(mdp)
    by_span = mdpkit.solve(mdp, method="value_iteration", tol=tol)
    truth = np.max(np.abs(by_span.V - mdpkit.solve(mdp).V))
    rows.append((count, error, by_span.iterations, truth))
    print(
        f"gamma = {gamma:5}: natural rule {count:6d} sweeps, error {error:.1e} = {error / tol:6.1f} tol;"
        f"  certificate {by_span.iterations:3d} sweeps, error {truth / tol:.2f} tol"
    )

# %%
# The natural rule is wrong twice: it stops with an error far beyond what was asked for, by a factor that grows like
# :math:`1 / (1 - \gamma)`, *and* it takes many more sweeps to get there.

fig, ax = plt.subplots()
distance = 1 / (1 - np.array(gammas))
ax.loglog(distance, [row[1] for row in rows], marker="o", label="natural rule")
ax.loglog(distance, [row[3] for row in rows], marker="s", label="certificate")
ax.loglog(distance, tol * distance, color="#777777", ls="--", lw=1.2, label=r"tol $/\,(1-\gamma)$")
ax.axhline(tol, color="black", lw=1.0, ls=":", label="tolerance asked for")
ax.set(xlabel=r"$1/(1-\gamma)$", ylabel="true error at the stop", title="An error is not a step")
ax.legend()

# %%
# *True error (largest over states) when each rule stops, against the effective horizon; tolerance* :math:`10^{-6}`.

# %%
# Stopping early is safe
# ----------------------
#
# Bounds that hold at every sweep hold when a run is cut short. Twenty sweeps are not enough for the default
# tolerance; the solver warns, says so, and returns what it can prove.

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    early = mdpkit.solve(river, method="value_iteration", max_iter=20)
print("warning:", caught[0].message)
print("bounds hold:", bool(np.all((early.lower <= exact) & (exact <= early.upper))))
early.to_frame().round(4)

# %%
# Even this rough answer settles something. Where an action is *proved* not to be optimal, ``optimal_actions`` is
# False. A few more sweeps, and one action is left in every state: the policy is then optimal, with proof, although
# the values are known to a few digits only.

for budget in (10, 20, 30, 40):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
        cut = mdpkit.solve(river, method="value_iteration", max_iter=budget)
    left = cut.optimal_actions.sum(axis=1)
    print(f"after {budget} sweeps: values within {cut.half_width:.1e}, actions left per state {left.tolist()}")

# %%
# Do not trust, check
# -------------------
#
# `mdpkit.verify` knows nothing about solvers. It takes the model and the claims and tries to prove them; for a
# small model in rational arithmetic.

print(mdpkit.verify(river, solution))

# %%
# Now we tamper with the solution: bounds moved up, bounds too good to be true, another policy, a value outside its
# own bounds.

downstream = np.zeros(6, dtype=int)
forgeries = {
    "lower bounds raised by 0.001": dataclasses.replace(solution, lower=solution.lower + 1e-3),
    "upper bounds lowered by 0.001": dataclasses.replace(solution, upper=solution.upper - 1e-3),
    "policy replaced": dataclasses.replace(solution, policy=downstream),
    "value of every state raised by 1": dataclasses.replace(solution, V=solution.V + 1.0),
}
for what, forged in forgeries.items():
    answer = mdpkit.verify(river, forged)
    print(f"{what}\n    ok = {answer.ok}; {answer.message}")

# %%
# The floor
# ---------
#
# Certificates include rounding errors, so there is a tolerance that no computation with 64-bit numbers can prove. A
# loop that waits for it would run for ever. The solver notices, stops at the floor, and says where that is.

with warnings.catch_warnings():
    warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
    greedy = mdpkit.solve(river, method="value_iteration", tol=1e-15)
print(greedy.status, "-", greedy.message)

# %%
# The floor rises with the values and the effective horizon. It stays far below what most questions need, and it is
# part of the answer instead of a surprise:

for gamma in (0.9, 0.99, 0.999, 0.9999):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mdpkit.ConvergenceWarning)
        best = mdpkit.solve(river.with_discount(gamma), tol=1e-15)
    print(f"gamma = {gamma:6}: values up to {best.V.max():9.3f}, certified within {best.half_width:.1e}")
