"""How close an empirical model is to the true one, by the number of samples per state-action pair."""

from __future__ import annotations

import math

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_level, check_number
from mdpkit.bounds._bound import BoundValue, judged, theorem

__all__ = [
    "empirical_bernstein",
    "empirical_bernstein_model_error",
    "hoeffding_model_error",
    "weissman_radius",
    "weissman_radius_adaptive",
]

FULL_RANGE = "a mean is never further away than the range of the values"
FULL_L1 = "two distributions are never further apart than 2"


@theorem("probability")
def hoeffding_model_error(*, n: int, delta: float, value_range: float, n_pairs: int = 1) -> BoundValue:
    r"""Hoeffding: error of the empirical model on one value function.

    With probability at least ``1 - delta``, ``|((Phat - P) V)(s, a)| <= value_range sqrt(log(2 n_pairs / delta) / (2
    n))`` for all ``n_pairs`` state-action pairs.

    Assumptions:

    - Every pair has ``n`` independent next states, ``n`` fixed in advance.
    - ``V`` does not depend on the samples (``V*`` is such, the estimate of it is not), and its values lie in an
      interval of length ``value_range``.

    Parameters
    ----------
    n : int, at least 1
        Samples per pair.
    delta : float, in (0, 1)
        Failure probability.
    value_range : float, at least 0
        ``max V - min V``; for rewards in ``[0, 1]`` at most ``1 / (1 - gamma)``.
    n_pairs : int, at least 1
        Number of pairs (``S A``) in the union bound.

    Returns
    -------
    BoundValue
        Vacuous if at least ``value_range``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``Pr(|mean - mu| >= t) <= 2 exp(-2 n t^2 / value_range^2)``, with ``delta / n_pairs`` for each pair.

    References
    ----------
    .. [1] W. Hoeffding, "Probability inequalities for sums of bounded random variables", *Journal of the American
       Statistical Association* 58, 1963, Theorem 2.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.hoeffding_model_error(n=1000, delta=0.1, value_range=10, n_pairs=50), 4)
    0.5877
    """
    n, n_pairs, delta = check_count(n, "n"), check_count(n_pairs, "n_pairs"), check_level(delta)
    width = check_number(value_range, "value_range")
    return judged(width * math.sqrt(math.log(2.0 * n_pairs / delta) / (2.0 * n)), width, FULL_RANGE)


@theorem("probability")
def empirical_bernstein(*, n: int, sample_variance: float, delta: float, value_range: float) -> BoundValue:
    r"""Empirical Bernstein: upper confidence bound of a mean, from the sample variance.

    With probability at least ``1 - delta``, ``E Z - mean(Z) <= sqrt(2 v log(2 / delta) / n) + 7 value_range log(2 /
    delta) / (3 (n - 1))`` with ``v`` the unbiased sample variance. One-sided: the other side holds with the same
    probability, both together with ``1 - 2 delta``.

    Assumptions:

    - ``Z_1, ..., Z_n`` are independent, with values in an interval of length ``value_range``; ``n`` is fixed in
      advance.

    Parameters
    ----------
    n : int, at least 2
        Number of samples.
    sample_variance : float, at least 0
        ``sum (Z_i - mean)^2 / (n - 1)`` (``numpy.var(z, ddof=1)``).
    delta : float, in (0, 1)
        Failure probability.
    value_range : float, at least 0
        Length of the interval.

    Returns
    -------
    BoundValue
        Vacuous if at least ``value_range``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The theorem is for ``[0, 1]``; scaling by ``value_range`` multiplies the deviation by it and the variance by its
    square.

    References
    ----------
    .. [1] A. Maurer, M. Pontil, "Empirical Bernstein bounds and sample variance penalization", COLT 2009, Theorem 4.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.empirical_bernstein(n=1000, sample_variance=0.01, delta=0.1, value_range=1), 6)
    0.014737
    """
    n, delta = check_count(n, "n", least=2), check_level(delta)
    variance, width = check_number(sample_variance, "sample_variance"), check_number(value_range, "value_range")
    log_term = math.log(2.0 / delta)
    value = math.sqrt(2.0 * variance * log_term / n) + 7.0 * width * log_term / (3.0 * (n - 1))
    return judged(value, width, FULL_RANGE)


@theorem("probability")
def empirical_bernstein_model_error(
    *, n: int, sample_variance: float, delta: float, value_range: float, n_pairs: int = 1
) -> BoundValue:
    r"""Empirical Bernstein: error of the empirical model on one value function.

    With probability at least ``1 - delta``, ``|((Phat - P) V)(s, a)| <= sqrt(2 v l / n) + 7 value_range l / (3 (n -
    1))`` for all ``n_pairs`` pairs, each with its own sample variance ``v`` of ``V(s')``, and ``l = log(4 n_pairs /
    delta)``.

    Assumptions:

    - Every pair has ``n`` independent next states, ``n`` fixed in advance.
    - ``V`` does not depend on the samples, and its values lie in an interval of length ``value_range``.

    Parameters
    ----------
    n : int, at least 2
        Samples per pair.
    sample_variance : float, at least 0
        Unbiased sample variance of ``V(s')`` at the pair (``ddof=1``).
    delta : float, in (0, 1)
        Failure probability.
    value_range : float, at least 0
        ``max V - min V``.
    n_pairs : int, at least 1
        Number of pairs in the union bound.

    Returns
    -------
    BoundValue
        Vacuous if at least ``value_range``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    `empirical_bernstein` with ``delta / (2 n_pairs)``: two sides and ``n_pairs`` pairs.

    References
    ----------
    .. [1] A. Maurer, M. Pontil, "Empirical Bernstein bounds and sample variance penalization", COLT 2009, Theorem 4.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> sample = dict(n=1000, sample_variance=1, value_range=10)
    >>> round(bounds.empirical_bernstein_model_error(**sample, delta=0.1, n_pairs=50), 4)
    0.3008
    """
    share = check_level(delta) / (2 * check_count(n_pairs, "n_pairs"))
    return empirical_bernstein(n=n, sample_variance=sample_variance, delta=share, value_range=value_range)


@theorem("probability")
def weissman_radius(*, n: int, n_successors: int, delta: float, n_pairs: int = 1) -> BoundValue:
    r"""Weissman: L1 radius of the empirical distribution, sample size fixed in advance.

    With probability at least ``1 - delta``, ``||Phat(.|s,a) - P(.|s,a)||_1 <= sqrt(2 log((2^k - 2) n_pairs / delta) /
    n)`` for all ``n_pairs`` pairs, ``k`` the number of possible successors.

    Assumptions:

    - Every pair has ``n`` independent next states, and ``n`` is fixed in advance (not a count that depends on what was
      seen; for that there is `weissman_radius_adaptive`).
    - At most ``n_successors`` states are possible, and the set of them is known or taken to be all states.

    Parameters
    ----------
    n : int, at least 1
        Samples per pair.
    n_successors : int, at least 1
        ``k``, size of the set that certainly contains the successors.
    delta : float, in (0, 1)
        Failure probability.
    n_pairs : int, at least 1
        Number of pairs in the union bound.

    Returns
    -------
    BoundValue
        Vacuous if at least 2; 0 for a single successor.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``||Phat - P||_1 = 2 max_B (Phat(B) - P(B))`` over the ``2^k - 2`` sets ``B`` that are neither empty nor everything;
    Hoeffding gives ``Pr(Phat(B) - P(B) >= t / 2) <= exp(-n t^2 / 2)`` for each, and the union bound the rest.

    References
    ----------
    .. [1] T. Weissman, E. Ordentlich, G. Seroussi, S. Verdú, M. J. Weinberger, "Inequalities for the L1 deviation of
       the empirical distribution", HP Labs HPL-2003-97R1, 2003, Theorem 2.1 with the weakest coefficient, 2.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.weissman_radius(n=100, n_successors=2, delta=0.05), 6)
    0.27162
    """
    n, k = check_count(n, "n"), check_count(n_successors, "n_successors")
    return _weissman(n, k, math.log(check_count(n_pairs, "n_pairs") / check_level(delta)))


@theorem("probability")
def weissman_radius_adaptive(
    *, n: int, n_successors: int, delta: float, n_pairs: int = 1, n_max: int | None = None
) -> BoundValue:
    r"""Weissman: L1 radius for counts that depend on the data.

    With probability at least ``1 - delta``, for all ``n_pairs`` pairs and all times at once, a pair with ``n``
    samples has ``||Phat - P||_1 <= sqrt(2 log((2^k - 2) n_pairs n (n + 1) / delta) / n)``; if no count can exceed
    ``n_max``, ``n_max`` stands in place of ``n (n + 1)``.

    Assumptions:

    - Each next state is drawn from ``P(.|s,a)`` given all that happened before; which pair is sampled next may depend
      on the past in any way.
    - At most ``n_successors`` states are possible.
    - No pair is ever sampled more than ``n_max`` times, if that is given.

    Parameters
    ----------
    n : int, at least 0
        Present number of samples of the pair.
    n_successors : int, at least 1
        ``k``, size of the set that certainly contains the successors.
    delta : float, in (0, 1)
        Failure probability, for all pairs and times together.
    n_pairs : int, at least 1
        Number of pairs.
    n_max : int, optional
        Largest possible count, fixed in advance (the number of steps); None for any number of steps.

    Returns
    -------
    BoundValue
        Vacuous if at least 2; for ``n = 0`` it is 2.

    Raises
    ------
    InputError
        An argument is outside its range, or ``n`` exceeds ``n_max``.

    Notes
    -----
    Let every pair own a stack of independent next states drawn in advance; sampling takes the top card, which changes
    no law. The first ``n`` cards are a fixed sample, so `weissman_radius` fails for them with probability at most
    ``delta_n / n_pairs`` if it is used with ``delta_n``. With ``delta_n = delta / (n (n + 1))`` the failures of all
    ``n`` add up to ``delta sum_n (1/n - 1/(n+1)) = delta``; with ``delta_n = delta / n_max`` for ``n <= n_max``
    likewise. On the remaining event the claim holds for every prefix of every stack, hence whatever the count is and
    why.

    References
    ----------
    .. [1] T. Weissman et al., HP Labs HPL-2003-97R1, 2003, Theorem 2.1; the union over counts as in T. Jaksch,
       R. Ortner, P. Auer, *Journal of Machine Learning Research* 11, 2010, Appendix C.1 (UCRL2).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.weissman_radius_adaptive(n=100, n_successors=2, delta=0.05), 6)
    0.508118
    >>> round(bounds.weissman_radius_adaptive(n=100, n_successors=2, delta=0.05, n_max=1000), 6)
    0.460361
    """
    n, k = check_count(n, "n", least=0), check_count(n_successors, "n_successors")
    log_events = math.log(check_count(n_pairs, "n_pairs") / check_level(delta))
    if n_max is not None:
        check_count(n_max, "n_max", least=max(n, 1))
    if n == 0:
        return judged(2.0, 2.0, FULL_L1)
    return _weissman(n, k, log_events + (math.log(n) + math.log1p(n) if n_max is None else math.log(n_max)))


def _weissman(n: int, k: int, log_events: float) -> BoundValue:
    if k == 1:
        return BoundValue(0.0)
    # log(2^k - 2) without forming 2^k, which overflows for a thousand states.
    log_sets = k * math.log(2.0) + math.log1p(-(2.0 ** (1 - k)))
    return judged(math.sqrt(2.0 * (log_sets + log_events) / n), 2.0, FULL_L1)
