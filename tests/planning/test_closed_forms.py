"""The reference numbers of spec solvers.md section 9 (A, B, C, D, L) and tests/data, for every method and option."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import mdpkit
from mdpkit import TabularMDP
from mdpkit.planning.run import Snapshot
from tests.oracles import pairs_from_json
from tests.planning.support import METHOD_IDS, METHODS, Exact, check, contains


def forest(n: int, gamma: float) -> TabularMDP:
    """Spec 9.B written out: wait burns down with 0.1 and else ages; cut starts again."""
    P, r = np.zeros((n, 2, n)), np.zeros((n, 2))
    P[:, 0, 0], P[:, 1, 0] = 0.1, 1.0
    P[np.arange(n), 0, np.minimum(np.arange(n) + 1, n - 1)] += 0.9
    r[1:, 1], r[-1] = 1.0, (4.0, 2.0)
    return TabularMDP(P, r, gamma)


def river_swim(gamma: float | None) -> TabularMDP:
    """Spec 9.C written out."""
    P, r = np.zeros((6, 2, 6)), np.zeros((6, 2))
    for s in range(6):
        P[s, 0, max(s - 1, 0)] = 1.0
        P[s, 1, max(s - 1, 0) : s + 2] = [(0.4, 0.6), (0.05, 0.6, 0.35), (0.4, 0.6)][(s > 0) + (s == 5)]
    r[0, 0], r[5, 1] = 0.005, 1.0
    return TabularMDP(P, r, gamma)


def two_state(gamma: float) -> TabularMDP:
    """Spec 9.A (Puterman 3.1) written out."""
    return TabularMDP.from_pairs([0, 0, 1], [0, 1, 0], [[0.5, 0.5], [0, 1], [0, 1]], [5, 10, -1], gamma)


def inventory(gamma: float | None) -> TabularMDP:
    """Spec 9.D (Puterman 3.2) written out."""
    after = np.array([[4, 0, 0, 0], [3, 1, 0, 0], [1, 2, 1, 0], [0, 1, 2, 1]]) / 4
    state, action = np.array([(s, a) for s in range(4) for a in range(4 - s)]).T
    return TabularMDP.from_pairs(state, action, after[state + action], [0, -1, -2, -5, 5, 0, -3, 6, -1, 5], gamma)


CASES = {
    # 9.A: V(0) = (5 - 5.5 gamma) / ((1 - gamma/2)(1 - gamma)) above 10/11, else 10 - gamma/(1-gamma).
    "A .95": (two_state(0.95), [Fraction(-60, 7), -20], [0, 0]),
    "A .9": (two_state(0.9), [1, -10], [1, 0]),
    "B S=3 .9": (forest(3, 0.9), [Fraction("26.244"), Fraction("29.484"), Fraction("33.484")], [0] * 3),
    "B S=3 .96": (forest(3, 0.96), [Fraction("74.6496"), Fraction("78.1056"), Fraction("82.1056")], [0] * 3),
    "B S=5 .99": (
        forest(5, 0.99),
        [
            Fraction(v)
            for v in ("252.0988168164", "254.9282087484", "258.1037327484", "261.6677327484", "265.6677327484")
        ],
        [0] * 5,
    ),
    "C .95": (
        river_swim(0.95),
        [
            Fraction(n, 3819703271)
            for n in (17835341097, 19399844702, 22540615097, 26378862762, 30893930137, 36184643542)
        ],
        [1] * 6,
    ),
    "D .9": (inventory(0.9), [Fraction(n, 4244) for n in (74405, 92185, 107985, 116845)], [3, 0, 0, 0]),
}


@pytest.mark.parametrize(("method", "options"), METHODS, ids=METHOD_IDS)
@pytest.mark.parametrize("case", CASES)
def test_every_method_on_every_closed_form(case: str, method: str, options: dict[str, str]):
    model, paper, policy = CASES[case]
    solution = mdpkit.solve(model, method=method, **options)
    assert solution.converged
    # Against the stored doubles exactly; against the decimals of the spec up to storing 0.9 as a double, which moves
    # values by up to u (max|r| + max|V|) / (1 - gamma) <= 2^-53 * 300 / 0.01 < 1e-11.
    check(solution, Exact(model))
    assert max(abs(Fraction(v) - x) for v, x in zip(solution.V.tolist(), paper, strict=True)) <= solution.tol + 1e-11
    assert solution.policy.tolist() == policy
    assert mdpkit.verify(model, solution).ok


@pytest.mark.parametrize("gamma", [0.92, 0.95, 0.99, 0.999])
def test_two_state_formula_above_the_blackwell_threshold(gamma: float):
    solution = mdpkit.solve(two_state(gamma))
    g = Fraction(gamma)
    exact = [(5 - Fraction(11, 2) * g) / ((1 - g / 2) * (1 - g)), -1 / (1 - g)]
    assert contains(solution.lower, solution.upper, exact)
    assert solution.policy.tolist() == [0, 0]


@pytest.mark.parametrize(("method", "options"), METHODS, ids=METHOD_IDS)
def test_two_state_tie_at_ten_elevenths(method: str, options: dict[str, str]):
    # Both actions are worth 0 (spec 9.A): neither may be excluded, and rounding decides nothing but the lowest id.
    model = two_state(10 / 11)
    solution = mdpkit.solve(model, method=method, tol=1e-12, **options)
    assert solution.optimal_actions.tolist() == [[True, True], [True, False]]
    assert solution.policy[0] == 0
    check(solution, Exact(model))


def test_river_swim_at_99():
    # Spec 9.C.
    solution = mdpkit.solve(river_swim(0.99), tol=1e-9)
    assert abs(Fraction(solution.V[0]) - Fraction(6989776866765, 184647524779)) <= 2e-9


def test_value_iteration_enclosures_on_river_swim():
    # Spec 9.C: from 0 at gamma 0.95, enclosures of V(0) after 1, 20, 60 sweeps.
    seen: list[Snapshot] = []
    mdpkit.solve(river_swim(0.95), method="value_iteration", tol=1e-6, callback=lambda s: bool(seen.append(s)))
    paper = {1: (0.005, 19.005), 20: (4.4106429041, 4.7275388782), 60: (4.6692941515, 4.6693014821)}
    for sweep, ends in paper.items():
        # Ten printed decimals.
        assert_allclose((seen[sweep - 1].lower[0], seen[sweep - 1].upper[0]), ends, rtol=0, atol=0.51e-10)
    assert len(seen) == 65  # spec 9.C: the span rule with tol 1e-6


@pytest.mark.parametrize("sweeps", [1, 20, 60])
def test_capped_value_iteration_is_one_sweep_better_than_its_cap(sweeps: int):
    # `solve` certifies by one more sweep; the enclosure is inside the one of the callback and still holds.
    model = river_swim(0.95)
    with pytest.warns(mdpkit.ConvergenceWarning, match=f"cap of {sweeps} iterations"):
        solution = mdpkit.solve(model, method="value_iteration", tol=1e-6, max_iter=sweeps)
    assert (solution.iterations, solution.status, solution.converged) == (sweeps, "max_iter", False)
    check(solution, Exact(model))


def test_the_sup_norm_rule_would_need_far_more():
    # Spec 1.1: at sweep 60 the sup-norm enclosure, 2 gamma/(1-gamma) max|d| wide, is 0.79 where the span's is 7.3e-6.
    sup_norm: list[float] = []
    spans: list[float] = []
    last = np.zeros(6)

    def record(snapshot: Any) -> None:
        nonlocal last
        sup_norm.append(2 * 0.95 / 0.05 * np.max(np.abs(snapshot.last_sweep - last)))
        spans.append(2 * snapshot.half_width)
        last = snapshot.last_sweep

    mdpkit.solve(river_swim(0.95), method="value_iteration", tol=1e-6, callback=record)
    assert_allclose((sup_norm[59], spans[59]), (0.79, 7.3e-6), rtol=0.01)


def test_river_swim_over_twenty_steps():
    # Spec 9.C, H = 20 undiscounted, stage 0, 13 decimals.
    solution = mdpkit.solve(river_swim(None).with_horizon(20))
    paper = [3.3972639591508, 4.0526506289625, 5.3018679014584, 6.6783668849828, 8.0940002711211, 9.5214445208153]
    assert_allclose(solution.V[0], paper, rtol=0, atol=0.51e-13 + solution.half_width)


def test_inventory_over_three_steps():
    # Spec 9.D: quarters are doubles, so everything is exact.
    solution = mdpkit.solve(inventory(None).with_horizon(3))
    paper = [[67 / 16, 129 / 16, 97 / 8, 227 / 16], [2, 25 / 4, 10, 21 / 2], [0, 5, 6, 5], [0, 0, 0, 0]]
    assert solution.V.tolist() == paper
    assert solution.policy.tolist() == [[3, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("ours", "catalogue"),
    [
        (two_state(0.95), mdpkit.problems.two_state(gamma=0.95)),
        (forest(5, 0.99), mdpkit.problems.forest(5, gamma=0.99)),
        (river_swim(0.95), mdpkit.problems.river_swim(6, gamma=0.95)),
        (inventory(0.9), mdpkit.problems.inventory(gamma=0.9)),
    ],
    ids=["two_state", "forest", "river_swim", "inventory"],
)
def test_the_catalogue_has_the_same_values(ours: TabularMDP, catalogue: TabularMDP):
    mine, theirs = mdpkit.solve(ours, tol=1e-10), mdpkit.solve(catalogue, tol=1e-10)
    assert_allclose(mine.V, theirs.V, rtol=0, atol=2e-10)
    assert mine.policy.tolist() == theirs.policy.tolist()


CRAAM = json.loads((Path(__file__).parents[1] / "data" / "craam2_cases.json").read_text())["cases"]
QUERIES = [
    pytest.param(case, query, id=f"{case['key']}-{query['gamma']}")
    for case in CRAAM
    for query in case["queries"]
    if query["kind"] == "discounted"
]


@pytest.mark.parametrize(("case", "query"), QUERIES)
def test_craam_cases(case: dict[str, Any], query: dict[str, Any]):
    # Recomputed in exact fractions by the authors of tests/data.
    pairs = pairs_from_json(case["pairs"])
    P = np.zeros((len(pairs), case["S"]))
    for k, (_, _, _, law) in enumerate(pairs):
        for t, p in law.items():
            P[k, t] = float(p)
    state, action, reward = [p[0] for p in pairs], [p[1] for p in pairs], [float(p[2]) for p in pairs]
    gamma = float(Fraction(query["gamma"]))
    model = TabularMDP.from_pairs(state, action, P, reward, gamma)
    paper = [Fraction(v) for v in query["exact"]]
    exact = Exact(model)
    # Storing the decimals as doubles moves the values a little; the bound on that is the term added to tol.
    moved = float(max(abs(x - y) for x, y in zip(exact.V, paper, strict=True)))
    assert moved <= 2.0**-53 * 20 * float(max(abs(x) for x in paper)) / (1 - gamma)
    for method, options in METHODS:
        solution = mdpkit.solve(model, method=method, **options)
        check(solution, exact)
        assert all(a in best for a, best in zip(solution.policy.tolist(), query["optimal_actions"], strict=True))


GENERATORS = {
    "garnet": mdpkit.problems.garnet(60, 3, 4, gamma=0.97, seed=1),
    "garnet dense": mdpkit.problems.garnet(40, 3, 20, gamma=0.97, seed=2),
    "grid": mdpkit.problems.grid_world(8, gamma=0.97),
    "chain": mdpkit.problems.chain(25, gamma=0.97),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_all_methods_agree_on_the_generators(name: str):
    # Spec 9.L has no closed form: certified values may differ by the sum of the tolerances.
    model, tol = GENERATORS[name], 1e-7
    values = [mdpkit.solve(model, method=method, tol=tol, **options) for method, options in METHODS]
    lower = np.max([s.lower for s in values], axis=0)
    upper = np.min([s.upper for s in values], axis=0)
    assert (lower <= upper).all()
    for solution in values:
        assert solution.converged
        assert_allclose(solution.V, values[0].V, rtol=0, atol=2 * tol)
