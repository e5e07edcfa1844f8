"""Features of trajectories: what `trajectory_features` and `TrajectoryOracle` report of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import FiniteHorizonMDP, TabularMDP
from mdpkit.errors import StateIndexError
from mdpkit.feedback import (
    ComparisonOracle,
    OfflineDataset,
    TrajectoryOracle,
    trajectory_features,
)
from mdpkit.testing import finite_horizon_mdps, linear_mdps, offline_datasets, tabular_mdps
from tests.feedback.questions import dataset, tree

some = settings(deadline=None, max_examples=50)


def slow_features(data, features, gamma):
    """Add up one line at a time; an episode gets its row when it first appears."""
    rows = {}
    for e, h, s, a in zip(data.episode, data.step, data.state, data.action, strict=True):
        phi = features[h, s, a] if features.ndim == 4 else features[s, a]
        rows.setdefault(int(e), np.zeros(features.shape[-1]))[:] += gamma ** int(h) * phi
    return np.array(list(rows.values()))


def shuffled(data, seed):
    """The same lines in another order."""
    order = np.random.default_rng(seed).permutation(len(data))
    names = ("episode", "step", "state", "action", "reward", "successor")
    return OfflineDataset(
        **{name: getattr(data, name)[order] for name in names}, n_states=data.n_states, n_actions=data.n_actions
    )


def without_terminal_values(problem):
    return FiniteHorizonMDP.from_stages(problem.stages, gamma=problem.gamma, initial=problem.initial)


class Open(TrajectoryOracle):
    """An oracle that shows the utilities it compares."""

    def _first_wins(self, first, second):
        self.seen = np.array([first, second])
        return super()._first_wins(first, second)


@some
@given(st.data(), st.sampled_from((1.0, 0.5, 0.0, None)), st.booleans(), st.integers(0, 99))
def test_features_match_a_loop(data, gamma, timed, seed):
    problem = data.draw(finite_horizon_mdps())
    logged = shuffled(data.draw(offline_datasets(problem)), seed)
    shape = (problem.horizon,) * timed + (problem.n_states, problem.n_actions, 3)
    features = np.random.default_rng(seed).normal(size=shape)
    found = trajectory_features(logged, features, gamma=gamma)
    np.testing.assert_allclose(found, slow_features(logged, features, 1.0 if gamma is None else gamma), atol=1e-13)


@some
@given(st.data(), finite_horizon_mdps().map(without_terminal_values) | tabular_mdps(gammas=(0.5, 1.0, None)))
def test_utilities_are_returns_and_linear_in_the_default_features(data, model):
    """The return of a drawn episode, added up reward by reward, and the inner product with the table of rewards."""
    first = data.draw(offline_datasets(model))
    oracle = Open(model, seed=0)
    answers = oracle.duels(first, first)
    stages = (model,) * 6 if isinstance(model, TabularMDP) else model.stages
    rewards = np.array([np.where(stage.action_mask, stage.rewards, 0.0) for stage in stages])
    gamma = 1.0 if model.gamma is None else model.gamma
    returns = slow_features(first, rewards[..., None], gamma)[:, 0]
    np.testing.assert_allclose(oracle.seen, [returns, returns], atol=1e-12)
    np.testing.assert_array_equal(answers.first, trajectory_features(first, oracle.features, gamma=oracle.gamma))
    np.testing.assert_array_equal(answers.second, answers.first)
    # A pair that some steps lack has its reward from those that have it.
    known = np.array([stage.rewards for stage in stages])
    known = known if oracle.features.ndim == 4 else known.max(axis=0)
    theta = np.where(np.isfinite(known), known, 0.0).reshape(-1)
    assert len(theta) == oracle.dimension
    np.testing.assert_allclose(answers.first @ theta, returns, atol=1e-12)


@some
@given(st.data(), linear_mdps())
def test_a_linear_model_brings_its_features(data, model):
    first = data.draw(offline_datasets(model.tabular()))
    oracle = Open(model, seed=0)
    answers = oracle.duels(first, first)
    np.testing.assert_array_equal(oracle.features, model.phi)
    gamma = 1.0 if model.gamma is None else model.gamma
    np.testing.assert_allclose(answers.first, slow_features(first, model.phi, gamma), atol=1e-12)
    np.testing.assert_allclose(oracle.seen[0], answers.first @ model.theta, atol=1e-12)


def test_default_features_have_a_time_axis_only_if_rewards_change():
    stage = TabularMDP([[[1.0, 0.0]] * 2, [[0.0, 1.0]] * 2], [[1.0, 2.0], [0.0, 3.0]])
    moved = TabularMDP([[[0.5, 0.5]] * 2, [[0.0, 1.0]] * 2], [[1.0, 2.0], [0.0, 3.0]])
    shut = TabularMDP([[[0.5, 0.5]] * 2, [[0.0, 1.0]] * 2], [[1.0, -np.inf], [0.0, 3.0]])
    for later, dimension in ((stage, 4), (moved, 4), (shut, 4), (stage.with_rewards([[1.0, 2.0], [0.0, 4.0]]), 12)):
        oracle = ComparisonOracle(FiniteHorizonMDP.from_stages([stage, stage, later]), seed=0)
        assert oracle.dimension == oracle.features.shape[-1] == dimension
        assert oracle.features.shape[:-1] == ((2, 2) if dimension == 4 else (3, 2, 2))
        np.testing.assert_array_equal(oracle.features.reshape(dimension, dimension), np.eye(dimension))
        assert (oracle.n_states, oracle.n_actions, oracle.horizon, oracle.gamma) == (2, 2, 3, 1.0)


def test_features_with_time_bound_a_model_without_end():
    model = TabularMDP([[[1.0]]], [[1.0]])
    assert ComparisonOracle(model, seed=0).horizon is None
    oracle = ComparisonOracle(model, features=np.ones((2, 1, 1, 1)), seed=0)
    assert oracle.horizon == 2
    with pytest.raises(StateIndexError, match=r"first.step\[2\] = 2: step outside 0\.\.1"):
        oracle.duels(dataset([(0, 0)] * 3), dataset([(0, 0)]))


def test_no_episodes():
    empty = OfflineDataset([], [], [], [], [], [], n_states=3, n_actions=2)
    assert trajectory_features(empty, np.ones((3, 2, 5))).shape == (0, 5)
    oracle = ComparisonOracle(tree(), seed=0)
    assert len(oracle.duels(empty, empty)) == len(oracle.rank([empty, empty])) == oracle.queries == 0
