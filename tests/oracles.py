"""Exact answers for small models in rational arithmetic, sharing no code with the solvers they check.

A model is a plain list of pairs ``(state, action, reward, {successor: probability})`` of integers and `Fraction`s, as
one would write it on paper. Nothing here is fast; a hundred states with short fractions take a second or two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

Pair: TypeAlias = tuple[int, int, Fraction, dict[int, Fraction]]


def pairs_of(model: Any, *, max_denominator: int | None = None) -> list[Pair]:
    """Read a `TabularMDP` into fractions.

    By default these are the stored doubles, rows divided by their exact sum and rewards averaged over the outcomes:
    the model a certificate must hold for. With ``max_denominator`` every number is replaced by the closest fraction of
    that size, which recovers the 2/5 that somebody wrote as 0.4; rows must then sum to one exactly.
    """

    def rational(value: float) -> Fraction:
        exact = Fraction(float(value))
        return exact if max_denominator is None else exact.limit_denominator(max_denominator)

    table = model.outcomes
    joint: list[list[tuple[Fraction, Fraction, int]]] = [[] for _ in range(model.n_pairs)]
    for k, p, r, t in zip(
        table.pair.tolist(), table.prob.tolist(), table.reward.tolist(), table.successor.tolist(), strict=True
    ):
        joint[k].append((rational(p), rational(r), t))
    pairs: list[Pair] = []
    for (s, a), outcomes in zip(
        zip(model.pair_state.tolist(), model.pair_action.tolist(), strict=True), joint, strict=True
    ):
        total = sum((p for p, _, _ in outcomes), Fraction(0))
        if max_denominator is not None and total != 1:
            raise ValueError(f"row of pair ({s}, {a}) sums to {total}, not to 1, after rounding to short fractions")
        law: dict[int, Fraction] = {}
        for p, _, t in outcomes:
            law[t] = law.get(t, Fraction(0)) + p / total
        pairs.append((s, a, sum((p * r for p, r, _ in outcomes), Fraction(0)) / total, law))
    return pairs


def pairs_from_json(rows: Iterable[Sequence[Any]]) -> list[Pair]:
    """Read ``[[s, a, "reward", [[s', "p"], ...]], ...]`` with numbers as strings, the layout of ``tests/data``."""
    return [(s, a, Fraction(r), {t: Fraction(p) for t, p in law}) for s, a, r, law in rows]


def n_states_of(pairs: Iterable[Pair]) -> int:
    """Return the number of states: the largest index plus one."""
    return 1 + max(max(s, *law) for s, _, _, law in pairs)


def solve_linear(rows: Sequence[Mapping[int, Fraction]], right: Sequence[Fraction]) -> list[Fraction]:
    """Solve ``x[i] = right[i] + sum_j rows[i][j] x[j]`` by eliminating one unknown after the other.

    The pivots ``1 - rows[i][i]`` stay positive for substochastic rows from which every state leaks, so no exchange of
    rows is needed; a vanishing pivot means that the system is singular.
    """
    a = [{j: Fraction(v) for j, v in row.items() if v} for row in rows]
    b = [Fraction(value) for value in right]
    n = len(a)
    for i in range(n):
        pivot = 1 - a[i].pop(i, Fraction(0))
        if pivot == 0:
            raise ZeroDivisionError(f"state {i} never leaks: the policy's value is not defined")
        a[i] = {j: v / pivot for j, v in a[i].items()}
        b[i] /= pivot
        for k in range(i + 1, n):
            weight = a[k].pop(i, Fraction(0))
            if weight:
                for j, v in a[i].items():
                    a[k][j] = a[k].get(j, Fraction(0)) + weight * v
                b[k] += weight * b[i]
    for i in reversed(range(n)):
        # Row i now refers to later unknowns only.
        b[i] += sum((v * b[j] for j, v in a[i].items()), Fraction(0))
    return b


def exact_policy_values(pairs: Sequence[Pair], policy: Sequence[int], gamma: Any = 1) -> list[Fraction]:
    """Return the values of a deterministic policy (action ids).

    ``gamma`` is anything `Fraction` reads exactly, such as "0.9" or ``Fraction(9, 10)``. With ``gamma = 1`` absorbing
    states with reward 0 have value 0, and the policy must reach one of them from everywhere.
    """
    factor = Fraction(gamma)
    chosen = {s: (r, law) for s, a, r, law in pairs if policy[s] == a}
    rows, right = [], []
    for s in range(n_states_of(pairs)):
        r, law = chosen[s]
        ended = r == 0 and law == {s: 1}
        rows.append({} if ended else {t: factor * p for t, p in law.items()})
        right.append(r)
    return solve_linear(rows, right)


def exact_values(
    pairs: Sequence[Pair], gamma: Any = 1, *, policy: Sequence[int] | None = None
) -> tuple[list[Fraction], list[list[int]]]:
    """Return the optimal values and, for every state, *all* optimal action ids, by Howard's policy iteration.

    Starts from ``policy``, by default the first action of every state. With ``gamma = 1`` the start must be proper
    (end almost surely), and improper policies must be worth minus infinity or not exist; policy iteration then stays
    among proper policies (Bertsekas and Tsitsiklis 1991).
    """
    factor = Fraction(gamma)
    own: list[list[tuple[int, Fraction, dict[int, Fraction]]]] = [[] for _ in range(n_states_of(pairs))]
    for s, a, r, law in pairs:
        own[s].append((a, r, law))
    current = [min(choices)[0] for choices in own] if policy is None else list(policy)
    while True:
        V = exact_policy_values(pairs, current, factor)
        Q = [
            {a: r + factor * sum((p * V[t] for t, p in law.items()), Fraction(0)) for a, r, law in choices}
            for choices in own
        ]
        # Only a strict improvement may change an action, or ties would cycle.
        improved = [
            a if Q[s][a] == max(Q[s].values()) else max(Q[s], key=Q[s].__getitem__) for s, a in enumerate(current)
        ]
        if improved == current:
            return V, [sorted(a for a, q in row.items() if q == max(row.values())) for row in Q]
        current = improved


def finite_horizon_values(
    pairs: Sequence[Pair], horizon: int, gamma: Any = 1, terminal: Sequence[Any] | None = None
) -> tuple[list[list[Fraction]], list[list[list[int]]]]:
    """Return ``V[t][s]`` for ``t = 0..horizon`` and all optimal actions ``best[t][s]``, by backward induction."""
    factor, n = Fraction(gamma), n_states_of(pairs)
    V = [[Fraction(value) for value in ([0] * n if terminal is None else terminal)]]
    best: list[list[list[int]]] = []
    for _ in range(horizon):
        Q: list[dict[int, Fraction]] = [{} for _ in range(n)]
        for s, a, r, law in pairs:
            Q[s][a] = r + factor * sum((p * V[0][t] for t, p in law.items()), Fraction(0))
        top = [max(row.values()) for row in Q]
        best.insert(0, [sorted(a for a, q in row.items() if q == m) for row, m in zip(Q, top, strict=True)])
        V.insert(0, top)
    return V, best


def exact_gain_and_bias(pairs: Sequence[Pair], policy: Sequence[int]) -> tuple[Fraction, list[Fraction]]:
    """Return gain and bias (0 in state 0) of a policy whose chain returns to state 0 from everywhere.

    With ``h(0) = 0`` the evaluation equation reads ``h = r - g + P h``; it is solved for ``r`` and for the constant 1,
    and the gain makes the solution vanish in state 0.
    """
    chosen = {s: (r, law) for s, a, r, law in pairs if policy[s] == a}
    states = range(n_states_of(pairs))
    rows = [{t: p for t, p in chosen[s][1].items() if t != 0} for s in states]
    earned = solve_linear(rows, [chosen[s][0] for s in states])
    steps = solve_linear(rows, [Fraction(1)] * len(states))
    gain = earned[0] / steps[0]
    return gain, [r - gain * n for r, n in zip(earned, steps, strict=True)]
