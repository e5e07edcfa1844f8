"""How much a ranking tells, and how much of it is lost when it is split into pairs: exact asymptotic covariances."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.errors import InputError, NotWellPosedError, ShapeError
from mdpkit.models._checks import as_floats
from mdpkit.models._structured import check_finite

__all__ = [
    "PLEfficiency",
    "pairsplit_asymptotic_cov",
    "pl_asymptotic_cov",
    "pl_efficiency",
    "pl_efficiency_equal",
    "pl_fisher",
]

MAX_CHOICES = 16
"""Largest choice set whose ``2^K`` sets of placed items are walked through."""

RANK_TOLERANCE = 1e-10
"""Singular values of the feature differences that are this much smaller than the largest one count as zero, that is,
eigenvalues of the design below ``1e-20`` of the largest."""

WEIGHT_TOLERANCE = 1e-9
"""The same ratio once the differences are weighted by their information: below it, too few digits are left."""


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class PLEfficiency:
    """Asymptotic precision of two estimates from rankings of the same K items.

    Attributes
    ----------
    information : ndarray, shape (d, d)
        Fisher information of one ranking.
    mle_cov, pair_split_cov : ndarray, shape (d, d)
        Limits of ``n E (theta_hat - theta)(theta_hat - theta)^T`` for the maximum likelihood estimate and for the
        estimate that treats a ranking as independent pairs.
    design : ndarray, shape (d, d)
        ``2/(K(K-1)) sum_{j<k} (phi_j - phi_k)(phi_j - phi_k)^T``.
    mle_mse, pair_split_mse : float
        Limits of ``n E ||theta_hat - theta||^2`` in the norm of `design`.
    ratio : float
        ``mle_mse / pair_split_mse``, at most 1.
    trace_ratio : float
        ``trace(mle_cov) / trace(pair_split_cov)``, at most 1.
    rank : int
        Dimension of the span of the feature differences; the parameter is identified in these directions only, and all
        matrices vanish in the others.
    """

    information: Floats
    mle_cov: Floats
    pair_split_cov: Floats
    design: Floats
    mle_mse: float
    pair_split_mse: float
    ratio: float
    trace_ratio: float
    rank: int

    def __repr__(self) -> str:
        return (
            f"PLEfficiency(d={len(self.design)}, rank={self.rank}, mle_mse={self.mle_mse:.6g}, "
            f"pair_split_mse={self.pair_split_mse:.6g}, ratio={self.ratio:.6g})"
        )


def pl_fisher(features: Any, theta: Any) -> Floats:
    r"""Fisher information of one Plackett-Luce ranking, exactly.

    .. math:: I = \mathbb E \sum_{k=0}^{K-2} \mathrm{Cov}_{p_k}(\phi),

    where :math:`p_k` is the law of the next item, softmax of :math:`\phi_i \cdot \theta` over the items that are not
    placed yet, and the expectation is over rankings.

    Parameters
    ----------
    features : array_like, shape (K, d)
        Features of the items, ``2 <= K <= 16``; the identity matrix for items without features.
    theta : array_like, shape (d,)
        Parameter.

    Returns
    -------
    ndarray, shape (d, d)

    Raises
    ------
    ShapeError, InputError
        Shapes do not agree, a number is not finite, or there are too many items.

    Notes
    -----
    Only the set of placed items matters for what follows, and the probability that it is ever ``T`` is the sum over its
    last item: ``2^K`` states, time :math:`O(2^K K^2)`. A covariance is a sum over pairs,
    :math:`\sum_{j<l} p_j p_l (\phi_j - \phi_l)(\phi_j - \phi_l)^\top`, which cancels nothing.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or
       K-wise comparisons", ICML 2023, arXiv 2301.11270, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from mdpkit.preferences.efficiency import pl_fisher
    >>> pl_fisher([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]], [1.0, -0.5]).round(12)
    array([[0.51713958, 0.05534131],
           [0.05534131, 0.58220905]])
    """
    phi, utility = _read(features, theta)
    X = _differences(phi)
    information: Floats = (X.T * _ranking_weights(utility)) @ X
    return information


def pl_asymptotic_cov(features: Any, theta: Any) -> Floats:
    r"""Asymptotic covariance of the maximum likelihood estimate from rankings, the inverse of `pl_fisher`.

    :math:`\sqrt n\,(\hat\theta_n - \theta) \to N(0, I^+)` for ``n`` independent rankings of the same items.

    Parameters
    ----------
    features : array_like, shape (K, d)
        Features of the items, ``2 <= K <= 16``.
    theta : array_like, shape (d,)
        Parameter.

    Returns
    -------
    ndarray, shape (d, d)
        Pseudo-inverse: zero in directions in which the features of the items do not differ. These are found from the
        features alone: singular values of the differences of at most ``1e-10`` times the largest count as zero.

    Raises
    ------
    ShapeError, InputError
        As for `pl_fisher`.
    NotWellPosedError
        The utilities lie so far apart that the information in some direction drowns in rounding.

    Examples
    --------
    Two items are compared by coin tosses; the variance of their utility difference is ``1/(p (1 - p)) = 4``.

    >>> from mdpkit.preferences.efficiency import pl_asymptotic_cov
    >>> pl_asymptotic_cov([[1.0], [0.0]], [0.0]).round(12)
    array([[4.]])
    """
    phi, utility = _read(features, theta)
    X = _differences(phi)
    _, root = _inverse_root(_ranking_weights(utility), X, _identified(X))
    cov: Floats = root @ root.T
    return cov


def pairsplit_asymptotic_cov(features: Any, theta: Any) -> Floats:
    r"""Asymptotic covariance of the estimate that splits rankings into pairs, :math:`H_2^+ V_2 H_2^+`.

    A ranking is treated as ``K(K-1)/2`` independent comparisons, which they are not:
    :math:`H_2 = \sum_{j<l} \sigma'(x_{jl} \cdot \theta)\, x_{jl} x_{jl}^\top` is not the variance :math:`V_2` of the
    score, :math:`x_{jl} = \phi_j - \phi_l`.

    Parameters
    ----------
    features : array_like, shape (K, d)
        Features of the items, ``K >= 2``.
    theta : array_like, shape (d,)
        Parameter.

    Returns
    -------
    ndarray, shape (d, d)
        Zero in directions in which the features do not differ; threshold as for `pl_asymptotic_cov`.

    Raises
    ------
    ShapeError, InputError, NotWellPosedError
        As for `pl_asymptotic_cov`, with no limit on the number of items.

    Notes
    -----
    A Plackett-Luce ranking sorts independent exponential times with rates :math:`w_i = e^{\phi_i \cdot \theta}`. Hence
    comparisons without a common item are independent, and two with one in common, seen from it, have the correlation

    .. math:: \mathrm{corr}(1[a \prec b], 1[a \prec c]) = \frac{\sqrt{w_b w_c}}{w_a + w_b + w_c},

    because :math:`P(a \prec b, a \prec c) = w_a/(w_a + w_b + w_c)` and
    :math:`(w_a + w_b)(w_a + w_c) - w_a(w_a + w_b + w_c) = w_b w_c`. With :math:`Y` the differences times
    :math:`\sqrt{\sigma'}`, :math:`H_2 = Y^\top Y` and :math:`V_2 = Y^\top R\, Y`, :math:`R` the matrix of these
    correlations; with :math:`Y = Q S W^\top` the sandwich is :math:`W S^{-1} (Q^\top R\, Q) S^{-1} W^\top`, in which
    nothing cancels. Time :math:`O(K^3 d)`.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, ICML 2023, arXiv 2301.11270, Theorem 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from mdpkit.preferences.efficiency import pairsplit_asymptotic_cov
    >>> np.linalg.eigvalsh(pairsplit_asymptotic_cov(np.eye(4), np.zeros(4))).round(12) + 0.0
    array([0.        , 1.66666667, 1.66666667, 1.66666667])
    """
    phi, utility = _read(features, theta, most=None)
    X = _differences(phi)
    return _pair_split_cov(utility, X, _identified(X))


def pl_efficiency(features: Any, theta: Any) -> PLEfficiency:
    r"""Asymptotic efficiency of splitting rankings into pairs, against maximum likelihood.

    Parameters
    ----------
    features : array_like, shape (K, d)
        Features of the items, ``2 <= K <= 16``.
    theta : array_like, shape (d,)
        Parameter.

    Returns
    -------
    PLEfficiency
        Both covariances, and the limits of ``n E ||theta_hat - theta||^2`` in the norm of the design.

    Raises
    ------
    ShapeError, InputError, NotWellPosedError
        As for `pl_asymptotic_cov`; also if no two items differ.

    Notes
    -----
    Both estimates are consistent and asymptotically normal, and ``pair_split_cov - mle_cov`` is positive semidefinite
    [1]_: maximum likelihood attains the information bound. For two items they are the same estimate.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, ICML 2023, arXiv 2301.11270, Theorem 4.3.

    Examples
    --------
    >>> from mdpkit.preferences.efficiency import pl_efficiency
    >>> pl_efficiency([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], [0.8, -0.3, -0.5])
    PLEfficiency(d=3, rank=3, mle_mse=3.46586, pair_split_mse=3.72151, ratio=0.931306)

    Rows that all sum to one say nothing about a constant added to ``theta``:

    >>> pl_efficiency([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, -1]], [0.8, -0.3, -0.5]).rank
    2
    """
    phi, utility = _read(features, theta)
    X = _differences(phi)
    basis = _identified(X)
    if not basis.size:
        raise NotWellPosedError("features must differ between items, found K equal rows", argument="features")
    weights = _ranking_weights(utility)
    _, root = _inverse_root(weights, X, basis)
    mle_cov, pair_split_cov = root @ root.T, _pair_split_cov(utility, X, basis)
    design = X.T @ X / len(X)
    mle_mse, pair_split_mse = float(np.sum(mle_cov * design)), float(np.sum(pair_split_cov * design))
    return PLEfficiency(
        information=(X.T * weights) @ X,
        mle_cov=mle_cov,
        pair_split_cov=pair_split_cov,
        design=design,
        mle_mse=mle_mse,
        pair_split_mse=pair_split_mse,
        ratio=mle_mse / pair_split_mse,
        trace_ratio=float(np.trace(mle_cov) / np.trace(pair_split_cov)),
        rank=basis.shape[1],
    )


def pl_efficiency_equal(n_choices: int) -> Fraction:
    r"""Efficiency of splitting rankings of K equally good items into pairs, as a fraction.

    .. math:: \mathrm{eff}(K) = \frac{3K(K-1)}{4(K+1)(K - H_K)}, \qquad H_K = \sum_{k=1}^K \frac1k .

    Parameters
    ----------
    n_choices : int, at least 2
        Number of items ``K``.

    Returns
    -------
    fractions.Fraction
        1 for two items, decreasing to 3/4.

    Raises
    ------
    InputError
        Fewer than two items, or no integer.

    Notes
    -----
    Without features and with equal utilities all matrices are multiples of the projection on vectors of sum zero.
    Stage ``k`` of a ranking has ``m = K - k`` items left, and the covariance of a uniform choice among them has trace
    ``1 - 1/m``; the sum over stages, ``K - H_K``, is shared by ``K - 1`` directions. In `pairsplit_asymptotic_cov`
    :math:`H_2` is ``K/4`` and, with correlation 1/3, :math:`V_2` is ``K(K+1)/12``, so the sandwich is
    ``4(K+1)/(3K)``.

    Examples
    --------
    >>> from mdpkit.preferences.efficiency import pl_efficiency_equal
    >>> [str(pl_efficiency_equal(K)) for K in range(2, 7)]
    ['1', '27/28', '108/115', '150/163', '450/497']
    """
    K = check_count(n_choices, "n_choices", least=2)
    harmonic = sum(Fraction(1, k) for k in range(1, K + 1))
    return Fraction(3 * K * (K - 1)) / (4 * (K + 1) * (K - harmonic))


# ---------------------------------------------------------------- arguments


def _read(features: Any, theta: Any, *, most: int | None = MAX_CHOICES) -> tuple[Floats, Floats]:
    """Return the features and the utilities ``features @ theta``, shifted so that the best is 0."""
    phi, parameter = as_floats(features, "features"), as_floats(theta, "theta")
    if phi.ndim != 2 or len(phi) < 2 or phi.shape[1] == 0:
        raise ShapeError(f"features must have shape (K, d) with K >= 2, found {phi.shape}", argument="features")
    if most is not None and len(phi) > most:
        raise InputError(
            f"features must have at most {most} rows, because 2^K sets of items are enumerated; found {len(phi)}",
            argument="features",
            value=len(phi),
        )
    if parameter.shape != (phi.shape[1],):
        raise ShapeError(f"theta must have shape ({phi.shape[1]},), found {parameter.shape}", argument="theta")
    check_finite(phi, "features")
    check_finite(parameter, "theta")
    with np.errstate(over="ignore", invalid="ignore"):
        utility = phi @ parameter
        utility -= utility.max()
    bad = np.flatnonzero(~np.isfinite(utility))
    if bad.size:
        i = int(bad[0])
        raise InputError(f"features[{i}] @ theta overflows", argument="theta", index=i, value=float(utility[i]))
    return phi, utility


# ---------------------------------------------------------------- pairs


def _differences(phi: Floats) -> Floats:
    """Feature differences of all pairs ``j < l``, in the order of `numpy.triu_indices`."""
    first, second = np.triu_indices(len(phi), 1)
    return np.asarray(phi[first] - phi[second])


def _identified(X: Floats) -> Floats:
    """Orthonormal basis of the span of the differences, shape ``(d, rank)``."""
    _, s, directions = np.linalg.svd(X, full_matrices=False)
    return np.asarray(directions[s > RANK_TOLERANCE * s[0]].T)


def _ranking_weights(utility: Floats) -> Floats:
    """Weights of the pairs in the information of a ranking: ``E sum_k p_k(j) p_k(l)``."""
    K = len(utility)
    sets = np.arange(2**K)
    placed = (sets[:, None] >> np.arange(K)) & 1 == 1
    # Nothing follows the full set, the last one.
    following = softmax(np.where(placed, -np.inf, utility)[:-1], axis=1)
    reached = np.zeros(2**K)
    reached[0] = 1.0
    size = placed.sum(axis=1)
    for k in range(K - 1):
        for item in range(K):
            before = sets[(size == k) & ~placed[:, item]]
            reached[before | (1 << item)] += reached[before] * following[before, item]
    both = (following * reached[:-1, None]).T @ following
    return np.asarray(both[np.triu_indices(K, 1)])


def _inverse_root(weights: Floats, X: Floats, basis: Floats) -> tuple[Floats, Floats]:
    """Return ``Q`` and ``L`` with ``L L^T = (X^T diag(weights) X)^+`` and ``L Q^T = L L^T Y^T``, ``Y`` weighted ``X``.

    The singular values of ``Y`` have twice the digits of the eigenvalues of ``Y^T Y``.
    """
    if not basis.size:
        return np.zeros((len(X), 0)), basis
    Q, s, directions = np.linalg.svd(np.sqrt(weights)[:, None] * (X @ basis), full_matrices=False)
    if not s[-1] > WEIGHT_TOLERANCE * s[0]:
        raise NotWellPosedError(
            "theta puts the utilities so far apart that the information of a ranking differs by a factor of more than "
            f"{WEIGHT_TOLERANCE**-2:.0e} between directions; its inverse would have no correct digits",
            argument="theta",
        )
    return Q, (basis @ directions.T) / s


def _pair_split_cov(utility: Floats, X: Floats, basis: Floats) -> Floats:
    first, second = np.triu_indices(len(utility), 1)
    z = utility[first] - utility[second]
    Q, root = _inverse_root(expit(z) * expit(-z), X, basis)
    # Q by pairs (a, b), seen from a: the sign flips with the order.
    seen = np.zeros((len(utility), len(utility), Q.shape[1]))
    seen[first, second], seen[second, first] = Q, -Q
    half = np.add.outer(utility / 2.0, utility / 2.0)
    total = np.logaddexp.outer(utility, utility)
    middle = np.eye(Q.shape[1])
    for a, own in enumerate(utility):
        correlation = np.exp(half - np.logaddexp(own, total))
        np.fill_diagonal(correlation, 0.0)
        middle += seen[a].T @ correlation @ seen[a]
    cov: Floats = root @ middle @ root.T
    return cov
