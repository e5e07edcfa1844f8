"""Ridge regression that grows row by row: design matrix, estimate, ellipsoidal norms and confidence radius."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np
from scipy.linalg import cho_solve

from mdpkit._typing import Floats
from mdpkit.bounds import oful_radius
from mdpkit.errors import InputError, ShapeError, UnknownOptionError
from mdpkit.regression._arguments import (
    as_numbers,
    check_count,
    check_positive,
    check_positive_entries,
)
from mdpkit.regression._kernels import add_rows, row_norms

__all__ = ["RidgeDesign"]

DRIFT_LIMIT = 1e-10
"""Relative drift of the factor above which it is recomputed twice as often."""


class RidgeDesign:
    r"""Regularized design matrix that grows by rank-one updates, with its least-squares estimate.

    .. math:: \Lambda = \lambda I + \sum_t w_t x_t x_t^\top, \quad
              \hat\theta = \Lambda^{-1} \sum_t w_t x_t y_t

    Parameters
    ----------
    dim : int
        Number of features ``d``.
    lam : float, default 1.0
        Ridge parameter ``lambda > 0``.
    recompute_every : int, default 1000
        The Cholesky factor is computed afresh from the matrix after so many updates; `drift` reports how far the
        updated one had moved away, and a drift above 1e-10 halves the interval.

    Raises
    ------
    InputError
        ``dim`` or ``recompute_every`` is not a positive integer, or ``lam`` is not positive.

    Notes
    -----
    The Cholesky factor is updated by Givens rotations, which is backward stable, where updating the inverse loses all
    digits once ``lam`` is small against the rows. ``O(d^2)`` per update and per norm, ``O(d^3)`` per recomputation.

    References
    ----------
    .. [1] Y. Abbasi-Yadkori, D. Pal, C. Szepesvari, "Improved algorithms for linear stochastic bandits", NIPS 2011,
       Theorem 2 and Lemma 11.
    .. [2] G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th edition, 2013, section 6.5.4.

    Examples
    --------
    >>> from mdpkit.regression import RidgeDesign
    >>> design = RidgeDesign(2)
    >>> design.update([1, 0], 2.0)
    >>> design.update([0, 1], 3.0)
    >>> design.theta
    array([1. , 1.5])
    >>> design.norm([[1, 0], [1, 1]]).round(4)
    array([0.7071, 1.    ])
    >>> round(design.log_det, 6)  # log 4
    1.386294
    >>> design.elliptical_potential
    2.0
    """

    __slots__ = (
        "_dim",
        "_drift",
        "_factor",
        "_interval",
        "_lam",
        "_largest",
        "_log_ratio",
        "_matrix",
        "_n_silent",
        "_n_updates",
        "_potential",
        "_since",
        "_target",
        "_theta",
    )

    def __init__(self, dim: int, *, lam: float = 1.0, recompute_every: int = 1000) -> None:
        self._dim = check_count(dim, "dim")
        self._lam = check_positive(lam, "lam")
        self._interval = check_count(recompute_every, "recompute_every")
        self._matrix: Floats = self._lam * np.eye(self._dim)
        self._factor: Floats = math.sqrt(self._lam) * np.eye(self._dim)
        self._target: Floats = np.zeros(self._dim)
        self._theta: Floats | None = np.zeros(self._dim)
        self._log_ratio = self._potential = self._largest = self._drift = 0.0
        self._n_updates = self._n_silent = self._since = 0

    # ---------------------------------------------------------------- growing

    def update(self, x: Any, y: Any = None, weight: Any = 1.0) -> None:
        """Add one row, or several in their order.

        Parameters
        ----------
        x : array_like, shape (d,) or (n, d)
            Feature vectors.
        y : float or array_like, shape (n,), optional
            Responses. Without them the matrix grows all the same, but `theta` is no longer defined.
        weight : float or array_like, shape (n,), default 1.0
            Positive weights, such as inverse variances.

        Raises
        ------
        ShapeError, InputError
            The lengths do not agree, a number is not finite, or a weight is not positive. Nothing is added then.
        """
        rows = as_numbers(x, "x")
        if rows.ndim not in (1, 2) or rows.shape[-1] != self._dim:
            raise ShapeError(f"x must have shape ({self._dim},) or (n, {self._dim}), found {rows.shape}", argument="x")
        rows = np.atleast_2d(rows)
        weights = self._spread(weight, "weight", len(rows))
        check_positive_entries(weights, "weight")
        responses = None if y is None else self._spread(y, "y", len(rows))
        first = 0
        while first < len(rows):
            last = min(len(rows), first + self._interval - self._since)
            gain, potential, largest = add_rows(rows[first:last], weights[first:last], self._matrix, self._factor)
            self._log_ratio += gain
            self._potential += potential
            self._largest = max(self._largest, largest)
            self._since += last - first
            first = last
            if self._since >= self._interval:
                self.recompute()
        self._n_updates += len(rows)
        if responses is None:
            self._n_silent += len(rows)
        else:
            self._target += (weights * responses) @ rows
        self._theta = None

    def recompute(self) -> float:
        """Compute factor and log-determinant afresh from the matrix; return by how much they had drifted."""
        fresh: Floats = np.asarray(np.linalg.cholesky(self._matrix), dtype=np.float64)
        ratio = 2.0 * float(np.log(np.diagonal(fresh)).sum()) - self._dim * math.log(self._lam)
        # Column by column: the columns of an ill-conditioned factor live on different scales.
        scale = np.linalg.norm(fresh, axis=0)
        drift = float(np.max(np.abs(self._factor - fresh) / scale))
        drift = max(drift, abs(self._log_ratio - ratio) / max(1.0, abs(ratio)))
        self._drift = max(self._drift, drift)
        if drift > DRIFT_LIMIT:
            self._interval = max(1, self._interval // 2)
        # The increments are sums of positive terms; a fresh value below zero is rounding.
        self._factor, self._log_ratio, self._since = fresh, max(ratio, 0.0), 0
        self._theta = None
        return drift

    def _spread(self, values: Any, argument: str, n: int) -> Floats:
        numbers = as_numbers(values, argument)
        if numbers.ndim == 0 or (numbers.shape == (1,) and n == 1):
            return np.full(n, float(numbers.reshape(())))
        if numbers.shape != (n,):
            raise ShapeError(f"{argument} must have shape ({n},), found {numbers.shape}", argument=argument)
        return numbers

    # ---------------------------------------------------------------- reading

    @property
    def dim(self) -> int:
        """Number of features ``d``."""
        return self._dim

    @property
    def lam(self) -> float:
        """Ridge parameter."""
        return self._lam

    @property
    def n_updates(self) -> int:
        """Number of rows added so far."""
        return self._n_updates

    @property
    def matrix(self) -> Floats:
        """The design matrix ``Lambda``, shape ``(d, d)``; a copy."""
        return self._matrix.copy()

    @property
    def theta(self) -> Floats:
        """Ridge estimate, shape ``(d,)``; zero before the first update.

        Raises
        ------
        InputError
            Some rows came without a response.
        """
        if self._n_silent:
            raise InputError(f"{self._n_silent} of {self._n_updates} rows came without a response y", argument="y")
        if self._theta is None:
            self._theta = self.solve(self._target)
        return self._theta.copy()

    @property
    def log_det(self) -> float:
        """``log det Lambda``, kept incrementally."""
        return self._dim * math.log(self._lam) + self._log_ratio

    @property
    def log_det_ratio(self) -> float:
        """``log(det Lambda / lambda^d)``, the information gained."""
        return self._log_ratio

    @property
    def elliptical_potential(self) -> float:
        """``sum_t min(1, w_t ||x_t||^2)``, norms in ``Lambda^{-1}`` before row ``t``; at most ``2 log_det_ratio``."""
        return self._potential

    @property
    def drift(self) -> float:
        """Largest relative drift found when the factor was recomputed; 0 before the first recomputation."""
        return self._drift

    @overload
    def norm(self, x: Floats) -> Floats: ...
    @overload
    def norm(self, x: Any) -> Any: ...
    def norm(self, x: Any) -> Any:
        """Return ``sqrt(x^T Lambda^{-1} x)`` for one vector or for every vector along the last axis.

        Parameters
        ----------
        x : array_like, shape (..., d)
            Vectors.

        Returns
        -------
        float or ndarray, shape (...)
        """
        rows = as_numbers(x, "x")
        if rows.ndim == 0 or rows.shape[-1] != self._dim:
            raise ShapeError(f"x must have shape (..., {self._dim}), found {rows.shape}", argument="x")
        out = np.empty(rows.shape[:-1])
        row_norms(rows.reshape(-1, self._dim), self._factor, out.reshape(-1))
        return float(out) if rows.ndim == 1 else out

    def solve(self, b: Any) -> Floats:
        """Return ``Lambda^{-1} b`` for a vector or a matrix of ``d`` rows."""
        right = as_numbers(b, "b")
        if right.ndim not in (1, 2) or right.shape[0] != self._dim:
            raise ShapeError(f"b must have shape ({self._dim},) or ({self._dim}, k), found {right.shape}", argument="b")
        solution: Floats = cho_solve((self._factor, True), right, check_finite=False)
        return solution

    def radius(
        self,
        delta: float,
        *,
        noise: float,
        bound: float,
        form: str = "determinant",
        row_bound: float | None = None,
    ) -> float:
        r"""Radius of the confidence ellipsoid :math:`\|\hat\theta - \theta\|_\Lambda \le \beta`, valid at all times.

        Parameters
        ----------
        delta : float
            Probability of failure, in ``(0, 1)``.
        noise : float
            Sub-Gaussian constant ``R`` of the noise; with weights, of the noise of ``sqrt(weight) * y``.
        bound : float
            Bound ``B`` on the norm of the true parameter.
        form : {"determinant", "dimension"}, default "determinant"
            "dimension" replaces ``log(det Lambda / lambda^d)`` by its bound
            ``d log(1 + t L^2 / (d lambda))``, which needs the number of rows only.
        row_bound : float, optional
            Bound ``L`` on ``sqrt(weight) ||x||`` for the dimension form; by default the largest so far, for which the
            inequality holds just as well.

        Returns
        -------
        float

        Raises
        ------
        UnknownOptionError
            ``form`` is neither of the two.
        InputError
            A constant is out of range, or ``row_bound`` is smaller than a row that was seen.

        References
        ----------
        .. [1] Y. Abbasi-Yadkori, D. Pal, C. Szepesvari, "Improved algorithms for linear stochastic bandits", NIPS
           2011, Theorem 2, and Lemma 10 for the dimension form.

        Examples
        --------
        >>> from mdpkit.regression import RidgeDesign
        >>> design = RidgeDesign(2)
        >>> design.update([[1, 0], [0, 1]] * 10)
        >>> round(design.radius(0.05, noise=1, bound=1), 6)
        4.284396
        """
        if form == "determinant":
            ratio = self._log_ratio
        elif form == "dimension":
            largest = math.sqrt(self._largest)
            L = largest if row_bound is None else check_positive(row_bound, "row_bound")
            if largest * (1.0 - 1e-12) > L:
                raise InputError(
                    f"row_bound = {L!r} is below the largest row seen, {largest!r}", argument="row_bound", value=L
                )
            ratio = self._dim * math.log1p(self._n_updates * L * L / (self._dim * self._lam))
        else:
            raise UnknownOptionError(
                f'form must be "determinant" or "dimension", found {form!r}', argument="form", value=form
            )
        return float(oful_radius(log_det_ratio=ratio, delta=delta, lam=self._lam, noise=noise, parameter_bound=bound))

    def __repr__(self) -> str:
        return f"RidgeDesign(dim={self._dim}, lam={self._lam:g}, n_updates={self._n_updates:,})"
