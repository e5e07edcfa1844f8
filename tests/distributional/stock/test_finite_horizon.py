"""`optimize_stock` against every history policy in fractions, closed forms, and its own policy played path by path."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import FiniteHorizonMDP, TabularMDP, solve
from mdpkit.distributional import Utility, optimize_stock
from mdpkit.errors import (
    DiscountError,
    ExplosionError,
    InputError,
    ShapeError,
    StateIndexError,
    UnsupportedObjective,
)
from mdpkit.problems.risk import cliff_walk
from tests.distributional import brute_force
from tests.distributional.stock.support import coin_or_nothing, coin_or_safe, path_law, small_mdps, two_step

# Of any shape: jumps, kinks, curves, no monotonicity; exact on fractions.
FUNCTIONS = {
    "jump": lambda x: 1 if x >= 0 else 0,
    "square": lambda x: -((x - 1) ** 2),
    "cubic": lambda x: x**3 - 4 * x,
    "saw": lambda x: (4 * x) % 5,
    "target": lambda x: -abs(x),
    "tail": lambda x: min(x, 0),
}
GAMMAS = (Fraction(1), Fraction(1, 2), Fraction(9, 10))


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=25, deadline=None)
@given(
    problem=brute_force.two_step_problems(),
    stock=st.integers(-6, 4).map(lambda k: Fraction(k, 2)),
    gamma=st.sampled_from(GAMMAS),
)
def test_any_utility_against_all_history_policies(name, problem, stock, gamma):
    f = FUNCTIONS[name]
    plan = optimize_stock(brute_force.as_mdp(problem), Utility(f), horizon=2, stock=stock, gamma=gamma, exact=True)
    laws = brute_force.history_laws(problem, 2, gamma)
    assert plan.value == max(brute_force.expect(law, lambda x: f(stock + x)) for law in laws)
    law = dict(zip(plan.law.x.tolist(), plan.law.p.tolist(), strict=True))
    assert law in laws
    assert brute_force.expect(law, lambda x: f(stock + x)) == plan.value
    assert plan.error_bound == plan.stock_error == 0


@settings(max_examples=40, deadline=None)
@given(mdp=small_mdps(gammas=(0.5, 0.9, 1.0)), name=st.sampled_from(list(FUNCTIONS)), horizon=st.integers(0, 4))
def test_floats_agree_with_fractions(mdp, name, horizon):
    utility = Utility(FUNCTIONS[name])
    exact = optimize_stock(mdp, utility, horizon=horizon, stock=-1, exact=True)
    floats = optimize_stock(mdp, utility, horizon=horizon, stock=-1)
    if name not in ("jump", "saw") or mdp.gamma != 0.9:
        # Where 0.9 is not 9/10, a jump tells stocks apart that agree in all decimals but the last.
        assert floats.value == pytest.approx(float(exact.value), rel=1e-12, abs=1e-12)
    assert floats.n_stocks == exact.n_stocks or mdp.gamma == 0.9


@settings(max_examples=30, deadline=None)
@given(mdp=small_mdps(gammas=(0.5, 0.9, 1.0)), name=st.sampled_from(list(FUNCTIONS)), exact=st.booleans())
def test_the_policy_earns_the_law_and_the_value(mdp, name, exact):
    """Enumerated path by path in fractions, with the memory the policy itself keeps."""
    f = FUNCTIONS[name]
    plan = optimize_stock(mdp, Utility(f), horizon=3, stock=Fraction(-3, 2), exact=exact)
    law = path_law(mdp, plan.policy, 3, mdp.gamma)
    if exact:
        # Stored probabilities such as 0.2 + 0.3 + 0.5 are divided by their exact sum; here they are not.
        total = sum(law.values())
        assert plan.law.x.tolist() == sorted(law)
        np.testing.assert_allclose([float(p) for p in plan.law.p], [float(law[x] / total) for x in sorted(law)])
    np.testing.assert_allclose(
        plan.law.expect(float), float(sum(x * p for x, p in law.items())), rtol=1e-12, atol=1e-12
    )
    if name not in ("jump", "saw"):
        earned = sum(p * f(x + Fraction(-3, 2)) for x, p in law.items())
        assert float(earned) == pytest.approx(float(plan.value), rel=1e-12, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(mdp=small_mdps(gammas=(0.5, 0.9, 1.0)), stock=st.floats(-3, 3))
def test_expected_return_is_the_ordinary_problem(mdp, stock):
    """With f(x) = x the stock is only carried along: backward induction gives the same."""
    plan = optimize_stock(mdp, Utility.mean(), horizon=5, stock=stock)
    V = solve(mdp.with_horizon(5, gamma=mdp.gamma)).V
    assert abs(plan.value - (stock + V[0, 0])) <= plan.error_bound + 1e-12


# ---------------------------------------------------------------- the specification's numbers


@pytest.mark.parametrize("gamma", [1, Fraction(9, 10)])
def test_d3_stock_value(gamma):
    plan = optimize_stock(two_step(2, 1, 0, 3), Utility.cvar(), horizon=2, stock=-3 * gamma, gamma=gamma, exact=True)
    # Carrying the stock: gamble after 0, be content after 2, whatever the discount of the second reward makes of it.
    assert plan.value == (Fraction(-3, 4) if gamma == 1 else -Fraction(27, 40))
    value = 3 * gamma + plan.value / Fraction(1, 2)
    assert value == (Fraction(3, 2) if gamma == 1 else Fraction(27, 20))
    if gamma == 1:
        assert dict(zip(plan.law.x, plan.law.p, strict=True)) == {0: Fraction(1, 4), 3: Fraction(3, 4)}


@pytest.mark.parametrize(
    ("problem", "gamma", "tau", "optimum"),
    [
        ((2, 1, 0, 3), 1, Fraction(1, 2), Fraction(3, 2)),
        ((2, 1, 0, 3), Fraction(9, 10), Fraction(1, 2), Fraction(27, 20)),
        ((4, 1, -1, 5), 1, Fraction(1, 2), 2),
        ((4, 1, 0, 4), 1, Fraction(1, 4), 1),
        ((2, 1, 0, 4), 1, Fraction(3, 4), 2),
        ((4, 2, 0, 8), 1, Fraction(3, 4), 4),
    ],
)
def test_d3_optimal_cvar_from_stocks(problem, gamma, tau, optimum):
    first, safe, low, high = problem
    returns = {a + gamma * b for a in (0, first) for b in (safe, low, high)}
    mdp = two_step(*problem)
    values = [
        x + optimize_stock(mdp, Utility.cvar(), horizon=2, stock=-x, gamma=gamma, exact=True).value / tau
        for x in returns
    ]
    assert max(values) == optimum


def test_d8_finite_horizon():
    plan = optimize_stock(coin_or_safe(0.5), Utility.cvar(), horizon=10, stock=-1)
    assert abs(plan.value - -0.15809326171875) <= 1e-15
    assert plan.error_bound <= 1e-12
    assert plan.truncation_error == 2.0**-9
    # It bounds the distance to the infinite horizon, -11/70.
    assert abs(plan.value + 11 / 70) <= plan.truncation_error


@pytest.mark.parametrize("horizon", [1, 2, 3, 4, 6])
def test_d10_steering_to_a_target(horizon):
    mdp = coin_or_nothing()
    plan = optimize_stock(mdp, Utility.target(), horizon=horizon, stock=-1, exact=True)
    assert plan.value == -(Fraction(1, 4) + Fraction(1, 2 ** (horizon + 1)))
    if 2 <= horizon <= 4:
        open_loop = []
        for actions in itertools.product([0, 1], repeat=horizon):
            law = {Fraction(-1): Fraction(1)}
            for t, a in enumerate(actions):
                step = [(0, Fraction(1))] if a == 0 else [(0, Fraction(1, 2)), (Fraction(1, 2**t), Fraction(1, 2))]
                new = {}
                for (x, p), (r, q) in itertools.product(law.items(), step):
                    new[x + r] = new.get(x + r, 0) + p * q
                law = new
            open_loop.append(-sum(p * abs(x) for x, p in law.items()))
        assert max(open_loop) == -Fraction(1, 2)


def test_time_indexed_exponential_utility():
    """D11 through B3: E exp(-b G) of independent steps is a product, and each step takes its own best factor."""
    b, horizon = 4.0, 6
    plan = optimize_stock(coin_or_safe(0.5), Utility(lambda x: -float(np.exp(-b * x))), horizon=horizon, stock=0)
    discounts = 0.5 ** np.arange(horizon)
    safe, coin = np.exp(-b * 0.4 * discounts), (1 + np.exp(-b * discounts)) / 2
    assert plan.value == pytest.approx(-np.prod(np.minimum(safe, coin)), rel=1e-12)
    assert -np.log(-plan.value) / b == pytest.approx(0.79920652557593, abs=1e-13)
    assert np.isnan(plan.error_bound)
    assert plan.truncation_error == np.inf


def test_a_jump_at_a_sum_of_decimals():
    """0.1 + 0.2 - 0.3 is not 0 in floats, and 1{x >= 0} must not notice."""
    mdp = TabularMDP.from_outcomes([0, 1, 2], [0, 0, 0], [1, 1, 1], [0.1, 0.2, 0], [1, 2, 2], gamma=1.0)
    assert optimize_stock(mdp, Utility(lambda x: float(x >= 0)), horizon=2, stock=-0.3).value == 1


# ---------------------------------------------------------------- vectors


def coin_of_two():
    """One state, one action: (1, 0) or (0, 1), told apart by the model's own reward; a second action pays half each."""
    mdp = TabularMDP.from_outcomes([0, 0, 0], [0, 0, 1], [0.5, 0.5, 1], [0, 1, 0], [0, 0, 0], gamma=0.5, initial=0)
    return mdp, np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])


def test_vector_stock_by_hand():
    mdp, rewards = coin_of_two()
    norm = Utility(lambda x: -float(np.linalg.norm(x)), dimension=2, lipschitz=1, homogeneous=True)
    plan = optimize_stock(mdp, norm, horizon=3, stock=(-0.5, -0.5), rewards=rewards)
    # Halves keep to the diagonal: 0.5 + 0.25 + 0.125 - 0.5 in both coordinates; the coin only adds spread.
    assert plan.value == pytest.approx(-np.sqrt(2) * 0.375, abs=1e-15)
    assert plan.law.x.tolist() == [[0.875, 0.875]]
    assert plan.truncation_error == pytest.approx(0.125 / 0.5)


@given(small_mdps(gammas=(0.5, 1.0)), st.sampled_from(list(FUNCTIONS)), st.booleans())
@settings(max_examples=25, deadline=None)
def test_vector_stocks_contain_the_scalar_problem(mdp, name, exact):
    f = FUNCTIONS[name]
    rewards = np.stack([mdp.outcomes.reward, -mdp.outcomes.reward])
    scalar = optimize_stock(mdp, Utility(f), horizon=3, stock=0.5, exact=exact)
    pair = optimize_stock(
        mdp, Utility(lambda x: f(x[0]), dimension=2), horizon=3, stock=[0.5, 0.25], rewards=rewards, exact=exact
    )
    assert pair.value == scalar.value
    np.testing.assert_array_equal(pair.law.x[:, 0], -pair.law.x[:, 1])
    np.testing.assert_array_equal(pair.law.x[:, 0], scalar.law.x)
    law = path_law(mdp, pair.policy, 3, mdp.gamma)
    assert sorted(law) == [Fraction(x) for x in scalar.law.x]


def test_rewards_on_transitions():
    mdp = two_step(2, 1, 0, 3)
    table = np.zeros((2, 3, 2, 3))
    table[0, 1, 1, 2], table[1, 1, 0, 2] = 5.0, 1.0
    utility = Utility(lambda x: float(x[0] + 7 * x[1]), dimension=2)
    plan = optimize_stock(mdp, utility, horizon=2, stock=(0, 0), rewards=table)
    assert plan.value == 7
    assert plan.law.x.tolist() == [[0, 1]]


# ---------------------------------------------------------------- edges


def test_no_step_at_all():
    plan = optimize_stock(coin_or_safe(0.5), Utility.target(), horizon=0, stock=2)
    assert plan.value == -2
    assert plan.law.x.tolist() == [0]
    assert plan.n_stocks == 1


def test_a_start_that_is_the_end():
    plan = optimize_stock(two_step(2, 1, 0, 3), Utility.mean(), horizon=2, stock=1, initial_state=2)
    assert plan.value == 1
    assert plan.law.x.tolist() == [0]


def test_finite_horizon_models_bring_their_horizon_and_last_values():
    first, second = two_step(2, 1, 0, 3), two_step(4, 1, 0, 3)
    model = FiniteHorizonMDP.from_stages([first, second], gamma=0.5, terminal_values=[8.0, 4.0, 0.0])
    plan = optimize_stock(model, Utility.mean(), stock=0)
    assert plan.value == pytest.approx(solve(model).V[0, 0], abs=1e-14)
    assert plan.horizon == 2
    assert plan.truncation_error == 0
    # One step more from state 1 of a single stage: the coin pays 0 or 2, then state 1 is worth 4.
    short = FiniteHorizonMDP.from_stages([first], gamma=0.5, terminal_values=[8.0, 4.0, 0.0])
    assert optimize_stock(short, Utility.mean(), stock=0).law.x.tolist() == [2, 4]


def test_explosion():
    with pytest.raises(ExplosionError, match="max_stocks = 1,000") as caught:
        optimize_stock(coin_or_safe(0.7), Utility.cvar(), horizon=60, stock=0, max_stocks=1000)
    assert isinstance(caught.value, MemoryError)
    assert caught.value.cap == 1000
    assert caught.value.count > 1000


@pytest.mark.parametrize(
    ("change", "error", "argument"),
    [
        ({"horizon": None}, InputError, "horizon"),
        ({"horizon": -1}, InputError, "horizon"),
        ({"horizon": 1.5}, InputError, "horizon"),
        ({"stock": np.nan}, InputError, "stock"),
        ({"stock": "much"}, InputError, "stock"),
        ({"stock": True}, InputError, "stock"),
        ({"stock": [0, 1]}, ShapeError, "stock"),
        ({"stock": []}, ShapeError, "stock"),
        ({"initial_state": 3}, StateIndexError, "state"),
        ({"gamma": 0}, DiscountError, "gamma"),
        ({"gamma": 1.5}, DiscountError, "gamma"),
        ({"max_stocks": 0}, InputError, "max_stocks"),
        ({"mdp": np.eye(2)}, InputError, "mdp"),
        ({"utility": Utility(sum, dimension=2)}, InputError, "utility"),
        ({"utility": "var"}, UnsupportedObjective, "utility"),
        ({"rewards": np.zeros((2, 3, 2, 3))}, ShapeError, "stock"),
        ({"rewards": np.zeros((2, 3)), "stock": [0, 0], "utility": Utility(sum, dimension=2)}, ShapeError, "rewards"),
        (
            {"rewards": np.full((2, 6), np.inf), "stock": [0, 0], "utility": Utility(sum, dimension=2)},
            InputError,
            "rewards",
        ),
    ],
)
def test_bad_input(change, error, argument):
    arguments = {"mdp": two_step(2, 1, 0, 3), "utility": Utility.cvar(), "horizon": 2, "stock": 0.0} | change
    with pytest.raises(error) as caught:
        optimize_stock(arguments.pop("mdp"), arguments.pop("utility"), **arguments)
    assert caught.value.argument == argument


def test_vector_rewards_do_not_go_with_last_values():
    model = two_step(2, 1, 0, 3).with_horizon(2, terminal_values=[1, 0, 0])
    with pytest.raises(InputError, match="terminal_values"):
        optimize_stock(model, Utility(sum, dimension=2), stock=[0, 0], rewards=np.zeros((2, 6)))


def test_episodes_start_where_the_model_does() -> None:
    walk = cliff_walk()
    plan = optimize_stock(walk, Utility.cvar(), horizon=6, stock=9)
    assert plan.initial_state == 8
    assert plan.value == optimize_stock(walk, Utility.cvar(), horizon=6, stock=9, initial_state=8).value
    spread = walk.with_initial(np.full(walk.n_states, 1 / walk.n_states))
    with pytest.raises(InputError, match="initial_state"):
        optimize_stock(spread, Utility.cvar(), horizon=6, stock=9)
