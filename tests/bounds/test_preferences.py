"""Bounds on learning from comparisons: exact laws of labels and rankings, random search, and independent arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product
from math import exp, isclose, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logsumexp

from mdpkit import bounds
from mdpkit.errors import AssumptionError, InputError, ShapeError

DELTAS = [0.5, 0.3, 0.1, 0.01]
some = settings(deadline=None, max_examples=60)
seeds = st.integers(0, 2**32 - 1)


# ---------------------------------------------------------------- the law of rankings


def ranking_parts(phi, theta, ranking):
    """Minus log-probability of one ranking (best first), its gradient and its Hessian, from the definition."""
    value, gradient, hessian = 0.0, np.zeros(len(theta)), np.zeros((len(theta),) * 2)
    for k in range(len(ranking) - 1):
        rest = phi[list(ranking[k:])]
        u = rest @ theta
        p = np.exp(u - logsumexp(u))
        mean = p @ rest
        value += logsumexp(u) - u[0]
        gradient += mean - rest[0]
        hessian += (rest - mean).T @ (p[:, None] * (rest - mean))
    return value, gradient, hessian


def design_matrix(designs):
    """2 / (K(K-1)n) sum over sets and pairs of x x^T."""
    n, K, d = designs.shape
    X = designs[:, :, None] - designs[:, None, :]
    return np.einsum("njka,njkb->ab", X, X) / (n * K * (K - 1)), d


def all_outcomes(designs):
    """Features best first, shape (M, n, K, d), for each of the M = (K!)^n lists of rankings."""
    orders = [list(permutations(range(designs.shape[1]))) for _ in designs]
    return np.array([[phi[list(r)] for phi, r in zip(designs, one, strict=True)] for one in product(*orders)])


def mean_nll(F, theta):
    """Mean negative log-likelihood of each outcome m at its own theta[m], and its gradient, by stages."""
    n, K, d = F.shape[1:]
    value, gradient = np.zeros(len(F)), np.zeros((len(F), d))
    for k in range(K - 1):
        rest = F[:, :, k:]
        u = np.einsum("mnkd,md->mnk", rest, theta)
        top = logsumexp(u, axis=2)
        value += (top - u[:, :, 0]).sum(axis=1) / n
        gradient += (np.einsum("mnk,mnkd->md", np.exp(u - top[..., None]), rest) - rest[:, :, 0].sum(axis=1)) / n
    return value, gradient


def constrained_mle(F, B):
    """Minimizers over the ball by projected gradients, certified: no point of it is better to first order by 1e-8."""
    theta = np.zeros((len(F), F.shape[3]))
    step = 4 / ((F.shape[2] - 1) * (np.ptp(F, axis=2) ** 2).sum(axis=-1).max())
    for _ in range(3000):
        theta = theta - step * mean_nll(F, theta)[1]
        theta *= np.minimum(1, B / np.maximum(np.linalg.norm(theta, axis=1), 1e-300))[:, None]
    gradient = mean_nll(F, theta)[1]
    assert ((gradient * theta).sum(axis=1) + B * np.linalg.norm(gradient, axis=1) <= 1e-8).all()
    return theta


def largest_range(designs, B):
    X = designs[:, :, None] - designs[:, None, :]
    return B * np.linalg.norm(X, axis=-1).max()


# ---------------------------------------------------------------- curvature


def test_curvature_of_pairs():
    """sigma'(z)."""
    for z in (0.0, 0.5, 2.0, 10.0):
        sigma = 1 / (1 + exp(-z))
        assert isclose(bounds.preference_curvature(utility_range=z), sigma * (1 - sigma), rel_tol=1e-12)


@pytest.mark.parametrize("K", [2, 3, 4, 6])
@pytest.mark.parametrize("z", [0.0, 0.3, 2.0, 8.0])
def test_curvature_is_the_least_over_the_box(K, z):
    """(K-1)/2 times the least eigenvalue of diag(p) - p p^T on sum zero: corners attain it, nothing is below."""
    gamma = bounds.preference_curvature(utility_range=z, n_choices=K)
    center = np.linalg.svd(np.ones((1, K)))[2][1:]

    def least(u):
        p = np.exp(u - logsumexp(u))
        return (K - 1) / 2 * np.linalg.eigvalsh(center @ (np.diag(p) - np.outer(p, p)) @ center.T)[0]

    corners = [least(z * np.array(corner)) for corner in product([0, 1], repeat=K)]
    assert isclose(min(corners), gamma, rel_tol=1e-9)
    rng = np.random.default_rng(0)
    inside = z * rng.beta(0.5, 0.5, size=(2000, K))
    assert min(least(u) for u in inside) >= gamma * (1 - 1e-9)
    # Bounding the entries p_j p_l one by one would lose a factor e^z.
    entrywise = min(exp(z) / (1 + (K - 1) * exp(z)) ** 2, 1 / (2 + (K - 2) * exp(z)) ** 2 if K > 2 else 1.0)
    assert gamma >= K * (K - 1) / 2 * entrywise * (1 - 1e-12)


@some
@given(seeds, st.integers(2, 5))
def test_curvature_of_any_ranking(seed, K):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, K + 1))
    phi, theta = rng.normal(size=(K, d)), rng.normal(size=d) * rng.choice([0.1, 1, 3])
    gamma = bounds.preference_curvature(utility_range=np.ptp(phi @ theta), n_choices=K)
    design, _ = design_matrix(phi[None])
    hessian = ranking_parts(phi, theta, tuple(rng.permutation(K)))[2]
    assert np.linalg.eigvalsh(hessian - gamma * design)[0] >= -1e-12


@pytest.mark.parametrize("K", [2, 3, 5])
def test_curvature_is_attained_by_the_worst_item_first(K):
    z = 1.7
    theta = np.full(K, z)
    theta[0] = 0.0
    hessian = ranking_parts(np.eye(K), theta, tuple(range(K)))[2]
    v = np.eye(K)[0] - 1 / K
    design, _ = design_matrix(np.eye(K)[None])
    gamma = bounds.preference_curvature(utility_range=z, n_choices=K)
    assert isclose(v @ hessian @ v, gamma * (v @ design @ v), rel_tol=1e-12)


def test_curvature_far_out():
    assert isclose(bounds.preference_curvature(utility_range=700, n_choices=3), 0.75 * exp(-700), rel_tol=1e-12)
    assert bounds.preference_curvature(utility_range=1e4, n_choices=3) == 0
    assert bounds.preference_curvature(utility_range=1e4, n_choices=3).vacuous


# ---------------------------------------------------------------- the score of a ranking


@some
@given(seeds, st.integers(2, 5), st.sampled_from([0.01, 0.3, 1.0, 4.0, 20.0]))
def test_the_score_is_subgaussian(seed, K, size):
    """log E exp(g . v) <= (K-1)^2 / 8 v^T Sigma v for one ranking, over all K! of them."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    phi, theta = rng.normal(size=(K, d)), rng.normal(size=d) * rng.choice([0.0, 0.5, 3.0])
    v = rng.normal(size=d)
    design, _ = design_matrix(phi[None])
    v *= size / sqrt(v @ design @ v)
    parts = [ranking_parts(phi, theta, r)[:2] for r in permutations(range(K))]
    assert logsumexp([g @ v - value for value, g in parts]) <= (K - 1) ** 2 / 8 * size**2 + 1e-12


def test_the_proxy_of_pairs_is_the_least():
    """At theta = 0 the log-mgf of a comparison is log cosh(x v / 2) = (x v)^2 / 8 to second order."""
    parts = [ranking_parts(np.array([[1.0], [0.0]]), np.zeros(1), r)[:2] for r in ((0, 1), (1, 0))]
    assert logsumexp([g[0] * 0.1 - value for value, g in parts]) > 0.999 * 0.1**2 / 8


# ---------------------------------------------------------------- the radius


def score_radius(n, K, d_eff, delta):
    """Bound on ||g||_{A^-1}: with gamma = 1 and lam = 0 it is the radius itself."""
    return bounds.preference_seminorm_radius(
        n=n, d_eff=d_eff, delta=delta, lam=0.0, curvature=1.0, norm_bound=1.0, n_choices=K
    )


def test_radius_by_hand():
    """prefs.md E3 has 1.116, from strong convexity; monotone gradients leave about half of it."""
    gamma = exp(2) / (1 + exp(2)) ** 2
    numbers = {"n": 1000, "d_eff": 3, "delta": 0.1, "curvature": gamma, "norm_bound": 1}
    ours = bounds.preference_seminorm_radius(**numbers, lam=0.01)
    G = sqrt((3 + 2 * sqrt(3 * log(10)) + 2 * log(10)) / 4000)
    theirs = (G + sqrt(G**2 + 4 * gamma**2 * 0.01)) / gamma
    assert round(theirs, 3) == 1.116
    assert round(ours, 3) == 0.606
    # The larger root of gamma x^2 = G x + 4 gamma lam B^2.
    assert isclose(gamma * ours**2, G * ours + 4 * gamma * 0.01, rel_tol=1e-12)
    assert isclose(bounds.preference_seminorm_radius(**numbers, lam=0), G / gamma, rel_tol=1e-12)
    # K alternatives: K - 1 times the score, and nothing else.
    assert isclose(score_radius(1000, 4, 3, 0.1), 3 * G, rel_tol=1e-12)
    tiny = bounds.preference_seminorm_radius(**{**numbers, "curvature": 1e-300}, lam=0.01)
    assert isclose(tiny, G * 1e300, rel_tol=1e-12)


COINS = np.array([0.5, 0.5, 0.7, 0.7, 0.9, 1.0, 1.0, 1.1, 1.1, 1.3, 1.4, 1.5])


def line_of_labels(n, theta, B):
    """Every label vector of n comparisons on a line: its probability, its constrained estimate, its score."""
    x = COINS[:n]
    Y = np.array(list(product([0, 1], repeat=n)))
    p = expit(x * theta)
    weights = np.prod(np.where(Y == 1, p, 1 - p), axis=1)
    won = Y @ x
    low, high = np.full(len(Y), -B), np.full(len(Y), B)
    for _ in range(60):  # the gradient increases: bisection finds its root, or the end of the interval
        middle = (low + high) / 2
        rising = expit(np.outer(middle, x)) @ x > won
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
    return weights, (low + high) / 2, (p @ x - won) / n


@pytest.mark.parametrize("lam", [0.0, 0.05])
@pytest.mark.parametrize("theta", [0.0, 0.6, -1.0])
@pytest.mark.parametrize("n", [1, 5, 12])
def test_radius_on_a_line(n, theta, lam):
    """2^n labels, enumerated: failure at most delta, for several delta at once."""
    B = 1.0
    weights, found, score = line_of_labels(n, theta, B)
    A = np.mean(COINS[:n] ** 2) + lam
    gamma = bounds.preference_curvature(utility_range=B * COINS[:n].max())
    numbers = {"n": n, "d_eff": 1 - lam / A, "lam": lam, "curvature": gamma, "norm_bound": B}
    for delta in DELTAS:
        radius = bounds.preference_seminorm_radius(**numbers, delta=delta, parameter_norm=abs(theta))
        assert weights[sqrt(A) * np.abs(found - theta) > radius].sum() <= delta
        assert weights[np.abs(score) / sqrt(A) > score_radius(n, 2, 1 - lam / A, delta)].sum() <= delta
    # Given the score, nothing is left to chance.
    G = np.abs(score) / sqrt(A)
    limit = (G + np.sqrt(G**2 + 16 * gamma**2 * lam * B**2)) / (2 * gamma)
    assert (sqrt(A) * np.abs(found - theta) <= limit + 1e-9).all()


def test_a_quarter_of_the_radius_on_a_line_fails():
    weights, found, _ = line_of_labels(12, 0.0, 1.0)
    A = np.mean(COINS**2)
    gamma = bounds.preference_curvature(utility_range=COINS.max())
    radius = bounds.preference_seminorm_radius(n=12, d_eff=1, delta=0.3, lam=0, curvature=gamma, norm_bound=1)
    assert weights[sqrt(A) * np.abs(found) > radius / 4].sum() > 0.3


PAIRS = np.array([[[1.0, 0.0], [0.0, 0.0]]] * 3 + [[[0.0, 1.0], [0.5, 0.0]]] * 3 + [[[1.0, 1.0], [0.0, 0.0]]])
TRIPLES = np.array(
    [
        [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]],
        [[1.0, 1.0], [0.0, 0.5], [-0.5, 0.0]],
        [[0.3, 0.0], [0.0, 1.0], [1.0, 0.2]],
    ]
)


@pytest.mark.parametrize("designs", [PAIRS, TRIPLES], ids=["pairs", "triples"])
def test_radius_in_the_plane(designs):
    """Seven comparisons (2^7 outcomes) or three rankings of three (6^3), and the best parameter of a disc."""
    theta, B, (n, K, d) = np.array([0.5, -0.2]), 0.8, designs.shape
    F = all_outcomes(designs)
    value, score = mean_nll(F, np.tile(theta, (len(F), 1)))
    weights = np.exp(-n * value)
    assert abs(weights.sum() - 1) < 1e-12
    error = constrained_mle(F, B) - theta
    design, _ = design_matrix(designs)
    gamma = bounds.preference_curvature(utility_range=largest_range(designs, B), n_choices=K)
    for lam in (0.0, 0.05):
        A = design + lam * np.eye(d)
        d_eff = float(np.trace(np.linalg.solve(A, design)))
        errors = np.sqrt(np.einsum("mc,cd,md->m", error, A, error))
        scores = np.sqrt(np.einsum("mc,cd,md->m", score, np.linalg.inv(A), score))
        numbers = {"n": n, "d_eff": d_eff, "lam": lam, "curvature": gamma, "norm_bound": B, "n_choices": K}
        for delta in DELTAS:
            assert weights[errors > bounds.preference_seminorm_radius(**numbers, delta=delta)].sum() <= delta
            assert weights[scores > score_radius(n, K, d_eff, delta)].sum() <= delta
        # Given the score, nothing is left to chance.
        limit = (scores + np.sqrt(scores**2 + 16 * gamma**2 * lam * B**2)) / (2 * gamma)
        assert (errors <= limit + 1e-6).all()
        # The enumeration has power: two fifths of the bound on the score fail. Curvature in the worst place costs more.
        assert weights[scores > score_radius(n, K, d_eff, 0.3) / 2.5].sum() > 0.3
        part = bounds.preference_seminorm_radius(**numbers, delta=0.3) / {2: 6, 3: 20}[K]
        assert weights[errors > part].sum() > 0.3


def test_the_true_parameter_must_be_in_the_ball():
    call = {"n": 10, "d_eff": 1, "delta": 0.1, "lam": 0, "curvature": 0.2, "norm_bound": 1.0}
    with pytest.raises(
        AssumptionError, match=r"parameter_norm must be at most norm_bound = 1\.0, found 1\.5"
    ) as caught:
        bounds.preference_seminorm_radius(**call, parameter_norm=1.5)
    assert caught.value.argument == "parameter_norm"
    inside = bounds.preference_seminorm_radius(**call, parameter_norm=1.0)
    assert inside == bounds.preference_seminorm_radius(**call)


# ---------------------------------------------------------------- pessimism


@some
@given(seeds, st.sampled_from([0.0, 0.1, 1.0, 10.0]))
def test_pessimism_loses_no_more(seed, f):
    """Deterministic: whenever theta* is in the ellipsoid, for any policies and any v."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    policies, v, theta_hat = rng.normal(size=(6, d)), rng.normal(size=d), rng.normal(size=d)
    root = rng.normal(size=(d + 2, d)) * rng.choice([0.1, 1.0], size=d)
    A = root.T @ root
    step = rng.normal(size=d)
    theta = theta_hat + step * f * rng.choice([1.0, rng.random()]) / sqrt(step @ A @ step)
    norms = np.sqrt(np.einsum("kd,de,ke->k", policies - v, np.linalg.inv(A), policies - v))
    chosen = int(np.argmax((policies - v) @ theta_hat - f * norms))
    values = policies @ theta
    for k in range(6):
        limit = bounds.pessimism_loss(radius=f, matrix=A, direction=policies[k] - v)
        assert isclose(limit, 2 * f * norms[k], rel_tol=1e-6, abs_tol=1e-12)
        assert values[k] - values[chosen] <= limit + 1e-9


def test_pessimism_loss_is_attained():
    """u* is worth 2 f ||u*||_{A^-1} more than the reference, and its lower bound is that of the reference."""
    A, u, f = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.0, -2.0]), 0.7
    along = np.linalg.solve(A, u)
    norm = sqrt(u @ along)
    theta_hat, theta = f * along / norm, 2 * f * along / norm
    assert isclose(u @ theta_hat - f * norm, 0, abs_tol=1e-12)
    assert isclose(sqrt((theta - theta_hat) @ A @ (theta - theta_hat)), f)
    assert isclose(bounds.pessimism_loss(radius=f, matrix=A, direction=u), u @ theta, rel_tol=1e-12)


def test_pessimism_loss_of_singular_matrices():
    """Three comparisons in the plane x + y + z = 0: the pseudo-inverse inside, infinity outside, no 1e16."""
    X = np.array([[1.0, -1, 0], [0, 1, -1], [1, 0, -1], [1, 1, -2]]) / 3
    A = X.T @ X
    u = np.array([0.3, 0.2, -0.5])
    inside = bounds.pessimism_loss(radius=0.5, matrix=A, direction=u)
    assert isclose(inside, sqrt(u @ np.linalg.pinv(A, rcond=1e-10) @ u), rel_tol=1e-9)
    outside = bounds.pessimism_loss(radius=0.5, matrix=A, direction=u + 1e-3)
    assert outside == np.inf
    assert outside.vacuous
    assert bounds.pessimism_loss(radius=0.5, matrix=np.zeros((2, 2)), direction=[0, 0]) == 0
    assert bounds.pessimism_loss(radius=0.5, matrix=np.zeros((2, 2)), direction=[0, 1]).vacuous


def test_pessimism_loss_of_the_greedy_failure():
    """prefs.md 7.5: Sigma + 0.01 I = diag(1/6, 5/6, 0) + 0.01 I, f = 0.5, v = 0, phi(a4) = (0, 1, 0)."""
    A = np.diag([1 / 6, 5 / 6, 0]) + 0.01 * np.eye(3)
    value = bounds.pessimism_loss(radius=0.5, matrix=A, direction=[0, 1, 0])
    # its lower bound is theta_hat_2 - f ||phi||: 0.489548225319 - 0.544465506281 = -0.054917281162
    assert isclose(value, 2 * (0.489548225319 + 0.054917281162), rel_tol=1e-10)


@pytest.mark.parametrize(
    ("matrix", "direction", "error", "message"),
    [
        ([1.0, 2.0], [1.0, 0.0], ShapeError, r"matrix must have shape \(d, d\), found \(2,\)"),
        ([[1.0, 0.0]], [1.0], ShapeError, r"matrix must have shape \(d, d\), found \(1, 2\)"),
        (np.eye(2), [1.0], ShapeError, r"direction must have shape \(2,\), found \(1,\)"),
        (np.eye(2), [1.0, np.nan], InputError, r"direction\[1\] must be finite, found nan"),
        ([[1.0, 0.5], [0.0, 1.0]], [1.0, 0.0], InputError, r"matrix must be symmetric, found matrix\[0, 1\] = 0\.5"),
        (
            [[1.0, 2.0], [2.0, 1.0]],
            [1.0, 0.0],
            InputError,
            "matrix must be positive semidefinite, found the eigenvalue -",
        ),
    ],
)
def test_bad_matrices(matrix, direction, error, message):
    with pytest.raises(error, match=message) as caught:
        bounds.pessimism_loss(radius=1, matrix=matrix, direction=direction)
    assert caught.value.argument in ("matrix", "direction")


# ---------------------------------------------------------------- efficiency and rates


def test_pair_splitting():
    """prefs.md 4.8, in fractions."""
    published = [(1, 1), (27, 28), (108, 115), (150, 163), (450, 497), (2205, 2468), (3920, 4437)]
    for K, (above, below) in enumerate(published, start=2):
        harmonic = sum(Fraction(1, k) for k in range(1, K + 1))
        assert Fraction(3 * K * (K - 1)) / (4 * (K + 1) * (K - harmonic)) == Fraction(above, below)
        assert isclose(bounds.pair_splitting_efficiency(n_choices=K), above / below, rel_tol=1e-14)
    assert isclose(bounds.pair_splitting_efficiency(n_choices=10**9), 0.75, rel_tol=1e-7)


@pytest.mark.parametrize("name", ["preference_mle_rate", "pessimism_lower_bound_rate"])
def test_rates_have_the_powers_they_claim(name):
    bound = bounds.get(name)
    call = {"d": 9, "n": 1000, "curvature": 0.1, "concentrability": 3.0}
    call = {argument: call[argument] for argument in bound.parameters}
    for argument, power in bound.exponents.items():
        ratio = bound.value(**{**call, argument: 4 * call[argument]}) / bound.value(**call)
        assert isclose(ratio, 4**power, rel_tol=1e-12)


def test_the_lower_bound_keeps_to_its_assumptions():
    with pytest.raises(InputError, match="d must be an integer of at least 7, found 6"):
        bounds.pessimism_lower_bound_rate(concentrability=2, d=6, n=100)
    with pytest.raises(AssumptionError, match=r"concentrability must be at least 2, found 1\.5"):
        bounds.pessimism_lower_bound_rate(concentrability=1.5, d=7, n=100)
