"""Moments of the return: published digits, closed forms, and the moments of exact laws."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdpkit import TabularMDP
from mdpkit.distributional import moments, return_law
from mdpkit.errors import DiscountError, InputError, PolicyError, UnknownOptionError
from mdpkit.models import MixturePolicy, NonStationaryPolicy
from mdpkit.testing import finite_horizon_mdps, policies, tabular_mdps
from tests.distributional.evaluation import instances

SLOW_DRAWS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_digits_of_the_chain():
    """D6."""
    found = moments(instances.chain(), [0, 0, 0], 3)
    assert found.mean == pytest.approx([1.439393939394, 1.659779614325, 1.033057851240], abs=1e-12)
    assert found.variance == pytest.approx([2.080077019944, 1.699323591893, 2.426324435358], abs=1e-12)
    assert found.raw[3] == pytest.approx([10.622022751024, 12.631176870446, 7.765211568260], abs=1e-12)
    assert found.skewness == pytest.approx([-0.447450002, -0.181836563, -0.226722817], abs=1e-9)


def test_uniform_and_cantor_laws():
    """D1: E U^j = 2^j / (j + 1); D2: variance 9/32 and third raw moment 1.0546875; symmetric, so odd ones vanish."""
    uniform = moments(instances.coin(), [0], 6)
    assert uniform.raw[:, 0] == pytest.approx([2**j / (j + 1) for j in range(7)], rel=1e-14)
    assert uniform.central[:, 0] == pytest.approx([1, 0, 1 / 3, 0, 1 / 5, 0, 1 / 7], abs=1e-14)
    cantor = moments(instances.coin(), [0], 3, gamma=1 / 3)
    assert cantor.variance == pytest.approx(9 / 32)
    assert cantor.raw[3] == pytest.approx(1.0546875)
    assert cantor.skewness == pytest.approx(0, abs=1e-14)


def test_trap():
    """D5."""
    found = moments(instances.trap(), [0, 0], 2)
    assert found.mean[0] == pytest.approx(1 / (1 - 0.63))
    assert found.variance[0] == pytest.approx(0.81 * 0.21 / ((1 - 0.63) ** 2 * (1 - 0.81 * 0.7)), rel=1e-13)


def test_undiscounted_geometric_law():
    """Sure termination: the number of steps is geometric, with mean 1/(1-q) and variance q/(1-q)^2."""
    found = moments(instances.trap(), [0, 0], 2, gamma=1)
    assert found.mean.tolist() == pytest.approx([1 / 0.3, 0])
    assert found.variance.tolist() == pytest.approx([0.7 / 0.09, 0])


@SLOW_DRAWS
@given(st.data())
def test_moments_of_exact_laws(data):
    """Over a horizon they are those of the exact law in fractions, raw and central, up to order 4."""
    problem = data.draw(finite_horizon_mdps(max_horizon=3, max_states=3, max_actions=2, gammas=(1.0, 0.5)))
    policy = data.draw(policies(problem))
    found, laws = moments(problem, policy, 4), return_law(problem, policy, exact=True)
    for s in range(problem.n_states):
        law = laws.law(s)
        scale = 1 + float(max(abs(law.x)))
        for j in range(5):
            assert found.raw[j, s] == pytest.approx(float(law.moment(j)), rel=1e-12, abs=1e-12 * scale**j)
            central = float(law.p @ (law.x - law.mean()) ** j)
            assert found.central[j, s] == pytest.approx(central, rel=1e-9, abs=1e-12 * scale**j)


@SLOW_DRAWS
@given(st.data())
def test_over_all_times_is_the_limit(data):
    """The linear systems and the recursion over 120 steps at gamma = 1/2 agree to rounding."""
    mdp = data.draw(tabular_mdps(max_states=4, max_actions=2, gammas=(0.5,)))
    policy = data.draw(policies(mdp))
    solved, long = moments(mdp, policy, 4), moments(mdp, policy, 4, horizon=120)
    scale = 1 + np.abs(mdp.outcomes.reward).max() * 2
    for j in range(5):
        assert solved.raw[j] == pytest.approx(long.raw[j], rel=1e-11, abs=1e-12 * scale**j)
        assert solved.central[j] == pytest.approx(long.central[j], rel=1e-9, abs=1e-12 * scale**j)


def test_the_variance_does_not_cancel():
    """Rewards 1e8 and 1e8 + 1: M_2 - mu^2 has no digit left, the centered recursion all of them (var 1/3 of D1)."""
    mdp = TabularMDP.from_outcomes([0, 0], [0, 0], [0.5, 0.5], [1e8, 1e8 + 1], [0, 0], gamma=0.5)
    found = moments(mdp, [0], 2)
    assert found.variance[0] == pytest.approx(1 / 3, rel=1e-7)
    assert abs(found.raw[2, 0] - found.mean[0] ** 2 - 1 / 3) > 0.1


def test_plan():
    """Nothing first, then the coin: half of U[0, 2], variance 1/12."""
    mdp = TabularMDP.from_outcomes([0, 0, 0], [0, 1, 1], [1, 0.5, 0.5], [0, 0, 1], [0, 0, 0], gamma=0.5)
    found = moments(mdp, NonStationaryPolicy([[0], [1]]), 3)
    assert found.variance[0] == pytest.approx(1 / 12)
    assert found.mean[0] == pytest.approx(1 / 2)


def test_sure_returns_have_no_skewness():
    found = moments(instances.two_step(2, 1, 0, 3), [0, 0, 0], 3)
    assert np.isnan(found.skewness).tolist() == [False, True, True]
    assert found.variance.tolist() == [1.0, 0.0, 0.0]


def test_bad_input():
    mdp = instances.chain()
    for k in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="k must be"):
            moments(mdp, [0, 0, 0], k)
    with pytest.raises(DiscountError, match="from state 0 it never does"):
        moments(mdp, [0, 0, 0], 2, gamma=1)
    with pytest.raises(DiscountError, match=r"\(0, 1\]"):
        moments(mdp, [0, 0, 0], 2, gamma=0)
    with pytest.raises(PolicyError):
        moments(mdp, [0, 0, 1], 2)
    with pytest.raises(UnknownOptionError, match="MixturePolicy"):
        moments(mdp, MixturePolicy([[0, 0, 0]]), 2)
    with pytest.raises(UnknownOptionError, match="ask for moments"):
        _ = moments(mdp, [0, 0, 0], 1).variance
    with pytest.raises(InputError, match="mdp must be"):
        moments("mdp", [0], 1)


def test_a_state_that_cannot_end_is_named():
    mdp = TabularMDP.from_outcomes([0, 1, 2], [0, 0, 0], [1, 1, 1], [1, 1, 0], [2, 1, 2])
    with pytest.raises(DiscountError, match="from state 1 it never does") as raised:
        moments(mdp, [0, 0, 0], 1)
    assert raised.value.index == 1
    assert Fraction(moments(mdp, [0, 0, 0], 1, horizon=3).mean[1]) == 3
