"""Problems for learning from preferences against prefs.md 7.4, 7.6, 7.9 and prefs_rl.md section 1."""

from __future__ import annotations

from itertools import product
from math import comb, exp

import numpy as np
import pytest

import mdpkit
from mdpkit.errors import InputError
from mdpkit.problems import preferences

# ---------------------------------------------------------------- greedy failure


def test_greedy_failure():
    bandit = preferences.greedy_failure()
    np.testing.assert_allclose(bandit.means, [[-0.9, -1.0, 0.0, 0.1]], atol=1e-15)
    assert bandit.optimal_action.tolist() == [3]
    first, second = preferences.greedy_failure_pairs(60)
    x = bandit.features[0, first] - bandit.features[0, second]
    assert x[:-1].tolist() == [[0.0, 1.0, 0.0]] * 59
    assert x[-1].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("n", "value"),
    [
        (2, 0.3164435026),
        (10, 0.3128146102),
        (50, 0.3051939366),
        (100, 0.2998427907),
        (500, 0.2821359529),
        (2000, 0.2702112289),
        (10**5, 0.2689414214),
    ],
)
def test_published_losses(n, value):
    """prefs.md 7.4."""
    assert abs(preferences.greedy_failure_suboptimality(n) - value) < 1e-10


@pytest.mark.parametrize("n", range(2, 12))
def test_losses_by_playing_the_estimate(n):
    """Every outcome with the greedy action of its own estimate, ties of the estimate averaged."""
    bandit = preferences.greedy_failure()
    gaps = bandit.gaps[0]
    q, wrong = 1 / (1 + exp(-0.1)), 1 / (1 + exp(1))
    m, expected = n - 1, 0.0
    for wins, single in product(range(m + 1), (1, -1)):
        # As the signs are all that counts, any estimate with them will do; theta_0 dominates.
        estimate = np.array([2.0 * single, np.sign(2 * wins - m), 0.0])
        values = bandit.features[0] @ estimate
        best = np.flatnonzero(values == values.max())
        weight = comb(m, wins) * q**wins * (1 - q) ** (m - wins) * (wrong if single > 0 else 1 - wrong)
        expected += weight * gaps[best].mean()
    assert abs(preferences.greedy_failure_suboptimality(n) - expected) < 1e-13


def test_the_failure_never_ends():
    """It falls to sigma(-1), which is above the 0.1 that a pessimist loses at most."""
    losses = [preferences.greedy_failure_suboptimality(n) for n in (2, 10, 100, 1000, 10**4, 10**6)]
    assert losses == sorted(losses, reverse=True)
    assert abs(losses[-1] - 1 / (1 + exp(1))) < 1e-12
    assert losses[-1] > 0.1


@pytest.mark.parametrize("function", [preferences.greedy_failure_pairs, preferences.greedy_failure_suboptimality])
@pytest.mark.parametrize("n", [1, 2.0, True, -3])
def test_bad_input(function, n):
    with pytest.raises(InputError, match=f"n must be an integer of at least 2, found {n}") as caught:
        function(n)
    assert caught.value.argument == "n"


# ---------------------------------------------------------------- four choices


def test_four_choices():
    """The features and the design of prefs.md 7.6; its asymptotics are checked with the efficiency functions."""
    bandit = preferences.four_choices()
    np.testing.assert_allclose(bandit.means, [[0.8, -0.3, -0.5, 0.0]], atol=1e-15)
    phi = bandit.features[0]
    X = phi[:, None] - phi[None]
    np.testing.assert_allclose(np.einsum("jka,jkb->ab", X, X) / 12, 2 / 3 * np.eye(3), atol=1e-15)


# ---------------------------------------------------------------- two-stage choice

VALUES = [0.86, 1.06, 0.3, 0.5, -0.04, 0.66, -0.25, 0.45]


@pytest.mark.parametrize(("actions", "value"), list(zip(product(range(2), repeat=3), VALUES, strict=True)))
def test_values_of_the_two_stage_choice(actions, value):
    problem, features = preferences.two_stage_choice()
    found = mdpkit.evaluate_policy(problem, np.tile(actions, (2, 1)))
    assert abs(found.V[0, 0] - value) < 1e-12
    # Expected features of a trajectory times the parameter: the same number, by hand.
    to_a = 0.8 if actions[0] == 0 else 0.3
    visits = np.array([1.0, to_a, 1 - to_a])
    expected = sum(visits[s] * features[s, actions[s]] for s in range(3))
    w = [problem.stages[0].reward(s, a) for s, a in product(range(3), range(2))]
    assert abs(expected @ w - value) < 1e-12


def test_the_best_policy_of_the_two_stage_choice():
    problem, features = preferences.two_stage_choice()
    solution = mdpkit.solve(problem)
    assert abs(solution.V[0, 0] - max(VALUES)) < 1e-12
    assert solution.policy[0, 0] == 0
    assert solution.policy[1, 1:].tolist() == [0, 1]
    np.testing.assert_array_equal(features.reshape(6, 6), np.eye(6))
