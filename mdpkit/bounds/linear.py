"""Linear regression: the elliptical potential, confidence ellipsoids, and what they cost a bandit."""

from __future__ import annotations

import math

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_level, check_number, check_positive
from mdpkit.bounds._bound import BoundValue, judged, theorem

__all__ = [
    "design_support_size",
    "elliptical_potential",
    "elliptical_potential_dimension",
    "oful_radius",
    "oful_radius_dimension",
    "oful_regret",
    "weighted_regression_error",
]


@theorem("always")
def elliptical_potential(*, log_det_ratio: float, n: int | None = None) -> BoundValue:
    r"""Elliptical potential lemma, with the determinant.

    ``sum_{t=1}^n min(1, x_t^T V_{t-1}^{-1} x_t) <= 2 log(det V_n / det V_0)`` with ``V_t = V_0 + sum_{i<=t} x_i
    x_i^T``.

    Assumptions:

    - ``V_0`` is positive definite (``lam I``, say); the vectors are arbitrary.

    Parameters
    ----------
    log_det_ratio : float, at least 0
        ``log det V_n - log det V_0`` (``log det V_n - d log lam``).
    n : int, at least 1, optional
        Number of vectors; only to tell whether the value is vacuous.

    Returns
    -------
    BoundValue
        Vacuous if at least ``n``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``det V_t = det V_{t-1} (1 + x_t^T V_{t-1}^{-1} x_t)``, and ``min(1, u) <= 2 log(1 + u)`` for ``u >= 0`` (even with
    ``1 / log 2`` in place of 2).

    References
    ----------
    .. [1] Y. Abbasi-Yadkori, D. Pál, C. Szepesvári, "Improved algorithms for linear stochastic bandits", NeurIPS 2011,
       Lemma 11.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> from math import log
    >>> round(bounds.elliptical_potential(log_det_ratio=log(11 * 11 - 2 * 2)), 9)
    9.52434787
    """
    value = 2.0 * check_number(log_det_ratio, "log_det_ratio")
    return judged(value, None if n is None else check_count(n, "n"), "a sum of n terms of at most 1 is at most n")


@theorem("always")
def elliptical_potential_dimension(*, n: int, d: int, lam: float, feature_bound: float = 1.0) -> BoundValue:
    r"""Elliptical potential lemma, with the dimension.

    ``sum_{t=1}^n min(1, x_t^T V_{t-1}^{-1} x_t) <= 2 d log(1 + n L^2 / (d lam))`` with ``V_t = lam I + sum x x^T``.

    Assumptions:

    - ``||x_t||_2 <= L`` for all ``t``.

    Parameters
    ----------
    n : int, at least 1
        Number of vectors.
    d : int, at least 1
        Dimension.
    lam : float, above 0
        Ridge parameter.
    feature_bound : float, at least 0
        ``L``.

    Returns
    -------
    BoundValue
        Vacuous if at least ``n``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    `elliptical_potential`, and ``det V_n <= (trace V_n / d)^d <= (lam + n L^2 / d)^d`` by the means of the eigenvalues.

    References
    ----------
    .. [1] Y. Abbasi-Yadkori, D. Pál, C. Szepesvári, "Improved algorithms for linear stochastic bandits", NeurIPS 2011,
       Lemmas 10 and 11.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.elliptical_potential_dimension(n=20, d=2, lam=1), 9)
    9.591581091
    """
    n = check_count(n, "n")
    return judged(
        2.0 * _log_det_by_trace(n, d, lam, feature_bound), float(n), "a sum of n terms of at most 1 is at most n"
    )


@theorem("probability")
def oful_radius(
    *, log_det_ratio: float, delta: float, lam: float, noise: float = 1.0, parameter_bound: float = 1.0
) -> BoundValue:
    r"""Self-normalized confidence radius of ridge regression (OFUL), with the determinant.

    With probability at least ``1 - delta``, for all ``t`` at once, ``||thetahat_t - theta||_{V_t} <= R sqrt(2
    log(1/delta) + log(det V_t / lam^d)) + sqrt(lam) B``, with ``V_t = lam I + sum x x^T`` and ``thetahat_t = V_t^{-1}
    sum x y``.

    Assumptions:

    - ``y_t = x_t^T theta + eta_t`` and ``eta_t`` is ``R``-subgaussian given the past and ``x_t``.
    - ``x_t`` may depend on the past in any way; ``lam`` may not.
    - ``||theta||_2 <= B``.

    Parameters
    ----------
    log_det_ratio : float, at least 0
        ``log det V_t - d log lam``.
    delta : float, in (0, 1)
        Failure probability, for all times together.
    lam : float, above 0
        Ridge parameter.
    noise : float, at least 0
        ``R``; half the range for bounded noise.
    parameter_bound : float, at least 0
        ``B``.

    Returns
    -------
    BoundValue
        The radius.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``R sqrt(2 log(det(V_t)^{1/2} lam^{-d/2} / delta)) + sqrt(lam) B`` in the paper, with the logarithm taken apart.

    References
    ----------
    .. [1] Y. Abbasi-Yadkori, D. Pál, C. Szepesvári, "Improved algorithms for linear stochastic bandits", NeurIPS 2011,
       Theorem 2, first inequality.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> from math import log
    >>> round(bounds.oful_radius(log_det_ratio=log(117), delta=0.05, lam=1), 9)
    4.279274078
    """
    spread = math.sqrt(-2.0 * math.log(check_level(delta)) + check_number(log_det_ratio, "log_det_ratio"))
    bias = math.sqrt(check_positive(lam, "lam")) * check_number(parameter_bound, "parameter_bound")
    return BoundValue(check_number(noise, "noise") * spread + bias)


@theorem("probability")
def oful_radius_dimension(
    *,
    t: int,
    d: int,
    delta: float,
    lam: float,
    noise: float = 1.0,
    parameter_bound: float = 1.0,
    feature_bound: float = 1.0,
) -> BoundValue:
    r"""Self-normalized confidence radius of ridge regression (OFUL), with the dimension.

    With probability at least ``1 - delta``, for all ``t`` at once, ``||thetahat_t - theta||_{V_t} <= R sqrt(2
    log(1/delta) + d log(1 + t L^2 / (d lam))) + sqrt(lam) B``.

    Assumptions:

    - ``y_t = x_t^T theta + eta_t`` and ``eta_t`` is ``R``-subgaussian given the past and ``x_t``.
    - ``||x_t||_2 <= L`` for all ``t``; ``||theta||_2 <= B``.

    Parameters
    ----------
    t : int, at least 0
        Number of observations.
    d : int, at least 1
        Dimension.
    delta : float, in (0, 1)
        Failure probability, for all times together.
    lam : float, above 0
        Ridge parameter.
    noise : float, at least 0
        ``R``.
    parameter_bound : float, at least 0
        ``B``.
    feature_bound : float, at least 0
        ``L``.

    Returns
    -------
    BoundValue
        The radius.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    `oful_radius` with ``det V_t <= (lam + t L^2 / d)^d``. (The paper prints ``R sqrt(d log((1 + t L^2 / lam) /
    delta))`` for the first term, which is coarser for ``d >= 2`` and does not follow for ``d = 1``.)

    References
    ----------
    .. [1] Y. Abbasi-Yadkori, D. Pál, C. Szepesvári, "Improved algorithms for linear stochastic bandits", NeurIPS 2011,
       Theorem 2 with Lemma 10.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.oful_radius_dimension(t=20, d=2, delta=0.05, lam=1), 9)
    4.284395697
    """
    log_det_ratio = _log_det_by_trace(check_count(t, "t", least=0), d, lam, feature_bound)
    return oful_radius(log_det_ratio=log_det_ratio, delta=delta, lam=lam, noise=noise, parameter_bound=parameter_bound)


@theorem("probability")
def oful_regret(*, n: int, radius: float, log_det_ratio: float) -> BoundValue:
    r"""Regret of optimism in linear bandits (OFUL, LinUCB).

    On the event of `oful_radius`, ``R_n <= 2 max(1, beta_n) sqrt(2 n log(det V_n / lam^d))``.

    Assumptions:

    - Each round plays the maximizer of ``x^T thetahat + beta_t ||x||_{V^{-1}}`` with valid radii, nondecreasing in
      ``t``.
    - ``|x^T theta| <= 1`` for all actions.

    Parameters
    ----------
    n : int, at least 1
        Number of rounds.
    radius : float, at least 0
        ``beta_n``.
    log_det_ratio : float, at least 0
        ``log det V_n - d log lam``.

    Returns
    -------
    BoundValue
        Vacuous if at least ``2 n``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    By optimism the regret of a round is at most ``2 min(1, beta ||x||_{V^{-1}}) <= 2 max(1, beta_n) min(1,
    ||x||_{V^{-1}})``; Cauchy-Schwarz and `elliptical_potential` bound the sum.

    References
    ----------
    .. [1] Y. Abbasi-Yadkori, D. Pál, C. Szepesvári, "Improved algorithms for linear stochastic bandits", NeurIPS 2011,
       Theorem 3 (proof).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.oful_regret(n=10_000, radius=4, log_det_ratio=8), 9)
    3200.0
    """
    n, radius = check_count(n, "n"), check_number(radius, "radius")
    value = 2.0 * max(1.0, radius) * math.sqrt(2.0 * n * check_number(log_det_ratio, "log_det_ratio"))
    return judged(value, 2.0 * n, "a round loses at most 2")


@theorem("always")
def weighted_regression_error(*, design_value: float, noise: float) -> BoundValue:
    r"""Extrapolation from a core set: noise there bounds the error everywhere.

    ``|x_i^T omega| / f_i <= sqrt(g) max_{c in C} |z_c| / f_c`` for every ``i``, where ``omega = G^{-1} sum_{c in C}
    rho_c x_c z_c / f_c^2``, ``G = sum_c rho_c x_c x_c^T / f_c^2`` and ``g = max_i x_i^T G^{-1} x_i / f_i^2``.

    Assumptions:

    - ``rho`` is a probability distribution on the core set ``C``, the weights ``f`` are positive, and ``G`` is
      invertible.

    Parameters
    ----------
    design_value : float, at least 0
        ``g``: the dimension for an optimal design, ``2 d`` for the theory's tolerance.
    noise : float, at least 0
        ``max_c |z_c| / f_c``.

    Returns
    -------
    BoundValue
        ``sqrt(design_value) * noise``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    With ``X = x / f``: ``|X_i^T omega| <= sum_c rho_c |X_i^T G^{-1} X_c| |z_c| / f_c <= max_c (|z_c| / f_c)
    sqrt(sum_c rho_c (X_i^T G^{-1} X_c)^2)`` by Jensen, and the last sum is ``X_i^T G^{-1} X_i <= g``.

    References
    ----------
    .. [1] J. Kiefer, J. Wolfowitz, "The equivalence of two extremum problems", *Canadian Journal of Mathematics* 12,
       1960; T. Kitamura et al., ICML 2023, arXiv 2305.13185 (weighted form, proved in the notes).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.weighted_regression_error(design_value=4, noise=0.1)
    0.2
    """
    return BoundValue(math.sqrt(check_number(design_value, "design_value")) * check_number(noise, "noise"))


@theorem("always")
def design_support_size(*, d: int) -> BoundValue:
    r"""Support points that an optimal G-design needs.

    Some G-optimal design has at most ``d (d + 1) / 2`` support points, and its value ``max_i x_i^T G^{-1} x_i`` is
    ``d``.

    Assumptions:

    - The points are compact and span the space.

    Parameters
    ----------
    d : int, at least 1
        Dimension of the span.

    Returns
    -------
    BoundValue
        ``d * (d + 1) / 2``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``G`` lies in the convex hull of the matrices ``x x^T``, symmetric, of dimension ``d (d + 1) / 2``; an optimal one
    on its boundary is a mixture of that many (Carathéodory).

    References
    ----------
    .. [1] J. Kiefer, J. Wolfowitz, "The equivalence of two extremum problems", *Canadian Journal of Mathematics* 12,
       1960; T. Lattimore, C. Szepesvári, *Bandit Algorithms*, 2020, Theorem 21.1.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.design_support_size(d=4)
    10.0
    """
    d = check_count(d, "d")
    return BoundValue(d * (d + 1) / 2)


def _log_det_by_trace(n: int, d: int, lam: float, feature_bound: float) -> float:
    d, lam = check_count(d, "d"), check_positive(lam, "lam")
    return d * math.log1p(n * check_number(feature_bound, "feature_bound") ** 2 / (d * lam))
