"""Stock policies that run: the identity behind them, what they earn, and roll-outs that reproduce the exact law."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.distributional import Utility, optimize_stock, return_law, stock_value_iteration
from mdpkit.errors import PolicyError
from mdpkit.feedback import EpisodicSimulator
from mdpkit.models import MixturePolicy
from tests.distributional.stock.support import coin_or_nothing, coin_or_safe, path_law, small_mdps, two_step
from tests.feedback.support import assert_law


def totals(data, gamma):
    """Return of each episode, rounded where doubles of equal returns may differ."""
    episode = data.episode - data.episode[0]
    return np.round(np.bincount(episode, weights=gamma**data.step * data.reward), 9)


def assert_same_law(returns, law):
    """Chi-square test of the returns against an exact law, false alarms at most 1e-8 (see `assert_law`)."""
    atoms = {round(float(x), 9): float(p) for x, p in law.items()}
    assert len(atoms) == len(law)
    assert set(returns.tolist()) <= set(atoms)
    assert_law([np.sum(returns == x) for x in atoms], list(atoms.values()))


# ---------------------------------------------------------------- the stock identity


@settings(max_examples=25, deadline=None)
@given(mdp=small_mdps(gammas=(0.25, 0.5)), stock=st.integers(-8, 8).map(lambda k: k / 4), seed=st.integers(0, 99))
def test_stock_identity_on_paths(mdp, stock, seed):
    """``c_0 + G_0 = gamma^t (c_t + G_t)`` at every step: exactly, for powers of two and quarters."""
    solution = stock_value_iteration(mdp, Utility.target(), step=0.13)
    policy, gamma = solution.policy(stock), mdp.gamma
    simulator = EpisodicSimulator(mdp, seed=seed, horizon=12)
    state, memory, stocks, rewards = simulator.reset(), None, [], []
    for t in range(12):
        action, memory = policy.act(state, t, memory)
        stocks.append(memory)
        following, reward, terminated, truncated = simulator.step(action)
        rewards.append(reward)
        if terminated or truncated:
            break
        memory = policy.observe(state, t, memory, action, reward, following)
        state = following
    for t, c in enumerate(stocks):
        left = sum(gamma**k * r for k, r in enumerate(rewards[t:]))
        assert gamma**t * (c + left) == stock + sum(gamma**k * r for k, r in enumerate(rewards))


def test_lattice_stocks_stay_on_the_lattice():
    """(c + r) / gamma doubles any rounding at every step; on a closed lattice the policy removes it."""
    policy = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1).policy(-0.8)
    memory = policy.stock
    for t in range(200):
        memory = policy.observe(0, t, memory, 0, 0.4, 0)
    assert memory == pytest.approx(-0.8, abs=1e-15)


# ---------------------------------------------------------------- what they earn


@settings(max_examples=25, deadline=None)
@given(
    mdp=small_mdps(),
    slopes=st.tuples(st.integers(-2, 2), st.integers(-2, 2)),
    step=st.sampled_from([0.1, 0.13]),
    place=st.floats(0, 1),
)
def test_the_law_of_the_policy_is_worth_what_is_claimed(mdp, slopes, step, place):
    utility = Utility(k_pos=slopes[0], k_neg=slopes[1])
    solution = stock_value_iteration(mdp, utility, step=step)
    stock = float(solution.grid[0] + place * (solution.grid[-1] - solution.grid[0]))
    horizon = 5
    law = path_law(mdp, solution.policy(stock), horizon, mdp.gamma)
    total = sum(law.values())
    earned = float(sum(p * utility(Fraction(stock) + x) for x, p in law.items()) / total)
    largest = np.max(np.abs(mdp.outcomes.reward)) / (1 - mdp.gamma)
    tail = utility.lipschitz * mdp.gamma**horizon * largest
    between = utility.lipschitz * step
    assert abs(earned - solution.value(0, stock)) <= solution.policy_loss + solution.error_bound + between + tail


def test_d8_policy_is_optimal_to_many_digits():
    """Lattice stock, 14 steps, every path: only the truncation is left."""
    solution = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1, tol=1e-12)
    law = return_law(coin_or_safe(0.5), solution.policy(-1.0), horizon=14, initial_state=0).laws[0]
    assert abs(law.expect(lambda x: min(x - 1.0, 0.0)) + 11 / 70) <= 2.0**-14 * 2


@pytest.mark.parametrize("exact", [False, True])
def test_exact_evaluation_of_a_plan_finds_its_law(exact):
    for mdp, utility, stock, horizon in (
        (two_step(2, 1, 0, 3), Utility.cvar(), -3, 2),
        (coin_or_nothing(), Utility.target(), -1, 4),
        (coin_or_safe(0.7), Utility.cvar(), -1.6, 6),
    ):
        plan = optimize_stock(mdp, utility, horizon=horizon, stock=stock, exact=exact)
        law = return_law(mdp, plan.policy, horizon=horizon, exact=exact, initial_state=0).laws[0]
        np.testing.assert_allclose(law.x.astype(float), plan.law.x.astype(float), rtol=0, atol=1e-12)
        np.testing.assert_allclose(law.p.astype(float), plan.law.p.astype(float), rtol=0, atol=1e-14)
        if exact:
            assert law.x.tolist() == plan.law.x.tolist()
            assert law.p.tolist() == plan.law.p.tolist()


# ---------------------------------------------------------------- roll-outs


def test_e8_rollouts_gamble_after_0_only():
    mdp = two_step(2, 1, 0, 3)
    plan = optimize_stock(mdp, Utility.cvar(), horizon=2, stock=-3)
    data = EpisodicSimulator(mdp, seed=0).rollout(plan.policy, 6_000, horizon=2)
    assert_same_law(totals(data, 1.0), {0: 0.25, 3: 0.75})
    second = data.step == 1
    np.testing.assert_array_equal(data.action[second], (data.reward[~second] == 0).astype(int))


def test_d10_rollouts():
    mdp = coin_or_nothing()
    plan = optimize_stock(mdp, Utility.target(), horizon=4, stock=-1)
    data = EpisodicSimulator(mdp, seed=1).rollout(plan.policy, 6_000, horizon=4)
    law = path_law(mdp, plan.policy, 4, 0.5)
    assert sum(p * abs(x - 1) for x, p in law.items()) == Fraction(9, 32)
    assert_same_law(totals(data, 0.5), law)


def test_d8_rollouts_of_the_stationary_policy():
    mdp = coin_or_safe(0.5)
    policy = stock_value_iteration(mdp, Utility.cvar(), step=0.1).policy(-1.7)
    data = EpisodicSimulator(mdp, seed=2).rollout(policy, 6_000, horizon=6)
    assert_same_law(totals(data, 0.5), path_law(mdp, policy, 6, 0.5))


def test_vector_rollouts():
    """The side rewards of a step are found from what the simulator shows; the memory is a tuple."""
    mdp = coin_or_nothing()
    rewards = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])  # the safe action pays the second coordinate
    utility = Utility(lambda x: -abs(x[0]) - abs(x[1]), dimension=2)
    plan = optimize_stock(mdp, utility, horizon=4, stock=(-1, -0.25), rewards=rewards)
    data = EpisodicSimulator(mdp, seed=3).rollout(plan.policy, 6_000, horizon=4)
    episode = data.episode - data.episode[0]
    second = np.bincount(episode, weights=0.5**data.step * (data.action == 0))
    pairs = np.stack([totals(data, 0.5), second], axis=1)
    atoms = {tuple(x): p for x, p in zip(plan.law.x.tolist(), plan.law.p, strict=True)}
    assert {tuple(x) for x in pairs.tolist()} <= set(atoms)
    assert_law([np.sum((pairs == x).all(axis=1)) for x in atoms], list(atoms.values()))


def test_mixtures_of_stock_policies():
    """A mixture hands the rewards on to the policy it has drawn (D9's way of mixing)."""
    mdp = coin_or_nothing()
    first = optimize_stock(mdp, Utility.target(), horizon=3, stock=-1).policy
    mixture = MixturePolicy([first, [0]], weights=[0.25, 0.75], seed=4)
    data = EpisodicSimulator(mdp, seed=5).rollout(mixture, 6_000, horizon=3)
    law = {x: p / 4 for x, p in path_law(mdp, first, 3, 0.5).items()}
    law[Fraction(0)] = law.get(Fraction(0), 0) + Fraction(3, 4)
    assert_same_law(totals(data, 0.5), law)


# ---------------------------------------------------------------- misuse


def test_plans_know_where_they_may_be():
    policy = optimize_stock(two_step(2, 1, 0, 3), Utility.cvar(), horizon=2, stock=-3).policy
    _, memory = policy.act(0, 0, None)
    with pytest.raises(PolicyError, match=r"state 1 with the accumulated reward -3\.0 at time 0"):
        policy.act(1, 0, None)
    with pytest.raises(PolicyError, match="cannot be met"):
        policy.act(1, 1, 0.5)
    with pytest.raises(PolicyError, match="made for 2 steps"):
        policy.act(0, 2, memory)
    with pytest.raises(PolicyError, match=r"never yields the reward 1\.5"):
        policy.observe(0, 0, memory, 0, 1.5, 1)
    assert policy.observe(0, 0, memory, 0, 2.0, 1) == -1.0


def test_repr():
    plan = optimize_stock(two_step(2, 1, 0, 3), Utility.cvar(), horizon=2, stock=-3)
    assert repr(plan) == "StockPlan(optimal: value -0.75, H=2, 8 stocks)"
    assert repr(plan.policy) == "PlanPolicy(H=2, 3 decisions)"
    policy = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1).policy(-1.5)
    assert repr(policy) == "StockPolicy(stock=-1.5)"
