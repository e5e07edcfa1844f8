"""The named problems against the numbers their docstrings promise.

Models are read as short fractions (0.35 as 7/20), so that answers can be compared for equality. "spec 9.X" is section 9
of the project's solver specification, whose numbers were computed there by two unrelated methods.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction as F  # noqa: N817 - fractions fill these tables
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import problems
from tests.oracles import (
    exact_gain_and_bias,
    exact_policy_values,
    exact_values,
    finite_horizon_values,
    pairs_from_json,
    pairs_of,
)

CRAAM2 = {
    case["key"]: case
    for case in json.loads((Path(__file__).parents[1] / "data" / "craam2_cases.json").read_text())["cases"]
}


def short(model):
    return pairs_of(model, max_denominator=100_000)


# ------------------------------------------------------------------ two states


@pytest.mark.parametrize(
    ("gamma", "values", "best"),
    [  # spec 9.A, Puterman 3.1
        ("0.95", [F(-60, 7), F(-20)], [0]),
        ("0.9", [F(1), F(-10)], [1]),
        (F(10, 11), [F(0), F(-11)], [0, 1]),
    ],
)
def test_two_state(gamma, values, best):
    assert exact_values(short(problems.two_state()), gamma) == (values, [best, [0]])


@given(st.fractions(0, F(199, 200), max_denominator=200))
def test_two_state_formula_of_the_docstring(gamma):
    stay = (5 - F(11, 2) * gamma) / ((1 - gamma / 2) * (1 - gamma))
    V, _ = exact_values(short(problems.two_state()), gamma)
    assert [max(stay, 10 - gamma / (1 - gamma)), -1 / (1 - gamma)] == V


# ------------------------------------------------------------------ forest


@pytest.mark.parametrize(
    ("n", "gamma", "values"),
    [  # spec 9.B; the two cases of three states are also in pymdptoolbox's documentation and tests
        (3, "0.9", ["26.244", "29.484", "33.484"]),
        (3, "0.96", ["74.6496", "78.1056", "82.1056"]),
    ],
)
def test_forest_exactly(n, gamma, values):
    V, best = exact_values(short(problems.forest(n)), gamma)
    assert [F(v) for v in values] == V
    assert best == [[0]] * n


def test_forest_of_five_classes():
    V, best = exact_values(short(problems.forest(5)), "0.99")
    assert V[0] == F("252.0988168644")  # 0.891^4 * 4 / 0.01, by hand
    # spec 9.B prints 252.0988168164 for state 0, a slip of one digit; the other states are as printed there.
    expected = [254.9282087484, 258.1037327484, 261.6677327484, 265.6677327484]
    assert [round(float(v), 10) for v in V[1:]] == expected
    assert best == [[0]] * 5


@settings(max_examples=60)
@given(
    n=st.integers(2, 6),
    gamma=st.fractions(F(1, 10), F(99, 100), max_denominator=100),
    wood=st.integers(0, 12),
    cut=st.integers(0, 12),
    fire=st.integers(0, 20),
)
def test_forest_formula_and_its_condition(n, gamma, wood, cut, fire):
    p = F(fire, 20)
    pairs = short(problems.forest(n, r_wait=wood, r_cut=cut, fire_probability=fire / 20))
    q, last = gamma * (1 - p), n - 1
    V0 = q**last * wood / (1 - gamma)
    formula = [(gamma * p * V0 + q ** (last - s) * wood) / (1 - q) for s in range(n)]
    assert exact_policy_values(pairs, [0] * n, gamma) == formula
    assert formula[0] == V0
    promised = (n == 2 or 1 + gamma * V0 <= formula[1]) and cut + gamma * V0 <= formula[last]
    assert promised == (exact_values(pairs, gamma)[0] == formula)


# ------------------------------------------------------------------ river swim


RIVER_95 = (17835341097, 19399844702, 22540615097, 26378862762, 30893930137, 36184643542)


def test_river_swim_discounted():
    pairs = short(problems.river_swim())
    V, best = exact_values(pairs, "0.95")  # spec 9.C
    assert [F(v, 3819703271) for v in RIVER_95] == V
    assert best == [[1]] * 6
    assert exact_values(pairs, "0.99")[0][0] == F(6989776866765, 184647524779)


def test_river_swim_average():
    gain, bias = exact_gain_and_bias(short(problems.river_swim()), [1] * 6)  # spec 9.C
    assert gain == F(7203, 16805)
    assert bias == [F(b, 3361) for b in (0, 2401, 6860, 11613, 16408, 21209)]


def test_river_swim_finite_horizon():
    V, _ = finite_horizon_values(short(problems.river_swim()), 20)  # spec 9.C
    expected = [3.3972639591508, 4.0526506289625, 5.3018679014584, 6.6783668849828, 8.0940002711211, 9.5214445208153]
    np.testing.assert_allclose([float(v) for v in V[0]], expected, rtol=0, atol=6e-14)


def test_river_swim_of_five_states():
    V, _ = finite_horizon_values(short(problems.river_swim(5)), 10)  # spec mdvi.md d.10
    expected = [0.90680655, 1.41288236, 2.48329634, 3.79967821, 5.21767721]
    np.testing.assert_allclose([float(v) for v in V[0]], expected, rtol=0, atol=6e-9)


@settings(max_examples=40)
@given(
    n=st.integers(3, 8), up=st.integers(1, 9), down=st.integers(1, 9), first=st.integers(1, 20), last=st.integers(1, 20)
)
def test_river_swim_share_of_the_last_state(n, up, down, first, last):
    model = problems.river_swim(n, up=up / 20, down=down / 20, first_up=first / 20, last_down=last / 20, large_reward=3)
    ratio = F(up, down)
    share = [F(1), *(F(first, down) * ratio ** (s - 1) for s in range(1, n - 1))]
    share.append(F(first, down) * ratio ** (n - 3) * F(up, last))
    assert exact_gain_and_bias(short(model), [1] * n)[0] == 3 * share[-1] / sum(share)


def test_river_swim_original_is_the_one_of_craam2():
    case = CRAAM2["craam_riverswim"]
    model = problems.river_swim(up=0.3, down=0.1, first_up=0.3, last_down=0.7, small_reward=5, large_reward=3000)
    assert short(model) == pairs_from_json(case["pairs"])
    assert exact_values(short(model), "0.9")[0] == [F(v) for v in case["queries"][0]["exact"]]


def test_river_swim_that_pushes_down():
    model = problems.river_swim(up=0.05, down=0.35)
    np.testing.assert_array_equal(model.transition(3, "right"), [0, 0, 0.35, 0.6, 0.05, 0])


# ------------------------------------------------------------------ inventory


def test_inventory_rows_and_rewards():
    model = problems.inventory()  # spec 9.D, Puterman 3.2
    rewards = [[0, -1, -2, -5], [5, 0, -3], [6, -1], [5]]
    laws = [[1, 0, 0, 0], [0.75, 0.25, 0, 0], [0.25, 0.5, 0.25, 0], [0, 0.25, 0.5, 0.25]]
    for s, row in enumerate(rewards):
        assert np.flatnonzero(model.action_mask[s]).tolist() == list(range(4 - s))
        for a, r in enumerate(row):
            assert model.reward(s, a) == r
            assert model.transition(s, a).tolist() == laws[s + a]


def test_inventory_finite_horizon():
    V, best = finite_horizon_values(short(problems.inventory()), 3)  # spec 9.D
    assert V[0] == [F(67, 16), F(129, 16), F(97, 8), F(227, 16)]
    assert V[1] == [F(2), F(25, 4), F(10), F(21, 2)]
    assert V[2] == [F(0), F(5), F(6), F(5)]
    assert best == [[[3], [0], [0], [0]], [[2], [0], [0], [0]], [[0], [0], [0], [0]]]


def test_inventory_discounted_and_average():
    pairs = short(problems.inventory())  # spec 9.D
    assert exact_values(pairs, "0.9") == (
        [F(v, 4244) for v in (74405, 92185, 107985, 116845)],
        [[3], [0], [0], [0]],
    )
    gain, bias = exact_gain_and_bias(pairs, [3, 0, 0, 0])
    assert gain == F(97, 44)
    assert bias == [F(0), F(41, 11), F(83, 11), F(10)]


@settings(max_examples=40)
@given(
    top=st.integers(1, 6),
    weights=st.lists(st.integers(0, 5), min_size=1, max_size=9).filter(any),
    fixed=st.integers(0, 5),
    unit=st.integers(0, 4),
    holding=st.integers(0, 4),
    price=st.integers(0, 12),
)
def test_inventory_against_the_story_told_in_a_loop(top, weights, fixed, unit, holding, price):
    law = np.array(weights) / sum(weights)
    model = problems.inventory(top, demand=law, fixed_cost=fixed, unit_cost=unit, holding_cost=holding, price=price)
    for s in range(top + 1):
        for a in range(top + 1 - s):
            mean, row = 0.0, np.zeros(top + 1)
            for d, p in enumerate(law):
                sold = min(d, s + a)
                row[s + a - sold] += p
                mean += p * (price * sold - fixed * (a > 0) - unit * a - holding * (s + a))
            np.testing.assert_allclose(model.transition(s, a), row, atol=1e-14)
            assert model.reward(s, a) == pytest.approx(mean, abs=1e-12)


# ------------------------------------------------------------------ machine replacement


def test_machine_replacement_is_the_one_of_craam2():
    case = CRAAM2["craam_machine_replacement"]
    pairs = short(problems.machine_replacement())
    assert pairs == pairs_from_json(case["pairs"])
    for query in case["queries"]:
        if query["kind"] == "discounted":
            V, best = exact_values(pairs, query["gamma"])
            assert [F(v) for v in query["exact"]] == V
            assert best == query["optimal_actions"] == [[0]] * 4 + [[1]] * 5 + [[0]]
        else:
            assert exact_gain_and_bias(pairs, query["policy"])[0] == F(query["gain_exact"]) == F(-2374, 3325)


# ------------------------------------------------------------------ gambler


def bold(x: F, p: F) -> F:
    """Value of bold play from the share ``x`` of the goal: the recursion of the docstring (dyadic ``x`` only)."""
    if x in (0, 1):
        return x
    return p * bold(2 * x, p) if 2 * x <= 1 else p + (1 - p) * bold(2 * x - 1, p)


def test_gambler_with_goal_eight():
    V, best = exact_values(short(problems.gambler(8)))
    # spec 9.G; the absorbing ends are worth 0, the reward is paid on reaching the goal.
    assert V[1:8] == [F(8, 125), F(4, 25), F(32, 125), F(2, 5), F(62, 125), F(16, 25), F(98, 125)]
    assert V[0] == V[8] == 0
    assert V[1:8] == [bold(F(s, 8), F(2, 5)) for s in range(1, 8)]
    assert all(min(s, 8 - s) in best[s] for s in range(1, 8))


def test_gambler_with_goal_one_hundred():
    pairs = short(problems.gambler(100))
    V = exact_policy_values(pairs, [min(s, 100 - s) for s in range(101)])  # bold play
    published = {  # spec 9.G
        1: 0.00206562477654,
        10: 0.0434634974533,
        25: 0.16,
        50: 0.4,
        51: 0.403098437165,
        75: 0.64,
        99: 0.964332967227,
    }
    for s, value in published.items():
        assert float(V[s]) == pytest.approx(value, rel=3e-12)
    # Bold play is optimal: no stake promises more.
    for s, _, r, law in pairs:
        assert r + sum(p * V[t] for t, p in law.items()) <= V[s]


@pytest.mark.parametrize("goal", [2, 3, 7, 12])
def test_gambler_with_a_fair_coin_is_linear(goal):
    V, best = exact_values(short(problems.gambler(goal, win_probability=0.5)))
    assert V[1:-1] == [F(s, goal) for s in range(1, goal)]
    assert best[1:-1] == [list(range(1, min(s, goal - s) + 1)) for s in range(1, goal)]


def test_gambler_with_a_good_coin_plays_timidly():
    V, best = exact_values(short(problems.gambler(12, win_probability=0.6)))
    rho = F(2, 3)  # gambler's ruin, Feller XIV.2
    assert V[1:-1] == [(1 - rho**s) / (1 - rho**12) for s in range(1, 12)]
    assert all(best[s] == [1] for s in range(1, 12))


# ------------------------------------------------------------------ chain


@pytest.mark.parametrize("n", [2, 3, 9])
def test_chain_gain_of_always_right(n):
    rho = F(7, 3)
    gain, _ = exact_gain_and_bias(short(problems.chain(n)), [1] * n)
    assert gain == rho ** (n - 1) * (rho - 1) / (rho**n - 1)
    assert exact_gain_and_bias(short(problems.chain(n)), [0] * n)[0] == F(1, 200)


def test_chain_rows():
    model = problems.chain(4)  # spec 9.L
    expected = {
        "left": [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]],
        "right": [[0.3, 0.7, 0, 0], [0.3, 0, 0.7, 0], [0, 0.3, 0, 0.7], [0, 0, 0.3, 0.7]],
    }
    for action, rows in expected.items():
        for s, row in enumerate(rows):
            np.testing.assert_allclose(model.transition(s, action), row, rtol=1e-15)
    np.testing.assert_array_equal(model.rewards, [[0.005, 0], [0, 0], [0, 0], [0, 1]])


# ------------------------------------------------------------------ grid world


@pytest.mark.parametrize(("rows", "cols", "goal"), [(1, 6, (0, 5)), (4, 3, (3, 2)), (3, 3, (1, 1))])
@pytest.mark.parametrize("step", ["0", "-0.25"])
def test_grid_world_without_slip_is_shortest_paths(rows, cols, goal, step):
    gamma, c = F(9, 10), F(step)
    model = problems.grid_world(rows, cols, slip=0, goal=goal, pits=(), step_reward=float(c))
    V, _ = exact_values(short(model), gamma)
    for s, value in enumerate(V):
        d = abs(s // cols - goal[0]) + abs(s % cols - goal[1])
        assert value == (0 if d == 0 else c * (1 - gamma**d) / (1 - gamma) + gamma ** (d - 1))


def test_grid_world_of_russell_and_norvig():
    model = problems.grid_world(
        3,
        4,
        gamma=1,
        slip=0.2,
        start=(2, 0),
        goal=(0, 3),
        pits=[(1, 3)],
        walls=[(1, 1)],
        step_reward=-0.04,
        pit_reward=-1,
    )
    # Their figure 17.2 (a), the optimal policy for -0.04: up = 0, right = 1, left = 3 (0 where there is no choice).
    policy = [1, 1, 1, 0, 0, 0, 0, 0, 0, 3, 3, 3]
    V, best = exact_values(short(model), policy=policy)
    assert all(a in b for a, b in zip(policy, best, strict=True))
    # Figure 17.3, to the three digits printed there; row 0 is their row 3.
    printed = [0.812, 0.868, 0.918, 0, 0.762, 0, 0.660, 0, 0.705, 0.655, 0.611, 0.388]
    np.testing.assert_allclose([float(v) for v in V], printed, rtol=0, atol=0.00051)
    assert model.initial[8] == 1
    assert math.isclose(model.initial.sum(), 1)
