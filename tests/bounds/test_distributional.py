"""Contraction, truncation and sensitivity of return laws on small chains whose laws are enumerated."""

from __future__ import annotations

from itertools import product
from math import isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import bounds
from mdpkit.errors import InputError, UnknownOptionError
from tests.bounds.laws import (
    Chain,
    Law,
    acyclic,
    bellman,
    cramer,
    cvar,
    erm,
    iterate,
    mean,
    merged,
    wasserstein,
    wasserstein_inf,
)
from tests.bounds.stock_problems import LAYERS, layered

some = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**32 - 1)
gammas = st.sampled_from([0.0, 0.3, 0.8, 0.95])
taus = st.sampled_from([0.05, 0.3, 0.75, 1.0])
TINY = 1e-9


def random_law(rng: np.random.Generator) -> Law:
    n = rng.integers(1, 5)
    return merged((rng.uniform(-2, 2, size=n), rng.dirichlet(np.ones(n))))


# ---------------------------------------------------------------- contraction


@some
@given(seeds, gammas)
def test_contraction(seed, gamma):
    rng = np.random.default_rng(seed)
    S = int(rng.integers(1, 4))
    chain: Chain = [
        [(float(p), float(rng.normal()), int(rng.integers(S))) for p in rng.dirichlet(np.ones(3))] for _ in range(S)
    ]
    one, two = ([random_law(rng) for _ in range(S)] for _ in range(2))
    after = list(zip(bellman(chain, gamma, one), bellman(chain, gamma, two), strict=True))
    for metric, distance in (("wasserstein", wasserstein), ("wasserstein", wasserstein_inf), ("cramer", cramer)):
        before = max(distance(a, b) for a, b in zip(one, two, strict=True))
        limit = bounds.distributional_contraction(gamma=gamma, distance=before, metric=metric)
        assert max(distance(a, b) for a, b in after) <= limit + TINY


def test_contraction_is_attained():
    """One state and a certain reward; gamma = 1/4, so that both powers are exact."""
    one: Law = (np.array([0.0, 4.0]), np.array([0.5, 0.5]))
    two: Law = (np.array([0.0, 8.0]), np.array([0.5, 0.5]))
    after = [bellman([[(1.0, 3.0, 0)]], 0.25, [law])[0] for law in (one, two)]
    for metric, distance in (("wasserstein", wasserstein), ("cramer", cramer)):
        limit = bounds.distributional_contraction(gamma=0.25, distance=distance(one, two), metric=metric)
        assert isclose(distance(*after), limit, rel_tol=1e-12)


# ---------------------------------------------------------------- truncation


@some
@given(seeds, gammas, taus)
def test_truncated_returns(seed, gamma, tau):
    rng = np.random.default_rng(seed)
    chain = acyclic(rng)
    exact = iterate(chain, gamma, 4)
    largest = max(abs(r) for row in chain for _, r, _ in row)
    for H in range(5):
        limit = bounds.return_truncation_error(gamma=gamma, horizon=H, reward_max=largest)
        tail = bounds.return_truncation_error(gamma=gamma, horizon=H, reward_max=largest, lipschitz=1 / tau)
        for cut, law in zip(iterate(chain, gamma, H), exact, strict=True):
            assert wasserstein_inf(cut, law) <= limit + TINY
            assert abs(cvar(cut, tau) - cvar(law, tau)) <= tail + TINY


@pytest.mark.parametrize("H", [0, 1, 3, 8])
def test_truncation_of_known_laws(H):
    """Rewards of 1 attain the bound; fair coins at gamma = 1/2 (spec D1) have W1 = 2^-H, half of it."""
    for gamma in (0.0, 0.5, 0.9):
        cut = sum(gamma**t for t in range(H))
        limit = bounds.return_truncation_error(gamma=gamma, horizon=H, reward_max=1)
        assert isclose(1 / (1 - gamma) - cut, limit, abs_tol=1e-12)
    (law,) = iterate([[(0.5, 0.0, 0), (0.5, 1.0, 0)]], 0.5, H)
    # The uniform law dominates its truncation, so W1 is the difference of the means.
    assert 1 - mean(law) == 0.5**H == bounds.return_truncation_error(gamma=0.5, horizon=H, reward_max=1) / 2


# ---------------------------------------------------------------- entropic risk


@some
@given(seeds, st.sampled_from([0.3, 0.8, 0.95]), st.sampled_from([0.1, 1.0, 5.0]))
def test_entropic_risk(seed, gamma, b):
    """All 32 policies are enumerated; the recursion ends in mean-optimal values at every possible step."""
    problem = layered(np.random.default_rng(seed))
    laws = {
        policy: iterate([problem[s][a] for s, a in enumerate((*policy, 0))], gamma, 4)
        for policy in product(range(2), repeat=5)
    }
    best = max(erm(law[0], b) for law in laws.values())
    means = [max(mean(law[s]) for law in laws.values()) for s in range(6)]
    width = 2 * sum(gamma**t for t in range(3))
    for T in range(4):
        v, policy = list(means), [0] * 5
        for s in reversed(range(5)):
            t = next(i for i, layer in enumerate(LAYERS) if s in layer)
            rows = [
                (np.array([r + gamma * v[n] for _, r, n in row]), np.array([p for p, _, _ in row]))
                for row in problem[s]
            ]
            risks = [erm(row, b * gamma**t) if t < T else mean(row) for row in rows]
            policy[s] = int(np.argmax(risks))
            v[s] = max(risks)
        limit = bounds.erm_truncation_error(gamma=gamma, b=b, horizon=T, value_range=width)
        assert best - TINY <= v[0] <= best + limit + TINY
        assert best - erm(laws[tuple(policy)][0], b) <= limit + TINY


def test_entropic_risk_of_a_coin_nearly_attains_the_bound():
    """Hoeffding's lemma for a fair coin and small b: mean - ERM = b / 8 - b^3 / 192 + ..."""
    coin: Law = (np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    limit = bounds.erm_truncation_error(gamma=0, b=0.1, horizon=0, value_range=1)
    assert isclose(limit, 0.1 / 8, rel_tol=1e-12)
    assert isclose(0.5 - erm(coin, 0.1), limit - 0.1**3 / 192, rel_tol=1e-6)


# ---------------------------------------------------------------- CVaR


@some
@given(seeds, taus)
def test_cvar_sensitivity(seed, tau):
    rng = np.random.default_rng(seed)
    one, two = random_law(rng), random_law(rng)
    limit = bounds.cvar_lipschitz(tau=tau, distance=wasserstein(one, two))
    assert abs(cvar(one, tau) - cvar(two, tau)) <= limit + TINY
    upper = [-cvar((-law[0], law[1]), tau) for law in (one, two)]
    assert abs(upper[0] - upper[1]) <= limit + TINY


def test_cvar_sensitivity_is_attained():
    """The lowest quarter moves by 2, and nothing else does: W1 = 1/2, and CVaR changes by 2."""
    one: Law = (np.array([0.0, 5.0]), np.array([0.25, 0.75]))
    two: Law = (np.array([-2.0, 5.0]), np.array([0.25, 0.75]))
    assert cvar(one, 0.25) - cvar(two, 0.25) == bounds.cvar_lipschitz(tau=0.25, distance=wasserstein(one, two)) == 2


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize("bad", [0, 1.5])
@pytest.mark.parametrize("name", ["cvar_lipschitz", "stock_grid_cvar_error"])
def test_levels_are_at_most_1(name, bad):
    arguments = {"cvar_lipschitz": {"distance": 1.0}, "stock_grid_cvar_error": {"step": 1.0}}[name]
    with pytest.raises(InputError, match=f"tau must .*, found {bad}"):
        bounds.get(name).value(tau=bad, **arguments)


def test_horizons_are_whole_and_metrics_known():
    with pytest.raises(InputError, match="horizon must be an integer of at least 0, found 2"):
        bounds.return_truncation_error(gamma=0.5, horizon=2.0, reward_max=1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="horizon must be an integer of at least 0, found 2"):
        bounds.erm_truncation_error(gamma=0.5, b=1, horizon=2.0, value_range=1)  # type: ignore[arg-type]
    with pytest.raises(UnknownOptionError, match="metric must be one of wasserstein, cramer, found 'ks'"):
        bounds.distributional_contraction(gamma=0.5, distance=1, metric="ks")
