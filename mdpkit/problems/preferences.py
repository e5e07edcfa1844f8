"""Problems for learning from preferences: where trusting the estimate fails, and small ones with exact answers."""

from __future__ import annotations

import numpy as np
from scipy.special import bdtrc, expit

from mdpkit._arguments import check_count
from mdpkit._typing import Floats, Ints
from mdpkit.models import ContextualBandit, FiniteHorizonMDP

__all__ = [
    "four_choices",
    "greedy_failure",
    "greedy_failure_pairs",
    "greedy_failure_suboptimality",
    "two_stage_choice",
]


def greedy_failure() -> ContextualBandit:
    r"""Greedy failure: one badly covered comparison misleads whoever trusts the estimate, however much data there is.

    One context and four actions with the features (1, 1, 0), (1, 0, 0), (0, 0, 0), (0, 1, 0); the parameter (-1, 0.1,
    0.9) gives them the rewards -0.9, -1, 0 and 0.1. The data are `greedy_failure_pairs`: many comparisons of the first
    two actions, a single one of the second with the third.

    Returns
    -------
    ContextualBandit
        With the true parameter; action 3 is best.

    Notes
    -----
    The single comparison is separable, so maximum likelihood takes ``theta_0`` as far as the norm bound allows, to the
    wrong side with probability :math:`\sigma(-1) = 0.268941`, for every number ``n`` of comparisons. The sign of
    ``theta_1`` is that of wins less losses of action 0 against action 1 (for a norm bound that is not small). The
    greedy action is 0 or 1 by that sign where ``theta_0 > 0``, with losses 1 and 1.1, else 3 or 2, with losses 0 and
    0.1. Hence, with ``P(+)`` and ``P(-)`` the probabilities of the signs,

    .. math:: \mathbb E\,\mathrm{SubOpt} = \sigma(-1)\,\bigl(P(+) + 1.1\,P(-)\bigr)
              + (1 - \sigma(-1))\,\bigl(0 \cdot P(+) + 0.1\,P(-)\bigr) \to 0.268941,

    which `greedy_failure_suboptimality` evaluates. The pessimist who measures features from action 2 (``v = 0``) never
    loses more than 0.1, with a radius that is large enough.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or
       K-wise comparisons", ICML 2023, arXiv 2301.11270, Theorem 3.9 and appendix B.3.

    Examples
    --------
    >>> from mdpkit.problems.preferences import greedy_failure
    >>> bandit = greedy_failure()
    >>> bandit.means.tolist(), bandit.optimal_action.tolist()
    ([[-0.9, -1.0, 0.0, 0.1]], [3])
    """
    features = [[[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    return ContextualBandit(features, [1.0], theta=[-1.0, 0.1, 0.9])


def greedy_failure_pairs(n: int) -> tuple[Ints, Ints]:
    """Return the comparisons to ask for in `greedy_failure`: the actions shown first and second.

    Parameters
    ----------
    n : int, at least 2
        Number of comparisons: ``n - 1`` of actions 0 and 1, then one of actions 1 and 2.

    Returns
    -------
    first, second : ndarray of int64, shape (n,)
        To be passed to a comparison oracle.

    Raises
    ------
    InputError
        ``n`` is no integer of at least 2.

    Examples
    --------
    >>> from mdpkit.problems.preferences import greedy_failure_pairs
    >>> first, second = greedy_failure_pairs(4)
    >>> first.tolist(), second.tolist()
    ([0, 0, 0, 1], [1, 1, 1, 2])
    """
    n = check_count(n, "n", least=2)
    first = np.zeros(n, dtype=np.int64)
    first[-1] = 1
    return first, first + 1


def greedy_failure_suboptimality(n: int) -> float:
    r"""Return the exact expected loss of greedy maximum likelihood in `greedy_failure`.

    Parameters
    ----------
    n : int, at least 2
        Number of comparisons. For odd ``n`` wins and losses may balance; such a tie is split evenly between the two
        candidates.

    Returns
    -------
    float
        :math:`\mathbb E\,[J(\pi^*) - J(\hat\pi)]`, by the formula there. It takes the ball to be large; for norm
        bound 2 the true expectation is lower by 8.3e-5 at ``n = 20``, 1.2e-6 at 50 and 3e-10 at 100, where a well
        covered utility so large that it leaves no room changes the choice.

    Raises
    ------
    InputError
        ``n`` is no integer of at least 2.

    Examples
    --------
    >>> from mdpkit.problems.preferences import greedy_failure_suboptimality
    >>> [round(greedy_failure_suboptimality(n), 10) for n in (2, 100, 10**5)]
    [0.3164435026, 0.2998427907, 0.2689414214]
    """
    m = check_count(n, "n", least=2) - 1
    win = expit(0.1)  # action 0 beats action 1
    # P(wins > m/2) and P(wins >= m/2): their mean splits ties.
    plus = float(bdtrc(m // 2, m, win) + bdtrc((m + 1) // 2 - 1, m, win)) / 2.0
    minus = 1.0 - plus
    wrong = float(expit(-1.0))  # action 1 beats action 2
    return wrong * (plus + 1.1 * minus) + (1.0 - wrong) * 0.1 * minus


def four_choices() -> ContextualBandit:
    r"""Four choices: rankings of four alternatives in three dimensions.

    One context, actions with the features (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), parameter (0.8, -0.3, -0.5),
    rewards 0.8, -0.3, -0.5 and 0.

    Returns
    -------
    ContextualBandit
        With the true parameter; action 0 is best.

    Notes
    -----
    The design of rankings of all four is :math:`\tfrac23 I`. In its norm ``n`` times the mean squared error tends to
    3.4658635102 for maximum likelihood and to 3.7215095660 if rankings are split into pairs: ratio 0.9313058179.

    Examples
    --------
    >>> from mdpkit.problems.preferences import four_choices
    >>> four_choices()
    ContextualBandit(X=1, A=4, d=3, sigma=1)
    """
    features = [[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]]
    return ContextualBandit(features, [1.0], theta=[0.8, -0.3, -0.5])


def two_stage_choice() -> tuple[FiniteHorizonMDP, Floats]:
    r"""Two-stage choice: an action that decides by chance which of two further choices comes next.

    In *start*, action 0 leads to *A* with probability 0.8 and action 1 with probability 0.3, else to *B*; there one
    more action is taken, and that is all. The reward of action ``a`` in state ``s`` is ``w[2 s + a]``, ``w = (0.3, 0,
    0.8, 0.1, -0.4, 0.6)``.

    Returns
    -------
    problem : FiniteHorizonMDP
        Two steps, three states, two actions; starts in state 0.
    features : ndarray, shape (3, 2, 6)
        One-hot features of state-action pairs; those of a trajectory are their sum.

    Notes
    -----
    Values of the eight deterministic policies, by their actions in start, A and B:

    ======  ====  ====  ====  ====  =====  ====  =====  ====
    policy  000   001   010   011   100    101   110    111
    value   0.86  1.06  0.3   0.5   -0.04  0.66  -0.25  0.45
    ======  ====  ====  ====  ====  =====  ====  =====  ====

    Examples
    --------
    >>> import mdpkit
    >>> from mdpkit.problems.preferences import two_stage_choice
    >>> problem, features = two_stage_choice()
    >>> problem
    FiniteHorizonMDP(H=2, S=3, A=2, gamma=1.0, homogeneous)
    >>> round(float(mdpkit.solve(problem).V[0, 0]), 12)
    1.06
    """
    w = np.array([0.3, 0.0, 0.8, 0.1, -0.4, 0.6])
    # A and B are left only by the end of the episode.
    P = np.array([[[0.0, 0.8, 0.2], [0.0, 0.3, 0.7]], [[0.0, 1.0, 0.0]] * 2, [[0.0, 0.0, 1.0]] * 2])
    problem = FiniteHorizonMDP(
        P, w.reshape(3, 2), horizon=2, initial=0, state_names=["start", "A", "B"], action_names=["0", "1"]
    )
    return problem, np.eye(6).reshape(3, 2, 6)
