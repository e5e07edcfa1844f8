"""Families of linear MDPs: one given by a formula, random soft aggregations, and tabular models as linear ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._arguments import check_count, check_seed
from mdpkit._typing import Floats
from mdpkit.errors import InputError
from mdpkit.models.linear_mdp import LinearMDP
from mdpkit.models.tabular import TabularMDP
from mdpkit.problems._arguments import check_number
from mdpkit.problems.garnet import distinct_successors

__all__ = [
    "formula_linear_mdp",
    "linear_garnet",
    "one_hot_linear_mdp",
    "soft_aggregation",
]


def formula_linear_mdp(n_states: int, n_actions: int, dim: int, *, gamma: float | None = 0.9) -> LinearMDP:
    r"""Deterministic family ``F(S, A, d)``: a linear MDP that every implementation can write down from a formula.

    With all indices from 0,

    .. math::

       \phi_i(s, a) &\propto 1 + ((7s + 3a + 5i + sai) \bmod 11)^2, \quad \textstyle\sum_i \phi_i(s, a) = 1 \\
       \mu_i(t) &\propto 1 + ((4i + 9t + it + 2) \bmod 13)^3, \quad \textstyle\sum_t \mu_i(t) = 1 \\
       \theta_i &= (i / (d - 1))^2 .

    Parameters
    ----------
    n_states, n_actions : int
        Sizes ``S`` and ``A``.
    dim : int
        Number of features, at least 2.
    gamma : float, optional
        Discount factor; None for the undiscounted model.

    Returns
    -------
    LinearMDP

    Notes
    -----
    The features have period 11 in ``i``: above 11 features the rank stays 11, a test of degenerate regression.
    ``F(6, 3, 4)`` at 0.9 has the optimal values (5.2382295443, 4.7984969987, 5.0084733962, 4.9449818092, 5.2684937328,
    5.0917047977), the optimal parameter (4.5560677545, 4.6596500499, 5.0121524646, 5.5520569679), the optimal policy
    2, 1, 0, 2, 2, 2 and the log-determinant -9.077024015 of its G-optimal design.

    Examples
    --------
    >>> from mdpkit.problems.linear import formula_linear_mdp
    >>> formula_linear_mdp(6, 3, 4)
    LinearMDP(S=6, A=3, d=4, gamma=0.9)
    >>> formula_linear_mdp(30, 4, 12).rank
    11
    """
    S, A = check_count(n_states, "n_states"), check_count(n_actions, "n_actions")
    d = check_count(dim, "dim", least=2)
    s, a, i = np.ogrid[:S, :A, :d]
    phi = 1.0 + ((7 * s + 3 * a + 5 * i + s * a * i) % 11).astype(np.float64) ** 2
    i, t = np.ogrid[:d, :S]
    mu = 1.0 + ((4 * i + 9 * t + i * t + 2) % 13).astype(np.float64) ** 3
    theta = (np.arange(d) / (d - 1)) ** 2
    return LinearMDP(phi / phi.sum(axis=2, keepdims=True), mu / mu.sum(axis=1, keepdims=True), theta, gamma=gamma)


def soft_aggregation(
    n_states: int,
    n_actions: int,
    dim: int,
    *,
    concentration: float = 0.3,
    successor_concentration: float = 1.0,
    anchors: bool = False,
    gamma: float | None = 0.9,
    seed: int | np.random.Generator,
) -> LinearMDP:
    """Random soft aggregation: every pair is a random mixture of ``d`` latent actions.

    ``phi(s, a)`` and the rows of ``mu`` are Dirichlet, ``theta`` is uniform on [0, 1).

    Parameters
    ----------
    n_states, n_actions, dim : int
        Sizes ``S``, ``A`` and ``d``.
    concentration : float, default 0.3
        Dirichlet parameter of the features; small values make pairs nearly pure.
    successor_concentration : float, default 1.0
        Dirichlet parameter of the latent successor laws.
    anchors : bool, default False
        Make the first ``d`` pairs pure, one for each latent action; they then are an optimal design.
    gamma : float, optional
        Discount factor; None for the undiscounted model.
    seed : int or numpy.random.Generator
        The same arguments and seed give the same model.

    Returns
    -------
    LinearMDP

    Notes
    -----
    The optimal parameter is the fixed point of ``w <- theta + gamma mu max_a phi w``, a contraction in ``d``
    dimensions. With anchors the G-optimal design is uniform on them and its ``log det`` is ``-d log d``.

    Examples
    --------
    >>> from mdpkit.problems.linear import soft_aggregation
    >>> soft_aggregation(40, 4, 8, gamma=0.95, seed=0)
    LinearMDP(S=40, A=4, d=8, gamma=0.95)
    """
    S, A, d = check_count(n_states, "n_states"), check_count(n_actions, "n_actions"), check_count(dim, "dim")
    rng = check_seed(seed)
    spread = _check_positive(successor_concentration, "successor_concentration")
    phi = _mixtures(S, A, d, concentration, anchors, rng)
    mu = rng.dirichlet(np.full(S, spread), size=d)
    return LinearMDP(phi, mu, rng.random(d), gamma=gamma)


def linear_garnet(
    n_states: int,
    n_actions: int,
    dim: int,
    branching: int,
    *,
    concentration: float = 0.3,
    anchors: bool = False,
    gamma: float | None = 0.9,
    seed: int | np.random.Generator,
) -> LinearMDP:
    """Soft aggregation of ``d`` latent actions with few successors each, like those of a Garnet problem.

    Parameters
    ----------
    n_states, n_actions, dim : int
        Sizes ``S``, ``A`` and ``d``.
    branching : int
        Number of successors of every latent action, distinct and uniformly chosen; their probabilities are the
        spacings of uniform cuts.
    concentration, anchors, gamma, seed
        As for `soft_aggregation`.

    Returns
    -------
    LinearMDP

    Examples
    --------
    >>> from mdpkit.problems.linear import linear_garnet
    >>> (linear_garnet(100, 4, 5, 3, seed=0).mu > 0).sum(axis=1)
    array([3, 3, 3, 3, 3])
    """
    S, A, d = check_count(n_states, "n_states"), check_count(n_actions, "n_actions"), check_count(dim, "dim")
    b = check_count(branching, "branching", most=S)
    rng = check_seed(seed)
    phi = _mixtures(S, A, d, concentration, anchors, rng)
    cuts = np.sort(rng.random((d, b - 1)), axis=1)
    mu = np.zeros((d, S))
    np.put_along_axis(
        mu, distinct_successors(d, S, b, rng).astype(np.int64), np.diff(cuts, axis=1, prepend=0.0, append=1.0), axis=1
    )
    return LinearMDP(phi, mu, rng.random(d), gamma=gamma)


def one_hot_linear_mdp(mdp: TabularMDP, *, bounded_reward: bool = True) -> LinearMDP:
    """Any tabular MDP as a linear one with ``d = S A`` indicator features.

    Parameters
    ----------
    mdp : TabularMDP
        Every state must have every action.
    bounded_reward : bool, default True
        As for `LinearMDP`.

    Returns
    -------
    LinearMDP
        Least squares on these features are averages per pair, and weights make no difference.

    Raises
    ------
    InputError
        A state lacks an action.

    Examples
    --------
    >>> from mdpkit import problems
    >>> from mdpkit.problems.linear import one_hot_linear_mdp
    >>> one_hot_linear_mdp(problems.river_swim(4))
    LinearMDP(S=4, A=2, d=8, gamma=0.95)
    """
    S, A = mdp.n_states, mdp.n_actions
    if mdp.n_pairs != S * A:
        s, a = (int(k) for k in np.argwhere(~mdp.action_mask)[0])
        raise InputError(f"mdp: state {s} does not have action {a}", argument="mdp", index=(s, a))
    return LinearMDP(
        np.eye(S * A).reshape(S, A, S * A),
        mdp.rows.csr().toarray(),
        mdp.pair_reward,
        gamma=mdp.gamma,
        initial=mdp.initial,
        bounded_reward=bounded_reward,
        state_names=mdp.state_names,
        action_names=mdp.action_names,
    )


def _mixtures(S: int, A: int, d: int, concentration: float, anchors: bool, rng: np.random.Generator) -> Floats:
    """Dirichlet features; the first ``d`` pairs pure on request."""
    spread = _check_positive(concentration, "concentration")
    if anchors and d > S * A:
        raise InputError(f"anchors need d <= S A, found {d} > {S * A}", argument="anchors", value=anchors)
    phi = rng.dirichlet(np.full(d, spread), size=S * A)
    if anchors:
        phi[:d] = np.eye(d)
    return phi.reshape(S, A, d)


def _check_positive(value: Any, argument: str) -> float:
    number = check_number(value, argument, least=0.0)
    if number == 0.0:
        raise InputError(f"{argument} must be positive, found {value!r}", argument=argument, value=value)
    return number
