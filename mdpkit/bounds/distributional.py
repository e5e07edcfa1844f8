"""Laws of the return: contraction, truncation, and what a wrong law does to a risk measure."""

from __future__ import annotations

from types import MappingProxyType

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_between, check_discount, check_number, check_positive
from mdpkit.bounds._bound import BoundValue, judged, theorem
from mdpkit.errors import UnknownOptionError

__all__ = ["cvar_lipschitz", "distributional_contraction", "erm_truncation_error", "return_truncation_error"]

CONTRACTION_POWERS = MappingProxyType({"wasserstein": 1.0, "cramer": 0.5})
"""Power of the discount by which the distributional Bellman operator contracts a distance, the largest over states."""


@theorem("always")
def distributional_contraction(*, gamma: float, distance: float, metric: str = "wasserstein") -> BoundValue:
    r"""Contraction of the distributional Bellman operator of a policy.

    ``max_s d((T_pi eta)(s), (T_pi eta')(s)) <= gamma^a max_s d(eta(s), eta'(s))`` with ``a = 1`` for the Wasserstein
    distances ``W_p``, ``1 <= p <= inf``, and ``a = 1/2`` for the Cramér distance, the ``L2`` distance of two cdfs.

    Assumptions:

    - Both distances on the right are finite.
    - For the Cramér distance, rewards are scalars.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    distance : float, at least 0
        ``max_s d(eta(s), eta'(s))``.
    metric : {"wasserstein", "cramer"}
        Which distance.

    Returns
    -------
    BoundValue
        ``gamma * distance`` or ``sqrt(gamma) * distance``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    Scaling by ``gamma`` scales the distance by ``gamma^a``, shifts leave it alone, and mixtures do not increase the
    largest of the distances that are mixed. Equality for one state and a certain reward. The greatest distance of two
    cdfs does not contract, nor do distances that divide by the spread.

    References
    ----------
    .. [1] M. G. Bellemare, W. Dabney, M. Rowland, *Distributional Reinforcement Learning*, MIT Press, 2023, chapter 4.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.distributional_contraction(gamma=0.25, distance=2)
    0.5
    >>> bounds.distributional_contraction(gamma=0.25, distance=2, metric="cramer")
    1.0
    """
    if not isinstance(metric, str) or metric not in CONTRACTION_POWERS:
        known = ", ".join(CONTRACTION_POWERS)
        raise UnknownOptionError(f"metric must be one of {known}, found {metric!r}", argument="metric")
    return BoundValue(check_discount(gamma) ** CONTRACTION_POWERS[metric] * check_number(distance, "distance"))


@theorem("always")
def return_truncation_error(*, gamma: float, horizon: int, reward_max: float, lipschitz: float = 1.0) -> BoundValue:
    r"""Error of a return law that is cut off at a horizon.

    ``W_p(law of G_H, law of G) <= gamma^H max |R| / (1 - gamma)`` for every policy and every ``p``, infinity included;
    an ``L``-Lipschitz functional of the law, and its supremum over policies, changes by at most ``L`` times that.

    Assumptions:

    - ``G_H`` and ``G`` are returns of one policy, ``H`` steps long and for ever.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    horizon : int, at least 0
        ``H``.
    reward_max : float, at least 0
        Largest absolute reward.
    lipschitz : float, at least 0, default 1
        ``L`` in ``W1``; 1 for the distance itself and for the mean, ``1 / tau`` for CVaR.

    Returns
    -------
    BoundValue
        ``lipschitz * gamma**horizon * reward_max / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``|G - G_H| <= sum_{t >= H} gamma^t max |R|`` on every path. Equality if every reward is the largest. A policy that
    is optimal for ``H`` steps and does anything afterwards loses twice the bound at most.

    References
    ----------
    .. [1] N. Bäuerle, J. Ott, "Markov decision processes with average-value-at-risk criteria", *Mathematical Methods of
       Operations Research* 74, 2011 (truncation of the horizon).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.return_truncation_error(gamma=0.5, horizon=3, reward_max=1)
    0.25
    """
    gamma, H = check_discount(gamma), check_count(horizon, "horizon", least=0)
    rest = gamma**H * check_number(reward_max, "reward_max") / (1.0 - gamma)
    return BoundValue(check_number(lipschitz, "lipschitz") * rest)


@theorem("always")
def erm_truncation_error(*, gamma: float, b: float, horizon: int, value_range: float) -> BoundValue:
    r"""Error of the entropic risk recursion that ends in mean-optimal values.

    ``ERM*_b <= v_0 <= ERM*_b + b gamma^(2 T) (max G - min G)^2 / 8`` for ``v_t = max_a ERM_{b gamma^t}(R + gamma
    v_{t+1}(S'))`` with ``v_T`` the optimal expected return; and the policy of this recursion, mean-optimal from step
    ``T`` on, loses no more than that.

    Assumptions:

    - All returns lie in one interval of length ``max G - min G``.
    - ``v_T`` is exact.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    b : float, above 0
        Risk aversion: ``ERM_b(X) = -log(E exp(-b X)) / b``.
    horizon : int, at least 0
        ``T``.
    value_range : float, at least 0
        ``max G - min G``.

    Returns
    -------
    BoundValue
        ``b * gamma**(2 * horizon) * value_range**2 / 8``; vacuous if no better than the range.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    Hoeffding's lemma: ``0 <= E X - ERM_b(X) <= b (max X - min X)^2 / 8``. At step ``T`` the risk aversion is ``b
    gamma^T``, and an error made there is discounted by ``gamma^T``. The policy has the risk ``v_0`` less the bound at
    least. Nearly attained at ``T = 0`` by a fair coin and small ``b``.

    References
    ----------
    .. [1] J. L. Hau, M. Petrik, M. Ghavamzadeh, "Entropic risk optimization in discounted MDPs", AISTATS 2023.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.erm_truncation_error(gamma=0.5, b=2, horizon=2, value_range=4)
    0.25
    """
    gamma, risk = check_discount(gamma), check_positive(b, "b")
    T, width = check_count(horizon, "horizon", least=0), check_number(value_range, "value_range")
    return judged(risk * gamma ** (2 * T) * width**2 / 8.0, width, "no two returns are further apart")


@theorem("always")
def cvar_lipschitz(*, tau: float, distance: float) -> BoundValue:
    r"""Sensitivity of CVaR to the law of the return.

    ``|CVaR_tau(nu) - CVaR_tau(nu')| <= W1(nu, nu') / tau``, for the lower and for the upper tail.

    Assumptions:

    - Both laws have a mean.

    Parameters
    ----------
    tau : float, in (0, 1]
        Level; 1 is the mean.
    distance : float, at least 0
        ``W1(nu, nu')``.

    Returns
    -------
    BoundValue
        ``distance / tau``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``CVaR_tau`` is the mean of the quantile function over ``[0, tau]``, and ``W1`` the integral of the difference of
    two. Equality if only the lowest mass ``tau`` moves, all of it in one direction.

    References
    ----------
    .. [1] R. T. Rockafellar, S. Uryasev, "Optimization of conditional value-at-risk", *Journal of Risk* 2, 2000
       (variational form, whose integrand is ``1 / tau``-Lipschitz).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.cvar_lipschitz(tau=0.25, distance=0.5)
    2.0
    """
    level = check_between(check_positive(tau, "tau"), "tau", 0.0, 1.0)
    return BoundValue(check_number(distance, "distance") / level)
