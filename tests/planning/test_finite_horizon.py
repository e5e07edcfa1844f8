"""Backward induction against enumeration of policies and exact fractions."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit import FiniteHorizonMDP, TabularMDP
from mdpkit.planning.verification import pair_bounds
from tests.oracles import finite_horizon_values, pairs_of
from tests.planning.strategies import REWARDS, Draft, drafts
from tests.planning.support import contains

some = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))


@st.composite
def problems(draw: Any) -> FiniteHorizonMDP:
    """1-5 steps, each with its own kernel, rewards and action sets; gamma up to 1; terminal values."""
    draft = draw(drafts())
    first = draft.build(sparse=draw(st.booleans()))
    horizon = draw(st.integers(1, 5))
    stages = [first] * horizon
    if draw(st.booleans()):
        # Another kernel on the same pairs: rows and rewards in another order.
        order = draw(st.permutations(range(first.n_pairs)))
        other = Draft(draft.state, draft.action, draft.P[order], draft.r[order], draft.gamma).build()
        stages = [first if draw(st.booleans()) else other for _ in range(horizon)]
    terminal = [draw(st.sampled_from(REWARDS)) for _ in range(first.n_states)]
    return FiniteHorizonMDP.from_stages(
        stages, gamma=draw(st.sampled_from([0.0, 0.5, 0.9, 1.0])), terminal_values=terminal
    )


def exact_steps(problem: FiniteHorizonMDP) -> tuple[list[list[Fraction]], list[list[list[int]]]]:
    """Values and all optimal actions of every step, one step of the oracle at a time."""
    V = [[Fraction(v) for v in problem.terminal_values.tolist()]]
    best: list[list[list[int]]] = []
    for stage in reversed(problem.stages):
        step, choice = finite_horizon_values(pairs_of(stage), 1, Fraction(problem.gamma), V[0])
        V.insert(0, step[0])
        best.insert(0, choice[0])
    return V, best


def exact_plan(problem: FiniteHorizonMDP, plan: Any) -> list[list[Fraction]]:
    """Values of a plan: action ids ``(H, S)``, or probabilities ``(H, S, A)`` divided by their exact sum."""
    V = [[Fraction(v) for v in problem.terminal_values.tolist()]]
    for stage, rule in zip(reversed(problem.stages), reversed(list(np.asarray(plan))), strict=True):
        now = [Fraction(0)] * stage.n_states
        for s, a, r, law in pairs_of(stage):
            if rule.ndim == 1:
                weight = Fraction(int(rule[s] == a))
            else:
                weight = Fraction(float(rule[s, a])) / sum(Fraction(float(p)) for p in rule[s])
            now[s] += weight * (r + Fraction(problem.gamma) * sum((p * V[0][t] for t, p in law.items()), Fraction(0)))
        V.insert(0, now)
    return V


def flat(values: list[list[Fraction]]) -> list[Fraction]:
    return [v for row in values for v in row]


@settings(some, max_examples=120)
@given(problem=problems())
def test_every_claim_holds(problem: FiniteHorizonMDP):
    solution = mdpkit.solve(problem)
    V, best = exact_steps(problem)
    assert contains(solution.lower, solution.upper, flat(V))
    assert solution.V[-1].tolist() == problem.terminal_values.tolist()
    assert solution.converged
    assert solution.half_width <= solution.tol
    own = exact_plan(problem, solution.policy)
    assert max(x - y for x, y in zip(flat(V), flat(own), strict=True)) <= Fraction(solution.policy_loss)
    for h, step in enumerate(best):
        for s, actions in enumerate(step):
            assert solution.optimal_actions[h, s, actions].all()
    assert not (solution.optimal_actions & ~np.array([m.action_mask for m in problem.stages])).any()


@some
@given(problem=problems(), limit=st.sampled_from([pair_bounds.EXACT_LIMIT, 0]))
def test_verify_accepts_the_truth_and_rejects_tampering(problem: FiniteHorizonMDP, limit: int):
    solution = mdpkit.solve(problem)
    V, _ = exact_steps(problem)
    by = 4 * (solution.half_width + solution.policy_loss) + 1e-3 * (1 + float(np.max(np.abs(solution.V))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_bounds, "EXACT_LIMIT", limit)
        proof = mdpkit.verify(problem, solution)
        assert proof.ok, proof.message
        assert contains(proof.lower, proof.upper, flat(V))
        for changes in (
            {"lower": solution.lower + by, "V": solution.V + by, "upper": solution.upper + 3 * by},
            {"upper": solution.upper - by, "V": solution.V - by, "lower": solution.lower - 3 * by},
            {"V": solution.V + by},
            {"V": solution.V[:-1]},
            {"V": np.full_like(solution.V, np.nan)},
            {"policy": solution.policy + problem.n_actions},
            {"policy": solution.policy[:, :0]},
            {"policy_loss": -by},
            {"optimal_actions": np.zeros_like(solution.optimal_actions)},
            {"optimal_actions": solution.optimal_actions[..., :-1]},
            {"tol": -1.0},
        ):
            assert not mdpkit.verify(problem, dataclasses.replace(solution, **changes)).ok, changes


@some
@given(problem=problems(), seed=st.integers(0, 999), stochastic=st.booleans())
def test_evaluating_a_plan(problem: FiniteHorizonMDP, seed: int, stochastic: bool):
    rng = np.random.default_rng(seed)
    weights = np.array([m.action_mask * rng.exponential(size=m.action_mask.shape) for m in problem.stages])
    plan = weights / weights.sum(axis=2, keepdims=True) if stochastic else np.argmax(weights, axis=2)
    solution = mdpkit.evaluate_policy(problem, plan)
    own, (best, _) = exact_plan(problem, plan), exact_steps(problem)
    assert solution.quantity == "policy"
    assert contains(solution.lower, solution.upper, flat(own))
    assert max(x - y for x, y in zip(flat(best), flat(own), strict=True)) <= Fraction(solution.policy_loss)
    proof = mdpkit.verify(problem, solution)
    assert proof.ok, proof.message


def test_against_every_plan_there_is():
    # 2 states, 2 actions, 3 steps: 2^6 plans, enumerated.
    rng = np.random.default_rng(0)
    problem = FiniteHorizonMDP(rng.dirichlet(np.ones(2), (3, 2, 2)), rng.normal(size=(3, 2, 2)), gamma=0.9)
    plans = [np.reshape(plan, (3, 2)) for plan in product(range(2), repeat=6)]
    best = [max(exact_plan(problem, plan)[0][s] for plan in plans) for s in range(2)]
    solution = mdpkit.solve(problem)
    assert contains(solution.lower[0], solution.upper[0], best)
    assert exact_plan(problem, solution.policy)[0] == best


def test_forbidden_pairs_are_never_used():
    r = np.array([[[1.0, -np.inf], [0.0, 5.0]], [[-np.inf, 1.0], [0.0, -np.inf]]])
    problem = FiniteHorizonMDP(np.full((2, 2, 2, 2), 0.5), r)
    solution = mdpkit.solve(problem)
    # Last step: 1 and 0, mean 1/2; before: 1 + 1/2 and 5 + 1/2.
    assert solution.V.tolist() == [[1.5, 5.5], [1.0, 0.0], [0.0, 0.0]]
    assert solution.policy.tolist() == [[0, 1], [1, 0]]
    assert solution.optimal_actions.tolist() == [[[True, False], [False, True]], [[False, True], [True, False]]]


def test_a_tie_in_the_last_step_costs_what_is_claimed():
    # Two actions that differ by one unit in the last place: the lowest id is taken, and that loses 2^-52.
    problem = FiniteHorizonMDP([[[1.0], [1.0]]], r=[[1.0, 1.0 + 2**-52]], horizon=1)
    solution = mdpkit.solve(problem)
    assert (solution.policy[0, 0], solution.V[0, 0]) == (0, 1.0 + 2**-52)
    assert solution.policy_loss >= 2**-52
    assert solution.optimal_actions.tolist() == [[[False, True]]]
    assert mdpkit.verify(problem, solution).ok


def test_one_step_without_terminal_values_is_exact():
    problem = TabularMDP(np.full((2, 2, 2), 0.5), [[0.1, 0.2], [0.3, -0.4]]).with_horizon(1)
    solution = mdpkit.solve(problem, tol=1e-300)
    assert solution.lower.tolist() == solution.upper.tolist() == [[0.2, 0.3], [0.0, 0.0]]
    assert solution.policy_loss == 0.0


def test_converged_means_that_the_returned_enclosure_meets_tol():
    # The half width of the returned ends, after rounding outward, is what counts.
    problem = mdpkit.problems.river_swim(6).with_horizon(20)
    width = mdpkit.solve(problem).half_width
    assert mdpkit.solve(problem, tol=width).converged
    for tol in (np.nextafter(width, 0), width / 2):
        with pytest.warns(mdpkit.ConvergenceWarning, match="rounding floor"):
            solution = mdpkit.solve(problem, tol=tol)
        assert (solution.status, solution.converged) == ("floor", False)
        assert mdpkit.verify(problem, solution).ok


def test_repeated_stages_are_one_object_and_times_do_not_mix():
    # The same model at even steps, another at odd steps; oracle by hand: rewards 1 and 10 alternate, gamma 1/2.
    one, ten = (TabularMDP([[[1.0]]], [[r]]) for r in (1.0, 10.0))
    solution = mdpkit.solve(FiniteHorizonMDP.from_stages([one, ten, one], gamma=0.5))
    assert solution.V.ravel().tolist() == [1 + 5 + 0.25, 10 + 0.5, 1.0, 0.0]


def test_overflow_is_refused():
    model = TabularMDP([[[1.0]]], [[-1.5e308]])
    with pytest.raises(mdpkit.errors.NonFiniteRewardError, match="range of float64"):
        mdpkit.solve(model.with_horizon(1))
