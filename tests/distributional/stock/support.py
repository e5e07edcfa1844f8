"""Problems with known answers, random ones, and the law of a policy object, path by path in fractions."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from mdpkit import TabularMDP


def coin_or_safe(gamma):
    """D8: 0.4 for sure, or a coin that pays 1; one state, for ever."""
    return TabularMDP.from_outcomes(
        [0, 0, 0], [0, 1, 1], [1.0, 0.5, 0.5], [0.4, 0.0, 1.0], [0, 0, 0], gamma=gamma, initial=0
    )


def coin_or_nothing(gamma=0.5):
    """D10: nothing, or a coin that pays 1; one state, for ever."""
    return TabularMDP.from_outcomes(
        [0, 0, 0], [0, 1, 1], [1.0, 0.5, 0.5], [0.0, 0.0, 1.0], [0, 0, 0], gamma=gamma, initial=0
    )


def two_step(first, safe, low, high, gamma=1.0):
    """CAS: a coin pays 0 or ``first``, then ``safe`` or a coin between ``low`` and ``high``; state 2 is the end."""
    return TabularMDP.from_outcomes(
        [0, 0, 1, 1, 1, 2],
        [0, 0, 0, 1, 1, 0],
        [0.5, 0.5, 1.0, 0.5, 0.5, 1.0],
        [0, first, safe, low, high, 0],
        [1, 1, 2, 2, 2, 2],
        gamma=gamma,
        initial=0,
    )


def path_law(mdp, policy, horizon, gamma, state=0):
    """Exact law of the return of a policy object: every path, nothing merged but equal totals at the end."""
    outcomes, law = mdp.outcomes, {}
    paths = [(Fraction(1), state, Fraction(0), None)]
    for t in range(horizon):
        further = []
        for mass, s, total, memory in paths:
            action, memory = policy.act(s, t, memory)
            pair = mdp.pair_index(s, action)
            for j in range(len(outcomes)):
                if outcomes.pair[j] == pair:
                    reward, successor = float(outcomes.reward[j]), int(outcomes.successor[j])
                    further.append(
                        (
                            mass * Fraction(float(outcomes.prob[j])),
                            successor,
                            total + Fraction(gamma) ** t * Fraction(reward),
                            policy.observe(s, t, memory, action, reward, successor),
                        )
                    )
        paths = further
    for mass, _, total, _ in paths:
        law[total] = law.get(total, Fraction(0)) + mass
    return law


@st.composite
def small_mdps(draw, gammas=(0.3, 0.5, 0.6)):
    """Draw models of up to three states and two actions with random rewards, some of them terminal."""
    n = draw(st.integers(1, 3))
    lines = []
    for s in range(n):
        if s and draw(st.booleans()) and draw(st.booleans()):
            lines.append((s, 0, 1.0, 0.0, s))
            continue
        for a in range(draw(st.integers(1, 2))):
            for weight in draw(st.sampled_from([(1.0,), (0.5, 0.5), (0.25, 0.75), (0.2, 0.3, 0.5)])):
                reward = draw(st.integers(-8, 8)) / 4
                lines.append((s, a, weight, reward, draw(st.integers(0, n - 1))))
    state, action, prob, reward, successor = zip(*lines, strict=True)
    gamma = draw(st.sampled_from(gammas))
    return TabularMDP.from_outcomes(state, action, prob, reward, successor, gamma, n_states=n, initial=0)
