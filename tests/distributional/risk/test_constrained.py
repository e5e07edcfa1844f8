"""Return against shortfall, by brute force over joint laws of two returns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.distributional import maximize_cvar, shortfall_frontier
from mdpkit.errors import InputError, ShapeError
from mdpkit.problems.risk import cliff_walk, two_step_gamble
from tests.distributional.brute_force import as_mdp, history_laws, mean, two_step_problems

PRICES = [0.0, 0.5, 1.0, 3.0, 10.0]


@settings(max_examples=40, deadline=None)
@given(two_step_problems(), st.integers(-3, 6))
def test_floor_under_the_return_itself(problem, threshold):
    """With the model's own rewards: the best of all history policies at every price, mean and shortfall falling."""
    mdp = as_mdp(problem)
    frontier = shortfall_frontier(mdp, mdp.outcomes.reward, threshold=threshold, prices=PRICES, horizon=2)
    laws = history_laws(problem, 2)
    points = [(float(mean(law)), float(sum(p * max(threshold - x, 0) for x, p in law.items()))) for law in laws]
    for price, m, gap in zip(PRICES, frontier.mean, frontier.shortfall, strict=True):
        best = max(m0 - price * gap0 for m0, gap0 in points)
        assert m - price * gap == pytest.approx(best, abs=1e-11)
    assert np.all(np.diff(frontier.mean) <= 1e-11)
    assert np.all(np.diff(frontier.shortfall) <= 1e-11)


def test_falls_as_a_second_reward():
    """Cliff walk, second reward -1 for a fall: the threshold 0 makes the shortfall the probability of a fall."""
    walk = cliff_walk()
    falls = -(np.isin(walk.outcomes.successor, [9, 10]) & (walk.outcomes.reward != 0)).astype(float)
    frontier = shortfall_frontier(walk, falls, threshold=0.0, prices=[0.0, 100.0, 1000.0], horizon=8, initial_state=8)
    np.testing.assert_allclose(frontier.shortfall, frontier.violation, atol=1e-12)
    assert frontier.mean[0] == pytest.approx(maximize_cvar(walk, 1.0, horizon=8).value, abs=1e-11)
    assert frontier.mean[0] > frontier.mean[-1]
    assert frontier.violation[0] > frontier.violation[-1]
    assert repr(frontier).startswith("ShortfallFrontier(3 prices")


def test_bad_input():
    mdp = two_step_gamble()
    reward = mdp.outcomes.reward
    with pytest.raises(InputError, match=r"nonnegative and increasing, found 1\.0 at index 1") as error:
        shortfall_frontier(mdp, reward, threshold=1.0, prices=[1.0, 1.0], horizon=2)
    assert (error.value.argument, error.value.index) == ("prices", 1)
    with pytest.raises(InputError, match="threshold"):
        shortfall_frontier(mdp, reward, threshold=float("nan"), prices=[1.0], horizon=2)
    with pytest.raises(ShapeError, match="rewards"):
        shortfall_frontier(mdp, reward[1:], threshold=1.0, prices=[1.0], horizon=2)
    with pytest.raises(InputError, match="horizon"):
        shortfall_frontier(mdp, reward, threshold=1.0, prices=[1.0], horizon=-2)
