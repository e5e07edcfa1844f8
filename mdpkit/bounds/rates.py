"""Rates: how a quantity scales with the parameters, constants and logarithms left out; and a lower bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_between, check_discount, check_level, check_positive
from mdpkit.bounds._bound import BoundValue, theorem

__all__ = [
    "linear_mdp_query_lower_bound",
    "lsvi_ucb_rate",
    "plug_in_rate",
    "q_learning_ucb_rate",
    "tabular_mdvi_rate",
    "vwls_mdvi_rate",
    "wls_mdvi_rate",
]

TABULAR = MappingProxyType({"n_states": 1.0, "n_actions": 1.0, "horizon": 3.0, "eps": -2.0})
WLS = MappingProxyType({"d": 2.0, "horizon": 4.0, "eps": -2.0})
VWLS = MappingProxyType({"d": 2.0, "horizon": 3.0, "eps": -2.0})
LSVI_UCB = MappingProxyType({"d": 1.5, "horizon": 1.5, "steps": 0.5})
Q_LEARNING_UCB = MappingProxyType({"horizon": 2.0, "n_states": 0.5, "n_actions": 0.5, "steps": 0.5})
COUNTS = ("n_states", "n_actions", "d")


@theorem("rate", exponents=TABULAR)
def tabular_mdvi_rate(*, n_states: int, n_actions: int, horizon: float, eps: float) -> BoundValue:
    r"""Sample complexity of tabular MDVI.

    ``O~(S A H^3 / eps^2)`` samples in all make the non-stationary output of tabular MDVI ``eps``-optimal, ``H = 1 /
    (1 - gamma)``.

    Assumptions:

    - A generative model, rewards in ``[0, 1]``, ``alpha = gamma``.
    - ``eps`` is small enough (recalled: at most ``1 / sqrt(H)``).

    Parameters
    ----------
    n_states : int, at least 1
        ``S``.
    n_actions : int, at least 1
        ``A``.
    horizon : float, above 0
        ``H``, ``1 / (1 - gamma)``.
    eps : float, above 0
        Wanted error of the policy.

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
    .. [1] T. Kozuno et al., "KL-entropy-regularized RL with a generative model is minimax optimal", arXiv 2205.14211,
       2022 (main theorem).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.tabular_mdvi_rate(n_states=5, n_actions=2, horizon=10, eps=0.5)
    40000.0
    """
    return _scaling(TABULAR, n_states=n_states, n_actions=n_actions, horizon=horizon, eps=eps)


@theorem("rate", exponents=TABULAR)
def plug_in_rate(*, n_states: int, n_actions: int, horizon: float, eps: float) -> BoundValue:
    r"""Sample complexity of planning in the empirical model.

    ``O~(S A H^3 / eps^2)`` samples in all make ``max |Qhat* - Q*| <= eps``, ``H = 1 / (1 - gamma)``; no method needs
    fewer in order.

    Assumptions:

    - A generative model, rewards in ``[0, 1]``, the same number of samples for every pair.
    - ``eps`` is small enough (at most 1 will do).

    Parameters
    ----------
    n_states : int, at least 1
        ``S``.
    n_actions : int, at least 1
        ``A``.
    horizon : float, above 0
        ``H``, ``1 / (1 - gamma)``.
    eps : float, above 0
        Wanted error of the policy.

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
    .. [1] M. G. Azar, R. Munos, H. J. Kappen, *Machine Learning* 91, 2013, Theorem 1 and Theorem 3 (lower bound).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.plug_in_rate(n_states=5, n_actions=2, horizon=10, eps=0.5)
    40000.0
    """
    return _scaling(TABULAR, n_states=n_states, n_actions=n_actions, horizon=horizon, eps=eps)


@theorem("rate", exponents=WLS)
def wls_mdvi_rate(*, d: int, horizon: float, eps: float) -> BoundValue:
    r"""Sample complexity of least-squares MDVI without variance weights.

    ``O~(d^2 H^4 / eps^2)`` samples in all make the non-stationary output of WLS-MDVI with equal weights
    ``eps``-optimal.

    Assumptions:

    - A linear MDP with a generative model, rewards in ``[0, 1]``, ``alpha = gamma``, a G-optimal design of ``O~(d)``
      points.
    - ``eps`` lies in ``(0, 1 / H]`` (recalled).

    Parameters
    ----------
    d : int, at least 1
        Number of features.
    horizon : float, above 0
        ``H``, ``1 / (1 - gamma)``.
    eps : float, above 0
        Wanted error of the policy.

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
    .. [1] T. Kitamura et al., "Regularization and variance-weighted regression achieves minimax optimality in linear
       MDPs", ICML 2023, arXiv 2305.13185.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.wls_mdvi_rate(d=4, horizon=10, eps=0.5)
    640000.0
    """
    return _scaling(WLS, d=d, horizon=horizon, eps=eps)


@theorem("rate", exponents=VWLS)
def vwls_mdvi_rate(*, d: int, horizon: float, eps: float) -> BoundValue:
    r"""Sample complexity of variance-weighted least-squares MDVI.

    ``O~(d^2 H^3 / eps^2)`` samples in all make the non-stationary output of VWLS-MDVI ``eps``-optimal; no method
    needs fewer in order.

    Assumptions:

    - A linear MDP with a generative model, rewards in ``[0, 1]``, ``alpha = gamma``, a weighted G-optimal design.
    - ``eps`` lies in ``(0, 1 / H]`` (recalled).

    Parameters
    ----------
    d : int, at least 1
        Number of features.
    horizon : float, above 0
        ``H``, ``1 / (1 - gamma)``.
    eps : float, above 0
        Wanted error of the policy.

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
    .. [1] T. Kitamura et al., ICML 2023, arXiv 2305.13185 (upper bound); G. Weisz et al., arXiv 2210.15755, 2022
       (lower bound).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.vwls_mdvi_rate(d=4, horizon=10, eps=0.5)
    64000.0
    """
    return _scaling(VWLS, d=d, horizon=horizon, eps=eps)


@theorem("rate", exponents=LSVI_UCB)
def lsvi_ucb_rate(*, d: int, horizon: float, steps: float) -> BoundValue:
    r"""Regret of LSVI-UCB.

    With high probability the regret is ``O~(sqrt(d^3 H^3 T))``.

    Assumptions:

    - An episodic linear MDP with horizon ``H``, rewards in ``[0, 1]``, features of norm at most 1.
    - The bonus is ``c d H sqrt(log(2 d T / p))`` for an absolute constant ``c`` the paper does not state.

    Parameters
    ----------
    d : int, at least 1
        Number of features.
    horizon : float, above 0
        ``H``.
    steps : float, above 0
        ``T``, episodes times horizon.

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
    .. [1] C. Jin, Z. Yang, Z. Wang, M. I. Jordan, "Provably efficient reinforcement learning with linear function
       approximation", COLT 2020, arXiv 1907.05388, Theorem 3.1.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.lsvi_ucb_rate(d=4, horizon=4, steps=100)
    640.0
    """
    return _scaling(LSVI_UCB, d=d, horizon=horizon, steps=steps)


@theorem("rate", exponents=Q_LEARNING_UCB)
def q_learning_ucb_rate(*, n_states: int, n_actions: int, horizon: float, steps: float) -> BoundValue:
    r"""Regret of Q-learning with Hoeffding bonuses.

    With high probability the regret is ``O~(sqrt(H^4 S A T))``.

    Assumptions:

    - An episodic MDP with horizon ``H`` and rewards in ``[0, 1]``.
    - The bonus is ``c sqrt(H^3 log(S A T / p) / t)`` for an absolute constant ``c`` the paper does not state.

    Parameters
    ----------
    n_states : int, at least 1
        ``S``.
    n_actions : int, at least 1
        ``A``.
    horizon : float, above 0
        ``H``.
    steps : float, above 0
        ``T``, episodes times horizon.

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
    .. [1] C. Jin, Z. Allen-Zhu, S. Bubeck, M. I. Jordan, "Is Q-learning provably efficient?", NeurIPS 2018, arXiv
       1807.03765, Theorem 1.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.q_learning_ucb_rate(n_states=5, n_actions=5, horizon=10, steps=100)
    5000.0
    """
    return _scaling(Q_LEARNING_UCB, n_states=n_states, n_actions=n_actions, horizon=horizon, steps=steps)


@theorem("always")
def linear_mdp_query_lower_bound(*, gamma: float, d: int, eps: float, delta: float) -> BoundValue:
    r"""Lower bound of the queries that any planner needs in some linear MDP.

    Any planner whose policy is ``eps``-optimal with probability at least ``1 - delta`` on every instance of the
    hypercube class needs, on one of them, at least ``(d - 2)^2 / (5 Delta^2 H) log(1 / (1 - (1/2 - 2 delta)^2))``
    expected queries, ``Delta = 4 (1 + gamma)^2 eps / (gamma H^2)``.

    Assumptions:

    - The class has features in ``d`` dimensions, action vectors ``{-1, 1}^{d-2} / sqrt(d - 2)``, and a generative
      model.
    - ``delta <= 0.08``, ``7/12 <= gamma < 1``, ``d >= 3`` and ``eps <= 0.05 gamma H / (1 + gamma)^2``.

    Parameters
    ----------
    gamma : float, in [7/12, 1)
        Discount factor.
    d : int, at least 3
        Number of features.
    eps : float, in (0, 0.05 gamma H / (1 + gamma)^2]
        Wanted error.
    delta : float, in (0, 0.08]
        Failure probability.

    Returns
    -------
    BoundValue
        A lower bound; above 1 in the whole range, so never vacuous.

    Raises
    ------
    InputError
        An argument is outside the range for which the theorem is proved.

    Notes
    -----
    Of order ``d^2 H^3 / eps^2``, what `vwls_mdvi_rate` attains. The constants follow the proof of the paper.

    References
    ----------
    .. [1] G. Weisz, A. György, T. Kozuno, C. Szepesvári, "Confident approximate policy iteration for efficient local
       planning in q^pi-realizable MDPs", NeurIPS 2022, arXiv 2210.15755 (lower bound).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.linear_mdp_query_lower_bound(gamma=0.9, d=4, eps=0.1, delta=0.05), 3)
    54.184
    """
    gamma, d = check_discount(gamma), check_count(d, "d", least=3)
    # 7/12 itself is allowed, whichever way it was rounded.
    check_between(gamma, "gamma", 7.0 / 12.0 - 1e-15, 1.0)
    horizon = 1.0 / (1.0 - gamma)
    eps = check_between(check_positive(eps, "eps"), "eps", 0.0, 0.05 * gamma * horizon / (1.0 + gamma) ** 2)
    delta = check_between(check_level(delta), "delta", 0.0, 0.08)
    gap = 4.0 * (1.0 + gamma) ** 2 * eps / (gamma * horizon**2)
    queries = (d - 2) ** 2 / (5.0 * gap**2 * horizon) * -math.log1p(-((0.5 - 2.0 * delta) ** 2))
    return BoundValue(queries)


def _scaling(exponents: Mapping[str, float], **parameters: float) -> BoundValue:
    for name, value in parameters.items():
        check_count(value, name) if name in COUNTS else check_positive(value, name)
    return BoundValue(math.prod(parameters[name] ** power for name, power in exponents.items()))
