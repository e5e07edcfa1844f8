"""Exact laws against every path in fractions, against closed forms, and what horizons and starts mean."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdpkit import FiniteHorizonMDP, TabularMDP
from mdpkit.distributional import DiscreteLaw, return_law, wasserstein
from mdpkit.errors import DiscountError, ExplosionError, InputError
from mdpkit.models import MixturePolicy, NonStationaryPolicy
from mdpkit.testing import finite_horizon_mdps, policies, tabular_mdps
from tests.distributional.evaluation import instances
from tests.distributional.evaluation.paths import as_dict, law_by_paths, table_policy

SLOW_DRAWS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def close(law: DiscreteLaw, exact: dict[Fraction, Fraction]) -> bool:
    """Compare a float law with an exact one in W1: the atoms may have merged, their places may be rounded."""
    other = DiscreteLaw([float(x) for x in exact], [float(p) for p in exact.values()])
    return bool(wasserstein(law, other) <= 1e-11 * (1 + np.abs(other.x).max()))


@SLOW_DRAWS
@given(st.data())
def test_every_path_in_fractions(data):
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=(0.5, 1.0, 0.75)))
    policy, horizon = data.draw(policies(mdp)), data.draw(st.integers(0, 3))
    fractions = return_law(mdp, policy, horizon=horizon, exact=True)
    floats = return_law(mdp, policy, horizon=horizon)
    for s in range(mdp.n_states):
        truth = law_by_paths(mdp, table_policy(policy), s, horizon, Fraction(mdp.gamma))
        assert as_dict(fractions.law(s)) == truth
        assert close(floats.law(s), truth)
        one = return_law(mdp, policy, horizon=horizon, initial_state=s)
        assert list(one.laws) == [s]
        assert one.law() == floats.law(s)


@SLOW_DRAWS
@given(st.data())
def test_finite_horizon_problems_and_plans(data):
    problem = data.draw(finite_horizon_mdps(max_horizon=3, max_states=3, max_actions=2, gammas=(1.0, 0.5)))
    policy = data.draw(policies(problem))
    found = return_law(problem, policy, exact=True)
    assert found.horizon == problem.horizon
    assert (found.error_bound, found.status) == (0.0, "exact")
    for s in range(problem.n_states):
        truth = law_by_paths(problem, table_policy(policy), s, problem.horizon, Fraction(problem.gamma))
        assert as_dict(found.law(s)) == truth
        assert close(return_law(problem, policy).law(s), truth)


def test_lattice_of_the_coin():
    """D1: after H tosses the return is uniform on the multiples of 2^(1-H) below 2."""
    for horizon, variance in (
        (1, Fraction(1, 4)),
        (2, Fraction(5, 16)),
        (3, Fraction(21, 64)),
        (8, Fraction(21845, 65536)),
    ):
        law = return_law(instances.coin(), [0], horizon=horizon, exact=True).law(0)
        assert as_dict(law) == {Fraction(k, 2 ** (horizon - 1)): Fraction(1, 2**horizon) for k in range(2**horizon)}
        assert law.mean() == 1 - Fraction(1, 2**horizon)
        assert law.var() == variance
    assert law.cvar(Fraction(1, 10)) == Fraction(1575, 16384)  # 0.09613037109375


def test_truncation_error_of_the_coin_is_the_distance_to_the_uniform_law():
    """D1: W_inf to U[0, 2] is the width of a cell, 2^(1-H), which is gamma^H Rmax / (1 - gamma)."""
    result = return_law(instances.coin(), [0], horizon=18)
    law = result.law()
    assert len(law) == result.n_atoms == 2**18
    assert law.mean() == 1 - 2.0**-18
    assert result.truncation_error == pytest.approx(2.0**-17, rel=1e-12)
    assert (result.status, result.merged_error) == ("truncated", 0.0)


def test_cantor_law():
    """D2: gamma = 1/3 gives the Cantor law on [0, 3/2]; CVaR at 2^-k is 3^-k 3/4 up to the truncation."""
    horizon, gamma = 12, Fraction(1, 3)
    law = return_law(instances.coin(), [0], horizon=horizon, gamma=gamma, exact=True).law(0)
    missing = gamma**horizon * Fraction(3, 2)
    assert len(law) == 2**horizon
    assert law.mean() == Fraction(3, 4) * (1 - gamma**horizon)
    assert law.var() == Fraction(9, 32) * (1 - gamma ** (2 * horizon))
    for k in range(1, 5):
        assert 0 <= gamma**k * Fraction(3, 4) - law.cvar(Fraction(1, 2**k)) <= missing
    assert 0 <= Fraction(19, 36) - law.cvar(Fraction(3, 4)) <= missing
    assert abs(law.moment(3) - Fraction(1.0546875)) <= 3 * Fraction(9, 4) * missing


def test_unfair_coin():
    """D2: with p = 0.3 and gamma = 1/2, CVaR at (1-p)^k is gamma^k p / (1 - gamma): 0.15 at 0.49."""
    law = return_law(instances.coin(p=0.3), [0], horizon=20).law(0)
    assert law.cvar(0.49) == pytest.approx(0.15, abs=2.0**-19)
    assert law.var() == pytest.approx(0.28, abs=1e-11)


def test_geometric_trap():
    """D5: the return is (1 - gamma^N) / (1 - gamma) with N geometric."""
    horizon = 300
    result = return_law(instances.trap(), [0, 0], horizon=horizon)
    law = result.law(0)
    assert law.mean() == pytest.approx(1 / (1 - 0.63), abs=1e-11)
    assert law.var() == pytest.approx(2.8695445336, abs=1e-9)
    assert law.cvar(0.25) == 1.0
    assert law.cvar(0.51) == pytest.approx(1.3705882353, abs=1e-10)
    assert law.cvar(0.6) == pytest.approx(1.5715, abs=1e-11)
    assert as_dict(result.law(1)) == {0.0: 1.0}


def test_bernoulli_sums_are_binomial():
    """Undiscounted rewards on a lattice merge: 201 atoms after 200 tosses, not 2^200."""
    from scipy.stats import binom

    result = return_law(instances.coin(gamma=1.0, p=0.3), [0], horizon=200)
    law = result.law(0)
    assert law.x.tolist() == list(range(201))
    assert np.abs(law.p - binom.pmf(np.arange(201), 200, 0.3)).max() < 1e-14
    assert (result.status, result.error_bound) == ("exact", 0.0)


def test_a_horizon_is_not_needed_where_everything_ends():
    mdp = instances.two_step(2, 1, 0, 3)
    gamble = return_law(mdp, [0, 1, 0])
    assert (gamble.horizon, gamble.status, gamble.error_bound) == (2, "exact", 0.0)
    assert as_dict(gamble.law(0)) == {0.0: 0.25, 2.0: 0.25, 3.0: 0.25, 5.0: 0.25}
    assert as_dict(gamble.law(2)) == {0.0: 1.0}
    # Discounted: truncating after the end costs nothing.
    assert return_law(mdp, [0, 1, 0], horizon=5, gamma=0.9).error_bound == 0.0
    # From a start that ends although others do not.
    loop = TabularMDP.from_outcomes([0, 1, 2], [0, 0, 0], [1, 1, 1], [1, 0, 1], [1, 1, 2], gamma=0.5)
    assert as_dict(return_law(loop, [0, 0, 0], initial_state=0).law()) == {1.0: 1.0}
    with pytest.raises(InputError, match="horizon is required"):
        return_law(loop, [0, 0, 0])


def test_no_step_at_all():
    mdp = instances.chain()
    for method in ("exact", "categorical", "quantile"):
        result = return_law(mdp, [0, 0, 0], horizon=0, method=method)
        assert all(result.law(s).x.tolist() == [0.0] for s in range(3))
        assert result.error_bound >= 2 / (1 - 0.8)  # everything is still to come


def test_plans_and_mixtures():
    mdp = instances.two_step(2, 1, 0, 3)
    safe, gamble = [0, 0, 0], [0, 1, 0]
    plan = return_law(mdp, NonStationaryPolicy([gamble, safe]))
    assert plan.law(0) == return_law(mdp, safe).law(0)
    assert return_law(mdp, [safe, gamble], horizon=2).law(0) == return_law(mdp, gamble).law(0)
    mixture = return_law(mdp, MixturePolicy([safe, gamble], [0.25, 0.75]), exact=True)
    parts = [return_law(mdp, rule, exact=True).law(0) for rule in (safe, gamble)]
    assert mixture.law(0) == DiscreteLaw.mixture([Fraction(1, 4), Fraction(3, 4)], parts)


def test_a_mixture_is_not_the_policy_that_draws_anew():
    mdp = TabularMDP.from_outcomes([0, 0], [0, 1], [1, 1], [0, 1], [0, 0], gamma=1.0)
    once = return_law(mdp, MixturePolicy([[0], [1]]), horizon=2).law(0)
    anew = return_law(mdp, [[0.5, 0.5]], horizon=2).law(0)
    assert as_dict(once) == {0.0: 0.5, 2.0: 0.5}
    assert as_dict(anew) == {0.0: 0.25, 1.0: 0.5, 2.0: 0.25}


def test_the_joint_law_of_reward_and_successor_counts():
    """Averaging rewards over (state, action, successor) would make this return sure."""
    law = return_law(instances.coin(gamma=0.5), [0], horizon=1).law(0)
    assert law.var() == 0.25


def test_law_of_the_initial_distribution():
    mdp = instances.two_step(2, 1, 0, 3).with_initial([0.5, 0.25, 0.25])
    result = return_law(mdp, [0, 0, 0], exact=True)
    assert as_dict(result.law()) == {
        Fraction(0): Fraction(1, 4),
        Fraction(1): Fraction(1, 2),
        Fraction(3): Fraction(1, 4),
    }
    assert result.means().tolist() == [2, 1, 0]
    with pytest.raises(InputError, match="state is required"):
        return_law(instances.two_step(2, 1, 0, 3), [0, 0, 0]).law()


def test_names():
    named = TabularMDP([[[1.0]]], [[1.0]], 0.5, state_names=["here"])
    result = return_law(named, [0], horizon=1, initial_state="here")
    assert result.law("here").mean() == 1.0
    with pytest.raises(InputError, match="no state named"):
        result.law("there")


def test_explosion_says_how_many():
    with pytest.raises(ExplosionError, match="max_atoms = 1000") as raised:
        return_law(instances.coin(gamma=0.51), [0], horizon=40, max_atoms=1000)
    assert isinstance(raised.value, MemoryError)


def test_gamma_one_for_ever_is_refused():
    for method in ("exact", "categorical", "quantile"):
        with pytest.raises(DiscountError, match="needs a horizon"):
            return_law(instances.coin(), [0], gamma=1, method=method)


def test_terminal_values_are_paid():
    problem = FiniteHorizonMDP([[[1.0]]], [[1.0]], horizon=2, gamma=0.5, terminal_values=[8.0])
    for method in ("exact", "categorical", "quantile"):
        law = return_law(problem, [0], method=method, n_atoms=3).law(0)
        assert law.mean() == pytest.approx(1 + 0.5 + 0.25 * 8)
