"""The Bellman operator of a discounted model, and of one of its policies, for dense and compressed rows.

Every solver is written against these few verbs; only this file and the kernels know how rows are stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import MarkovRewardProcess, TabularMDP
from mdpkit.models.rows import DenseRows, Rows, SparseRows
from mdpkit.planning.discounted import _kernels as kernels
from mdpkit.planning.rounding import Rounding


class PolicyRows(Protocol):
    """The rows of one policy, contiguous, ready to be swept many times."""

    def sweep(self, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T_pi V``; return the extremes of ``W - V``."""

    def sweep_in_place(self, V: Floats, *, reverse: bool) -> float:
        """One Gauss-Seidel evaluation sweep; return the largest change."""


class Bellman:
    """``(T V)(s) = max_k r[k] + gamma * P_k V`` of a discounted model.

    Attributes
    ----------
    n_states, gamma
        Sizes of the problem.
    choice : ndarray of int64, shape (S,)
        The pair that attained the maximum in the latest improvement sweep.
    full_sweeps : float
        Work done so far, in passes over the whole model.
    """

    def __init__(self, rows: Rows, state_ptr: Ints, reward: Floats, reward_error: Floats, gamma: float) -> None:
        self.rows = rows
        self.state_ptr = state_ptr
        self.reward = reward
        self.gamma = gamma
        self.reward_error = reward_error
        self.rounding = Rounding.of(rows, reward, gamma, float(np.max(reward_error)))
        self.n_states = len(state_ptr) - 1
        self.n_pairs = len(reward)
        self.choice: Ints = state_ptr[:-1].copy()
        self.full_sweeps = 0.0
        self._policy_buffers: dict[str, Any] = {}

    def sweep(self, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T V``; set `choice`; return the extremes of ``W - V``."""
        self.full_sweeps += 1
        rows = self.rows
        if isinstance(rows, SparseRows):
            return kernels.jacobi_sweep(
                self.state_ptr, rows.row_ptr, _unsigned(rows), rows.prob, self.reward, self.gamma, V, W, self.choice
            )
        return kernels.best_pairs(self.state_ptr, self._dense_pair_values(rows, V), V, W, self.choice)

    def pair_values(self, V: Floats) -> Floats:
        """Return ``r + gamma P V``, shape ``(N,)``."""
        self.full_sweeps += 1
        rows = self.rows
        if isinstance(rows, SparseRows):
            q = np.empty(self.n_pairs)
            kernels.pair_values(rows.row_ptr, _unsigned(rows), rows.prob, self.reward, self.gamma, V, q)
            return q
        return self._dense_pair_values(rows, V)

    def _dense_pair_values(self, rows: DenseRows, V: Floats) -> Floats:
        q: Floats = np.dot(rows.matrix, V)
        q *= self.gamma
        q += self.reward
        return q

    def sweep_in_place(self, V: Floats, *, reverse: bool) -> float:
        """One Gauss-Seidel improvement sweep; set `choice`; return the largest change."""
        self.full_sweeps += 1
        rows = self.rows
        if isinstance(rows, SparseRows):
            return float(
                kernels.gauss_seidel_sweep(
                    self.state_ptr,
                    rows.row_ptr,
                    _unsigned(rows),
                    rows.prob,
                    self.reward,
                    self.gamma,
                    V,
                    self.choice,
                    reverse,
                )
            )
        return float(
            kernels.gauss_seidel_sweep_dense(
                self.state_ptr, rows.matrix, self.reward, self.gamma, V, self.choice, reverse
            )
        )

    def policy_rows(self, choice: Ints, *, solved: bool = False) -> PolicyRows:
        """Extract the rows of a policy; `solved` prepares them for in-place sweeps (compressed rows only)."""
        self.full_sweeps += self.n_states / self.n_pairs
        rows = self.rows
        if isinstance(rows, DenseRows):
            return DensePolicyRows(rows.matrix[choice], self.reward[choice], self.gamma)
        buffers = self._buffers(rows)
        if solved:
            kernels.extract_rows_solved(
                rows.row_ptr, _unsigned(rows), rows.prob, self.reward, self.gamma, choice, *buffers.values()
            )
        else:
            kernels.extract_rows(rows.row_ptr, _unsigned(rows), rows.prob, self.reward, choice, *buffers.values())
        return SparsePolicyRows(*buffers.values(), gamma=self.gamma)

    def _buffers(self, rows: SparseRows) -> dict[str, Any]:
        """Room for the longest rows a policy can pick, allocated once and reused by every extraction."""
        if not self._policy_buffers:
            lengths = np.diff(rows.row_ptr)
            room = int(np.sum(np.maximum.reduceat(lengths, self.state_ptr[:-1])))
            self._policy_buffers = {
                "ptr": np.zeros(self.n_states + 1, dtype=np.int64),
                "col": np.empty(room, dtype=np.uint32),
                "prob": np.empty(room),
                "r": np.empty(self.n_states),
            }
        return self._policy_buffers


@dataclass(frozen=True, slots=True)
class SparsePolicyRows:
    """Compressed rows of one policy (see `Bellman.policy_rows`)."""

    ptr: Ints
    col: Any
    prob: Floats
    r: Floats
    gamma: float = field(kw_only=True)

    def sweep(self, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T_pi V``; return the extremes of ``W - V``."""
        return kernels.evaluation_sweep(self.ptr, self.col, self.prob, self.r, self.gamma, V, W)

    def sweep_in_place(self, V: Floats, *, reverse: bool) -> float:
        """One in-place sweep; the rows must have been extracted with ``solved=True``."""
        return float(kernels.solved_sweep(self.ptr, self.col, self.prob, self.r, V, reverse))


@dataclass(frozen=True, slots=True)
class DensePolicyRows:
    """Dense rows of one policy."""

    matrix: Floats
    r: Floats
    gamma: float

    def sweep(self, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T_pi V``; return the extremes of ``W - V``."""
        np.dot(self.matrix, V, out=W)
        W *= self.gamma
        W += self.r
        difference = W - V
        return float(np.min(difference)), float(np.max(difference))

    def sweep_in_place(self, V: Floats, *, reverse: bool) -> float:
        """One in-place sweep."""
        return float(kernels.solved_sweep_dense(self.matrix, self.r, self.gamma, V, reverse))


def bellman_operator(model: TabularMDP, gamma: float) -> Bellman:
    """Return the operator of a model."""
    return Bellman(model.rows, model.state_ptr, model.pair_reward, model.reward_error, gamma)


def process_operator(process: MarkovRewardProcess, gamma: float) -> Bellman:
    """Return the operator of a Markov reward process: one pair per state."""
    return Bellman(process.rows, np.arange(process.n_states + 1), process.reward, process.reward_error, gamma)


def _unsigned(rows: SparseRows) -> Any:
    return rows.col.view(np.uint32)
