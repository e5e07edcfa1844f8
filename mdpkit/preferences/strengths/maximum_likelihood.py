"""Newton's method for utilities of items, with dense factorizations or conjugate gradients."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, cg, splu

from mdpkit._typing import Floats
from mdpkit.preferences.likelihood import ItemTable, PairTable
from mdpkit.preferences.newton import NewtonRun, damped_newton, solve_positive

__all__ = ["NewtonSystem", "is_balanced", "maximize_likelihood"]

DENSE_ITEMS = 128
"""Up to so many items the Hessian is factored; beyond, conjugate gradients are faster unless the graph is long."""

UNBALANCED = 1e-6
"""Expected and observed wins agree to this share of an item's wins, and of its losses."""

PATIENCE = 300
"""Iterations of conjugate gradients before a factorization is tried instead."""

FACTOR_ITEMS = 5000
"""The most items for which a dense Hessian is factored."""


class NewtonSystem:
    """Linear systems with the Hessian ``H + alpha I`` of the last evaluation of a likelihood.

    Without a prior the Hessian is singular along the common shift; right-hand sides sum to zero then, and so do
    solutions.
    """

    def __init__(self, table: ItemTable, alpha: float) -> None:
        self.table, self.alpha = table, alpha
        self.iterative = table.n_items > DENSE_ITEMS

    def solve(self, b: Floats, rtol: float) -> Floats:
        """Return ``(H + alpha I)^{-1} b`` to a relative accuracy, or better."""
        if self.iterative:
            x, failed = self._conjugate_gradients(b, rtol)
            if not failed:
                return x
            if self._can_factor:
                self.iterative = False
        return self._factor_and_solve(b) if not self.iterative else x

    def _conjugate_gradients(self, b: Floats, rtol: float) -> tuple[Floats, bool]:
        n, alpha, table = len(b), self.alpha, self.table
        diagonal = table.diagonal() + alpha
        hessian = LinearOperator((n, n), matvec=lambda v: table.product(v.reshape(-1)) + alpha * v.reshape(-1))
        jacobi = LinearOperator((n, n), matvec=lambda v: v.reshape(-1) / diagonal)
        patience = PATIENCE if self._can_factor else 20 * n
        x, status = cg(hessian, b, rtol=rtol, atol=0.0, maxiter=patience, M=jacobi)
        return self._project(np.asarray(x)), status != 0

    @property
    def _can_factor(self) -> bool:
        return self.table.n_items <= FACTOR_ITEMS or isinstance(self.table, PairTable)

    def _factor_and_solve(self, b: Floats) -> Floats:
        n = len(b)
        if n <= FACTOR_ITEMS:
            return self._project(solve_positive(self.matrix(), b))
        # a long sparse graph: ground the last item and factor what is left
        assert isinstance(self.table, PairTable)
        laplacian = self.table.sparse_hessian() + self.alpha * sp.eye_array(n, format="csc")
        kept = n if self.alpha > 0.0 else n - 1
        x = np.zeros(n)
        x[:kept] = splu(sp.csc_array(laplacian[:kept, :kept]), permc_spec="MMD_AT_PLUS_A").solve(b[:kept])
        return self._project(x)

    def matrix(self) -> Floats:
        """Return the Hessian, made regular: with the prior, or with the common shift filled in."""
        H = self.table.hessian()
        if self.alpha > 0.0:
            H[np.diag_indices_from(H)] += self.alpha
        else:
            H += (np.mean(np.diagonal(H)) or 1.0) / len(H)  # a single item has no curvature
        return H

    def covariance(self) -> Floats:
        """Return the inverse of ``H + alpha I``, or its pseudoinverse on utilities that sum to zero."""
        H = self.matrix()
        n = len(H)
        inverse = solve_positive(H, np.eye(n))
        if self.alpha == 0.0:
            # what was filled in along the shift goes out again
            inverse -= np.mean(inverse, axis=0, keepdims=True)
            inverse -= np.mean(inverse, axis=1, keepdims=True)
        return (inverse + inverse.T) / 2

    def _project(self, x: Floats) -> Floats:
        return x if self.alpha > 0.0 else x - np.mean(x)


def maximize_likelihood(table: ItemTable, *, alpha: float, prior_mean: Floats, max_iter: int) -> NewtonRun:
    """Minimize ``nll + alpha / 2 ||theta - prior_mean||^2``; without a prior on utilities that sum to zero."""
    system = NewtonSystem(table, alpha)
    first = 0.0

    def evaluate(theta: Floats) -> tuple[float, Floats]:
        nll, gradient = table.evaluate(theta)
        shift = theta - prior_mean
        return nll + 0.5 * alpha * float(shift @ shift), gradient + alpha * shift

    def direction(theta: Floats, gradient: Floats) -> Floats:
        nonlocal first
        if alpha == 0.0:
            gradient = gradient - np.mean(gradient)
        size = float(np.linalg.norm(gradient))
        first = max(first, size)
        # solving ever more accurately keeps the convergence quadratic
        return system.solve(-gradient, min(1e-2, max(size / first, 1e-10)) if size > 0.0 else 1.0)

    return damped_newton(evaluate, direction, prior_mean.copy(), max_iter=max_iter)


def is_balanced(table: ItemTable, gradient: Floats) -> bool:
    """Say whether every item wins and loses as often as expected, by its own standards.

    An item whose few wins or losses drown in the rounding of the others' is not where it should be.
    """
    rare = np.minimum(table.items_won, table.items_lost)
    return bool((np.abs(gradient) <= UNBALANCED * rare).all())
