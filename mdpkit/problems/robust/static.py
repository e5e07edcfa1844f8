"""Static against dynamic nature: what it is worth that nature must choose once and for all."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.models import FiniteSet, ModelSet, RobustMDP, TabularMDP

__all__ = ["opposite_drifts", "opposite_drifts_rectangular", "retry", "retry_rectangular"]


def retry(*, gamma: float = 0.9) -> ModelSet:
    r"""Retry: one of two doors is open, and nobody knows which.

    State 0 has the actions *left* and *right*; one of them leads to state 1, which pays 1 a step for ever, the other
    back to state 0, which pays nothing. In model 0 it is *left*, in model 1 *right*.

    Parameters
    ----------
    gamma : float, default 0.9
        Discount factor below 1.

    Returns
    -------
    ModelSet
        Two models; nature picks one for good.

    Notes
    -----
    What the start is worth depends on what both sides may do. With :math:`G = 1/(1-\gamma)`, and at 0.9:

    ==================================================  ===============================================  ==========
    problem                                             value                                            at 0.9
    ==================================================  ===============================================  ==========
    deterministic stationary policies                   0                                                0
    (s,a)-rectangular hull                              0                                                0
    randomized stationary policies                      :math:`\frac{\gamma G/2}{1 - \gamma/2}`           90/11
    s-rectangular hull (`retry_rectangular`)            the same                                         90/11
    policies with memory: try one, then the other       :math:`\gamma G (1 + \gamma)/2`                  8.55
    the agent sees the model                            :math:`\gamma G`                                 9
    ==================================================  ===============================================  ==========

    The policy with memory is optimal because it attains the Bayes value of the uniform prior.

    References
    ----------
    .. [1] W. Wiesemann, D. Kuhn, B. Rustem, "Robust Markov decision processes", *Mathematics of Operations Research*
       38(1), 2013 (static and dynamic uncertainty); the instance is ours.

    Examples
    --------
    >>> from mdpkit.problems.robust import retry
    >>> [model.transition("closed", "left").tolist() for model in retry()]
    [[0.0, 1.0], [1.0, 0.0]]
    """
    left_open, right_open = _retry_rows()
    return ModelSet([_retry_model(left_open, gamma), _retry_model(right_open, gamma)])


def retry_rectangular(*, gamma: float = 0.9) -> RobustMDP:
    r"""`retry` with nature choosing anew at every step, any mixture of the two models (s-rectangular).

    The two actions stay linked: at every moment the doors are open with probabilities that sum to one. The optimal
    policy tosses a coin, and its value is that of the best stationary policy of the static problem,
    :math:`(\gamma G/2)/(1 - \gamma/2)`, 90/11 at 0.9. Without the link (``retry().rectangular_hull()``) it is 0.

    Parameters
    ----------
    gamma : float, default 0.9
        Discount factor below 1.

    Returns
    -------
    RobustMDP
        s-rectangular with a `FiniteSet`; the nominal model is the first of `retry`.

    Examples
    --------
    >>> from mdpkit.problems.robust import retry_rectangular
    >>> retry_rectangular()
    RobustMDP(TabularMDP of 2 states and 2 actions, FiniteSet(2 candidates per pair), s-rectangular, adversarial)
    """
    models = _retry_rows()
    return RobustMDP(_retry_model(models[0], gamma), FiniteSet(np.stack(models, axis=2)), rectangularity="s")


def _retry_rows() -> tuple[Floats, Floats]:
    left_open = np.array([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
    return left_open, left_open[:, ::-1]


def _retry_model(rows: Floats, gamma: float) -> TabularMDP:
    return TabularMDP(
        rows,
        [[0.0, 0.0], [1.0, 1.0]],
        gamma,
        initial=0,
        state_names=["closed", "open"],
        action_names=["left", "right"],
    )


def opposite_drifts(*, gamma: float = 0.9) -> ModelSet:
    r"""Opposite drifts: without any choice of the agent, nature's freedom alone decides between 1 and 0.

    Two states, one action. In model 0 both states go to state 1, in model 1 both go to state 0. A change of state pays
    2, staying pays 0; the start is uniform.

    Parameters
    ----------
    gamma : float, default 0.9
        Discount factor below 1.

    Returns
    -------
    ModelSet
        Two models; nature picks one for good.

    Notes
    -----
    Either model pays 2 in the first step with probability one half and nothing afterwards: the static value is 1 for
    every discount factor. With rectangular freedom (`opposite_drifts_rectangular`) nature stays where it is: 0.

    Examples
    --------
    >>> from mdpkit.problems.robust import opposite_drifts
    >>> [model.rewards.tolist() for model in opposite_drifts()]
    [[[2.0], [0.0]], [[0.0], [2.0]]]
    """
    return ModelSet([_drift(target, gamma) for target in (1, 0)])


def opposite_drifts_rectangular(*, gamma: float = 0.9) -> RobustMDP:
    """`opposite_drifts` with nature choosing the successor of every state by itself; worth 0 everywhere.

    Parameters
    ----------
    gamma : float, default 0.9
        Discount factor below 1.

    Returns
    -------
    RobustMDP
        (s,a)-rectangular with a `FiniteSet`, rewards of transitions; the nominal model is the first of
        `opposite_drifts`.

    Examples
    --------
    >>> from mdpkit.problems.robust import opposite_drifts_rectangular
    >>> opposite_drifts_rectangular().transition_rewards[:, 0].tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """
    rows = np.broadcast_to(np.eye(2)[::-1], (2, 1, 2, 2))
    return RobustMDP(_drift(1, gamma), FiniteSet(rows), transition_rewards=_drift_rewards())


def _drift_rewards() -> Floats:
    return 2.0 * (1.0 - np.eye(2))[:, None, :]


def _drift(target: int, gamma: float) -> TabularMDP:
    rows = np.broadcast_to(np.eye(2)[target], (2, 1, 2))
    return TabularMDP(rows, _drift_rewards(), gamma, initial=[0.5, 0.5])
