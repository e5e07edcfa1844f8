"""Weighted G-optimal design: where to measure so that no prediction is much worse than any other."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import ConvergenceWarning, InputError, NotWellPosedError, ShapeError, UnknownOptionError
from mdpkit.regression._arguments import as_numbers, check_count, check_nonnegative, check_positive_entries
from mdpkit.regression._kernels import row_keys, wolfe_atwood

__all__ = ["Design", "SingularDesignError", "g_optimal_design"]

RECOMPUTE_EVERY = 500
"""Rank-one steps between two computations of the inverse and the leverages from scratch."""

ROUNDING = 1e-13
"""Smallest gap per dimension that is aimed at."""


class SingularDesignError(NotWellPosedError, np.linalg.LinAlgError):
    """The features do not span the whole space and ``strict=True`` asked for that."""


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Design:
    """A design of experiments on the rows ``x_i`` of a feature matrix.

    Attributes
    ----------
    rho : ndarray, shape (n,)
        Share of the measurements on every row; sums to one.
    core : ndarray of int64
        Rows with positive share, increasing.
    G : ndarray, shape (d, d)
        Information matrix ``sum_i rho_i x_i x_i^T / f_i^2``.
    G_inverse : ndarray, shape (d, d)
        Its inverse, or pseudo-inverse where the features do not span the space.
    g_max : float
        Largest leverage ``max_i x_i^T G^{-1} x_i / f_i^2``; never below `rank`.
    gap : float
        ``g_max / rank - 1``, which certifies ``g_max`` within that factor of the optimum.
    log_det : float
        Log-determinant of `G` on the span of the features.
    rank : int
        Dimension of that span.
    iterations : int
        Steps made.
    drift : float
        Largest relative error of the leverages found when they were recomputed.
    converged : bool
        Whether `gap` meets the tolerance.
    status, message : str
        "converged" or "max_iter", and a sentence.
    """

    rho: Floats
    core: Ints
    G: Floats
    G_inverse: Floats
    g_max: float
    gap: float
    log_det: float
    rank: int
    iterations: int
    drift: float
    converged: bool
    status: str
    message: str

    def __repr__(self) -> str:
        return (
            f"Design(n={len(self.rho):,}, rank={self.rank}, core={len(self.core)}, g_max={self.g_max:.6g}, "
            f"gap={self.gap:.2g}, log_det={self.log_det:.6g}, iterations={self.iterations:,}, {self.status})"
        )


def g_optimal_design(
    features: Any,
    *,
    weights: Any = None,
    tol: float = 0.01,
    init: str = "ky",
    away: bool = True,
    max_iter: int | None = None,
    strict: bool = False,
) -> Design:
    r"""Weighted G-optimal design by the Wolfe-Atwood method.

    Finds shares :math:`\rho` of measurements such that, with :math:`G = \sum_i \rho_i x_i x_i^\top / f_i^2`,

    .. math:: g(\rho) = \max_i \frac{x_i^\top G^{-1} x_i}{f_i^2} \le (1 + \mathrm{tol})\, d .

    By the theorem of Kiefer and Wolfowitz the least possible value is exactly the rank ``d``, and the same shares
    maximize ``log det G``.

    Parameters
    ----------
    features : array_like, shape (n, d)
        Rows ``x_i``; pass ``phi.reshape(-1, d)`` for features of state-action pairs.
    weights : array_like, shape (n,), optional
        Positive scales ``f_i``, such as standard deviations; 1 by default.
    tol : float, default 0.01
        Gap at which to stop; 1 gives the ``g <= 2 d`` that theory asks for.
    init : {"ky", "uniform"}, default "ky"
        Start on the at most ``2 d`` rows of Kumar and Yildirim, or on all rows. From the latter every superfluous row
        costs a step of its own.
    away : bool, default True
        Also take mass away from rows, which makes convergence linear; False is plain Frank-Wolfe.
    max_iter : int, optional
        Steps allowed; by default ``max(100_000, 20 n)``.
    strict : bool, default False
        Refuse features that do not span the space; otherwise the design lives on their span.

    Returns
    -------
    Design
        The support of ``rho`` is the core set. A row that occurs several times gets its share at its first place.

    Raises
    ------
    ShapeError, InputError
        Shapes do not agree, a number is not finite, a weight is not positive, or all rows are zero.
    SingularDesignError
        ``strict=True`` and the rank is below ``d``; also a `numpy.linalg.LinAlgError`.
    UnknownOptionError
        ``init`` is neither of the two.

    Warns
    -----
    ConvergenceWarning
        The steps ran out; `gap` still says how good the design is.

    Notes
    -----
    The problem is first written in coordinates in which the rows have unit second moment: the design is invariant
    under linear maps, and columns or rows of different scales do no harm. ``O(n d^2)`` to start and ``O(n d)`` per
    step; the number of steps is ``O(d (log log d + 1/tol))`` in theory and far smaller in practice.

    References
    ----------
    .. [1] J. Kiefer, J. Wolfowitz, "The equivalence of two extremum problems", *Canadian Journal of Mathematics* 12,
       1960.
    .. [2] P. Kumar, E. A. Yildirim, "Minimum-volume enclosing ellipsoids and core sets", *Journal of Optimization
       Theory and Applications* 126, 2005, Algorithm 4.1.
    .. [3] M. J. Todd, *Minimum-Volume Ellipsoids*, SIAM, 2016, chapter 3.

    Examples
    --------
    Quadratic regression on ``[-1, 1]`` measures at both ends and in the middle, a third each.

    >>> import numpy as np
    >>> from mdpkit.regression import g_optimal_design
    >>> u = np.linspace(-1, 1, 21)
    >>> design = g_optimal_design(np.stack([u**0, u, u**2], axis=1), tol=1e-9)
    >>> design.core, design.rho[design.core].round(6)
    (array([ 0, 10, 20]), array([0.333333, 0.333333, 0.333333]))
    """
    X, scales = _read(features, weights)
    tol = check_nonnegative(tol, "tol")
    if init not in ("ky", "uniform"):
        raise UnknownOptionError(f'init must be "ky" or "uniform", found {init!r}', argument="init", value=init)
    n, d = X.shape
    limit = max(100_000, 20 * n) if max_iter is None else check_count(max_iter, "max_iter")

    scaled = X / scales[:, None]
    kept = _distinct_rows(scaled)
    if kept.size == 0:
        raise InputError("features holds only zero rows", argument="features")
    Z, basis = _whitened(scaled[kept])
    rank = Z.shape[1]
    if strict and rank < d:
        raise SingularDesignError(
            f"features has rank {rank}, below its {d} columns; strict=False designs on their span", argument="features"
        )
    # A gap below the rounding of the leverages cannot be told from zero.
    target = max(tol, ROUNDING * rank)
    if rank == 1:
        share, iterations, drift = np.zeros(len(kept)), 0, 0.0
        share[int(np.argmax(np.abs(Z[:, 0])))] = 1.0
    else:
        share = _kumar_yildirim(Z) if init == "ky" else np.full(len(kept), 1.0 / len(kept))
        iterations, drift = _descend(Z, share, target, bool(away), limit)

    _, leverage = _leverages(Z, share)
    g_max = float(leverage.max())
    gap = g_max / rank - 1.0
    rho = np.zeros(n)
    rho[kept] = share
    core = np.flatnonzero(rho)
    points = scaled[core]
    G: Floats = (points.T * rho[core]) @ points
    on_span = basis.T @ G @ basis
    converged = gap <= target
    status = "converged" if converged else "max_iter"
    message = f"gap {gap:.3g} after {iterations:,} steps"
    if not converged:
        message += f"; tol = {tol:g} not met"
        warnings.warn(f"g_optimal_design: {message}", ConvergenceWarning, stacklevel=2)
    return Design(
        rho=rho,
        core=core.astype(np.int64),
        G=G,
        G_inverse=basis @ np.linalg.inv(on_span) @ basis.T,
        g_max=g_max,
        gap=gap,
        log_det=float(np.linalg.slogdet(on_span)[1]),
        rank=rank,
        iterations=iterations,
        drift=drift,
        converged=converged,
        status=status,
        message=message,
    )


def _read(features: Any, weights: Any) -> tuple[Floats, Floats]:
    X = as_numbers(features, "features")
    if X.ndim != 2 or X.size == 0:
        raise ShapeError(f"features must have shape (n, d), found {X.shape}", argument="features")
    if weights is None:
        return X, np.ones(len(X))
    scales = as_numbers(weights, "weights")
    if scales.shape != (len(X),):
        raise ShapeError(f"weights must have shape ({len(X)},), found {scales.shape}", argument="weights")
    check_positive_entries(scales, "weights")
    return X, scales


def _distinct_rows(X: Floats) -> Ints:
    """First occurrences of the rows that are not zero, in order."""
    keys = np.empty(len(X))
    row_keys(X, np.random.default_rng(0).standard_normal(X.shape[1]), keys)
    order = np.argsort(keys, kind="stable")
    near = np.flatnonzero(np.diff(keys[order]) == 0.0) + 1
    repeated = (X[order[near]] == X[order[near - 1]]).all(axis=1)
    first: Bools = np.asarray(X.any(axis=1))
    first[order[near[repeated]]] = False
    return np.flatnonzero(first)


def _whitened(X: Floats) -> tuple[Floats, Floats]:
    """Coordinates of the rows with second moment ``I``, and an orthonormal basis of their span.

    Columns are scaled before the rank is judged, so that units of measurement do not decide it.
    """
    columns = np.abs(X).max(axis=0)
    columns[columns == 0.0] = 1.0
    Y = X / columns
    R = np.linalg.qr(Y, mode="r")
    _, values, rows = np.linalg.svd(R, full_matrices=False)
    rank = int(np.count_nonzero(values > values[0] * max(X.shape) * np.finfo(np.float64).eps))
    directions = rows[:rank].T
    Z = Y @ (directions * (math.sqrt(len(X)) / values[:rank]))
    basis, _ = np.linalg.qr(columns[:, None] * directions)
    return np.ascontiguousarray(Z), basis


def _kumar_yildirim(Z: Floats) -> Floats:
    """Uniform shares on at most ``2 d`` rows that are extreme in ``d`` directions, each orthogonal to those before."""
    d = Z.shape[1]
    rng = np.random.default_rng(0)
    found = np.zeros((d, 0))
    chosen: set[int] = set()
    for _ in range(d):
        c: Floats = rng.standard_normal((d,))
        for _ in range(2):  # twice is enough to be orthogonal to rounding
            c -= found @ (found.T @ c)
        c = c / np.linalg.norm(c)
        height = Z @ c
        top, bottom = int(np.argmax(height)), int(np.argmin(height))
        if height[top] - height[bottom] > 1e-8 * np.abs(height).max():
            new: Floats = Z[top] - Z[bottom]
            chosen |= {top, bottom}
        else:
            # All rows lie on one hyperplane across this direction: any of them reaches out of the span.
            new = Z[top].copy()
            chosen.add(top)
        for _ in range(2):
            new -= found @ (found.T @ new)
        found = np.column_stack([found, new / np.linalg.norm(new)])
    share = np.zeros(len(Z))
    share[sorted(chosen)] = 1.0 / len(chosen)
    return share


def _leverages(Z: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Inverse information matrix and the leverage of every row, from scratch."""
    support = np.flatnonzero(share)
    # The triangular factor of the weighted rows: squaring them first would lose half of the digits.
    R = np.linalg.qr(np.sqrt(share[support])[:, None] * Z[support], mode="r")
    half = solve_triangular(R, np.eye(len(R)), check_finite=False)
    return half @ half.T, np.square(Z @ half).sum(axis=1)


def _descend(Z: Floats, share: Floats, tol: float, away: bool, limit: int) -> tuple[int, float]:
    """Improve `share` in place; return the steps made and the largest drift of the leverages."""
    d = Z.shape[1]
    done, drift = 0, 0.0
    H, w = _leverages(Z, share)
    while done < limit and w.max() / d - 1.0 > tol:
        steps = wolfe_atwood(Z, share, H, w, tol, away, min(RECOMPUTE_EVERY, limit - done))
        done += steps
        share /= share.sum()
        H, fresh = _leverages(Z, share)
        drift = max(drift, float(np.max(np.abs(w - fresh))) / d)
        w = fresh
        if steps == 0:
            break
    return done, drift
