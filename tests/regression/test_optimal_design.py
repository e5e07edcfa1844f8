"""G-optimal designs: closed forms, published numbers, an independent algorithm, invariances and refusals."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.errors import ConvergenceWarning, InputError, ShapeError, UnknownOptionError
from mdpkit.problems.linear import formula_linear_mdp
from mdpkit.problems.linear_hard import hard_linear_mdp, leaky_probe, quasirandom_actions
from mdpkit.regression import core_size_bound, g_optimal_design, todd_core_size_bound
from mdpkit.regression._kernels import wolfe_atwood


def leverages(X, rho, f=None):
    """Largest ``x^T G^+ x / f^2`` and ``G`` from the definition."""
    X = X if f is None else X / np.asarray(f)[:, None]
    G = sum(p * np.outer(x, x) for p, x in zip(rho, X, strict=True))
    return np.einsum("ni,ij,nj->n", X, np.linalg.pinv(G, rcond=1e-11, hermitian=True), X), G


def multiplicative(X, steps=20_000):
    """Another algorithm for the same problem: ``rho_i <- rho_i w_i / d`` (Silvey, Titterington, Torsney 1978)."""
    rho = np.full(len(X), 1 / len(X))
    for _ in range(steps):
        G = (X.T * rho) @ X
        rho *= np.einsum("ni,ij,nj->n", X, np.linalg.inv(G), X) / X.shape[1]
    return rho


# ------------------------------------------------------------------ closed forms (mdvi.md d.3)

EXACT = {"tol": 1e-11}


@pytest.mark.parametrize("init", ["ky", "uniform"])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_orthonormal_basis(d, init):
    design = g_optimal_design(np.eye(d), init=init, **EXACT)
    np.testing.assert_allclose(design.rho, 1 / d, atol=1e-8)
    assert design.g_max == pytest.approx(d, abs=1e-9)
    assert design.log_det == pytest.approx(-d * math.log(d), abs=1e-9)
    assert design.converged


@pytest.mark.parametrize("init", ["ky", "uniform"])
def test_three_vectors_and_their_weights(init):
    X = np.array([[1, 0], [0, 1], [1, 1]])
    design = g_optimal_design(X, init=init, **EXACT)
    np.testing.assert_allclose(design.rho, 1 / 3, atol=1e-8)
    assert (design.g_max, design.log_det) == (pytest.approx(2, abs=1e-8), pytest.approx(-math.log(3), abs=1e-8))
    weighted = g_optimal_design(X, weights=[1, 1, 2], init=init, **EXACT)
    np.testing.assert_allclose(weighted.rho, [0.5, 0.5, 0], atol=1e-8)
    assert weighted.core.tolist() == [0, 1]
    assert leverages(X, weighted.rho, [1, 1, 2])[0][2] == pytest.approx(1, abs=1e-8)


def test_quadratic_regression():
    u = np.linspace(-1, 1, 201)
    design = g_optimal_design(np.stack([u**0, u, u**2], axis=1), **EXACT)
    assert design.core.tolist() == [0, 100, 200]
    np.testing.assert_allclose(design.rho[design.core], 1 / 3, atol=1e-8)
    assert math.exp(design.log_det) == pytest.approx(4 / 27, abs=1e-8)


@pytest.mark.parametrize("corners", [3, 5, 8])
def test_regular_polygon(corners):
    angle = 2 * np.pi * np.arange(corners) / corners
    design = g_optimal_design(np.stack([np.cos(angle), np.sin(angle)], axis=1), **EXACT)
    np.testing.assert_allclose(design.G, np.eye(2) / 2, atol=1e-8)


def test_hypercube():
    X = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T
    design = g_optimal_design(X, **EXACT)
    np.testing.assert_allclose(design.G, np.eye(4), atol=1e-8)
    assert design.g_max == pytest.approx(4, abs=1e-8)


def test_blocks_share_by_rank():
    rng = np.random.default_rng(0)
    X = np.zeros((50, 5))
    X[:20, :2], X[20:, 2:] = rng.standard_normal((20, 2)), 1e4 * rng.standard_normal((30, 3))
    design = g_optimal_design(X, **EXACT)
    assert design.rho[:20].sum() == pytest.approx(2 / 5, abs=1e-8)


def test_one_dimension_takes_the_longest_row():
    design = g_optimal_design([[1.0], [-3.0], [2.0]])
    assert (design.core.tolist(), design.iterations, design.g_max) == ([1], 0, pytest.approx(1))
    assert g_optimal_design([[1.0], [-3.0], [2.0]], weights=[0.1, 1, 1]).core.tolist() == [0]


# ------------------------------------------------------------------ published numbers (mdvi.md d.2, d.4, d.7)


@pytest.mark.parametrize("init", ["ky", "uniform"])
def test_hard_instance(init):
    model = hard_linear_mdp(quasirandom_actions(30), quasirandom_actions(30)[-1])
    X = model.phi.reshape(-1, 4)
    plain = g_optimal_design(X, init=init, **EXACT)
    assert plain.core.tolist() == [3, 7, 12, 20, 30]  # the absorbing state's 30 equal rows count once
    expected = [0.1414353636, 0.1414353636, 0.2335646365, 0.2335646365, 0.25]
    np.testing.assert_allclose(plain.rho[plain.core], expected, atol=1e-8)
    assert plain.log_det == pytest.approx(-5.947910136, abs=1e-8)
    # Closed form of the optimal values: sigma^2 = p (1 - p) v^2 with p = gamma + delta a . beta.
    m = quasirandom_actions(30) @ quasirandom_actions(30)[-1]
    p, v = 0.9 + 0.01 * m, 1 / (1 - 0.81 - 0.009 * m.max())
    sigma = np.concatenate([np.sqrt(p * (1 - p)) * v, np.zeros(30)])
    np.testing.assert_allclose(sigma[:3], [1.60149712, 1.629753986, 1.6162298835], atol=1e-8)
    weighted = g_optimal_design(X, weights=sigma + math.sqrt(10), init=init, **EXACT)
    assert weighted.core.tolist() == [3, 7, 12, 20, 30]
    expected = [0.1391909994, 0.1432207804, 0.233640531, 0.2339476892, 0.25]
    np.testing.assert_allclose(weighted.rho[weighted.core], expected, atol=1e-8)
    assert weighted.log_det == pytest.approx(-17.632432234, abs=1e-8)
    assert plain.g_max == pytest.approx(4, abs=1e-8)
    assert weighted.g_max == pytest.approx(4, abs=1e-8)


def test_formula_mdp():
    design = g_optimal_design(formula_linear_mdp(6, 3, 4).phi.reshape(-1, 4), **EXACT)
    assert design.log_det == pytest.approx(-9.077024015, abs=1e-8)


def test_leaky_probe():
    model = leaky_probe(0.9)
    X = model.phi.reshape(-1, 5)
    plain = g_optimal_design(X, **EXACT)
    assert plain.core.tolist() == [0, 1, 2, 5, 10]
    np.testing.assert_allclose(plain.rho[plain.core], 1 / 5, atol=1e-8)
    v = np.array([165 / 29, 10.0, 0.0])
    P = X @ model.mu
    sigma = np.sqrt(np.maximum(P @ v**2 - (P @ v) ** 2, 0))
    weighted = g_optimal_design(X, weights=sigma + math.sqrt(10), **EXACT)
    np.testing.assert_allclose(weighted.rho[:5], [0.1546269, 0.1546269, 0.1862063, 0.1045399, 0], atol=1e-7)
    np.testing.assert_allclose(weighted.rho[[5, 10]], 1 / 5, atol=1e-8)


# ------------------------------------------------------------------ two independent methods


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_multiplicative_algorithm(seed):
    X = np.random.default_rng(seed).standard_normal((25, 3))
    design = g_optimal_design(X, tol=1e-9)
    rho = multiplicative(X)
    np.testing.assert_allclose(design.rho, rho, atol=1e-4)
    assert design.log_det == pytest.approx(np.linalg.slogdet((X.T * rho) @ X)[1], abs=1e-5)
    assert design.log_det >= np.linalg.slogdet((X.T * rho) @ X)[1] - 1e-8


@pytest.mark.parametrize("away", [True, False])
def test_kernel_matches_its_slow_twin(away):
    """Steps of section b.3 in NumPy, everything from scratch in every step."""
    X = np.random.default_rng(1).standard_normal((40, 3))
    rho = np.full(40, 1 / 40)
    twin = rho.copy()
    H = np.linalg.inv((X.T * rho) @ X)
    w = np.einsum("ni,ij,nj->n", X, H, X)
    steps = 60
    assert wolfe_atwood(X, rho, H, w, 1e-12, away, steps) == steps
    for _ in range(steps):
        exact = np.einsum("ni,ij,nj->n", X, np.linalg.inv((X.T * twin) @ X), X)
        k, support = int(np.argmax(exact)), np.flatnonzero(twin)
        j = support[np.argmin(exact[support])]
        if away and 1 - exact[j] / 3 > exact[k] / 3 - 1:
            k = j
        lam = max((exact[k] - 3) / (2 * exact[k]), -twin[k])
        twin[k] += lam
        twin /= 1 + lam
    np.testing.assert_allclose(rho, twin, atol=1e-12)
    np.testing.assert_array_equal(rho > 0, twin > 0)
    np.testing.assert_allclose(w, np.einsum("ni,ij,nj->n", X, np.linalg.inv((X.T * twin) @ X), X), rtol=1e-10)


# ------------------------------------------------------------------ what always holds


@st.composite
def clouds(draw):
    d = draw(st.integers(1, 5))
    n = draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["normal", "integer", "simplex", "deficient"]))
    if kind == "normal":
        X = rng.standard_normal((n, d))
    elif kind == "integer":
        X = rng.integers(-2, 3, (n, d)).astype(float)
    elif kind == "simplex":
        X = rng.dirichlet(np.full(d, 0.3), size=n)
    else:
        X = rng.standard_normal((n, max(1, d - 2))) @ rng.standard_normal((max(1, d - 2), d))
    if not X.any():
        X[0, 0] = 1.0
    return X, rng.uniform(0.1, 10.0, n), rng


@settings(max_examples=80, deadline=None)
@given(clouds(), st.sampled_from([1.0, 0.1, 1e-3]), st.booleans())
def test_certificate_holds_from_the_definition(cloud, tol, uniform):
    X, f, _ = cloud
    design = g_optimal_design(X, weights=f, tol=tol, init="uniform" if uniform else "ky")
    w, G = leverages(X, design.rho, f)
    assert design.rank == np.linalg.matrix_rank(X)
    assert design.rho.sum() == pytest.approx(1, abs=1e-12)
    assert (design.rho >= 0).all()
    np.testing.assert_array_equal(design.core, np.flatnonzero(design.rho))
    np.testing.assert_allclose(design.G, G, rtol=1e-10, atol=1e-12 * abs(G).max())
    assert w.max() == pytest.approx(design.g_max, rel=1e-6)
    assert design.rank * (1 - 1e-9) <= design.g_max <= (1 + tol) * design.rank * (1 + 1e-9)
    assert design.gap == pytest.approx(design.g_max / design.rank - 1, abs=1e-12)
    eigenvalues = np.sort(np.linalg.eigvalsh(G))[-design.rank :]
    assert design.log_det == pytest.approx(np.log(eigenvalues).sum(), abs=1e-6)
    np.testing.assert_allclose(design.G @ design.G_inverse @ design.G, G, atol=1e-8 * abs(G).max())
    _, first = np.unique(X / f[:, None], axis=0, return_index=True)
    assert set(design.core) <= set(first), "the share of equal rows stays on the first"


@settings(max_examples=60, deadline=None)
@given(clouds(), st.sampled_from([1.0, 0.01]))
def test_kw_bound(cloud, tol):
    """Fits to core targets z never exceed ``sqrt(g) max |z| / f`` (mdvi.md b.3)."""
    X, f, rng = cloud
    design = g_optimal_design(X, weights=f, tol=tol)
    core, z = design.core, rng.standard_normal(len(design.core))
    omega = design.G_inverse @ (X[core].T @ (design.rho[core] * z / f[core] ** 2))
    bound = math.sqrt((1 + tol) * design.rank) * np.max(np.abs(z) / f[core])
    assert np.max(np.abs(X @ omega) / f) <= bound * (1 + 1e-10) + 1e-10


@settings(max_examples=40, deadline=None)
@given(clouds(), st.floats(-3, 3))
def test_scale_of_the_weights_is_irrelevant(cloud, power):
    X, f, _ = cloud
    c = 10.0**power
    base, scaled = g_optimal_design(X, weights=f, tol=1e-7), g_optimal_design(X, weights=c * f, tol=1e-7)
    np.testing.assert_allclose(scaled.G * c**2, base.G, rtol=1e-3, atol=1e-3 * abs(base.G).max())
    assert scaled.log_det + 2 * base.rank * math.log(c) == pytest.approx(base.log_det, abs=1e-5)
    assert scaled.g_max == pytest.approx(base.g_max, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_invariant_under_linear_maps_and_duplicates(seed, d):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((20, d))
    M = rng.standard_normal((d, d)) * np.geomspace(1e-4, 1e4, d) + np.diag(np.geomspace(1e-4, 1e4, d))
    base = g_optimal_design(X, tol=1e-9)
    mapped = g_optimal_design(X @ M, tol=1e-9)
    assert mapped.rank == d
    assert mapped.log_det - 2 * np.linalg.slogdet(M)[1] == pytest.approx(base.log_det, abs=1e-6)
    twice = g_optimal_design(np.vstack([X, X, np.zeros((3, d))]), tol=1e-9)
    np.testing.assert_array_equal(twice.rho[:20], base.rho)
    assert twice.rho[20:].sum() == 0


@pytest.mark.parametrize(("d", "limit"), [(2, 32.7), (5, 43.7), (10, 66.8), (20, 120.5)])
def test_core_stays_below_the_quoted_bounds(d, limit):
    assert core_size_bound(d) == pytest.approx(limit, abs=0.05)
    for seed in range(5):
        X = np.random.default_rng(seed).standard_normal((2000, d))
        assert len(g_optimal_design(X, tol=1.0).core) <= core_size_bound(d)
        assert len(g_optimal_design(X, tol=0.1).core) <= todd_core_size_bound(d, 0.1)


def test_rank_deficient_features():
    model = formula_linear_mdp(30, 4, 12)
    X = model.phi.reshape(-1, 12)
    design = g_optimal_design(X, tol=1e-6)
    assert design.rank == 11
    assert design.g_max == pytest.approx(11, rel=2e-6)
    assert leverages(X, design.rho)[0].max() == pytest.approx(11, rel=1e-5)
    with pytest.raises(np.linalg.LinAlgError, match="rank 11"):
        g_optimal_design(X, strict=True)
    with pytest.raises(InputError, match="rank 11"):
        g_optimal_design(X, strict=True)
    # A column of zeros changes nothing but the shape.
    padded = g_optimal_design(np.hstack([np.eye(3), np.zeros((3, 1))]), **EXACT)
    np.testing.assert_allclose(padded.G, np.diag([1, 1, 1, 0]) / 3, atol=1e-9)


def test_away_steps_only_change_the_path():
    X = np.random.default_rng(2).standard_normal((200, 4))
    plain = g_optimal_design(X, tol=1e-3, away=False)
    best = g_optimal_design(X, tol=1e-9)
    assert plain.converged
    assert 0 <= best.log_det - plain.log_det <= 4 * math.log1p(1e-3)
    assert plain.iterations > g_optimal_design(X, tol=1e-3).iterations


def test_uniform_start_needs_a_step_per_superfluous_row():
    X = np.random.default_rng(3).standard_normal((500, 3))
    slow, fast = g_optimal_design(X, init="uniform"), g_optimal_design(X)
    assert slow.iterations > 400
    assert fast.iterations < 100
    assert slow.log_det == pytest.approx(fast.log_det, abs=3 * math.log1p(0.01))


def test_running_out_of_steps_is_said():
    X = np.random.default_rng(4).standard_normal((100, 5))
    with pytest.warns(ConvergenceWarning, match="tol = 1e-06 not met"):
        design = g_optimal_design(X, tol=1e-6, max_iter=3)
    assert (design.converged, design.status, design.iterations) == (False, "max_iter", 3)
    assert design.gap > 1e-6
    assert leverages(X, design.rho)[0].max() == pytest.approx(design.g_max)


def test_zero_tolerance_stops_at_rounding():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        design = g_optimal_design(np.random.default_rng(5).standard_normal((50, 3)), tol=0.0)
    assert design.gap < 1e-12
    assert design.drift < 1e-10


def test_inputs_stay_untouched():
    X = np.random.default_rng(6).standard_normal((30, 3))
    X.flags.writeable = False
    before = X.copy()
    first = g_optimal_design(X, weights=np.ones(30))
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(first.rho, g_optimal_design(X).rho)
    assert repr(first).startswith("Design(n=30, rank=3, core=")


@pytest.mark.parametrize(
    ("options", "error", "mentions"),
    [
        ({"features": np.zeros((3, 2))}, InputError, "only zero rows"),
        ({"features": np.zeros(3)}, ShapeError, "features must have shape"),
        ({"features": np.zeros((0, 3))}, ShapeError, "features must have shape"),
        ({"features": [[1.0, np.inf]]}, InputError, r"features\[0, 1\] = inf"),
        ({"features": np.eye(2), "weights": [1.0]}, ShapeError, "weights must have shape"),
        ({"features": np.eye(2), "weights": [1.0, 0.0]}, InputError, r"weights\[1\] = 0\.0"),
        ({"features": np.eye(2), "weights": [np.nan, 1.0]}, InputError, r"weights\[0\] = nan"),
        ({"features": np.eye(2), "tol": -1.0}, InputError, "tol"),
        ({"features": np.eye(2), "tol": np.nan}, InputError, "tol"),
        ({"features": np.eye(2), "init": "random"}, UnknownOptionError, "ky"),
        ({"features": np.eye(2), "max_iter": 0}, InputError, "max_iter"),
    ],
)
def test_refusals(options, error, mentions):
    with pytest.raises(error, match=mentions):
        g_optimal_design(**options)
