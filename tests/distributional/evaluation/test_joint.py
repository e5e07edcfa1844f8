"""Joint laws of vector rewards: digits, every path, marginals, and the multi-dimensional operator."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdpkit import TabularMDP
from mdpkit.distributional import (
    DiscreteLaw,
    cramer,
    distributional_backup,
    joint_covariance,
    joint_return_law,
    moments,
    return_law,
    wasserstein,
)
from mdpkit.errors import DiscountError, InputError, NonFiniteRewardError, ShapeError, UnknownOptionError
from mdpkit.models import MixturePolicy
from mdpkit.testing import policies, tabular_mdps
from tests.distributional.evaluation import instances
from tests.distributional.evaluation.paths import as_dict, table_policy

SLOW_DRAWS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_digits():
    """D14."""
    mdp, rewards = instances.pair()
    found = joint_covariance(mdp, [0, 0], rewards=rewards, discounts=[0.9, 0.5])
    mean = [[8.465753424658, 1.035294117647], [9.150684931507, -0.376470588235]]
    cross = [
        [[6.293251763895, -0.949031407638], [-0.949031407638, 0.699612830824]],
        [[9.874761476335, -3.187017741612], [-3.187017741612, 1.927331899373]],
    ]
    assert found.mean == pytest.approx(np.array(mean), abs=1e-12)
    assert found.covariance == pytest.approx(np.array(cross), abs=1e-12)


def test_zero_sum_coin():
    """D14: (1, 0) or (0, 1) with equal discounts: the sum is sure, the correlation -1, the marginals those of D1."""
    rewards, mdp = [[0, 1], [1, 0]], instances.coin()
    found = joint_covariance(mdp, [0], rewards=rewards, discounts=0.5)
    assert found.correlation[0, 0, 1] == pytest.approx(-1)
    law = joint_return_law(mdp, [0], rewards=rewards, discounts=0.5, horizon=6, exact=True).law(0)
    assert {sum(atom) for atom in as_dict(law)} == {2 * (1 - Fraction(1, 2**6))}
    scalar = return_law(mdp, [0], horizon=6, exact=True).law(0)
    assert law.marginal(0) == law.marginal(1) == scalar


def joint_by_paths(mdp, policy, rewards, start, horizon, gammas):
    """List every path; rewards by (coordinate, state, action, successor)."""
    law = defaultdict(Fraction)
    rule, outcomes = table_policy(policy), mdp.outcomes
    totals = np.bincount(outcomes.pair, minlength=mdp.n_pairs)
    exact = [Fraction(0)] * mdp.n_pairs
    for k in range(len(outcomes)):
        exact[outcomes.pair[k]] += Fraction(float(outcomes.prob[k]))
    assert totals.min() > 0

    def walk(t, s, gained, mass):
        if t == horizon:
            law[gained] += mass
            return
        for a, share in rule(t, s, None):
            for k in range(len(outcomes)):
                pair = int(outcomes.pair[k])
                if (mdp.pair_state[pair], mdp.pair_action[pair]) != (s, a):
                    continue
                n = int(outcomes.successor[k])
                more = tuple(g + gammas[i] ** t * Fraction(float(rewards[i, s, a, n])) for i, g in enumerate(gained))
                walk(t + 1, n, more, mass * share * Fraction(float(outcomes.prob[k])) / exact[pair])

    walk(0, start, (Fraction(0),) * len(gammas), Fraction(1))
    return dict(law)


@SLOW_DRAWS
@given(st.data())
def test_every_path_and_every_marginal(data):
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=(0.5,), random_rewards=False))
    policy, horizon = data.draw(policies(mdp)), data.draw(st.integers(0, 2))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rewards = rng.integers(-2, 3, (2, mdp.n_states, mdp.n_actions, mdp.n_states)).astype(float)
    gammas = [Fraction(1, 2), Fraction(3, 4)]
    options = {"rewards": rewards, "horizon": horizon}
    exact = joint_return_law(mdp, policy, discounts=gammas, exact=True, **options)
    floats = joint_return_law(mdp, policy, discounts=[0.5, 0.75], **options)
    covariance = joint_covariance(mdp, policy, discounts=[0.5, 0.75], **options)
    for s in range(mdp.n_states):
        assert as_dict(exact.law(s)) == joint_by_paths(mdp, policy, rewards, s, horizon, gammas)
        assert floats.law(s).x == pytest.approx(exact.law(s).x.astype(float), abs=1e-11)
        assert floats.law(s).p == pytest.approx(exact.law(s).p.astype(float), abs=1e-11)
        assert covariance.mean[s] == pytest.approx(floats.law(s).mean(), abs=1e-11)
        assert covariance.covariance[s] == pytest.approx(floats.law(s).covariance(), abs=1e-10)
    for i in range(2):
        r = np.where(mdp.action_mask[:, :, None], rewards[i], 0.0)
        P = np.zeros((mdp.n_states, mdp.n_actions, mdp.n_states))
        for a in range(mdp.n_actions):
            for s in range(mdp.n_states):
                P[s, a] = mdp.transition(s, a) if mdp.action_mask[s, a] else np.eye(mdp.n_states)[s]
        scalar = return_law(TabularMDP(P, r), policy, horizon=horizon, gamma=gammas[i], exact=True)
        for s in range(mdp.n_states):
            assert exact.law(s).marginal(i) == scalar.law(s)


@SLOW_DRAWS
@given(st.data())
def test_covariance_of_one_reward_is_its_variance(data):
    mdp = data.draw(tabular_mdps(max_states=4, max_actions=2, gammas=(0.5, 0.75)))
    policy = data.draw(policies(mdp))
    reward = mdp.outcomes.reward
    found = joint_covariance(mdp, policy, rewards=[reward, -2 * reward], discounts=mdp.gamma)
    scalar = moments(mdp, policy, 2)
    scale = 1 + np.abs(reward).max() / (1 - mdp.gamma)
    assert found.mean == pytest.approx(scalar.mean[:, None] * [1, -2], abs=1e-11 * scale)
    wanted = scalar.variance[:, None, None] * np.array([[1, -2], [-2, 4]])
    assert found.covariance == pytest.approx(wanted, abs=1e-10 * scale**2)


def test_truncation_error_covers_the_mean():
    mdp, rewards = instances.pair()
    options = {"rewards": rewards, "discounts": [0.9, 0.5]}
    limit = joint_covariance(mdp, [0, 0], **options).mean
    result = joint_return_law(mdp, [0, 0], horizon=6, **options)
    gap = np.linalg.norm(result.means() - limit, axis=1).max()
    assert 0 < gap <= result.truncation_error
    # Euclidean norm of gamma_i^H max|R_i| / (1 - gamma_i), max |R| = 2 for both.
    assert result.truncation_error == pytest.approx(np.hypot(0.9**6 * 20, 0.5**6 * 4))


@SLOW_DRAWS
@given(st.data())
def test_the_operator_contracts(data):
    """sup W1 by max gamma_i in two dimensions; W1 by gamma and Cramér by sqrt(gamma) for scalars."""
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=(0.5, 0.75)))
    policy = data.draw(policies(mdp, stochastic=False))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))

    def draw(dimension):
        return [DiscreteLaw(rng.normal(size=(3, *dimension)), rng.dirichlet(np.ones(3))) for _ in range(mdp.n_states)]

    def worst(distance, one, two):
        return max(distance(a, b) for a, b in zip(one, two, strict=True))

    one, two = draw(()), draw(())
    after = [distributional_backup(mdp, policy, laws) for laws in (one, two)]
    assert worst(wasserstein, *after) <= mdp.gamma * worst(wasserstein, one, two) + 1e-9
    assert worst(cramer, *after) <= np.sqrt(mdp.gamma) * worst(cramer, one, two) + 1e-6
    one, two = draw((2,)), draw((2,))
    vector = {"rewards": rng.normal(size=(2, len(mdp.outcomes))), "discounts": [0.3, 0.6]}
    after = [distributional_backup(mdp, policy, laws, **vector) for laws in (one, two)]
    assert worst(wasserstein, *after) <= 0.6 * worst(wasserstein, one, two) + 1e-7


def test_backups_from_zero_are_the_laws_of_a_horizon():
    mdp = instances.chain()
    laws = [DiscreteLaw([Fraction(0)], [Fraction(1)])] * 3
    for _ in range(3):
        laws = distributional_backup(mdp, [0, 0, 0], laws)
    wanted = return_law(mdp, [0, 0, 0], horizon=3, exact=True)
    assert all(laws[s] == wanted.law(s) for s in range(3))


def test_bad_input():
    mdp, rewards = instances.pair()
    for call in (joint_covariance, joint_return_law):
        with pytest.raises(ShapeError, match=r"rewards must have shape \(m, S, A\)"):
            call(mdp, [0, 0], rewards=[1.0, 2.0], discounts=0.5)
        with pytest.raises(ShapeError, match=r"rewards must have shape \(m, 2, 1, 2\)"):
            call(mdp, [0, 0], rewards=rewards[:, :1], discounts=0.5)
        with pytest.raises(ShapeError, match="discounts must be"):
            call(mdp, [0, 0], rewards=rewards, discounts=[0.5, 0.5, 0.5])
        with pytest.raises(DiscountError, match=r"discounts\[1\]") as raised:
            call(mdp, [0, 0], rewards=rewards, discounts=[0.5, 1.5])
        assert raised.value.argument == "discounts"
        with pytest.raises(NonFiniteRewardError):
            call(mdp, [0, 0], rewards=rewards * np.nan, discounts=0.5)
        with pytest.raises(UnknownOptionError, match="MixturePolicy"):
            call(mdp, MixturePolicy([[0, 0]]), rewards=rewards, discounts=0.5)
    with pytest.raises(DiscountError, match="surely terminates"):
        joint_covariance(mdp, [0, 0], rewards=rewards, discounts=[0.5, 1])
    with pytest.raises(InputError, match="horizon is required"):
        joint_return_law(mdp, [0, 0], rewards=rewards, discounts=0.5)
    point = DiscreteLaw.point(0.0)
    with pytest.raises(ShapeError, match="one per state, found 1"):
        distributional_backup(mdp, [0, 0], [point])
    with pytest.raises(ShapeError, match=r"laws\[0\]"):
        distributional_backup(mdp, [0, 0], [point] * 2, rewards=rewards, discounts=0.5)
    with pytest.raises(InputError, match="discounts is missing"):
        distributional_backup(mdp, [0, 0], [point] * 2, rewards=rewards)
