"""Compiled sweeps against their definition: one stock at a time, formulas outside, interpolation inside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit.distributional import Utility
from mdpkit.distributional.stock.grid import StockGrid
from mdpkit.planning import solve
from tests.distributional.stock.support import small_mdps

SLOPES = st.integers(-2, 2).map(float)


def twin(mdp, utility, grid, V, mode):
    """``(S, A, G)`` action values straight from the formula; -inf where there is no action."""
    outcomes, gamma = mdp.outcomes, mdp.gamma
    G_min, G_max = np.min(outcomes.reward) / (1 - gamma), np.max(outcomes.reward) / (1 - gamma)
    largest = solve(mdp, method="policy_iteration").V
    smallest = -solve(mdp.with_rewards(-mdp.pair_reward), method="policy_iteration").V
    h = grid[1] - grid[0] if len(grid) > 1 else 1.0
    Q = np.full((mdp.n_states, mdp.n_actions, len(grid)), -np.inf)
    for k in range(mdp.n_pairs):
        for i, c in enumerate(grid):
            total = 0.0
            for j in np.flatnonzero(outcomes.pair == k):
                after, s = (c + outcomes.reward[j]) / gamma, outcomes.successor[j]
                if after <= -G_max + 1e-9 * h:
                    value = utility.k_neg * (after + (largest if utility.k_neg >= 0 else smallest)[s])
                elif after >= -G_min - 1e-9 * h:
                    value = utility.k_pos * (after + (largest if utility.k_pos >= 0 else smallest)[s])
                elif mode == "linear":
                    value = np.interp(after, grid, V[s])
                else:
                    at = (after - grid[0]) / h
                    value = V[s, int(np.floor(at + 1e-9) if mode == "floor" else np.ceil(at - 1e-9))]
                total += outcomes.prob[j] * value
            Q[mdp.pair_state[k], mdp.pair_action[k], i] = gamma * total
    return Q


@settings(max_examples=40, deadline=None)
@given(
    mdp=small_mdps(),
    k_pos=SLOPES,
    k_neg=SLOPES,
    step=st.sampled_from([0.1, 0.25, 0.37]),
    mode=st.sampled_from(["linear", "floor", "ceil"]),
    seed=st.integers(0, 10),
)
def test_sweeps(mdp, k_pos, k_neg, step, mode, seed):
    utility = Utility(k_pos=k_pos, k_neg=k_neg)
    problem = StockGrid(mdp, utility, mdp.gamma, step, mode)
    V = problem.start()
    inner = slice(problem.low, problem.high)
    V[:, inner] += np.random.default_rng(seed).normal(size=V[:, inner].shape)
    Q = twin(mdp, utility, problem.grid, V, mode)
    W = V.copy()
    change = problem.sweep(V, W)
    np.testing.assert_allclose(W[:, inner], Q.max(axis=1)[:, inner], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(np.delete(W, np.r_[inner], axis=1), np.delete(V, np.r_[inner], axis=1))
    assert change == np.max(np.abs(W - V), initial=0.0)

    choice = problem.first_choice()
    problem.improve(V, choice)
    Qs = np.take_along_axis(Q, mdp.pair_action[choice][:, None], axis=1)[:, 0]
    assert np.all(Qs[:, inner] >= Q.max(axis=1)[:, inner] - 1e-10)
    assert problem.improve(V, choice) == 0
    W = V.copy()
    problem.policy_sweep(V, W, choice)
    np.testing.assert_allclose(W[:, inner], Qs[:, inner], rtol=0, atol=1e-12)

    # The same numbers through the lookahead that policies use, at the grid points and (Bellman) outside.
    s, i = seed % mdp.n_states, seed % len(problem.grid)
    expected = Q[s][np.isfinite(Q[s, :, 0])][:, i]
    np.testing.assert_allclose(problem.look_ahead(V, s, problem.grid[i]), expected, rtol=0, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(mdp=small_mdps(), k_pos=SLOPES, k_neg=SLOPES, distance=st.floats(0, 5))
def test_formulas_outside_are_fixed_points(mdp, k_pos, k_neg, distance):
    """Both outer regions are absorbing, and one exact Bellman step confirms ``f(c + J)`` there."""
    problem = StockGrid(mdp, Utility(k_pos=k_pos, k_neg=k_neg), mdp.gamma, 0.25, "linear")
    V = problem.start()
    for stock in (-problem.G_max - distance, -problem.G_min + distance):
        for s in range(mdp.n_states):
            known = problem.outside(np.array([s]), np.array([stock]))[0]
            assert np.max(problem.look_ahead(V, s, stock)) == pytest.approx(known, abs=1e-9)
            pair = problem.best_pair(V, s, stock) - problem.state_ptr[s]
            assert problem.look_ahead(V, s, stock)[pair] == pytest.approx(known, abs=1e-9)


def test_small_blocks_change_nothing(monkeypatch):
    from mdpkit.distributional.stock import grid
    from tests.distributional.stock.support import coin_or_safe

    whole = StockGrid(coin_or_safe(0.7), Utility.cvar(), 0.7, 0.05, "linear").base
    monkeypatch.setattr(grid, "BLOCK", 1)
    np.testing.assert_array_equal(StockGrid(coin_or_safe(0.7), Utility.cvar(), 0.7, 0.05, "linear").base, whole)
