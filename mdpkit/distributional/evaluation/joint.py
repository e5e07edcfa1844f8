"""Joint laws and covariances of the returns of several rewards, collected on the same path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.distributional.evaluation.exact import exact_laws, sure_end
from mdpkit.distributional.evaluation.linear import check_ends, expect, solve
from mdpkit.distributional.evaluation.process import Process, check_model, induce, read_discount
from mdpkit.distributional.evaluation.result import ReturnLaws, exact_result, state_index
from mdpkit.distributional.laws.merging import MAX_ATOMS
from mdpkit.errors import InputError, ShapeError, UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, NonStationaryPolicy, TabularMDP
from mdpkit.models._checks import as_floats, check_rewards, unravel

__all__ = ["JointMoments", "joint_covariance", "joint_return_law"]


@dataclass(frozen=True, eq=False, slots=True)
class JointMoments:
    """Means and covariances of ``m`` returns, from every state.

    Attributes
    ----------
    mean : ndarray, shape (S, m)
        Expected returns.
    covariance : ndarray, shape (S, m, m)
        Covariance matrices, from centered differences.
    """

    mean: Floats
    covariance: Floats

    @property
    def correlation(self) -> Floats:
        """Correlation matrices, shape ``(S, m, m)``; NaN where a return is sure."""
        spread = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))
        scale = spread[:, :, None] * spread[:, None, :]
        found = np.full(scale.shape, np.nan)
        np.divide(self.covariance, scale, out=found, where=scale > 0.0)
        return found

    def __repr__(self) -> str:
        return f"JointMoments(m={self.mean.shape[1]}, S={self.mean.shape[0]:,})"


def joint_covariance(
    mdp: TabularMDP | FiniteHorizonMDP, policy: Any, *, rewards: Any, discounts: Any, horizon: int | None = None
) -> JointMoments:
    r"""Return means and covariances of several discounted returns of one policy.

    ``C_kl = (I - gamma_k gamma_l P)^{-1} E[(R_k + gamma_k mu_k(S') - mu_k)(R_l + gamma_l mu_l(S') - mu_l)]``, all
    coordinates on the same transition.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model; its own rewards, discount and terminal values are not used.
    policy : array_like or NonStationaryPolicy
        Action ids ``(S,)`` or ``(H, S)``, or probabilities ``(S, A)`` or ``(H, S, A)``.
    rewards : array_like, shape (m, S, A), (m, S, A, S) or (m, M)
        The ``m`` rewards, per pair, per transition, or per line of ``mdp.outcomes`` (which tells apart outcomes with
        the same successor).
    discounts : float or array_like, shape (m,)
        Discount factors in ``(0, 1]``, one for all or one each. 1 needs a horizon or a policy that surely terminates.
    horizon : int, optional
        Number of steps; a `FiniteHorizonMDP` brings its own, None runs a `TabularMDP` for ever.

    Returns
    -------
    JointMoments

    Raises
    ------
    ShapeError, NonFiniteRewardError, DiscountError, PolicyError, InputError
        An argument has the wrong shape or lies outside its range.

    Notes
    -----
    One sparse factorization per coordinate and per pair of coordinates.

    References
    ----------
    .. [1] P. Zhang, X. Chen, L. Zhao, W. Xiong, T. Qin, T.-Y. Liu, "Distributional reinforcement learning for
       multi-dimensional reward functions", NeurIPS 2021.

    Examples
    --------
    A coin pays either the first player or the second; together they get 1 per toss, surely.

    >>> import mdpkit
    >>> from mdpkit.distributional import joint_covariance
    >>> coin = mdpkit.TabularMDP.from_outcomes([0, 0], [0, 0], [0.5, 0.5], [0, 1], [0, 0], gamma=0.5)
    >>> found = joint_covariance(coin, [0], rewards=[[0, 1], [1, 0]], discounts=0.5)
    >>> found.mean.tolist(), found.correlation[0].round(12).tolist()
    ([[1.0, 1.0]], [[1.0, -1.0], [-1.0, 1.0]])
    """
    process, discounts = vector_process(mdp, policy, rewards, discounts, horizon, exact=False)
    m, n = len(discounts), process.n_states
    mean, covariance = np.zeros((n, m)), np.zeros((n, m, m))
    if process.horizon is None:
        step = process.steps[-1]
        if (discounts == 1.0).any():
            check_ends(process, "discounts")
        for i in range(m):
            mean[:, i] = solve(step, discounts[i], expect(step, step.reward[:, i]), process.terminal)
        delta = step.reward + discounts * mean[step.successor] - mean[step.state]
        for i in range(m):
            for j in range(i, m):
                paid = expect(step, delta[:, i] * delta[:, j])
                covariance[:, i, j] = solve(step, discounts[i] * discounts[j], paid, process.terminal)
                covariance[:, j, i] = covariance[:, i, j]
    length = len(process.steps) - 1 if process.horizon is None else process.horizon
    both = discounts[:, None] * discounts
    for t in reversed(range(length)):
        step, following, spread = process.step(t), mean, covariance
        gained = step.reward + discounts * following[step.successor]
        mean = np.stack([expect(step, gained[:, i]) for i in range(m)], axis=1)
        delta = gained - mean[step.state]
        moved = delta[:, :, None] * delta[:, None, :] + both * spread[step.successor]
        covariance = np.stack([expect(step, column) for column in moved.reshape(-1, m * m).T], axis=1)
        covariance = covariance.reshape(n, m, m)
    return JointMoments(mean, covariance)


def joint_return_law(
    mdp: TabularMDP | FiniteHorizonMDP,
    policy: Any,
    *,
    rewards: Any,
    discounts: Any,
    horizon: int | None = None,
    initial_state: int | str | None = None,
    exact: bool = False,
    max_atoms: int = MAX_ATOMS,
) -> ReturnLaws:
    r"""Return the joint law of several discounted returns of one policy, from every state.

    The laws of vectors solve ``eta(s) = law of R + diag(gamma_1, ..., gamma_m) X(S')``; every atom is kept. Marginals
    are the scalar laws, the joint law is not their product.

    Parameters
    ----------
    mdp, policy, rewards, discounts
        As in `joint_covariance`; discounts may be fractions.
    horizon : int, optional
        Number of steps. A `FiniteHorizonMDP` brings its own; without one the policy must surely end.
    initial_state : int or str, optional
        Compute the law from this state only.
    exact : bool, default False
        Compute in fractions.
    max_atoms : int, default 2_000_000
        Cap on the atoms of a law.

    Returns
    -------
    ReturnLaws
        Laws with atoms ``(n, m)``.

    Raises
    ------
    ExplosionError
        A law has more than `max_atoms` atoms.
    ShapeError, NonFiniteRewardError, DiscountError, PolicyError, InputError
        An argument has the wrong shape or lies outside its range.

    Notes
    -----
    Up to ``B^H`` atoms for ``B`` outcomes per state. No fixed grid is offered for vectors: the analysis of categorical
    projections does not carry over to several dimensions [1]_.

    References
    ----------
    .. [1] H. Wiltzer, J. Farebrother, A. Gretton, M. Rowland, "Foundations of multivariate distributional reinforcement
       learning", NeurIPS 2024.

    Examples
    --------
    >>> import mdpkit
    >>> from mdpkit.distributional import joint_return_law
    >>> coin = mdpkit.TabularMDP.from_outcomes([0, 0], [0, 0], [0.5, 0.5], [0, 1], [0, 0], gamma=0.5)
    >>> joint_return_law(coin, [0], rewards=[[0, 1], [1, 0]], discounts=0.5, horizon=2).law(0)
    DiscreteLaw({(0, 1.5): 0.25, (0.5, 1): 0.25, (1, 0.5): 0.25, (1.5, 0): 0.25})
    """
    check_count(max_atoms, "max_atoms")
    check_model(mdp)
    starts = None if initial_state is None else np.array([state_index(mdp, initial_state)])
    process, _ = vector_process(mdp, policy, rewards, discounts, horizon, exact=exact)
    length = process.horizon
    if length is None:
        length = sure_end(process, starts)
        if length is None:
            raise InputError(
                "horizon is required: under this policy the returns may go on for ever", argument="horizon"
            )
        process = replace(process, horizon=length, asked=True)
    return exact_result(mdp, exact_laws(process, length, starts, max_atoms), length)


def vector_process(
    mdp: TabularMDP | FiniteHorizonMDP, policy: Any, rewards: Any, discounts: Any, horizon: int | None, *, exact: bool
) -> tuple[Process, Any]:
    """Read vector rewards and their discounts, and return the process of the policy under them."""
    check_model(mdp)
    if hasattr(policy, "act") and not isinstance(policy, NonStationaryPolicy):
        raise UnknownOptionError(
            f"policy must be a table or a NonStationaryPolicy, found {type(policy).__name__}", argument="policy"
        )
    given = as_floats(rewards, "rewards")
    check_rewards(given, "rewards", unravel(given.shape))
    if given.ndim not in (2, 3, 4) or given.size == 0:
        raise ShapeError(
            f"rewards must have shape (m, S, A), (m, S, A, S) or (m, M) with m >= 1, found {given.shape}",
            argument="rewards",
        )
    m = len(given)
    each = np.asarray(discounts, dtype=object)
    if each.shape not in ((), (m,)):
        raise ShapeError(f"discounts must be a number or have shape ({m},), found {each.shape}", argument="discounts")
    factors = [_discount(mdp, value, i, exact) for i, value in enumerate(np.broadcast_to(each, (m,)).tolist())]
    gamma = np.array(factors, dtype=object if exact else np.float64)
    process = induce(
        mdp, policy, horizon=horizon, gamma=gamma, exact=exact, rewards=lambda stage: _columns(stage, given)
    )
    return process, gamma


def _discount(mdp: TabularMDP | FiniteHorizonMDP, value: Any, index: int, exact: bool) -> Any:
    try:
        return read_discount(mdp, 0 if value is None else value, exact=exact)
    except InputError as error:
        error.argument, error.index = "discounts", index
        error.args = (f"discounts[{index}]: {error}",)
        raise


def _columns(stage: TabularMDP, rewards: Floats) -> Floats:
    """Return the vector rewards of the outcomes of a stage, shape ``(M, m)``."""
    outcomes = stage.outcomes
    s, a = stage.pair_state[outcomes.pair], stage.pair_action[outcomes.pair]
    wanted: dict[int, tuple[int, ...]] = {
        2: (len(outcomes),),
        3: (stage.n_states, stage.n_actions),
        4: (stage.n_states, stage.n_actions, stage.n_states),
    }
    if rewards.shape[1:] != wanted[rewards.ndim]:
        raise ShapeError(
            f"rewards must have shape (m, {', '.join(map(str, wanted[rewards.ndim]))}), found {rewards.shape}",
            argument="rewards",
        )
    index: tuple[Any, ...] = {2: (slice(None),), 3: (s, a), 4: (s, a, outcomes.successor)}[rewards.ndim]
    return np.asarray(rewards[(slice(None), *index)].T)
