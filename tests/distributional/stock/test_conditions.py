"""What greedy dynamic programming cannot optimize is refused, with the condition that fails."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mdpkit.distributional import (
    DiscreteLaw,
    Utility,
    optimize_stock,
    stock_policy_iteration,
    stock_value_iteration,
)
from mdpkit.errors import InputError, UnsupportedObjective
from tests.distributional.stock.support import coin_or_nothing

SOLVERS = {
    "plan": lambda mdp, utility: optimize_stock(mdp, utility, horizon=2, stock=0),
    "value": lambda mdp, utility: stock_value_iteration(mdp, utility, step=0.25),
    "policy": lambda mdp, utility: stock_policy_iteration(mdp, utility, step=0.25),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("objective", "use"),
    [
        ("CVaR", "maximize_cvar"),
        ("median", "maximize_var"),
        ("variance", "no dynamic program"),
        ("mean-variance", "no dynamic program"),
        ("sharpe", "no dynamic program"),
        (DiscreteLaw.cvar, "maximize_cvar"),
        (DiscreteLaw.quantile, "maximize_var"),
        (DiscreteLaw.var, "variance"),
    ],
)
def test_mixtures(solver, objective, use):
    with pytest.raises(UnsupportedObjective, match=f"indifference to mixtures.*{use}") as caught:
        SOLVERS[solver](coin_or_nothing(), objective)
    assert caught.value.argument == "utility"


@pytest.mark.parametrize("solver", ["value", "policy"])
@pytest.mark.parametrize(
    ("utility", "condition"),
    [
        (Utility(lambda x: -math.exp(-x)), "not indifferent to gamma"),
        (Utility(lambda x: -((x - 1) ** 2)), "not indifferent to gamma"),
        (Utility(np.sin, lipschitz=1), "not indifferent to gamma"),
        (Utility(lambda x: float(x > 0)), "not Lipschitz.*alpha = 1,"),
        (Utility(lambda x: x * abs(x)), "not Lipschitz.*alpha = 0.25,"),
        (Utility(abs), "not declared"),
    ],
)
def test_stationary_conditions(solver, utility, condition):
    with pytest.raises(UnsupportedObjective, match=condition) as caught:
        SOLVERS[solver](coin_or_nothing(), utility)
    assert "optimize_stock" in str(caught.value)
    optimize_stock(coin_or_nothing(), utility, horizon=2, stock=0)  # where they all go


def test_heuristics_certify_nothing():
    for solver in (stock_value_iteration, stock_policy_iteration):
        solution = solver(coin_or_nothing(), Utility(lambda x: x * abs(x)), step=0.25, allow_heuristic=True)
        assert solution.status == "heuristic"
        assert not solution.converged
        assert solution.error_bound == solution.policy_loss == math.inf
        # Beyond the grid, c + G >= 0 or <= 0 surely, and E f is approximated by f of the mean.
        assert solution.value(0, 1.0) == pytest.approx(4.0)


def test_vectors_have_no_grid():
    norm = Utility(lambda x: -float(np.linalg.norm(x)), dimension=2, homogeneous=True, lipschitz=1)
    with pytest.raises(UnsupportedObjective, match="several coordinates"):
        stock_value_iteration(coin_or_nothing(), norm, step=0.25)


@pytest.mark.parametrize("mode", ["floor", "ceil"])
def test_bounds_need_a_nondecreasing_utility(mode):
    with pytest.raises(UnsupportedObjective, match="never decrease"):
        stock_value_iteration(coin_or_nothing(), Utility.target(), step=0.25, mode=mode)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_bare_function_is_not_a_utility(solver):
    with pytest.raises(InputError, match=r"Utility\(f\)"):
        SOLVERS[solver](coin_or_nothing(), abs)


def test_the_jump_of_d12():
    """Cash in 1 and stop, or wait for ever: with f = 1{x > 0} waiting is greedy at every step and worth nothing."""
    from mdpkit import TabularMDP

    mdp = TabularMDP.from_outcomes([0, 0, 1], [0, 1, 0], [1, 1, 1], [0.0, 1.0, 0.0], [0, 1, 1], gamma=0.5)
    jump = Utility(lambda x: float(x > 0))
    with pytest.raises(UnsupportedObjective, match="not Lipschitz"):
        stock_value_iteration(mdp, jump, step=0.5)
    for horizon in range(1, 5):
        plan = optimize_stock(mdp, jump, horizon=horizon, stock=0)
        assert plan.value == 1
        # Ties go to the lowest action: wait while there is time, cash at the last step.
        memory, actions = None, []
        for t in range(horizon):
            action, memory = plan.policy.act(0, t, memory)
            memory = plan.policy.observe(0, t, memory, action, float(action), action)
            actions.append(action)
        assert actions == [0] * (horizon - 1) + [1]
    cash = stock_value_iteration(mdp, Utility.ocvar(), step=0.5)
    wait_now, cash_now = cash.action_values(0, 0.0)
    assert (wait_now, cash_now) == (0.5, 1.0)
    assert cash.policy(0.0).act(0, 0, None)[0] == 1
