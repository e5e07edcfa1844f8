"""`fit_reward`: a linear reward from comparisons, with or without a bound on its norm."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.bounds._arguments import check_number, check_positive
from mdpkit.errors import ConvergenceWarning, InputError, UnknownOptionError
from mdpkit.feedback import LinearPairs, LinearRankings
from mdpkit.preferences.existence import linear_existence, preference_rows
from mdpkit.preferences.likelihood.linear import LinearLikelihood, SplitLikelihood, read_linear
from mdpkit.preferences.newton import NewtonRun, damped_newton, solve_positive
from mdpkit.preferences.rewards.design import Measured, measure_design
from mdpkit.preferences.rewards.result import RewardFit

__all__ = ["fit_reward"]

SMALLEST_MULTIPLIER = 1e-13
"""Losses flatter than this cannot be told from rounding: the ball is too large to be its own constraint."""

NORM_TOL = 1e-11
"""Relative distance from the sphere at which a constrained estimate is on it."""


def fit_reward(
    data: Any,
    *,
    norm_bound: float | None = None,
    method: str = "mle",
    center: bool = False,
    alpha: float = 0.0,
    max_iter: int = 100,
) -> RewardFit:
    r"""Estimate a reward that is linear in features from comparisons of alternatives.

    .. math:: \hat\theta \in \arg\min_{\theta \in \Theta_B} \ell_D(\theta), \quad
              \ell_D(\theta) = -\frac1n \sum_i \log \sigma\bigl((2 y_i - 1)\, x_i \cdot \theta\bigr), \quad
              \Theta_B = \{\theta : \|\theta\|_2 \le B\}

    for pairs with differences ``x_i``, and the Plackett-Luce likelihood for rankings.

    Parameters
    ----------
    data : LinearPairs or LinearRankings
        The comparisons, of `mdpkit.feedback`.
    norm_bound : float, optional
        ``B``. With it an estimate always exists. Without it separable data are refused.
    method : {"mle", "pair_split"}
        "pair_split" treats the pairs of each ranking as independent comparisons: the estimator MLE_2, which costs
        efficiency. For pairs both are the same.
    center : bool, default False
        Impose ``sum theta = 0``, for features of which only differences of coordinates matter.
    alpha : float, default 0.0
        Adds ``alpha / 2 ||theta||^2`` to the *sum* of losses: a Gaussian prior of variance ``1 / alpha``.
    max_iter : int, default 100
        Most Newton steps.

    Returns
    -------
    RewardFit
        Estimate, design matrix, information, covariance, rank.

    Raises
    ------
    MLENotAttainedError
        Neither `norm_bound` nor `alpha` is given, and some direction separates winners from losers; the error carries
        it.
    InputError, UnknownOptionError
        `data` or an option is none.

    Warns
    -----
    ConvergenceWarning
        Newton's method stopped at `max_iter`.

    Notes
    -----
    That the estimate exists is proved from the curvature where Newton's method ends, by self-concordance [2]_; only
    where that fails a linear program decides, and finds the separating direction. ``O(n d^2)`` per Newton step for
    pairs, ``O(n K d^2)`` for rankings; equal differences are added up first. Directions that no comparison sees are
    left out of the problem, so that it is never singular; the estimate is zero there. An active norm bound is met by
    its multiplier, ``mu / 2 (||theta||^2 - B^2)``, to 1e-11 of ``B``; scaling an unconstrained estimate back onto the
    sphere would be another estimator.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or K-wise
       comparisons", ICML 2023, arXiv 2301.11270 (sections 3 and 4).
    .. [2] F. Bach, "Self-concordant analysis for logistic regression", *Electronic Journal of Statistics* 4, 2010,
       Proposition 2.

    Examples
    --------
    >>> from mdpkit.feedback import LinearPairs
    >>> from mdpkit.preferences import fit_reward
    >>> data = LinearPairs([[1, 0], [1, 0], [1, 0], [1, 1]], [[0, 1], [0, 1], [0, 1], [1, 0]], [1, 1, 0, 0])
    >>> fit_reward(data, norm_bound=2)  # the second coordinate never won: only the bound keeps it finite
    RewardFit(d=2, rank=2, 4 comparisons, mle, norm_bound=2 (active))
    """
    if not isinstance(data, (LinearPairs, LinearRankings)):
        raise InputError(
            f"data must be LinearPairs or LinearRankings of mdpkit.feedback, found {type(data).__name__}; for items"
            " without features use fit_strengths",
            argument="data",
        )
    if method not in ("mle", "pair_split"):
        raise UnknownOptionError(
            f'method must be "mle" or "pair_split", found {method!r}', argument="method", value=method
        )
    bound = None if norm_bound is None else check_positive(norm_bound, "norm_bound")
    alpha, max_iter = check_number(alpha, "alpha"), check_count(max_iter, "max_iter")
    if not isinstance(center, (bool, np.bool_)):
        raise InputError(f"center must be True or False, found {center!r}", argument="center", value=center)
    measured = measure_design(data)
    basis, null_basis = _visible(measured.compared, center=bool(center))
    problem = Problem(read_linear(data, split=method == "pair_split"), basis, alpha, measured.design.n, max_iter)
    run, extra = problem.minimize(0.0, np.zeros(basis.shape[1])), 0.0
    finite = alpha > 0.0 or problem.is_attained(run, measured.difference_bound)
    if bound is None and not finite:
        existence = linear_existence(preference_rows(data), basis)
        existence.raise_if_not_attained("pass norm_bound= to search a ball, or alpha > 0 for a prior")
        run = replace(run, converged=False)  # it exists, but too far out for the curvature to show it
    elif bound is not None and not (finite and run.converged and float(np.linalg.norm(run.x)) <= bound):
        run, extra = problem.on_sphere(bound)
    return _result(problem, run, extra, measured, null_basis, method, bound, centered=bool(center))


def _visible(compared: Floats, *, center: bool) -> tuple[Floats, Floats]:
    """Return orthonormal bases of what the comparisons see, and of the rest."""
    d = compared.shape[1]
    # the triangular factor has the singular values of the tall matrix
    R = np.linalg.qr(compared, mode="r") if len(compared) > d else compared
    size = float(np.linalg.norm(R))  # before centering, which may leave nothing but rounding
    if center:
        R = R - np.mean(R, axis=1, keepdims=True)
    _, s, Vt = np.linalg.svd(R, full_matrices=True)
    rank = int(np.sum(s > max(len(compared), d) * np.finfo(float).eps * size))
    return np.ascontiguousarray(Vt[:rank].T), np.ascontiguousarray(Vt[rank:].T)


@dataclass(frozen=True, eq=False, slots=True)
class Problem:
    """The loss ``nll(U z) + (alpha + extra) / 2 ||z||^2`` in the coordinates ``theta = U z`` of what is seen."""

    likelihood: LinearLikelihood
    basis: Floats
    alpha: float
    n: float
    max_iter: int

    def reduced(self, z: Floats) -> tuple[float, Floats, Floats]:
        """Return negative log-likelihood, gradient and Hessian."""
        nll, gradient, hessian = self.likelihood.evaluate(self.basis @ z)
        return nll, self.basis.T @ gradient, self.basis.T @ hessian @ self.basis

    def minimize(self, extra: float, start: Floats) -> NewtonRun:
        """Minimize with a ridge of ``alpha + extra``."""
        ridge = self.alpha + extra
        r = self.basis.shape[1]
        hessian = np.zeros((r, r))

        def evaluate(z: Floats) -> tuple[float, Floats]:
            nonlocal hessian
            nll, gradient, hessian = self.reduced(z)
            return nll + 0.5 * ridge * float(z @ z), gradient + ridge * z

        def direction(_: Floats, gradient: Floats) -> Floats:
            return solve_positive(hessian + ridge * np.eye(r), -gradient)

        return damped_newton(evaluate, direction, start, max_iter=self.max_iter)

    def is_attained(self, run: NewtonRun, longest: float) -> bool:
        """Prove that the minimum exists near the end of a run, or give up; no linear program is needed then.

        Losses of differences no longer than R are R-self-concordant, and a point with Newton decrement at most
        ``sqrt(smallest eigenvalue of the Hessian) / (2 R)`` has the minimum within reach (Bach 2010, Proposition 2).
        Far out on separable data gradient and Hessian vanish together, and the ratio stays at 1.
        """
        _, gradient, hessian = self.reduced(run.x)
        if not len(gradient):
            return True
        eigenvalues, U = np.linalg.eigh(hessian)
        if eigenvalues[0] <= 1e-14 * eigenvalues[-1]:
            return False
        decrement = float(np.linalg.norm((U.T @ gradient) / np.sqrt(eigenvalues)))
        return bool(longest * decrement <= 0.25 * np.sqrt(eigenvalues[0]))

    def on_sphere(self, bound: float) -> tuple[NewtonRun, float]:
        """Find the ridge whose minimizer has norm ``bound``: the norm falls strictly as the ridge grows."""
        low, high, extra = 0.0, np.inf, 1e-3 * self.n
        smallest = SMALLEST_MULTIPLIER * self.n
        z = np.zeros(self.basis.shape[1])
        while True:
            run = self.minimize(extra, z)
            z = run.x
            norm = float(np.linalg.norm(z))
            if abs(norm - bound) <= NORM_TOL * bound or not run.converged or high - low <= 1e-15 * low:
                return run, extra
            if norm < bound and extra <= smallest:
                return replace(run, converged=False), extra
            low, high = (extra, high) if norm > bound else (low, extra)
            # Newton's method for 1 / norm, which is nearly linear in the ridge (More and Sorensen)
            _, _, hessian = self.reduced(z)
            slope = float(z @ solve_positive(hessian + (self.alpha + extra) * np.eye(len(z)), z))
            proposal = extra + (norm / bound - 1.0) * norm**2 / slope
            if not low < proposal < high:
                proposal = 4.0 * low if high == np.inf else high / 16.0 if low == 0.0 else float(np.sqrt(low * high))
            extra = max(proposal, smallest)


def _result(
    problem: Problem,
    run: NewtonRun,
    extra: float,
    measured: Measured,
    null_basis: Floats,
    method: str,
    bound: float | None,
    *,
    centered: bool,
) -> RewardFit:
    U, theta = problem.basis, problem.basis @ run.x
    nll, gradient, information = problem.likelihood.evaluate(theta)
    cov = None
    if extra == 0.0:
        r = U.shape[1]
        bread = U @ solve_positive(U.T @ information @ U + problem.alpha * np.eye(r), np.eye(r)) @ U.T
        cov = bread
        if isinstance(problem.likelihood, SplitLikelihood):
            cov = bread @ problem.likelihood.score_products(theta) @ bread
    message = f"Newton's method converged in {run.iterations} steps"
    if not run.converged and extra > 0.0 and run.iterations < problem.max_iter:
        message = (
            f"the norm bound {bound:g} is so large that the loss is flat to rounding long before; theta is where that"
            f" begins, at norm {float(np.linalg.norm(theta)):.4g}"
        )
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    elif not run.converged:
        message = f"Newton's method stopped after {run.iterations} steps short of its tolerance"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    elif extra > 0.0:
        message = f"the norm bound is active, with multiplier {extra / problem.n:.3g}"
    return RewardFit(
        theta=theta,
        design=measured.design,
        information=information,
        nll=nll,
        rank=U.shape[1],
        null_basis=null_basis,
        n=measured.design.n,
        n_choices=measured.n_choices,
        method=method,
        alpha=problem.alpha,
        norm_bound=bound,
        on_boundary=extra > 0.0,
        multiplier=extra / problem.n if extra else 0.0,
        centered=centered,
        feature_mean=measured.feature_mean,
        feature_bound=measured.feature_bound,
        difference_bound=measured.difference_bound,
        whole_weights=measured.whole_weights,
        iterations=run.iterations,
        converged=run.converged,
        gradient_norm=float(np.max(np.abs(U.T @ gradient + (problem.alpha + extra) * run.x), initial=0.0)),
        message=message,
        _cov=cov,
    )
