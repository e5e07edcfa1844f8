"""Rates of learning from comparisons: how errors scale, constants left out, and what no method can beat."""

from __future__ import annotations

from types import MappingProxyType

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_number, check_positive
from mdpkit.bounds._bound import BoundValue, theorem
from mdpkit.errors import AssumptionError

__all__ = ["pessimism_lower_bound_rate", "preference_mle_rate"]

MLE = MappingProxyType({"d": 0.5, "n": -0.5, "curvature": -1.0})
LOWER = MappingProxyType({"concentrability": 1.0, "d": 0.5, "n": -0.5})


@theorem("rate", exponents=MLE)
def preference_mle_rate(*, d: int, n: int, curvature: float) -> BoundValue:
    r"""Error of the maximum likelihood estimate from comparisons.

    With high probability ``||theta_hat - theta*||_{Sigma + lam I}`` is of the order ``sqrt(d / n) / gamma``.

    Assumptions:

    - As for `preference_seminorm_radius` with ``K = 2``, and ``lam`` of the order ``d / (n gamma^2 B^2)`` at most.
    - ``gamma = 1 / (2 + e^{LB} + e^{-LB})`` in the paper, for features of norm at most ``L``.

    Parameters
    ----------
    d : int, at least 1
        Number of features.
    n : int, at least 1
        Number of comparisons.
    curvature : float, above 0
        ``gamma``.

    Returns
    -------
    BoundValue
        The product of powers, constant 1: meaningful only as a ratio of two of its values.

    Raises
    ------
    InputError
        An argument is outside its range.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, ICML 2023, arXiv 2301.11270, Lemma 3.1.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.preference_mle_rate(d=4, n=100, curvature=0.25)
    0.8
    """
    d, n, gamma = check_count(d, "d"), check_count(n, "n"), check_positive(curvature, "curvature")
    return BoundValue(d ** MLE["d"] * n ** MLE["n"] * gamma ** MLE["curvature"])


@theorem("rate", exponents=LOWER)
def pessimism_lower_bound_rate(*, concentrability: float, d: int, n: int) -> BoundValue:
    r"""Lower bound of the loss of any policy learned from given comparisons.

    Every method loses at least of the order ``Lambda sqrt(d / n)`` on some instance with ``||Sigma^{-1/2} E phi(s,
    pi*(s))||_2 <= Lambda``; pessimism loses no more in order.

    Assumptions:

    - ``d > 6``, ``Lambda >= 2`` and ``n >= C d Lambda^2`` with an absolute constant ``C`` (recalled).
    - Contextual bandits with linear rewards and Bradley-Terry-Luce comparisons.

    Parameters
    ----------
    concentrability : float, at least 2
        ``Lambda``.
    d : int, at least 7
        Number of features.
    n : int, at least 1
        Number of comparisons.

    Returns
    -------
    BoundValue
        The product of powers, constant 1: meaningful only as a ratio of two of its values.

    Raises
    ------
    InputError
        An argument is outside its range.
    AssumptionError
        ``concentrability`` is below 2.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, ICML 2023, arXiv 2301.11270, Theorem 3.10.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.pessimism_lower_bound_rate(concentrability=2, d=9, n=900)
    0.2
    """
    d, n, Lambda = check_count(d, "d", least=7), check_count(n, "n"), check_number(concentrability, "concentrability")
    if Lambda < 2.0:
        raise AssumptionError(
            f"concentrability must be at least 2, found {concentrability!r}: the theorem is proved from there on",
            argument="concentrability",
            value=concentrability,
        )
    return BoundValue(Lambda ** LOWER["concentrability"] * d ** LOWER["d"] * n ** LOWER["n"])
