"""Solving ``(I - gamma P) V = r`` for the chain of one policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import gmres, splu

from mdpkit._typing import Floats
from mdpkit.errors import UnknownOptionError
from mdpkit.models.rows import DenseRows, Rows
from mdpkit.planning.rounding import UNIT_ROUNDOFF, largest

EVALUATIONS = ("auto", "dense", "sparse", "krylov")
DENSE_LIMIT = 1000
DENSE_STORAGE_LIMIT = 3000
BANDWIDTH_LIMIT = 64
REFINEMENTS = 2

LinearSolve = Callable[[Floats], Floats]


def check_evaluation(evaluation: str) -> str:
    """Refuse unknown back ends."""
    if evaluation not in EVALUATIONS:
        raise UnknownOptionError(
            f"evaluation must be one of {', '.join(EVALUATIONS)}; found {evaluation!r}", argument="evaluation"
        )
    return evaluation


def choose_evaluation(rows: Rows) -> str:
    """Pick a back end for square policy rows: LU where fill is harmless, Krylov elsewhere."""
    n = rows.n_columns
    if n <= DENSE_LIMIT or (isinstance(rows, DenseRows) and n <= DENSE_STORAGE_LIMIT):
        return "dense"
    return "sparse" if bandwidth(rows.csr()) <= BANDWIDTH_LIMIT else "krylov"


def bandwidth(matrix: Any) -> int:
    """Bandwidth after reverse Cuthill-McKee reordering of the symmetrised pattern."""
    pattern = sp.csr_array(matrix + matrix.T)
    order = reverse_cuthill_mckee(sp.csr_matrix(pattern), symmetric_mode=True)
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    entries = pattern.tocoo()
    return int(np.max(np.abs(position[entries.row] - position[entries.col]), initial=0))


def factorize(rows: Rows, gamma: float, evaluation: str) -> LinearSolve:
    """Return a function that solves ``(I - gamma P) x = b``, with iterative refinement.

    No equilibration is needed: the infinity-norm condition number is at most ``(1 + gamma) / (1 - gamma)``.
    """
    if evaluation == "auto":
        evaluation = choose_evaluation(rows)
    identity_minus = _identity_minus(rows, gamma, dense=evaluation == "dense")
    if evaluation == "dense":
        factors = scipy.linalg.lu_factor(identity_minus, check_finite=False)

        def solve_once(b: Floats) -> Floats:
            return np.asarray(scipy.linalg.lu_solve(factors, b, check_finite=False))

    elif evaluation == "sparse":
        # COLAMD handles one-way patterns (forests, queues); SuperLU's default threshold pivoting keeps it stable.
        sparse_factors = splu(identity_minus.tocsc(), permc_spec="COLAMD")

        def solve_once(b: Floats) -> Floats:
            return np.asarray(sparse_factors.solve(b))

    else:

        def solve_once(b: Floats) -> Floats:
            solution, _ = gmres(identity_minus, b, rtol=1e-10, atol=0.0, restart=30, maxiter=20)
            return np.asarray(solution)

    def solve(b: Floats) -> Floats:
        x = np.asarray(solve_once(b))
        for _ in range(REFINEMENTS):
            residual = b - identity_minus @ x
            # Below this the residual is rounding noise, which a Krylov solver would chase at full price.
            if largest(residual) <= 4 * UNIT_ROUNDOFF * (largest(b) + 2 * largest(x)):
                break
            x = x + np.asarray(solve_once(residual))
        return x

    return solve


def _identity_minus(rows: Rows, gamma: float, *, dense: bool) -> Any:
    if dense:
        matrix = rows.matrix if isinstance(rows, DenseRows) else rows.csr().toarray()
        result = -gamma * matrix
        result[np.diag_indices_from(result)] += 1.0
        return result
    return sp.csr_array(sp.eye_array(rows.n_columns, format="csr") - gamma * rows.csr())
