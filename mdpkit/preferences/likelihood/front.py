"""Likelihoods as functions: `negative_log_likelihood` of any comparison data, and the law of a ranking."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError, ShapeError
from mdpkit.feedback import LinearPairs, LinearRankings, PairCounts, Rankings
from mdpkit.feedback._checks import check_all, check_indices
from mdpkit.models._checks import as_floats
from mdpkit.preferences.likelihood.linear import read_linear
from mdpkit.preferences.likelihood.read import check_item_data, read_items

__all__ = ["Likelihood", "negative_log_likelihood", "ranking_log_probability"]


class Likelihood(NamedTuple):
    """A negative log-likelihood with its derivatives.

    Attributes
    ----------
    nll : float
        Its value.
    grad : ndarray, shape (N,) or (d,)
        Its gradient.
    hess : ndarray, shape (N, N) or (d, d)
        Its Hessian, positive semidefinite; for items a weighted graph Laplacian.
    """

    nll: float
    grad: Floats
    hess: Floats


def negative_log_likelihood(data: Any, params: Any, *, mean: bool = False) -> Likelihood:
    r"""Evaluate the Bradley-Terry-Luce or Plackett-Luce likelihood of comparisons.

    A datum is a list of stages, the choice of a winner ``w`` from a set ``S``, with probability

    .. math:: P(w \mid S) = \frac{e^{u_w}}{\sum_{j \in S} e^{u_j}},

    where ``u`` are the utilities of items or ``u = phi . theta`` for feature vectors. A pair is one stage with two
    members, a ranking of ``K`` items has ``K - 1`` stages, a choice of the best one.

    Parameters
    ----------
    data : PairCounts, PairList, Rankings, TopChoices, LinearPairs or LinearRankings
        The comparisons, without ties.
    params : array_like, shape (N,) or (d,)
        Utilities of the items, or the parameter of linear utilities; on the natural-log scale.
    mean : bool, default False
        Divide by the total weight; otherwise weights are added up.

    Returns
    -------
    Likelihood
        ``(nll, grad, hess)``.

    Raises
    ------
    InputError, ShapeError
        There are ties, a parameter is not finite, or their number is wrong.

    Notes
    -----
    Pairs cost ``O(m)`` for ``m`` different pairs, rankings ``O(K^2)`` each; the Hessian of items takes ``N^2`` numbers.
    Nothing overflows, and no digits are lost where one utility dominates: sums over the remaining items are built from
    the last one upwards.

    References
    ----------
    .. [1] R. L. Plackett, "The analysis of permutations", *Applied Statistics* 24(2), 1975; R. D. Luce, *Individual
       Choice Behavior*, 1959.

    Examples
    --------
    Two against three, as equals: ``5 log 2``, and the gradient is what the first won too little.

    >>> from mdpkit.feedback import PairCounts
    >>> from mdpkit.preferences import negative_log_likelihood
    >>> nll, grad, hess = negative_log_likelihood(PairCounts([[0, 2], [3, 0]]), [0.0, 0.0])
    >>> round(nll, 6), grad.tolist(), hess.tolist()
    (3.465736, [0.5, -0.5], [[1.25, -1.25], [-1.25, 1.25]])
    """
    if isinstance(data, (LinearPairs, LinearRankings)):
        theta = _parameters(params, data.dimension)
        nll, gradient, hessian = read_linear(data).evaluate(theta)
        weight = float(np.sum(data.weights))
    else:
        n_items = check_item_data(data, None)
        if isinstance(data, PairCounts) and data.ties is not None and data.ties.any():
            raise InputError("data holds ties, which these models do not have; see fit_strengths", argument="data")
        theta = _parameters(params, None)
        if len(theta) < n_items or (isinstance(data, PairCounts) and len(theta) != n_items):
            raise ShapeError(f"params must have shape ({n_items},), found {theta.shape}", argument="params")
        table = read_items(data, len(theta))
        nll, gradient = table.evaluate(theta)
        hessian, weight = table.hessian(), table.weight
    if mean and weight > 0.0:
        return Likelihood(nll / weight, gradient / weight, hessian / weight)
    return Likelihood(nll, gradient, hessian)


def ranking_log_probability(params: Any, ranking: Any) -> float:
    """Return the log-probability of one ranking of items, best first, under the Plackett-Luce model.

    Parameters
    ----------
    params : array_like, shape (N,)
        Utilities.
    ranking : array_like of int, shape (K,)
        Different items from best to worst; all others are left out of the choice.

    Returns
    -------
    float

    Raises
    ------
    InputError, ShapeError
        There is no such item, or it occurs twice.

    Examples
    --------
    >>> import math
    >>> from mdpkit.preferences import ranking_log_probability
    >>> round(math.exp(ranking_log_probability([1, 0.5, 0, -0.5], [0, 1, 2, 3])), 12)
    0.143461965668
    """
    theta = _parameters(params, None)
    row = check_indices(ranking, "ranking", len(theta), "item")
    if len(row) == 0:
        raise InputError("ranking is empty", argument="ranking")
    _, first = np.unique(row, return_index=True)
    if len(first) < len(row):
        k = int(np.setdiff1d(np.arange(len(row)), first)[0])
        raise InputError(f"ranking[{k}] = {row[k]} occurs twice", argument="ranking", index=k, value=int(row[k]))
    if len(row) == 1:
        return 0.0
    return -negative_log_likelihood(Rankings(row, [0, row.size], n_items=len(theta)), theta).nll


def _parameters(params: Any, count: int | None) -> Floats:
    theta = as_floats(params, "params")
    if theta.ndim != 1 or (count is not None and len(theta) != count):
        wanted = "(N,)" if count is None else f"({count},)"
        raise ShapeError(f"params must have shape {wanted}, found {theta.shape}", argument="params")
    check_all(theta, "params", np.isfinite, "parameters must be finite")
    return theta
