"""Distributional value and policy iteration on problems solved by enumerating every history."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import bounds
from tests.bounds.stock_problems import OneState, Problem, Values, layered, two_slopes

some = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**32 - 1)
gammas = st.sampled_from([0.3, 0.8, 0.95])
slopes = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
TINY = 1e-9
END = 5


class Tree:
    """A layered problem: values at many initial stocks at once, by walking all histories."""

    def __init__(self, problem: Problem, gamma: float, f: Values) -> None:
        self.problem, self.gamma, self.f = problem, gamma, f

    def q(self, s: int, c: np.ndarray, V) -> np.ndarray:
        g = self.gamma
        return np.array([g * sum(p * V(n, (c + r) / g) for p, r, n in row) for row in self.problem[s]])

    def sweeps(self, n: int, s: int, c: np.ndarray) -> np.ndarray:
        """``F eta_n`` from point masses at 0; three sweeps are enough for ``F*``."""
        if n == 0 or s == END:
            return self.f(c)
        return self.q(s, c, lambda t, x: self.sweeps(n - 1, t, x)).max(axis=0)

    def greedy(self, n: int, s: int, c: np.ndarray) -> np.ndarray:
        """Value of the policy that is greedy for ``eta_n``."""
        if s == END:
            return self.f(c)
        choice = self.q(s, c, lambda t, x: self.sweeps(n, t, x)).argmax(axis=0)
        return np.take_along_axis(self.q(s, c, lambda t, x: self.greedy(n, t, x)), choice[None], axis=0)[0]

    def improved(self, k: int, s: int, c: np.ndarray) -> np.ndarray:
        """Value of the k-th policy of policy iteration; the first always takes action 0."""
        if s == END:
            return self.f(c)
        Q = self.q(s, c, lambda t, x: self.improved(k, t, x))
        if k == 0:
            return Q[0]
        choice = self.q(s, c, lambda t, x: self.improved(k - 1, t, x)).argmax(axis=0)
        return np.take_along_axis(Q, choice[None], axis=0)[0]


def most(problem: Problem, gamma: float) -> float:
    """Largest ``E |R_1| + gamma E |R_2| + ...`` over states and policies, at least ``W1`` to the point mass at 0."""
    D = np.zeros(END + 1)
    for _ in range(3):
        D = np.array([max(sum(p * (abs(r) + gamma * D[n]) for p, r, n in row) for row in rows) for rows in problem])
    return float(D.max())


@some
@given(seeds, gammas, slopes, slopes)
def test_value_iteration(seed, gamma, k_neg, k_pos):
    rng = np.random.default_rng(seed)
    tree = Tree(layered(rng), gamma, two_slopes(k_neg, k_pos))
    run = {"gamma": gamma, "distance": most(tree.problem, gamma), "lipschitz": max(abs(k_neg), abs(k_pos))}
    c = rng.uniform(-3, 3, size=20)
    for s in range(END):
        optimal = tree.sweeps(3, s, c)
        for n in range(3):
            error = np.abs(tree.sweeps(n, s, c) - optimal).max()
            assert error <= bounds.distributional_value_iteration_error(**run, iterations=n) + TINY
            loss = optimal - tree.greedy(n, s, c)
            assert loss.min() >= -TINY
            assert loss.max() <= bounds.stock_greedy_loss_a_priori(**run, iterations=n) + TINY


@some
@given(seeds, gammas, slopes, slopes)
def test_policy_iteration(seed, gamma, k_neg, k_pos):
    rng = np.random.default_rng(seed)
    tree = Tree(layered(rng), gamma, two_slopes(k_neg, k_pos))
    c = rng.uniform(-3, 3, size=20)
    # Both laws are within `most` of the point mass at 0.
    run = {"gamma": gamma, "distance": 2 * most(tree.problem, gamma), "lipschitz": max(abs(k_neg), abs(k_pos))}
    for s in range(END):
        optimal, before = tree.sweeps(3, s, c), np.full(len(c), -np.inf)
        for k in range(4):
            value = tree.improved(k, s, c)
            assert (value >= before - TINY).all()
            limit = bounds.distributional_policy_iteration_error(**run, iterations=k)
            assert (optimal - value).max() <= limit + TINY
            before = value


@some
@given(seeds)
def test_a_posteriori(seed):
    """On a lattice that is closed under the recursion, so that its maximum is the supremum over all stocks."""
    rng = np.random.default_rng(seed)
    one = OneState.draw(rng, [-1.0, 0.0, 0.5, 2.0])
    c = one.lattice
    optimal = one.fixed_point(c)
    V = one.interpolated(c, optimal + rng.normal(size=len(c)))(c)
    for _ in range(6):
        Q = one.q(one.interpolated(c, V), c)
        new, policy = one.interpolated(c, Q.max(axis=0))(c), Q.argmax(axis=0)
        step = np.abs(new - V).max()
        limit = bounds.stock_value_iteration_a_posteriori(gamma=0.5, last_step=step)
        assert np.abs(new - optimal).max() <= limit + TINY
        loss = (optimal - one.fixed_point(c, policy=policy)).max()
        assert loss <= bounds.stock_greedy_loss_a_posteriori(gamma=0.5, last_step=step) + TINY
        assert loss <= bounds.stock_greedy_loss(gamma=0.5, error=np.abs(V - optimal).max()) + TINY
        V = new


# ---------------------------------------------------------------- known answers


@cache
def shortfall(n: int, c: Fraction) -> Fraction:
    """Spec D8 after n sweeps: a reward of 2/5 for certain, or a fair coin; gamma = 1/2, f = min(x, 0)."""
    if n == 0:
        return min(c, Fraction(0))
    safe = shortfall(n - 1, 2 * c + Fraction(4, 5))
    coin = (shortfall(n - 1, 2 * c) + shortfall(n - 1, 2 * c + 2)) / 2
    return max(safe, coin) / 2


SHORTFALL = {"-1": "-11/70", "-6/5": "-11/35", "-8/5": "-22/35", "-4/5": "0", "-2": "-1"}


@pytest.mark.parametrize("n", range(12))
def test_value_iteration_never_exceeds_half_of_the_bound(n):
    """Exact fractions against the values solved by hand (spec D8 and D15); stock -2 has a ratio of exactly 1/2."""
    limit = bounds.distributional_value_iteration_error(gamma=0.5, iterations=n, distance=2)
    errors = {c: abs(shortfall(n, Fraction(c)) - Fraction(optimal)) for c, optimal in SHORTFALL.items()}
    assert max(errors.values()) == errors["-2"] == Fraction(limit) / 2


def test_the_recursion_of_the_example_is_the_one_of_the_spec():
    assert float(shortfall(10, Fraction(-1))) == -0.15809326171875


@pytest.mark.parametrize("n", [0, 1, 5])
def test_value_iteration_bound_is_attained(n):
    """One state, reward 1, the expectation: the return still missing after n sweeps."""
    limit = bounds.distributional_value_iteration_error(gamma=0.9, iterations=n, distance=10)
    assert isclose(10 - sum(0.9**t for t in range(n)), limit, rel_tol=1e-12)
    after = bounds.stock_value_iteration_a_posteriori(gamma=0.9, last_step=0.9**n)
    assert isclose(10 - sum(0.9**t for t in range(n + 1)), after, rel_tol=1e-12)


def test_policy_iteration_bound_is_attained():
    """A corridor whose last state pays 1: every improvement reaches one state further back."""
    gamma, S = 0.5, 5
    policy = np.zeros(S, dtype=int)  # 0 stops, 1 walks on
    for k in range(S):
        walks, value = np.zeros(S), np.zeros(S)
        for s in reversed(range(S)):
            walks[s] = 1.0 if s == S - 1 else gamma * value[s + 1]
            value[s] = walks[s] if policy[s] else 0.0
        loss = (gamma ** (S - 1.0 - np.arange(S)) - value).max()
        assert loss == bounds.distributional_policy_iteration_error(gamma=gamma, iterations=k, distance=1)
        policy = (walks > 0).astype(int)


def test_greedy_loss_is_attained():
    """State 0 may stay for nothing or go to state 1, which pays 2 e for ever; both look alike; f is the identity."""
    gamma, e = 0.5, 0.25
    optimal = np.array([gamma, 1.0]) * 2 * e / (1 - gamma)
    V = optimal + np.array([e, -e])
    assert gamma * V[0] == gamma * V[1]  # stay, or go: rewards of 0 in state 0
    assert optimal[0] - 0.0 == bounds.stock_greedy_loss(gamma=gamma, error=e)
