"""Laws of policies with memory: against every path in fractions, and against roll-outs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdpkit import EpisodicSimulator, FiniteHorizonMDP, TabularMDP
from mdpkit.distributional import Utility, maximize_cvar, optimize_stock, return_law, wasserstein
from mdpkit.errors import ExplosionError, InputError, PolicyError, UnknownOptionError
from mdpkit.models import MixturePolicy
from mdpkit.testing import finite_horizon_mdps, tabular_mdps
from tests.distributional.evaluation import instances
from tests.distributional.evaluation.paths import as_dict, law_by_paths
from tests.distributional.evaluation.test_return_law import close

SLOW_DRAWS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Stock:
    """A policy that remembers the discounted reward so far and switches its action at a threshold."""

    def __init__(self, mask, gamma, threshold=0):
        self.mask, self.gamma, self.threshold = mask, gamma, threshold

    def choose(self, state, gained):
        available = np.flatnonzero(self.mask[state])
        return int(available[0] if gained >= self.threshold else available[-1])

    def act(self, state, t, memory):
        gained = 0 if memory is None else memory
        return self.choose(state, gained), gained

    def observe(self, state, t, memory, action, reward, successor):
        return memory + self.gamma**t * reward

    def history_rule(self):
        """The same policy for the oracle, from the history of rewards."""

        def rule(t, state, rewards):
            gained = sum((Fraction(self.gamma) ** k * r for k, r in enumerate(rewards)), Fraction(0))
            return [(self.choose(state, gained), Fraction(1))]

        return rule


@SLOW_DRAWS
@given(st.data())
def test_every_path_in_fractions(data):
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=(1.0, 0.5)))
    horizon = data.draw(st.integers(0, 3))
    policy = Stock(mdp.action_mask, mdp.gamma, data.draw(st.sampled_from([-1, 0, 1])))
    exact_policy = Stock(mdp.action_mask, Fraction(mdp.gamma), policy.threshold)
    exact = return_law(mdp, exact_policy, horizon=horizon, exact=True)
    floats = return_law(mdp, policy, horizon=horizon)
    for s in range(mdp.n_states):
        # Multiples of 1/8 are exact in floats: comparing with the threshold is, too.
        truth = law_by_paths(mdp, policy.history_rule(), s, horizon, Fraction(mdp.gamma))
        assert as_dict(exact.law(s)) == truth
        assert close(floats.law(s), truth)


@SLOW_DRAWS
@given(st.data())
def test_finite_horizon_problems(data):
    problem = data.draw(finite_horizon_mdps(max_horizon=3, max_states=3, max_actions=2, gammas=(1.0, 0.5)))
    mask = np.logical_and.reduce([stage.action_mask for stage in problem.stages])
    if not mask.any(axis=1).all():
        return
    policy = Stock(mask, problem.gamma)
    found = return_law(problem, policy)
    assert found.status == "exact"
    for s in range(problem.n_states):
        truth = law_by_paths(problem, policy.history_rule(), s, problem.horizon, Fraction(problem.gamma))
        assert close(found.law(s), truth)


def test_gamble_after_a_low_reward():
    """D3: carrying the stock gives {0: 1/4, 3: 3/4}, whose CVaR at 1/2 is 3/2; every Markov policy has at most 1."""
    mdp = instances.two_step(2, 1, 0, 3)
    policy = Stock(mdp.action_mask, 1, 1)  # safe (action 0) once something was gained, the gamble otherwise
    result = return_law(mdp, policy, initial_state=0, exact=True)
    assert as_dict(result.law()) == {Fraction(0): Fraction(1, 4), Fraction(3): Fraction(3, 4)}
    assert result.law().cvar(Fraction(1, 2)) == Fraction(3, 2)
    assert (result.horizon, result.error_bound) == (2, 0.0)


@pytest.mark.parametrize("gamma", [0.9, 1.0])
def test_roll_outs_reproduce_the_law(gamma):
    """The mean within 5 standard errors of 20,000 episodes, and the whole cdf within the DKW band.

    False alarms, for one draw of the (fixed) seed: 5.7e-7 for the mean, a normal test, and 4e-7 for the cdf, because
    ``P(sup |F_n - F| > e) <= 2 exp(-2 n e^2)``; the sum is below 1e-6. The band is 1.9 % wide, so that acting on the
    wrong stock in one of 50 episodes would show.
    """
    rng = np.random.default_rng(5)
    P, r = rng.dirichlet(np.ones(4), (4, 2)), np.round(rng.normal(size=(4, 2, 4)), 1)
    mdp, horizon, n = TabularMDP(P, r, gamma, initial=0), 4, 20_000
    policy = Stock(mdp.action_mask, gamma, 0.3)
    law = return_law(mdp, policy, horizon=horizon, initial_state=0).law()
    data = EpisodicSimulator(mdp, seed=0, horizon=horizon).rollout(policy, n)
    returns = np.sort(np.bincount(data.episode, weights=data.reward * gamma**data.step))
    assert abs(returns.mean() - law.mean()) <= 5 * np.sqrt(law.var() / n)
    # Between atoms, so that rounding in the sums of a path does not move it across a point.
    points = ((law.x[1:] + law.x[:-1]) / 2)[np.diff(law.x) > 1e-9]
    seen = np.searchsorted(returns, points, side="right") / n
    assert np.abs(seen - law.cdf(points)).max() <= np.sqrt(np.log(2 / 4e-7) / (2 * n))


def test_mixtures_of_policies_with_memory():
    mdp = instances.two_step(2, 1, 0, 3)
    stock, safe = Stock(mdp.action_mask, 1, 1), [0, 0, 0]
    law = return_law(mdp, MixturePolicy([stock, safe], [0.5, 0.5]), initial_state=0).law()
    assert as_dict(law) == {0.0: 0.125, 1.0: 0.25, 3.0: 0.625}


def test_mixtures_of_mixtures_are_refused():
    mixture = MixturePolicy([MixturePolicy([[0, 0, 0]])])
    with pytest.raises(UnknownOptionError, match="mixture of mixtures"):
        return_law(instances.two_step(2, 1, 0, 3), mixture)


@pytest.mark.parametrize("tau", [0.25, 0.5, 0.75])
def test_the_policies_of_the_package_have_the_laws_they_claim(tau):
    """The forward enumeration shares no code with the optimizers' laws."""
    for mdp in (instances.two_step(2, 1, 0, 3), instances.two_step(2, 1, 0, 4, gamma=0.9)):
        best = maximize_cvar(mdp, tau, horizon=2, initial_state=0)
        law = return_law(mdp, best.policy, horizon=2, initial_state=0).law()
        assert wasserstein(law, best.law) <= 1e-12
        plan = optimize_stock(mdp, Utility.target(), horizon=2, stock=-3, initial_state=0)
        found = return_law(mdp, plan.policy, horizon=2, initial_state=0).law()
        assert found.expect(lambda x: -abs(x - 3)) == pytest.approx(plan.value, abs=1e-12)


def test_rewards_on_a_lattice_meet():
    """0.1 + 0.2 and 0.3 are one node: 31 of them after 30 steps, not 2^30."""
    mdp = TabularMDP.from_outcomes([0, 0], [0, 0], [0.5, 0.5], [0.1, 0.2], [0, 0], gamma=1.0)
    result = return_law(mdp, Stock(mdp.action_mask, 1.0, 1), horizon=30)
    assert result.n_atoms == len(result.law()) == 31
    assert result.law().x == pytest.approx(3 + np.arange(31) / 10)
    assert 0 < result.error_bound < 1e-13  # merged, and said so


def test_truncation_is_reported():
    result = return_law(instances.coin(), Stock(np.ones((1, 1), bool), 0.5), horizon=5)
    assert result.truncation_error == pytest.approx(2.0**-4)
    assert return_law(instances.trap(), Stock(np.ones((2, 1), bool), 0.9), horizon=5, initial_state=1).error_bound == 0


def test_explosion_says_how_many():
    with pytest.raises(ExplosionError, match="triples of state, reward so far and memory") as raised:
        return_law(instances.coin(gamma=0.51), Stock(np.ones((1, 1), bool), 0.51), horizon=60, max_atoms=500)
    assert raised.value.cap == 500
    assert raised.value.count > 500


def test_bad_policies():
    class Draws:
        def __init__(self):
            self.rng = np.random.default_rng(0)

        def act(self, state, t, memory):
            return int(self.rng.integers(2)), None

    class Constant:
        def __init__(self, action, memory=None):
            self.action, self.memory = action, memory

        def act(self, state, t, memory):
            return self.action, self.memory

    mdp = TabularMDP([[[1.0], [1.0]]], [[0.0, 1.0]], 0.5)
    with pytest.raises(PolicyError, match="draws its"):
        return_law(mdp, Draws(), horizon=64)  # 64 repeated questions miss it with probability 2^-64
    with pytest.raises(PolicyError, match="an action that state 0 does not have"):
        return_law(mdp, Constant(2), horizon=1)
    with pytest.raises(PolicyError, match="an action that state 0 does not have"):
        return_law(mdp, Constant(-1), horizon=1)
    with pytest.raises(InputError, match="not hashable"):
        return_law(mdp, Constant(0, {}), horizon=2)
    assert return_law(mdp, Constant(1, (np.array([1.0]), "x", None)), horizon=2).law().mean() == 1.5
    with pytest.raises(UnknownOptionError, match="need method 'exact'"):
        return_law(mdp, Constant(0), method="categorical")
    with pytest.raises(InputError, match="horizon is required"):
        return_law(mdp, Constant(0))
    problem = FiniteHorizonMDP([[[1.0]]], [[1.0]], horizon=3)
    assert return_law(problem, Constant(0)).law().mean() == 3.0
