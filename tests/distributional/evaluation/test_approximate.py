"""Categorical and quantile laws: published digits, closed forms, contraction, and error bounds that hold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mdpkit import TabularMDP, bounds
from mdpkit.distributional import DiscreteLaw, cramer, moments, return_law, wasserstein
from mdpkit.distributional.evaluation.categorical import Categorical
from mdpkit.distributional.evaluation.process import induce
from mdpkit.distributional.evaluation.quantile import Quantile
from mdpkit.errors import ConvergenceWarning, ExplosionError, SupportWarning
from mdpkit.models import NonStationaryPolicy
from mdpkit.testing import finite_horizon_mdps, policies, tabular_mdps
from tests.distributional.evaluation import instances

SLOW_DRAWS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GAMMAS = (0.5, 0.25, 0.75)


@pytest.mark.parametrize("solver", ["iterate", "direct"])
def test_categorical_digits(solver):
    """D6, 51 points on [-10, 10]."""
    result = return_law(instances.chain(), [0, 0, 0], method="categorical", solver=solver)
    laws = [result.law(s) for s in range(3)]
    assert [law.mean() for law in laws] == pytest.approx([1.439393939394, 1.659779614325, 1.033057851240], abs=1e-12)
    assert [law.var() for law in laws] == pytest.approx([2.153717963304, 1.771947685095, 2.499416089610], abs=1e-12)
    zero = [law.p[np.argmin(np.abs(law.x))] for law in laws]
    assert zero == pytest.approx([0.060794080053, 0.054171463304, 0.079244031479], abs=1e-12)
    assert result.converged
    assert result.error_bound <= bounds.categorical_wasserstein_error(gamma=0.8, spacing=0.4) * (1 + 1e-12)


def test_quantile_digits():
    """D6, four atoms; the fixed point is unique, so that the start does not matter."""
    result = return_law(instances.chain(), [0, 0, 0], method="quantile", n_atoms=4)
    wanted = [
        [-0.295392953930, 0.763685636856, 1.610948509485, 2.288758807588],
        [-0.119241192412, 0.704607046070, 1.763685636856, 2.5],
        [-1.436314363144, -0.149051490515, 0.880758807588, 1.831007046070],
    ]
    for s in range(3):
        assert result.law(s).x == pytest.approx(wanted[s], abs=1e-12)
        assert result.law(s).p == pytest.approx(0.25)
    process = induce(instances.chain(), [0, 0, 0])
    theta = np.full((3, 4), 7.0)
    for _ in range(200):
        theta, _ = Quantile(4, 0.8).sweep(process.steps[0], theta)
    assert theta == pytest.approx(np.array(wanted), abs=1e-12)


def uniform(n: int) -> DiscreteLaw:
    """Return n atoms in the middles of n cells of [0, 2]: within 1/(2n) of the uniform law in W1."""
    return DiscreteLaw((2 * np.arange(n) + 1) / n, np.full(n, 1 / n))


@pytest.mark.parametrize("n_atoms", [3, 5, 9, 17])
def test_categorical_law_of_the_uniform_return(n_atoms):
    """D7: inner atoms 1/(K-1), the two ends half of it; W1 to U[0, 2] is s/4 and l2^2 is s^2/24."""
    result = return_law(instances.coin(), [0], method="categorical", n_atoms=n_atoms)
    law, s, n = result.law(0), 2 / (n_atoms - 1), 2**16
    assert law.x == pytest.approx(np.linspace(0, 2, n_atoms))
    inner = 1 / (n_atoms - 1)
    assert law.p == pytest.approx([inner / 2, *[inner] * (n_atoms - 2), inner / 2], abs=1e-14)
    assert law.mean() == pytest.approx(1, abs=1e-13)
    assert law.var() == pytest.approx(1 / 3 + s**2 / 6, abs=1e-13)
    assert wasserstein(law, uniform(n)) == pytest.approx(s / 4, abs=1 / n)
    assert cramer(law, uniform(n)) ** 2 == pytest.approx(s**2 / 24, abs=1 / n)
    # The a-posteriori bound: every backup moves half of the mass by s/2 to both sides, d = s/4, d / (1 - gamma) = s/2.
    assert result.error_bound == pytest.approx(s / 2, abs=1e-12)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 8, 32])
def test_quantile_law_of_the_uniform_return(m):
    """D7: theta_i = 2 (i - 1) / m from theta = 0; W1 to U[0, 2] is 1/m, half the bound."""
    result = return_law(instances.coin(), [0], method="quantile", n_atoms=m)
    law, n = result.law(0), 2**16
    assert law.x == pytest.approx(2 * np.arange(m) / m, abs=1e-12)
    assert law.mean() == pytest.approx(1 - 1 / m, abs=1e-12)
    assert wasserstein(law, uniform(n)) == pytest.approx(1 / m, abs=1 / n)
    assert 1 / m <= result.error_bound + 1e-12
    assert result.error_bound <= bounds.quantile_wasserstein_error(gamma=0.5, n_atoms=m, value_range=2.0) + 1e-12


def test_projection_of_the_specification():
    """D7: grid 0..4, atoms -1, .25, 1.5, 3.9, 9, two of them outside; Pi_Q of {0: .1, 1: .4, 3: .3, 7: .2}."""
    rewards, p = [-1, 0.25, 1.5, 3.9, 9], [0.1, 0.2, 0.3, 0.2, 0.2]
    mdp = TabularMDP.from_outcomes([0] * 5 + [1], [0] * 6, [*p, 1], [*rewards, 0], [1] * 6, gamma=0.5)
    with pytest.warns(SupportWarning, match="does not contain all projected returns"):
        result = return_law(mdp, [0, 0], method="categorical", grid=[0, 1, 2, 3, 4], initial_state=0)
    law = result.law()
    assert law.p == pytest.approx([0.25, 0.2, 0.15, 0.02, 0.38])
    truth = DiscreteLaw(rewards, p)
    assert wasserstein(law, truth) <= result.error_bound
    mdp = TabularMDP.from_outcomes([0] * 4 + [1], [0] * 5, [0.1, 0.4, 0.3, 0.2, 1], [0, 1, 3, 7, 0], [1] * 5, gamma=0.5)
    result = return_law(mdp, [0, 0], method="quantile", n_atoms=3, initial_state=0)
    assert result.law().x.tolist() == [1.0, 7.0]
    assert result.law().p == pytest.approx([2 / 3, 1 / 3])


@SLOW_DRAWS
@given(st.data())
def test_error_bounds_hold(data):
    """C6, C7: W1 to the exact law over a horizon, plus what comes after it, stays below the bounds reported."""
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=GAMMAS))
    policy, n = data.draw(policies(mdp)), data.draw(st.integers(2, 12))
    try:
        truth = return_law(mdp, policy, horizon=7, max_atoms=20_000)
    except ExplosionError:
        assume(False)
    rewards = mdp.outcomes.reward
    width = float(rewards.max() - rewards.min()) / (1 - mdp.gamma)
    slack = truth.error_bound + 1e-9 * (1 + width)
    exact = moments(mdp, policy, 2)
    results = {
        "iterate": return_law(mdp, policy, method="categorical", n_atoms=n),
        "direct": return_law(mdp, policy, method="categorical", n_atoms=n, solver="direct"),
        "quantile": return_law(mdp, policy, method="quantile", n_atoms=n),
    }
    spacing = width / (n - 1)
    for name, result in results.items():
        assert max(wasserstein(result.law(s), truth.law(s)) for s in range(mdp.n_states)) <= result.error_bound + slack
        if name == "quantile":
            limit = bounds.quantile_wasserstein_error(gamma=mdp.gamma, n_atoms=n, value_range=max(width, 1e-12))
        else:
            limit = bounds.categorical_wasserstein_error(gamma=mdp.gamma, spacing=max(spacing, 1e-12))
        assert result.error_bound <= limit * (1 + 1e-9) + 1e-9
    for name in ("iterate", "direct"):
        laws = [results[name].law(s) for s in range(mdp.n_states)]
        scale = 1 + np.abs(rewards).max() / (1 - mdp.gamma)
        assert [law.mean() for law in laws] == pytest.approx(exact.mean, abs=1e-10 * scale)
        bias = np.array([law.var() for law in laws]) - exact.variance
        most = spacing**2 / 4 / (1 - mdp.gamma**2)
        assert bias.min() >= -1e-9 * scale**2
        assert bias.max() <= most + 1e-9 * scale**2


@SLOW_DRAWS
@given(st.data())
def test_over_a_horizon(data):
    """The same over a horizon, where the grid has a margin and means are kept."""
    problem = data.draw(finite_horizon_mdps(max_horizon=3, max_states=3, max_actions=2, gammas=(1.0, 0.5)))
    policy, n = data.draw(policies(problem)), data.draw(st.integers(8, 30))
    truth = return_law(problem, policy)
    for method in ("categorical", "quantile"):
        result = return_law(problem, policy, method=method, n_atoms=n)
        for s in range(problem.n_states):
            law, exact = result.law(s), truth.law(s)
            scale = 1 + np.abs(exact.x).max()
            assert wasserstein(law, exact) <= result.error_bound + 1e-9 * scale
            if method == "categorical":
                assert law.mean() == pytest.approx(exact.mean(), abs=1e-9 * scale)


@SLOW_DRAWS
@given(st.data())
def test_projected_backups_contract(data):
    """Pi_C T contracts sup W1 by gamma and sup l2 by sqrt(gamma) on a grid that holds all returns; Pi_Q T sup W_inf."""
    mdp = data.draw(tabular_mdps(max_states=4, max_actions=2, gammas=GAMMAS))
    step = induce(mdp, data.draw(policies(mdp))).steps[0]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    low, high = (f(mdp.outcomes.reward) / (1 - mdp.gamma) for f in (np.min, np.max))
    # Neighbors at different distances: local averaging of cdfs is nonexpansive on any grid.
    inner = np.sort(rng.uniform(low, high, 6)) if high > low else np.zeros(0)
    grid = np.array([low, *inner, high if high > low else low + 1])
    one, two = rng.dirichlet(np.full(len(grid), 0.3), (2, mdp.n_states))

    def distances(a, b):
        gaps = np.abs(np.cumsum(a - b, axis=1))[:, :-1]
        return (gaps @ np.diff(grid)).max(), np.sqrt((gaps**2 @ np.diff(grid)).max())

    categorical = Categorical(grid, mdp.gamma)
    before = distances(one, two)
    after = distances(categorical.sweep(step, one)[0], categorical.sweep(step, two)[0])
    assert after[0] <= mdp.gamma * before[0] + 1e-12 * (1 + grid[-1] - grid[0])
    assert after[1] <= np.sqrt(mdp.gamma) * before[1] + 1e-9 * (1 + grid[-1] - grid[0])
    quantile = Quantile(5, mdp.gamma)
    theta, other = np.sort(rng.uniform(-5, 5, (2, mdp.n_states, 5)))
    moved = np.abs(quantile.sweep(step, theta)[0] - quantile.sweep(step, other)[0]).max()
    assert moved <= mdp.gamma * np.abs(theta - other).max() + 1e-12


@SLOW_DRAWS
@given(st.data())
def test_sweeps_match_their_readable_twins(data):
    """The compiled sweeps against laws: the backup as a DiscreteLaw, projected atom by atom."""
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=GAMMAS))
    step = induce(mdp, data.draw(policies(mdp))).steps[0]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    grid = np.sort(rng.uniform(-4, 4, 5))
    eta, theta = rng.dirichlet(np.ones(5), mdp.n_states), np.sort(rng.normal(size=(mdp.n_states, 4)))

    def law_of(s, atoms, masses):
        lines = range(step.ptr[s], step.ptr[s + 1])
        x = np.concatenate([step.reward[j] + mdp.gamma * atoms[step.successor[j]] for j in lines])
        return x, np.concatenate([step.prob[j] * masses[step.successor[j]] for j in lines])

    swept, change = Categorical(grid, mdp.gamma).sweep(step, eta)
    found, _ = Quantile(4, mdp.gamma).sweep(step, theta)
    distance = 0.0
    for s in range(mdp.n_states):
        x, p = law_of(s, np.broadcast_to(grid, eta.shape), eta)
        hats = np.array([np.interp(x, grid, row) for row in np.eye(5)])  # outside: the end point takes all
        assert swept[s] == pytest.approx(hats @ p, abs=1e-13)
        before, after = (DiscreteLaw(grid, row / row.sum()) for row in (eta[s], swept[s]))
        distance = max(distance, wasserstein(before, after))
        x, p = law_of(s, theta, np.full(theta.shape, 0.25))
        backup = DiscreteLaw(x, p / p.sum(), merge_tol=0.0)
        assert found[s] == pytest.approx([backup.quantile((2 * i + 1) / 8) for i in range(4)], abs=1e-12)
    assert change == pytest.approx(distance, abs=1e-12)


def test_quantile_error_is_the_distance_to_the_backup():
    """The a-posteriori term is W1 between the backup and its quantiles, by the quantile coupling."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        p, rewards = rng.dirichlet(np.ones(6)), rng.normal(size=6)
        mdp = TabularMDP.from_outcomes([0] * 6 + [1], [0] * 7, [*p, 1], [*rewards, 0], [1] * 7, gamma=0.5)
        step, quantile = induce(mdp, [0, 0]).steps[0], Quantile(4, 0.5)
        theta = quantile.sweep(step, np.zeros((2, 4)))[0]
        wanted = wasserstein(DiscreteLaw(rewards, p), DiscreteLaw(theta[0], np.full(4, 0.25)))
        assert quantile.error(step, np.zeros((2, 4))) == pytest.approx(wanted, abs=1e-12)


def test_slopes():
    """E5: on the coin W1 falls like 1/(K-1) and 1/m: the error is s/4 and 1/m at every size."""
    far = uniform(2**18)
    sizes = np.array([5, 9, 17, 33, 65])
    for method, x in (("categorical", sizes - 1), ("quantile", sizes)):
        errors = [
            wasserstein(return_law(instances.coin(), [0], method=method, n_atoms=int(n)).law(0), far) for n in sizes
        ]
        slope = np.polyfit(np.log(x), np.log(errors), 1)[0]
        assert abs(slope + 1) <= 0.05


def test_sure_returns_and_rewards_that_are_all_equal():
    sure = TabularMDP([[[1.0]]], [[3.0]], 0.9)
    for method in ("categorical", "quantile"):
        result = return_law(sure, [0], method=method)
        assert result.law(0).mean() == pytest.approx(30)
        assert result.law(0).var() == pytest.approx(0, abs=1e-10)
        assert result.error_bound <= 1e-9


def test_direct_solve_does_not_slow_down():
    mdp = instances.chain().with_discount(0.9999)
    result = return_law(mdp, [0, 0, 0], method="categorical", solver="direct")
    assert result.iterations == 0
    means = moments(mdp, [0, 0, 0], 1).mean
    assert [result.law(s).mean() for s in range(3)] == pytest.approx(means, rel=1e-8)


def test_unfinished_sweeps_say_so_and_their_bound_holds():
    with pytest.warns(ConvergenceWarning, match="max_iter = 3"):
        result = return_law(instances.coin(), [0], method="categorical", max_iter=3)
    assert (result.converged, result.status, result.iterations) == (False, "max_iter", 3)
    assert wasserstein(result.law(0), uniform(2**14)) <= result.error_bound
    with pytest.warns(ConvergenceWarning):
        result = return_law(instances.coin(), [0], method="quantile", max_iter=2)
    assert wasserstein(result.law(0), uniform(2**14)) <= result.error_bound


def test_narrow_grid_biases_the_mean_and_the_bound_says_how_much():
    with pytest.warns(SupportWarning):
        result = return_law(instances.coin(), [0], method="categorical", grid=[0, 0.5, 1])
    assert result.law(0).mean() < 1 - 1e-3
    assert 1 - result.law(0).mean() <= wasserstein(result.law(0), uniform(2**14)) + 1e-9 <= result.error_bound


def test_plans_end_in_their_last_rule():
    mdp = TabularMDP.from_outcomes([0, 0, 0], [0, 1, 1], [1, 0.5, 0.5], [0, 0, 1], [0, 0, 0], gamma=0.5)
    plan = NonStationaryPolicy([[0], [1]])  # nothing first, then the coin: half of U[0, 2]
    for method in ("categorical", "quantile"):
        result = return_law(mdp, plan, method=method, n_atoms=33)
        half = uniform(2**14).affine(0, 0.5)
        assert wasserstein(result.law(0), half) <= result.error_bound + 1e-4
        assert result.error_bound < 0.1


def test_variance_bias_of_the_coin_is_what_every_projection_adds():
    """D7: (s^2 / 4) u-average: var 1/3 + s^2/6, below the bound s^2 / (4 (1 - 1/4)) = s^2 / 3."""
    law = return_law(instances.coin(), [0], method="categorical", n_atoms=3).law(0)
    assert law.var() == pytest.approx(float(Fraction(1, 2)))
    assert law.var() - 1 / 3 <= bounds.categorical_variance_bias(gamma=0.5, spacing=1.0)
