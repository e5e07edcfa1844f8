"""Linear MDPs with closed forms on which least squares is as hard as it gets: lower bounds and noisy probes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.errors import DiscountError, InputError, ShapeError
from mdpkit.models.linear_mdp import LinearMDP
from mdpkit.problems._arguments import check_number, check_probability

__all__ = ["hard_linear_mdp", "hypercube_actions", "leaky_probe", "quasirandom_actions"]


def hypercube_actions(dim: int) -> Floats:
    r"""Actions of the lower bound for linear MDPs: the corners of a hypercube, scaled to unit length.

    Parameters
    ----------
    dim : int
        Number of features ``d`` of the hard instance, at least 3.

    Returns
    -------
    ndarray, shape (2^(d-2), d-2)
        ``{-1, +1}^{d-2} / sqrt(d - 2)``.

    Examples
    --------
    >>> from mdpkit.problems.linear_hard import hypercube_actions
    >>> hypercube_actions(3)
    array([[-1.],
           [ 1.]])
    """
    m = check_count(dim, "dim", least=3, most=22) - 2
    return np.array(list(itertools.product((-1.0, 1.0), repeat=m))) / math.sqrt(m)


def quasirandom_actions(n_actions: int = 30) -> Floats:
    """Actions that fill the unit square evenly, without randomness.

    Parameters
    ----------
    n_actions : int, default 30
        How many.

    Returns
    -------
    ndarray, shape (n_actions, 2)
        Fractional parts of ``j * 0.6180339887498949`` and ``j * 0.7548776662466927`` for ``j = 1, 2, ...``

    Examples
    --------
    >>> from mdpkit.problems.linear_hard import quasirandom_actions
    >>> quasirandom_actions(2).round(4)
    array([[0.618 , 0.7549],
           [0.2361, 0.5098]])
    """
    j = np.arange(1, check_count(n_actions, "n_actions") + 1)
    return np.stack([0.6180339887498949 * j % 1.0, 0.7548776662466927 * j % 1.0], axis=1)


def hard_linear_mdp(actions: Any, beta: Any, *, delta: float = 0.01, gamma: float = 0.9) -> LinearMDP:
    r"""Hard instance of the lower bound for linear MDPs: stay where the reward is, by a hidden direction.

    State 0 pays 1 and keeps the process with probability ``gamma + delta * a . beta``; state 1 absorbs and pays 0.

    Parameters
    ----------
    actions : array_like, shape (A, d-2)
        Action vectors; `hypercube_actions` for the lower bound, points of the unit square in experiments.
    beta : array_like, shape (d-2,)
        Hidden direction.
    delta : float, default 0.01
        Size of its effect.
    gamma : float, default 0.9
        Discount factor in [0, 1), which is also the base probability of staying.

    Returns
    -------
    LinearMDP
        Features ``(1, 0, a)`` in state 0 and ``(0, 1, 0)`` in state 1.

    Raises
    ------
    InputError
        A probability leaves [0, 1], or there is no action.

    Notes
    -----
    Exactly, with :math:`m = \sum_a \pi(a \mid 0)\, a \cdot \beta`,

    .. math:: v^\pi(0) = \frac{1}{1 - \gamma^2 - \gamma \Delta m}, \quad v^\pi(1) = 0 .

    The best action maximizes ``a . beta``; this need not be ``beta`` itself when it is among the actions. For
    ``a . beta`` of 1, 0 and -1 the defaults give 1000/181, 100/19 and 1000/199. With ``quasirandom_actions(30)`` and
    ``beta`` the last of them, action 20 is optimal with value 5.547053030125575; the G-optimal design puts 1/4 on state
    1 and (0.1414353636, 0.1414353636, 0.2335646365, 0.2335646365) on actions 3, 7, 12 and 20 of state 0, and its
    log-determinant is -5.947910136.

    References
    ----------
    .. [1] G. Weisz, A. Gyorgy, T. Kozuno, C. Szepesvari, "Confident approximate policy iteration for efficient local
       planning in q^pi-realizable MDPs", NeurIPS 2022, lower bound.

    Examples
    --------
    >>> from mdpkit.problems.linear_hard import hard_linear_mdp, hypercube_actions
    >>> actions = hypercube_actions(3)
    >>> hard_linear_mdp(actions, beta=actions[1]).tabular().transition(0, 1)
    array([0.91, 0.09])
    """
    rows = np.asarray(actions, dtype=np.float64)
    direction = np.asarray(beta, dtype=np.float64)
    if rows.ndim != 2 or rows.size == 0:
        raise ShapeError(f"actions must have shape (A, d-2), found {rows.shape}", argument="actions")
    if direction.shape != (rows.shape[1],):
        raise ShapeError(f"beta must have shape ({rows.shape[1]},), found {direction.shape}", argument="beta")
    discount = _check_discount(gamma)
    stay = discount + check_number(delta, "delta") * (rows @ direction)
    bad = np.flatnonzero(~((stay >= 0.0) & (stay <= 1.0)))
    if bad.size:
        a = int(bad[0])
        raise InputError(
            f"actions[{a}] stays with probability {float(stay[a])!r}, outside [0, 1]; lower delta",
            argument="actions",
            index=a,
            value=float(stay[a]),
        )
    A, m = rows.shape
    phi = np.zeros((2, A, m + 2))
    phi[0, :, 0] = 1.0
    phi[0, :, 2:] = rows
    phi[1, :, 1] = 1.0
    effect = delta * direction
    mu = np.array([[discount, 1.0 - discount], [0.0, 1.0], *np.stack([effect, -effect], axis=1)])
    theta = np.zeros(m + 2)
    theta[0] = 1.0
    return LinearMDP(phi, mu, theta, gamma=discount, initial=0, state_names=["paying", "absorbed"])


def leaky_probe(
    gamma: float = 0.9,
    *,
    radius_a: float = 0.9,
    radius_b: float = 0.8,
    reward: float = 0.6,
    leave_third: float = 1.0,
    leave_a: float | None = None,
) -> LinearMDP:
    r"""Leaky probe: where measuring what is informative means measuring what is noisy.

    In state *m*, three probes at the corners of a triangle span the features of two calm actions ``x_a`` and ``x_b``
    inside it. A design that ignores the noise measures the probes only, and the calm actions inherit their variance;
    a design weighted by the standard deviations measures ``x_a`` directly. From *m*, action ``y`` leaves with
    probability ``n(y)``, half of the time to *g* (reward 1 for ever) and half to *b* (reward 0 for ever).

    Parameters
    ----------
    gamma : float, default 0.9
        Discount factor in [0, 1).
    radius_a, radius_b : float
        Distances of the calm actions from the center, in (1/2, 1), where probes have distance 1.
    reward : float, default 0.6
        Reward of every action in *m*.
    leave_third : float, default 1.0
        Probability ``n_3`` with which the third probe leaves.
    leave_a : float, optional
        Probability with which ``x_a`` leaves; ``(1 - gamma) / 2`` by default.

    Returns
    -------
    LinearMDP
        States *m*, *g*, *b*; actions *y1*, *y2*, *y3*, *x_a*, *x_b*; five features.

    Raises
    ------
    InputError
        A radius lies outside (1/2, 1), a probability outside [0, 1], or the third probe leaves less often than the
        other two.

    Notes
    -----
    With :math:`n_1 = n_2 = n` and :math:`\rho` the radius of a calm action,

    .. math:: n = \frac{n_a - n_3/3 + 2 r_a n_3/3}{2/3 + 2 r_a/3}, \quad
              n(x) = (1 + \rho) \frac{2n + n_3}{3} - \rho n_3 .

    If ``x_a`` is optimal, as with the defaults, the value of *m* is
    :math:`(r_0 + \gamma n_a H / 2) / (1 - \gamma (1 - n_a))` with :math:`H = 1/(1-\gamma)`: 165/29 at 0.9,
    11.3559322034 at 0.95. The unweighted G-optimal design is 1/5 on *y1*, *y2*, *y3*, *g* and *b*.

    Examples
    --------
    >>> import numpy as np
    >>> from mdpkit.problems.linear_hard import leaky_probe
    >>> model = leaky_probe()
    >>> leaving = [1 - model.tabular().transition("m", a)[0] for a in ("y1", "y3", "x_a", "x_b")]
    >>> np.round(leaving, 6)
    array([0.25, 1.  , 0.05, 0.1 ])
    """
    discount = _check_discount(gamma)
    radii = {"radius_a": radius_a, "radius_b": radius_b}
    for name, value in radii.items():
        if not 0.5 < check_number(value, name) < 1.0:
            raise InputError(f"{name} must lie in (1/2, 1), found {value!r}", argument=name, value=value)
    r0 = check_probability(reward, "reward")
    n3 = check_probability(leave_third, "leave_third")
    na = (1.0 - discount) / 2.0 if leave_a is None else check_probability(leave_a, "leave_a")
    n = (na - n3 / 3.0 + 2.0 * radius_a * n3 / 3.0) / (2.0 / 3.0 + 2.0 * radius_a / 3.0)
    center = (2.0 * n + n3) / 3.0
    leave_b = (1.0 + radius_b) * center - radius_b * n3
    if n3 < n:
        raise InputError(
            f"leave_third = {n3!r} must be at least the {n!r} of the other probes", argument="leave_third", value=n3
        )
    if not (0.0 <= n <= 1.0 and 0.0 <= leave_b <= 1.0):
        raise InputError(
            f"leave_a = {na!r} makes y1 leave with probability {n!r} and x_b with {leave_b!r}",
            argument="leave_a",
            value=na,
        )
    angles = np.deg2rad([0.0, 120.0, 240.0, 60.0, 60.0])
    lengths = np.array([1.0, 1.0, 1.0, radius_a, radius_b])
    phi = np.zeros((3, 5, 5))
    phi[0, :, 0] = 1.0
    phi[0, :, 1] = lengths * np.cos(angles)
    phi[0, :, 2] = lengths * np.sin(angles)
    phi[1, :, 3] = 1.0
    phi[2, :, 4] = 1.0
    # The leaving probability is affine in the plane: `center` in the middle, n3 at angle 240, so that it grows by
    # center - n3 per unit of length towards angle 60.
    slope = (center - n3) * np.array([math.cos(math.pi / 3), math.sin(math.pi / 3)])
    out = np.array([-1.0, 0.5, 0.5])
    mu = np.array([[1.0, 0.0, 0.0] + center * out, slope[0] * out, slope[1] * out, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return LinearMDP(
        phi,
        mu,
        [r0, 0.0, 0.0, 1.0, 0.0],
        gamma=discount,
        initial=0,
        state_names=["m", "g", "b"],
        action_names=["y1", "y2", "y3", "x_a", "x_b"],
    )


def _check_discount(gamma: Any) -> float:
    discount = check_probability(gamma, "gamma")
    if discount == 1.0:
        raise DiscountError("gamma must lie in [0, 1), found 1.0", argument="gamma", value=gamma)
    return discount
