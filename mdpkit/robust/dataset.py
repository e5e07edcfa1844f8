"""From logged transitions to a robust problem with a guarantee."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Bools, Floats
from mdpkit.errors import InputError, ShapeError
from mdpkit.feedback import OfflineDataset
from mdpkit.models import L1Ball, RobustMDP, TabularMDP
from mdpkit.models._checks import as_floats, check_rewards, unravel
from mdpkit.robust.radii import l1_radius

__all__ = ["from_dataset"]


def from_dataset(
    dataset: OfflineDataset,
    delta: float,
    *,
    gamma: float | None = None,
    rewards: Any = None,
    lowest_reward: float | None = None,
    sampling: str = "adaptive",
) -> RobustMDP:
    """Return the robust problem whose uncertainty set contains the true kernel with probability ``1 - delta``.

    The nominal rows are the observed frequencies, surrounded by L1 balls of `l1_radius` over all states. A pair that
    was never tried may lead anywhere. When they all contain the true rows, *every* policy is worth at least its robust
    value in truth, so the guarantee covers the policy that `mdpkit.solve` picks by looking at the same data.

    Parameters
    ----------
    dataset : OfflineDataset
        Logged transitions; each successor was drawn given the past, the pairs may have been chosen in any way.
    delta : float, in (0, 1)
        Failure probability.
    gamma : float, optional
        Discount factor; that of the dataset by default.
    rewards : array_like, shape (S, A) or (S, A, S), optional
        The expected rewards, if known. By default they are read off the data, which must then show the same reward at
        every visit of a pair: an average of random rewards would void the guarantee.
    lowest_reward : float, optional
        What a pair that was never tried pays at least. Needed only if there is such a pair and ``rewards`` is
        not given.
    sampling : {"adaptive", "fixed"}
        As for `l1_radius`: "fixed" only if every number of samples was chosen before any data were seen.

    Returns
    -------
    RobustMDP
        States that were entered as terminal, and never left, absorb with reward 0 and are certain.

    Raises
    ------
    InputError
        The rewards of a pair differ between visits, or a pair was never tried and its reward is unknown.
    ShapeError
        ``rewards`` has another shape.
    DiscountError
        There is no discount factor below 1.

    Notes
    -----
    Without `from_dataset` the problem reads ``RobustMDP(data.empirical_model(), L1Ball(l1_radius(data.counts(), delta),
    support="all"))``, if every pair was tried and rewards belong to pairs.

    References
    ----------
    .. [1] A. Nilim, L. El Ghaoui, "Robust control of Markov decision processes with uncertain transition matrices",
       *Operations Research* 53(5), 2005 (sets from data).

    Examples
    --------
    >>> import mdpkit
    >>> from mdpkit.feedback import EpisodicSimulator, collect
    >>> from mdpkit.robust import from_dataset
    >>> river = mdpkit.problems.river_swim(4, gamma=0.9)
    >>> data = collect(EpisodicSimulator(river, seed=0, horizon=50), [[0.3, 0.7]] * 4, 100_000)
    >>> problem = from_dataset(data, delta=0.05)
    >>> solution = mdpkit.solve(problem)
    >>> truth = mdpkit.evaluate_policy(river, solution.policy)
    >>> bool((solution.lower <= truth.V).all())
    True
    """
    model = dataset.empirical_model(gamma, unvisited="absorbing")
    S, A = model.n_states, model.n_actions
    counts = dataset.counts(sparse=True)
    visits = np.asarray(counts.sum(axis=1)).reshape(S, A)
    over = np.zeros(S, dtype=bool)
    over[dataset.successor[dataset.terminal]] = True
    # a state that was left all the same is no proof that its other actions end anything
    over &= visits.sum(axis=1) == 0
    ended = np.repeat(over[:, None], A, axis=1)
    radius = np.where(ended, 0.0, l1_radius(counts, delta, sampling=sampling))
    if rewards is None:
        table = _observed_rewards(dataset, visits, ended, lowest_reward)
    else:
        table = as_floats(rewards, "rewards").copy()
        if table.shape not in ((S, A), (S, A, S)):
            raise ShapeError(
                f"rewards must have shape {(S, A)} or {(S, A, S)}, found {table.shape}", argument="rewards"
            )
        check_rewards(table, "rewards", unravel(table.shape))
        table[ended] = 0.0
    rows = model.rows.csr()
    chosen: Any = table[model.pair_state, model.pair_action]
    if table.ndim == 3:
        owner = np.repeat(np.arange(model.n_pairs), np.diff(rows.indptr))
        chosen = sp.csr_array((chosen[owner, rows.indices], rows.indices, rows.indptr), shape=rows.shape)
    nominal = TabularMDP.from_pairs(
        model.pair_state, model.pair_action, rows, chosen, model.gamma, initial=model.initial
    )
    return RobustMDP(nominal, L1Ball(radius, support="all"), transition_rewards=table if table.ndim == 3 else None)


def _observed_rewards(dataset: OfflineDataset, visits: Any, ended: Bools, lowest: float | None) -> Floats:
    """Read the reward of every pair off the data; refuse pairs whose reward varies, or is nowhere to be seen."""
    S, A = visits.shape
    pair = dataset.state * A + dataset.action
    least, most = np.full(S * A, np.inf), np.full(S * A, -np.inf)
    np.minimum.at(least, pair, dataset.reward)
    np.maximum.at(most, pair, dataset.reward)
    varying = least < most
    if varying.any():
        k = int(np.argmax(varying))
        raise InputError(
            f"the pair (state {k // A}, action {k % A}) paid {float(least[k])!r} at one visit and {float(most[k])!r} "
            "at another; pass the expected rewards as rewards=R of shape (S, A), or (S, A, S) if they depend on the "
            "successor",
            argument="rewards",
            index=(k // A, k % A),
        )
    unknown = dataset.action_mask & (visits == 0) & ~ended
    if lowest is None and unknown.any():
        s, a = (int(i) for i in np.argwhere(unknown)[0])
        raise InputError(
            f"the pair (state {s}, action {a}) was never tried, nor were {int(unknown.sum()) - 1} others; pass "
            "lowest_reward, what such pairs pay at least, or rewards",
            argument="lowest_reward",
            index=(s, a),
        )
    if lowest is not None and not np.isfinite(lowest):
        raise InputError(f"lowest_reward must be finite, found {lowest!r}", argument="lowest_reward", value=lowest)
    table = np.where(visits > 0, least.reshape(S, A), 0.0 if lowest is None else lowest)
    table[ended] = 0.0
    return np.asarray(table)
