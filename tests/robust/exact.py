"""Exact values of small (s,a)-rectangular problems in rational arithmetic.

Nature's minimizer over an L1 ball or a finite set is one of finitely many rows, whatever the values are, so a robust
problem is a game on finite sets; against a fixed policy nature solves a plain decision process.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations, product

from tests.oracles import Pair, exact_values, n_states_of

Law = dict[int, Fraction]
Candidates = list[tuple[int, int, Fraction, list[Law]]]
"""(state, action, reward, candidate laws) of every pair."""


def l1_candidates(pairs: Sequence[Pair], radius: Fraction, *, everywhere: bool = False) -> Candidates:
    """Replace every row by the rows that some order of payoffs makes the worst of its L1 ball."""
    n = n_states_of(pairs)
    return [(s, a, r, _l1_rows(law, radius, range(n) if everywhere else sorted(law))) for s, a, r, law in pairs]


def _l1_rows(law: Law, radius: Fraction, allowed: Sequence[int]) -> list[Law]:
    rows = []
    for order in permutations(allowed):  # from the worst payoff to the best
        receiver = order[0]
        row = {t: law.get(t, Fraction(0)) for t in allowed}
        budget = min(radius / 2, 1 - row[receiver])
        for donor in reversed(order[1:]):
            moved = min(budget, row[donor])
            row[donor] -= moved
            row[receiver] += moved
            budget -= moved
        rows.append({t: p for t, p in row.items() if p})
    return [row for i, row in enumerate(rows) if row not in rows[:i]]


def robust_values(
    candidates: Candidates, gamma: Fraction, *, cooperative: bool = False
) -> tuple[list[Fraction], dict[tuple[int, ...], list[Fraction]]]:
    """Return the optimal robust values and those of every deterministic policy."""
    sign = 1 if cooperative else -1
    actions: dict[int, list[tuple[int, Fraction, list[Law]]]] = {}
    for s, a, r, laws in candidates:
        actions.setdefault(s, []).append((a, r, laws))
    states = sorted(actions)
    of_policy = {}
    for chosen in product(*(actions[s] for s in states)):
        nature = [
            (s, k, sign * r, law) for s, (_, r, laws) in zip(states, chosen, strict=True) for k, law in enumerate(laws)
        ]
        V, _ = exact_values(nature, gamma)
        of_policy[tuple(a for a, _, _ in chosen)] = [sign * v for v in V]
    best = [max(values[s] for values in of_policy.values()) for s in states]
    return best, of_policy
