"""The linear systems behind moments: what is paid on every step, discounted by a power of gamma."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order
from scipy.sparse.linalg import splu

from mdpkit._typing import Bools, Floats
from mdpkit.distributional.evaluation.process import Process, StepLaws
from mdpkit.errors import DiscountError


def expect(step: StepLaws, values: Floats) -> Floats:
    """Return the expectation over the outcomes of each state of values ``(M,)``, shape ``(S,)``."""
    total: Floats = np.bincount(step.state, weights=step.prob * values, minlength=len(step.ptr) - 1).astype(np.float64)
    return total


def check_ends(process: Process, argument: str) -> None:
    """Refuse a process without discounting in which some state may never be absorbed."""
    graph = _matrix(process.steps[-1])
    terminal = np.flatnonzero(process.terminal)
    n = process.n_states
    # One more node, from which every terminal state is one step away against the arrows.
    source = sp.csr_array((np.ones(len(terminal)), (np.full(len(terminal), n), terminal)), shape=(n + 1, n + 1))
    backwards = sp.csr_array(sp.block_diag([graph.T, sp.csr_array((1, 1))])) + source
    ends = np.zeros(n + 1, dtype=bool)
    ends[breadth_first_order(sp.csr_array(backwards), n, return_predecessors=False)] = True
    if not ends[:n].all():
        s = int(np.argmin(ends[:n]))
        raise DiscountError(
            f"{argument} = 1 without a horizon needs a policy that surely terminates; from state {s} it never does",
            argument=argument,
            index=s,
            value=1,
        )


def solve(step: StepLaws, factor: float, paid: Floats, terminal: Bools) -> Floats:
    """Return ``(I - factor P)^{-1} paid``, by sparse LU; 0 in terminal states, where nothing is paid."""
    alive = np.flatnonzero(~terminal)
    values = np.zeros(len(paid))
    if len(alive):
        matrix = sp.csc_array(sp.eye_array(len(alive)) - factor * _matrix(step)[alive][:, alive])
        values[alive] = splu(matrix).solve(paid[alive])
    return values


def _matrix(step: StepLaws) -> sp.csr_array:
    n_states = len(step.ptr) - 1
    return sp.csr_array((step.prob, (step.state, step.successor)), shape=(n_states, n_states))
