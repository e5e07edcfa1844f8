"""Return against shortfall: what it costs to keep a second reward above a threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.distributional.risk.problem import read_problem
from mdpkit.distributional.stock import StockPlan, Utility, optimize_stock
from mdpkit.errors import InputError, ShapeError
from mdpkit.models import TabularMDP

__all__ = ["ShortfallFrontier", "shortfall_frontier"]


@dataclass(frozen=True, eq=False, slots=True)
class ShortfallFrontier:
    """Points of the frontier between expected return and expected shortfall.

    Attributes
    ----------
    prices : ndarray, shape (k,)
        Prices of a unit of shortfall, increasing.
    mean : ndarray, shape (k,)
        Expected return of the policy that is optimal at each price; falls as the price rises.
    shortfall : ndarray, shape (k,)
        Its expected shortfall ``E max(threshold - G_2, 0)``; falls, too.
    violation : ndarray, shape (k,)
        Its probability of missing the threshold.
    plans : tuple of StockPlan, length k
        The policies, their joint laws of return and second return, and the penalized values.
    threshold : float
        The threshold.
    """

    prices: Floats
    mean: Floats
    shortfall: Floats
    violation: Floats
    plans: tuple[StockPlan, ...]
    threshold: float

    def __repr__(self) -> str:
        return (
            f"ShortfallFrontier({len(self.prices)} prices: mean {self.mean[-1]:.6g}..{self.mean[0]:.6g}, shortfall "
            f"{self.shortfall[-1]:.6g}..{self.shortfall[0]:.6g} below {self.threshold:g})"
        )


def shortfall_frontier(
    mdp: TabularMDP,
    rewards: Any,
    *,
    threshold: float,
    prices: Sequence[float] | Floats,
    horizon: int,
    initial_state: int | str | None = None,
) -> ShortfallFrontier:
    r"""Trade expected return against the expected shortfall of a second return below a threshold.

    .. math:: \max_\pi \mathbb E\bigl[G_1 - \lambda \max(g - G_2, 0)\bigr]

    for every price :math:`\lambda`, over all history-dependent policies: :math:`G_1` is the return of the model,
    :math:`G_2` that of the second rewards, :math:`g` the threshold. A policy for a bound on the shortfall mixes the
    policies of two neighboring points.

    Parameters
    ----------
    mdp : TabularMDP
        The model.
    rewards : array_like, shape (S, A, S) or (M,)
        Second rewards, per transition or per line of ``mdp.outcomes``. The model's own, for a floor under the return.
    threshold : float
        What the second return should reach.
    prices : array_like, shape (k,)
        Prices :math:`\lambda \ge 0`, increasing.
    horizon : int
        Number of steps.
    initial_state : int or str, optional
        Where episodes start; by default the model's initial state, or state 0 if it has none.

    Returns
    -------
    ShortfallFrontier

    Raises
    ------
    InputError, ShapeError
        A price is negative or not increasing, the threshold is not finite, or the rewards do not fit.
    ExplosionError
        Too many pairs of sums of rewards.

    Notes
    -----
    One run of `optimize_stock` per price, with stocks of two coordinates that start at ``(0, -threshold)`` and the
    utility :math:`x_1 + \lambda \min(x_2, 0)`.

    References
    ----------
    .. [1] B. Ávila Pires et al., "Optimizing return distributions with distributional dynamic programming", *Journal of
       Machine Learning Research*, 2025, arXiv 2501.13028, section 5.

    Examples
    --------
    If it costs enough to fall short of 1, the policy plays safe after a poor first reward:

    >>> from mdpkit.distributional import shortfall_frontier
    >>> from mdpkit.problems.risk import two_step_gamble
    >>> mdp = two_step_gamble()
    >>> frontier = shortfall_frontier(mdp, mdp.outcomes.reward, threshold=1.0, prices=[0, 2], horizon=2)
    >>> frontier.mean.tolist(), frontier.shortfall.tolist()
    ([2.5, 2.25], [0.25, 0.0])
    """
    if not isinstance(mdp, TabularMDP):
        raise InputError(f"mdp must be a TabularMDP, found {type(mdp).__name__}", argument="mdp")
    read_problem(mdp, horizon=horizon, initial_state=initial_state, endless=False)
    if not isinstance(threshold, (int, float, np.floating, np.integer)) or not math.isfinite(threshold):
        raise InputError(
            f"threshold must be a finite number, found {threshold!r}", argument="threshold", value=threshold
        )
    price = np.asarray(prices, dtype=np.float64)
    if price.ndim != 1 or len(price) == 0:
        raise ShapeError(f"prices must have shape (k,), k >= 1, found {price.shape}", argument="prices")
    bad = np.flatnonzero(~(np.isfinite(price) & (price >= 0.0) & (np.diff(price, prepend=-1.0) > 0.0)))
    if len(bad):
        i = int(bad[0])
        raise InputError(
            f"prices must be nonnegative and increasing, found {price[i]} at index {i}",
            argument="prices",
            index=i,
            value=float(price[i]),
        )
    second = _per_outcome(mdp, rewards)
    both = np.stack([mdp.outcomes.reward, second])
    plans = tuple(
        optimize_stock(
            mdp,
            _penalized(float(p)),
            horizon=horizon,
            stock=(0.0, -float(threshold)),
            initial_state=initial_state,
            rewards=both,
        )
        for p in price
    )
    laws = [plan.law for plan in plans]
    missing = [np.maximum(threshold - law.x[:, 1], 0.0) for law in laws]
    slack = 1e-11 * (1.0 + abs(threshold))
    return ShortfallFrontier(
        prices=price,
        mean=np.array([law.p @ law.x[:, 0] for law in laws]),
        shortfall=np.array([law.p @ gap for law, gap in zip(laws, missing, strict=True)]),
        violation=np.array([law.p[gap > slack].sum() for law, gap in zip(laws, missing, strict=True)]),
        plans=plans,
        threshold=float(threshold),
    )


def _penalized(price: float) -> Utility:
    return Utility(
        lambda x: x[0] + price * min(x[1], 0.0), dimension=2, lipschitz=math.hypot(1.0, price), homogeneous=True
    )


def _per_outcome(mdp: TabularMDP, rewards: Any) -> Floats:
    """Return the second rewards of the lines of ``mdp.outcomes``."""
    table = mdp.outcomes
    second = np.asarray(rewards, dtype=np.float64)
    S, A = mdp.n_states, mdp.n_actions
    if second.shape == (S, A, S):
        second = second[mdp.pair_state[table.pair], mdp.pair_action[table.pair], table.successor]
    if second.shape != (len(table),):
        raise ShapeError(
            f"rewards must have shape ({S}, {A}, {S}) or ({len(table)},), found {second.shape}", argument="rewards"
        )
    return second
