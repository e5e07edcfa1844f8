"""`maxent_irl` and `causal_maxent_irl`: utilities that explain demonstrated behavior, of maximum entropy."""

from __future__ import annotations

from typing import Any

from mdpkit.models import FiniteHorizonMDP
from mdpkit.preferences.irl.fit import fit_soft_policy
from mdpkit.preferences.irl.result import MaxEntFit

__all__ = ["causal_maxent_irl", "maxent_irl"]


def maxent_irl(
    problem: FiniteHorizonMDP,
    features: Any,
    demonstrations: Any,
    *,
    alpha: float = 0.0,
    tol: float = 1e-10,
    max_iter: int = 100,
) -> MaxEntFit:
    r"""Fit utilities to whole trajectories of a problem with sure transitions.

    A demonstration is the winner of a Plackett-Luce choice among all trajectories :math:`T(s_0)` that start where it
    does,

    .. math:: P_\theta(\tau \mid s_0) = \frac{e^{\theta \cdot \phi(\tau)}}{\sum_{\tau' \in T(s_0)}
              e^{\theta \cdot \phi(\tau')}}, \qquad \phi(\tau) = \sum_{h=0}^{H-1} \gamma^h \phi_h(s_h, a_h),

    with the problem's own ``gamma`` (1 by default: plain sums), and ``theta`` maximizes their likelihood. No trajectory
    is listed: the denominator is ``exp V_0(s_0)`` with ``V_h(s) = log sum_a exp(theta . gamma^h phi_h(s, a) +
    V_{h+1}(s'))``. At the maximum, expected and demonstrated features agree.

    Parameters
    ----------
    problem : FiniteHorizonMDP
        Where the demonstrations were given. Every pair must have one successor. Action sets are respected; rewards and
        terminal values play no role.
    features : array_like, shape (S, A, d) or (H, S, A, d)
        Features of the pairs. Entries of pairs that do not exist are ignored, all others finite and at most 1e100.
    demonstrations : OfflineDataset, or array_like, shape (d,)
        Trajectories of ``H`` steps, or the mean of their features. Trajectories bring the law of their first states,
        weight ``1/n`` each; a mean needs ``problem.initial`` and counts as one demonstration (``n = 1``). An episode
        that ended early in a terminal state rests there, provided that no action matters there; it counts as one of
        the trajectories that continue it.
    alpha : float, default 0.0
        Penalty: the fit minimizes ``n * nll + (alpha / 2) ||theta||^2`` with ``nll`` the mean per demonstration.
    tol : float, default 1e-10
        Largest component of the gradient of ``nll`` (and the penalty, per demonstration), in units of half the range
        that each feature has over a trajectory. Newton goes on to the rounding floor whatever `tol` is.
    max_iter : int, default 100
        Most Newton steps.

    Returns
    -------
    MaxEntFit
        For ``alpha = 0`` the equivalent ``theta`` of least norm; `rank` and `null_basis` say what is not identified.

    Raises
    ------
    MLENotAttainedError
        ``alpha = 0`` and no finite ``theta`` is best. The demonstrated mean lies on the boundary of the achievable
        expected features, as when the best action was always taken, or outside of them, as a mean computed elsewhere
        may; the message says which. ``direction`` is a ``u`` with ``u . mean >= u . phi(pi)`` for every policy, checked
        by backward induction.
    ShapeError, StateIndexError, InputError
        The arguments do not fit together, or a transition is random.

    Warns
    -----
    ConvergenceWarning
        The steps ran out, or rounding stopped them.

    See Also
    --------
    causal_maxent_irl : the model for random transitions.

    Notes
    -----
    Newton's method with exact derivatives: ``O(H nnz d + H N d^2)`` per step for ``N`` pairs with ``nnz`` successors in
    all. The rank is that of the effects of actions on scaled features in all states that can be reached, singular
    values below 1e-10 of the largest counting as zero.

    A finite ``theta`` exists iff some policy matches the mean and tries every action: iff the linear program
    ``max t  s.t.  x a flow, Phi x = mean, x >= t`` over the visits of all pairs that can be reached has a positive
    optimum. A fit whose gradient is below `tol` and whose next Newton step changes no utility by more than 1e-3 is such
    a policy, so it needs no other test; where utilities run away, Newton steps keep their length. A fit that has not
    settled after 30 steps is judged by that program, decomposed into small ones (policies for columns): a mean closer
    to the boundary than 1e-9 of the width of the achievable set, along each identified axis, counts as on it.

    References
    ----------
    .. [1] B. D. Ziebart, A. Maas, J. A. Bagnell, A. K. Dey, "Maximum entropy inverse reinforcement learning", AAAI
       2008.
    .. [2] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or
       K-wise comparisons", ICML 2023, section 5.

    Examples
    --------
    Three actions with features 0, 1, 2, taken 2, 3 and 5 times:

    >>> import mdpkit
    >>> from mdpkit.feedback import OfflineDataset
    >>> from mdpkit.preferences.irl import maxent_irl
    >>> problem = mdpkit.FiniteHorizonMDP([[[1.0], [1.0], [1.0]]], r=[[0.0, 0.0, 0.0]], horizon=1)
    >>> action = [0] * 2 + [1] * 3 + [2] * 5
    >>> data = OfflineDataset(range(10), [0] * 10, [0] * 10, action, [0.0] * 10, [0] * 10)
    >>> fit = maxent_irl(problem, [[[0.0], [1.0], [2.0]]], data)
    >>> fit.theta.round(9), fit.information.round(9)
    (array([0.46612146]), array([[0.59955974]]))
    >>> fit.expected_features.round(9)  # (0 * 2 + 1 * 3 + 2 * 5) / 10
    array([1.3])
    """
    return fit_soft_policy(
        problem, features, demonstrations, alpha=alpha, tol=tol, max_iter=max_iter, deterministic=True
    )


def causal_maxent_irl(
    problem: FiniteHorizonMDP,
    features: Any,
    demonstrations: Any,
    *,
    alpha: float = 0.0,
    tol: float = 1e-10,
    max_iter: int = 100,
) -> MaxEntFit:
    r"""Fit utilities to demonstrations under random transitions, which the demonstrator could not foresee.

    Of all policies that match the demonstrated features it finds the one of largest causal entropy,
    :math:`E \sum_h -\log \pi_h(a_h \mid s_h)`. That is the soft policy of

    .. math:: V_h(s) = \log \sum_a \exp\Big(\theta \cdot \gamma^h \phi_h(s, a)
              + \sum_{s'} P_h(s' \mid s, a)\, V_{h+1}(s')\Big), \qquad V_H = 0,

    whose ``theta`` minimizes the dual ``E V_0(s_0) - theta . mean``. The discount weighs features, with the problem's
    own ``gamma``; entropy is not discounted. With sure transitions it is `maxent_irl`.

    Parameters
    ----------
    problem, features, demonstrations, alpha, tol, max_iter
        As for `maxent_irl`, with transitions of any kind. The features of trajectories are expectations here: those of
        a sample differ from them by what the transitions happened to do.

    Returns
    -------
    MaxEntFit
        `nll` is the dual, ``E V_0(s_0) - theta . mean``. In expectation over demonstrations it is the negative
        log-likelihood of the actions; in a sample the two differ by the luck that the transitions had, and `cov` counts
        that luck.

    Raises
    ------
    MLENotAttainedError
        As for `maxent_irl`. With few sampled trajectories a mean outside of the achievable features is common: a state
        that no action influences was visited a little too often, and no policy matches that. Pass ``alpha > 0``.
    ShapeError, StateIndexError, InputError
        The arguments do not fit together.

    Warns
    -----
    ConvergenceWarning
        As for `maxent_irl`.

    See Also
    --------
    maxent_irl : sure transitions, where the model is a likelihood of whole trajectories.

    Notes
    -----
    Why not ``P(tau) ~ p(tau) exp(theta . phi(tau))`` with the probabilities ``p`` of the transitions? Let a choice
    between *safe*, worth 0, and a *gamble*, worth ``+1`` or ``-1`` with equal chances, be the whole problem. The causal
    model compares expectations: ``0`` against ``theta (1 - 1) / 2 = 0``, so it gambles half of the time whatever
    ``theta`` is. The softmax over trajectories gives the gamble the weight ``(e^theta + e^-theta) / 2 = cosh theta``
    and gambles with probability ``cosh theta / (1 + cosh theta) > 1/2``: it takes luck for a choice.

    Derivatives, complexity, rank and the tolerance of the existence test are those of `maxent_irl`. The asymptotic
    covariance is the sandwich ``I^+ C I^+ / n``: features of one trajectory vary by ``C = I + E Cov(E[phi | s'])``,
    what the actions do and what the transitions do.

    References
    ----------
    .. [1] B. D. Ziebart, J. A. Bagnell, A. K. Dey, "Modeling interaction via the principle of maximum causal entropy",
       ICML 2010.
    .. [2] Z. Zhou, M. Bloem, N. Bambos, "Infinite time horizon maximum causal entropy inverse reinforcement learning",
       *IEEE Transactions on Automatic Control* 63(9), 2018.

    Examples
    --------
    Action 1 reaches the goal with probability 0.8, action 0 with 0.2. Demonstrators reach it 65 times out of 100, so
    they take action 1 with probability 3/4, and ``theta (0.8 - 0.2) = log 3``:

    >>> import math
    >>> import mdpkit
    >>> from mdpkit.preferences.irl import causal_maxent_irl
    >>> P = [[[0.0, 0.8, 0.2], [0.0, 0.2, 0.8]], [[0, 1, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 1]]]
    >>> problem = mdpkit.FiniteHorizonMDP(P, r=[[0, 0]] * 3, horizon=2, initial=0)
    >>> at_goal = [[[0.0], [0.0]], [[0.0], [0.0]], [[1.0], [1.0]]]
    >>> fit = causal_maxent_irl(problem, at_goal, [0.65])
    >>> fit
    MaxEntFit(d=1, rank=1, n=1, nll=1.25548, alpha=0, iterations=5, converged)
    >>> round(float(fit.theta[0]), 9), round(math.log(3) / 0.6, 9)
    (1.831020481, 1.831020481)
    >>> fit.policy[0, 0].round(9)
    array([0.25, 0.75])
    """
    return fit_soft_policy(
        problem, features, demonstrations, alpha=alpha, tol=tol, max_iter=max_iter, deterministic=False
    )
