"""How many rows a near-optimal design needs: the bounds of the literature as numbers."""

from __future__ import annotations

import math

from mdpkit.regression._arguments import check_count, check_positive

__all__ = ["core_size_bound", "todd_core_size_bound"]


def core_size_bound(dim: int) -> float:
    r"""Bound :math:`u_C = 4 d \log\log(d + 4) + 28` on the core of a design with ``g_max <= 2 d``.

    Parameters
    ----------
    dim : int
        Rank ``d`` of the features.

    Returns
    -------
    float

    References
    ----------
    .. [1] T. Kitamura et al., "Regularization and variance-weighted regression achieves minimax optimality in linear
       MDPs", ICML 2023, section 4 (from the analysis of [2]_).
    .. [2] M. J. Todd, *Minimum-Volume Ellipsoids*, SIAM, 2016, chapter 3.

    Examples
    --------
    >>> from mdpkit.regression import core_size_bound
    >>> [round(core_size_bound(d), 1) for d in (2, 5, 10, 20)]
    [32.7, 43.7, 66.8, 120.5]
    """
    d = check_count(dim, "dim")
    return 4.0 * d * math.log(math.log(d + 4.0)) + 28.0


def todd_core_size_bound(dim: int, tol: float) -> float:
    r"""Bound :math:`4 d (\log\log d + 4) + 28 d / \varepsilon` on the core of a design with gap at most ``tol``.

    It holds for `g_optimal_design` started with ``init="ky"``; for ``d < 3`` the double logarithm is taken as zero.

    Parameters
    ----------
    dim : int
        Rank ``d`` of the features.
    tol : float
        Gap: ``g_max <= (1 + tol) d``.

    Returns
    -------
    float

    References
    ----------
    .. [1] M. J. Todd, *Minimum-Volume Ellipsoids*, SIAM, 2016, chapter 3.

    Examples
    --------
    >>> from mdpkit.regression import todd_core_size_bound
    >>> todd_core_size_bound(2, 1.0)
    88.0
    """
    d = check_count(dim, "dim")
    return 4.0 * d * (math.log(max(1.0, math.log(d))) + 4.0) + 28.0 * d / check_positive(tol, "tol")
