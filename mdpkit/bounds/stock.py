"""Stock-augmented distributional dynamic programming: how fast it converges, and what its greedy policies lose."""

from __future__ import annotations

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_discount, check_number
from mdpkit.bounds._bound import BoundValue, judged, theorem
from mdpkit.bounds.policies import greedy_policy_loss
from mdpkit.bounds.value_iteration import value_iteration_a_posteriori

__all__ = [
    "distributional_policy_iteration_error",
    "distributional_value_iteration_error",
    "stock_greedy_loss",
    "stock_greedy_loss_a_posteriori",
    "stock_greedy_loss_a_priori",
    "stock_value_iteration_a_posteriori",
]


@theorem("always")
def distributional_value_iteration_error(
    *, gamma: float, iterations: int, distance: float, lipschitz: float = 1.0
) -> BoundValue:
    r"""Error of distributional value iteration, known before it runs.

    ``|F eta_n - F*| <= L gamma^n D`` for every state and stock, ``F eta(s, c)`` the functional of the law of ``c + G``
    with ``G`` of law ``eta(s, c)``.

    Assumptions:

    - The functional is indifferent to mixtures, indifferent to ``gamma``, and ``L``-Lipschitz in ``W1``.
    - Every sweep applies the distributional Bellman operator of a greedy policy exactly.
    - ``D >= W1(eta_0(s, c), eta^pi(s, c))`` for all states, stocks and policies.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    iterations : int, at least 0
        Number of sweeps ``n``.
    distance : float, at least 0
        ``D``; for ``eta_0`` the point mass at 0, ``max |R| / (1 - gamma)`` will do.
    lipschitz : float, at least 0, default 1
        ``L``; for an expected utility the Lipschitz constant of the utility.

    Returns
    -------
    BoundValue
        ``lipschitz * gamma**iterations * distance``; vacuous while no better than the bound for ``eta_0``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    Greedy sweeps dominate those of any policy, so ``F eta_n >= F T_pi^n eta_0``, and ``T_pi^n`` contracts ``W1`` by
    ``gamma^n``. From above, ``eta_n`` differs from the law of the policy that generated it by ``gamma^n D`` at most.
    Equality for one state with reward 1 and the expectation. With a finite horizon ``H`` there is no error after ``H``
    sweeps, whether or not the functional is Lipschitz.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing return distributions with distributional dynamic programming", arXiv
       2501.13028, 2025; the constant by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.distributional_value_iteration_error(gamma=0.5, iterations=3, distance=2)
    0.25
    """
    gamma, n = check_discount(gamma), check_count(iterations, "iterations", least=0)
    start = check_number(lipschitz, "lipschitz") * check_number(distance, "distance")
    return judged(gamma**n * start, start, "no sweep has reduced the error of eta_0 yet")


@theorem("always")
def distributional_policy_iteration_error(
    *, gamma: float, iterations: int, distance: float, lipschitz: float = 1.0
) -> BoundValue:
    r"""Loss of the policies of distributional policy iteration.

    ``F eta^{pi_k} <= F eta^{pi_{k+1}}`` and ``F* - F eta^{pi_k} <= L gamma^k D`` for every state and stock, with
    ``pi_{k+1}`` greedy for the return laws ``eta^{pi_k}`` of ``pi_k``.

    Assumptions:

    - The functional is indifferent to mixtures, indifferent to ``gamma``, and ``L``-Lipschitz in ``W1``.
    - Policies are evaluated exactly.
    - ``D >= W1(eta^{pi_0}(s, c), eta*(s, c))`` for all states and stocks, ``eta*`` the laws of an optimal policy.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    iterations : int, at least 0
        Number of improvements ``k``.
    distance : float, at least 0
        ``D``; the range of the return will do.
    lipschitz : float, at least 0, default 1
        ``L``; for an expected utility the Lipschitz constant of the utility.

    Returns
    -------
    BoundValue
        ``lipschitz * gamma**iterations * distance``; vacuous while no better than the bound for ``pi_0``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``F eta^{pi_{k+1}} >= F T_{pi*} eta^{pi_k}``, hence ``F eta^{pi_k} >= F T_{pi*}^k eta^{pi_0}`` by monotonicity.
    Equality for the expectation and a corridor in which every state may stop for nothing, ``pi_0`` stops at once, and
    only the last state pays.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing return distributions with distributional dynamic programming", arXiv
       2501.13028, 2025; the constant by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.distributional_policy_iteration_error(gamma=0.5, iterations=3, distance=2, lipschitz=2)
    0.5
    """
    gamma, k = check_discount(gamma), check_count(iterations, "iterations", least=0)
    start = check_number(lipschitz, "lipschitz") * check_number(distance, "distance")
    return judged(gamma**k * start, start, "no improvement has reduced the loss of pi_0 yet")


@theorem("always")
def stock_value_iteration_a_posteriori(*, gamma: float, last_step: float) -> BoundValue:
    r"""Error of stock-augmented value iteration, from its last sweep.

    ``|V_{n+1} - V*| <= gamma / (1 - gamma) sup |V_{n+1} - V_n|`` for every state and stock, where
    ``V_{n+1}(s, c) = (B V_n)(s, c) = gamma max_a E V_n(S', (c + R) / gamma)``.

    Assumptions:

    - The objective is an expected utility with ``f(0) = 0`` and ``f(gamma x) = gamma f(x)``, and ``f`` is Lipschitz.
    - The supremum is over all states and stocks, and ``V_0 - f`` is bounded.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    last_step : float, at least 0
        ``sup |V_{n+1} - V_n|``.

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
    ``B`` has no reward term, the reward is in the stock; it is a ``gamma``-contraction of the functions at bounded
    distance from ``f``, so Banach's fixed-point theorem applies. Stocks whose future is known exactly (``c >= -min G``
    and ``c <= -max G`` for two-slope utilities) add nothing to the supremum.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing return distributions with distributional dynamic programming", arXiv
       2501.13028, 2025; the contraction by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.stock_value_iteration_a_posteriori(gamma=0.75, last_step=0.25)
    0.75
    """
    return value_iteration_a_posteriori(gamma=gamma, last_step=last_step)


@theorem("always")
def stock_greedy_loss(*, gamma: float, error: float) -> BoundValue:
    r"""Loss of the stock policy that is greedy for approximate values.

    If ``|V - V*| <= error`` for every state and stock, and ``pi(s, c)`` maximizes ``E V(S', (c + R) / gamma)``, then
    ``V* - V^pi <= 2 gamma error / (1 - gamma)``.

    Assumptions:

    - The objective is an expected utility with ``f(0) = 0`` and ``f(gamma x) = gamma f(x)``, and ``f`` is Lipschitz.
    - The policy looks ahead from the true stock, not from a grid point near it.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    error : float, at least 0
        ``sup |V - V*|`` over all states and stocks.

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
    The proof of `greedy_policy_loss` with the stock as part of the state. Attained by the example given there, whose
    utility is the identity.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing return distributions with distributional dynamic programming", arXiv
       2501.13028, 2025; S. P. Singh, R. C. Yee, *Machine Learning* 16, 1994, for the proof.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.stock_greedy_loss(gamma=0.5, error=0.25)
    0.5
    """
    return greedy_policy_loss(gamma=gamma, error=error)


@theorem("always")
def stock_greedy_loss_a_priori(*, gamma: float, iterations: int, distance: float, lipschitz: float = 1.0) -> BoundValue:
    r"""Loss of the greedy policy of distributional value iteration, known before it runs.

    If ``pi`` is greedy for ``eta_n``, then ``F* - F eta^pi <= 2 L gamma^(n + 1) D / (1 - gamma)`` for every state and
    stock.

    Assumptions:

    - The objective is an expected utility with ``f(gamma x) - f(0) = gamma (f(x) - f(0))``, ``f`` is ``L``-Lipschitz.
    - Every sweep applies the distributional Bellman operator of a greedy policy exactly.
    - ``D >= W1(eta_0(s, c), eta^pi(s, c))`` for all states, stocks and policies.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    iterations : int, at least 0
        Number of sweeps ``n``.
    distance : float, at least 0
        ``D``; for ``eta_0`` the point mass at 0, ``max |R| / (1 - gamma)`` will do.
    lipschitz : float, at least 0, default 1
        ``L``.

    Returns
    -------
    BoundValue
        ``2 * lipschitz * gamma**(iterations + 1) * distance / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    `distributional_value_iteration_error` in `stock_greedy_loss`. A Lipschitz utility is needed: for ``f(x) = 1{x >
    0}`` waiting for ever can be greedy for the optimal laws themselves, and worthless.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing return distributions with distributional dynamic programming", arXiv
       2501.13028, 2025; the constant by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.stock_greedy_loss_a_priori(gamma=0.5, iterations=3, distance=2)
    0.5
    """
    gamma, n = check_discount(gamma), check_count(iterations, "iterations", least=0)
    start = check_number(lipschitz, "lipschitz") * check_number(distance, "distance")
    return BoundValue(2.0 * gamma ** (n + 1) * start / (1.0 - gamma))


@theorem("always")
def stock_greedy_loss_a_posteriori(*, gamma: float, last_step: float) -> BoundValue:
    r"""Loss of the greedy policy of stock-augmented value iteration, from its last sweep.

    If ``pi`` is greedy for ``V_n`` and ``V_{n+1} = B V_n``, then ``V* - V^pi <= 2 gamma sup |V_{n+1} - V_n| / (1 -
    gamma)`` for every state and stock, ``B`` as in `stock_value_iteration_a_posteriori`.

    Assumptions:

    - The objective is an expected utility with ``f(0) = 0`` and ``f(gamma x) = gamma f(x)``, and ``f`` is Lipschitz.
    - The supremum is over all states and stocks, and ``V_0 - f`` is bounded.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    last_step : float, at least 0
        ``sup |V_{n+1} - V_n|``.

    Returns
    -------
    BoundValue
        ``2 * gamma * last_step / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    Both ``V*`` and ``V^pi`` are within ``gamma / (1 - gamma) sup |V_{n+1} - V_n|`` of ``V_{n+1} = B_pi V_n``.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing return distributions with distributional dynamic programming", arXiv
       2501.13028, 2025; the constant by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.stock_greedy_loss_a_posteriori(gamma=0.5, last_step=0.25)
    0.5
    """
    return greedy_policy_loss(gamma=gamma, error=check_number(last_step, "last_step"))
