"""Pessimistic policies on drawn problems: optimality, the theorem, and agreement of independent routes."""

from __future__ import annotations

import warnings
from itertools import product

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit import bounds
from mdpkit.errors import InfeasibleError, InputError, ShapeError, UnknownOptionError
from mdpkit.feedback import LinearPairs
from mdpkit.models import ContextualBandit
from mdpkit.preferences import ConfidenceSet, fit_reward, pessimistic_policy
from mdpkit.preferences.pessimism.spaces import read_space
from mdpkit.testing import finite_horizon_mdps, policies, tabular_mdps

D = 3


def drawn_fit(seed, d=D, **options):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, 30, d))
    data = LinearPairs(first, second, rng.integers(2, size=30))
    return fit_reward(data, **({"alpha": 1.0} | options))


def drawn_bandit(rng, contexts, actions, d=D):
    return ContextualBandit(rng.normal(size=(contexts, actions, d)), rng.dirichlet(np.ones(contexts)))


def guarantee(region, c):
    """Return the closed form by a linear solve."""
    return c @ region.center - region.radius * np.sqrt(max(c @ np.linalg.solve(region.matrix, c), 0.0))


def start(problem):
    """Give a drawn problem an initial distribution."""
    S = problem.n_states
    law = np.arange(1, S + 1) / (S * (S + 1) / 2)
    if isinstance(problem, mdpkit.TabularMDP):
        return problem.with_initial(law)
    return mdpkit.FiniteHorizonMDP.from_stages(problem.stages, gamma=problem.gamma, initial=law)


def features_of(problem, seed, d=D):
    shape = (problem.n_states, problem.n_actions, d)
    if isinstance(problem, mdpkit.FiniteHorizonMDP) and seed % 2:
        shape = (problem.horizon, *shape)
    return np.random.default_rng(seed).normal(size=shape).round(2)


SEEDS = st.integers(0, 10_000)

# ---------------------------------------------------------------- optimality


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(1, 3), st.integers(1, 3), st.sampled_from(["zero", "data_mean"]))
def test_no_policy_of_a_bandit_has_a_better_guarantee(seed, contexts, actions, reference):
    rng = np.random.default_rng(seed)
    bandit, fit = drawn_bandit(rng, contexts, actions), drawn_fit(seed)
    options = {"radius": float(rng.uniform(0, 1.5)), "lam": 0.05, "reference": reference}
    best = pessimistic_policy(fit, bandit, **options)
    assert best.converged
    assert best.gap <= 1e-6
    assert best.lower == pytest.approx(guarantee(best.region, best.feature - best.reference), abs=1e-10)
    assert best.lower <= best.value + 1e-12
    weights = bandit.distribution[:, None, None]
    for _ in range(30):
        mixed = rng.dirichlet(np.full(actions, 0.3), size=contexts)
        u = (weights * mixed[:, :, None] * bandit.features).sum(axis=(0, 1))
        assert guarantee(best.region, u - best.reference) <= best.lower + best.gap + 1e-9
    pure = pessimistic_policy(fit, bandit, **options, method="deterministic")
    by_hand = []
    for choice in product(range(actions), repeat=contexts):
        u = sum(bandit.distribution[x] * bandit.features[x, a] for x, a in enumerate(choice))
        by_hand.append((guarantee(best.region, u - best.reference), choice))
    assert pure.lower == pytest.approx(max(by_hand)[0], abs=1e-10)
    point = pessimistic_policy(fit, bandit, **options, method="pointwise")
    assert point.lower <= pure.lower + 1e-9 <= best.lower + best.gap + 2e-9
    # its own objective, context by context, is a lower bound of the guarantee
    separate = sum(
        q * max(guarantee(best.region, phi - best.reference) for phi in row)
        for q, row in zip(bandit.distribution, bandit.features, strict=True)
    )
    assert separate <= point.lower + 1e-9


@settings(max_examples=20, deadline=None)
@given(finite_horizon_mdps(max_horizon=3, max_states=3, max_actions=2), SEEDS, st.data())
def test_no_policy_of_an_episode_has_a_better_guarantee(problem, seed, data):
    problem = start(problem)
    features, fit = features_of(problem, seed), drawn_fit(seed)
    best = pessimistic_policy(fit, problem, features, radius=0.4, lam=0.05)
    assert best.converged
    shape = (problem.horizon, *features.shape[-3:])
    full = np.broadcast_to(features, shape)

    def mean_feature(policy):
        return np.einsum("hsa,hsad->d", mdpkit.occupancy_measure(problem, policy), full)

    np.testing.assert_allclose(best.feature, mean_feature(best.policy), atol=1e-10)
    assert best.lower == pytest.approx(guarantee(best.region, best.feature - best.reference), abs=1e-9)
    for _ in range(5):
        other = data.draw(policies(problem))
        assert guarantee(best.region, mean_feature(other) - best.reference) <= best.lower + best.gap + 1e-9
    space = read_space(problem, features, D)
    options = [choice for _, choice in space.choices()]
    if np.prod([len(o) for o in options]) <= 200:
        every = np.array(list(product(*options)))
        U = np.array([mean_feature(space.deterministic(actions)) for actions in every])
        np.testing.assert_allclose(space.mean_features(every), U, atol=1e-10)
        pure = pessimistic_policy(fit, problem, features, radius=0.4, lam=0.05, method="deterministic")
        assert pure.lower == pytest.approx(max(guarantee(best.region, u - best.reference) for u in U), abs=1e-9)
    point = pessimistic_policy(fit, problem, features, radius=0.4, lam=0.05, method="pointwise")
    assert point.lower <= best.lower + best.gap + 1e-9


@settings(max_examples=20, deadline=None)
@given(tabular_mdps(max_states=3, max_actions=2, gammas=(0.5, 0.0, 0.9)), SEEDS)
def test_no_policy_of_a_discounted_problem_has_a_better_guarantee(problem, seed):
    problem = start(problem)
    features, fit = features_of(problem, 2 * seed), drawn_fit(seed)
    best = pessimistic_policy(fit, problem, features, radius=0.4, lam=0.05)
    assert best.converged
    space = read_space(problem, features, D)
    every = np.array(list(product(*(choice for _, choice in space.choices()))))
    U = np.array(
        [
            np.einsum("sa,sad->d", mdpkit.occupancy_measure(problem, actions, normalized=True), features)
            for actions in every
        ]
    )
    np.testing.assert_allclose(space.mean_features(every), U, atol=1e-9)
    values = [guarantee(best.region, u - best.reference) for u in U]
    assert max(values) <= best.lower + best.gap + 1e-9
    pure = pessimistic_policy(fit, problem, features, radius=0.4, lam=0.05, method="deterministic")
    assert pure.lower == pytest.approx(max(values), abs=1e-9)
    assert best.lower >= pure.lower - 1e-6


# ---------------------------------------------------------------- the theorem


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from([0.1, 1.0, 3.0]), st.sampled_from(["socp", "deterministic"]))
def test_guarantee_and_suboptimality_hold_for_every_parameter_of_the_set(seed, radius, method):
    """Theorem 3.2 of Zhu et al. 2023 as an implication, without tolerance beyond the certified gap."""
    rng = np.random.default_rng(seed)
    bandit, fit = drawn_bandit(rng, 2, 3), drawn_fit(seed)
    best = pessimistic_policy(fit, bandit, radius=radius, lam=0.05, method=method)
    slack = 1e-9 + (best.gap if method == "socp" else 0.0)
    for _ in range(10):
        step = rng.normal(size=D)
        theta = fit.theta + step * radius / best.region.norm(step) * rng.uniform() ** (1 / 3)
        assert best.region.contains(theta)
        rewards = bandit.features @ theta
        optimal = np.argmax(rewards, axis=1)
        u_star = bandit.distribution @ bandit.features[np.arange(2), optimal]
        worth = best.feature @ theta
        assert worth - best.reference @ theta >= best.lower - 1e-9
        bound = bounds.pessimism_loss(radius=radius, matrix=best.region.matrix, direction=u_star - best.reference)
        assert u_star @ theta - worth <= bound + slack
    assert best.region.contains(best.worst, slack=1e-9)
    assert (best.feature - best.reference) @ best.worst == pytest.approx(best.lower, abs=1e-8)


# ---------------------------------------------------------------- the ball inside


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.booleans(), st.sampled_from([0.2, 0.6, 1.0]))
def test_inner_minimum_against_a_program_in_theta(seed, center, bound):
    """The library solves the dual over splits of the feature; this solves for the parameter."""
    rng = np.random.default_rng(seed)
    fit = drawn_fit(seed, norm_bound=bound, center=center, alpha=0.0)
    bandit = drawn_bandit(rng, 1, 1)
    radius = float(rng.uniform(0.05, 1.0))
    best = pessimistic_policy(fit, bandit, radius=radius, lam=0.05, reference="zero", inner="exact")
    theta = cp.Variable(D)
    L = np.linalg.cholesky(fit.design.regularized(0.05))
    constraints = [cp.norm2(L.T @ (theta - fit.theta)) <= radius, cp.norm2(theta) <= bound]
    constraints += [cp.sum(theta) == 0] if center else []
    program = cp.Problem(cp.Minimize(bandit.features[0, 0] @ theta), constraints)
    program.solve(solver=cp.CLARABEL)
    assert best.lower == pytest.approx(program.value, abs=2e-6)
    assert best.lower >= pessimistic_policy(fit, bandit, radius=radius, lam=0.05, reference="zero").lower - 1e-9
    assert best.region.contains(best.worst, slack=1e-9)


@settings(max_examples=6, deadline=None)  # a conic program for every guarantee
@given(SEEDS, st.booleans())
def test_policies_within_the_ball(seed, center):
    rng = np.random.default_rng(seed)
    fit = drawn_fit(seed, norm_bound=0.7, center=center, alpha=0.0)
    bandit = drawn_bandit(rng, 2, 2)
    options = {"radius": 0.8, "lam": 0.05, "inner": "exact"}
    best = pessimistic_policy(fit, bandit, **options)
    assert best.converged
    pure = pessimistic_policy(fit, bandit, **options, method="deterministic")
    assert pure.lower <= best.lower + best.gap + 1e-6
    for _ in range(3):
        mixed = rng.dirichlet(np.ones(2), size=2)
        u = np.einsum("x,xa,xad->d", bandit.distribution, mixed, bandit.features)
        one = ContextualBandit(u[None, None], [1.0])
        other = pessimistic_policy(fit, one, **options)
        assert other.lower <= best.lower + best.gap + 1e-6


# ---------------------------------------------------------------- what was never compared


def test_without_a_ridge_the_policy_stays_where_the_data_are():
    """Second coordinate never compared: with lam = 0 only mixtures that do not differ there have a guarantee."""
    fit = fit_reward(LinearPairs([[1.0, 0], [1.0, 0]], np.zeros((2, 2)), [1, 0], [3, 1]))
    bandit = ContextualBandit([[[1.0, 1.0], [1.0, -1.0], [0.5, 0.0]]], [1.0])
    best = pessimistic_policy(fit, bandit, radius=0.1, reference="zero")
    np.testing.assert_allclose(best.policy, [[0.5, 0.5, 0]], atol=1e-6)
    assert best.lower == pytest.approx(np.log(3) - 0.1, abs=1e-6)
    pure = pessimistic_policy(fit, bandit, radius=0.1, reference="zero", method="deterministic")
    assert pure.policy.tolist() == [2]
    blind = ContextualBandit([[[1.0, 1.0], [0.0, 2.0]]], [1.0])
    with pytest.raises(InfeasibleError, match="lam > 0"):
        pessimistic_policy(fit, blind, radius=0.1, reference="zero")
    assert pessimistic_policy(fit, blind, radius=0.1, reference="zero", method="deterministic").lower == -np.inf
    with pytest.raises(InputError, match="lam > 0"):
        pessimistic_policy(fit, blind, radius=0.1, reference="zero", method="pointwise")


@pytest.mark.parametrize("reference", ["zero", "data_mean"])
def test_nothing_compared_at_all(reference):
    """Without data and without a ridge nothing can be promised; with the ball alone, the worst is minus its radius."""
    none = np.zeros((0, 2))
    bandit = ContextualBandit(np.eye(2)[None], [1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InfeasibleError, match="lam > 0"):
            pessimistic_policy(fit_reward(LinearPairs(none, none, [])), bandit, radius=0.5, reference=reference)
        held = fit_reward(LinearPairs(none, none, []), norm_bound=1.0)
        best = pessimistic_policy(held, bandit, radius=0.5, reference=reference, inner="exact")
    assert best.converged
    # max over mixtures u of -||u||: the shortest is (1/2, 1/2)
    assert best.lower == pytest.approx(-(0.5**0.5), abs=1e-7)


def test_zero_radius_is_greedy():
    rng = np.random.default_rng(0)
    bandit, fit = drawn_bandit(rng, 3, 4), drawn_fit(0)
    for method in ("socp", "deterministic", "pointwise"):
        best = pessimistic_policy(fit, bandit, radius=0.0, lam=0.1, method=method)
        assert best.policy.tolist() == np.argmax(bandit.features @ fit.theta, axis=1).tolist()
        assert best.lower == pytest.approx(best.value)


def test_contexts_that_never_come():
    bandit = ContextualBandit(np.random.default_rng(0).normal(size=(2, 2, D)), [1.0, 0.0])
    best = pessimistic_policy(drawn_fit(0), bandit, radius=0.1, lam=0.1, method="deterministic")
    assert best.policy.shape == (2,)
    assert best.policy[1] == 0


# ---------------------------------------------------------------- bad input

FIT = drawn_fit(0)
BANDIT = drawn_bandit(np.random.default_rng(0), 2, 2)
EPISODE = start(mdpkit.FiniteHorizonMDP([[[1.0], [1.0]]], r=[[0.0, 0.0]], horizon=2))
GOOD = np.zeros((1, 2, D))


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda: pessimistic_policy(None, BANDIT, radius=1), InputError, "fit"),
        (lambda: pessimistic_policy(FIT, None, radius=1), InputError, "problem"),
        (lambda: pessimistic_policy(FIT, BANDIT, radius=-1), InputError, "radius"),
        (lambda: pessimistic_policy(FIT, BANDIT, radius=np.inf), InputError, "radius"),
        (lambda: pessimistic_policy(FIT, BANDIT, radius=1, lam=-0.1), InputError, "lam"),
        (lambda: pessimistic_policy(FIT, BANDIT, radius=1, method="lp"), UnknownOptionError, "method"),
        (lambda: pessimistic_policy(FIT, BANDIT, radius=1, inner="ball"), UnknownOptionError, "inner"),
        (lambda: pessimistic_policy(FIT, BANDIT, radius=1, inner="exact"), InputError, "inner"),
        (
            lambda: pessimistic_policy(FIT, BANDIT, radius=1, inner="exact", method="pointwise"),
            UnknownOptionError,
            "inner",
        ),
        (lambda: pessimistic_policy(FIT, BANDIT, radius=1, reference="mean"), UnknownOptionError, "reference"),
        (lambda: pessimistic_policy(FIT, BANDIT, radius=1, reference=[0.0]), ShapeError, "reference"),
        (lambda: pessimistic_policy(FIT, BANDIT, radius=1, reference=[0, np.nan, 0]), InputError, "reference"),
        (lambda: pessimistic_policy(FIT, BANDIT, np.zeros((2, 2, 2)), radius=1), ShapeError, "features"),
        (lambda: pessimistic_policy(FIT, EPISODE, radius=1), InputError, "features"),
        (lambda: pessimistic_policy(FIT, EPISODE, np.zeros((3, 1, 2, D)), radius=1), ShapeError, "features"),
        (lambda: pessimistic_policy(FIT, EPISODE, GOOD + np.nan, radius=1), InputError, "features"),
        (
            lambda: pessimistic_policy(
                FIT, mdpkit.TabularMDP([[[1.0]]], [0.0], initial=0), np.zeros((1, 1, D)), radius=1
            ),
            InputError,
            "problem",
        ),
        (
            lambda: pessimistic_policy(FIT, mdpkit.TabularMDP([[[1.0]]], [0.0], 0.5), np.zeros((1, 1, D)), radius=1),
            InputError,
            "problem",
        ),
        (
            lambda: pessimistic_policy(
                FIT,
                BANDIT,
                radius=ConfidenceSet(FIT.theta, np.eye(D), 1.0, None, False, "given"),
                lam=0.1,
            ),
            InputError,
            "lam",
        ),
        (
            lambda: pessimistic_policy(
                FIT, drawn_bandit(np.random.default_rng(0), 30, 2), radius=1, lam=0.1, method="deterministic"
            ),
            InputError,
            "method",
        ),
    ],
)
def test_bad_input(call, error, argument):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument
