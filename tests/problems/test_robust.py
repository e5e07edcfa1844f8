"""Robust instances against the numbers their docstrings promise, in fractions and by enumeration.

Every policy and every kernel of a small rectangular set is tried and evaluated exactly; no robust solver is involved.
"spec 6.X" is section 6 of the project's specification of robust MDPs.
"""

from __future__ import annotations

import math
from fractions import Fraction as F  # noqa: N817 - fractions fill these tables
from itertools import product

import numpy as np
import pytest
from scipy.optimize import brentq

from mdpkit import problems
from mdpkit.errors import DiscountError, InputError
from mdpkit.problems import robust
from tests.oracles import exact_policy_values, exact_values, pairs_of

GAMMA = F(9, 10)


def rows_of(problem) -> list[list[list[dict[int, F]]]]:
    """Candidates ``[s][a][k]`` of a finite set, as fractions."""
    S, A, K = problem.n_states, problem.n_actions, problem.uncertainty.n_candidates
    table = problem.uncertainty.rows_for(problem.nominal).csr().toarray().reshape(S, A, K, S)
    return [[[{t: F(p) for t, p in enumerate(row) if p} for row in pair] for pair in state] for state in table]


def rewards_of(problem) -> list[list[F]]:
    return [[F(float(r)) for r in row] for row in problem.nominal.rewards]


def value(problem, policy, kernel) -> list[F]:
    """Exact values; ``kernel[s]`` is the index of nature's row at the policy's action."""
    rows, r = rows_of(problem), rewards_of(problem)
    pairs = [(s, a, r[s][a], rows[s][a][kernel[s]]) for s, a in enumerate(policy)]
    return exact_policy_values(pairs, policy, GAMMA)


def worst(problem, policy) -> list[F]:
    """Least value of a deterministic policy, at every state, over all kernels; one kernel attains all of them."""
    table = [value(problem, policy, kernel) for kernel in product(range(2), repeat=problem.n_states)]
    least = [min(column) for column in zip(*table, strict=True)]
    assert least in table
    return least


def best(problem) -> tuple[list[F], list[tuple[int, ...]]]:
    """Robust optimal values and all policies that attain them."""
    policies = list(product(range(problem.n_actions), repeat=problem.n_states))
    values = {policy: worst(problem, policy) for policy in policies}
    top = [max(column) for column in zip(*values.values(), strict=True)]
    return top, [policy for policy in policies if values[policy] == top]


def static(problem, index) -> list[tuple[int, int, F, dict[int, F]]]:
    """The plain model with nature's rows ``index[s][a]``."""
    rows, r = rows_of(problem), rewards_of(problem)
    return [(s, a, r[s][a], rows[s][a][index[s][a]]) for s in range(problem.n_states) for a in range(problem.n_actions)]


def action_values(pairs) -> list[list[F]]:
    V, _ = exact_values(pairs, GAMMA)
    Q = [[F(0), F(0)] for _ in V]
    for s, a, r, law in pairs:
        Q[s][a] = r + GAMMA * sum(p * V[t] for t, p in law.items())
    return Q


# ---------------------------------------------------------------- 6.2, 6.3, 6.3b


def least_mass(divergence, radius: float) -> float:
    """Largest probability of state 0 whose divergence from a fair coin is the radius."""
    return brentq(lambda p: divergence(p) - radius, 0.5, 1 - 1e-15, xtol=1e-15)


COIN = [
    (lambda p: 2 * abs(p - 0.5), 0.5, 12.5),
    (lambda p: math.sqrt(2) * abs(p - 0.5), 0.2, 13.585786437627),
    (lambda p: abs(p - 0.5), 0.2, 13.0),
    (lambda p: math.log(2) + p * math.log(p) + (1 - p) * math.log(1 - p), 0.1, 12.8020537383859),
    (lambda p: -math.log(2) - (math.log(p) + math.log(1 - p)) / 2, 0.1, 12.8712136854418),
    (lambda p: 4 * (p - 0.5) ** 2, 0.2, 12.7639320225002),
    (lambda p: 1 - (1 - p) / 0.5, 0.2, 14.0),  # contamination: the better state keeps (1 - epsilon) / 2
]


@pytest.mark.parametrize(("divergence", "radius", "expected"), COIN)
def test_coin(divergence, radius, expected):
    """The table of the docstring (spec 6.2), from the definitions of the divergences."""
    assert math.isclose((2 - least_mass(divergence, radius)) / 0.1, expected, rel_tol=1e-12)


def test_coin_model():
    model = robust.coin()
    assert model.transition(0, 0).tolist() == model.transition(1, 0).tolist() == [0.5, 0.5]
    assert model.outcomes.reward.tolist() == [1, 2, 1, 2]
    assert model.outcomes.successor.tolist() == [0, 1, 0, 1]
    V, _ = exact_values(pairs_of(model), "0.9")
    assert [F(15), F(15)] == V
    assert pytest.approx(90 / 7, rel=1e-14) == (2 - 1 / (2 * 0.7)) / 0.1  # CVaR 0.7


def test_the_downstream_river():
    """The nominal row of the table of spec 6.3 needs two parameters of `river_swim`."""
    river = problems.river_swim(6, up=0.05, down=0.35, first_up=0.4, gamma=0.95)
    assert river.transition(0, 1)[:2].tolist() == [0.6, 0.4]
    assert river.transition(3, 1)[2:5].tolist() == [0.35, 0.6, 0.05]
    assert river.transition(5, 1)[4:].tolist() == [0.4, 0.6]
    V, _ = exact_values(pairs_of(river, max_denominator=1000), "0.95")
    assert V[0] == F(1, 10)
    assert abs(V[3] - 0.111818897839) < 1e-12
    assert abs(V[5] - 2.661841880383) < 1e-12


def test_modular():
    model = robust.modular()
    pairs = []
    for s, a in product(range(5), range(3)):
        weight = [1 + (3 * s + 5 * a + 7 * t + s * t * (a + 1)) % 11 for t in range(5)]
        law = {t: F(w, sum(weight)) for t, w in enumerate(weight)}
        assert model.transition(s, a) == pytest.approx([float(law[t]) for t in range(5)], abs=1e-15)
        rewards = [(2 * s + 3 * a) % 5 - 1 + F(t, 5) for t in range(5)]
        pairs.append((s, a, sum(law[t] * rewards[t] for t in range(5)), law))
        assert model.reward(s, a) == pytest.approx(float(pairs[-1][2]), abs=1e-14)
    V, optimal = exact_values(pairs, GAMMA)
    assert abs(V[0] - 30.228532886773) < 1e-12
    assert abs(V[4] - 31.553983436054) < 1e-12
    assert optimal == [[1], [2], [0], [1], [2]]


# ---------------------------------------------------------------- 6.4


def test_iwocs_stall_values():
    problem = robust.iwocs_stall()
    assert best(problem) == ([0, 2, F(19, 5)], [(1, 0, 1)])
    nominal = [[0, 0]] * 3
    assert exact_values(static(problem, nominal), GAMMA) == ([F(22, 5), 6, 10], [[0], [1], [0]])
    assert worst(problem, (0, 1, 0))[0] == F(-208, 19)


def test_iwocs_stalls():
    """The second model, robust-greedy off the policy, changes no minimum of action values."""
    problem = robust.iwocs_stall()
    policy = (0, 1, 0)
    V, rows = worst(problem, policy), rows_of(problem)
    index = [
        [min((0, 1), key=lambda k: sum(p * V[t] for t, p in rows[s][a][k].items())) for a in range(2)] for s in range(3)
    ]
    assert (index[1][0], index[2][0]) == (1, 1)
    second = static(problem, index)
    assert exact_values(second, GAMMA)[0] == [17, 20, 20]
    first = static(problem, [[0, 0]] * 3)
    lowest = [
        [min(q) for q in zip(*both, strict=True)]
        for both in zip(action_values(first), action_values(second), strict=True)
    ]
    assert lowest == action_values(first)


def test_iwocs_keeping_rows_ends_after_three_iterations():
    problem = robust.iwocs_stall()
    index, lowest, upper, lower = [[0, 0], [0, 0], [0, 0]], [[math.inf] * 2] * 3, [], []
    for _ in range(3):
        seen = action_values(static(problem, index))
        lowest = [[min(p, q) for p, q in zip(*both, strict=True)] for both in zip(lowest, seen, strict=True)]
        policy = tuple(row.index(max(row)) for row in lowest)
        least = worst(problem, policy)
        upper.append(max(lowest[0]))
        lower.append(least[0])
        kernel = next(k for k in product(range(2), repeat=3) if value(problem, policy, k) == least)
        index = [[kernel[s] if a == policy[s] else index[s][a] for a in range(2)] for s in range(3)]
    assert (upper, lower) == ([F(22, 5), F(80, 19), 0], [F(-208, 19), -10, 0])


def test_the_hull_of_the_rows_seen_ends_after_three_iterations():
    """The same ends, with rows off the policy chosen robust-greedily; no solver, all kernels of the hull are tried."""
    problem = robust.iwocs_stall()
    rows = rows_of(problem)
    seen, upper, lower = [[{0} for _ in range(2)] for _ in range(3)], [], []
    policies = list(product(range(2), repeat=3))
    for _ in range(3):
        hull = {
            policy: [
                min(column)
                for column in zip(
                    *(value(problem, policy, k) for k in product(*(seen[s][policy[s]] for s in range(3)))), strict=True
                )
            ]
            for policy in policies
        }
        top = [max(column) for column in zip(*hull.values(), strict=True)]
        policy = next(policy for policy in policies if hull[policy] == top)
        V = worst(problem, policy)
        upper.append(top[0])
        lower.append(V[0])
        for s, a in product(range(3), range(2)):
            seen[s][a].add(min((0, 1), key=lambda k: sum(p * V[t] for t, p in rows[s][a][k].items())))
    assert (upper, lower) == ([F(22, 5), F(80, 19), 0], [F(-208, 19), -10, 0])


# ---------------------------------------------------------------- 6.5

GAMMAS = [F(0), F(1, 2), GAMMA, F(99, 100)]


@pytest.mark.parametrize("gamma", GAMMAS)
def test_retry(gamma):
    models = [pairs_of(model) for model in robust.retry()]
    G = 1 / (1 - gamma)
    deterministic = [min(exact_policy_values(m, [a, 0], gamma)[0] for m in models) for a in (0, 1)]
    assert deterministic == [0, 0]
    assert [exact_values(m, gamma)[0] for m in models] == [[gamma * G, G]] * 2
    # a coin in state 0: V = gamma (G / 2 + V / 2) in either model, and in any mixture of the two
    tossed = (gamma * G / 2) / (1 - gamma / 2)
    for w in (F(0), F(1, 3), F(1)):
        law = {t: sum(F(1, 2) * (w * p[t] + (1 - w) * q[t]) for p, q in both_rows(models)) for t in (0, 1)}
        assert law == {0: F(1, 2), 1: F(1, 2)}
    assert exact_policy_values([(0, 0, F(0), law), (1, 0, F(1), {1: F(1)})], [0, 0], gamma)[0] == tossed
    # half-way between the models the agent has nothing better than the coin: min over the hull of max over policies
    assert gamma != GAMMA or tossed == F(90, 11)


def both_rows(models):
    """Rows of state 0 in both models, action by action."""
    law = [{a: row for s, a, _, row in m if s == 0} for m in models]
    return [tuple({t: law[i][a].get(t, F(0)) for t in (0, 1)} for i in (0, 1)) for a in (0, 1)]


@pytest.mark.parametrize("gamma", GAMMAS)
def test_retry_with_memory(gamma):
    """Try one door at random, then the other; no policy does better against the uniform prior."""
    G = 1 / (1 - gamma)

    def reached(door: int, first: int, second: int) -> F:
        """Value of trying `first`, then `second` for ever, if `door` is open."""
        if first == door:
            return gamma * G
        return gamma**2 * G if second == door else F(0)

    mixed = [F(1, 2) * (reached(door, 0, 1) + reached(door, 1, 0)) for door in (0, 1)]
    assert mixed == [gamma * G * (1 + gamma) / 2] * 2
    # after the first try the model is known, so these four are all that a Bayesian agent can do
    bayes = [F(1, 2) * (reached(0, a, b) + reached(1, a, b)) for a in (0, 1) for b in (0, 1)]
    assert max(bayes) == mixed[0]
    assert gamma != GAMMA or mixed[0] == F(171, 20)


def test_retry_rectangular_has_the_rows_of_both_models():
    problem = robust.retry_rectangular()
    rows = rows_of(problem)
    for k, model in enumerate(robust.retry()):
        assert [[rows[s][a][k] for a in range(2)] for s in range(2)] == [
            [{t: F(float(p)) for t, p in enumerate(model.transition(s, a)) if p} for a in range(2)] for s in range(2)
        ]
    # unlinked, every deterministic policy is worth 0 at the start
    assert best(problem)[0] == [0, 10]
    # linked: for a policy (d, 1 - d) nature minimizes over weights w of the models; both ends are kernels
    G, values = F(10), {}
    for d in (F(i, 10) for i in range(11)):
        values[d] = min(
            GAMMA * G * hit / (1 - GAMMA * (1 - hit))
            for w in (F(j, 20) for j in range(21))
            for hit in [w * d + (1 - w) * (1 - d)]
        )
    assert max(values.values()) == values[F(1, 2)] == F(90, 11)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_opposite_drifts(gamma):
    for model in robust.opposite_drifts(gamma=float(gamma)):
        V = exact_policy_values(pairs_of(model), [0, 0], gamma)
        assert sum(V) / 2 == 1
        assert model.initial.tolist() == [0.5, 0.5]


def test_opposite_drifts_rectangular():
    problem = robust.opposite_drifts_rectangular()
    rows, r = rows_of(problem), problem.transition_rewards
    table = []
    for kernel in product(range(2), repeat=2):
        laws = [rows[s][0][kernel[s]] for s in range(2)]
        pairs = [(s, 0, sum(p * F(r[s, 0, t]) for t, p in law.items()), law) for s, law in enumerate(laws)]
        table.append(exact_policy_values(pairs, [0, 0], GAMMA))
    assert [0, 0] in table
    assert min(map(min, table)) == 0


# ---------------------------------------------------------------- 6.6, 6.7


@pytest.mark.parametrize("radius", [F(0), F(2, 5), F(1), F(3, 2), F(2)])
def test_shared_budget(radius):
    """The budget in twentieths against the policy in tenths, exactly."""
    problem = robust.shared_budget(float(radius))
    assert problem.nominal.transition(0, 0).tolist() == [0, 0.5, 0.5]
    assert problem.uncertainty.radius.tolist() == [float(radius), 0, 0]
    gain = GAMMA / (1 - GAMMA)
    values = {}
    for d in (F(i, 10) for i in range(11)):
        spent = [radius * F(j, 20) for j in range(21)]
        # an action with xi of the budget reaches the good state with probability 1/2 - min(xi, 1)/2
        values[d] = min(gain * (d * (1 - min(xi, F(1))) + (1 - d) * (1 - min(radius - xi, F(1)))) / 2 for xi in spent)
    assert max(values.values()) == values[F(1, 2)] == gain * (F(1, 2) - radius / 4)
    assert values[F(0)] == values[F(1)] == gain * (1 - min(radius, F(1))) / 2
    if radius == F(2, 5):
        assert (values[F(1, 2)], values[F(0)]) == (F(18, 5), F(27, 10))


def test_undamped_cycle():
    problem = robust.undamped_cycle()
    assert best(problem)[0] == [10, 11]
    rows, r = rows_of(problem), rewards_of(problem)
    V, iterates = [F(0), F(0)], []
    for _ in range(8):
        mean = [[[sum(p * V[t] for t, p in law.items()) for law in pair] for pair in state] for state in rows]
        kernel = [[pair.index(min(pair)) for pair in state] for state in mean]
        Q = [[r[s][a] + GAMMA * min(mean[s][a]) for a in range(2)] for s in range(2)]
        policy = [q.index(max(q)) for q in Q]
        V = value(problem, policy, [kernel[s][policy[s]] for s in range(2)])
        iterates.append(V)
    assert iterates == [[10, F(130, 11)], [10, 10]] * 4


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "build",
    [
        robust.iwocs_stall, robust.shared_budget, robust.undamped_cycle,
        robust.opposite_drifts, robust.opposite_drifts_rectangular,
        robust.retry, robust.retry_rectangular,
    ],
)  # fmt: skip
def test_a_discount_below_1_is_needed(build):
    with pytest.raises(DiscountError):
        build(gamma=1.0)


@pytest.mark.parametrize("bad", [-0.1, 2.1, np.nan, "x"])
def test_bad_budgets_are_named(bad):
    with pytest.raises(InputError) as caught:
        robust.shared_budget(bad)
    assert caught.value.argument == "radius"
