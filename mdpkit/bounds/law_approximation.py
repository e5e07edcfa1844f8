"""Laws of the return with few atoms: categorical and quantile fixed points, and laws from samples."""

from __future__ import annotations

import math
from types import MappingProxyType

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_discount, check_number, check_positive
from mdpkit.bounds._bound import BoundValue, judged, theorem

__all__ = [
    "categorical_cramer_error",
    "categorical_sampling_rate",
    "categorical_variance_bias",
    "categorical_wasserstein_error",
    "quantile_wasserstein_error",
]

DIRECT_CATEGORICAL = MappingProxyType({"horizon": 1.5, "n": -0.5})


@theorem("always")
def categorical_wasserstein_error(*, gamma: float, spacing: float) -> BoundValue:
    r"""Wasserstein distance of the categorical fixed point from the law of the return.

    ``max_s W1(eta_C(s), eta(s)) <= w / (2 (1 - gamma))`` for ``eta_C = Pi_C T_pi eta_C``, where ``Pi_C`` splits every
    atom between its two neighbors on the grid.

    Assumptions:

    - Neighbors on the grid are ``w`` apart at most, and the grid covers ``[min R, max R] / (1 - gamma)``.
    - The policy is fixed, and ``T_pi`` uses the joint law of reward and successor.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    spacing : float, at least 0
        ``w``.

    Returns
    -------
    BoundValue
        ``spacing / (2 * (1 - gamma))``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The projected cdf is the average of the cdf over each cell. Averaging moves a law by ``w / 2`` at most in ``W1`` and
    does not increase the distance of two laws. Attained at ``gamma = 0`` by an atom in the middle of a cell.

    References
    ----------
    .. [1] M. Rowland, M. G. Bellemare, W. Dabney, R. Munos, Y. W. Teh, "An analysis of categorical distributional
       reinforcement learning", AISTATS 2018, arXiv 1802.08163, for the projection; ``W1`` by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.categorical_wasserstein_error(gamma=0.5, spacing=0.25)
    0.25
    """
    gamma = check_discount(gamma)
    return BoundValue(check_number(spacing, "spacing") / (2.0 * (1.0 - gamma)))


@theorem("always")
def categorical_cramer_error(*, gamma: float, spacing: float) -> BoundValue:
    r"""Cramér distance of the categorical fixed point from the law of the return.

    ``max_s l2(eta_C(s), eta(s)) <= sqrt(w / (4 (1 - gamma)))`` for ``eta_C = Pi_C T_pi eta_C``, ``l2`` the ``L2``
    distance of two cdfs.

    Assumptions:

    - Neighbors on the grid are ``w`` apart at most, and the grid covers ``[min R, max R] / (1 - gamma)``.
    - The policy is fixed, and ``T_pi`` uses the joint law of reward and successor.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    spacing : float, at least 0
        ``w``.

    Returns
    -------
    BoundValue
        ``sqrt(spacing / (4 * (1 - gamma)))``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``Pi_C`` is the orthogonal projection of cdfs onto functions constant on each cell, so squared distances add up:
    ``l2^2(eta_C, eta) <= gamma l2^2(eta_C, eta) + l2^2(Pi_C eta, eta)``, and the last term is at most ``w / 4``; the
    paper has ``w``. Attained at ``gamma = 0`` by an atom in the middle of a cell.

    References
    ----------
    .. [1] M. Rowland, M. G. Bellemare, W. Dabney, R. Munos, Y. W. Teh, "An analysis of categorical distributional
       reinforcement learning", AISTATS 2018, arXiv 1802.08163; the constant by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.categorical_cramer_error(gamma=0.75, spacing=0.25)
    0.5
    """
    gamma = check_discount(gamma)
    return BoundValue(math.sqrt(check_number(spacing, "spacing") / (4.0 * (1.0 - gamma))))


@theorem("always")
def categorical_variance_bias(*, gamma: float, spacing: float) -> BoundValue:
    r"""Variance that the categorical projection adds to the return.

    ``0 <= Var eta_C(s) - Var eta(s) <= w^2 / (4 (1 - gamma^2))`` in every state, for ``eta_C = Pi_C T_pi eta_C``; the
    means are equal.

    Assumptions:

    - Neighbors on the grid are ``w`` apart at most, and the grid covers ``[min R, max R] / (1 - gamma)``.
    - The policy is fixed, and ``T_pi`` uses the joint law of reward and successor.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    spacing : float, at least 0
        ``w``.

    Returns
    -------
    BoundValue
        ``spacing**2 / (4 * (1 - gamma**2))``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    Each projection keeps the mean and adds ``E[w^2 u (1 - u)]`` to the variance, ``u`` the position of an atom between
    its neighbors; variances are discounted by ``gamma^2``. Attained at ``gamma = 0`` by an atom in the middle of a
    cell; for the uniform law of fair coins at ``gamma = 1/2`` the bias is half the bound.

    References
    ----------
    .. [1] M. G. Bellemare, W. Dabney, M. Rowland, *Distributional Reinforcement Learning*, MIT Press, 2023, chapter 5,
       for the projection; the constant by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.categorical_variance_bias(gamma=0.5, spacing=3)
    3.0
    """
    gamma = check_discount(gamma)
    return BoundValue(check_number(spacing, "spacing") ** 2 / (4.0 * (1.0 - gamma**2)))


@theorem("always")
def quantile_wasserstein_error(*, gamma: float, n_atoms: int, value_range: float) -> BoundValue:
    r"""Wasserstein distance of the quantile fixed point from the law of the return.

    ``max_s W1(eta_Q(s), eta(s)) <= (b - a) / (2 m (1 - gamma))`` for ``eta_Q = Pi_Q T_pi eta_Q``, where ``Pi_Q`` keeps
    the quantiles at levels ``(2 i - 1) / (2 m)``, each with mass ``1 / m``.

    Assumptions:

    - ``a <= min R / (1 - gamma)`` and ``b >= max R / (1 - gamma)``.
    - The policy is fixed, and ``T_pi`` uses the joint law of reward and successor.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    n_atoms : int, at least 1
        ``m``.
    value_range : float, at least 0
        ``b - a``.

    Returns
    -------
    BoundValue
        ``value_range / (2 * n_atoms * (1 - gamma))``; vacuous if no better than the range.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    A projection moves a law on ``[a, b]`` by ``(b - a) / (2 m)`` at most in ``W1``, and ``T_pi`` contracts; ``Pi_Q``
    itself may increase ``W1`` between two laws. Attained at ``gamma = 0``. The mean is not preserved.

    References
    ----------
    .. [1] W. Dabney, M. Rowland, M. G. Bellemare, R. Munos, "Distributional reinforcement learning with quantile
       regression", AAAI 2018, arXiv 1710.10044, for the projection; the constant by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.quantile_wasserstein_error(gamma=0.5, n_atoms=8, value_range=2)
    0.25
    """
    gamma, m = check_discount(gamma), check_count(n_atoms, "n_atoms")
    width = check_number(value_range, "value_range")
    return judged(width / (2.0 * m * (1.0 - gamma)), width, "no two laws of the return are further apart")


@theorem("rate", exponents=DIRECT_CATEGORICAL)
def categorical_sampling_rate(*, horizon: float, n: int) -> BoundValue:
    r"""Wasserstein error of return laws estimated from a generative model.

    With high probability the categorical fixed point of the empirical model is within ``O~(H^(3/2) / sqrt(n))`` of the
    laws of the return, in ``W1`` and in every state, ``H = 1 / (1 - gamma)``; no method needs fewer samples in order.

    Assumptions:

    - A Markov chain (or a fixed policy), rewards in ``[0, 1]``, and ``n`` samples of every state.
    - The grid is fine enough: about ``H^2 / error^2`` points (recalled).

    Parameters
    ----------
    horizon : float, above 0
        ``H``, ``1 / (1 - gamma)``.
    n : int, at least 1
        Samples per state.

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
    .. [1] M. Rowland, L. K. Wenliang, R. Munos, C. Lyle, Y. Tang, W. Dabney, "Near-minimax-optimal distributional
       reinforcement learning with a generative model", NeurIPS 2024, arXiv 2402.07598 (main theorem).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.categorical_sampling_rate(horizon=4, n=100)
    0.8
    """
    H, n = check_positive(horizon, "horizon"), check_count(n, "n")
    return BoundValue(H ** DIRECT_CATEGORICAL["horizon"] * n ** DIRECT_CATEGORICAL["n"])
