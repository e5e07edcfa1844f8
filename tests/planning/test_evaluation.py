"""`evaluate_policy`, `occupancy_measure`, `q_values`, `greedy_policy`, `bellman_residual` against exact fractions."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import mdpkit
from mdpkit import ConvergenceWarning, TabularMDP
from mdpkit.planning import bellman_residual, greedy_policy, q_values
from mdpkit.planning.verification import pair_bounds
from tests.planning.strategies import Draft, drafts
from tests.planning.support import Exact, contains

some = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
METHODS = ("auto", "direct", "krylov", "sweeps")


def random_policy(model: TabularMDP, seed: int, *, stochastic: bool) -> np.ndarray:
    rng = np.random.default_rng(seed)
    weights = model.action_mask * rng.exponential(size=model.action_mask.shape)
    return weights / weights.sum(axis=1, keepdims=True) if stochastic else np.argmax(weights, axis=1)


@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize("method", METHODS)
@settings(some, max_examples=25)
@given(draft=drafts(gammas=(0.0, 0.5, 0.9, 0.99)), seed=st.integers(0, 999), sparse=st.booleans())
def test_values_of_a_policy(method: str, stochastic: bool, draft: Draft, seed: int, sparse: bool):
    model = draft.build(sparse=sparse)
    policy = random_policy(model, seed, stochastic=stochastic)
    solution = mdpkit.evaluate_policy(model, policy, method=method)
    exact = Exact(model)
    own = exact.policy(policy)
    assert contains(solution.lower, solution.upper, own)
    assert (solution.converged, solution.quantity, solution.status) == (True, "policy", "converged")
    assert solution.half_width <= solution.tol
    assert max(x - y for x, y in zip(exact.V, own, strict=True)) <= Fraction(solution.policy_loss)
    for limit in (pair_bounds.EXACT_LIMIT, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pair_bounds, "EXACT_LIMIT", limit)
            proof = mdpkit.verify(model, solution)
            assert proof.ok, proof.message
            assert contains(proof.lower, proof.upper, own)
            # The enclosure of a policy is not one of V*, unless it is as good.
            by = 1e-3 * (1 + float(np.max(np.abs(solution.V)))) + 4 * solution.half_width
            for changes in ({"lower": solution.lower + by}, {"upper": solution.upper - by}, {"policy_loss": -by}):
                assert not mdpkit.verify(model, dataclasses.replace(solution, **changes)).ok


def test_an_evaluated_policy_is_no_proof_of_optimality():
    model = mdpkit.problems.two_state(gamma=0.95)
    solution = mdpkit.evaluate_policy(model, [1, 0])
    # 10 - 19 = -9 against -60/7: the loss is 3/7 (spec 9.A). One sweep from V^pi = (-9, -20) gains 5 - 0.475 * 29 + 9 =
    # 0.225, and that over 1 - gamma, 4.5, is the bound of MacQueen.
    assert 3 / 7 <= solution.policy_loss <= 4.5 + 1e-9
    assert not mdpkit.verify(model, dataclasses.replace(solution, quantity="optimal")).ok


@pytest.mark.parametrize("method", METHODS)
def test_an_unreachable_tolerance_warns_and_still_encloses(method: str):
    model = mdpkit.problems.river_swim(6, gamma=0.95)
    with pytest.warns(ConvergenceWarning, match="rounding floor"):
        solution = mdpkit.evaluate_policy(model, [1] * 6, method=method, tol=1e-300)
    assert (solution.status, solution.converged) == ("floor", False)
    assert contains(solution.lower, solution.upper, Exact(model).policy([1] * 6))


@pytest.mark.parametrize("stochastic", [False, True])
@some
@given(draft=drafts(gammas=(0.0, 0.5, 0.9, 0.99)), seed=st.integers(0, 999), sparse=st.booleans())
def test_occupancy_identities(stochastic: bool, draft: Draft, seed: int, sparse: bool):
    start = np.random.default_rng(seed).dirichlet(np.ones(draft.P.shape[1]))
    model = draft.build(sparse=sparse).with_initial(start)
    policy = random_policy(model, seed, stochastic=stochastic)
    x = mdpkit.occupancy_measure(model, policy)
    total = 1 / (1 - draft.gamma)
    assert (x >= -1e-12 * total).all()
    assert not x[~model.action_mask].any()
    assert np.sum(x) == pytest.approx(total, rel=1e-12)
    # Flow balance: sum_a x(s, a) = mu(s) + gamma sum_k x_k P_k(s).
    pairs = x[draft.state, draft.action]
    assert_allclose(np.sum(x, axis=1), start + draft.gamma * pairs @ draft.P, rtol=0, atol=1e-12 * total)
    # <x, r> = mu . V^pi, exactly in fractions up to the 1e-12 of the solve.
    value = sum(Fraction(p) * v for p, v in zip(start.tolist(), Exact(model).policy(policy), strict=True))
    scale = 1 + float(np.max(np.abs(draft.r)))
    assert abs(pairs @ draft.r - float(value)) <= 1e-11 * scale * total
    assert_allclose(mdpkit.occupancy_measure(model, policy, normalized=True), x / total, rtol=0, atol=1e-12)
    if stochastic:
        visits = np.sum(x, axis=1, keepdims=True)
        assert_allclose(x, visits * policy, rtol=0, atol=1e-12 * total)


@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
@some
@given(draft=drafts(), seed=st.integers(0, 999), horizon=st.integers(1, 6))
def test_finite_horizon_occupancy_identities(stochastic: bool, gamma: float, draft: Draft, seed: int, horizon: int):
    start = np.random.default_rng(seed).dirichlet(np.ones(draft.P.shape[1]))
    model = draft.build().with_initial(start)
    problem = model.with_horizon(horizon, gamma=gamma)
    plan = np.array([random_policy(model, seed + h, stochastic=stochastic) for h in range(horizon)])
    x = mdpkit.occupancy_measure(problem, plan)
    pairs = x[:, draft.state, draft.action]
    visits = start
    for h in range(horizon):
        assert_allclose(np.sum(x[h], axis=1), visits, rtol=0, atol=1e-14)
        visits = gamma * pairs[h] @ draft.P
    solution = mdpkit.evaluate_policy(problem, plan)
    assert np.sum(pairs * draft.r) == pytest.approx(start @ solution.V[0], rel=1e-12, abs=1e-9)
    normalized = mdpkit.occupancy_measure(problem, plan, normalized=True)
    assert np.sum(normalized) == pytest.approx(1.0, rel=1e-12)
    assert_allclose(normalized * sum(gamma**h for h in range(horizon)), x, rtol=0, atol=1e-14)


def test_occupancy_of_a_large_sparse_random_pattern_uses_krylov_and_agrees_with_the_value():
    model = mdpkit.problems.garnet(1500, 2, 5, gamma=0.9, seed=3).with_initial(7)
    policy = np.zeros(1500, dtype=int)
    x = mdpkit.occupancy_measure(model, policy)
    solution = mdpkit.evaluate_policy(model, policy, tol=1e-10)
    assert np.sum(x * model.rewards) == pytest.approx(solution.V[7], abs=1e-9)


@some
@given(draft=drafts(), seed=st.integers(0, 999), sparse=st.booleans())
def test_action_values_greedy_policies_and_residuals(draft: Draft, seed: int, sparse: bool):
    model = draft.build(sparse=sparse)
    V = np.random.default_rng(seed).normal(size=model.n_states)
    exact = Exact(model)
    Q = q_values(model, V)
    error = 12 * 2.0**-53 * (np.max(np.abs(draft.r)) + np.max(np.abs(V)))
    assert (-np.inf == Q).tolist() == (~model.action_mask).tolist()
    best: dict[int, Fraction] = {}
    for s, a, r, law in exact.pairs:
        q = r + exact.gamma * sum((p * Fraction(V[t]) for t, p in law.items()), Fraction(0))
        assert abs(Fraction(Q[s, a]) - q) <= error
        best[s] = max(best.get(s, q), q)
    policy, residual = greedy_policy(model, V), bellman_residual(model, V)
    for s in range(model.n_states):
        assert Fraction(Q[s, policy[s]]) >= best[s] - 2 * Fraction(error)
        assert (Q[s, : policy[s]] < Q[s].max()).all()
        assert abs(Fraction(residual[s]) - (best[s] - Fraction(V[s]))) <= 2 * error
    problem = model.with_horizon(2, gamma=draft.gamma)
    twice = np.stack([V, V, V])
    assert q_values(problem, twice).tolist() == [Q.tolist()] * 2
    assert greedy_policy(problem, twice).tolist() == [policy.tolist()] * 2
    assert bellman_residual(problem, twice).tolist() == [residual.tolist()] * 2


def test_without_a_discount_the_future_counts_fully():
    model = mdpkit.problems.two_state(gamma=None)
    # r + P V with V = (1, -10): 5 - 4.5, 10 - 10, -1 - 10.
    assert q_values(model, [1.0, -10.0]).tolist() == [[0.5, 0.0], [-11.0, -np.inf]]
    assert bellman_residual(model, [1.0, -10.0]).tolist() == [-0.5, -1.0]
