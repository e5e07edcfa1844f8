"""Small robust problems with closed forms: what a set costs, when to randomize, and where methods fail."""

from __future__ import annotations

import numpy as np

from mdpkit._arguments import check_count
from mdpkit.errors import InputError
from mdpkit.models import FiniteSet, L1Ball, RobustMDP, TabularMDP
from mdpkit.problems._arguments import check_number

__all__ = [
    "coin",
    "iwocs_stall",
    "modular",
    "shared_budget",
    "undamped_cycle",
]


def coin(*, gamma: float | None = 0.9) -> TabularMDP:
    r"""Coin: enter state 0 for 1 or state 1 for 2, each with probability one half, whatever happened before.

    Parameters
    ----------
    gamma : float, optional
        Discount factor; None for the undiscounted model.

    Returns
    -------
    TabularMDP
        Two states, one action, rewards that depend on the successor.

    Notes
    -----
    Every uncertainty set has a closed form here: values are constant, :math:`V = (2 - p)/(1 - \gamma)` with ``p`` the
    worst probability of state 0 (at most 1):

    ===================  =============================================  ==========================
    set                  p                                              V at :math:`\gamma = 0.9`
    ===================  =============================================  ==========================
    L1                   :math:`1/2 + \kappa/2`                         12.5 for 0.5, 10 for 1
    L2                   :math:`1/2 + \kappa/\sqrt 2`                   13.585786437627 for 0.2
    L-infinity           :math:`1/2 + \kappa`                           13 for 0.2
    contamination        :math:`1/2 + \varepsilon/2`                    14 for 0.2
    CVaR                 :math:`1/(2\alpha)`                            90/7 for 0.7
    chi-square           :math:`(1 + \sqrt\kappa)/2`                    12.7639320225002 for 0.2
    reverse KL           :math:`(1 + \sqrt{1 - e^{-2\kappa}})/2`        12.8712136854418 for 0.1
    KL                   the root of :math:`\log 2 - H(p) = \kappa`     12.8020537383859 for 0.1
    ===================  =============================================  ==========================

    where :math:`H` is the binary entropy in nats. Cooperative nature replaces ``p`` by ``1 - p``: L1 balls of radius
    0.5 and 1 give 17.5 and 20.

    Examples
    --------
    >>> from mdpkit.problems.robust import coin
    >>> coin().reward(0, 0)
    1.5
    """
    return TabularMDP(np.full((2, 1, 2), 0.5), [[[1.0, 2.0]], [[1.0, 2.0]]], gamma)


def modular(n_states: int = 5, n_actions: int = 3, *, gamma: float | None = 0.9) -> TabularMDP:
    r"""Modular model: dense rows and successor rewards from a formula that every language can write down.

    .. math::

       P(t \mid s, a) \propto 1 + \bigl((3s + 5a + 7t + st(a + 1)) \bmod 11\bigr), \quad
       r(s, a, t) = \bigl((2s + 3a) \bmod 5\bigr) - 1 + t/S .

    Parameters
    ----------
    n_states, n_actions : int, default 5 and 3
        Sizes ``S`` and ``A``.
    gamma : float, optional
        Discount factor; None for the undiscounted model.

    Returns
    -------
    TabularMDP

    Notes
    -----
    With the defaults the policy (1, 2, 0, 1, 2) is optimal, without uncertainty and for all sets below:

    ====================================  ================  ================
    set                                   V(0)              V(4)
    ====================================  ================  ================
    none                                  30.228532886773   31.553983436054
    L1 0.2                                28.361854088078   29.657807726941
    L1 0.2, cooperative nature            32.089046078946   33.358169087984
    KL 0.02                               28.858605430052   30.206515372061
    chi-square 0.04                       28.883335888165   30.231311763008
    reverse KL 0.02                       28.833015913623   30.180258643529
    L2 0.1                                28.644897880286   29.967486117108
    L-infinity 0.05                       28.775970045831   30.094756942641
    Wasserstein 0.3, metric ``|i - j|``   28.126133207731   29.469820113783
    ====================================  ================  ================

    Over 5 undiscounted steps KL 0.02 gives 14.022211887877 and 15.406609612357.

    Examples
    --------
    >>> from mdpkit.problems.robust import modular
    >>> (modular().transition(0, 0) * 31).round(12).tolist()
    [1.0, 8.0, 4.0, 11.0, 7.0]
    """
    S, A = check_count(n_states, "n_states"), check_count(n_actions, "n_actions")
    s, a, t = np.arange(S)[:, None, None], np.arange(A)[None, :, None], np.arange(S)[None, None, :]
    weight = (3 * s + 5 * a + 7 * t + s * t * (a + 1)) % 11 + 1.0
    reward = (2 * s + 3 * a) % 5 - 1.0 + t / S
    return TabularMDP(weight / weight.sum(axis=2, keepdims=True), reward, gamma)


def iwocs_stall(*, gamma: float = 0.9) -> RobustMDP:
    r"""Stalling IWOCS: minima of action values repeat a policy worth -208/19 where 0 can be had.

    Three states, two actions, two deterministic rows per pair ("x|y": the row of index 0 leads to state x, that of
    index 1 to state y):

    =====  =============  =============
    state  action 0       action 1
    =====  =============  =============
    0      1|0, pays -1   0|0, pays 0
    1      0|1, pays 2    2|2, pays -3
    2      2|1, pays 1    1|2, pays 2
    =====  =============  =============

    Parameters
    ----------
    gamma : float, default 0.9
        Discount factor below 1.

    Returns
    -------
    RobustMDP
        (s,a)-rectangular with a `FiniteSet`; the nominal model has the rows of index 0.

    Notes
    -----
    At 0.9 the robust values are (0, 2, 3.8) with the policy (1, 0, 1). Started from the nominal model, whose optimal
    values are (4.4, 6, 10) with the policy (0, 1, 0), ``min_q`` has the ends 4.4 and -208/19 at state 0. If rows off
    the policy are chosen robust-greedily, the worst model has index 1 at (1, 0) and (2, 0) and optimal values
    (17, 20, 20), which leave all minima as they were: the same policy again, for ever. If they are kept, three
    iterations certify with upper ends 4.4, 80/19, 0 and lower ends -208/19, -10, 0; so does the hull, with the
    robust-greedy choice.

    References
    ----------
    .. [1] A. Zouitine, M. Geist, E. Rachelson, "Solving robust MDPs as a sequence of static RL problems", arXiv
       2410.06212, 2024, footnote 3 (values need not converge to the robust ones); this instance is ours.

    Examples
    --------
    >>> from mdpkit.problems.robust import iwocs_stall
    >>> iwocs_stall()
    RobustMDP(TabularMDP of 3 states and 2 actions, FiniteSet(2 candidates per pair), sa-rectangular, adversarial)
    """
    targets = [[(1, 0), (0, 0)], [(0, 1), (2, 2)], [(2, 1), (1, 2)]]
    rows = np.eye(3)[np.array(targets)]
    nominal = TabularMDP(rows[:, :, 0], [[-1.0, 0.0], [2.0, -3.0], [1.0, 2.0]], gamma, initial=0)
    return RobustMDP(nominal, FiniteSet(rows))


def shared_budget(radius: float = 0.4, *, gamma: float = 0.9) -> RobustMDP:
    r"""Shared budget: nature can spoil one of two equal actions, so the agent must toss a coin.

    In state 0 both actions lead to *good*, which pays 1 a step for ever, or to *bad*, which pays nothing, with
    probability one half each. Nature may change the rows of state 0 by ``radius`` in L1, over both actions together.

    Parameters
    ----------
    radius : float, default 0.4
        Budget of state 0, in ``[0, 2]``.
    gamma : float, default 0.9
        Discount factor below 1.

    Returns
    -------
    RobustMDP
        s-rectangular with an `L1Ball`; the absorbing states are certain.

    Raises
    ------
    InputError
        ``radius`` is outside its range.

    Notes
    -----
    :math:`V(0) = \gamma G (1/2 - \kappa/4)` with :math:`G = 1/(1-\gamma)`, for the policy that plays both actions with
    probability one half: 3.6 with the defaults. Every deterministic policy is worth
    :math:`\gamma G (1/2 - \min(\kappa, 1)/2)`, 2.7, which is also the value if each action has the whole budget for
    itself.

    Examples
    --------
    >>> from mdpkit.problems.robust import shared_budget
    >>> shared_budget().uncertainty
    L1Ball(0..0.4)
    """
    budget = check_number(radius, "radius", least=0.0)
    if budget > 2.0:
        raise InputError(f"radius must be at most 2, found {radius!r}", argument="radius", value=radius)
    rows = np.zeros((3, 2, 3))
    rows[0, :, 1:] = 0.5
    rows[1, :, 1] = rows[2, :, 2] = 1.0
    nominal = TabularMDP(
        rows,
        [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]],
        gamma,
        initial=0,
        state_names=["start", "good", "bad"],
    )
    return RobustMDP(nominal, L1Ball([budget, 0.0, 0.0]), rectangularity="s")


def undamped_cycle(*, gamma: float = 0.9) -> RobustMDP:
    r"""Undamped cycle: freezing policy and kernel, solving, and repeating never ends.

    Two states, two actions, two rows per pair (of index 0 and 1; "half" leads to either state with
    probability one half):

    =====  =====================  ====================
    state  action 0               action 1
    =====  =====================  ====================
    0      half, half, pays -2    0|1, pays 1
    1      1|1, pays 1            half, 0, pays 2
    =====  =====================  ====================

    Parameters
    ----------
    gamma : float, default 0.9
        Discount factor below 1.

    Returns
    -------
    RobustMDP
        (s,a)-rectangular with a `FiniteSet`; the nominal model has the rows of index 0.

    Notes
    -----
    At 0.9 the robust values are (10, 11). The undamped method (Pollatschek and Avi-Itzhak), started from 0 with ties to
    the lowest index, runs through (0, 0), (10, 130/11), (10, 10), (10, 130/11), ... and never gets there.

    References
    ----------
    .. [1] M. A. Pollatschek, B. Avi-Itzhak, "Algorithms for stochastic games with geometrical interpretation",
       *Management Science* 15(7), 1969.
    .. [2] K. Badger, J. Huang, M. Petrik, "Convergence of fast policy iteration in Markov games and robust MDPs", arXiv
       2508.06661, 2025.

    Examples
    --------
    >>> from mdpkit.problems.robust import undamped_cycle
    >>> undamped_cycle()
    RobustMDP(TabularMDP of 2 states and 2 actions, FiniteSet(2 candidates per pair), sa-rectangular, adversarial)
    """
    to_0, to_1, half = [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]
    rows = np.array([[[half, half], [to_0, to_1]], [[to_1, to_1], [half, to_0]]])
    nominal = TabularMDP(rows[:, :, 0], [[-2.0, 1.0], [1.0, 2.0]], gamma, initial=0)
    return RobustMDP(nominal, FiniteSet(rows))
