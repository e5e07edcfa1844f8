"""`solve` for robust problems: every method against exact fractions, closed forms, and the theory's own invariants."""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit.errors import ConvergenceWarning, InputError, UnknownOptionError
from mdpkit.models import ChiSquareBall, FiniteSet, KLBall, L1Ball, ModelSet, RobustMDP
from mdpkit.robust import evaluate_robust, worst_kernel
from mdpkit.testing import tabular_mdps, value_functions
from tests.oracles import pairs_of
from tests.robust.exact import l1_candidates, robust_values

METHODS = (
    "value_iteration",
    "modified_policy_iteration",
    "policy_iteration",
    "partial_policy_iteration",
    "residual_conditioned_policy_iteration",
)
QUICK = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
RADII = st.sampled_from([Fraction(0), Fraction(1, 4), Fraction(1), Fraction(2)])


def solve_quietly(problem: RobustMDP, **options: Any) -> mdpkit.Solution:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mdpkit.solve(problem, **options)


def encloses(solution: mdpkit.Solution, exact: list[Fraction]) -> bool:
    ends = zip(solution.lower.tolist(), solution.upper.tolist(), exact, strict=True)
    return all(Fraction(low) <= value <= Fraction(high) for low, high, value in ends)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("nature", ["adversarial", "cooperative"])
@QUICK
@given(data=st.data())
def test_the_enclosure_contains_the_exact_value(method: str, nature: str, data: st.DataObject) -> None:
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=(0.5, 0.0, 0.875), random_rewards=False))
    radius = data.draw(RADII)
    support = data.draw(st.sampled_from(["nominal", "all"]))
    candidates = l1_candidates(pairs_of(mdp), radius, everywhere=support == "all")
    exact, of_policy = robust_values(candidates, Fraction(mdp.gamma), cooperative=nature == "cooperative")
    problem = RobustMDP(mdp, L1Ball(float(radius), support=support), nature=nature)
    solution = solve_quietly(problem, method=method)
    assert encloses(solution, exact)
    assert solution.converged or solution.half_width < 1e-9
    attained = of_policy[tuple(solution.policy.tolist())]
    assert max(float(v - w) for v, w in zip(exact, attained, strict=True)) <= solution.policy_loss
    for s, a in zip(mdp.pair_state.tolist(), mdp.pair_action.tolist(), strict=True):
        if not solution.optimal_actions[s, a]:
            assert all(policy[s] != a or values[s] < exact[s] for policy, values in of_policy.items())


@QUICK
@given(data=st.data())
def test_bounds_hold_wherever_a_run_stops(data: st.DataObject) -> None:
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=(0.875,), random_rewards=False))
    exact, _ = robust_values(l1_candidates(pairs_of(mdp), Fraction(1, 4)), Fraction(mdp.gamma))
    solution = solve_quietly(
        RobustMDP(mdp, L1Ball(0.25)),
        method=data.draw(st.sampled_from(METHODS)),
        max_iter=data.draw(st.integers(1, 3)),
        V0=data.draw(value_functions(mdp)),
        tol=1e-12,
    )
    assert encloses(solution, exact)


@QUICK
@given(mdp=tabular_mdps(gammas=(0.5, 0.9)))
def test_radius_zero_is_the_nominal_problem(mdp: mdpkit.TabularMDP) -> None:
    nominal = mdpkit.solve(mdp)
    for uncertainty in (L1Ball(0.0), L1Ball(0.0, support="nominal")):
        robust = solve_quietly(RobustMDP(mdp, uncertainty))
        assert (robust.lower <= nominal.upper).all()
        assert (nominal.lower <= robust.upper).all()


@QUICK
@given(mdp=tabular_mdps(max_states=4, gammas=(0.5, 0.9), random_rewards=False))
def test_radius_two_everywhere_is_the_game_where_nature_picks_the_state(mdp: mdpkit.TabularMDP) -> None:
    solution = solve_quietly(RobustMDP(mdp, L1Ball(2.0, support="all")))
    # V = max r + gamma min V, and the least V is where the best reward is least
    best = np.maximum.reduceat(mdp.pair_reward, mdp.state_ptr[:-1])
    expected = best + mdp.gamma * best.min() / (1 - mdp.gamma)
    np.testing.assert_allclose(solution.V, expected, rtol=1e-9, atol=1e-9)


@QUICK
@given(mdp=tabular_mdps(max_states=4, gammas=(0.5, 0.9)), radius=st.sampled_from([0.1, 0.5]))
def test_saddle_point_both_ways(mdp: mdpkit.TabularMDP, radius: float) -> None:
    problem = RobustMDP(mdp, L1Ball(radius))
    solution = solve_quietly(problem)
    slack = 1e-7 * (1 + np.abs(solution.V).max())
    # the agent's best reply to the worst kernel is worth no more, the worst reply to the policy no less
    reply = mdpkit.solve(worst_kernel(problem, solution.V))
    assert np.abs(reply.V - solution.V).max() <= slack
    answer = evaluate_robust(problem, solution.policy)
    assert np.abs(answer.V - solution.V).max() <= slack
    assert (answer.lower >= solution.V - solution.policy_loss - slack).all()


@QUICK
@given(mdp=tabular_mdps(max_states=4, gammas=(0.5, 0.9)), radius=st.sampled_from([0.1, 0.5]))
def test_cooperative_nominal_adversarial_are_ordered_and_monotone(mdp: mdpkit.TabularMDP, radius: float) -> None:
    nominal = mdpkit.solve(mdp)
    worse, worst = (solve_quietly(RobustMDP(mdp, L1Ball(k * radius))) for k in (1, 2))
    better = solve_quietly(RobustMDP(mdp, L1Ball(radius), nature="cooperative"))
    assert (worst.lower <= worse.upper).all()
    assert (worse.lower <= nominal.upper).all()
    assert (nominal.lower <= better.upper).all()


def test_undamped_policy_iteration_would_cycle_and_ours_converge() -> None:
    """Spec 6.7: nature may answer so that linearization jumps between two points for ever; V* = (10, 11)."""
    rows = np.zeros((2, 2, 2, 2))
    rows[0, 0] = [[0.5, 0.5], [0.5, 0.5]]
    rows[0, 1] = [[1.0, 0.0], [0.0, 1.0]]
    rows[1, 0] = [[0.0, 1.0], [0.0, 1.0]]
    rows[1, 1] = [[0.5, 0.5], [1.0, 0.0]]
    mdp = mdpkit.TabularMDP(rows[:, :, 0], [[-2.0, 1.0], [1.0, 2.0]], gamma=0.9)
    problem = RobustMDP(mdp, FiniteSet(rows))
    for method in METHODS:
        solution = mdpkit.solve(problem, method=method, tol=1e-10)
        np.testing.assert_allclose(solution.V, [10.0, 11.0], atol=1e-9)


RIVER = np.zeros((6, 2, 6))
for _s in range(6):
    RIVER[_s, 0, max(_s - 1, 0)] = 1.0
RIVER[0, 1, [0, 1]] = 0.6, 0.4
for _s in range(1, 5):
    RIVER[_s, 1, [_s - 1, _s, _s + 1]] = 0.35, 0.6, 0.05
RIVER[5, 1, [4, 5]] = 0.4, 0.6
RIVER_REWARD = np.zeros((6, 2))
RIVER_REWARD[0, 0], RIVER_REWARD[5, 1] = 0.005, 1.0


@pytest.mark.parametrize("method", ["auto", *METHODS])
@pytest.mark.parametrize(
    ("uncertainty", "nature", "values", "policy"),
    [
        (L1Ball(0.1, support="all"), "adversarial", (0.083602533832, 0.070017502582, 2.153636070026), "000001"),
        (L1Ball(0.1), "adversarial", (0.1, 0.0857375, 2.167162601440), "000001"),
        (L1Ball(0.1), "cooperative", (0.1, 0.297153473118, 3.447720861604), "011111"),
        (KLBall(0.005), "adversarial", (0.1, 0.088679335893, 2.300052632383), "000111"),
        (ChiSquareBall(0.01), "adversarial", (0.1, 0.087629134131, 2.293560669168), "000111"),
    ],
    ids=repr,
)
def test_river_swim_of_the_published_benchmark(
    method: str, uncertainty: Any, nature: str, values: tuple[float, ...], policy: str
) -> None:
    """A peer's RiverSwim-6; the digits were computed by policy iteration with slow inner solvers."""
    mdp = mdpkit.TabularMDP(RIVER, RIVER_REWARD, gamma=0.95)
    solution = mdpkit.solve(RobustMDP(mdp, uncertainty, nature=nature), method=method, tol=1e-10)
    np.testing.assert_allclose(solution.V[[0, 3, 5]], values, atol=2e-10)
    assert "".join(map(str, solution.policy)) == policy


def test_finite_horizon_of_the_published_benchmark() -> None:
    mdp = mdpkit.TabularMDP(RIVER, RIVER_REWARD)
    problem = RobustMDP(mdp.with_horizon(10), L1Ball(0.1))
    solution = mdpkit.solve(problem)
    np.testing.assert_allclose(solution.V[0], [0.05, 0.045, 0.04, 0.035, 0.03, 2.235789892404], atol=1e-12)
    assert solution.policy.shape == (10, 6)
    answer = evaluate_robust(problem, solution.policy)
    np.testing.assert_allclose(answer.V, solution.V, atol=1e-12)
    kernel = worst_kernel(problem, solution.V)
    np.testing.assert_allclose(mdpkit.solve(kernel).V, solution.V, atol=1e-12)


@QUICK
@given(data=st.data())
def test_finite_horizon_is_a_fold_of_one_step_problems(data: st.DataObject) -> None:
    """Sets may differ by stage; each step equals one exact robust backup over candidate rows."""
    mdp = data.draw(tabular_mdps(max_states=3, max_actions=2, gammas=(None,), random_rewards=False))
    radii = data.draw(st.lists(RADII, min_size=3, max_size=3))
    problem = RobustMDP(mdp.with_horizon(3), [L1Ball(float(radius)) for radius in radii])
    solution = solve_quietly(problem)
    V = [Fraction(0)] * mdp.n_states
    for radius in reversed(radii):
        best: dict[int, Fraction] = {}
        for s, _, r, laws in l1_candidates(pairs_of(mdp), radius):
            value = r + min(sum(p * V[t] for t, p in law.items()) for law in laws)
            best[s] = max(value, best.get(s, value))
        V = [best[s] for s in range(mdp.n_states)]
    assert all(
        Fraction(low) <= v <= Fraction(high)
        for low, high, v in zip(solution.lower[0].tolist(), solution.upper[0].tolist(), V, strict=True)
    )


def test_what_makes_no_sense_is_refused() -> None:
    mdp = mdpkit.TabularMDP(RIVER, RIVER_REWARD, gamma=0.95)
    problem = RobustMDP(mdp, L1Ball(0.1))
    with pytest.raises(UnknownOptionError, match="method must be auto or one of"):
        mdpkit.solve(problem, method="gauss_seidel")
    with pytest.raises(UnknownOptionError, match="has no option 'sweep'"):
        mdpkit.solve(problem, method="modified_policy_iteration", sweep=3)
    with pytest.raises(InputError, match="sweeps"):
        mdpkit.solve(problem, method="modified_policy_iteration", sweeps=-1)
    with pytest.raises(InputError, match="tol"):
        mdpkit.solve(problem, tol=0.0)
    with pytest.raises(InputError, match=r"V0\[2\]"):
        mdpkit.solve(problem, V0=[0, 0, np.nan, 0, 0, 0])
    with pytest.raises(UnknownOptionError, match="worst_kernel"):
        mdpkit.planning.q_values(problem, np.zeros(6))  # type: ignore[arg-type]
    with pytest.raises(UnknownOptionError, match=r"see the package mdpkit\.robust"):
        mdpkit.solve(ModelSet([mdp]))
    horizon = RobustMDP(mdp.with_horizon(4), L1Ball(0.1))
    with pytest.raises(UnknownOptionError, match="backward_induction"):
        mdpkit.solve(horizon, method="value_iteration")
    with pytest.raises(UnknownOptionError, match="single pass"):
        mdpkit.solve(horizon, max_iter=3)


def test_a_cap_warns_and_keeps_a_valid_enclosure() -> None:
    mdp = mdpkit.TabularMDP(RIVER, RIVER_REWARD, gamma=0.95)
    problem = RobustMDP(mdp, L1Ball(0.1))
    with pytest.warns(ConvergenceWarning, match="cap"):
        solution = mdpkit.solve(problem, method="value_iteration", max_iter=3)
    exact = mdpkit.solve(problem)
    assert (solution.status, solution.converged) == ("max_iter", False)
    assert (solution.lower <= exact.upper).all()
    assert (exact.lower <= solution.upper).all()


def test_ctrl_c_keeps_the_solution_so_far() -> None:
    def stop(snapshot: Any) -> None:
        if snapshot.iterations == 2:
            raise KeyboardInterrupt

    mdp = mdpkit.TabularMDP(RIVER, RIVER_REWARD, gamma=0.95)
    with pytest.raises(KeyboardInterrupt) as caught:
        mdpkit.solve(RobustMDP(mdp, L1Ball(0.1)), method="value_iteration", callback=stop)
    solution = caught.value.solution  # type: ignore[attr-defined]
    exact = mdpkit.solve(RobustMDP(mdp, L1Ball(0.1)))
    assert solution.status == "interrupted"
    assert (solution.lower <= exact.upper).all()
    assert (exact.lower <= solution.upper).all()
