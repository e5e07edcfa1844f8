"""Which set contains which, regularization, and the guarantees from data, against definitions and enumeration."""

from __future__ import annotations

from itertools import product
from math import comb, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from mdpkit import bounds
from mdpkit.errors import InputError, UnknownOptionError

some = settings(deadline=None, max_examples=60)
seeds = st.integers(0, 2**32 - 1)


def two_laws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    p, q = rng.dirichlet(np.full(n, rng.choice([0.2, 1.0, 20.0])), size=2)
    q = np.maximum(q, 1e-9)
    return p, q / q.sum()


def kl(p: np.ndarray, q: np.ndarray) -> float:
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / q[seen])).sum())


# ---------------------------------------------------------------- set ordering


@some
@given(seeds)
def test_set_ordering(seed):
    p, q = two_laws(seed)
    distance, chi_square = np.abs(p - q).sum(), ((p - q) ** 2 / q).sum()
    assert distance <= bounds.l1_radius_of_kl(radius=max(kl(p, q), 0.0)) + 1e-9
    assert distance <= bounds.l1_radius_of_kl(radius=max(kl(q, np.maximum(p, 1e-300)), 0.0)) + 1e-9
    assert distance <= bounds.l1_radius_of_chi_square(radius=chi_square) + 1e-9
    assert kl(p, q) <= bounds.kl_radius_of_chi_square(radius=chi_square) + 1e-9


def test_set_ordering_is_attained():
    half = np.array([0.5, 0.5])
    for t in (0.1, 0.4):  # q = (1/2, 1/2): |p - q| is proportional to q
        p = np.array([0.5 + t, 0.5 - t])
        assert np.abs(p - half).sum() == pytest.approx(bounds.l1_radius_of_chi_square(radius=4 * t * t), rel=1e-12)
    p = np.array([1.0, 0.0])  # q restricted to its first state
    assert kl(p, half) == pytest.approx(bounds.kl_radius_of_chi_square(radius=1.0), rel=1e-12)
    # Pinsker's constant: the ratio tends to 1 for nearby laws
    t = 1e-4
    assert 2 * t == pytest.approx(bounds.l1_radius_of_kl(radius=kl(np.array([0.5 + t, 0.5 - t]), half)), rel=1e-6)


# ---------------------------------------------------------------- regularization


def least_payoff(q: np.ndarray, z: np.ndarray, radius: float, norm: str, signed: bool) -> float:
    """min p.z over a norm ball and the simplex, or without the signs: linear programs, and SLSQP for the L2 norm."""
    n = len(q)
    low = 0.0 if signed else -np.inf
    identity = np.eye(n)
    if norm == "l2":
        answer = minimize(
            lambda p: p @ z,
            q,
            jac=lambda p: z,
            bounds=[(low, None)] * n,
            constraints=[
                {"type": "eq", "fun": lambda p: p.sum() - 1, "jac": lambda p: np.ones(n)},
                {"type": "ineq", "fun": lambda p: radius**2 - (p - q) @ (p - q), "jac": lambda p: 2 * (q - p)},
            ],
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        return float(answer.fun)
    if norm == "linf":
        ends = [(max(low, x - radius), x + radius) for x in q]
        return float(linprog(z, A_eq=[[1.0] * n], b_eq=[1.0], bounds=ends).fun)
    answer = linprog(
        np.r_[z, np.zeros(n)],
        A_ub=np.r_[np.c_[identity, -identity], np.c_[-identity, -identity], [[0.0] * n + [1.0] * n]],
        b_ub=np.r_[q, -q, radius],
        A_eq=[[1.0] * n + [0.0] * n],
        b_eq=[1.0],
        bounds=[(low, None)] * n + [(0, None)] * n,
    )
    return float(answer.fun)


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from(["l1", "l2", "linf"]))
def test_regularization(seed, norm):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    q, z, radius = rng.dirichlet(np.ones(n)), rng.normal(size=n), rng.uniform(0.01, 0.5)
    drop = bounds.lp_regularization(payoff=z, radius=radius, norm=norm)
    assert q @ z - least_payoff(q, z, radius, norm, signed=True) <= drop + 1e-6
    assert q @ z - least_payoff(q, z, radius, norm, signed=False) == pytest.approx(drop, abs=1e-6)


@pytest.mark.parametrize(("norm", "expected"), [("l1", 0.1025), ("l2", 0.03881296778085), ("linf", -0.09)])
def test_regularization_is_attained_inside(norm, expected):
    """Spec 6.8: q uniform on 5, radius .05; the minimizers stay inside the simplex."""
    z = np.array([-0.1, 1.9, -2.4, 0.05, 1.6])
    drop = bounds.lp_regularization(payoff=z, radius=0.05, norm=norm)
    assert z.mean() - drop == pytest.approx(expected, abs=1e-12)
    assert least_payoff(np.full(5, 0.2), z, 0.05, norm, signed=True) == pytest.approx(expected, abs=1e-7)


def test_regularization_is_strict_at_the_boundary():
    """Spec 6.1, L2 radius .2: the third entry hits zero, and the formula gives a smaller number."""
    z, q = np.array([1.0, 2, 5, 4]), np.array([0.4, 0.3, 0.1, 0.2])
    assert q @ z - bounds.lp_regularization(payoff=z, radius=0.2, norm="l2") == pytest.approx(1.6675444680, abs=1e-10)
    assert least_payoff(q, z, 0.2, "l2", signed=True) == pytest.approx(61 / 30 - sqrt(28 / 225), abs=1e-7)


def test_regularization_refuses_other_norms():
    with pytest.raises(UnknownOptionError, match="norm must be one of l1, l2, linf, found 'l3'"):
        bounds.lp_regularization(payoff=[0.0, 1.0], radius=0.1, norm="l3")
    with pytest.raises(InputError, match=r"payoff\[1\] must be finite"):
        bounds.lp_regularization(payoff=[0.0, np.nan], radius=0.1)


# ---------------------------------------------------------------- guarantees from data


def test_radii_in_closed_form():
    """Spec 5.4, and a thousand states, where 2^S overflows nothing."""
    S, A, n, delta = 5, 3, 200, 0.05
    arguments = {"n": n, "n_states": S, "n_actions": A, "delta": delta}
    expected = sqrt(2 * (log(2**S - 2) + log(S * A / delta)) / n)
    assert bounds.weissman_robust_radius(**arguments) == pytest.approx(expected, rel=1e-14)
    expected = sqrt(log(2 * S**2 * A / delta) / (2 * n))
    assert bounds.hoeffding_robust_radius(**arguments) == pytest.approx(expected, rel=1e-14)
    S, n = 5000, 10**6
    exact = sqrt(2 * (log(2**S - 2) + log(S * A / delta)) / n)  # Python's integers do not overflow
    large = bounds.weissman_robust_radius(n=n, n_states=S, n_actions=A, delta=delta)
    assert large == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("delta", [0.3, 0.05])
@pytest.mark.parametrize("n", [5, 30])
@pytest.mark.parametrize("p", [(0.5, 0.5), (0.9, 0.2)])
def test_the_robust_value_is_a_lower_bound(p, n, delta):
    """All counts of a two-state chain enumerated: P(V_true < V_robust somewhere) <= delta, for both sets."""
    gamma, r = 0.8, np.array([1.0, 0.0])

    def fixed_point(stay: tuple[float, float]) -> np.ndarray:
        P = np.array([[stay[0], 1 - stay[0]], [stay[1], 1 - stay[1]]])
        return np.linalg.solve(np.eye(2) - gamma * P, r)

    truth = fixed_point(p)
    arguments = {"n": n, "n_states": 2, "n_actions": 1, "delta": delta}
    # with two states an L1 ball of radius kappa is the interval of half width kappa / 2; state 0 pays more, so the
    # worst probability of going there is the lowest in either state
    for half in (bounds.weissman_robust_radius(**arguments) / 2, bounds.hoeffding_robust_radius(**arguments)):
        failed = 0.0
        for counts in product(range(n + 1), repeat=2):
            weight = np.prod([comb(n, k) * q**k * (1 - q) ** (n - k) for k, q in zip(counts, p, strict=True)])
            robust = fixed_point(tuple(max(k / n - half, 0.0) for k in counts))
            failed += weight * bool((truth < robust - 1e-12).any())
        assert failed <= delta


def test_the_guarantee_needs_its_union():
    """The enumeration has power: a quarter of the width fails more often than delta."""
    n, delta = 30, 0.05
    half = bounds.weissman_robust_radius(n=n, n_states=2, n_actions=1, delta=delta) / 8
    one = sum(comb(n, k) / 2**n for k in range(n + 1) if k / n - half > 0.5)
    assert 1 - (1 - one) ** 2 > delta
