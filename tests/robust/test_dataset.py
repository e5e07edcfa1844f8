"""From logged transitions to a robust problem: what it holds, what it refuses, and that its guarantee holds."""

from __future__ import annotations

import numpy as np
import pytest

import mdpkit
from mdpkit.errors import DiscountError, InputError, ShapeError
from mdpkit.feedback import EpisodicSimulator, OfflineDataset, collect
from mdpkit.models import L1Ball, RobustMDP
from mdpkit.robust import from_dataset, l1_radius
from mdpkit.testing import assert_holds_with_probability

DELTA = 0.1


def logged(lines, **sizes) -> OfflineDataset:
    """A dataset from lines (state, action, reward, successor[, terminal])."""
    columns = list(zip(*[(*line, False)[:5] for line in lines], strict=True))
    n = len(lines)
    return OfflineDataset(np.zeros(n, int), np.arange(n), *columns, **{"gamma": 0.9, **sizes})


LINES = [
    (0, 0, 1.0, 1),
    (0, 0, 1.0, 0),
    (0, 0, 1.0, 0),
    (0, 1, 0.0, 2),
    (1, 0, -1.0, 2),
    (1, 1, 0.5, 1),
    (2, 0, 2.0, 0),
]
DATA = logged(LINES, n_states=3, n_actions=2)
"""Every pair but (2, 1) is tried."""


def test_what_the_problem_holds():
    problem = from_dataset(DATA, DELTA, lowest_reward=-3)
    nominal = problem.nominal
    assert nominal.transition(0, 0).tolist() == [2 / 3, 1 / 3, 0]
    assert nominal.rewards.tolist() == [[1, 0], [-1, 0.5], [2, -3]]
    assert nominal.initial.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(problem.uncertainty.radius, l1_radius(DATA.counts(), DELTA))
    assert problem.uncertainty.support == "all"
    assert problem.uncertainty.radius[2, 1] == 2
    fixed = from_dataset(DATA, DELTA, lowest_reward=-3, sampling="fixed", gamma=0.5)
    np.testing.assert_array_equal(fixed.uncertainty.radius, l1_radius(DATA.counts(), DELTA, sampling="fixed"))
    assert fixed.gamma == 0.5


def plain_value_iteration(problem: RobustMDP, sweeps: int = 2000) -> np.ndarray:
    """Robust values by moving mass from the best states to the worst, row by row."""
    nominal, radius = problem.nominal, problem.uncertainty.radius
    P, r = nominal.rows.csr().toarray(), nominal.pair_reward
    kappa = radius[nominal.pair_state, nominal.pair_action]
    V = np.zeros(nominal.n_states)
    for _ in range(sweeps):
        order = np.argsort(V)
        payoff = []
        for q, k in zip(P, kappa, strict=True):
            p = q.copy()
            left = min(k / 2, 1 - p[order[0]])
            p[order[0]] += left
            for i in order[:0:-1]:
                taken = min(left, p[i])
                p[i], left = p[i] - taken, left - taken
            payoff.append(p @ V)
        V = np.maximum.reduceat(r + problem.gamma * np.array(payoff), nominal.state_ptr[:-1])
    return V


def test_solve_against_plain_value_iteration():
    river = mdpkit.problems.river_swim(4, gamma=0.8)
    data = collect(EpisodicSimulator(river, seed=3, horizon=40), [[0.4, 0.6]] * 4, 4000)
    problem = from_dataset(data, DELTA)
    np.testing.assert_allclose(mdpkit.solve(problem).V, plain_value_iteration(problem, 200), atol=1e-9)
    # the long way of the docstring
    long = RobustMDP(data.empirical_model(), L1Ball(l1_radius(data.counts(), DELTA), support="all"))
    np.testing.assert_allclose(mdpkit.solve(long).V, mdpkit.solve(problem).V, atol=1e-9)


def test_a_pair_without_samples_is_worth_the_least():
    problem = from_dataset(DATA, DELTA, lowest_reward=5.0, sampling="fixed")
    V = plain_value_iteration(problem)
    # state 2 takes the untried action because its reward is that high, and nature sends it to the worst state
    assert V[2] == pytest.approx(5.0 + 0.9 * V.min(), abs=1e-9)


def test_rewards_that_are_known():
    rewards = np.array([[1.0, 0.0], [-1.0, 0.5], [2.0, 7.0]])
    assert from_dataset(DATA, DELTA, rewards=rewards).nominal.rewards.tolist() == rewards.tolist()
    table = np.arange(18.0).reshape(3, 2, 3)
    problem = from_dataset(DATA, DELTA, rewards=table)
    np.testing.assert_array_equal(problem.transition_rewards, table)
    assert problem.nominal.reward(0, 0) == pytest.approx(2 / 3 * 0 + 1 / 3 * 1)
    assert table[2, 1, 2] == 17  # untouched


def test_terminal_states_are_certain():
    data = logged([(0, 0, 1.0, 1, True), (0, 0, 1.0, 0, False)], n_states=2, n_actions=1)
    for rewards in (None, [[1.0], [4.0]], np.ones((2, 1, 2))):
        problem = from_dataset(data, DELTA, rewards=rewards)
        assert problem.uncertainty.radius[1, 0] == 0
        assert problem.nominal.transition(1, 0).tolist() == [0, 1]
        assert problem.nominal.reward(1, 0) == 0
    # a state that was left all the same proves nothing about its other actions
    data = logged([(0, 0, 1.0, 1, True), (1, 0, 0.0, 0, False), (0, 1, 0.0, 0, False)], n_states=2, n_actions=2)
    assert from_dataset(data, DELTA, lowest_reward=0).uncertainty.radius[1, 1] == 2


def test_missing_actions_stay_missing():
    mask = np.array([[True, True], [True, True], [True, False]])
    data = logged(LINES, n_states=3, n_actions=2, action_mask=mask)
    problem = from_dataset(data, DELTA)
    np.testing.assert_array_equal(problem.nominal.action_mask, mask)


def test_refusals():
    with pytest.raises(InputError, match=r"\(state 2, action 1\) was never tried, nor were 0 others") as caught:
        from_dataset(DATA, DELTA)
    assert caught.value.argument == "lowest_reward"
    noisy = logged([*LINES, (0, 0, 0.5, 0)], n_states=3, n_actions=2)
    with pytest.raises(InputError, match=r"\(state 0, action 0\) paid 0.5 at one visit and 1.0 at another") as caught:
        from_dataset(noisy, DELTA, lowest_reward=0)
    assert (caught.value.argument, caught.value.index) == ("rewards", (0, 0))
    with pytest.raises(ShapeError, match=r"rewards must have shape \(3, 2\) or \(3, 2, 3\), found \(2, 3\)"):
        from_dataset(DATA, DELTA, rewards=np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"rewards\[1, 0\] = nan"):
        from_dataset(DATA, DELTA, rewards=[[0, 0], [np.nan, 0], [0, 0]])
    with pytest.raises(InputError, match="lowest_reward must be finite"):
        from_dataset(DATA, DELTA, lowest_reward=-np.inf)
    with pytest.raises(DiscountError):
        from_dataset(logged(LINES, n_states=3, n_actions=2, gamma=None), DELTA, lowest_reward=0)
    with pytest.raises(InputError, match="delta"):
        from_dataset(DATA, 1.5, lowest_reward=0)


def test_the_guarantee_holds():
    """The certified lower values hold for the policy found on the same data, and the optimum is not exceeded.

    With probability 0.8 at least by the theorem; false alarm 1e-6, 186 trials are the fewest that could refute it.
    """
    river = mdpkit.problems.river_swim(3, gamma=0.8)
    optimal = mdpkit.solve(river).V

    def trial(rng: np.random.Generator) -> bool:
        data = collect(EpisodicSimulator(river, seed=rng, horizon=20), [[0.5, 0.5]] * 3, 400)
        solution = mdpkit.solve(from_dataset(data, 0.2, lowest_reward=0.0))
        truth = mdpkit.evaluate_policy(river, solution.policy).V
        return bool((solution.lower <= truth + 1e-9).all() and (solution.lower <= optimal + 1e-9).all())

    assert_holds_with_probability(trial, 0.8, n_trials=190, seed=5)
