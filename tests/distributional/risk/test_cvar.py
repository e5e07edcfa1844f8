"""Optimal CVaR against exact brute force over history policies, closed forms and published tables.

"spec D3" and the like are sections of the project's specification of distributional dynamic programming.
"""

from __future__ import annotations

from fractions import Fraction as F  # noqa: N817 - fractions fill these tables

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.distributional import Utility, maximize_cvar, optimize_stock, return_law
from mdpkit.errors import ExplosionError, InputError, NotWellPosedError, PolicyError, StateIndexError
from mdpkit.feedback import EpisodicSimulator
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.problems.risk import bernoulli_rewards, cliff_walk, geometric_survival, sure_or_coin, two_step_gamble
from tests.distributional.brute_force import (
    as_mdp,
    as_problem,
    cvar,
    history_laws,
    markov_laws,
    mean,
    object_law,
    two_step,
    two_step_problems,
)

LEVELS = st.sampled_from([F(1, 8), F(1, 4), F(3, 8), F(1, 2), F(2, 3), F(3, 4), F(9, 10), F(1)])
DISCOUNTS = st.sampled_from([F(1), F(1, 2), F(9, 10)])

D3 = [
    ((2, 1, 0, 3), F(1, 2), F(1), F(3, 2), F(1)),
    ((2, 1, 0, 3), F(1, 2), F(9, 10), F(27, 20), F(1)),
    ((4, 1, -1, 5), F(1, 2), F(1), F(2), F(1)),
    ((4, 1, 0, 4), F(1, 4), F(1), F(1), F(1)),
    ((2, 1, 0, 4), F(3, 4), F(1), F(2), F(2)),
    ((4, 2, 0, 8), F(3, 4), F(1), F(4), F(4)),
]
"""Parameters of the two-step gamble, level, discount, optimal CVaR, best plain Markov policy (spec D3)."""

GRID = {
    1.0: -9.282386396123,
    0.5: -11.625515041436,
    0.2: -16.712370802277,
    0.1: -23.894369311748,
    0.05: -34.770701679406,
    0.02: -40.209992445396,
}
"""Optimal CVaR of the cliff walk over 14 steps (spec E, table GRID)."""


def as_floats(law):
    return {float(x): float(p) for x, p in law.items()}


def atoms_of(law):
    return dict(zip(law.x.tolist(), law.p.tolist(), strict=True))


@pytest.mark.parametrize(("prizes", "tau", "gamma", "best", "markov"), D3)
def test_two_step_gambles(prizes, tau, gamma, best, markov):
    problem = two_step(*prizes)
    assert max(cvar(law, tau) for law in history_laws(problem, 2, gamma)) == best
    assert max(cvar(law, tau) for law in markov_laws(problem, 2, gamma)) == markov
    solution = maximize_cvar(two_step_gamble(*prizes, gamma=float(gamma)), float(tau), horizon=2)
    assert solution.value == pytest.approx(float(best), rel=1e-14)
    assert solution.law.cvar(float(tau)) == solution.value


def test_first_gamble_in_detail():
    """Spec D3: low first reward, gamble; high first reward, safe; stock -3, stock value -3/4."""
    solution = maximize_cvar(two_step_gamble(), 0.5, horizon=2)
    assert atoms_of(solution.law) == {0.0: 0.25, 3.0: 0.75}
    assert solution.stock == -3.0
    assert solution.law.expect(lambda x: min(x - 3.0, 0.0)) == -0.75
    _, memory = solution.policy.act(0, 0, None)
    low, high = (solution.policy.observe(0, 0, memory, 0, reward, 1) for reward in (0.0, 2.0))
    assert (solution.policy.act(1, 1, low)[0], solution.policy.act(1, 1, high)[0]) == (1, 0)
    assert solution.status == "optimal"
    assert solution.converged
    assert solution.error_bound == solution.policy_loss == 0.0
    assert repr(solution) == "RiskSolution(optimal: CVaR_0.5 = 1.5, error at most 0, 2 atoms)"


@settings(max_examples=150, deadline=None)
@given(two_step_problems(), LEVELS, DISCOUNTS)
def test_brute_force(problem, tau, gamma):
    """The value is the best over all history policies, and the policy that is returned attains it."""
    solution = maximize_cvar(as_mdp(problem, float(gamma)), float(tau), horizon=2)
    best = max(cvar(law, tau) for law in history_laws(problem, 2, gamma))
    assert solution.value == pytest.approx(float(best), abs=1e-12)
    played = object_law(problem, 2, solution.policy, gamma)
    assert float(cvar(played, tau)) == pytest.approx(float(best), abs=1e-12)
    np.testing.assert_allclose(solution.law.x, sorted(as_floats(played)), atol=1e-12)
    # Minus the stock is a quantile of the law of that level.
    lower, upper = solution.law.quantile(float(tau)), solution.law.upper_quantile(float(tau))
    assert lower - 1e-9 <= -solution.stock <= upper + 1e-9 or tau == 1


@settings(max_examples=10, deadline=None)
@given(two_step_problems(n_states=1), LEVELS)
def test_brute_force_over_three_steps(problem, tau):
    """Steps are repeated: state 0 leads to state 1, whose actions end the episode or go back."""
    again = [problem[0], [[(p, r, 0) for p, r, _ in pair] for pair in problem[1]]]
    best = max(cvar(law, tau) for law in history_laws(again, 3))
    assert maximize_cvar(as_mdp(again), float(tau), horizon=3).value == pytest.approx(float(best), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(two_step_problems(), st.integers(-6, 6))
def test_translation_and_scaling(problem, shift):
    """CVaR of X + a is CVaR + a; rewards times k multiply it by k."""
    base = maximize_cvar(as_mdp(problem), 0.5, horizon=2).value
    moved = [[[(p, r + shift, t) for p, r, t in pair] for pair in state] for state in problem]
    tripled = [[[(p, 3 * r, t) for p, r, t in pair] for pair in state] for state in problem]
    assert maximize_cvar(as_mdp(moved), 0.5, horizon=2).value == pytest.approx(base + 2 * shift, abs=1e-11)
    assert maximize_cvar(as_mdp(tripled), 0.5, horizon=2).value == pytest.approx(3 * base, abs=1e-11)


@settings(max_examples=40, deadline=None)
@given(two_step_problems())
def test_nondecreasing_in_the_level(problem):
    mdp = as_mdp(problem)
    values = [maximize_cvar(mdp, tau, horizon=2).value for tau in (0.1, 0.25, 0.4, 0.6, 0.9, 1.0)]
    assert np.all(np.diff(values) >= -1e-12)
    assert values[-1] == pytest.approx(float(max(mean(law) for law in history_laws(problem, 2))), abs=1e-12)


@pytest.mark.parametrize(("on_lattice", "gamma", "horizon"), [(True, 1.0, 12), (False, 1.0, 5), (False, 0.9, 5)])
def test_larger_models_attain_what_is_claimed(on_lattice, gamma, horizon):
    """The maximand of the outer search and the CVaR of the law come from different passes, backward and forward."""
    rng = np.random.default_rng(0)
    state, action, _ = (index.ravel() for index in np.indices((8, 2, 3)))
    prob = rng.dirichlet(np.ones(3), size=16).ravel()
    reward = rng.integers(-3, 4, size=48) / 2 if on_lattice else rng.normal(size=48)
    mdp = TabularMDP.from_outcomes(state, action, prob, reward, rng.integers(8, size=48), gamma, n_states=8)
    for tau in (0.03, 0.3, 0.8):
        solution = maximize_cvar(mdp, tau, horizon=horizon)
        plan = optimize_stock(mdp, Utility.cvar(), horizon=horizon, stock=solution.stock)
        assert plan.value / tau - solution.stock == pytest.approx(solution.value, abs=1e-11)


@pytest.mark.parametrize(("tau", "best"), GRID.items())
def test_cliff_walk(tau, best):
    solution = maximize_cvar(cliff_walk(), tau, horizon=14)
    assert solution.value == pytest.approx(best, abs=2e-12)


def test_cliff_walk_jumps_where_a_fall_cannot_be_avoided():
    """Spec E: at 0.02 the worst fiftieth holds a fall whatever is done, so the policy gets it over with."""
    solution = maximize_cvar(cliff_walk(), 0.02, horizon=14)
    assert solution.policy.act(8, 0, None)[0] == 1
    assert solution.law.p[solution.law.x <= -40.0].sum() > 0.9


def test_the_law_is_that_of_an_independent_evaluation():
    walk = cliff_walk()
    solution = maximize_cvar(walk, 0.1, horizon=6)
    other = return_law(walk, solution.policy, horizon=6, initial_state=8).law(8)
    np.testing.assert_allclose(solution.law.x, other.x, atol=1e-12)
    np.testing.assert_allclose(solution.law.p, other.p, atol=1e-13)
    exact = object_law(as_problem(walk), 6, solution.policy, start=8)
    np.testing.assert_allclose(solution.law.p, [float(exact[x]) for x in sorted(exact)], atol=1e-13)


def test_rollouts_reproduce_the_law():
    """1000 episodes of a law on {0: 1/4, 3: 3/4}; five standard errors, false alarm below 1e-6."""
    mdp = two_step_gamble()
    solution = maximize_cvar(mdp, 0.5, horizon=2)
    data = EpisodicSimulator(mdp, seed=0, horizon=2).rollout(solution.policy, 1000)
    returns = np.bincount(data.episode, weights=data.reward)
    assert set(returns.tolist()) == {0.0, 3.0}
    assert abs(np.mean(returns == 0.0) - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 1000)


# ---------------------------------------------------------------- infinite horizons


@pytest.mark.parametrize(
    ("tau", "best", "stock"),
    [(0.5, 0.8, None), (0.75, 0.8, None), (0.9, 109 / 120, -1.7), (0.95, 0.950751880, -1.9), (1.0, 1.0, None)],
)
def test_sure_or_coin_on_a_closed_grid(tau, best, stock):
    solution = maximize_cvar(sure_or_coin(), tau, step=0.1)
    assert solution.value == pytest.approx(best, abs=5e-9)
    assert solution.law is None
    assert stock is None or solution.stock == pytest.approx(stock, abs=1e-12)
    assert best <= solution.value + solution.error_bound


def test_sure_or_coin_off_the_grid():
    """Spec D8: at gamma = 0.7 the optimum lies in [1.542431, 1.545868]; finer grids only narrow the enclosure."""
    widths = []
    for step in (0.02, 0.005, 0.00125):
        solution = maximize_cvar(sure_or_coin(gamma=0.7), 0.9, step=step)
        low, high = solution.value - solution.error_bound, solution.value + solution.error_bound
        assert low <= 1.545868
        assert high >= 1.542431
        widths.append(high - low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


@pytest.mark.parametrize(("tau", "value"), [(0.25, 1.0), (0.51, 1.3705882353), (0.6, 1.5715)])
def test_geometric_survival(tau, value):
    """Spec D5; there is nothing to choose, so this checks the outer search and its enclosure."""
    solution = maximize_cvar(geometric_survival(), tau, step=0.01)
    assert abs(solution.value - value) <= solution.error_bound + 1e-9
    # C5: rounding down or up costs gamma h / (1 - gamma) of stock value, the spacing of stocks less than h / tau.
    assert solution.error_bound <= (0.09 + 0.01) / tau


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_cantor_law(k):
    """Spec D2: CVaR at 2^-k is 3^-k 3/4."""
    solution = maximize_cvar(bernoulli_rewards(gamma=1 / 3), 2.0**-k, step=0.001)
    assert abs(solution.value - 0.75 * 3.0**-k) <= solution.error_bound + 1e-9
    assert solution.error_bound < 0.002 * 2**k


def test_the_policy_attains_what_it_should_over_an_infinite_horizon():
    """Twelve steps of the policy at gamma = 1/2 leave at most 2^-11 of the return open."""
    mdp = sure_or_coin()
    solution = maximize_cvar(mdp, 0.9, step=0.1)
    law = return_law(mdp, solution.policy, horizon=12, initial_state=0).law(0)
    assert law.cvar(0.9) <= 109 / 120 + 1e-9
    assert law.cvar(0.9) >= 109 / 120 - 2.0**-11 / 0.9


# ---------------------------------------------------------------- start, stages, bad input


def test_initial_distribution():
    """The level is taken over initial states, too: in state 1 the answer alone would be 3/2 or 1."""
    mdp = two_step_gamble().with_initial([0.0, 0.5, 0.5])
    solution = maximize_cvar(mdp, 0.75, horizon=1)
    # Gamble and end: {0: 3/4, 3: 1/4}; safe and end: {0: 1/2, 1: 1/2}, mean of the worst three quarters 1/3.
    assert solution.value == pytest.approx(1 / 3)


def test_stages_and_terminal_values():
    mdp = two_step_gamble()
    plain = maximize_cvar(mdp, 0.5, horizon=2)
    staged = FiniteHorizonMDP.from_stages([mdp, mdp], terminal_values=[0.0, 0.0, 7.0])
    assert maximize_cvar(staged, 0.5).value == pytest.approx(plain.value + 7.0)
    with pytest.raises(InputError, match="horizon = 3"):
        maximize_cvar(staged, 0.5, horizon=3)


def test_no_steps_and_a_terminal_start():
    assert maximize_cvar(two_step_gamble(), 0.3, horizon=0).law.x.tolist() == [0.0]
    assert maximize_cvar(two_step_gamble(), 0.3, horizon=5, initial_state=2).law.x.tolist() == [0.0]


@pytest.mark.parametrize("tau", [0.0, -0.1, 1.5, float("nan"), "0.5", None, True])
def test_levels_out_of_range(tau):
    with pytest.raises(InputError, match="tau") as error:
        maximize_cvar(two_step_gamble(), tau, horizon=2)
    assert error.value.argument == "tau"


def test_bad_input():
    mdp = two_step_gamble()
    with pytest.raises(NotWellPosedError, match="horizon"):
        maximize_cvar(mdp, 0.5)
    with pytest.raises(InputError, match="horizon"):
        maximize_cvar(mdp, 0.5, horizon=-1)
    with pytest.raises(StateIndexError, match="initial_state") as error:
        maximize_cvar(mdp, 0.5, horizon=2, initial_state=3)
    assert error.value.argument == "initial_state"
    assert maximize_cvar(mdp, 0.5, horizon=2, initial_state="choice").value == 1.0
    with pytest.raises(InputError, match="step is for infinite horizons"):
        maximize_cvar(mdp, 0.5, horizon=2, step=0.1)
    with pytest.raises(InputError, match="mdp must be"):
        maximize_cvar([[1.0]], 0.5, horizon=2)
    with pytest.raises(InputError, match="step"):
        maximize_cvar(sure_or_coin(), 0.5, step=0.0)


def test_explosion_is_reported_with_counts():
    with pytest.raises(ExplosionError, match=r"more than max_breakpoints = 100") as error:
        maximize_cvar(sure_or_coin(gamma=0.7), 0.5, horizon=12, max_breakpoints=100)
    assert error.value.count > error.value.cap == 100


def test_policies_end_with_their_horizon():
    policy = maximize_cvar(cliff_walk(), 0.2, horizon=4).policy
    with pytest.raises(PolicyError, match="t = 4, but the policy was made for 4 steps"):
        policy.act(8, 4, 0.0)
