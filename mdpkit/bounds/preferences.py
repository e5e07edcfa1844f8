"""Learning from comparisons: confidence ellipsoids of utilities, pessimism, and what splitting rankings costs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.bounds._arguments import check_array, check_level, check_number, check_positive
from mdpkit.bounds._bound import BoundValue, theorem
from mdpkit.errors import AssumptionError, InputError, ShapeError

__all__ = [
    "pair_splitting_efficiency",
    "pessimism_loss",
    "preference_curvature",
    "preference_seminorm_radius",
]

SINGULAR = 1e-13
"""Eigenvalues of a matrix up to this fraction of the largest count as zero."""

OUTSIDE = 1e-10
"""A vector is outside the range of a singular matrix if more than this fraction of its length is."""


@theorem("always")
def preference_curvature(*, utility_range: float, n_choices: int = 2) -> BoundValue:
    r"""Curvature of the Plackett-Luce (for two alternatives: Bradley-Terry-Luce) likelihood.

    The Hessian of ``-log P(ranking)`` dominates ``gamma_K(z) 2 / (K(K-1)) sum_{j<k} x_jk x_jk^T``, ``x_jk = phi_j -
    phi_k``, with ``gamma_K(z) = K (K-1) e^z / (2 (1 + (K-1) e^z)^2)``; no larger constant does. For ``K = 2`` it is
    ``sigma'(z) = 1 / (2 + e^z + e^-z)``.

    Assumptions:

    - Utilities are ``phi . theta``, and ``|x_jk . theta| <= z`` for all pairs of the ``K`` alternatives ranked.

    Parameters
    ----------
    utility_range : float, at least 0
        ``z``, largest utility difference within a set of alternatives; over all ``||theta|| <= B`` it is ``B`` times
        the largest ``||x_jk||``, for features of norm at most ``L`` no more than ``2 L B``.
    n_choices : int, at least 2
        ``K``, number of alternatives in a ranking.

    Returns
    -------
    BoundValue
        A lower bound; vacuous where it underflows to 0.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The Hessian is the sum over the stages of a ranking of ``Cov_p(phi)``, ``p`` the softmax over what remains. Keep
    the first. In a direction in which the features are ``v_j``, ``Var_p(v) = min_c sum p_j (v_j - c)^2``, to be
    compared with ``2 / (K(K-1)) sum_{j<k} (v_j - v_k)^2 = 2 / (K-1) |v - mean|^2``. For fixed ``v`` and ``c``, ``sum
    w_j (v_j - c)^2 / sum w_j`` over ``1 <= w_j <= e^z`` is least in a corner: ``m`` weights are 1, the others ``e^z``.
    There ``diag(p) - p p^T`` has, on vectors of sum zero, the eigenvalues ``eps`` (if ``m >= 2``), ``q`` (if ``K - m
    >= 2``) and ``K eps q``, with ``eps = 1 / (m + (K-m) e^z)`` and ``q = e^z eps``. As ``K eps <= 1 <= K q``, the
    least is ``eps`` for ``m >= 2``, and among these ``1 / (2 + (K-2) e^z)``; for ``m = 1`` it is ``K e^z / (1 + (K-1)
    e^z)^2``, which is smaller because ``(1 - e^z)^2 >= 0``. Attained by a ranking that puts the only bad alternative
    first: later stages do not see it.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or
       K-wise comparisons", ICML 2023, arXiv 2301.11270, Lemma 3.1 for ``K = 2``; ``K > 2`` by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.preference_curvature(utility_range=0)
    0.25
    >>> round(bounds.preference_curvature(utility_range=2, n_choices=4), 6)
    0.082603
    """
    z, K = check_number(utility_range, "utility_range"), check_count(n_choices, "n_choices", least=2)
    small = math.exp(-z)
    value = 0.5 * K * (K - 1) * small / (K - 1 + small) ** 2
    return BoundValue(value, "" if value > 0.0 else "a Hessian of a convex function is at least 0")


@theorem("probability")
def preference_seminorm_radius(
    *,
    n: int,
    d_eff: float,
    delta: float,
    lam: float,
    curvature: float,
    norm_bound: float,
    n_choices: int = 2,
    parameter_norm: float | None = None,
) -> BoundValue:
    r"""Confidence radius of the maximum likelihood estimate from comparisons or rankings.

    With probability at least ``1 - delta``, ``||theta_hat - theta*||_A <= (G + sqrt(G^2 + 16 gamma^2 lam B^2)) / (2
    gamma)`` with ``A = Sigma + lam I``, ``Sigma = 2 / (K(K-1)n) sum_i sum_{j<k} x_ijk x_ijk^T`` and ``G^2 = (K-1)^2 /
    (4n) (d_eff + 2 sqrt(d_eff log(1/delta)) + 2 log(1/delta))``.

    Assumptions:

    - ``n`` independent rankings of ``K`` alternatives each follow the Plackett-Luce law (for ``K = 2``
      Bradley-Terry-Luce) with utilities ``phi . theta*``; ``x_ijk`` are the differences of their features.
    - What is compared does not depend on the answers: ``Sigma`` is fixed.
    - ``||theta*||_2 <= B``, and ``theta_hat`` minimizes the mean negative log-likelihood of the rankings (not of their
      pairs as if they were independent) over that ball, or a convex part of it that contains ``theta*``.
    - The Hessian of that function dominates ``gamma Sigma`` on the ball.

    Parameters
    ----------
    n : int, at least 1
        Number of comparisons or rankings.
    d_eff : float, at least 0
        ``trace(Sigma A^{-1})``: at most the dimension, with ``lam = 0`` the rank of ``Sigma``.
    delta : float, in (0, 1)
        Failure probability.
    lam : float, at least 0
        Ridge parameter of the norm, chosen without the answers.
    curvature : float, above 0
        ``gamma``, for example `preference_curvature`.
    norm_bound : float, above 0
        ``B``.
    n_choices : int, at least 2
        ``K``, number of alternatives in a ranking.
    parameter_norm : float, at least 0, optional
        ``||theta*||_2`` where it is known, as in a simulation; only to check the third assumption.

    Returns
    -------
    BoundValue
        Never flagged: compare with ``2 B`` times the square root of the largest eigenvalue of ``A``.

    Raises
    ------
    InputError
        An argument is outside its range.
    AssumptionError
        ``parameter_norm`` exceeds ``norm_bound``.

    Notes
    -----
    Let ``D = theta_hat - theta*`` and ``g`` the gradient at ``theta*``. As ``theta_hat`` is best on the ball, the
    gradient there has no positive product with ``D``; with the curvature, ``gamma ||D||_Sigma^2 <= -g . D <=
    ||g||_{A^-1} ||D||_A``. Add ``gamma lam ||D||^2 <= 4 gamma lam B^2`` and solve for ``||D||_A``. (Strong convexity in
    place of monotone gradients would double the first term.)

    In direction ``v``, a ranking adds to ``g`` the sum of ``K-1`` martingale differences, one for each stage, in
    intervals no longer than ``R = max |x_jk . v|``: by Hoeffding's lemma the sum is subgaussian with variance proxy
    ``(K-1) R^2 / 4``. The two extreme values alone give ``R^2 <= (2/K) sum_{j<k} (x_jk . v)^2``, so that ``g . v`` has
    the proxy ``(K-1)^2 / (4n) v^T Sigma v``. The tail of quadratic forms [1]_ bounds ``||g||_{A^-1}`` by ``G``, because
    ``Sigma^{1/2} A^{-1} Sigma^{1/2}`` has trace ``d_eff``, its square no more, and norm at most 1.

    References
    ----------
    .. [1] D. Hsu, S. M. Kakade, T. Zhang, "A tail inequality for quadratic forms of subgaussian random vectors",
       *Electronic Communications in Probability* 17, 2012, no. 52, Theorem 1; the form of the radius is Lemma 3.1 of
       B. Zhu, J. Jiao, M. I. Jordan, ICML 2023, arXiv 2301.11270, the constants those of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> gamma = bounds.preference_curvature(utility_range=2)
    >>> data = dict(n=1000, d_eff=3, delta=0.1, norm_bound=1, curvature=gamma)
    >>> round(bounds.preference_seminorm_radius(**data, lam=0), 6)
    0.540078
    >>> round(bounds.preference_seminorm_radius(**data, lam=0.01), 6)
    0.606076
    """
    n, K = check_count(n, "n"), check_count(n_choices, "n_choices", least=2)
    d_eff, log_term = check_number(d_eff, "d_eff"), -math.log(check_level(delta))
    lam, B = check_number(lam, "lam"), check_positive(norm_bound, "norm_bound")
    gamma = check_positive(curvature, "curvature")
    if parameter_norm is not None and check_number(parameter_norm, "parameter_norm") > B:
        raise AssumptionError(
            f"parameter_norm must be at most norm_bound = {B!r}, found {parameter_norm!r}: the theorem is about a "
            "parameter in the ball",
            argument="parameter_norm",
            value=parameter_norm,
        )
    # G / (2 gamma) + sqrt((G / (2 gamma))^2 + 4 lam B^2) does not underflow with gamma^2.
    half = (K - 1) * math.sqrt((d_eff + 2.0 * math.sqrt(d_eff * log_term) + 2.0 * log_term) / n) / (4.0 * gamma)
    return BoundValue(half + math.hypot(half, 2.0 * math.sqrt(lam) * B))


@theorem("always")
def pessimism_loss(*, radius: float, matrix: ArrayLike, direction: ArrayLike) -> BoundValue:
    r"""Loss of the pessimistic policy of an ellipsoid that contains the true parameter.

    ``J(pi*) - J(pi) <= 2 f ||A^{-1/2} (E phi(s, pi*(s)) - v)||_2``.

    Assumptions:

    - ``||theta_hat - theta*||_A <= f``, for example on the event of `preference_seminorm_radius`.
    - ``J(pi) = E phi(s, pi(s)) . theta*``, and ``pi`` maximizes ``min_theta E (phi(s, pi(s)) - v) . theta`` over the
      parameters with ``||theta - theta_hat||_A <= f``, or over a part of them that contains ``theta*``.
    - ``v`` is the same for all policies.

    Parameters
    ----------
    radius : float, at least 0
        ``f``.
    matrix : array_like, shape (d, d)
        ``A``, symmetric and positive semidefinite: ``Sigma + lam I``.
    direction : array_like, shape (d,)
        ``E phi(s, pi*(s)) - v``, for Markov decision processes the expected sum of features of a trajectory.

    Returns
    -------
    BoundValue
        For singular ``A`` (eigenvalues up to ``1e-13`` times the largest): with the pseudo-inverse if the direction
        lies in its range, else infinite, and vacuous.

    Raises
    ------
    InputError
        An argument is outside its range, the shapes do not agree, or the matrix is not positive semidefinite.

    Notes
    -----
    With ``Jhat`` the pessimistic value, ``theta_1`` its minimizer for ``pi*`` and ``J`` less the constant ``v .
    theta*``: ``J(pi*) - J(pi) = (J - Jhat)(pi*) + (Jhat(pi*) - Jhat(pi)) + (Jhat - J)(pi)``. The second term is not
    positive as ``pi`` is best, the third as ``theta*`` is in the set, and the first is ``(E phi - v) . (theta* -
    theta_1) <= ||E phi - v||_{A^-1} 2 f``. Nothing is used of ``pi*``: any policy may stand for it. Attained by two
    policies of which one has the features ``v`` and the other looks no better at worst, and is better by the whole
    width of the set.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, ICML 2023, arXiv 2301.11270, Theorem 3.2; the constant by the proof of the
       notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.pessimism_loss(radius=0.5, matrix=[[4, 0], [0, 1]], direction=[2, 0])
    1.0
    >>> bounds.pessimism_loss(radius=0.5, matrix=[[4, 0], [0, 0]], direction=[2, 1])
    BoundValue(inf, vacuous: the comparisons say nothing about this direction)
    """
    f, A, u = check_number(radius, "radius"), _check_matrix(matrix), check_array(direction, "direction")
    if u.shape != A.shape[:1]:
        raise ShapeError(f"direction must have shape ({len(A)},), found {u.shape}", argument="direction")
    eigenvalues, vectors = np.linalg.eigh(A)
    positive = eigenvalues > SINGULAR * eigenvalues[-1]
    parts = vectors.T @ u
    if np.linalg.norm(parts[~positive]) > OUTSIDE * np.linalg.norm(u):
        return BoundValue(math.inf, "the comparisons say nothing about this direction")
    return BoundValue(2.0 * f * float(np.linalg.norm(parts[positive] / np.sqrt(eigenvalues[positive]))))


@theorem("asymptotic")
def pair_splitting_efficiency(*, n_choices: int) -> BoundValue:
    r"""Efficiency of splitting rankings into pairs, for equally good alternatives.

    As ``n`` grows, the mean squared error of maximum likelihood from ``n`` rankings is ``3 K (K-1) / (4 (K+1) (K -
    H_K))`` times that of the estimate that treats their ``K(K-1)/2`` pairs as independent comparisons, ``H_K = 1 + 1/2
    + ... + 1/K``.

    Assumptions:

    - Plackett-Luce rankings of the same ``K`` items without features, whose utilities are equal.

    Parameters
    ----------
    n_choices : int, at least 2
        ``K``.

    Returns
    -------
    BoundValue
        1 for two items, then decreasing to 3/4.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The information of a ranking is ``(K - H_K) / (K-1)`` in every direction of sum zero, by its stages. For pairs the
    curvature is ``K/4`` and the variance of the score ``K(K+1)/12``: comparisons with one item in common have the
    correlation 1/3, the others none. Other utilities and features: ``mdpkit.preferences.pl_efficiency``.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, ICML 2023, arXiv 2301.11270, Theorem 4.3 (that splitting never helps); the
       number by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.pair_splitting_efficiency(n_choices=4) * 115, 9)
    108.0
    """
    K = check_count(n_choices, "n_choices", least=2)
    if K == 2:
        return BoundValue(1.0)
    harmonic = float(digamma(K + 1)) + np.euler_gamma
    return BoundValue(0.75 * K / (K + 1) * (K - 1) / (K - harmonic))


def _check_matrix(matrix: ArrayLike) -> Floats:
    """Return a symmetric, positive semidefinite matrix."""
    A = check_array(matrix, "matrix")
    if A.ndim != 2 or A.shape[0] != A.shape[1] or A.size == 0:
        raise ShapeError(f"matrix must have shape (d, d), found {A.shape}", argument="matrix")
    slack = 1e-10 * float(np.abs(A).max())
    bad = np.argwhere(np.abs(A - A.T) > slack)
    if bad.size:
        i, j = (int(k) for k in bad[0])
        raise InputError(
            f"matrix must be symmetric, found matrix[{i}, {j}] = {float(A[i, j])!r} and "
            f"matrix[{j}, {i}] = {float(A[j, i])!r}",
            argument="matrix",
            index=(i, j),
            value=float(A[i, j]),
        )
    least = float(np.linalg.eigvalsh(A)[0])
    if least < -slack:
        raise InputError(
            f"matrix must be positive semidefinite, found the eigenvalue {least!r}", argument="matrix", value=least
        )
    return A
