"""Value and policy iteration on the stock grid: numbers, enclosures, certificates, and each against the other."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import TabularMDP
from mdpkit.distributional import Utility, optimize_stock, stock_policy_iteration, stock_value_iteration
from mdpkit.distributional.stock.grid import StockGrid
from mdpkit.errors import ConvergenceWarning, DiscountError, ExplosionError, InputError, UnknownOptionError
from tests.distributional.stock.support import coin_or_nothing, coin_or_safe, small_mdps, two_step

MODES = ("floor", "linear", "ceil")
SOLVERS = (stock_value_iteration, stock_policy_iteration)
D8 = {-1.0: -11 / 70, -1.2: -11 / 35, -1.6: -22 / 35, -0.8: 0.0, -2.0: -1.0}


def truncated(solver, *arguments, **options):
    """Run a solver that is expected to stop early."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return solver(*arguments, **options)


# ---------------------------------------------------------------- the specification's numbers


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("mode", MODES)
def test_d8_is_exact_on_its_lattice(solver, mode):
    solution = solver(coin_or_safe(0.5), Utility.cvar(), step=0.1, mode=mode, tol=1e-12)
    assert solution.closed
    assert solution.converged
    assert solution.grid_error == 0
    assert solution.error_bound <= 2e-12
    for stock, value in D8.items():
        assert abs(solution.value(0, stock) - value) <= solution.error_bound
        at = np.argmin(np.abs(solution.grid - stock))
        assert abs(solution.V[0, at] - value) <= solution.error_bound


def test_d8_optimal_cvar():
    solution = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1, tol=1e-12)
    for tau, value in ((0.5, 0.8), (0.75, 0.8), (0.9, 109 / 120), (0.95, 0.950751880), (1.0, 1.0)):
        assert np.max(-solution.grid + solution.V[0] / tau) == pytest.approx(value, abs=5e-10)


@pytest.mark.parametrize("mode", MODES)
def test_d8_off_the_lattice(mode):
    solution = stock_value_iteration(coin_or_safe(0.7), Utility.cvar(), step=0.005, mode=mode)
    assert not solution.closed
    wanted = {
        "floor": (-0.1778188, -0.4433638),
        "linear": (-0.17640, -0.44024),
        "ceil": (-0.1742492, -0.4374494),
    }[mode]
    digits = 5e-6 if mode == "linear" else 5e-8
    assert solution.value(0, -1.6) == pytest.approx(wanted[0], abs=digits)
    assert solution.value(0, -2.0) == pytest.approx(wanted[1], abs=digits)
    cvar = np.max(-solution.grid + solution.V[0] / 0.9)
    if mode != "linear":
        assert cvar == pytest.approx({"floor": 1.542431, "ceil": 1.545868}[mode], abs=5e-7)


def test_d10_for_ever():
    for solver in SOLVERS:
        solution = solver(coin_or_nothing(), Utility.target(), step=0.25, tol=1e-12)
        assert solution.value(0, -1) == pytest.approx(-0.25, abs=1e-12)


def test_e4_refinement():
    """Floor <= linear <= ceil, within the bound, and at least 2.5 times closer with a step four times smaller."""
    gaps = []
    for step, wanted in ((0.08, 0.11184), (0.02, 0.02955), (0.005, 0.01031)):
        floor, linear, ceil = (
            stock_value_iteration(coin_or_safe(0.7), Utility.cvar(), step=step, mode=mode) for mode in MODES
        )
        assert np.all(floor.V <= linear.V + 1e-9)
        assert np.all(linear.V <= ceil.V + 1e-9)
        gaps.append(np.max(ceil.V - floor.V))
        assert gaps[-1] <= 2 * 0.7 * step / 0.3
        assert gaps[-1] == pytest.approx(wanted, abs=5e-6)
    assert gaps[0] >= 2.5 * gaps[1]
    assert gaps[1] >= 2.5 * gaps[2]


@pytest.mark.parametrize(("gamma", "step"), [(0.5, 0.1), (0.7, 0.01)])
def test_d15_bounds(gamma, step):
    """Errors of the n-th sweep and losses of its greedy policy, against C1 and C2: never more than half of them."""
    mdp = coin_or_safe(gamma)
    best = stock_value_iteration(mdp, Utility.cvar(), step=step, tol=1e-13).V
    problem = StockGrid(mdp, Utility.cvar(), gamma, step, "linear")
    D0 = 1.0 / (1.0 - gamma)
    for n in range(12):
        V = (
            problem.start()
            if n == 0
            else truncated(stock_value_iteration, mdp, Utility.cvar(), step=step, max_iter=n).V
        )
        assert np.max(np.abs(V - best)) <= 0.5 * gamma**n * D0
        choice = problem.first_choice()
        problem.improve(V, choice)
        earned, W = best.copy(), best.copy()
        while problem.policy_sweep(earned, W, choice) > 1e-14:
            earned, W = W, earned
        assert np.max(best - earned) <= 0.5 * 2 * gamma ** (n + 1) * D0 / (1 - gamma)


# ---------------------------------------------------------------- against other methods


@settings(max_examples=40, deadline=None)
@given(
    mdp=small_mdps(),
    slopes=st.tuples(st.integers(-2, 2), st.integers(-2, 2)),
    offset=st.sampled_from([0.0, 1.5]),
    step=st.sampled_from([0.05, 0.1, 0.13]),
    place=st.floats(-0.2, 1.2),
)
def test_infinite_horizon_against_a_long_finite_one(mdp, slopes, offset, step, place):
    """B3, which has no grid and no formulas, encloses the same value: the certificates must overlap."""
    k_pos, k_neg = map(float, slopes)
    utility = Utility(lambda x: offset + k_pos * max(x, 0) + k_neg * min(x, 0), homogeneous=True)
    solution = stock_value_iteration(mdp, utility, step=step)
    stock = float(solution.grid[0] + place * (solution.grid[-1] - solution.grid[0]))
    plan = optimize_stock(mdp, utility, horizon=7, stock=stock)
    inside = solution.solver_error + solution.grid_error + utility.lipschitz * step
    distance = abs(solution.value(0, stock) - plan.value)
    assert distance <= inside + plan.truncation_error + plan.error_bound
    assert stock_policy_iteration(mdp, utility, step=step).value(0, stock) == pytest.approx(
        solution.value(0, stock), abs=4e-9
    )


@settings(max_examples=25, deadline=None)
@given(mdp=small_mdps(), slopes=st.tuples(st.integers(0, 2), st.integers(0, 2)), step=st.sampled_from([0.05, 0.13]))
def test_enclosures(mdp, slopes, step):
    utility = Utility(k_pos=slopes[0], k_neg=slopes[1])
    floor, linear, ceil = (stock_value_iteration(mdp, utility, step=step, mode=mode) for mode in MODES)
    fine = stock_value_iteration(mdp, utility, step=step / 8)
    slack = floor.solver_error + linear.solver_error
    assert np.max(floor.V - linear.V) <= slack
    assert np.max(linear.V - ceil.V) <= slack
    for s in range(mdp.n_states):
        for i, stock in enumerate(linear.grid[:: max(1, len(linear.grid) // 7)]):
            value = fine.value(s, stock)
            i *= max(1, len(linear.grid) // 7)
            for solution in (floor, linear, ceil):
                assert abs(solution.V[s, i] - value) <= solution.error_bound + fine.error_bound


@settings(max_examples=20, deadline=None)
@given(mdp=small_mdps(), slopes=st.tuples(st.integers(-2, 2), st.integers(-2, 2)))
def test_policy_iteration_agrees_and_is_monotone(mdp, slopes):
    utility = Utility(k_pos=slopes[0], k_neg=slopes[1])
    best = truncated(stock_value_iteration, mdp, utility, step=0.1, tol=1e-13)
    found = truncated(stock_policy_iteration, mdp, utility, step=0.1, tol=1e-13)
    assert np.max(np.abs(best.V - found.V)) <= 2e-12
    problem = StockGrid(mdp, utility, mdp.gamma, 0.1, "linear")
    V, choice, before = problem.start(), problem.first_choice(), None
    for _ in range(found.improvements):
        problem.improve(V, choice)
        W = V.copy()
        while problem.policy_sweep(V, W, choice) > 1e-14:
            V, W = W, V
        assert before is None or np.min(V - before) >= -1e-12
        before = V.copy()
    assert np.max(np.abs(before - best.V)) <= 2e-12


@pytest.mark.parametrize("partial_sweeps", [1, 20])
def test_modified_policy_iteration(partial_sweeps):
    plain = stock_value_iteration(coin_or_safe(0.9), Utility.cvar(), step=0.05)
    modified = stock_value_iteration(coin_or_safe(0.9), Utility.cvar(), step=0.05, partial_sweeps=partial_sweeps)
    assert modified.method == "modified_policy_iteration"
    assert modified.sweeps < plain.sweeps
    assert np.max(np.abs(modified.V - plain.V)) <= modified.solver_error + plain.solver_error


def test_close_to_one_sweeps_are_modified():
    solution = stock_value_iteration(coin_or_safe(0.99), Utility.cvar(), step=1.0)
    assert solution.method == "modified_policy_iteration"
    assert solution.converged
    assert solution.sweeps < 200


# ---------------------------------------------------------------- certificates


@settings(max_examples=25, deadline=None)
@given(mdp=small_mdps(), slopes=st.tuples(st.integers(-2, 2), st.integers(-2, 2)), sweeps=st.integers(1, 6))
def test_an_early_stop_is_certified(mdp, slopes, sweeps):
    utility = Utility(k_pos=slopes[0], k_neg=slopes[1])
    best = stock_value_iteration(mdp, utility, step=0.1)
    early = truncated(stock_value_iteration, mdp, utility, step=0.1, max_iter=sweeps)
    # The grid errors are the same ones on both sides; what is left is what stopping costs.
    assert np.max(np.abs(early.V - best.V)) <= early.solver_error + best.solver_error
    assert early.sweeps <= sweeps


def test_statuses():
    with pytest.warns(ConvergenceWarning, match="Stopped after 2 sweeps"):
        early = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1, max_iter=2)
    assert (early.status, early.converged, early.sweeps) == ("max_iter", False, 2)
    with pytest.warns(ConvergenceWarning, match="rounding"):
        floor = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1, tol=1e-18)
    assert floor.status == "floor"
    assert abs(floor.value(0, -1.0) + 11 / 70) <= floor.error_bound <= 1e-12
    done = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1)
    assert repr(done).startswith("StockSolution(converged: value_iteration, linear, S=1, 21 stocks")


def test_actions_for_pictures():
    solution = stock_value_iteration(coin_or_nothing(), Utility.target(), step=0.25)
    at = {c: int(solution.actions[0, np.argmin(np.abs(solution.grid - c))]) for c in (-2.0, -1.0, 0.0)}
    assert at == {-2.0: 1, -1.0: 1, 0.0: 0}
    np.testing.assert_allclose(solution.action_values(0, -1.0), [-0.5, -0.25], atol=1e-9)


# ---------------------------------------------------------------- edges


def test_constant_rewards_need_no_grid():
    mdp = TabularMDP.from_outcomes([0], [0], [1.0], [1.0], [0], gamma=0.5)
    for solver in SOLVERS:
        solution = solver(mdp, Utility.target(), step=0.3)
        for stock in (-5.0, -2.0, -1.9, 4.0):
            assert solution.value(0, stock) == pytest.approx(-abs(stock + 2), abs=1e-12)


def test_a_step_wider_than_the_grid():
    solution = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=50.0)
    fine = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1)
    for stock in (-2.5, -2.0, -1.1, 0.0, 1.0):
        assert abs(solution.value(0, stock) - fine.value(0, stock)) <= solution.policy_loss


def test_missing_actions():
    mdp = TabularMDP.from_outcomes([0, 0, 1], [0, 2, 1], [1, 1, 1], [1.0, 0.0, 0.0], [1, 0, 1], gamma=0.5)
    solution = stock_value_iteration(mdp, Utility.ocvar(), step=0.5)
    assert np.isneginf(solution.action_values(0, 0.0)).tolist() == [False, True, False]
    assert solution.policy(0.0).act(1, 0, None)[0] == 1


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("change", "error", "argument"),
    [
        ({"step": 0}, InputError, "step"),
        ({"step": np.nan}, InputError, "step"),
        ({"step": "fine"}, InputError, "step"),
        ({"mode": "nearest"}, UnknownOptionError, "mode"),
        ({"tol": 0}, InputError, "tol"),
        ({"tol": np.inf}, InputError, "tol"),
        ({"max_iter": 0}, InputError, "max_iter"),
        ({"mdp": two_step(2, 1, 0, 3)}, DiscountError, "gamma"),
        ({"mdp": two_step(2, 1, 0, 3, gamma=None)}, DiscountError, "gamma"),
        ({"mdp": two_step(2, 1, 0, 3, gamma=0.0)}, DiscountError, "gamma"),
        ({"mdp": two_step(2, 1, 0, 3).with_horizon(2)}, InputError, "mdp"),
    ],
)
def test_bad_input(solver, change, error, argument):
    arguments = {"mdp": coin_or_safe(0.5), "step": 0.1} | change
    with pytest.raises(error) as caught:
        solver(arguments.pop("mdp"), Utility.cvar(), **arguments)
    assert caught.value.argument == argument


@pytest.mark.parametrize("solver", SOLVERS)
def test_explosion(solver):
    with pytest.raises(ExplosionError, match="larger step") as caught:
        solver(coin_or_safe(0.5), Utility.cvar(), step=1e-9)
    assert caught.value.count > caught.value.cap


def test_bad_questions():
    solution = stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1)
    for ask in (lambda c: solution.value(0, c), solution.policy, lambda c: solution.action_values(0, c)):
        for stock in (np.nan, "low", True):
            with pytest.raises(InputError) as caught:
                ask(stock)
            assert caught.value.argument == "stock"
    with pytest.raises(InputError):
        solution.value(5, 0.0)
    with pytest.raises(InputError, match="partial_sweeps"):
        stock_value_iteration(coin_or_safe(0.5), Utility.cvar(), step=0.1, partial_sweeps=-1)


def test_the_default_tolerance_follows_the_scale():
    """Rewards in the millions, or a discount of 0.999: float64 cannot resolve 1e-9, and nothing warns."""
    for gamma, factor in ((0.9, 2e6), (0.999, 1.0)):
        mdp = TabularMDP.from_outcomes([0, 0], [0, 1], [1, 1], [factor, 1.01 * factor], [0, 0], gamma=gamma)
        for solver in SOLVERS:
            assert solver(mdp, Utility.target(), step=0.1 * factor).converged
