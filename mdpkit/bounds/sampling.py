"""Planning from a generative model: how wrong the answers are, by the number of samples per pair."""

from __future__ import annotations

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_discount, check_level, check_number
from mdpkit.bounds._bound import BoundValue, judged, theorem
from mdpkit.bounds.concentration import hoeffding_model_error

__all__ = [
    "plug_in_error",
    "plug_in_policy_loss",
    "sampled_value_iteration_error",
    "sampled_value_iteration_policy_loss",
]


@theorem("probability")
def plug_in_error(*, gamma: float, n: int, n_pairs: int, delta: float, reward_range: float = 1.0) -> BoundValue:
    r"""Error of planning in the empirical model.

    With probability at least ``1 - delta``, ``max |Qhat* - Q*| <= gamma reward_range H^2 sqrt(log(2 S A / delta) / (2
    n))`` with ``H = 1 / (1 - gamma)`` and ``Qhat*`` the exact solution of the empirical model.

    Assumptions:

    - Every state-action pair has ``n`` independent next states, ``n`` fixed in advance.
    - Expected rewards are known and lie in an interval of length ``reward_range``.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    n : int, at least 1
        Samples per pair.
    n_pairs : int, at least 1
        Number of pairs, ``S A``.
    delta : float, in (0, 1)
        Failure probability.
    reward_range : float, at least 0
        Length of the interval of rewards.

    Returns
    -------
    BoundValue
        Vacuous if at least ``gamma reward_range H``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``Qhat* - Q* = That Qhat* - That Q* + That Q* - T Q*``, so ``(1 - gamma) max |Qhat* - Q*| <= gamma max |(Phat - P)
    V*|``. ``V*`` does not depend on the samples and has span at most ``reward_range H``: `hoeffding_model_error`.
    (The rate is right in ``n`` and too large in ``H``: a finer analysis has ``H^{3/2}``, see `plug_in_rate`.) Trivial
    is ``gamma reward_range H``, because both sides are ``r`` plus ``gamma`` times a mean of values in one interval of
    that length.

    References
    ----------
    .. [1] M. G. Azar, R. Munos, H. J. Kappen, "Minimax PAC bounds on the sample complexity of reinforcement learning
       with a generative model", *Machine Learning* 91, 2013 (their first, crude bound; the constant is
       proved in the notes).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.plug_in_error(gamma=0.9, n=10_000, n_pairs=20, delta=0.1), 4)
    1.5577
    """
    gamma = check_discount(gamma)
    width = check_number(reward_range, "reward_range") / (1.0 - gamma)
    model_error = hoeffding_model_error(n=n, delta=delta, value_range=width, n_pairs=n_pairs)
    return judged(gamma / (1.0 - gamma) * model_error, gamma * width, "no two kernels are further apart")


@theorem("probability")
def plug_in_policy_loss(*, gamma: float, n: int, n_pairs: int, delta: float, reward_range: float = 1.0) -> BoundValue:
    r"""Loss of the policy that is optimal in the empirical model.

    With probability at least ``1 - delta``, ``max (V* - V^pi) <= 2 gamma reward_range H^3 sqrt(log(2 S A / delta) /
    (2 n))`` for ``pi`` greedy for ``Qhat*``.

    Assumptions:

    - Every state-action pair has ``n`` independent next states, ``n`` fixed in advance.
    - Expected rewards are known and lie in an interval of length ``reward_range``.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    n : int, at least 1
        Samples per pair.
    n_pairs : int, at least 1
        Number of pairs, ``S A``.
    delta : float, in (0, 1)
        Failure probability.
    reward_range : float, at least 0
        Length of the interval of rewards.

    Returns
    -------
    BoundValue
        Vacuous if at least ``reward_range H``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    `plug_in_error` and `greedy_policy_loss_from_q`.

    References
    ----------
    .. [1] M. G. Azar, R. Munos, H. J. Kappen, *Machine Learning* 91, 2013, with S. P. Singh, R. C. Yee, *Machine
       Learning* 16, 1994 (corollary for action values).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.plug_in_policy_loss(gamma=0.5, n=10_000, n_pairs=20, delta=0.1), 4)
    0.1385
    """
    error = plug_in_error(gamma=gamma, n=n, n_pairs=n_pairs, delta=delta, reward_range=reward_range)
    width = reward_range / (1.0 - gamma)
    return judged(2.0 * error / (1.0 - gamma), width, "no policy loses more than the range of the values")


@theorem("probability")
def sampled_value_iteration_error(*, gamma: float, iterations: int, n: int, n_pairs: int, delta: float) -> BoundValue:
    r"""Error of sampled value iteration (phased Q-learning).

    With probability at least ``1 - delta``, ``max |q_K - Q*| <= gamma^K H + gamma H^2 sqrt(log(2 S A K / delta) / (2
    n))`` for ``q_{k+1} = r + gamma Phat_k max_a q_k`` from ``q_0 = 0``, ``H = 1 / (1 - gamma)``.

    Assumptions:

    - Rewards are known and lie in ``[0, 1]``.
    - Each of the ``K`` iterations draws ``n`` fresh independent next states for every pair.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    iterations : int, at least 1
        ``K``.
    n : int, at least 1
        Samples per pair and iteration.
    n_pairs : int, at least 1
        Number of pairs, ``S A``.
    delta : float, in (0, 1)
        Failure probability.

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
    ``max |q_{k+1} - Q*| <= gamma max |q_k - Q*| + gamma max |(Phat_k - P) v_k|``; ``v_k`` lies in ``[0, H]`` and is
    independent of the fresh samples, so `hoeffding_model_error` with ``delta / K`` bounds the noise of one iteration,
    and ``1 + gamma + ... <= H`` the sum. ``q_0`` is within ``H`` of ``Q*``.

    References
    ----------
    .. [1] M. Kearns, S. Singh, "Finite-sample convergence rates for Q-learning and indirect algorithms", NeurIPS 1998
       (phased Q-learning; the constants are proved in the notes).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.sampled_value_iteration_error(gamma=0.5, iterations=20, n=1000, n_pairs=20, delta=0.1), 4)
    0.1341
    """
    gamma, count = check_discount(gamma), check_count(iterations, "iterations")
    horizon, share = 1.0 / (1.0 - gamma), check_level(delta) / count
    noise = hoeffding_model_error(n=n, delta=share, value_range=horizon, n_pairs=n_pairs)
    value = gamma**count * horizon + gamma * horizon * noise
    return judged(value, horizon, "q_K and Q* both lie in an interval of length 1 / (1 - gamma)")


@theorem("probability")
def sampled_value_iteration_policy_loss(
    *, gamma: float, iterations: int, n: int, n_pairs: int, delta: float
) -> BoundValue:
    r"""Loss of the policy that is greedy after sampled value iteration.

    With probability at least ``1 - delta``, ``max (V* - V^pi) <= 2 H`` times `sampled_value_iteration_error`.

    Assumptions:

    - Rewards are known and lie in ``[0, 1]``.
    - Each of the ``K`` iterations draws ``n`` fresh independent next states for every pair.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    iterations : int, at least 1
        ``K``.
    n : int, at least 1
        Samples per pair and iteration.
    n_pairs : int, at least 1
        Number of pairs, ``S A``.
    delta : float, in (0, 1)
        Failure probability.

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
    `sampled_value_iteration_error` and `greedy_policy_loss_from_q`.

    References
    ----------
    .. [1] M. Kearns, S. Singh, NeurIPS 1998, with S. P. Singh, R. C. Yee, *Machine Learning* 16, 1994 (corollary for
       action values).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> round(bounds.sampled_value_iteration_policy_loss(gamma=0.5, iterations=20, n=1000, n_pairs=20, delta=0.1), 4)
    0.5363
    """
    error = sampled_value_iteration_error(gamma=gamma, iterations=iterations, n=n, n_pairs=n_pairs, delta=delta)
    horizon = 1.0 / (1.0 - gamma)
    return judged(2.0 * horizon * error, horizon, "no policy loses more than 1 / (1 - gamma)")
