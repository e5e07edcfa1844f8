"""`choicerank`: utilities of the nodes of a network from how often they were entered and left."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.bounds._arguments import check_positive
from mdpkit.errors import ConvergenceWarning, InputError, ShapeError
from mdpkit.feedback._checks import check_column
from mdpkit.models._checks import as_floats
from mdpkit.models.rows import is_sparse
from mdpkit.preferences.newton import damped_newton
from mdpkit.preferences.strengths.network_likelihood import NetworkCovariance, NetworkLikelihood
from mdpkit.preferences.strengths.result import StrengthFit

__all__ = ["choicerank"]

BALANCE = 1e-8
"""Arrivals and departures may differ by this, relative to their number."""


def choicerank(
    adjacency: Any, traffic_in: Any, traffic_out: Any, *, alpha: float = 1.0, max_iter: int = 200
) -> StrengthFit:
    r"""Estimate how attractive the nodes of a network are from its traffic counts.

    At node ``j`` the next node is chosen among the successors of ``j`` with probability ``a_{ji} p_i / sum_k a_{jk}
    p_k``. The counts of the single moves are not needed: the likelihood depends on the arrivals and departures of each
    node only. The estimate maximizes it with a Gamma(alpha + 1, alpha) prior on each strength ``p_i``.

    Parameters
    ----------
    adjacency : array_like or sparse matrix, shape (N, N)
        ``a_{ji} >= 0``, positive where there is a link from ``j`` to ``i``; its size weighs the link.
    traffic_in, traffic_out : array_like, shape (N,)
        Arrivals at and departures from each node; both have the same sum.
    alpha : float, default 1.0
        Strength of the prior, above 0. It makes the estimate exist and be unique.
    max_iter : int, default 200
        Most Newton steps.

    Returns
    -------
    StrengthFit
        `params` are ``log p``, centered by the prior and not to sum zero; `cov` is the Laplace posterior covariance.

    Raises
    ------
    InputError, ShapeError
        A count or weight is negative or not finite, arrivals and departures do not match, or traffic flows where there
        is no link; naming the node.

    Warns
    -----
    ConvergenceWarning
        The iteration stopped at `max_iter`.

    Notes
    -----
    The published algorithm is a minorize-maximize iteration, which converges linearly. The objective is convex in
    ``log p``, so Newton's method with conjugate gradients, two sparse products per iteration, finds the same point in a
    few steps. Memory is proportional to the number of links.

    References
    ----------
    .. [1] L. Maystre, M. Grossglauser, "ChoiceRank: identifying preferences from node traffic in networks", ICML 2017
       (Theorem 1 and Algorithm 1).

    Examples
    --------
    From node 0 to 1 or 2; most visitors go to 2, and all of them come back.

    >>> from mdpkit.preferences import choicerank
    >>> fit = choicerank([[0, 1, 1], [1, 0, 0], [1, 0, 0]], traffic_in=[90, 10, 80], traffic_out=[90, 10, 80])
    >>> fit.ranking().tolist()
    [2, 0, 1]
    """
    A = _read_adjacency(adjacency)
    n = A.shape[0]
    arrivals, departures = (
        _read_traffic(c, name, n) for c, name in ((traffic_in, "traffic_in"), (traffic_out, "traffic_out"))
    )
    _check_flow(A, arrivals, departures)
    alpha, max_iter = check_positive(alpha, "alpha"), check_count(max_iter, "max_iter")
    likelihood = NetworkLikelihood(A, arrivals, departures, alpha)

    def direction(theta: Floats, gradient: Floats) -> Floats:
        return likelihood.solve(theta, -gradient, 1e-8)

    run = damped_newton(likelihood.evaluate, direction, np.zeros(n), max_iter=max_iter)
    message = f"choicerank converged in {run.iterations} Newton steps"
    if not run.converged:
        message = f"choicerank stopped after {run.iterations} Newton steps short of its tolerance"
        warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return StrengthFit(
        params=run.x,
        nll=likelihood.nll(run.x),
        method="choicerank",
        alpha=alpha,
        iterations=run.iterations,
        converged=run.converged,
        gradient_norm=float(np.max(np.abs(run.gradient), initial=0.0)),
        components=(np.arange(n),),
        message=message,
        _uncertainty=NetworkCovariance(likelihood, run.x),
    )


def _read_adjacency(adjacency: Any) -> Any:
    A: Any = sp.csr_array(adjacency if is_sparse(adjacency) else np.atleast_2d(as_floats(adjacency, "adjacency")))
    A = A.astype(np.float64)
    if A.ndim != 2 or A.shape[0] != A.shape[1] or A.shape[0] == 0:
        raise ShapeError(f"adjacency must have shape (N, N), found {A.shape}", argument="adjacency")
    links = A.tocoo()
    good = (links.data >= 0.0) & (links.data < np.inf)
    if not good.all():
        k = int(np.argmin(good))
        where, value = (int(links.row[k]), int(links.col[k])), float(links.data[k])
        raise InputError(
            f"adjacency[{where[0]}, {where[1]}] = {value!r}: weights are finite and not negative",
            argument="adjacency",
            index=where,
            value=value,
        )
    A.eliminate_zeros()
    return A


def _read_traffic(counts: Any, name: str, n: int) -> Floats:
    return check_column(counts, name, n, lambda c: (c >= 0) & (c < np.inf), "counts are finite and not negative")


def _check_flow(A: Any, arrivals: Floats, departures: Floats) -> None:
    came, went = float(np.sum(arrivals)), float(np.sum(departures))
    if abs(came - went) > BALANCE * max(came, went):
        raise InputError(
            f"traffic_in sums to {came:g} and traffic_out to {went:g}; every move leaves one node and enters another",
            argument="traffic_in",
            value=came,
        )
    entered, links = np.asarray(A.sum(axis=0)).reshape(-1), np.asarray(A.sum(axis=1)).reshape(-1)
    for counts, reach, name, what in (
        (arrivals, entered, "traffic_in", "no link enters"),
        (departures, links, "traffic_out", "no link leaves"),
    ):
        stuck = (counts > 0.0) & (reach == 0.0)
        if stuck.any():
            k = int(np.argmax(stuck))
            raise InputError(
                f"{name}[{k}] = {float(counts[k])!r}, but {what} node {k}",
                argument=name,
                index=k,
                value=float(counts[k]),
            )
