"""Every deterministic history policy of a small problem, in exact fractions: the oracle of the distributional tests.

A problem is plain data, ``outcomes[state][action] = [(probability, reward, successor), ...]`` in integers and
`Fraction`s, with successor -1 for the end; a law is a dictionary ``{return: probability}``. Policies are enumerated,
never optimized: nothing here is, or shares a line with, a recursion of the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import product
from typing import Any, TypeAlias

from hypothesis import strategies as st

from mdpkit.models import TabularMDP

Outcome: TypeAlias = tuple[Fraction, Fraction, int]
Problem: TypeAlias = list[list[list[Outcome]]]
Law: TypeAlias = dict[Fraction, Fraction]

ZERO, ONE = Fraction(0), Fraction(1)
END = -1


# ---------------------------------------------------------------- problems


def two_step(first: Any, safe: Any, low: Any, high: Any) -> Problem:
    """CAS of the specification: a coin pays 0 or ``first``, then ``safe`` or a coin between ``low`` and ``high``."""
    half = Fraction(1, 2)
    coin = [(half, ZERO, 1), (half, Fraction(first), 1)]
    gamble = [(half, Fraction(low), END), (half, Fraction(high), END)]
    return [[coin], [[(ONE, Fraction(safe), END)], gamble]]


def as_mdp(problem: Problem, gamma: float | None = 1.0) -> TabularMDP:
    """Write a problem as a model; one more state, the last, stands for the end (if anything ends)."""
    end = len(problem)
    lines = [
        (s, a, float(p), float(r), end if t == END else t)
        for s, actions in enumerate(problem)
        for a, outcomes in enumerate(actions)
        for p, r, t in outcomes
    ]
    ends = any(t == end for *_, t in lines)
    if ends:
        lines.append((end, 0, 1.0, 0.0, end))
    state, action, prob, reward, successor = zip(*lines, strict=True)
    return TabularMDP.from_outcomes(state, action, prob, reward, successor, gamma, n_states=end + ends, initial=0)


def as_problem(mdp: TabularMDP, *, max_denominator: int = 10**6) -> Problem:
    """Read a model into short fractions (0.4 becomes 2/5); states keep their numbers and nothing ends."""
    table = mdp.outcomes
    pairs: list[list[Outcome]] = [[] for _ in range(mdp.n_pairs)]
    for k, p, r, t in zip(table.pair, table.prob, table.reward, table.successor, strict=True):
        pairs[k].append((short(p, max_denominator), short(r, max_denominator), int(t)))
    assert all(sum(p for p, _, _ in pair) == 1 for pair in pairs)
    return [pairs[first:last] for first, last in zip(mdp.state_ptr[:-1], mdp.state_ptr[1:], strict=True)]


def short(x: float, max_denominator: int = 10**6) -> Fraction:
    """The short fraction somebody meant when they wrote a decimal."""
    return Fraction(float(x)).limit_denominator(max_denominator)


@st.composite
def two_step_problems(draw: st.DrawFn, *, n_actions: int = 2, n_states: int = 2) -> Problem:
    """Draw a problem of two steps: one state, then `n_states` states, rewards and quarters drawn at random.

    Probabilities are multiples of 1/4 and rewards multiples of 1/2, so that ties between sums of atoms and levels are
    common and floats are exact.
    """
    weights = st.sampled_from([(4,), (2, 2), (1, 3), (3, 1), (1, 1, 2), (2, 1, 1)])
    rewards = st.integers(-4, 6).map(lambda k: Fraction(k, 2))

    def pair(successors: st.SearchStrategy[int]) -> list[Outcome]:
        return [(Fraction(w, 4), draw(rewards), draw(successors)) for w in draw(weights)]

    later = st.integers(1, n_states)
    first = [pair(later) for _ in range(n_actions)]
    second = [[pair(st.just(END)) for _ in range(n_actions)] for _ in range(n_states)]
    return [first, *second]


# ---------------------------------------------------------------- laws of policies


def history_laws(problem: Problem, horizon: int, gamma: Any = 1, start: int = 0) -> list[Law]:
    """Return the distinct return laws of all deterministic history-dependent policies from ``start``.

    A history policy chooses an action, and after every outcome, told apart by reward and successor, a policy for the
    rest: the product over outcomes of all laws of the rest. The number of laws explodes; keep problems tiny.
    """
    discount = Fraction(gamma) if not isinstance(gamma, float) else short(gamma)
    known: dict[tuple[int, int], list[Law]] = {}

    def laws(state: int, left: int) -> list[Law]:
        if state == END or left == 0:
            return [{ZERO: ONE}]
        if (state, left) not in known:
            found = {}
            for outcomes in problem[state]:
                merged = _told_apart(outcomes)
                for rest in product(*(laws(t, left - 1) for _, _, t in merged)):
                    law: Law = {}
                    for (p, r, _), tail in zip(merged, rest, strict=True):
                        for x, q in tail.items():
                            law[r + discount * x] = law.get(r + discount * x, ZERO) + p * q
                    found[frozenset(law.items())] = law
            known[state, left] = list(found.values())
        return known[state, left]

    return laws(start, horizon)


def markov_laws(problem: Problem, horizon: int, gamma: Any = 1, start: int = 0) -> list[Law]:
    """Return the return laws of all deterministic plain Markov policies (time and state, no memory) from ``start``."""
    cells = [(t, s) for t in range(horizon) for s in range(len(problem))]
    choices = [range(len(problem[s])) for _, s in cells]
    plans = (dict(zip(cells, actions, strict=True)) for actions in product(*choices))
    found = {}
    for plan in plans:
        law = policy_law(problem, horizon, lambda s, t, rewards, plan=plan: plan[t, s], gamma, start)  # type: ignore[misc]
        found[frozenset(law.items())] = law
    return list(found.values())


def policy_law(
    problem: Problem,
    horizon: int,
    choose: Callable[[int, int, tuple[Fraction, ...]], int],
    gamma: Any = 1,
    start: int = 0,
) -> Law:
    """Return the exact law of the policy ``choose(state, t, rewards so far)``, path by path."""
    discount = Fraction(gamma) if not isinstance(gamma, float) else short(gamma)
    law: Law = {}
    paths: list[tuple[Fraction, int, tuple[Fraction, ...]]] = [(ONE, start, ())]
    for t in range(horizon):
        further = []
        for prob, state, rewards in paths:
            if state == END:
                further.append((prob, state, rewards))
                continue
            for p, r, successor in problem[state][choose(state, t, rewards)]:
                further.append((prob * p, successor, (*rewards, r)))
        paths = further
    for prob, _, rewards in paths:
        total = sum((discount**k * r for k, r in enumerate(rewards)), ZERO)
        law[total] = law.get(total, ZERO) + prob
    return law


def object_law(problem: Problem, horizon: int, policy: Any, gamma: Any = 1, start: int = 0) -> Law:
    """Return the exact law of a policy object, played path by path as the simulator plays it."""
    discount = Fraction(gamma) if not isinstance(gamma, float) else short(gamma)
    law: Law = {}
    paths: list[tuple[Fraction, int, Fraction, Any]] = [(ONE, start, ZERO, None)]
    for t in range(horizon + 1):
        further = []
        for prob, state, total, memory in paths:
            if state == END or t == horizon:
                law[total] = law.get(total, ZERO) + prob
                continue
            action, kept = policy.act(state, t, memory)
            for p, r, successor in problem[state][action]:
                after = len(problem) if successor == END else successor
                shown = policy.observe(state, t, kept, action, float(r), after) if hasattr(policy, "observe") else kept
                further.append((prob * p, successor, total + discount**t * r, shown))
        paths = further
    return law


def mixture(weights: Iterable[Fraction], laws: Iterable[Law]) -> Law:
    """Mix laws."""
    mixed: Law = {}
    for w, law in zip(weights, laws, strict=True):
        for x, p in law.items():
            if w:
                mixed[x] = mixed.get(x, ZERO) + w * p
    return mixed


def _told_apart(outcomes: list[Outcome]) -> list[Outcome]:
    """Add up outcomes that agree in reward and successor: no history tells them apart."""
    total: dict[tuple[Fraction, int], Fraction] = {}
    for p, r, t in outcomes:
        if p:
            total[r, t] = total.get((r, t), ZERO) + p
    return [(p, r, t) for (r, t), p in total.items()]


# ---------------------------------------------------------------- functionals of laws


def mean(law: Law) -> Fraction:
    return sum((x * p for x, p in law.items()), ZERO)


def expect(law: Law, f: Callable[[Fraction], Any]) -> Any:
    return sum(p * f(x) for x, p in law.items())


def cvar(law: Law, tau: Any) -> Fraction:
    """Average of the worst share ``tau``, filled up atom by atom from the left."""
    share = Fraction(tau)
    left, total = share, ZERO
    for x, p in sorted(law.items()):
        total += min(p, left) * x
        left -= min(p, left)
    assert left == 0
    return total / share


def ocvar(law: Law, tau: Any) -> Fraction:
    """Average of the best share ``tau``."""
    return -cvar({-x: p for x, p in law.items()}, tau)


def upper_var(law: Law, tau: Any) -> Fraction:
    """Largest ``x`` with ``P(X < x) <= tau``; infinite at 1, where the largest atom is returned."""
    return max(x for x in law if sum((p for y, p in law.items() if y < x), ZERO) <= Fraction(tau))


def support(laws: Iterable[Law]) -> Iterator[Fraction]:
    """Every return any of the laws can take, increasing."""
    return iter(sorted({x for law in laws for x in law}))
