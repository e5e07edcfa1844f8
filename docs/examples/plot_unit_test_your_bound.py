r"""
Unit-test your own bound
========================

You have derived an error bound, and you want to know whether it is true before a reviewer does. This page starts from
a conjecture that is *false*, watches a test refute it, repairs it, watches the repair fail on another problem, and
ends with a theorem that passes. Then it tests a rate, and shows how to keep both tests in a pytest file. What the
assertions promise is derived in :doc:`/theory/statistical_tests`.

The question: a simulator gives :math:`n` independent next states for each state-action pair. We count them, take the
frequencies for the transition probabilities, and solve that *empirical* model exactly. How wrong are its values?
"""

# sphinx_gallery_thumbnail_number = 1

import matplotlib.pyplot as plt
import numpy as np

import mdpkit
from mdpkit import bounds, plotting
from mdpkit.feedback import GenerativeModel
from mdpkit.testing import assert_holds_with_probability, assert_rate, minimum_trials

plotting.use_style()


def empirical_values(mdp, n, rng):
    """Solve the model estimated from n next states per pair."""
    counts = GenerativeModel(mdp, seed=rng).sample_counts(n=n)
    frequencies = (counts / n).reshape(mdp.n_states, 1, mdp.n_states)  # one action in each state
    return mdpkit.solve(mdpkit.TabularMDP(frequencies, mdp.rewards, gamma=mdp.gamma)).V


# %%
# A conjecture
# ------------
#
# The error comes from :math:`\hat P - P`, so we apply Hoeffding's inequality. Rewards lie in :math:`[0, 1]`, values in
# an interval of length :math:`H = 1/(1-\gamma)`, so a mean of :math:`n` of them is off by more than
# :math:`H \sqrt{\log(2/\delta) / (2n)}` with probability at most :math:`\delta`; the discount multiplies this by
# :math:`\gamma`. We write it down as a `Bound`, with its assumptions.


def one_hoeffding(*, n, delta, gamma):
    """Error of the empirical values, first attempt.

    With probability at least ``1 - delta``, ``max |Vhat - V| <= gamma H sqrt(log(2 / delta) / (2 n))``.

    Assumptions:

    - Every pair has ``n`` independent next states; rewards are known and lie in ``[0, 1]``.

    Parameters
    ----------
    n : int
        Samples per pair.
    delta : float
        Failure probability.
    gamma : float
        Discount factor.
    """
    return gamma / (1 - gamma) * np.sqrt(np.log(2 / delta) / (2 * n))


conjecture = bounds.Bound.from_function(one_hoeffding, "probability")
print(conjecture)
print(conjecture.statement)

# %%
# A problem on which it could fail
# --------------------------------
#
# A bound should be tested where it is *tight*: slack hides mistakes. Hoeffding's inequality is tight for fair coins
# between the two ends of the range. So: fifty lotteries, each leads to a win (1 per step for ever) or to a loss
# (nothing for ever) with probability one half.

n, delta, gamma, size = 1000, 0.1, 0.95, 50


def lotteries():
    P, r = np.zeros((size + 2, 1, size + 2)), np.zeros((size + 2, 1))
    P[:size, 0, size:] = 0.5
    P[size, 0, size] = P[size + 1, 0, size + 1] = 1.0
    r[size] = 1.0
    return mdpkit.TabularMDP(P, r, gamma=gamma)


# %%
# Watch it fail
# -------------
#
# A *trial* gets a random generator, draws everything random from it, and says whether the statement held. The
# assertion runs many trials and applies an exact binomial test: it accuses a true statement with probability at most
# one in a million. With too few trials it could not accuse anything, and refuses.


def trial_of(mdp, limit):
    """Return a trial, and the list into which it writes the errors it sees."""
    V, errors = mdpkit.solve(mdp).V, []

    def trial(rng):
        errors.append(np.max(np.abs(empirical_values(mdp, n, rng) - V)))
        return errors[-1] <= limit

    return trial, errors


trial, _ = trial_of(lotteries(), conjecture.value(n=n, delta=delta, gamma=gamma))
try:
    assert_holds_with_probability(trial, 1 - delta, n_trials=50, seed=1)
except mdpkit.MDPKitError as error:
    print("refused:", error)

# %%
# As many as it asks for, then. The seed fixes every trial, so the answer is the same on every machine.

n_trials = minimum_trials(delta)
try:
    assert_holds_with_probability(trial, 1 - delta, n_trials=n_trials, seed=1)
except AssertionError as error:
    print("AssertionError:", error)

# %%
# The conjecture is refuted, and the message says how to run one failing trial again. What was wrong? Hoeffding's
# inequality is for *one* mean, and the largest error is over all pairs: we forgot the union bound.
#
# Repair it, and watch the repair
# -------------------------------


def with_union(*, n, delta, gamma, n_pairs):
    """Error of the empirical values, second attempt.

    With probability at least ``1 - delta``, ``max |Vhat - V| <= gamma H sqrt(log(2 n_pairs / delta) / (2 n))``.
    """
    return gamma / (1 - gamma) * np.sqrt(np.log(2 * n_pairs / delta) / (2 * n))


second = with_union(n=n, delta=delta, gamma=gamma, n_pairs=size + 2)
trial, errors_lotteries = trial_of(lotteries(), second)
check = assert_holds_with_probability(trial, 1 - delta, n_trials=n_trials, seed=1)
print(f"{check.failures} failures, {check.allowed} allowed; failure probability below {check.upper:.3f}")

# %%
# It passes. But a pass is a statement about *this* problem: here the failure probability is below ``upper``, with
# confidence :math:`1 - 10^{-6}`. In a lottery all that is unknown happens in the first step. Let the error come back
# instead: fifty states that repeat themselves with probability 0.95 and earn 1 until they stop.


def loops():
    P, r = np.zeros((size + 1, 1, size + 1)), np.ones((size + 1, 1))
    stay = np.arange(size)
    P[stay, 0, stay], P[:size, 0, size], P[size, 0, size] = 0.95, 0.05, 1.0
    r[size] = 0.0
    return mdpkit.TabularMDP(P, r, gamma=gamma)


second_on_loops = with_union(n=n, delta=delta, gamma=gamma, n_pairs=size + 1)
trial, errors_loops = trial_of(loops(), second_on_loops)
try:
    assert_holds_with_probability(trial, 1 - delta, n_trials=n_trials, seed=1)
except AssertionError as error:
    print("AssertionError:", error)

# %%
# Refuted again, in nearly every trial. The error of one step is made again in the next step, and
#
# .. math:: \hat V - V = \gamma \hat P (\hat V - V) + \gamma (\hat P - P) V
#
# gives :math:`(1-\gamma) \max|\hat V - V| \le \gamma \max|(\hat P - P) V|`: a second factor :math:`H` is missing. (That
# :math:`V` does not depend on the samples, as Hoeffding's inequality requires, is why it stands on the right and not
# :math:`\hat V`.) With both repairs we have a theorem, and it is in the catalogue: `plug_in_error`.

theorem = bounds.get("plug_in_error")
for problem, pairs in ((lotteries(), size + 2), (loops(), size + 1)):
    limit = theorem.value(gamma=gamma, n=n, n_pairs=pairs, delta=delta)
    trial, errors = trial_of(problem, limit)
    check = assert_holds_with_probability(trial, 1 - delta, n_trials=n_trials, seed=2)
    print(f"{check.failures} failures in {check.trials} trials; 90 % quantile / bound: ", end="")
    print(f"{np.quantile(errors, 1 - delta) / limit:.3f}")

# %%
# The last number says how tight the theorem is on each problem. Far below 1 it is safe and loose, and a test on that
# problem could not notice a constant halved by mistake. So keep the tight problems for the ingredients
# (`hoeffding_model_error` on lotteries), and these for the whole.

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
first = conjecture.value(n=n, delta=delta, gamma=gamma)
for ax, errors, pairs, title in (
    (axes[0], errors_lotteries, size + 2, "Lotteries: the error of one step"),
    (axes[1], errors_loops, size + 1, "Loops: the error comes back"),
):
    ax.hist(errors, bins=np.geomspace(0.4, 8, 40), color="#bbbbbb", label=f"{n_trials} trials")
    ax.axvline(np.quantile(errors, 1 - delta), color="black", ls=":", label="90 % quantile")
    ax.axvline(first, color=plotting.COLORS[1], ls="--", label="first attempt")
    limit = with_union(n=n, delta=delta, gamma=gamma, n_pairs=pairs)
    ax.axvline(limit, color=plotting.COLORS[2], ls="-.", label="with the union")
    limit = theorem.value(gamma=gamma, n=n, n_pairs=pairs, delta=delta)
    ax.axvline(limit, color=plotting.COLORS[0], label="theorem")
    ax.set(xscale="log", xlabel="largest error of a value", title=title)
    ax.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    ax.minorticks_off()
axes[0].set_ylabel("number of trials")
axes[0].legend(loc="upper left", bbox_to_anchor=(0.4, 1.0))

# %%
# *Largest error of the empirical values in 441 trials, 1000 samples per pair,* :math:`\gamma = 0.95`. *A bound that
# holds with probability 0.9 has to stand to the right of the 90 % quantile on every problem. The first attempt fails
# on both, the second on the loops.*

# %%
# The rate
# --------
#
# All three formulas say that the error falls like :math:`n^{-1/2}`. A rate is tested by the slope on log-log axes,
# with an interval from independent repeats: here 16 of them, and each averages over 5 runs.

mdp = lotteries()
V = mdpkit.solve(mdp).V
sizes = np.array([30, 100, 300, 1000, 3000])
rng = np.random.default_rng(3)
measured = np.array(
    [[[np.max(np.abs(empirical_values(mdp, m, rng) - V)) for _ in range(5)] for _ in range(16)] for m in sizes]
)
y = measured.mean(axis=2)
check = assert_rate(sizes, y, -1 / 2, tolerance=0.05)
print(f"slope {check.slope:.3f}, between {check.lower:.3f} and {check.upper:.3f}")

# %%
# A planted mistake, the "fast rate" :math:`1/n`, is caught, and so is :math:`n^{-1/3}`:

for wrong in (-1, -1 / 3):
    try:
        assert_rate(sizes, y, wrong, tolerance=0.05)
    except AssertionError as error:
        print("AssertionError:", error)

# %%
# But an upper bound :math:`O(n^{-1/3})` would be *true*: the error falls faster than that. A theorem that only bounds
# from above is tested with ``kind="at_most"``, which passes here and still catches the fast rate.

assert_rate(sizes, y, -1 / 3, tolerance=0.05, kind="at_most")
try:
    assert_rate(sizes, y, -1, tolerance=0.05, kind="at_most")
except AssertionError as error:
    print("AssertionError:", error)

# %%

fig, ax = plt.subplots()
middle = y[2].mean()
ax.loglog(sizes, y, color="#bbbbbb", lw=0.8)
ax.loglog(sizes, y.mean(axis=1), "o", color="black", label="measured (gray: 16 repeats)")
ax.loglog(sizes, middle * np.sqrt(300 / sizes), color=plotting.COLORS[0], label="slope -1/2")
ax.loglog(sizes, middle * np.cbrt(300 / sizes), color=plotting.COLORS[2], ls="-.", label="slope -1/3")
ax.loglog(sizes, middle * 300 / sizes, color=plotting.COLORS[1], ls="--", label="slope -1")
ax.set(xlabel="samples per pair, $n$", ylabel="largest error of a value", title="Two decades tell the rates apart")
ax.legend()

# %%
# *Mean largest error of the empirical values on the lotteries against the samples per pair, and three claimed rates.*

# %%
# In a pytest file
# ----------------
#
# Tests of theorems are tests like others. Installing mdpkit installs a pytest plugin with the fixture
# ``mdpkit_trials``: the numbers of trials as written on every save, ten times as many at night with
# ``pytest --mdpkit-trials=10``.
#
# .. code-block:: python
#
#     # test_my_bound.py
#     import numpy as np
#     from hypothesis import given, settings
#     from hypothesis import strategies as st
#
#     import mdpkit
#     from mdpkit.testing import assert_holds_with_probability, tabular_mdps, value_functions
#
#
#     def test_hoeffding_on_fair_coins(mdpkit_trials):
#         radius = np.sqrt(np.log(2 / 0.1) / (2 * 30))
#         assert_holds_with_probability(
#             lambda rng: abs(rng.binomial(30, 0.5) / 30 - 0.5) <= radius,
#             0.9,
#             n_trials=mdpkit_trials(441),
#             seed=1,
#         )
#
#
#     @settings(deadline=None)
#     @given(st.data())
#     def test_error_from_the_residual(data):
#         mdp = data.draw(tabular_mdps(gammas=[0.5, 0.9]))
#         V = data.draw(value_functions(mdp))
#         residual = np.max(np.abs(mdpkit.planning.bellman_residual(mdp, V)))
#         error = np.max(np.abs(mdpkit.solve(mdp).V - V))
#         assert error <= residual / (1 - mdp.gamma) + 1e-6
#
# The second test is of a statement that *always* holds, so no statistics are needed: hypothesis draws models with
# ties, absorbing states and rows that are nearly deterministic, and shrinks a counterexample until it can be read.
# Forget the ``/ (1 - mdp.gamma)``, and it answers with a model of one state.
