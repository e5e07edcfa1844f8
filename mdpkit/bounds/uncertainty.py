"""Uncertainty sets: which contains which, what a radius costs, and how large data require them to be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.bounds._arguments import check_array, check_between, check_number
from mdpkit.bounds._bound import BoundValue, judged, theorem
from mdpkit.bounds.concentration import FULL_L1, hoeffding_model_error, weissman_radius
from mdpkit.bounds.model_error import simulation_lemma_span
from mdpkit.errors import ShapeError, UnknownOptionError

__all__ = [
    "hoeffding_robust_radius",
    "kl_radius_of_chi_square",
    "l1_radius_of_chi_square",
    "l1_radius_of_kl",
    "l1_radius_sensitivity",
    "lp_regularization",
    "weissman_robust_radius",
]


@theorem("always")
def l1_radius_of_kl(*, radius: float) -> BoundValue:
    r"""Pinsker: an L1 ball that contains a Kullback-Leibler ball.

    ``KL(p || q) <= radius`` implies ``||p - q||_1 <= sqrt(2 radius)``, and so does ``KL(q || p) <= radius``; the robust
    value of the Kullback-Leibler set is therefore at least that of the L1 set.

    Assumptions:

    - Both sets surround the same nominal rows, and nature is adversarial.
    - The L1 set may use every state that the other one may use.

    Parameters
    ----------
    radius : float, at least 0
        Radius in nats.

    Returns
    -------
    BoundValue
        ``sqrt(2 * radius)``; vacuous if at least 2.

    Raises
    ------
    InputError
        The radius is outside its range.

    References
    ----------
    .. [1] I. Csiszár, "Information-type measures of difference of probability distributions and indirect
       observations", *Studia Scientiarum Mathematicarum Hungarica* 2, 1967.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.l1_radius_of_kl(radius=0.125)
    0.5
    """
    return judged(math.sqrt(2.0 * check_number(radius, "radius")), 2.0, FULL_L1)


@theorem("always")
def l1_radius_of_chi_square(*, radius: float) -> BoundValue:
    r"""Cauchy-Schwarz: an L1 ball that contains a chi-square ball.

    ``sum (p - q)^2 / q <= radius`` implies ``||p - q||_1 <= sqrt(radius)``; the robust value of the chi-square set is
    therefore at least that of the L1 set.

    Assumptions:

    - Both sets surround the same nominal rows, and nature is adversarial.

    Parameters
    ----------
    radius : float, at least 0
        Chi-square radius.

    Returns
    -------
    BoundValue
        ``sqrt(radius)``; vacuous if at least 2.

    Raises
    ------
    InputError
        The radius is outside its range.

    Notes
    -----
    Cauchy-Schwarz: ``(sum sqrt(q) |p - q| / sqrt(q))^2 <= sum q sum (p - q)^2 / q``. Equality where ``|p - q|`` is
    proportional to ``q``: for ``q = (1/2, 1/2)``.

    References
    ----------
    .. [1] A. L. Gibbs, F. E. Su, "On choosing and bounding probability metrics", *International Statistical Review*
       70(3), 2002.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.l1_radius_of_chi_square(radius=0.25)
    0.5
    """
    return judged(math.sqrt(check_number(radius, "radius")), 2.0, FULL_L1)


@theorem("always")
def kl_radius_of_chi_square(*, radius: float) -> BoundValue:
    r"""Jensen: a Kullback-Leibler ball that contains a chi-square ball.

    ``sum (p - q)^2 / q <= radius`` implies ``KL(p || q) <= log(1 + radius)``; the robust value of the chi-square set is
    therefore at least that of the Kullback-Leibler set.

    Assumptions:

    - Both sets surround the same nominal rows, and nature is adversarial.

    Parameters
    ----------
    radius : float, at least 0
        Chi-square radius.

    Returns
    -------
    BoundValue
        ``log(1 + radius)``, in nats.

    Raises
    ------
    InputError
        The radius is outside its range.

    Notes
    -----
    Jensen: ``sum p log(p / q) <= log sum p^2 / q = log(1 + sum (p - q)^2 / q)``. Equality where ``p`` is ``q``
    restricted to some states and normalized.

    References
    ----------
    .. [1] A. L. Gibbs, F. E. Su, "On choosing and bounding probability metrics", *International Statistical Review*
       70(3), 2002, Theorem 5.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.kl_radius_of_chi_square(radius=1), 6)
    0.693147
    """
    return BoundValue(math.log1p(check_number(radius, "radius")))


@theorem("always")
def l1_radius_sensitivity(*, gamma: float, radius: float, span: float) -> BoundValue:
    r"""Price of an L1 radius: nominal minus robust optimal value.

    ``0 <= V*_nominal - V*_robust <= gamma radius span / (2 (1 - gamma))`` in every state, ``span`` the span of either
    of the two value functions.

    Assumptions:

    - Every row of the set is within ``radius`` of the nominal row in L1, and the nominal kernel belongs to the set.
    - Rewards belong to pairs; they do not depend on the successor.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    radius : float, in [0, 2]
        L1 radius, the largest one if radii differ.
    span : float, at least 0
        ``max V - min V`` of the nominal or of the robust optimal values, whichever is smaller.

    Returns
    -------
    BoundValue
        ``gamma * radius * span / (2 * (1 - gamma))``; vacuous at radius 2.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    `simulation_lemma_span` for the nominal kernel and the worst one. Equality: two states with equal rows and rewards 1
    and 0, one action.

    References
    ----------
    .. [1] M. Kearns, S. Singh, "Near-optimal reinforcement learning in polynomial time", *Machine Learning* 49, 2002,
       Lemma 4 (simulation lemma), with the constant of `simulation_lemma_span`.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.l1_radius_sensitivity(gamma=0.5, radius=0.25, span=2)
    0.25
    """
    distance = check_between(radius, "radius", 0.0, 2.0)
    return simulation_lemma_span(gamma=gamma, reward_error=0.0, transition_error=distance, span=span)


SEMINORMS: dict[str, Callable[[Floats], Any]] = {
    "l1": lambda z: np.ptp(z) / 2.0,
    "l2": lambda z: np.linalg.norm(z - z.mean()),
    "linf": lambda z: np.abs(z - np.median(z)).sum(),
}
"""Distance of a payoff row from the constants in the dual norm."""


@theorem("always")
def lp_regularization(*, payoff: Any, radius: float, norm: str = "l1") -> BoundValue:
    r"""Largest drop of an expected payoff over a norm ball: regularization instead of an inner problem.

    ``q . z - min {p . z : ||p - q|| <= radius} <= radius N(z)`` with ``N(z) = (max z - min z) / 2`` for the L1 norm,
    ``||z - mean(z)||_2`` for the L2 norm and ``sum |z - median(z)|`` for the maximum norm; equality as long as a row
    that attains the minimum without regard to signs has no negative entry.

    Assumptions:

    - ``p`` and ``q`` sum to one over the successors of ``z``; those are all successors that nature may use.

    Parameters
    ----------
    payoff : array_like, shape (n,)
        Payoff row ``z``.
    radius : float, at least 0
        Radius of the ball.
    norm : {"l1", "l2", "linf"}
        Which norm.

    Returns
    -------
    BoundValue
        ``radius * N(payoff)``; vacuous if no better than the range of the payoffs.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    Without signs, ``min {x . z : sum x = 0, ||x|| <= radius} = -radius min_c ||z - c||`` in the dual norm, and the
    best constants are the midrange, the mean and the median.

    References
    ----------
    .. [1] E. Derman, M. Geist, S. Mannor, "Twice regularized MDPs and the equivalence between robustness and
       regularization", NeurIPS 2021.
    .. [2] N. Kumar, K. Levy, K. Wang, S. Mannor, "Efficient policy iteration for robust Markov decision processes via
       regularization", arXiv 2205.14327, 2022.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.lp_regularization(payoff=[0, 1, 4], radius=0.25)
    0.5
    >>> bounds.lp_regularization(payoff=[0, 1, 4], radius=0.25, norm="linf")
    1.0
    """
    z, size = check_array(payoff, "payoff"), check_number(radius, "radius")
    if z.ndim != 1 or z.size == 0:
        raise ShapeError(f"payoff must be a nonempty list, found shape {z.shape}", argument="payoff")
    if not isinstance(norm, str) or norm not in SEMINORMS:
        raise UnknownOptionError(f"norm must be one of {', '.join(SEMINORMS)}, found {norm!r}", argument="norm")
    return judged(size * float(SEMINORMS[norm](z)), float(np.ptp(z)), "a mean never drops by more than the range")


@theorem("probability")
def weissman_robust_radius(*, n: int, n_states: int, n_actions: int, delta: float) -> BoundValue:
    r"""Guarantee from data, with L1 sets: the robust value of a policy is what it is worth at least.

    Around the observed frequencies take L1 balls of radius ``sqrt(2 log((2^S - 2) S A / delta) / n)`` over all states.
    With probability at least ``1 - delta`` they contain the true kernel; then ``V_true^pi >= V_robust^pi`` for every
    policy, also one chosen by looking at the data, and ``V*_robust <= V*_true``.

    Assumptions:

    - Every pair has ``n`` independent next states, and ``n`` is fixed in advance (for visits of a trajectory use the
      radii of `weissman_radius_adaptive`).
    - Expected rewards are known.
    - Nature may move mass to every state, not only to those that were observed.

    Parameters
    ----------
    n : int, at least 1
        Samples per pair.
    n_states, n_actions : int, at least 1
        Sizes ``S`` and ``A``.
    delta : float, in (0, 1)
        Failure probability.

    Returns
    -------
    BoundValue
        The radius; vacuous if at least 2.

    Raises
    ------
    InputError
        An argument is outside its range.

    See Also
    --------
    mdpkit.robust.l1_radius : the same for counts that differ between pairs, or depend on the data.

    References
    ----------
    .. [1] T. Weissman et al., "Inequalities for the L1 deviation of the empirical distribution", HP Labs
       HPL-2003-97R1, 2003, Theorem 2.1.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.weissman_robust_radius(n=1000, n_states=5, n_actions=2, delta=0.05), 6)
    0.131905
    """
    n_states, n_actions = check_count(n_states, "n_states"), check_count(n_actions, "n_actions")
    return weissman_radius(n=n, n_successors=n_states, delta=delta, n_pairs=n_states * n_actions)


@theorem("probability")
def hoeffding_robust_radius(*, n: int, n_states: int, n_actions: int, delta: float) -> BoundValue:
    r"""Guarantee from data, with intervals: the robust value of a policy is what it is worth at least.

    Around every observed frequency take an interval of half width ``sqrt(log(2 S^2 A / delta) / (2 n))``, clipped to
    [0, 1]. With probability at least ``1 - delta`` they contain the true kernel; then ``V_true^pi >= V_robust^pi`` for
    every policy, also one chosen by looking at the data, and ``V*_robust <= V*_true``.

    Assumptions:

    - Every pair has ``n`` independent next states, and ``n`` is fixed in advance.
    - Expected rewards are known.
    - States that were never observed after a pair get their interval, too.

    Parameters
    ----------
    n : int, at least 1
        Samples per pair.
    n_states, n_actions : int, at least 1
        Sizes ``S`` and ``A``.
    delta : float, in (0, 1)
        Failure probability.

    Returns
    -------
    BoundValue
        The half width; vacuous if at least 1.

    Raises
    ------
    InputError
        An argument is outside its range.

    See Also
    --------
    mdpkit.robust.hoeffding_intervals : the same for counts that differ between pairs, or depend on the data.

    References
    ----------
    .. [1] W. Hoeffding, "Probability inequalities for sums of bounded random variables", *Journal of the American
       Statistical Association* 58, 1963, Theorem 2.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.hoeffding_robust_radius(n=1000, n_states=5, n_actions=2, delta=0.05), 6)
    0.061648
    """
    n_states, n_actions = check_count(n_states, "n_states"), check_count(n_actions, "n_actions")
    return hoeffding_model_error(n=n, delta=delta, value_range=1.0, n_pairs=n_states**2 * n_actions)
