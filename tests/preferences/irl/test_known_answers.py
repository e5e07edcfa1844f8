"""Fits whose answer is a formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

import mdpkit
from mdpkit.errors import MLENotAttainedError
from mdpkit.feedback import EpisodicSimulator, OfflineDataset
from mdpkit.preferences.irl import MaxEntFit, causal_maxent_irl, chart, maxent_irl
from mdpkit.preferences.irl.demonstrations import read_features, read_problem
from mdpkit.preferences.irl.soft_model import SoftModel

FRONTS = [maxent_irl, causal_maxent_irl]

ONE_STEP = mdpkit.FiniteHorizonMDP([[[1.0], [1.0], [1.0]]], r=[[0.0, 0.0, 0.0]], horizon=1, initial=0)
LADDER = np.array([[[0.0], [1.0], [2.0]]])
"""prefs.md 7.8: three actions with features 0, 1, 2, taken 2, 3 and 5 times."""


def ladder_data(counts=(2, 3, 5)):
    action = np.repeat(np.arange(3), counts)
    n = len(action)
    return OfflineDataset(range(n), [0] * n, [0] * n, action, [0.0] * n, [0] * n)


@pytest.mark.parametrize("front", FRONTS)
def test_ladder(front):
    fit = front(ONE_STEP, LADDER, ladder_data())
    theta = math.log((0.3 + math.sqrt(3.73)) / 1.4)  # of sum_k (k - 1.3) e^(k theta) = 0, a quadratic in e^theta
    assert theta == pytest.approx(0.466121456742, abs=1e-12)
    assert fit.theta[0] == pytest.approx(theta, abs=1e-14)
    assert fit.information[0, 0] == pytest.approx(0.599559736139, abs=1e-12)
    assert fit.cov[0, 0] == pytest.approx(1 / (10 * 0.599559736139), rel=1e-11)
    assert fit.expected_features[0] == pytest.approx(1.3, abs=1e-15)
    assert fit.nll == pytest.approx(math.log(1 + math.exp(theta) + math.exp(2 * theta)) - 1.3 * theta, abs=1e-15)
    np.testing.assert_allclose(fit.policy[0, 0], np.exp(theta * np.arange(3) - fit.V[0, 0]), rtol=1e-15)
    assert fit.n_demonstrations == 10
    # The mean alone says the same of theta, but counts as one demonstration.
    alone = front(ONE_STEP, LADDER, [1.3])
    assert alone.theta[0] == pytest.approx(theta, abs=1e-14)
    assert alone.cov[0, 0] == pytest.approx(10 * fit.cov[0, 0], rel=1e-12)
    assert alone.n_demonstrations == 1


@pytest.mark.parametrize("front", FRONTS)
def test_ladder_with_a_penalty(front):
    """Minimizes ``10 nll + theta^2``: ``10 (E phi - 1.3) + 2 theta = 0``."""

    def slope(x):
        weights = np.exp(x * np.arange(3))
        return 10 * (weights @ np.arange(3) / weights.sum() - 1.3) + 2 * x

    fit = front(ONE_STEP, LADDER, ladder_data(), alpha=2.0)
    assert fit.theta[0] == pytest.approx(brentq(slope, 0, 1, xtol=1e-15), abs=1e-14)
    assert fit.cov[0, 0] == pytest.approx(1 / (10 * fit.information[0, 0] + 2.0), rel=1e-14)
    # A penalty is measured against n demonstrations, so the mean alone is pulled ten times as hard.
    assert front(ONE_STEP, LADDER, [1.3], alpha=0.2).theta[0] == pytest.approx(fit.theta[0], abs=1e-14)


def test_a_penalty_makes_separable_data_finite():
    """Only the best action was seen, k times: ``k (1 - p) = alpha theta`` for two actions with features 0 and 1."""
    problem = mdpkit.FiniteHorizonMDP([[[1.0], [1.0]]], r=[[0.0, 0.0]], horizon=1)
    data = OfflineDataset([0, 1, 2], [0] * 3, [0] * 3, [1] * 3, [0.0] * 3, [0] * 3)
    for alpha in (1.0, 1e-3, 1e-9):
        fit = maxent_irl(problem, [[[0.0], [1.0]]], data, alpha=alpha)
        root = brentq(lambda x, a=alpha: 3 / (1 + math.exp(x)) - a * x, 0, 100, xtol=1e-14)
        assert fit.theta[0] == pytest.approx(root, rel=1e-8)


def test_the_end_of_a_combination_lock():
    """One of ``4^H`` sequences opens the lock and half of the demonstrations do: ``e^theta = 4^H - 1``.

    Under the uniform policy the information is ``4^-H``; the rank is a matter of structure all the same.
    """
    H = 25
    features = np.zeros((H, H + 1, 4, 1))
    P = np.zeros((H + 1, 4, H + 1))
    P[:, 1:, H] = 1.0
    P[np.arange(H), 0, np.arange(1, H + 1)] = 1.0
    P[H, :, :] = np.eye(H + 1)[H]
    features[H - 1, H - 1, 0] = 1.0
    problem = mdpkit.FiniteHorizonMDP(P, np.zeros((H + 1, 4)), horizon=H, initial=0)
    fit = maxent_irl(problem, features, [0.5])
    assert fit.converged
    assert fit.rank == 1
    assert fit.theta[0] == pytest.approx(math.log(4.0**H - 1), rel=1e-12)
    assert fit.information[0, 0] == pytest.approx(0.25, rel=1e-10)


# ------------------------------------------------------------------ random transitions

# Action 0 is safe (state 3); action 1 gambles: state 1 pays +1, state 2 pays -1, with equal chances.
GAMBLE = mdpkit.FiniteHorizonMDP(
    [[[0, 0, 0, 1.0], [0, 0.5, 0.5, 0]], *[[np.eye(4)[s], np.eye(4)[s]] for s in (1, 2, 3)]],
    r=[[0, 0], [0, -np.inf], [0, -np.inf], [0, -np.inf]],
    horizon=2,
    initial=0,
)
GAMBLE_FEATURES = np.zeros((2, 4, 2, 2))
GAMBLE_FEATURES[0, 0, 1, 0] = 1.0  # how often they gamble
GAMBLE_FEATURES[1, 1, 0, 1], GAMBLE_FEATURES[1, 2, 0, 1] = 1.0, -1.0  # how much they win


def test_causal_model_takes_no_luck_for_a_choice():
    """The example of `causal_maxent_irl`, by hand."""
    steps = read_problem(GAMBLE, deterministic=False)
    model = SoftModel(steps, read_features(GAMBLE_FEATURES, steps, 4, 2), np.ones(2), GAMBLE.initial)
    for theta in (0.0, 1.0, 3.0):
        _, policy = model.values(np.array([0.0, theta]))
        np.testing.assert_allclose(policy[0][:2], [0.5, 0.5], atol=1e-15)
        # The softmax over the three trajectories, with p(tau) = 1, 1/2, 1/2 and payoffs 0, 1, -1.
        weights = np.array([1.0, 0.5, 0.5]) * np.exp(theta * np.array([0.0, 1.0, -1.0]))
        gambles = weights[1:].sum() / weights.sum()
        assert gambles == pytest.approx(math.cosh(theta) / (1 + math.cosh(theta)), rel=1e-14)
        assert theta == 0.0 or gambles > 0.6

    # Winning is luck: it is not identified, and theta for gambling is the log-odds.
    fit = causal_maxent_irl(GAMBLE, GAMBLE_FEATURES, [0.7, 0.0])
    assert fit.rank == 1
    np.testing.assert_allclose(np.abs(fit.null_basis[:, 0]), [0.0, 1.0], atol=1e-15)
    np.testing.assert_allclose(fit.theta, [math.log(7 / 3), 0.0], atol=1e-14)
    # Gamblers who won more often than they lost were lucky, and no policy is: the softmax would call it skill.
    with pytest.raises(MLENotAttainedError, match="outside of the achievable") as error:
        causal_maxent_irl(GAMBLE, GAMBLE_FEATURES, [0.7, 0.1])
    np.testing.assert_allclose(error.value.direction, [0.0, 1.0], atol=1e-12)


def test_covariance_counts_the_luck_of_transitions():
    """The example of `causal_maxent_irl`: reaching the goal is a coin, and of its variance the actions make little.

    ``pi(1) = 3/4`` moves the chance of the goal between 0.2 and 0.8: the information is ``3/4 1/4 0.6^2``, the variance
    of one demonstration ``0.65 0.35``. By the delta method ``theta = log(pi / (1 - pi)) / 0.6`` with
    ``pi = (goal - 0.2) / 0.6`` has the variance ``0.65 0.35 / (3/16 0.36)^2``.
    """
    P = [[[0.0, 0.8, 0.2], [0.0, 0.2, 0.8]], [[0, 1, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 1]]]
    problem = mdpkit.FiniteHorizonMDP(P, r=[[0, 0]] * 3, horizon=2, initial=0)
    fit = causal_maxent_irl(problem, [[[0.0], [0.0]], [[0.0], [0.0]], [[1.0], [1.0]]], [0.65])
    assert fit.theta[0] == pytest.approx(math.log(3) / 0.6, rel=1e-14)
    assert fit.information[0, 0] == pytest.approx(3 / 16 * 0.36, rel=1e-13)
    assert fit.feature_covariance[0, 0] == pytest.approx(0.65 * 0.35, rel=1e-13)
    assert fit.cov[0, 0] == pytest.approx(0.65 * 0.35 / (3 / 16 * 0.36) ** 2, rel=1e-13)
    # Entropies of the two coins that the policy tosses; in the last step actions do not matter.
    assert fit.nll == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) + math.log(2), rel=1e-14)


# ------------------------------------------------------------------ what features may look like


def test_constant_and_repeated_features():
    """A constant and two copies: the copies share the weight, the constant gets none; no blow-up."""
    ladder = np.concatenate([np.full((1, 3, 1), 1e6), LADDER, LADDER], axis=2)
    fit = maxent_irl(ONE_STEP, ladder, ladder_data())
    assert fit.rank == 1
    theta = math.log((0.3 + math.sqrt(3.73)) / 1.4)
    np.testing.assert_allclose(fit.theta, [0.0, theta / 2, theta / 2], atol=1e-14)
    np.testing.assert_allclose(fit.null_basis.T @ [0.0, 1.0, 1.0], 0.0, atol=1e-15)
    np.testing.assert_allclose(fit.cov[1:, 1:], 1 / (4 * 10 * 0.599559736139), rtol=1e-11)
    np.testing.assert_allclose(fit.cov[0], 0.0, atol=1e-15)
    np.testing.assert_allclose(fit.expected_features, [1e6, 1.3, 1.3], atol=1e-9)


def test_rank_does_not_depend_on_how_rows_are_condensed(monkeypatch):
    """Features of ten steps and four states, of rank 4 out of 6 by construction, taken up at once or step by step."""
    rng = np.random.default_rng(2)
    P = rng.dirichlet(np.ones(4), size=(10, 4, 3))
    features = rng.standard_normal((10, 4, 3, 4)) @ rng.standard_normal((4, 6))
    problem = mdpkit.FiniteHorizonMDP(P, np.zeros((10, 4, 3)), initial=0)
    mean = np.einsum("hsad->d", features) / 12
    fits = []
    for size in (1 << 22, 1):
        monkeypatch.setattr(chart, "LARGEST_STACK", size)
        fits.append(causal_maxent_irl(problem, features, mean, alpha=0.1))
    assert fits[0].rank == fits[1].rank == 4
    projections = [fit.null_basis @ fit.null_basis.T for fit in fits]
    np.testing.assert_allclose(projections[0], projections[1], atol=1e-12)
    np.testing.assert_allclose(features @ fits[0].null_basis, 0.0, atol=1e-12)


def test_nothing_to_choose():
    problem = mdpkit.FiniteHorizonMDP(np.ones((1, 1, 1)), [[0.0]], horizon=2, initial=0)
    fit = maxent_irl(problem, np.ones((1, 1, 2)), [2.0, 2.0])
    assert fit.converged
    assert fit.rank == 0
    assert (fit.theta == 0.0).all()
    assert (fit.cov == 0.0).all()
    np.testing.assert_array_equal(fit.null_basis @ fit.null_basis.T, np.eye(2))


def test_states_out_of_reach_do_not_count():
    """Whatever stands where nothing leads: enormous features there change nothing, missing pairs may hold NaN."""
    P = [[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0]] * 4]
    r = [[0.0, 0.0, 0.0, -np.inf], [0.0] * 4]
    problem = mdpkit.FiniteHorizonMDP(P, r, horizon=1, initial=0)
    features = np.full((2, 4, 1), 1e9) * np.arange(4.0)[:, None]
    features[0] = [[0.0], [1.0], [2.0], [np.nan]]
    fit = maxent_irl(problem, features, [1.3])
    assert fit.converged
    assert fit.theta[0] == pytest.approx(math.log((0.3 + math.sqrt(3.73)) / 1.4), abs=1e-14)
    assert fit.policy[0, 0, 3] == 0.0
    assert fit.policy[0, 1].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_discount_weighs_features():
    """Two steps of the same choice with gamma = 1/2: log-odds ``theta`` and ``theta / 2``."""
    problem = mdpkit.FiniteHorizonMDP(np.ones((1, 2, 1)), [[0.0, 0.0]], horizon=2, gamma=0.5, initial=0)
    mean = 1 / (1 + math.exp(-0.8)) + 0.5 / (1 + math.exp(-0.4))
    fit = maxent_irl(problem, [[[0.0], [1.0]]], [mean])
    assert fit.theta[0] == pytest.approx(0.8, abs=1e-14)
    np.testing.assert_allclose(fit.policy[:, 0, 1], [1 / (1 + math.exp(-0.8)), 1 / (1 + math.exp(-0.4))], rtol=1e-14)
    assert fit.V[1, 0] == pytest.approx(math.log(1 + math.exp(0.4)), rel=1e-14)


# ------------------------------------------------------------------ datasets


def test_law_of_first_states_comes_from_the_data():
    """State 0 has features 0 and 1, state 1 has 0 and 2; only the data say how often each was the first."""
    P = np.tile(np.eye(2)[:, None, :], (1, 2, 1))
    problem = mdpkit.FiniteHorizonMDP(P, np.zeros((2, 2)), horizon=1, initial=1)
    state, action = [0, 0, 0, 1], [0, 1, 1, 0]
    data = OfflineDataset(range(4), [0] * 4, state, action, [0.0] * 4, state)
    fit = maxent_irl(problem, [[[0.0], [1.0]], [[0.0], [2.0]]], data)

    def slope(x):
        return 3 * (1 / (1 + math.exp(-x))) + 2 / (1 + math.exp(-2 * x)) - 2

    assert fit.theta[0] == pytest.approx(brentq(slope, -5, 5, xtol=1e-15), abs=1e-14)


def test_lines_in_any_order():
    problem = mdpkit.FiniteHorizonMDP(np.ones((1, 3, 1)), np.zeros((1, 3)), horizon=3)
    rng = np.random.default_rng(0)
    episode, step = np.repeat([4, 0, 9], 3), np.tile(np.arange(3), 3)
    action = np.array([0, 1, 2, 2, 2, 1, 0, 0, 1])
    order = rng.permutation(9)
    fits = [
        maxent_irl(problem, LADDER, OfflineDataset(episode[k], step[k], [0] * 9, action[k], [0.0] * 9, [0] * 9))
        for k in (np.arange(9), order)
    ]
    assert fits[0].demonstrated_features.tolist() == [3.0]
    assert fits[0].theta == fits[1].theta
    assert abs(fits[0].theta[0]) < 1e-15


def test_episodes_that_end_early_rest_in_their_terminal_state():
    """The simulator stops where nothing happens any more; written out in full, the data say the same."""
    P = [[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]
    problem = mdpkit.FiniteHorizonMDP(P, [[1.0, 0.0], [0.0, 0.0]], horizon=4, initial=0)
    features = [[[1.0], [0.0]], [[0.25], [0.25]]]
    data = EpisodicSimulator(problem, seed=5).rollout([[0.5, 0.5], [0.5, 0.5]], 40)
    assert data.terminal.any()
    assert len(data) < 4 * 40
    rows = []
    for e in range(40):
        own = np.flatnonzero(data.episode == e)
        rows += [(e, h, data.state[i], data.action[i], data.successor[i]) for h, i in enumerate(own)]
        rows += [(e, h, 1, 1, 1) for h in range(len(own), 4)]
    episode, step, state, action, successor = np.array(rows).T
    full = OfflineDataset(episode, step, state, action, np.zeros(len(rows)), successor)
    fits = [maxent_irl(problem, features, given) for given in (data, full)]
    assert fits[0].demonstrated_features == pytest.approx(fits[1].demonstrated_features, rel=1e-14)
    np.testing.assert_allclose(fits[0].theta, fits[1].theta, rtol=1e-12)
    assert fits[0].converged


def test_representation_is_short():
    fit = maxent_irl(ONE_STEP, LADDER, ladder_data())
    assert isinstance(fit, MaxEntFit)
    assert (
        repr(fit) == f"MaxEntFit(d=1, rank=1, n=10, nll={fit.nll:.6g}, alpha=0, iterations={fit.iterations}, converged)"
    )
    assert fit.message.startswith("Converged: ")
