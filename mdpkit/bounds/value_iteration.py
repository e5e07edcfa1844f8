"""How far value iteration is from the optimal values, before it runs and after."""

from __future__ import annotations

import math

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_discount, check_number, check_positive
from mdpkit.bounds._bound import BoundValue, judged, theorem

__all__ = [
    "bellman_residual_error",
    "macqueen_porteus_error",
    "macqueen_porteus_policy_loss",
    "value_iteration_a_posteriori",
    "value_iteration_a_priori",
    "value_iteration_sweeps",
]


@theorem("always")
def value_iteration_a_priori(*, gamma: float, iterations: int, first_step: float) -> BoundValue:
    r"""Error of value iteration, known after its first sweep.

    ``max |V_n - V*| <= gamma^n / (1 - gamma) max |V_1 - V_0|`` for ``V_{n+1} = T V_n`` and every start ``V_0``.

    Assumptions:

    - Every sweep applies the Bellman operator exactly.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    iterations : int, at least 0
        Number of sweeps ``n``.
    first_step : float, at least 0
        ``max |V_1 - V_0|``.

    Returns
    -------
    BoundValue
        ``gamma**iterations / (1 - gamma) * first_step``; vacuous while no better than the bound for ``V_0``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``V* - V_n = sum_{j >= n} (V_{j+1} - V_j)`` and each term is at most ``gamma^j max |V_1 - V_0|``. Equality for one
    state with reward 1 and ``V_0 = 0``: ``V_n = (1 - gamma^n) / (1 - gamma)``.

    References
    ----------
    .. [1] M. L. Puterman, *Markov Decision Processes*, Wiley, 1994, section 6.3 (Banach's fixed-point theorem).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.value_iteration_a_priori(gamma=0.5, iterations=3, first_step=1)
    0.25
    """
    gamma, n = check_discount(gamma), check_count(iterations, "iterations", least=0)
    start = check_number(first_step, "first_step") / (1.0 - gamma)
    return judged(gamma**n * start, start, "no sweep has reduced the error of V_0 yet")


@theorem("always")
def value_iteration_a_posteriori(*, gamma: float, last_step: float) -> BoundValue:
    r"""Error of value iteration from its last step, in sup norm.

    ``max |T V - V*| <= gamma / (1 - gamma) max |T V - V|`` for every ``V``.

    Assumptions:

    - The sweep applies the Bellman operator exactly, or any map with the same fixed point that contracts by ``gamma``
      in sup norm (such as a Gauss-Seidel sweep).

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    last_step : float, at least 0
        ``max |T V - V|``.

    Returns
    -------
    BoundValue
        ``gamma / (1 - gamma) * last_step``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``|T V - V*| <= gamma |V - V*| <= gamma (|V - T V| + |T V - V*|)``. Equality for one state.

    References
    ----------
    .. [1] M. L. Puterman, *Markov Decision Processes*, Wiley, 1994, section 6.3 (stopping rule of value iteration).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.value_iteration_a_posteriori(gamma=0.5, last_step=0.25)
    0.25
    """
    gamma = check_discount(gamma)
    return BoundValue(gamma / (1.0 - gamma) * check_number(last_step, "last_step"))


@theorem("always")
def bellman_residual_error(*, gamma: float, residual: float) -> BoundValue:
    r"""Error of any value function from its Bellman residual.

    ``max |V - V*| <= max |T V - V| / (1 - gamma)``, and the same for ``V^pi`` with the operator of ``pi``.

    Assumptions:

    - The residual is that of the exact Bellman operator.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    residual : float, at least 0
        ``max |T V - V|``.

    Returns
    -------
    BoundValue
        ``residual / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``|V - V*| <= |V - T V| + |T V - T V*| <= |V - T V| + gamma |V - V*|``. Equality for ``V = V* + c``.

    References
    ----------
    .. [1] R. J. Williams, L. C. Baird, "Tight performance bounds on greedy policies based on imperfect value
       functions", Northeastern University, NU-CCS-93-14, 1993.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.bellman_residual_error(gamma=0.5, residual=0.25)
    0.5
    """
    return BoundValue(check_number(residual, "residual") / (1.0 - check_discount(gamma)))


@theorem("always")
def macqueen_porteus_error(*, gamma: float, span: float) -> BoundValue:
    r"""Error of the midpoint of the MacQueen-Porteus bounds.

    With ``d = T V - V``, ``lo = min d`` and ``hi = max d``: ``T V + gamma/(1-gamma) lo <= V* <= T V + gamma/(1-gamma)
    hi`` in every state, so the midpoint of the two is within ``gamma (hi - lo) / (2 (1 - gamma))`` of ``V*``.

    Assumptions:

    - One exact Jacobi sweep (not Gauss-Seidel: adding a constant to ``V`` must add ``gamma`` times it to ``T V``).

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    span : float, at least 0
        ``hi - lo``, the span of the last difference.

    Returns
    -------
    BoundValue
        ``gamma * span / (2 * (1 - gamma))``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``T V >= V + lo`` gives ``T^2 V >= T V + gamma lo`` and, by repetition, ``V* >= T V + (gamma + gamma^2 + ...) lo``;
    the upper end in the same way.

    References
    ----------
    .. [1] J. B. MacQueen, "A modified dynamic programming method for Markovian decision problems", *Journal of
       Mathematical Analysis and Applications* 14, 1966.
    .. [2] E. L. Porteus, "Some bounds for discounted sequential decision processes", *Management Science* 18, 1971.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.macqueen_porteus_error(gamma=0.5, span=0.25)
    0.125
    """
    gamma = check_discount(gamma)
    return BoundValue(gamma * check_number(span, "span") / (2.0 * (1.0 - gamma)))


@theorem("always")
def macqueen_porteus_policy_loss(*, gamma: float, span: float) -> BoundValue:
    r"""Loss of the greedy policy from the span of the last difference.

    If ``pi`` is greedy for ``V`` and ``span = max(T V - V) - min(T V - V)``, then
    ``max (V* - V^pi) <= gamma span / (1 - gamma)``.

    Assumptions:

    - One exact Jacobi sweep, and ``pi`` attains its maximum in every state.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    span : float, at least 0
        Span of ``T V - V``.

    Returns
    -------
    BoundValue
        ``gamma * span / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``T_pi V = T V``, so the lower end of the enclosure (`macqueen_porteus_error`) holds for ``V^pi`` too, and the
    upper end for ``V*``; their distance is the loss at most. With ``max |T V - V| <= e`` it gives ``2 gamma e / (1 -
    gamma)``.

    References
    ----------
    .. [1] J. B. MacQueen, "A modified dynamic programming method for Markovian decision problems", *Journal of
       Mathematical Analysis and Applications* 14, 1966.
    .. [2] E. L. Porteus, "Some bounds for discounted sequential decision processes", *Management Science* 18, 1971.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.macqueen_porteus_policy_loss(gamma=0.5, span=0.25)
    0.25
    """
    gamma = check_discount(gamma)
    return BoundValue(gamma * check_number(span, "span") / (1.0 - gamma))


@theorem("always")
def value_iteration_sweeps(*, gamma: float, tol: float, span: float) -> BoundValue:
    r"""Sweeps after which value iteration with the span rule has stopped.

    The midpoint error ``gamma span(V_n - V_{n-1}) / (2 (1 - gamma))`` is at most ``tol`` after
    ``n = 1 + ceil(log(gamma span(V_1 - V_0) / (2 tol (1 - gamma))) / log(1 / gamma))`` sweeps (and ``n >= 1``).

    Assumptions:

    - Every sweep applies the Bellman operator exactly.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    tol : float, above 0
        Wanted error of the midpoint, in sup norm.
    span : float, at least 0
        Span of the first difference ``V_1 - V_0``.

    Returns
    -------
    BoundValue
        A whole number of sweeps.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``span(V_n - V_{n-1}) <= gamma^(n-1) span(V_1 - V_0)`` by `bellman_span_contraction`.

    References
    ----------
    .. [1] E. L. Porteus, "Some bounds for discounted sequential decision processes", *Management Science* 18, 1971.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.value_iteration_sweeps(gamma=0.5, tol=0.125, span=1)
    3.0
    """
    gamma, tol, span = check_discount(gamma), check_positive(tol, "tol"), check_number(span, "span")
    excess = gamma * span / (2.0 * tol * (1.0 - gamma))
    if excess <= 1.0:
        return BoundValue(1.0)
    # The quotient of two logarithms of powers of gamma is whole up to rounding, and rounding must not cost a sweep.
    return BoundValue(1.0 + math.ceil(math.log(excess) / -math.log(gamma) - 1e-12))
