"""Every kernel against a slow twin in exact fractions; the twins follow the docstrings, not the code."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.verification import _kernels as doubled

GAMMA = 0.9
U = 2.0**-53


class Rows:
    """A small random model: 7 states, 1-3 pairs each, 1-4 successors each, self-loops included."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.S = 7
        self.state_ptr = np.concatenate([[0], np.cumsum(rng.integers(1, 4, self.S))])
        self.N = int(self.state_ptr[-1])
        lengths = rng.integers(1, 5, self.N)
        self.row_ptr = np.concatenate([[0], np.cumsum(lengths)])
        self.col = np.concatenate([np.sort(rng.choice(self.S, n, replace=False)) for n in lengths]).astype(np.uint32)
        self.prob = np.concatenate([rng.dirichlet(np.ones(n)) for n in lengths])
        self.r, self.V = rng.normal(size=self.N) * 10, rng.normal(size=self.S) * 10
        self.P = np.zeros((self.N, self.S))
        self.P[np.repeat(np.arange(self.N), lengths), self.col] = self.prob
        self.choice = self.state_ptr[:-1] + rng.integers(np.diff(self.state_ptr))
        # Every sum here has at most 7 terms below 100: (7 + 3) u * 100, and the pivot 1 - gamma p >= 0.1 costs 10.
        self.error = 10 * U * 100 * 10

    def q(self, k: int, V: list[Fraction]) -> Fraction:
        return Fraction(self.r[k]) + Fraction(GAMMA) * sum(Fraction(p) * v for p, v in zip(self.P[k], V, strict=True))

    def solved(self, k: int, s: int, V: list[Fraction]) -> Fraction:
        """The pair value with its self-loop solved for."""
        gamma, loop = Fraction(GAMMA), Fraction(self.P[k, s])
        return (self.q(k, V) - gamma * loop * V[s]) / (1 - gamma * loop)

    def own(self, s: int) -> range:
        return range(self.state_ptr[s], self.state_ptr[s + 1])


@pytest.fixture(params=range(3))
def rows(request: pytest.FixtureRequest) -> Rows:
    return Rows(request.param)


def exactly(values: np.ndarray) -> list[Fraction]:
    return [Fraction(v) for v in values.tolist()]


def close(found: np.ndarray, exact: list[Fraction], error: float) -> None:
    assert max(abs(Fraction(x) - y) for x, y in zip(found.tolist(), exact, strict=True)) <= error


def test_jacobi_sweep(rows: Rows):
    W, choice = np.empty(rows.S), np.empty(rows.S, dtype=np.int64)
    lo, hi = kernels.jacobi_sweep(rows.state_ptr, rows.row_ptr, rows.col, rows.prob, rows.r, GAMMA, rows.V, W, choice)
    q = [rows.q(k, exactly(rows.V)) for k in range(rows.N)]
    best = [max(rows.own(s), key=q.__getitem__) for s in range(rows.S)]
    close(W, [q[k] for k in best], rows.error)
    assert choice.tolist() == best
    assert (lo, hi) == (np.min(W - rows.V), np.max(W - rows.V))


def test_pair_values(rows: Rows):
    q = np.empty(rows.N)
    kernels.pair_values(rows.row_ptr, rows.col, rows.prob, rows.r, GAMMA, rows.V, q)
    close(q, [rows.q(k, exactly(rows.V)) for k in range(rows.N)], rows.error)


def test_best_pairs_takes_the_first_of_equals():
    W, choice, V = np.empty(2), np.empty(2, dtype=np.int64), np.array([1.0, 2.0])
    q = np.array([3.0, 5.0, 5.0, -1.0, -1.0])
    assert kernels.best_pairs(np.array([0, 3, 5]), q, V, W, choice) == (-3.0, 4.0)
    assert (W.tolist(), choice.tolist()) == ([5.0, -1.0], [1, 3])


def test_first_within_takes_the_lowest_pair_inside_the_tie():
    choice = np.zeros(2, dtype=np.int64)
    q = np.array([3.0, 4.9, 5.0, -1.0, -0.9])
    kernels.first_within(np.array([0, 3, 5]), q, np.array([5.0, -0.9]), 0.125, choice)
    assert choice.tolist() == [1, 3]
    kernels.first_within(np.array([0, 3, 5]), q, np.array([5.0, -0.9]), 0.0, choice)
    assert choice.tolist() == [2, 4]


def test_improved_pairs_switches_only_for_more_than_the_tie():
    choice = np.array([0, 3])
    q = np.array([3.0, 4.9, 5.0, -1.0, -0.9])
    assert kernels.improved_pairs(q, np.array([2, 4]), np.array([5.0, -0.9]), 0.125, choice) == 1
    assert choice.tolist() == [2, 3]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dense", [False, True])
def test_gauss_seidel_sweeps(rows: Rows, reverse: bool, dense: bool):
    found, choice = rows.V.copy(), np.empty(rows.S, dtype=np.int64)
    if dense:
        change = kernels.gauss_seidel_sweep_dense(rows.state_ptr, rows.P, rows.r, GAMMA, found, choice, reverse)
    else:
        change = kernels.gauss_seidel_sweep(
            rows.state_ptr, rows.row_ptr, rows.col, rows.prob, rows.r, GAMMA, found, choice, reverse
        )
    V, best = exactly(rows.V), [0] * rows.S
    for s in reversed(range(rows.S)) if reverse else range(rows.S):
        best[s] = max(rows.own(s), key=lambda k: rows.solved(k, s, V))
        V[s] = rows.solved(best[s], s, V)
    # Errors travel from state to state, each time multiplied by less than one.
    close(found, V, rows.S * rows.error)
    assert choice.tolist() == best
    assert change == np.max(np.abs(found - rows.V))


def policy_arrays(rows: Rows) -> tuple[np.ndarray, ...]:
    room = int(np.sum(np.diff(rows.row_ptr)[rows.choice]))
    ptr, r = np.zeros(rows.S + 1, dtype=np.int64), np.empty(rows.S)
    return ptr, np.empty(room, dtype=np.uint32), np.empty(room), r


def test_extract_rows_and_evaluation_sweep(rows: Rows):
    ptr, col, prob, r = policy_arrays(rows)
    kernels.extract_rows(rows.row_ptr, rows.col, rows.prob, rows.r, rows.choice, ptr, col, prob, r)
    for s, k in enumerate(rows.choice):
        row = np.zeros(rows.S)
        row[col[ptr[s] : ptr[s + 1]]] = prob[ptr[s] : ptr[s + 1]]
        assert row.tolist() == rows.P[k].tolist()
        assert r[s] == rows.r[k]
    W = np.empty(rows.S)
    lo, hi = kernels.evaluation_sweep(ptr, col, prob, r, GAMMA, rows.V, W)
    close(W, [rows.q(k, exactly(rows.V)) for k in rows.choice], rows.error)
    assert (lo, hi) == (np.min(W - rows.V), np.max(W - rows.V))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dense", [False, True])
def test_solved_sweeps(rows: Rows, reverse: bool, dense: bool):
    found = rows.V.copy()
    if dense:
        change = kernels.solved_sweep_dense(rows.P[rows.choice], rows.r[rows.choice], GAMMA, found, reverse)
    else:
        ptr, col, prob, r = policy_arrays(rows)
        kernels.extract_rows_solved(rows.row_ptr, rows.col, rows.prob, rows.r, GAMMA, rows.choice, ptr, col, prob, r)
        assert all(s not in col[ptr[s] : ptr[s + 1]] for s in range(rows.S))
        change = kernels.solved_sweep(ptr, col, prob, r, found, reverse)
    V = exactly(rows.V)
    for s in reversed(range(rows.S)) if reverse else range(rows.S):
        V[s] = rows.solved(rows.choice[s], s, V)
    close(found, V, rows.S * rows.error)
    assert change == pytest.approx(np.max(np.abs(found - rows.V)), abs=rows.error)


@pytest.mark.parametrize("dense", [False, True])
def test_doubled_expectation_is_far_beyond_double_precision(rows: Rows, dense: bool):
    high, low, excess = (np.empty(rows.N) for _ in range(3))
    V = rows.V * np.logspace(-9, 9, rows.S)  # products of very different sizes, so that rounding matters
    if dense:
        doubled.doubled_expectation_dense(rows.P, V, high, low, excess)
    else:
        doubled.doubled_expectation(rows.row_ptr, rows.col, rows.prob, V, high, low, excess)
    for k in range(rows.N):
        mean = sum(Fraction(p) * Fraction(v) for p, v in zip(rows.P[k].tolist(), V.tolist(), strict=True))
        scale = Fraction(float(np.max(np.abs(V))))
        # Ogita, Rump, Oishi (2005): u^2 n^2 relative to the largest term; n = 7, doubled for the second order.
        assert abs(Fraction(high[k]) + Fraction(low[k]) - mean) <= 2 * 49 * scale * Fraction(U) ** 2
        mass = sum(Fraction(p) for p in rows.P[k].tolist())
        assert abs(Fraction(excess[k]) - (mass - 1)) <= 2 * 49 * Fraction(U) ** 2
