"""Robust dynamic programming: contraction, enclosures, convergence, and what IWOCS certifies."""

from __future__ import annotations

import math
from typing import Any

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_array, check_discount, check_number, check_positive
from mdpkit.bounds._bound import BoundValue, theorem
from mdpkit.bounds.contraction import bellman_contraction
from mdpkit.bounds.value_iteration import value_iteration_a_priori
from mdpkit.errors import InputError, ShapeError

__all__ = [
    "iwocs_policy_loss",
    "partial_policy_iteration_loss",
    "robust_contraction",
    "robust_policy_loss",
    "robust_span_error",
    "robust_value_iteration_a_priori",
    "robust_value_iteration_sweeps",
]


@theorem("always")
def robust_contraction(*, gamma: float, distance: float) -> BoundValue:
    r"""Sup-norm contraction of the robust Bellman operators.

    ``max |T V - T W| <= gamma max |V - W|``, where ``T`` takes the worst (or, for cooperative nature, the best) row of
    the set for every pair or state; for the optimality operator and for that of every policy.

    Assumptions:

    - The set is (s,a)- or s-rectangular, compact and not empty, and all its rows sum to one.
    - Rewards are bounded.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    distance : float, at least 0
        ``max |V - W|``.

    Returns
    -------
    BoundValue
        ``gamma * distance``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    Every kernel of the set gives a contraction (`bellman_contraction`), and a minimum or maximum of functions that are
    within ``gamma distance`` of each other is, too. Equality for ``W = V + c``.

    References
    ----------
    .. [1] G. N. Iyengar, "Robust dynamic programming", *Mathematics of Operations Research* 30(2), 2005, Theorem 3.2.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.robust_contraction(gamma=0.5, distance=3)
    1.5
    """
    return bellman_contraction(gamma=gamma, distance=distance)


@theorem("always")
def robust_span_error(*, gamma: float, span: float, inner_error: float = 0.0) -> BoundValue:
    r"""Error of the midpoint of the robust MacQueen-Porteus bounds.

    With ``u >= T V >= u - inner_error`` in every state, ``d = u - V`` and ``c = gamma / (1 - gamma)``:
    ``u + c min d - inner_error / (1 - gamma) <= V* <= u + c max d``, so the midpoint of the two ends is within
    ``(gamma span + inner_error) / (2 (1 - gamma))`` of the robust value ``V*``, ``span = max d - min d``.

    Assumptions:

    - ``T`` is the robust Bellman operator of a rectangular set whose rows all sum to one, applied once by a Jacobi
      sweep.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    span : float, at least 0
        Span of ``u - V``.
    inner_error : float, at least 0, default 0
        How far ``u`` may exceed ``T V``, because inner problems were not solved to the end.

    Returns
    -------
    BoundValue
        ``(gamma * span + inner_error) / (2 * (1 - gamma))``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The operator is monotone and ``T (V + c) = T V + gamma c``. From ``T V <= V + max d``, by repetition, ``V* <= u +
    (gamma + gamma^2 + ...) max d``; from ``T V >= V + min d - inner_error``, ``V* >= u - inner_error + c (min d -
    inner_error)``, and the two inner errors add up to ``inner_error / (1 - gamma)``.

    References
    ----------
    .. [1] E. L. Porteus, "Some bounds for discounted sequential decision processes", *Management Science* 18, 1971; for
       robust operators by the same proof (notes).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.robust_span_error(gamma=0.5, span=0.25)
    0.125
    """
    return BoundValue(robust_policy_loss(gamma=gamma, span=span, inner_error=inner_error) / 2.0)


@theorem("always")
def robust_policy_loss(*, gamma: float, span: float, inner_error: float = 0.0) -> BoundValue:
    r"""Robust loss of the greedy policy from the span of the last difference.

    If ``pi`` is greedy for ``V`` and ``u >= T_pi V >= u - inner_error``, where ``u >= T V``, then
    ``max (V* - V^pi) <= (gamma span(u - V) + inner_error) / (1 - gamma)`` for the robust values ``V*`` and ``V^pi``.

    Assumptions:

    - ``T`` is the robust Bellman operator of a rectangular set whose rows all sum to one, applied once by a Jacobi
      sweep; for s-rectangular sets ``pi`` may randomize.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    span : float, at least 0
        Span of ``u - V``.
    inner_error : float, at least 0, default 0
        How far ``u`` may exceed the worst payoffs of ``pi``.

    Returns
    -------
    BoundValue
        ``(gamma * span + inner_error) / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The lower end of the enclosure (`robust_span_error`) uses only ``T_pi``, so it bounds ``V^pi`` from below while the
    upper end bounds ``V*`` from above; their distance is the loss at most.

    References
    ----------
    .. [1] E. L. Porteus, "Some bounds for discounted sequential decision processes", *Management Science* 18, 1971; for
       robust operators by the same proof (notes).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.robust_policy_loss(gamma=0.5, span=0.25, inner_error=0.125)
    0.5
    """
    gamma, tau = check_discount(gamma), check_number(inner_error, "inner_error")
    return BoundValue((gamma * check_number(span, "span") + tau) / (1.0 - gamma))


@theorem("always")
def robust_value_iteration_a_priori(*, gamma: float, iterations: int, first_step: float) -> BoundValue:
    r"""Error of robust value iteration, known after its first sweep.

    ``max |V_n - V*| <= gamma^n / (1 - gamma) max |V_1 - V_0|`` for ``V_{n+1} = T V_n`` and every start ``V_0``.

    Assumptions:

    - ``T`` is the robust Bellman operator of a rectangular set whose rows all sum to one, and every sweep applies it
      exactly.

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
    Banach's fixed-point theorem with `robust_contraction`.

    References
    ----------
    .. [1] G. N. Iyengar, "Robust dynamic programming", *Mathematics of Operations Research* 30(2), 2005, Theorem 3.2.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.robust_value_iteration_a_priori(gamma=0.5, iterations=3, first_step=1)
    0.25
    """
    return value_iteration_a_priori(gamma=gamma, iterations=iterations, first_step=first_step)


@theorem("always")
def robust_value_iteration_sweeps(*, gamma: float, tol: float, first_step: float) -> BoundValue:
    r"""Sweeps after which robust value iteration is certainly within a tolerance.

    ``max |V_n - V*| <= tol`` after ``n = ceil(log(max |V_1 - V_0| / (tol (1 - gamma))) / log(1 / gamma))`` sweeps.

    Assumptions:

    - ``T`` is the robust Bellman operator of a rectangular set whose rows all sum to one, and every sweep applies it
      exactly.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    tol : float, above 0
        Wanted error, in sup norm.
    first_step : float, at least 0
        ``max |V_1 - V_0|``.

    Returns
    -------
    BoundValue
        A whole number of sweeps, 0 if ``V_0`` is close enough.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    `robust_value_iteration_a_priori` solved for ``n``. The IWOCS paper (arXiv 2410.06212) prints ``log(1 - gamma)`` in
    the denominator; it is ``log(1 / gamma)``.

    References
    ----------
    .. [1] G. N. Iyengar, "Robust dynamic programming", *Mathematics of Operations Research* 30(2), 2005, Theorem 3.2.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.robust_value_iteration_sweeps(gamma=0.5, tol=0.125, first_step=1)
    4.0
    """
    gamma, tol = check_discount(gamma), check_positive(tol, "tol")
    excess = check_number(first_step, "first_step") / (tol * (1.0 - gamma))
    if excess <= 1.0:
        return BoundValue(0.0)
    if gamma == 0.0:
        return BoundValue(1.0)
    # The quotient of two logarithms of powers of gamma is whole up to rounding, and rounding must not cost a sweep.
    return BoundValue(math.ceil(math.log(excess) / -math.log(gamma) - 1e-12))


@theorem("always")
def partial_policy_iteration_loss(
    *, gamma: float, iterations: int, first_loss: float, first_tolerance: float, power: float = 2.0
) -> BoundValue:
    r"""Convergence of partial policy iteration: policies evaluated ever more precisely.

    ``max (V* - V^{pi_{k+1}}) <= gamma^k (max (V* - V^{pi_1}) + 2 eps_1 / ((1 - gamma^(power - 1)) (1 - gamma)))``,
    where ``pi_k`` is greedy for ``V_{k-1}`` and ``max |T_{pi_k} V_k - V_k| <= (1 - gamma) eps_k``.

    Assumptions:

    - The set is (s,a)- or s-rectangular with rows that sum to one, and all values are robust.
    - Tolerances shrink fast: ``eps_{k+1} <= gamma^power eps_k`` with ``power > 1``.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    iterations : int, at least 0
        Number of improvements ``k`` after the first policy.
    first_loss : float, at least 0
        ``max (V* - V^{pi_1})``, or a bound for it.
    first_tolerance : float, at least 0
        ``eps_1``.
    power : float, above 1, default 2
        How fast tolerances shrink.

    Returns
    -------
    BoundValue
        The right-hand side.

    Raises
    ------
    InputError
        An argument is outside its range.

    References
    ----------
    .. [1] C. P. Ho, M. Petrik, W. Wiesemann, "Partial policy iteration for L1-robust Markov decision processes",
       *Journal of Machine Learning Research* 22, 2021.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.partial_policy_iteration_loss(gamma=0.5, iterations=2, first_loss=1, first_tolerance=0.25)
    0.75
    """
    gamma, k = check_discount(gamma), check_count(iterations, "iterations", least=0)
    loss, eps = check_number(first_loss, "first_loss"), check_number(first_tolerance, "first_tolerance")
    faster = check_positive(power, "power") - 1.0
    if faster <= 0.0:
        raise InputError(f"power must be above 1, found {power!r}", argument="power", value=power)
    return BoundValue(gamma**k * (loss + 2.0 * eps / ((1.0 - gamma**faster) * (1.0 - gamma))))


@theorem("always")
def iwocs_policy_loss(*, upper: Any, lower: Any) -> BoundValue:
    r"""Certificate of IWOCS at its initial state: the best lower end so far against the best upper end.

    ``max_i lower_i <= V*(s0) <= min_i upper_i``, where ``lower_i`` is the robust value of the policy of iteration ``i``
    at ``s0`` and ``upper_i`` its optimistic value: ``max_a min_{j <= i} Q*_{T_j}(s0, a)`` (``min_q``), or the robust
    optimal value of the hull of the models seen (``hull``). The policy with the largest ``lower_i`` therefore loses at
    most ``min_i upper_i - max_i lower_i``.

    Assumptions:

    - The set is (s,a)-rectangular, and every ``lower_i`` is an exact worst case over the whole set.
    - All models ``T_j`` belong to the set.

    Parameters
    ----------
    upper, lower : array_like, shape (n,)
        The ends of every iteration at the initial state.

    Returns
    -------
    BoundValue
        ``min(upper) - max(lower)``; 0 where rounding makes it negative.

    Raises
    ------
    InputError
        A lower end exceeds an upper end by more than rounding: the ends are not those of one rectangular problem.

    Notes
    -----
    Upper ends: a smaller set gives nature less freedom, and ``min_j Q*_{T_j}`` exceeds the robust action values of the
    hull. Lower ends: no policy is worth more than the best one. No rate at which the difference shrinks is known; with
    ``min_q`` it may never shrink to 0.

    References
    ----------
    .. [1] A. Zouitine, M. Geist, E. Rachelson, "Solving robust MDPs as a sequence of static RL problems", arXiv
       2410.06212, 2024, Property 1; the lower ends by Iyengar 2005, Lemma 3.3.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.iwocs_policy_loss(upper=[4.5, 4.25], lower=[-10.5, 4.0])
    0.25
    """
    above, below = check_array(upper, "upper"), check_array(lower, "lower")
    for name, ends in (("upper", above), ("lower", below)):
        if ends.ndim != 1 or ends.size == 0:
            raise ShapeError(f"{name} must be a nonempty list, found shape {ends.shape}", argument=name)
    top, bottom = float(above.min()), float(below.max())
    if bottom > top + 1e-9 * (1.0 + abs(top) + abs(bottom)):
        raise InputError(
            f"lower holds {bottom!r}, above {top!r}, the least of upper: these ends contradict each other",
            argument="lower",
            index=int(below.argmax()),
            value=bottom,
        )
    return BoundValue(max(0.0, top - bottom))
