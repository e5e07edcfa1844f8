"""Robust bounds on random small problems whose worst cases are found by brute force.

Two kinds of sets: finite ones, where nature's choices are enumerated, and L1 balls, where a fixed point found by any
means is confirmed by one linear program per pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from mdpkit import bounds
from mdpkit.errors import InputError, ShapeError

some = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**32 - 1)
gammas = st.sampled_from([0.0, 0.3, 0.8, 0.95])
TINY = 1e-9


@dataclass
class Finite:
    """K rows per pair, chosen pair by pair (`linked=False`) or once per state; nature enumerated."""

    rows: np.ndarray  # (S, A, K, S)
    r: np.ndarray
    gamma: float

    @classmethod
    def draw(cls, rng: np.random.Generator, gamma: float) -> Finite:
        S, A, K = rng.integers(1, 5), rng.integers(1, 4), rng.integers(1, 4)
        rows = rng.dirichlet(np.full(S, rng.choice([0.1, 1.0])), size=(S, A, K))
        return cls(rows, rng.uniform(-1, 1, size=(S, A)), gamma)

    def q(self, V: np.ndarray) -> np.ndarray:
        return self.r + self.gamma * (self.rows @ V).min(axis=2)

    def T(self, V: np.ndarray) -> np.ndarray:
        return self.q(V).max(axis=1)

    def evaluate(self, policy: np.ndarray) -> np.ndarray:
        """Least value over all kernels of a deterministic policy, by one linear solve for each."""
        S, s = len(self.r), np.arange(len(self.r))
        values = [
            np.linalg.solve(np.eye(S) - self.gamma * self.rows[s, policy, list(kernel)], self.r[s, policy])
            for kernel in product(range(self.rows.shape[2]), repeat=S)
        ]
        return np.min(values, axis=0)

    def solve(self) -> np.ndarray:
        """Best of all deterministic policies, which rectangularity makes optimal in every state at once."""
        S, A = self.r.shape
        return np.max([self.evaluate(np.array(policy)) for policy in product(range(A), repeat=S)], axis=0)


def draws(seed: int, gamma: float) -> tuple[Finite, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return Finite.draw(rng, gamma), rng


# ---------------------------------------------------------------- dynamic programming


@some
@given(seeds, gammas)
def test_contraction(seed, gamma):
    problem, rng = draws(seed, gamma)
    V, W = rng.normal(size=(2, len(problem.r)))
    limit = bounds.robust_contraction(gamma=gamma, distance=np.abs(V - W).max()) + TINY
    assert np.abs(problem.T(V) - problem.T(W)).max() <= limit
    assert np.abs(problem.q(V) - problem.q(W)).max() <= limit


@some
@given(seeds, gammas)
def test_contraction_of_s_rectangular_operators(seed, gamma):
    """Nature picks k once per state after a randomized policy; the game of a state is solved as a linear program."""
    problem, rng = draws(seed, gamma)
    V, W = rng.normal(size=(2, len(problem.r)))
    limit = bounds.robust_contraction(gamma=gamma, distance=np.abs(V - W).max())
    for s in range(len(problem.r)):
        assert abs(matrix_game(problem, s, V) - matrix_game(problem, s, W)) <= limit + 1e-7


def matrix_game(problem: Finite, s: int, V: np.ndarray) -> float:
    payoff = problem.r[s][:, None] + problem.gamma * problem.rows[s] @ V  # (A, K)
    A, K = payoff.shape
    answer = linprog(
        np.r_[np.zeros(A), -1],
        A_ub=np.c_[-payoff.T, np.ones(K)],
        b_ub=np.zeros(K),
        A_eq=[[1.0] * A + [0.0]],
        b_eq=[1.0],
        bounds=[(0, 1)] * A + [(None, None)],
    )
    return -answer.fun


@some
@given(seeds, gammas, st.sampled_from([0.0, 0.05]))
def test_span_bounds_and_iteration(seed, gamma, tau):
    problem, rng = draws(seed, gamma)
    optimal, V = problem.solve(), rng.normal(size=len(problem.r))
    first = np.abs(problem.T(V) - V).max()
    assert (
        np.abs(V - optimal).max()
        <= bounds.robust_value_iteration_a_priori(gamma=gamma, iterations=0, first_step=first) + TINY
    )
    sweeps = bounds.robust_value_iteration_sweeps(gamma=gamma, tol=0.1, first_step=first)
    for n in range(1, 10):
        noisy = problem.q(V) + rng.uniform(0, tau, size=problem.r.shape)  # inner problems ended early
        u, policy = noisy.max(axis=1), noisy.argmax(axis=1)
        d, c = u - V, gamma / (1 - gamma)
        low, high = u + c * d.min() - tau / (1 - gamma), u + c * d.max()
        attained = problem.evaluate(policy)
        assert (low <= attained + TINY).all()
        assert (attained <= optimal + TINY).all()
        assert (optimal <= high + TINY).all()
        arguments = {"gamma": gamma, "span": np.ptp(d), "inner_error": tau}
        assert np.abs((low + high) / 2 - optimal).max() <= bounds.robust_span_error(**arguments) + TINY
        assert (optimal - attained).max() <= bounds.robust_policy_loss(**arguments) + TINY
        V = u
        if tau == 0.0:
            error = np.abs(V - optimal).max()
            limit = bounds.robust_value_iteration_a_priori(gamma=gamma, iterations=n, first_step=first)
            assert error <= limit + TINY
            if n >= sweeps:
                assert error <= 0.1 + TINY


@pytest.mark.parametrize("gamma", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("tau", [0.0, 0.25])
def test_absorbing_states_attain_the_span_bounds(gamma, tau):
    """Loops paying 1 and 0 from V = 0, the sweep too high by tau in both: the enclosure has exactly this width."""
    truth, u = np.array([1 / (1 - gamma), 0.0]), np.array([1.0, 0.0]) + tau
    c = gamma / (1 - gamma)
    low, high = u + c * u.min() - tau / (1 - gamma), u + c * u.max()
    width = bounds.robust_policy_loss(gamma=gamma, span=np.ptp(u), inner_error=tau)
    np.testing.assert_allclose(high - low, width, rtol=1e-12)
    assert bounds.robust_span_error(gamma=gamma, span=np.ptp(u), inner_error=tau) == width / 2
    assert low[1] == pytest.approx(truth[1], abs=1e-12)  # the lower end is attained


def test_sweeps_are_needed():
    """One state paying 1: after n sweeps the error is gamma^n / (1 - gamma), so one sweep less is too few."""
    for gamma, tol in ((0.5, 0.125), (0.9, 1e-3), (0.99, 0.1)):
        n = bounds.robust_value_iteration_sweeps(gamma=gamma, tol=tol, first_step=1)
        assert gamma**n / (1 - gamma) <= tol * (1 + 1e-9) < gamma ** (n - 1) / (1 - gamma)
    assert bounds.robust_value_iteration_sweeps(gamma=0.5, tol=2, first_step=1) == 0
    assert bounds.robust_value_iteration_sweeps(gamma=0, tol=0.1, first_step=1) == 1


@some
@given(seeds, st.sampled_from([0.3, 0.8, 0.95]), st.sampled_from([1.5, 2.0, 3.0]))
def test_partial_policy_iteration(seed, gamma, power):
    """Evaluations as inexact as allowed, with residuals of either sign."""
    problem, rng = draws(seed, gamma)
    S = len(problem.r)
    optimal = problem.solve()
    policy = problem.q(rng.normal(size=S) * 3).argmax(axis=1)
    first, eps = (optimal - problem.evaluate(policy)).max(), 1.0
    start = eps
    for k in range(6):
        limit = bounds.partial_policy_iteration_loss(
            gamma=gamma, iterations=k, first_loss=first, first_tolerance=start, power=power
        )
        assert (optimal - problem.evaluate(policy)).max() <= limit + TINY
        # a perturbation of at most e changes the residual by at most (1 + gamma) e
        V = problem.evaluate(policy) + rng.uniform(-1, 1, size=S) * (1 - gamma) * eps / (1 + gamma)
        residual = problem.q(V)[np.arange(S), policy] - V
        assert np.abs(residual).max() <= (1 - gamma) * eps + TINY
        policy, eps = problem.q(V).argmax(axis=1), gamma**power * eps


# ---------------------------------------------------------------- IWOCS


@some
@given(seeds, gammas)
def test_iwocs_enclosure(seed, gamma):
    """A few rounds with minima of action values; ends hold whatever models were seen."""
    problem, rng = draws(seed, gamma)
    (S, A), K = problem.r.shape, problem.rows.shape[2]
    optimal, lowest, upper, lower, losses = problem.solve(), np.full((S, A), np.inf), [], [], []
    for _ in range(4):
        kernel = rng.integers(K, size=(S, A))
        seen = Finite(np.take_along_axis(problem.rows, kernel[:, :, None, None], axis=2), problem.r, gamma)
        lowest = np.minimum(lowest, seen.q(seen.solve()))
        upper.append(lowest[0].max())
        lower.append(problem.evaluate(lowest.argmax(axis=1))[0])
        losses.append(optimal[0] - lower[-1])
    assert max(lower) <= optimal[0] + TINY
    assert optimal[0] <= min(upper) + TINY
    assert min(losses) <= bounds.iwocs_policy_loss(upper=upper, lower=lower) + TINY


def test_iwocs_ends_of_the_stalling_instance():
    stalled = bounds.iwocs_policy_loss(upper=[4.4], lower=[-208 / 19])
    assert stalled == pytest.approx(4.4 + 208 / 19)
    assert bounds.iwocs_policy_loss(upper=[4.4, 80 / 19, 0], lower=[-208 / 19, -10, 0]) == 0
    assert bounds.iwocs_policy_loss(upper=[1.0], lower=[1.0 + 1e-12]) == 0
    with pytest.raises(InputError, match=r"lower holds 2.0, above 1.0"):
        bounds.iwocs_policy_loss(upper=[1.0], lower=[0.0, 2.0])
    with pytest.raises(ShapeError, match="nonempty"):
        bounds.iwocs_policy_loss(upper=[], lower=[0.0])


# ---------------------------------------------------------------- radius sensitivity


def worst_l1(q: np.ndarray, z: np.ndarray, kappa: float) -> float:
    """Least payoff over an L1 ball, by a linear program in (p, |p - q|)."""
    n = len(q)
    identity = np.eye(n)
    answer = linprog(
        np.r_[z, np.zeros(n)],
        A_ub=np.r_[np.c_[identity, -identity], np.c_[-identity, -identity], [[0.0] * n + [1.0] * n]],
        b_ub=np.r_[q, -q, kappa],
        A_eq=[[1.0] * n + [0.0] * n],
        b_eq=[1.0],
        bounds=(0, None),
    )
    return float(answer.fun)


def move_mass(q: np.ndarray, z: np.ndarray, kappa: float) -> float:
    """The same by moving kappa / 2 from the best payoffs to the worst; only trusted where a program confirms it."""
    p, order = q.copy(), np.argsort(z)
    left = min(kappa / 2, 1 - p[order[0]])
    p[order[0]] += left
    for i in order[:0:-1]:
        taken = min(left, p[i])
        p[i], left = p[i] - taken, left - taken
    return float(p @ z)


@settings(deadline=None, max_examples=25)
@given(seeds, st.sampled_from([0.3, 0.8, 0.95]), st.sampled_from([0.05, 0.4, 1.5, 2.0]))
def test_radius_sensitivity(seed, gamma, kappa):
    rng = np.random.default_rng(seed)
    S, A = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    P, r = rng.dirichlet(np.full(S, 0.5), size=(S, A)), rng.uniform(-1, 1, size=(S, A))

    def solve(radius: float) -> np.ndarray:
        V = np.zeros(S)
        for _ in range(2000):
            U = np.array([max(r[s, a] + gamma * move_mass(P[s, a], V, radius) for a in range(A)) for s in range(S)])
            if np.abs(U - V).max() < 1e-13:
                return U
            V = U
        return V

    nominal, robust = solve(0.0), solve(kappa)
    confirmed = [max(r[s, a] + gamma * worst_l1(P[s, a], robust, kappa) for a in range(A)) for s in range(S)]
    np.testing.assert_allclose(confirmed, robust, atol=1e-8)
    loss = nominal - robust
    assert (loss >= -TINY).all()
    for span in (np.ptp(nominal), np.ptp(robust)):
        assert loss.max() <= bounds.l1_radius_sensitivity(gamma=gamma, radius=kappa, span=span) + TINY


@pytest.mark.parametrize("gamma", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("kappa", [0.1, 1.0])
def test_radius_sensitivity_is_attained(gamma, kappa):
    """Two states with rows (1/2, 1/2), rewards 1 and 0: V = r + gamma m, m = p.r / (1 - gamma), p loses kappa / 2."""
    nominal, robust = (gamma * p / (1 - gamma) for p in (0.5, 0.5 - kappa / 2))
    assert worst_l1(np.array([0.5, 0.5]), np.array([1.0, 0.0]), kappa) == pytest.approx(0.5 - kappa / 2, abs=1e-9)
    limit = bounds.l1_radius_sensitivity(gamma=gamma, radius=kappa, span=1)
    assert nominal - robust == pytest.approx(limit, rel=1e-12)
