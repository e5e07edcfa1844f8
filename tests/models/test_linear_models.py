"""Linear MDPs, linear mixtures and bandits: what they describe, what they refuse, that they never change."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.errors import (
    DiscountError,
    InputError,
    NonFiniteRewardError,
    NotStochasticError,
    ShapeError,
    StateIndexError,
    UnknownOptionError,
)
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.models.bandits import FiniteArmedBandit, LinearBandit
from mdpkit.models.contextual_bandit import ContextualBandit
from mdpkit.models.linear_mdp import LinearMDP
from mdpkit.models.linear_mixture import LinearMixtureMDP

PHI = np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.25, 0.75]]])
MU = np.array([[0.5, 0.5], [0.0, 1.0]])
THETA = np.array([1.0, 0.0])


def matrix(model):
    """Transitions of a tabular model, shape (S, A, S)."""
    return model.rows.csr().toarray().reshape(model.n_states, model.n_actions, model.n_states)


def put(array, index, value):
    changed = np.array(array, dtype=float)
    changed[index] = value
    return changed


# ------------------------------------------------------------------ linear MDPs


def test_table_of_a_linear_mdp():
    table = LinearMDP(PHI, MU, THETA, gamma=0.9, initial=1, state_names=["x", "y"]).tabular()
    assert isinstance(table, TabularMDP)
    # By hand: row (s, a) mixes the two laws (1/2, 1/2) and (0, 1).
    np.testing.assert_allclose(matrix(table), [[[0.5, 0.5], [0.25, 0.75]], [[0, 1], [0.125, 0.875]]], atol=1e-16)
    np.testing.assert_allclose(table.pair_reward, [1, 0.5, 0, 0.25])
    assert table.gamma == 0.9
    assert table.state_names == ("x", "y")
    np.testing.assert_array_equal(table.initial, [0, 1])


def test_horizon_and_undiscounted():
    finite = LinearMDP(PHI, MU, THETA, horizon=4).tabular()
    assert isinstance(finite, FiniteHorizonMDP)
    assert (finite.horizon, finite.gamma, finite.is_homogeneous) == (4, 1.0, True)
    assert LinearMDP(PHI, MU, THETA, horizon=4, gamma=0.5).tabular().gamma == 0.5
    assert LinearMDP(PHI, MU, THETA).tabular().gamma is None
    assert repr(LinearMDP(PHI, MU, THETA, horizon=4)) == "LinearMDP(S=2, A=2, d=2, H=4)"


def test_dust_is_swept():
    mu = put(MU, (1, 0), -5e-11)
    table = LinearMDP(PHI, put(mu, (1, 1), 1 + 2e-9), THETA).tabular()
    assert matrix(table)[1, 0, 0] == 0.0
    np.testing.assert_allclose(matrix(table).sum(axis=2), 1.0, atol=1e-15)


def test_rank_may_be_below_the_dimension():
    tripled = LinearMDP(np.repeat(PHI, 3, axis=2) / 3, np.repeat(MU, 3, axis=0), np.repeat(THETA, 3))
    assert (tripled.dim, tripled.rank) == (6, 2)
    np.testing.assert_allclose(matrix(tripled.tabular()), matrix(LinearMDP(PHI, MU, THETA).tabular()), atol=1e-15)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.99))
def test_action_values_of_every_policy_are_linear(seed, gamma):
    """``q = phi (theta + gamma mu v)``, with v from the table by elimination."""
    rng = np.random.default_rng(seed)
    phi, mu = rng.dirichlet(np.ones(3), (5, 2)), rng.dirichlet(np.ones(5), 3)
    model = LinearMDP(phi, mu, rng.random(3), gamma=gamma)
    P, r = matrix(model.tabular()), model.tabular().pair_reward.reshape(5, 2)
    pi = rng.dirichlet(np.ones(2), 5)
    v = np.linalg.solve(np.eye(5) - gamma * np.einsum("sa,sat->st", pi, P), (pi * r).sum(axis=1))
    np.testing.assert_allclose(model.phi @ (model.theta + gamma * model.mu @ v), r + gamma * P @ v, rtol=1e-11)


@pytest.mark.parametrize(
    ("build", "error", "argument", "index", "mentions"),
    [
        (lambda: LinearMDP(PHI[0], MU, THETA), ShapeError, "phi", None, "(S, A, d)"),
        (lambda: LinearMDP(np.zeros((2, 0, 2)), MU, THETA), ShapeError, "phi", None, "(2, 0, 2)"),
        (lambda: LinearMDP(PHI, MU.T[:1], THETA), ShapeError, "mu", None, "(2, 2)"),
        (lambda: LinearMDP(PHI, MU, [1.0]), ShapeError, "theta", None, "(2,)"),
        (lambda: LinearMDP(put(PHI, (1, 0, 1), np.nan), MU, THETA), InputError, "phi", (1, 0, 1), "nan"),
        (lambda: LinearMDP(PHI, put(MU, (0, 1), np.inf), THETA), InputError, "mu", (0, 1), "inf"),
        (lambda: LinearMDP(PHI, MU, [np.inf, 0]), NonFiniteRewardError, "theta", 0, "inf"),
        (
            lambda: LinearMDP(PHI, [[1.5, -0.5], [0, 1]], THETA),
            NotStochasticError,
            "phi",
            (0, 0, 1),
            "[0, 0, 1] = -0.5",
        ),
        (
            lambda: LinearMDP(put(PHI, (1, 1, 0), 0.2), MU, THETA),
            NotStochasticError,
            "phi",
            (1, 1),
            "[1, 1] sums to 0.95",
        ),
        (lambda: LinearMDP(put(PHI, (1, 1, 0), 0.25 + 1e-7), MU, THETA), NotStochasticError, "phi", (1, 1), "[1, 1]"),
        (lambda: LinearMDP(PHI, MU, [0, 2]), InputError, "theta", (1, 0), "bounded_reward=False"),
        (lambda: LinearMDP(PHI, MU, [-1e-9, 0]), InputError, "theta", (0, 0), "outside [0, 1]"),
        (lambda: LinearMDP(PHI, MU, THETA, gamma=1.1), DiscountError, "gamma", None, "1.1"),
        (lambda: LinearMDP(PHI, MU, THETA, horizon=0), InputError, "horizon", None, "0"),
        (lambda: LinearMDP(PHI, MU, THETA, initial=2), StateIndexError, "initial", None, "2"),
        (lambda: LinearMDP(PHI, MU, THETA, action_names=["a"]), ShapeError, "action_names", None, "2 names"),
    ],
)
def test_linear_mdp_refuses(build, error, argument, index, mentions):
    with pytest.raises(error) as caught:
        build()
    assert isinstance(caught.value, ValueError)
    assert (caught.value.argument, caught.value.index) == (argument, index)
    assert mentions in str(caught.value)
    assert "sum_to_one" not in str(caught.value), "a keyword LinearMDP does not have"


def test_large_models_are_checked_to_the_last_state(monkeypatch):
    monkeypatch.setattr("mdpkit.models.linear_mdp.BLOCK", 4)
    rng = np.random.default_rng(0)
    phi, mu = rng.dirichlet(np.ones(2), (7, 2)), rng.dirichlet(np.ones(7), 2)
    LinearMDP(phi, mu, [0, 0])
    phi[6, 1] = [0.5, 0.6]
    with pytest.raises(NotStochasticError, match=r"\[6, 1\] sums to 1\.0999"):
        LinearMDP(phi, mu, [0, 0])
    phi[6, 1] = [1e3, 1 - 1e3]
    with pytest.raises(NotStochasticError, match=r"\[6, 1, \d\] = -"):
        LinearMDP(phi, mu, [0, 0])


def test_unbounded_rewards_on_request():
    model = LinearMDP(PHI, MU, [5.0, -3.0], bounded_reward=False)
    assert model.tabular().reward(0, 1) == 1.0
    pickle.loads(pickle.dumps(model))  # remembers that it asked


# ------------------------------------------------------------------ linear mixtures

RNG = np.random.default_rng(1)
KERNELS = RNG.dirichlet(np.ones(4), (3, 4, 2))
REWARDS = RNG.random((4, 2))


def test_linear_mixture():
    weights = np.array([0.2, 0.3, 0.5])
    model = LinearMixtureMDP(KERNELS, weights, REWARDS, horizon=5, initial=0)
    P = 0.2 * KERNELS[0] + 0.3 * KERNELS[1] + 0.5 * KERNELS[2]
    table = model.tabular()
    np.testing.assert_allclose(matrix(table.stages[0]), P, rtol=1e-14)
    V = RNG.random(4)
    features = model.features(V)
    assert features.shape == (4, 2, 3)
    for i in range(3):
        np.testing.assert_allclose(features[..., i], KERNELS[i] @ V, rtol=1e-14)
    np.testing.assert_allclose(features @ weights, P @ V, rtol=1e-13)
    assert (model.dim, model.n_states, model.n_actions, model.horizon) == (3, 4, 2, 5)
    assert repr(model) == "LinearMixtureMDP(S=4, A=2, d=3, H=5)"


def test_mixture_of_signed_kernels():
    """Only the mixture must be a law: (2, -1) times (P, 2 P - Q) is Q."""
    P, Q = KERNELS[0], KERNELS[1]
    model = LinearMixtureMDP([P, 2 * P - Q], [2, -1], REWARDS)
    np.testing.assert_allclose(matrix(model.tabular()), Q, atol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "error", "argument"),
    [
        ((KERNELS[0], [1.0], REWARDS), ShapeError, "kernels"),
        ((KERNELS[:, :3], [0.2, 0.3, 0.5], REWARDS), ShapeError, "kernels"),
        ((KERNELS, [0.5, 0.5], REWARDS), ShapeError, "theta"),
        ((KERNELS, [0.2, 0.3, 0.5], REWARDS.T), ShapeError, "r"),
        ((KERNELS, [0.2, 0.3, 0.4], REWARDS), NotStochasticError, "kernels"),
        ((KERNELS, [3.0, -2.5, 0.5], REWARDS), NotStochasticError, "kernels"),
        ((KERNELS, [0.2, np.nan, 0.5], REWARDS), InputError, "theta"),
        ((KERNELS, [0.2, 0.3, 0.5], REWARDS + 1), InputError, "r"),
        ((KERNELS, [0.2, 0.3, 0.5], put(REWARDS, (3, 1), np.nan)), NonFiniteRewardError, "r"),
    ],
)
def test_linear_mixture_refuses(arguments, error, argument):
    with pytest.raises(error) as caught:
        LinearMixtureMDP(*arguments)
    assert caught.value.argument == argument


def test_linear_mixture_values_have_a_length():
    with pytest.raises(ShapeError, match="V must"):
        LinearMixtureMDP(KERNELS, [0.2, 0.3, 0.5], REWARDS).features([1.0, 2.0])


# ------------------------------------------------------------------ bandits


def test_finite_arms():
    bandit = FiniteArmedBandit([0.5, 2.0, 2.0, -1.0], sigma=0.0)
    assert (bandit.n_actions, bandit.optimal_action, bandit.sigma) == (4, 1, 0.0)
    np.testing.assert_array_equal(bandit.gaps, [1.5, 0, 0, 3])
    assert bandit.sample(3, np.random.default_rng(0)) == -1.0
    assert repr(FiniteArmedBandit([0.5], noise="bernoulli")) == "FiniteArmedBandit(K=1, bernoulli)"


def test_laws_of_the_rewards():
    """Mean and spread within 6 standard errors: at most 2e-9 false alarm each (Hoeffding and Gaussian tails)."""
    n, rng = 4000, np.random.default_rng(2)
    coin = FiniteArmedBandit([0.3, 0.8], noise="bernoulli")
    draws = np.array([coin.sample(1, rng) for _ in range(n)])
    assert set(draws) == {0.0, 1.0}
    assert abs(draws.mean() - 0.8) <= 6 * 0.5 / math.sqrt(n)
    for bandit, mean in (
        (FiniteArmedBandit([1.0, -2.0], sigma=3.0), -2.0),
        (LinearBandit([[1, 0], [1, 1]], [4, -6], sigma=3.0), -2.0),
    ):
        draws = np.array([bandit.sample(1, rng) for _ in range(n)])
        assert abs(draws.mean() - mean) <= 6 * 3 / math.sqrt(n)
        # The variance of a sample variance is 2 sigma^4 / (n - 1).
        assert abs(draws.var(ddof=1) / 9 - 1) <= 7 * math.sqrt(2 / (n - 1))


def test_ties_within_rounding_go_to_the_first():
    features = [[0.1, 0.2], [0.3, 0.0]]  # 0.1 + 0.2 against 0.3: the first is larger by one unit, or equal
    assert LinearBandit(features, [1.0, 1.0]).optimal_action == 0
    assert LinearBandit(features[::-1], [1.0, 1.0]).optimal_action == 0


def test_contextual_bandit():
    features = np.arange(12.0).reshape(2, 3, 2)
    bandit = ContextualBandit(features, [0.25, 0.75], theta=[1, -2], sigma=0)
    np.testing.assert_allclose(bandit.means, features[..., 0] - 2 * features[..., 1])
    assert bandit.optimal_action.tolist() == [0, 0]
    np.testing.assert_allclose(bandit.gaps, [[0, 2, 4], [0, 2, 4]])
    assert (bandit.n_contexts, bandit.n_actions, bandit.dim) == (2, 3, 2)
    rng = np.random.default_rng(3)
    assert bandit.sample(2, rng, context=1) == 10 - 22
    n = 4000
    share = np.mean([bandit.sample_context(rng) for _ in range(n)])
    assert abs(share - 0.75) <= 6 * 0.5 / math.sqrt(n)  # Hoeffding: 2 exp(-18 * 2 / 2) < 4e-8


def test_contexts_of_probability_zero_never_appear():
    bandit = ContextualBandit(np.ones((4, 1, 1)), [0.0, 1.0, 0.0, 0.0])

    class Edge(np.random.Generator):
        def __init__(self, value):
            super().__init__(np.random.PCG64(0))
            self.value = value

        def random(self, *_, **__):
            return self.value

    assert {bandit.sample_context(Edge(u)) for u in (0.0, 0.5, 1 - 2.0**-53)} == {1}
    # Ten times 0.1 adds up to the largest double below 1, which a uniform draw can be.
    tenths = ContextualBandit(np.ones((11, 1, 1)), [0.1] * 10 + [0.0])
    assert tenths.sample_context(Edge(1 - 2.0**-53)) == 9


def test_contextual_bandit_without_rewards():
    bandit = ContextualBandit(np.ones((2, 2, 1)), [0.5, 0.5])
    assert repr(bandit) == "ContextualBandit(X=2, A=2, d=1)"
    for read in (lambda: bandit.means, lambda: bandit.gaps, lambda: bandit.optimal_action):
        with pytest.raises(InputError, match="pass theta"):
            read()


@pytest.mark.parametrize(
    ("build", "error", "argument"),
    [
        (lambda: FiniteArmedBandit([]), ShapeError, "means"),
        (lambda: FiniteArmedBandit([[1.0]]), ShapeError, "means"),
        (lambda: FiniteArmedBandit([1.0, np.nan]), InputError, "means"),
        (lambda: FiniteArmedBandit([0.5, 1.2], noise="bernoulli"), InputError, "means"),
        (lambda: FiniteArmedBandit([0.5], noise="cauchy"), UnknownOptionError, "noise"),
        (lambda: FiniteArmedBandit([0.5], sigma=-1), InputError, "sigma"),
        (lambda: FiniteArmedBandit([0.5], sigma=None), InputError, "sigma"),
        (lambda: LinearBandit([1.0], [1.0]), ShapeError, "features"),
        (lambda: LinearBandit([[1.0, 2.0]], [1.0]), ShapeError, "theta"),
        (lambda: LinearBandit([[1.0, np.inf]], [1.0, 0.0]), InputError, "features"),
        (lambda: ContextualBandit([[1.0]], [1.0]), ShapeError, "features"),
        (lambda: ContextualBandit([[[1.0]]], [0.5, 0.5]), ShapeError, "distribution"),
        (lambda: ContextualBandit([[[1.0]], [[1.0]]], [0.5, 0.6]), NotStochasticError, "distribution"),
        (lambda: ContextualBandit([[[1.0]], [[1.0]]], [1.5, -0.5]), NotStochasticError, "distribution"),
        (lambda: ContextualBandit([[[np.nan]]], [1.0]), InputError, "features"),
    ],
)
def test_bandits_refuse(build, error, argument):
    with pytest.raises(error) as caught:
        build()
    assert caught.value.argument == argument
    assert argument in str(caught.value)


@pytest.mark.parametrize("action", [-1, 2, 0.0, True, "0"])
def test_actions_are_indices(action):
    rng = np.random.default_rng(0)
    for pull in (
        lambda: FiniteArmedBandit([1, 2]).sample(action, rng),
        lambda: LinearBandit(np.eye(2), [1, 2]).sample(action, rng),
        lambda: ContextualBandit(np.ones((2, 2, 1)), [1, 0], [1]).sample(action, rng, context=0),
        lambda: ContextualBandit(np.ones((2, 2, 1)), [1, 0], [1]).sample(0, rng, context=action),
    ):
        with pytest.raises(StateIndexError, match=r"in 0\.\.1"):
            pull()


# ------------------------------------------------------------------ what all have in common

MODELS = [
    LinearMDP(PHI, MU, THETA, gamma=0.9, initial=[0.5, 0.5], state_names="xy", action_names="ab"),
    LinearMixtureMDP(KERNELS, [0.2, 0.3, 0.5], REWARDS, horizon=3),
    FiniteArmedBandit([0.2, 0.5], noise="bernoulli"),
    LinearBandit(np.eye(2), [1, 2], sigma=0.5),
    ContextualBandit(np.ones((2, 2, 1)), [0.3, 0.7], [1]),
    ContextualBandit(np.ones((2, 2, 1)), [0.3, 0.7]),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_models_are_immutable_and_travel(model):
    fields = {name for kind in type(model).__mro__ for name in getattr(kind, "__slots__", ())}
    copy = pickle.loads(pickle.dumps(model))
    assert repr(copy) == repr(model)
    for name in fields:
        mine, theirs = getattr(model, name), getattr(copy, name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert not mine.flags.writeable
            assert not theirs.flags.writeable
        else:
            assert mine == theirs
    with pytest.raises(AttributeError, match="immutable"):
        setattr(model, next(iter(fields)), 0)


def test_arrays_are_shared_and_not_frozen():
    phi = PHI.copy()
    model = LinearMDP(phi, MU, THETA)
    assert np.shares_memory(model.phi, phi)
    assert phi.flags.writeable
    before = phi.copy()
    model.tabular()
    np.testing.assert_array_equal(phi, before)
