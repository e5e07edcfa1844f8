"""What a policy loses when it is greedy for values that are only nearly right."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_discount, check_number, check_pair
from mdpkit.bounds._bound import BoundValue, judged, theorem

__all__ = [
    "approximate_policy_iteration_loss",
    "greedy_policy_loss",
    "greedy_policy_loss_from_q",
    "performance_difference",
    "politex_average_loss",
]


@theorem("always")
def greedy_policy_loss(*, gamma: float, error: float) -> BoundValue:
    r"""Loss of the policy that is greedy for an approximate value function.

    If ``max |V - V*| <= error`` and ``pi`` is greedy for ``V``, then
    ``max (V* - V^pi) <= 2 gamma error / (1 - gamma)``.

    Assumptions:

    - ``pi`` maximizes ``r + gamma P V`` with the true model.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    error : float, at least 0
        ``max |V - V*|``.

    Returns
    -------
    BoundValue
        ``2 * gamma * error / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``V* - T_pi V* <= T V - T_pi V + 2 gamma error = 2 gamma error``, so ``V* - V^pi = V* - T_pi V* + gamma P_pi (V* -
    V^pi) <= 2 gamma error / (1 - gamma)``. Attained if state 0 may stay for reward 0 or go to state 1, which pays ``2
    error`` for ever, with ``V = V* + error`` in state 0 and ``V* - error`` in state 1: both actions look alike, and
    staying loses ``2 gamma error / (1 - gamma)``.

    References
    ----------
    .. [1] S. P. Singh, R. C. Yee, "An upper bound on the loss from approximate optimal-value functions", *Machine
       Learning* 16, 1994 (main theorem).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.greedy_policy_loss(gamma=0.5, error=0.25)
    0.5
    """
    gamma = check_discount(gamma)
    return BoundValue(2.0 * gamma * check_number(error, "error") / (1.0 - gamma))


@theorem("always")
def greedy_policy_loss_from_q(*, gamma: float, error: float) -> BoundValue:
    r"""Loss of the policy that is greedy for approximate action values.

    If ``max |Q - Q*| <= error`` and ``pi(s)`` maximizes ``Q(s, .)``, then ``max (V* - V^pi) <= 2 error / (1 - gamma)``.

    Assumptions:

    - ``pi`` maximizes the approximate ``Q`` itself; no model is needed.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    error : float, at least 0
        ``max |Q - Q*|``.

    Returns
    -------
    BoundValue
        ``2 * error / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``V*(s) - Q*(s, pi(s)) <= Q(s, pi*(s)) - Q(s, pi(s)) + 2 error <= 2 error`` and ``V* - V^pi = V* - Q*(., pi) +
    gamma P_pi (V* - V^pi)``. Attained by one state with actions paying 0 and ``2 error``.

    References
    ----------
    .. [1] S. P. Singh, R. C. Yee, "An upper bound on the loss from approximate optimal-value functions", *Machine
       Learning* 16, 1994 (corollary for action values).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.greedy_policy_loss_from_q(gamma=0.5, error=0.1)
    0.4
    """
    return BoundValue(2.0 * check_number(error, "error") / (1.0 - check_discount(gamma)))


@theorem("identity")
def performance_difference(*, occupancy: ArrayLike, advantage: ArrayLike) -> BoundValue:
    r"""Performance-difference identity: how much better one policy is than another.

    ``mu V^pi' - mu V^pi = sum_{s,a} x'(s, a) A^pi(s, a)``, with ``x'`` the occupancy measure of ``pi'`` from ``mu``
    (not normalized: it sums to ``1 / (1 - gamma)``, or to ``H``) and ``A^pi = Q^pi - V^pi``.

    Assumptions:

    - The occupancy is that of the new policy and the advantage that of the old one, exactly, in one model.

    Parameters
    ----------
    occupancy : array_like
        Expected discounted visits ``x'``, for example of shape ``(S, A)`` or ``(H, S, A)``; nonnegative.
    advantage : array_like
        ``A^pi``, of the same shape.

    Returns
    -------
    BoundValue
        The right-hand side; the left one is exact policy evaluation.

    Raises
    ------
    InputError
        An entry is not finite, an occupancy is negative, or the shapes differ.

    Notes
    -----
    ``E' sum_t gamma^t (r_t + gamma V^pi(s_{t+1}) - V^pi(s_t))`` is the right-hand side, because each bracket has mean
    ``A^pi(s_t, a_t)``; the values of ``pi`` telescope to ``-mu V^pi`` and the rewards add up to ``mu V^pi'``.

    References
    ----------
    .. [1] S. Kakade, J. Langford, "Approximately optimal approximate reinforcement learning", ICML 2002, Lemma 6.1.

    Examples
    --------
    One state, discount 0.5: changing from the action that pays 0 to the one that pays 1 is worth 2.

    >>> from mdpkit import bounds
    >>> bounds.performance_difference(occupancy=[[0, 2]], advantage=[[0, 1]])
    2.0
    """
    x, gain = check_pair(occupancy, advantage, ("occupancy", "advantage"))
    if x.size and float(x.min()) < 0.0:
        check_number(float(x.min()), "occupancy")
    return BoundValue(float((x * gain).sum()))


@theorem("always")
def approximate_policy_iteration_loss(*, gamma: float, iterations: int, error: float) -> BoundValue:
    r"""Loss of approximate policy iteration.

    If every evaluation has ``max |qhat - q^pi| <= error`` and the next policy is greedy for it, then
    ``max (V* - V^{pi_k}) <= gamma^k H + 2 error H^2`` after ``k`` improvements, ``H = 1 / (1 - gamma)``.

    Assumptions:

    - Rewards lie in an interval of length 1, so that ``V* - V^{pi_0} <= H``.
    - Every evaluation is within ``error`` for all states and actions.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    iterations : int, at least 0
        Number of improvements ``k``.
    error : float, at least 0
        Largest error of an evaluation.

    Returns
    -------
    BoundValue
        Vacuous if at least ``H``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``T_pi' V^pi >= T V^pi - 2 error >= V^pi - 2 error`` for the greedy ``pi'``, hence ``V^pi' >= V^pi - 2 error H``
    and ``V^pi' = T_pi' V^pi' >= T V^pi - 2 error (1 + gamma H) = T V^pi - 2 error H``: the loss contracts by
    ``gamma`` up to ``2 error H`` per round.

    References
    ----------
    .. [1] T. Lattimore, C. Szepesvári, G. Weisz, "Learning with good feature representations in bandits and in RL with
       a generative model", ICML 2020, arXiv 1911.07676 (approximate policy iteration).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.approximate_policy_iteration_loss(gamma=0.5, iterations=2, error=0.125)
    1.5
    """
    gamma, k = check_discount(gamma), check_count(iterations, "iterations", least=0)
    horizon = 1.0 / (1.0 - gamma)
    value = gamma**k * horizon + 2.0 * check_number(error, "error") * horizon**2
    return judged(value, horizon, "no policy loses more than 1 / (1 - gamma)")


@theorem("always")
def politex_average_loss(*, gamma: float, iterations: int, n_actions: int, error: float = 0.0) -> BoundValue:
    r"""Average loss of Politex, the policies that weigh actions exponentially by summed action values.

    ``V* - (1/k) sum_{j<k} V^{pi_j} <= H^2 sqrt(log A / (2 k)) + 2 error H`` in every state, for
    ``pi_j`` proportional to ``exp(eta (qhat_0 + ... + qhat_{j-1}))`` with ``eta = sqrt(8 log A / k) / H``.

    Assumptions:

    - Rewards lie in an interval of length 1, and so do the ``qhat`` in one of length ``H = 1 / (1 - gamma)``.
    - Every evaluation has ``max |qhat_j - q^{pi_j}| <= error``.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    iterations : int, at least 1
        Number of policies ``k``, fixed in advance because ``eta`` uses it.
    n_actions : int, at least 1
        Number of actions ``A``.
    error : float, at least 0
        Largest error of an evaluation.

    Returns
    -------
    BoundValue
        Vacuous if at least ``H``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    By `performance_difference` the average loss is ``H`` times a mean, over the states ``pi*`` visits, of
    ``(1/k) sum_j <pi* - pi_j, q^{pi_j}>``. In each state exponential weights with gains in an interval of length ``H``
    have regret ``log A / eta + eta k H^2 / 8 = H sqrt(k log A / 2)``; replacing ``q`` by ``qhat`` costs ``2 error``.

    References
    ----------
    .. [1] Y. Abbasi-Yadkori et al., "POLITEX: regret bounds for policy iteration using expert prediction", ICML 2019;
       N. Cesa-Bianchi, G. Lugosi, *Prediction, Learning, and Games*, 2006, Theorem 2.2 (exponential weights).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.politex_average_loss(gamma=0.5, iterations=100, n_actions=2), 6)
    0.235482
    """
    horizon = 1.0 / (1.0 - check_discount(gamma))
    k, n_actions = check_count(iterations, "iterations"), check_count(n_actions, "n_actions")
    value = horizon**2 * math.sqrt(math.log(n_actions) / (2.0 * k)) + 2.0 * horizon * check_number(error, "error")
    return judged(value, horizon, "no policy loses more than 1 / (1 - gamma)")
