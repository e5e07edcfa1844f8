"""Garnet: random sparse problems of a given size."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count, check_seed
from mdpkit._typing import SmallInts
from mdpkit.models import TabularMDP

__all__ = ["garnet"]

DENSE_SHARE = 0.25
"""Above this branching, as a share of the states, rows are handed over as a dense matrix."""


def garnet(
    n_states: int,
    n_actions: int,
    branching: int,
    *,
    gamma: float | None = 0.99,
    seed: int | np.random.Generator,
) -> TabularMDP:
    """Garnet: random sparse problems of a given size.

    Every pair has ``branching`` distinct successors, uniform among all sets of that size. Their probabilities are the
    spacings of ``branching - 1`` independent uniform cuts of the unit interval, so that their law is uniform on the
    simplex. Rewards are independent, uniform on [0, 1), one per pair.

    Parameters
    ----------
    n_states, n_actions : int
        Sizes ``S`` and ``A``.
    branching : int
        Number ``b`` of successors per pair, ``1 <= b <= S``.
    gamma : float, optional
        Discount factor; None for the undiscounted model.
    seed : int or numpy.random.Generator
        The same arguments and seed give the same model.

    Returns
    -------
    TabularMDP
        Sparse, dense where ``b > S/4``.

    Notes
    -----
    Nothing is known in closed form, which is the point: these are problems without structure for scaling studies.
    With rewards in [0, 1) all values lie in ``[0, 1/(1-gamma))``. With one action the expectation of every
    value over the draw is ``1/(2(1-gamma))``, whatever the branching.

    ``O(S A b log b)`` time; 10^6 states with 5 actions and 5 successors take a few seconds.

    References
    ----------
    .. [1] T. W. Archibald, K. I. M. McKinnon, L. C. Thomas, "On the generation of Markov decision processes",
       *Journal of the Operational Research Society* 46, 1995.

    Examples
    --------
    >>> from mdpkit import problems
    >>> problems.garnet(1000, 4, 3, seed=0)
    TabularMDP(S=1,000, A=4, nnz=12,000, gamma=0.99, sparse, actions=a0, a1, a2, a3)
    """
    n = check_count(n_states, "n_states")
    n_pairs = n * check_count(n_actions, "n_actions")
    b = check_count(branching, "branching", most=n)
    rng = check_seed(seed)
    col = distinct_successors(n_pairs, n, b, rng)
    cuts = np.sort(rng.random((n_pairs, b - 1)), axis=1)
    prob = np.diff(cuts, axis=1, prepend=0.0, append=1.0)
    r = rng.random((n, n_actions))
    row_ptr = np.arange(n_pairs + 1, dtype=np.int64) * b
    P: Any = sp.csr_array((prob.reshape(-1), col.reshape(-1), row_ptr), shape=(n_pairs, n))
    if b > DENSE_SHARE * n:
        P = P.toarray().reshape(n, n_actions, n)
    return TabularMDP(P, r, gamma, action_names=[f"a{a}" for a in range(n_actions)])


def distinct_successors(n_rows: int, n_states: int, size: int, rng: np.random.Generator) -> SmallInts:
    """Draw one uniformly random set of ``size`` states per row, sorted; shape ``(n_rows, size)``.

    Replacing repeated values until none is left keeps the first ``size`` distinct values of a sequence of independent
    uniform draws, and by symmetry every set is equally likely.
    """
    if 2 * size > n_states:
        # Few draws would be new: draw the complement instead.
        absent = distinct_successors(n_rows, n_states, n_states - size, rng)
        present = np.ones((n_rows, n_states), dtype=bool)
        np.put_along_axis(present, absent, False, axis=1)
        return np.nonzero(present)[1].astype(np.int32).reshape(n_rows, size)
    col = rng.integers(n_states, size=(n_rows, size), dtype=np.int32)
    col.sort(axis=1)
    rows = np.arange(n_rows)
    while True:
        some = col[rows]
        repeated = some[:, 1:] == some[:, :-1]
        again = repeated.any(axis=1)
        if not again.any():
            return col
        rows, some, repeated = rows[again], some[again], repeated[again]
        some[:, 1:][repeated] = rng.integers(n_states, size=int(np.count_nonzero(repeated)), dtype=np.int32)
        some.sort(axis=1)
        col[rows] = some
