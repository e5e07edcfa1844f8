"""Regret of optimistic episodic learners and loss of pessimistic offline ones."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from mdpkit._arguments import check_count
from mdpkit.bounds._arguments import check_level, check_number, check_pair
from mdpkit.bounds._bound import BoundValue, judged, theorem

__all__ = ["pevi_suboptimality", "ucbvi_bernstein_regret", "ucbvi_regret"]

ALL_LOST = "no learner loses more than the whole reward, episodes times horizon"


@theorem("probability")
def ucbvi_regret(*, n_states: int, n_actions: int, horizon: int, episodes: int, delta: float) -> BoundValue:
    r"""Regret of UCBVI with the Chernoff-Hoeffding bonus.

    With probability at least ``1 - delta`` the regret of ``K`` episodes is at most
    ``20 H^{3/2} L sqrt(S A K) + 250 H^2 S^2 A L^2``, ``L = log(5 S A K H / delta)``.

    Assumptions:

    - Horizon ``H``, the same kernel at every step, known rewards in ``[0, 1]``.
    - The bonus is ``7 H L / sqrt(N)``, unscaled.

    Parameters
    ----------
    n_states, n_actions : int, at least 1
        ``S`` and ``A``.
    horizon : int, at least 1
        ``H``.
    episodes : int, at least 1
        ``K``; the number of steps is ``T = K H``, and it is this that enters ``L``.
    delta : float, in (0, 1)
        Failure probability.

    Returns
    -------
    BoundValue
        Vacuous if at least ``K H``; it is, for anything that fits a laptop.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The constants are those of the paper, quoted and not proved here.

    References
    ----------
    .. [1] M. G. Azar, I. Osband, R. Munos, "Minimax regret bounds for reinforcement learning", ICML 2017,
       arXiv 1703.05449, Theorem 1.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> value = bounds.ucbvi_regret(n_states=5, n_actions=3, horizon=10, episodes=1000, delta=0.05)
    >>> round(value, 2), value.vacuous
    (513207522.31, True)
    """
    S, A, H, K, L = _ucbvi(n_states, n_actions, horizon, episodes, delta)
    value = 20.0 * H**1.5 * L * math.sqrt(S * A * K) + 250.0 * H**2 * S**2 * A * L**2
    return judged(value, float(K * H), ALL_LOST)


@theorem("probability")
def ucbvi_bernstein_regret(*, n_states: int, n_actions: int, horizon: int, episodes: int, delta: float) -> BoundValue:
    r"""Regret of UCBVI with the Bernstein-Freedman bonus.

    With probability at least ``1 - delta`` the regret of ``K`` episodes is at most
    ``30 H L sqrt(S A K) + 2500 H^2 S^2 A L^2 + 4 H^{3/2} sqrt(K L)``, ``L = log(5 S A K H / delta)``.

    Assumptions:

    - Horizon ``H``, the same kernel at every step, known rewards in ``[0, 1]``.
    - The bonus is the paper's, with its correction by the visits of the next step, unscaled.

    Parameters
    ----------
    n_states, n_actions : int, at least 1
        ``S`` and ``A``.
    horizon : int, at least 1
        ``H``.
    episodes : int, at least 1
        ``K``.
    delta : float, in (0, 1)
        Failure probability.

    Returns
    -------
    BoundValue
        Vacuous if at least ``K H``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    The constants are those of the paper, quoted and not proved here.

    References
    ----------
    .. [1] M. G. Azar, I. Osband, R. Munos, "Minimax regret bounds for reinforcement learning", ICML 2017,
       arXiv 1703.05449, Theorem 2.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.ucbvi_bernstein_regret(n_states=5, n_actions=3, horizon=10, episodes=1000, delta=0.05).vacuous
    True
    """
    S, A, H, K, L = _ucbvi(n_states, n_actions, horizon, episodes, delta)
    value = 30.0 * H * L * math.sqrt(S * A * K) + 2500.0 * H**2 * S**2 * A * L**2 + 4.0 * H**1.5 * math.sqrt(K * L)
    return judged(value, float(K * H), ALL_LOST)


@theorem("always")
def pevi_suboptimality(*, occupancy: ArrayLike, penalty: ArrayLike, horizon: float | None = None) -> BoundValue:
    r"""Loss of pessimistic value iteration (PEVI) on logged data.

    ``0 <= V*_1 - V^pi_1 <= 2 sum_h E_{pi*}[Gamma_h(s_h, a_h)]``.

    Assumptions:

    - The penalty is an uncertainty quantifier: ``|(T_h V_{h+1} - That_h V_{h+1})(s, a)| <= Gamma_h(s, a)`` for all
      steps, states and actions, with the ``V_{h+1}`` of the algorithm.
    - ``occupancy`` is that of an optimal policy in the true model.

    Parameters
    ----------
    occupancy : array_like
        Probabilities ``Pr(s_h = s, a_h = a)`` under the optimal policy, for example of shape ``(H, S, A)``.
    penalty : array_like
        ``Gamma_h(s, a)``, of the same shape.
    horizon : float, at least 0, optional
        ``H``; only to tell whether the value is vacuous (rewards in [0, 1]).

    Returns
    -------
    BoundValue
        Vacuous if at least ``horizon``.

    Raises
    ------
    InputError
        An entry is not finite or negative, or the shapes differ.

    Notes
    -----
    The estimate ``Qhat = That V - Gamma`` is below ``T V`` by at most ``2 Gamma`` and never above it: the first makes
    the estimate of ``pi*``'s value at most the stated sum too low, the second makes the value of ``pi`` no lower than
    its estimate.

    References
    ----------
    .. [1] Y. Jin, Z. Yang, Z. Wang, "Is pessimism provably efficient for offline RL?", ICML 2021, arXiv 2012.15085,
       Theorem 4.2.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.pevi_suboptimality(occupancy=[[0.5, 0.5], [1, 0]], penalty=[[0.1, 0.3], [0.05, 1]])
    0.5
    """
    x, gamma_h = check_pair(occupancy, penalty, ("occupancy", "penalty"))
    for array, argument in ((x, "occupancy"), (gamma_h, "penalty")):
        check_number(float(array.min()) if array.size else 0.0, argument)
    trivial = None if horizon is None else check_number(horizon, "horizon")
    return judged(2.0 * float((x * gamma_h).sum()), trivial, "no policy loses more than the horizon")


def _ucbvi(
    n_states: int, n_actions: int, horizon: int, episodes: int, delta: float
) -> tuple[int, int, int, int, float]:
    S, A = check_count(n_states, "n_states"), check_count(n_actions, "n_actions")
    H, K = check_count(horizon, "horizon"), check_count(episodes, "episodes")
    return S, A, H, K, math.log(5.0 * S * A * K * H / check_level(delta))
