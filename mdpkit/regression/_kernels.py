"""Rank-one updates of Cholesky factors and of designs. A cached kernel calls only kernels of this file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, nogil=True)
def add_rows(X: Any, weights: Any, matrix: Any, L: Any) -> tuple[float, float, float]:
    """Add ``w x x^T`` row by row to `matrix` and to its Cholesky factor `L`, both in place.

    Returns what the rows add to the log-determinant and to the elliptical potential, and the largest ``w ||x||^2``.
    """
    n, d = X.shape
    x = np.empty(d)
    z = np.empty(d)
    gain, potential, largest = 0.0, 0.0, 0.0
    for k in range(n):
        w = weights[k]
        root = np.sqrt(w)
        size = 0.0
        for i in range(d):
            x[i] = root * X[k, i]
            size += x[i] * x[i]
            for j in range(d):
                matrix[i, j] += w * X[k, i] * X[k, j]
        square = 0.0
        for i in range(d):
            acc = x[i]
            for j in range(i):
                acc -= L[i, j] * z[j]
            z[i] = acc / L[i, i]
            square += z[i] * z[i]
        gain += np.log1p(square)
        potential += min(1.0, square)
        largest = max(largest, size)
        # One Givens rotation per column folds x into the factor; unlike updates of the inverse this cannot cancel.
        for j in range(d):
            r = np.hypot(L[j, j], x[j])
            c = L[j, j] / r
            s = x[j] / r
            L[j, j] = r
            for i in range(j + 1, d):
                old = L[i, j]
                L[i, j] = c * old + s * x[i]
                x[i] = c * x[i] - s * old
    return gain, potential, largest


@njit(cache=True, nogil=True)
def row_norms(X: Any, L: Any, out: Any) -> None:
    """``out[k] = ||L^{-1} X[k]||``, the norm of a row in the inverse of ``L L^T``."""
    n, d = X.shape
    z = np.empty(d)
    for k in range(n):
        square = 0.0
        for i in range(d):
            acc = X[k, i]
            for j in range(i):
                acc -= L[i, j] * z[j]
            z[i] = acc / L[i, i]
            square += z[i] * z[i]
        out[k] = np.sqrt(square)


@njit(cache=True, nogil=True)
def row_keys(X: Any, direction: Any, out: Any) -> None:
    """``out[k] = X[k] . direction``, summed in one fixed order, so that equal rows have equal keys (BLAS does not)."""
    n, d = X.shape
    for k in range(n):
        acc = 0.0
        for i in range(d):
            acc += X[k, i] * direction[i]
        out[k] = acc


@njit(cache=True, nogil=True, fastmath=FAST)
def wolfe_atwood(X: Any, rho: Any, H: Any, w: Any, tol: float, away: bool, max_steps: int) -> int:
    """Frank-Wolfe steps with exact line search until the Kiefer-Wolfowitz gap meets `tol`.

    `rho`, the inverse information matrix `H` and the leverages ``w = diag(X H X^T)`` are updated in place.
    Returns the number of steps made.
    """
    n, d = X.shape
    h = np.empty(d)
    hi, top, lo, bottom = -np.inf, 0, np.inf, 0
    for i in range(n):
        if w[i] > hi:
            hi, top = w[i], i
        if rho[i] > 0.0 and w[i] < lo:
            lo, bottom = w[i], i
    for step in range(max_steps):
        eps_plus = hi / d - 1.0
        if eps_plus <= tol:
            return step
        k, wk = top, hi
        if away and 1.0 - lo / d > eps_plus:
            k, wk = bottom, lo
        lam = (wk - d) / ((d - 1.0) * wk)
        emptied = lam <= -rho[k]
        if emptied:
            lam = -rho[k]
        scale = 1.0 + lam
        coefficient = lam / (1.0 + lam * wk)
        rho[k] = 0.0 if emptied else rho[k] + lam
        for i in range(d):
            acc = 0.0
            for j in range(d):
                acc += H[i, j] * X[k, j]
            h[i] = acc
        for i in range(d):
            for j in range(d):
                H[i, j] = scale * (H[i, j] - coefficient * h[i] * h[j])
        # One pass over the rows: their leverages, and the next best and worst of them.
        hi, lo = -np.inf, np.inf
        for i in range(n):
            acc = 0.0
            for j in range(d):
                acc += X[i, j] * h[j]
            value = scale * (w[i] - coefficient * acc * acc)
            w[i] = value
            if value > hi:
                hi, top = value, i
            if rho[i] > 0.0:
                rho[i] /= scale
                if value < lo:
                    lo, bottom = value, i
    return max_steps
