"""`moments`: raw and central moments of the return, of any order, from linear systems."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.distributional.evaluation.linear import check_ends, expect, solve
from mdpkit.distributional.evaluation.process import Process, StepLaws, check_model, induce
from mdpkit.errors import UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, NonStationaryPolicy, TabularMDP

__all__ = ["Moments", "moments"]


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """Moments of the return from every state.

    Attributes
    ----------
    raw : ndarray, shape (k + 1, S)
        ``raw[j]`` is ``E G^j``; ``raw[0]`` is 1.
    central : ndarray, shape (k + 1, S)
        ``central[j]`` is ``E (G - E G)^j``, from a recursion of its own: the difference of raw moments would cancel.
    """

    raw: Floats
    central: Floats

    @property
    def order(self) -> int:
        """Highest order ``k``."""
        return len(self.raw) - 1

    @property
    def mean(self) -> Floats:
        """Expected return, shape ``(S,)``."""
        return np.asarray(self.raw[1])

    @property
    def variance(self) -> Floats:
        """Variance of the return, shape ``(S,)``; needs order 2."""
        self._need(2, "variance")
        return np.asarray(self.central[2])

    @property
    def skewness(self) -> Floats:
        """Third central moment over the cubed standard deviation, ``(S,)``; NaN for sure returns; needs order 3."""
        self._need(3, "skewness")
        spread = self.variance**1.5
        found = np.full(len(spread), np.nan)
        np.divide(self.central[3], spread, out=found, where=spread > 0.0)
        return found

    def _need(self, order: int, what: str) -> None:
        if self.order < order:
            raise UnknownOptionError(
                f"{what} needs moments of order {order}; ask for moments(..., k={order})",
                argument="k",
                value=self.order,
            )

    def __repr__(self) -> str:
        return f"Moments(order {self.order}, S={self.raw.shape[1]:,})"


def moments(
    mdp: TabularMDP | FiniteHorizonMDP, policy: Any, k: int, *, horizon: int | None = None, gamma: float | None = None
) -> Moments:
    r"""Return the moments of the discounted return of a policy up to order `k`, from every state.

    The raw moments solve ``M_k(s) = sum_j C(k, j) gamma^j E[R^{k-j} M_j(S')]``, one linear system with ``I - gamma^k
    P`` per order; the central ones the same with ``R + gamma mu(S') - mu(s)`` in place of ``R``, which for the variance
    is Sobel's ``v(s) = E[(R + gamma mu(S') - mu(s))^2] + gamma^2 E v(S')``.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    policy : array_like or NonStationaryPolicy
        Action ids ``(S,)`` or ``(H, S)``, or probabilities ``(S, A)`` or ``(H, S, A)``.
    k : int
        Highest order, at least 1.
    horizon : int, optional
        Number of steps; a `FiniteHorizonMDP` brings its own, None runs a `TabularMDP` for ever.
    gamma : float, optional
        Discount factor in ``(0, 1]`` in place of the model's; 1 needs a horizon or a policy that surely terminates.

    Returns
    -------
    Moments

    Raises
    ------
    DiscountError
        ``gamma`` is 1 (or outside its range) and the policy may go on for ever.
    PolicyError, ShapeError, InputError
        The policy does not fit the model, or an argument is out of range.

    Notes
    -----
    ``k`` sparse factorizations and ``O(k^2 M)`` work for ``M`` outcomes. For policies with memory take
    `DiscreteLaw.moment` of `return_law`.

    References
    ----------
    .. [1] M. J. Sobel, "The variance of discounted Markov decision processes", *Journal of Applied Probability* 19(4),
       1982.

    Examples
    --------
    A reward of 1 at every step, as long as one survives (probability 0.7):

    >>> import mdpkit
    >>> from mdpkit.distributional import moments
    >>> trap = mdpkit.TabularMDP.from_outcomes([0, 0, 1], [0, 0, 0], [0.7, 0.3, 1], [1, 1, 0], [0, 1, 1], gamma=0.9)
    >>> found = moments(trap, [0, 0], 2)
    >>> found.mean.round(10).tolist(), found.variance.round(10).tolist()
    ([2.7027027027, 0.0], [2.8695445336, 0.0])
    """
    check_model(mdp)
    order = check_count(k, "k")
    if hasattr(policy, "act") and not isinstance(policy, NonStationaryPolicy):
        raise UnknownOptionError(
            f"moments needs a table or a NonStationaryPolicy, found {type(policy).__name__}; return_law takes more",
            argument="policy",
        )
    process = induce(mdp, policy, horizon=horizon, gamma=gamma)
    if process.horizon is None:
        if process.gamma == 1:
            check_ends(process, "gamma")
        raw, central = _fixed_point(process, order)
        earlier = range(len(process.steps) - 1)
    else:
        raw, central = np.ones((order + 1, process.n_states)), np.zeros((order + 1, process.n_states))
        central[0] = 1.0
        for j in range(1, order + 1):
            raw[j] = raw[j - 1] * process.ending
        earlier = range(process.horizon)
    for t in reversed(earlier):
        step, following = process.step(t), raw
        raw = _backup(step, step.reward, process.gamma, following)
        centered = step.reward + process.gamma * following[1][step.successor] - raw[1][step.state]
        central = _backup(step, centered, process.gamma, central)
        central[1] = 0.0
    return Moments(raw, central)


def _fixed_point(process: Process, order: int) -> tuple[Floats, Floats]:
    """Solve for the moments of the last step, repeated for ever."""
    step, gamma = process.steps[-1], process.gamma
    raw, central = np.ones((order + 1, process.n_states)), np.ones((order + 1, process.n_states))
    for j in range(1, order + 1):
        raw[j] = solve(step, gamma**j, _known(step, step.reward, gamma, raw, j), process.terminal)
    centered = step.reward + gamma * raw[1][step.successor] - raw[1][step.state]
    central[1] = 0.0
    for j in range(2, order + 1):
        central[j] = solve(step, gamma**j, _known(step, centered, gamma, central, j), process.terminal)
    return raw, central


def _backup(step: StepLaws, reward: Floats, gamma: float, following: Floats) -> Floats:
    """Return the moments before a step from those after it."""
    found = np.ones_like(following)
    for j in range(1, len(following)):
        paid = _known(step, reward, gamma, following, j)
        found[j] = paid + gamma**j * expect(step, following[j][step.successor])
    return found


def _known(step: StepLaws, reward: Floats, gamma: float, following: Floats, k: int) -> Floats:
    """Return ``sum_{j<k} C(k, j) gamma^j E[R^{k-j} M_j(S')]``, the part of order `k` that lower orders give."""
    total = np.zeros(len(reward))
    for j in range(k):
        total += comb(k, j) * gamma**j * reward ** (k - j) * following[j][step.successor]
    return expect(step, total)
