"""What an error in the model does to values, and how much returns can vary."""

from __future__ import annotations

import math

from mdpkit.bounds._arguments import check_between, check_discount, check_number, check_positive
from mdpkit.bounds._bound import BoundValue, judged, theorem

__all__ = ["accumulated_deviation", "return_variance", "simulation_lemma", "simulation_lemma_span"]


@theorem("always")
def simulation_lemma(
    *,
    gamma: float,
    reward_error: float,
    transition_error: float,
    value_max: float,
    reward_range: float | None = None,
) -> BoundValue:
    r"""Values of one policy in two models (simulation lemma).

    ``max |V^pi - V'^pi| <= (reward_error + gamma transition_error value_max) / (1 - gamma)`` with
    ``reward_error = max |r - r'|`` and ``transition_error = max_{s,a} ||P(.|s,a) - P'(.|s,a)||_1``; the same holds for
    the optimal values ``V*`` and ``V'*``.

    Assumptions:

    - Both models have the same states, actions and discount factor.
    - ``|V| <= value_max`` in every state for the value ``V`` in one of the two models (of either sign; where values lie
      in ``[0, value_max]``, half the transition term is enough: use `simulation_lemma_span`).

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    reward_error : float, at least 0
        Largest difference of expected rewards.
    transition_error : float, in [0, 2]
        Largest L1 distance (not total variation, which is half of it) of two rows.
    value_max : float, at least 0
        Bound of the absolute values; ``max |r| / (1 - gamma)`` will do.
    reward_range : float, at least 0, optional
        Length of the interval of expected rewards ``r``; only to tell whether the value is vacuous.

    Returns
    -------
    BoundValue
        Vacuous if the transition term is no better than ``gamma span / (1 - gamma)``, which holds for any two kernels,
        or than ``gamma reward_range / (1 - gamma)`` (here ``span = 2 value_max``).

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The span of values in ``[-value_max, value_max]`` is at most ``2 value_max``; insert it in `simulation_lemma_span`.

    References
    ----------
    .. [1] M. Kearns, S. Singh, "Near-optimal reinforcement learning in polynomial time", *Machine Learning* 49, 2002,
       Lemma 4 (simulation lemma), with the discounted horizon and explicit constants.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.simulation_lemma(gamma=0.5, reward_error=0, transition_error=0.25, value_max=2)
    0.5
    """
    gamma, value_max = check_discount(gamma), check_number(value_max, "value_max")
    return simulation_lemma_span(
        gamma=gamma,
        reward_error=reward_error,
        transition_error=transition_error,
        span=2.0 * value_max,
        reward_range=reward_range,
    )


@theorem("always")
def simulation_lemma_span(
    *, gamma: float, reward_error: float, transition_error: float, span: float, reward_range: float | None = None
) -> BoundValue:
    r"""Values of one policy in two models (simulation lemma), by the span of the values: the tight form.

    ``max |V^pi - V'^pi| <= (reward_error + gamma transition_error span / 2) / (1 - gamma)``, where ``span`` is
    ``max V - min V`` of the value in *one* of the two models and ``transition_error`` the largest L1 distance of two
    rows; the same holds for the optimal values.

    Assumptions:

    - Both models have the same states, actions and discount factor.
    - ``span`` bounds ``max V - min V`` for ``V = V^pi`` (or ``V*``) of one of the models.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    reward_error : float, at least 0
        Largest difference of expected rewards.
    transition_error : float, in [0, 2]
        Largest L1 distance of two rows.
    span : float, at least 0
        ``max V - min V``; for rewards in ``[0, 1]`` at most ``1 / (1 - gamma)``.
    reward_range : float, at least 0, optional
        Length of the interval of expected rewards ``r``; only to tell whether the value is vacuous.

    Returns
    -------
    BoundValue
        Vacuous if the transition term is no better than ``gamma span / (1 - gamma)``, which holds for any two kernels,
        or than ``gamma reward_range / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``V - V' = r - r' + gamma (P - P') V + gamma P' (V - V')``, and ``|(P - P') V| <= ||P - P'||_1 span(V) / 2`` because
    constants may be subtracted from ``V``; divide by ``1 - gamma``. For optimal values ``|V* - V'*| <=
    |T V* - T' V*| + gamma |V* - V'*|``. Equality: two states with equal rows ``(p, 1 - p)`` and rewards 1 and 0, where
    ``span(V) = 1``, and ``p`` replaced by ``p'``.

    References
    ----------
    .. [1] M. Kearns, S. Singh, "Near-optimal reinforcement learning in polynomial time", *Machine Learning* 49, 2002,
       Lemma 4 (simulation lemma); the constant with the span is proved in the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.simulation_lemma_span(gamma=0.5, reward_error=0, transition_error=0.25, span=2)
    0.25
    """
    gamma, span = check_discount(gamma), check_number(span, "span")
    difference = check_between(transition_error, "transition_error", 0.0, 2.0)
    reward_part = check_number(reward_error, "reward_error") / (1.0 - gamma)
    transition_part = gamma * difference * span / (2.0 * (1.0 - gamma))
    if reward_range is not None and check_number(reward_range, "reward_range") < span:
        trivial, reason = reward_range, "with the same rewards no two kernels have values further apart"
    else:
        trivial, reason = span, "two rows are never further apart than 2 in L1"
    return judged(reward_part + transition_part, reward_part + gamma * trivial / (1.0 - gamma), reason)


@theorem("always")
def return_variance(*, gamma: float, reward_range: float = 1.0) -> BoundValue:
    r"""Total variance: the variance of the discounted return.

    ``Var(sum_t gamma^t r_t | s_0 = s) = gamma^2 ((I - gamma^2 P_pi)^{-1} sigma^2)(s) <= (reward_range H)^2 / 4`` with
    ``sigma^2(s) = Var(V^pi(s') | s)`` and ``H = 1 / (1 - gamma)``.

    Assumptions:

    - Rewards lie in an interval of length ``reward_range``.
    - For the identity: the reward is a function of the state and action, and ``pi`` is deterministic.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    reward_range : float, at least 0
        Length of the interval of rewards.

    Returns
    -------
    BoundValue
        The upper bound ``(reward_range H)^2 / 4``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The return minus ``V^pi(s_0)`` is the sum of the martingale differences ``gamma^{t+1} (V^pi(s_{t+1}) - (P
    V^pi)(s_t))``, whose variances add up to the identity. The return lies in an interval of length ``reward_range
    H``, so its variance is at most a quarter of the square (Popoviciu).

    References
    ----------
    .. [1] M. J. Sobel, "The variance of discounted Markov decision processes", *Journal of Applied Probability* 19,
       1982, Theorem 1; M. G. Azar, R. Munos, H. J. Kappen, *Machine Learning* 91, 2013 (total variance).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.return_variance(gamma=0.5)
    1.0
    """
    width = check_number(reward_range, "reward_range") / (1.0 - check_discount(gamma))
    return BoundValue(width**2 / 4.0)


@theorem("always")
def accumulated_deviation(*, gamma: float, reward_range: float = 1.0) -> BoundValue:
    r"""Total variance: the accumulated standard deviation of the next value.

    ``max (I - gamma P_pi)^{-1} sigma(V^pi) <= reward_range sqrt(1 + gamma) H^{3/2} / (2 gamma)``, a factor ``sqrt(H)``
    below the sum of worst cases ``H max sigma``.

    Assumptions:

    - Rewards lie in an interval of length ``reward_range`` and are a function of the state and action.
    - ``pi`` is deterministic.

    Parameters
    ----------
    gamma : float, in (0, 1)
        Discount factor.
    reward_range : float, at least 0
        Length of the interval of rewards.

    Returns
    -------
    BoundValue
        Vacuous if not below ``H`` times the largest possible deviation, ``reward_range H / 2``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``(1 - gamma) (I - gamma P)^{-1}`` averages, so ``(I - gamma P)^{-1} sigma <= sqrt(H (I - gamma P)^{-1} sigma^2)``
    by Jensen. With ``x = (I - gamma^2 P)^{-1} sigma^2``, ``(I - gamma P)^{-1} sigma^2 = ((1 - gamma) (I - gamma
    P)^{-1} + gamma) x <= (1 + gamma) max x``, and ``max x <= H^2 / (4 gamma^2)`` by `return_variance`.

    References
    ----------
    .. [1] M. G. Azar, R. Munos, H. J. Kappen, "Minimax PAC bounds on the sample complexity of reinforcement learning
       with a generative model", *Machine Learning* 91, 2013 (total variance; the constant is proved in the
       notes).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.accumulated_deviation(gamma=0.9), 3), round(bounds.accumulated_deviation(gamma=0.95), 3)
    (24.216, 65.737)
    """
    gamma, width = check_positive(check_discount(gamma), "gamma"), check_number(reward_range, "reward_range")
    horizon = 1.0 / (1.0 - gamma)
    value = width * math.sqrt(1.0 + gamma) * horizon**1.5 / (2.0 * gamma)
    return judged(value, width * horizon**2 / 2.0, "no deviation exceeds half the range of the values")
