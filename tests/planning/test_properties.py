"""Properties every solution must have, on models drawn to be awkward; all comparisons in exact fractions."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit import TabularMDP
from mdpkit.planning.verification import pair_bounds
from tests.planning.strategies import GAMMAS, Draft, drafts
from tests.planning.support import METHOD_IDS, METHODS, SWEEPING, Exact, check, contains, solve_quietly

each_method = pytest.mark.parametrize(("method", "options"), METHODS, ids=METHOD_IDS)
few = settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
some = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))

STOPS: dict[str, dict[str, Any]] = {
    "by itself": {},
    "max_iter 1": {"max_iter": 1},
    "max_iter 2": {"max_iter": 2},
    "unreachable tol": {"tol": 1e-300},
    "huge tol": {"tol": 1e300},
    "infinite tol": {"tol": float("inf")},
    "callback": {"callback": lambda snapshot: snapshot.iterations >= 3},
}


def keywords(method: str, gamma: float) -> dict[str, Any]:
    """Cap what sweeps only shrink by gamma."""
    return {"max_iter": 300} if gamma > 0.99 and method in SWEEPING else {}


@each_method
@pytest.mark.parametrize("stop", STOPS)
@settings(few, max_examples=6)
@given(draft=drafts(), sparse=st.booleans())
def test_every_claim_holds_whatever_stopped_the_solver(
    method: str, options: dict[str, str], stop: str, draft: Draft, sparse: bool
):
    model = draft.build(sparse=sparse)
    solution = solve_quietly(model, method=method, **options, **(keywords(method, draft.gamma) | STOPS[stop]))
    check(solution, Exact(model))


@each_method
@few
@given(draft=drafts(), scale=st.sampled_from([1.0, -1e3, 1e12, -1e300]), seed=st.integers(0, 9))
def test_any_starting_values_are_harmless(method: str, options: dict[str, str], draft: Draft, scale: float, seed: int):
    model = draft.build()
    V0 = scale * np.random.default_rng(seed).normal(size=model.n_states)
    kept = V0.copy()
    solution = solve_quietly(model, method=method, V0=V0, **options, **keywords(method, draft.gamma))
    check(solution, Exact(model))
    assert solution.converged or draft.gamma > 0.99
    assert V0.tolist() == kept.tolist()


@each_method
@few
@given(draft=drafts(gammas=(0.0, 0.5, 0.9)))
def test_verify_accepts_every_solution(method: str, options: dict[str, str], draft: Draft):
    model = draft.build()
    solution = solve_quietly(model, method=method, **options)
    proof = mdpkit.verify(model, solution)
    assert proof.ok, proof.message
    assert proof.exact
    exact = Exact(model)
    assert contains(proof.lower, proof.upper, exact.V)


@some
@given(draft=drafts(), stop=st.sampled_from(["by itself", "max_iter 1", "unreachable tol", "callback"]))
def test_verify_accepts_however_the_solver_stopped_in_both_arithmetics(draft: Draft, stop: str):
    model = draft.build()
    method = "modified_policy_iteration"
    solution = solve_quietly(model, method=method, **STOPS[stop])
    exact = Exact(model)
    for limit in (pair_bounds.EXACT_LIMIT, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pair_bounds, "EXACT_LIMIT", limit)
            proof = mdpkit.verify(model, solution)
        assert proof.exact == (limit > 0)
        assert contains(proof.lower, proof.upper, exact.V)
        assert proof.ok, proof.message


def tamperings(model: TabularMDP, solution: mdpkit.Solution, exact: Exact) -> dict[str, dict[str, Any]]:
    """False claims, each by more than the widths involved, with what they change."""
    s = solution
    by = 4 * (s.half_width + s.policy_loss) + 1e-3 * (1 + float(np.max(np.abs(s.V))))
    nan, wrong_policy = s.V.copy(), s.policy.copy()
    nan[0] = np.nan
    wrong_policy[0] = model.n_actions
    cases: dict[str, dict[str, Any]] = {
        "lower too high": {"lower": s.lower + by, "V": s.V + by, "upper": s.upper + 3 * by},
        "upper too low": {"upper": s.upper - by, "V": s.V - by, "lower": s.lower - 3 * by},
        "one lower too high": {"lower": s.lower + by * (np.arange(len(s.V)) == 0), "upper": s.upper + 2 * by},
        "V outside": {"V": s.V + by},
        "NaN in V": {"V": nan},
        "NaN in lower": {"lower": nan},
        "NaN in upper": {"upper": nan},
        "infinite lower": {"lower": np.full_like(s.V, -np.inf)},
        "shape of V": {"V": s.V[None]},
        "shape of lower": {"lower": s.lower[:-1]},
        "unknown action": {"policy": wrong_policy},
        "shape of policy": {"policy": s.policy[:-1]},
        "NaN policy": {"policy": np.full((model.n_states, model.n_actions), np.nan)},
        "loss negative": {"policy_loss": -by},
        "loss NaN": {"policy_loss": float("nan")},
        "no optimal action": {"optimal_actions": np.zeros_like(s.optimal_actions)},
        "shape of optimal_actions": {"optimal_actions": s.optimal_actions[:-1]},
        "converged without reason": {"converged": True, "tol": s.half_width / 2 - 1e-300},
        "tol NaN": {"converged": True, "tol": float("nan")},
    }
    worse = [(s_, a) for s_, a, *_ in exact.pairs if a not in exact.optimal_actions[s_]]
    if worse:
        policy = s.policy.copy()
        policy[worse[0][0]] = worse[0][1]
        lost = max(x - y for x, y in zip(exact.V, exact.policy(policy), strict=True))
        cases["worse policy"] = {"policy": policy, "policy_loss": float(lost) * (1 - 1e-9)}
    return cases


@some
@given(draft=drafts(gammas=(0.5, 0.9)), limit=st.sampled_from([pair_bounds.EXACT_LIMIT, 0]))
def test_verify_rejects_every_tampering(draft: Draft, limit: int):
    model = draft.build()
    solution = solve_quietly(model)
    exact = Exact(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_bounds, "EXACT_LIMIT", limit)
        for name, changes in tamperings(model, solution, exact).items():
            proof = mdpkit.verify(model, dataclasses.replace(solution, **changes))
            assert not proof.ok, name
            assert proof.message.startswith(("refuted: ", "not proved: ")), name


@some
@given(draft=drafts(), sparse=st.booleans(), seed=st.integers(0, 99))
def test_doubled_precision_bounds_enclose_the_exact_pair_values(draft: Draft, sparse: bool, seed: int):
    model = draft.build(sparse=sparse)
    V = np.random.default_rng(seed).normal(size=model.n_states) * 10.0 ** np.random.default_rng(seed).integers(-8, 8)
    enclose(model, V)


@some
@given(draft=drafts(gammas=(0.5, 0.9, 0.9999)), seed=st.integers(0, 10**6))
def test_doubled_precision_bounds_hold_for_merged_outcomes(draft: Draft, seed: int):
    # Outcomes that share a successor are added up for planning, which rounds; the outcomes are the model.
    rng = np.random.default_rng(seed)
    model = draft.build()
    table = model.outcomes
    n = 3 * len(table)
    prob = np.repeat(table.prob, 3) * rng.dirichlet(np.ones(3), len(table)).ravel()
    pair = np.repeat(table.pair, 3)
    random_rewards = TabularMDP.from_outcomes(
        model.pair_state[pair],
        model.pair_action[pair],
        prob,
        rng.normal(size=n),
        np.repeat(table.successor, 3),
        draft.gamma,
        n_states=model.n_states,
    )
    enclose(random_rewards, rng.normal(size=model.n_states) * 1e3)
    solution = solve_quietly(random_rewards)
    check(solution, Exact(random_rewards))


def enclose(model: TabularMDP, V: np.ndarray) -> None:
    exact = Exact(model)
    q = [
        r + exact.gamma * sum((p * Fraction(V[t]) for t, p in law.items()), Fraction(0)) for _, _, r, law in exact.pairs
    ]
    for pairs in (pair_bounds.ExactPairs(model, model.gamma), pair_bounds.DoubledPairs(model, model.gamma)):
        low, high = pairs.bounds(V)
        assert contains(low, high, q)
    scale = float(max(abs(V))) + float(np.max(np.abs(model.pair_reward)))
    # "Far beyond double precision": at most a few units in the last place of the largest number (plus averaging).
    assert np.max(high - low) <= 16 * 2.0**-53 * scale + 2 * np.max(model.reward_error)


@each_method
@few
@given(draft=drafts(gammas=(0.0, 0.5, 0.9)), data=st.data())
def test_relabelling_permutes_the_answer(method: str, options: dict[str, str], draft: Draft, data: Any):
    model = draft.build()
    states = np.array(data.draw(st.permutations(range(model.n_states))))
    actions = np.array(data.draw(st.permutations(range(model.n_actions))))
    P = np.zeros_like(draft.P)
    P[:, states] = draft.P
    relabelled = TabularMDP.from_pairs(states[draft.state], actions[draft.action], P, draft.r, draft.gamma)
    one = solve_quietly(model, method=method, **options)
    two = solve_quietly(relabelled, method=method, **options)
    assert np.max(np.abs(two.V[states] - one.V)) <= one.half_width + two.half_width
    # Both exclusions are certified, so neither may exclude what the exact optimum uses under its own names.
    for s, best in enumerate(Exact(model).optimal_actions):
        assert two.optimal_actions[states[s], actions[best]].all()


@each_method
@few
@given(
    draft=drafts(gammas=(0.0, 0.5, 0.9), rewards=(0.0, 1.0, -1.0, 0.25, 5.0)),
    scale=st.sampled_from([0.5, 3.0, 1024.0]),
    shift=st.sampled_from([0.0, -2.0, 100.0]),
)
def test_affine_rewards(method: str, options: dict[str, str], draft: Draft, scale: float, shift: float):
    model = draft.build()
    one = solve_quietly(model, method=method, **options)
    two = solve_quietly(model.with_rewards(scale * draft.r + shift), method=method, **options)
    expected = scale * one.V + shift / (1 - draft.gamma)
    rounding = 8 * 2.0**-53 * (np.max(np.abs(expected)) + 1e3)
    assert np.max(np.abs(two.V - expected)) <= scale * one.half_width + two.half_width + rounding


@some
@given(draft=drafts(), method=st.sampled_from(["policy_iteration", "modified_policy_iteration"]))
def test_merging_duplicate_actions_changes_nothing(draft: Draft, method: str):
    twice = Draft(
        np.concatenate([draft.state, draft.state]),
        np.concatenate([draft.action, draft.action + draft.action.max() + 1]),
        np.concatenate([draft.P, draft.P]),
        np.concatenate([draft.r, draft.r]),
        draft.gamma,
    )
    one, two = solve_quietly(draft.build(), method=method), solve_quietly(twice.build(), method=method)
    assert np.max(np.abs(two.V - one.V)) <= one.half_width + two.half_width
    n_actions = one.optimal_actions.shape[1]
    assert two.optimal_actions[:, n_actions:].tolist() == two.optimal_actions[:, :n_actions].tolist()
    assert (two.policy < n_actions).all(), "ties go to the lowest action id"


@some
@given(draft=drafts(), seed=st.integers(0, 99))
def test_more_reward_is_never_worse(draft: Draft, seed: int):
    more = draft.r + np.random.default_rng(seed).integers(0, 3, len(draft.r))
    one = solve_quietly(draft.build())
    two = solve_quietly(draft.build().with_rewards(more))
    assert (two.upper >= one.lower).all()


@each_method
@few
@given(draft=drafts(gammas=(0.0, 0.5, 0.9)))
def test_dense_and_sparse_storage_agree(method: str, options: dict[str, str], draft: Draft):
    dense = solve_quietly(draft.build(), method=method, **options)
    sparse = solve_quietly(draft.build(sparse=True), method=method, **options)
    assert np.max(np.abs(dense.V - sparse.V)) <= dense.half_width + sparse.half_width


@some
@given(draft=drafts(gammas=(0.5, 0.9, 0.99)), sparse=st.booleans())
def test_value_iteration_contracts(draft: Draft, sparse: bool):
    sweeps: list[np.ndarray] = [np.zeros(0)]

    def record(snapshot: Any) -> bool:
        sweeps.append(snapshot.last_sweep)
        return len(sweeps) > 30

    model = draft.build(sparse=sparse)
    solve_quietly(model, method="value_iteration", tol=1e-300, V0=np.full(model.n_states, 1.0), callback=record)
    steps = [np.max(np.abs(b - a)) for a, b in itertools.pairwise(sweeps[1:])]
    noise = 20 * 2.0**-53 * (np.max(np.abs(draft.r)) + np.max(np.abs(sweeps[1:])))
    assert all(after <= draft.gamma * before + noise for before, after in itertools.pairwise(steps))


@some
@given(draft=drafts(gammas=(0.5, 0.9)), change=st.sampled_from([0.0, 1e-6, 1e-3]))
def test_warm_start_after_new_rewards(draft: Draft, change: float):
    model = draft.build()
    cold = solve_quietly(model, method="value_iteration")
    changed = model.with_rewards(draft.r * (1 + change))
    warm = solve_quietly(changed, method="value_iteration", V0=cold.V)
    check(warm, Exact(changed))
    if change == 0.0:
        # The start is already within tol; one sweep shrinks its residual, at most 2 tol, to a width of
        # gamma/(1-gamma) 2 tol, which 2 + log(...)/log(1/gamma) sweeps at most halve to tol.
        assert warm.iterations <= 2 + np.log(2 * draft.gamma / (1 - draft.gamma) + 1) / np.log(1 / draft.gamma)


@each_method
@pytest.mark.parametrize("gamma", GAMMAS)
def test_zero_rewards_are_exact_at_once(method: str, options: dict[str, str], gamma: float):
    # Spec section 8: span 0, no division, no logarithm of zero, an exact enclosure.
    model = mdpkit.problems.garnet(5, 2, 3, gamma=gamma, seed=0).with_rewards(np.zeros((5, 2)))
    solution = mdpkit.solve(model, method=method, **options)
    assert solution.lower.tolist() == solution.upper.tolist() == solution.V.tolist() == [0.0] * 5
    assert (solution.policy_loss, solution.converged) == (0.0, True)
    assert solution.optimal_actions.all()
    assert mdpkit.verify(model, solution).ok


@each_method
@few
@given(draft=drafts(gammas=(0.0,)))
def test_without_a_future_values_are_the_best_rewards(method: str, options: dict[str, str], draft: Draft):
    model = draft.build()
    best = np.max(model.rewards, axis=1).tolist()
    solution = mdpkit.solve(model, method=method, **options)
    assert solution.lower.tolist() == solution.upper.tolist() == best
    check(solution, Exact(model))


@each_method
@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("n_actions", [1, 3])
def test_one_state(method: str, options: dict[str, str], gamma: float, n_actions: int):
    model = TabularMDP([[[1.0]] * n_actions], [[2.0] * n_actions], gamma)
    solution = mdpkit.solve(model, method=method, **options)
    # V = 2 / (1 - gamma), all actions alike.
    check(solution, Exact(model))
    assert solution.policy.tolist() == [0]


@each_method
@pytest.mark.parametrize("gamma", GAMMAS)
def test_absorbing_everything(method: str, options: dict[str, str], gamma: float):
    # V(s) = r(s) / (1 - gamma); the span of the differences shrinks by gamma exactly, the worst there is.
    model = TabularMDP(np.eye(4)[:, None, :], [[0.0], [1.0], [-3.0], [0.1]], gamma)
    solution = solve_quietly(model, method=method, **options, **keywords(method, gamma))
    check(solution, Exact(model))


@each_method
@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e-150, 1e25, 1e145])
def test_extreme_scales(method: str, options: dict[str, str], size: float):
    # Underflow is part of the certificate (size 1e-320 is subnormal); nothing overflows up to 1e150, squares included.
    model = TabularMDP([[[0.3, 0.7], [1.0, 0.0]], [[0.6, 0.4], [0.1, 0.9]]], size * np.array([[1, -2], [3, 0.5]]), 0.9)
    solution = solve_quietly(model, method=method, **options)
    check(solution, Exact(model))


@some
@given(draft=drafts(gammas=(0.9,)), quotient=st.integers(1, 60))
def test_status_and_flag_agree_at_every_tolerance_ever_reached(draft: Draft, quotient: int):
    # The certificate is recomputed at the end: a tolerance met in the loop must not be missed by one rounding there.
    model = draft.build()
    for method in ("value_iteration", "policy_iteration", "modified_policy_iteration"):
        widths = solve_quietly(model, method=method, tol=1e-300).trace.half_width
        width = float(widths[quotient % len(widths)])
        assume(width > 0.0)
        check(solve_quietly(model, method=method, tol=width), Exact(model))


@pytest.mark.parametrize("gamma", [0.9995, 0.9999])
def test_slow_contraction_is_not_mistaken_for_the_rounding_floor(gamma: float):
    # Two separate two-cycles: the span shrinks by gamma per sweep and no faster, that is by less than 1 % in 50 sweeps.
    swap = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    model = TabularMDP(np.array(swap, dtype=float)[:, None], [[1.0], [1.0], [0.0], [0.0]], gamma)
    exact = Exact(model)
    floor = solve_quietly(model, method="policy_iteration", tol=1e-300).half_width
    start = np.array([float(v) for v in exact.V]) + 100 * floor * np.array([-1, -1, 1, 1])
    solution = mdpkit.solve(model, method="value_iteration", V0=start, tol=80 * floor)
    check(solution, exact)
    assert solution.converged
    # The width is gamma^n * 100 floors: log(100/80) / (1 - gamma) sweeps, up to the floor itself.
    assert solution.iterations == pytest.approx(np.log(100 / 80) / (1 - gamma), rel=0.1)


@pytest.mark.parametrize("k", range(1, 30))
def test_the_loss_is_rounded_up(k: int):
    # The large reward makes a tie of the small ones (8 u 1e6 = 9e-10), so the lowest id loses their difference, which
    # is no double; a bound rounded to nearest would be too small for about half of them.
    model = TabularMDP(np.full((2, 2, 2), 0.5), [[-k * 1e-11 / 3, 1e-10], [1e6, 1e6]], 0.0)
    solution = mdpkit.solve(model)
    assert solution.policy.tolist() == [0, 0]
    check(solution, Exact(model))
    evaluated = mdpkit.evaluate_policy(model, [0, 0])
    assert Fraction(evaluated.policy_loss) >= Fraction(1e-10) - Fraction(-k * 1e-11 / 3)
