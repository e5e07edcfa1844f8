"""Robustness in closed form: norm balls without the simplex, and uncertain rewards (regularized values)."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import NotStochasticError, ShapeError, UnknownOptionError
from mdpkit.models._checks import ROW_SUM_TOLERANCE, as_floats, check_rewards, unravel
from mdpkit.models.uncertainty.base import read_numbers

__all__ = ["regularized_value", "reward_robust_value"]

NORMS = (1, 2, np.inf)


def regularized_value(payoff: Any, nominal_row: Any, radius: float, p: float = 2) -> tuple[float, bool]:
    r"""Return the worst payoff over a norm ball that may leave the simplex, and whether it stays inside.

    .. math:: \min_{\delta^T 1 = 0,\ \|\delta\|_p \le \kappa} (q + \delta)^T z = q^T z - \kappa N_p(z)

    with ``N_1 = (max z - min z) / 2``, ``N_2 = ||z - mean z||_2`` and ``N_inf = sum |z - median z|``: the nominal value
    less a penalty. It never exceeds the worst payoff over rows that are distributions, and equals it exactly when some
    minimizer has no negative entry.

    Parameters
    ----------
    payoff : array_like, shape (n,)
        Payoffs ``z`` of the allowed successors.
    nominal_row : array_like, shape (n,)
        Their nominal probabilities ``q``.
    radius : float
        ``kappa >= 0``.
    p : {1, 2, inf}
        The norm.

    Returns
    -------
    value : float
        ``q.z - kappa N_p(z)``.
    exact : bool
        Whether a minimizer is a distribution, so that the value is that of `L1Ball`, `L2Ball` or `LinfBall`.

    Raises
    ------
    InputError
        A payoff is not finite, the row is not a distribution, the radius is negative, or the norm is another one.

    References
    ----------
    .. [1] E. Derman, M. Geist, S. Mannor, "Twice regularized MDPs and the equivalence between robustness and
       regularization", NeurIPS 2021.
    .. [2] N. Kumar, K. Levy, K. Wang, S. Mannor, "Efficient policy iteration for robust Markov decision processes via
       regularization", arXiv:2205.14327, 2022.

    Examples
    --------
    >>> from mdpkit.robust.regularization import regularized_value
    >>> value, exact = regularized_value([-0.1, 1.9, -2.4, 0.05, 1.6], [0.2] * 5, 0.05, p=1)
    >>> round(value, 12), exact
    (0.1025, True)
    """
    z, q = as_floats(payoff, "payoff"), as_floats(nominal_row, "nominal_row")
    if z.ndim != 1 or z.shape != q.shape or not len(z):
        raise ShapeError(
            f"payoff and nominal_row must be rows of one length, found shapes {z.shape} and {q.shape}",
            argument="nominal_row",
        )
    check_rewards(z, "payoff", unravel(z.shape))
    read_numbers(q, "nominal_row", least=0.0)
    if abs(float(np.sum(q)) - 1.0) > ROW_SUM_TOLERANCE:
        raise NotStochasticError(
            f"nominal_row sums to {float(np.sum(q))!r}", argument="nominal_row", value=float(np.sum(q))
        )
    kappa = float(read_numbers(radius, "radius", least=0.0))
    check_norm(p)
    if p == 1:
        penalty = 0.5 * (np.max(z) - np.min(z))
        exact = penalty == 0.0 or np.sum(q[z == np.max(z)]) >= 0.5 * kappa
    elif p == 2:
        centered = z - np.mean(z)
        penalty = np.sqrt(centered @ centered)
        exact = penalty == 0.0 or np.min(q * penalty - kappa * centered) >= 0.0
    else:
        median = np.median(z)
        penalty = np.sum(np.abs(z - median))
        # entries above give kappa each; those at the median give what the entries below want beyond that
        above, below = z > median, z < median
        spare = np.sum(np.minimum(q[z == median], kappa))
        exact = bool((q[above] >= kappa).all()) and spare >= kappa * (np.count_nonzero(below) - np.count_nonzero(above))
    return float(q @ z - kappa * penalty), bool(exact)


def reward_robust_value(Q: Any, radius: Any, p: float = 2) -> tuple[Floats, Floats]:
    r"""Return what an agent can guarantee when the rewards of each state may be off by ``alpha`` in a norm.

    .. math:: u(s) = \max_{d \in \Delta(A)} \min_{\|\delta\|_p \le \alpha} \sum_a d_a (Q(s, a) + \delta_a)
              = \max_d\; d^T Q(s, \cdot) - \alpha \|d\|_{p^*}

    The budget is shared by the actions of a state (s-rectangular), so the best policy randomizes.

    Parameters
    ----------
    Q : array_like, shape (A,) or (S, A)
        Action values; ``-inf`` marks actions that do not exist.
    radius : array_like, scalar or shape (S,)
        ``alpha >= 0``.
    p : {1, 2, inf}
        The norm of the rewards' error.

    Returns
    -------
    value : ndarray, shape () or (S,)
        ``u``. For 2, ``sum_a (Q_a - u)_+^2 = alpha^2``; for 1, ``max_k (sum of the k largest Q - alpha) / k``; for inf,
        ``max Q - alpha``.
    policy : ndarray, shape (A,) or (S, A)
        ``d``: proportional to ``(Q - u)_+`` for 2, uniform over those k actions for 1 (the most actions among equals),
        greedy for inf. Ties of the greedy policy are shared equally, as in the limit of a small radius.

    Raises
    ------
    InputError
        A state has no action, a value is NaN or ``+inf``, the radius is negative, or the norm is another one.

    References
    ----------
    .. [1] E. Derman, M. Geist, S. Mannor, "Twice regularized MDPs and the equivalence between robustness and
       regularization", NeurIPS 2021.

    Examples
    --------
    >>> from mdpkit.robust.regularization import reward_robust_value
    >>> value, policy = reward_robust_value([1.0, 0.5, 0.0], 0.8, p=1)
    >>> round(float(value), 12), policy.tolist()
    (0.35, [0.5, 0.5, 0.0])
    """
    table = as_floats(Q, "Q")
    if table.ndim not in (1, 2) or not table.shape[-1]:
        raise ShapeError(f"Q must have shape (A,) or (S, A), found {table.shape}", argument="Q")
    alpha = read_numbers(radius, "radius", least=0.0)
    if alpha.shape not in ((), table.shape[:-1]):
        wanted = f"a scalar or have shape {table.shape[:-1]}"
        raise ShapeError(f"radius must be {wanted}, found {alpha.shape}", argument="radius")
    alpha = alpha[..., None]
    check_norm(p)
    check_rewards(np.where(table == -np.inf, 0.0, table), "Q", unravel(table.shape))
    best = np.max(table, axis=-1, keepdims=True)
    if (best == -np.inf).any():
        s = int(np.argmax(best == -np.inf))
        raise ShapeError(f"Q[{s}] has no action", argument="Q", index=s)
    # how much worse than the best; missing actions are too bad to be played at any of the levels below
    loss = np.minimum(best - table, 2.0 * alpha + 1.0 + np.max(best - table, where=table > -np.inf, initial=0.0))
    k = np.arange(1, table.shape[-1] + 1)
    ordered = np.sort(loss, axis=-1)
    greedy = (loss == 0.0).astype(np.float64)
    if p == np.inf:
        depth = np.broadcast_to(alpha, best.shape)
        weights = greedy
    elif p == 1:
        levels = (np.cumsum(ordered, axis=-1) + alpha) / k
        depth = np.min(levels, axis=-1, keepdims=True)
        last = np.sum(ordered <= depth, axis=-1, keepdims=True)
        weights = (loss <= np.take_along_axis(ordered, last - 1, axis=-1)).astype(np.float64)
    else:
        # with the k best: k depth^2 - 2 depth sum + squares = alpha^2; the right k is the last whose loss is shallower
        mean = np.cumsum(ordered, axis=-1) / k
        spare = alpha**2 - (np.cumsum(ordered**2, axis=-1) - k * mean**2)
        levels = mean + np.sqrt(np.maximum(spare, 0.0) / k)
        played = (spare >= 0.0) & (ordered < levels)
        last = np.maximum(np.sum(np.logical_and.accumulate(played, axis=-1), axis=-1, keepdims=True), 1)
        depth = np.take_along_axis(levels, last - 1, axis=-1)
        weights = np.where(alpha == 0.0, greedy, np.maximum(depth - loss, 0.0))
    value = (best - depth)[..., 0]
    return value, weights / np.sum(weights, axis=-1, keepdims=True)


def check_norm(p: float) -> None:
    """Refuse norms other than 1, 2 and infinity."""
    if p not in NORMS:
        raise UnknownOptionError(f"p must be 1, 2 or inf, found {p!r}", argument="p", value=p)
