"""How large an uncertainty set must be to contain the true kernel, from the number of samples of every pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit import bounds
from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError, UnknownOptionError
from mdpkit.models.rows import is_sparse

__all__ = ["hoeffding_intervals", "l1_radius"]


def l1_radius(counts: Any, delta: float, *, sampling: str = "adaptive") -> Floats:
    r"""L1 radii around the observed frequencies that contain the true kernel with probability ``1 - delta``.

    .. math:: \kappa(s, a) = \sqrt{\frac{2}{n} \log \frac{(2^S - 2) S A}{\delta_n}}, \qquad n = N(s, a),

    at most 2, with :math:`\delta_n = \delta` for fixed sample sizes and :math:`\delta / (n (n + 1))` for adaptive ones.
    A pair without samples gets 2: nature may send it anywhere.

    Parameters
    ----------
    counts : array_like of int, shape (S, A) or (S, A, S), or sparse matrix, shape (S*A, S)
        Samples of every pair, or transitions as `OfflineDataset.counts` returns them.
    delta : float, in (0, 1)
        Failure probability, for all pairs together.
    sampling : {"adaptive", "fixed"}
        "fixed": every number of samples was chosen before any data were seen, as with a generative model. "adaptive":
        numbers may depend on the data in any way - visits of a trajectory, a stopping rule; holds for all counts at
        once and costs a factor of about :math:`\sqrt{1 + 2 \log n / (S \log 2)}`.

    Returns
    -------
    ndarray, shape (S, A)
        Radii in ``[0, 2]``, for ``L1Ball(radius, support="all")`` around the empirical model. Nothing is known about
        where unseen transitions lead, so ``support="nominal"`` would void the guarantee.

    Raises
    ------
    ShapeError
        ``counts`` has another shape.
    InputError
        A count is negative or not whole, or ``delta`` is outside its range.
    UnknownOptionError
        ``sampling`` is neither of the two.

    See Also
    --------
    mdpkit.robust.from_dataset : the whole way from logged transitions to a robust problem.
    mdpkit.bounds.weissman_robust_radius : the guarantee as a theorem.

    Notes
    -----
    On the event that the set contains the true kernel, every policy is worth at least its robust value in truth, and
    the robust optimal value is at most the true one. The union over counts is that of
    `mdpkit.bounds.weissman_radius_adaptive`.

    References
    ----------
    .. [1] T. Weissman et al., "Inequalities for the L1 deviation of the empirical distribution", HP Labs
       HPL-2003-97R1, 2003, Theorem 2.1.

    Examples
    --------
    >>> from mdpkit.robust import l1_radius
    >>> l1_radius([[1000, 0], [100, 100]], delta=0.05, sampling="fixed").round(4)
    array([[0.1007, 2.    ],
           [0.3186, 0.3186]])
    """
    visits = _visits(counts)
    S, A = visits.shape
    theorem = bounds.weissman_radius_adaptive if _is_adaptive(sampling) else bounds.weissman_radius
    delta = _level(delta)
    return _by_count(visits, 2.0, lambda n: theorem(n=n, n_successors=S, delta=delta, n_pairs=S * A))


def hoeffding_intervals(counts: Any, delta: float, *, sampling: str = "adaptive") -> tuple[Floats, Floats]:
    r"""Intervals around the observed frequencies that contain the true kernel with probability ``1 - delta``.

    .. math:: \hat P(s' \mid s, a) \pm \sqrt{\frac{1}{2n} \log \frac{2 S^2 A}{\delta_n}}, \qquad n = N(s, a),

    clipped to ``[0, 1]``, with :math:`\delta_n` as in `l1_radius`. A pair without samples gets ``[0, 1]`` throughout.

    Parameters
    ----------
    counts : array_like of int, shape (S, A, S)
        Observed transitions, as `OfflineDataset.counts` returns them.
    delta : float, in (0, 1)
        Failure probability, for all pairs and successors together.
    sampling : {"adaptive", "fixed"}
        As for `l1_radius`.

    Returns
    -------
    lower, upper : ndarray, shape (S, A, S)
        Ends for ``IntervalSet(lower, upper)``.

    Raises
    ------
    ShapeError, InputError, UnknownOptionError
        As for `l1_radius`.

    References
    ----------
    .. [1] W. Hoeffding, "Probability inequalities for sums of bounded random variables", *Journal of the American
       Statistical Association* 58, 1963, Theorem 2.

    Examples
    --------
    >>> from mdpkit.robust import hoeffding_intervals
    >>> lower, upper = hoeffding_intervals([[[90, 10]], [[0, 0]]], delta=0.05, sampling="fixed")
    >>> lower.round(4).tolist(), upper.round(4).tolist()
    ([[[0.7407, 0.0]], [[0.0, 0.0]]], [[[1.0, 0.2593]], [[1.0, 1.0]]])
    """
    table = _whole(np.asarray(counts))
    if table.ndim != 3 or table.shape[0] != table.shape[2] or table.size == 0:
        raise ShapeError(f"counts must have shape (S, A, S), found {table.shape}", argument="counts")
    S, A = table.shape[:2]
    adaptive, delta = _is_adaptive(sampling), _level(delta)

    def half_width(n: int) -> float:
        # the same union over counts as in weissman_radius_adaptive
        share = delta / (n * (n + 1)) if adaptive else delta
        return bounds.hoeffding_model_error(n=n, delta=share, value_range=1.0, n_pairs=S * S * A)

    visits = table.sum(axis=2)
    half = _by_count(visits, 1.0, half_width)[:, :, None]
    frequency = table / np.maximum(visits, 1)[:, :, None]
    return np.maximum(frequency - half, 0.0), np.minimum(frequency + half, 1.0)


def _by_count(visits: Ints, largest: float, radius: Callable[[int], float]) -> Floats:
    """Evaluate a radius once per distinct count; ``largest`` caps it and stands for no samples."""
    distinct, place = np.unique(visits, return_inverse=True)
    values = [min(largest, float(radius(int(n)))) if n else largest for n in distinct]
    return np.array(values)[place].reshape(visits.shape)


def _is_adaptive(sampling: str) -> bool:
    if sampling not in ("adaptive", "fixed"):
        raise UnknownOptionError(
            f"sampling must be 'adaptive' or 'fixed', found {sampling!r}", argument="sampling", value=sampling
        )
    return sampling == "adaptive"


def _level(delta: Any) -> float:
    # checked here too, for data in which no pair has a sample
    if isinstance(delta, (bool, str)) or not 0.0 < delta < 1.0:
        raise InputError(f"delta must lie in (0, 1), found {delta!r}", argument="delta", value=delta)
    return float(delta)


def _visits(counts: Any) -> Ints:
    """Return samples per pair, shape (S, A), from either form of counts."""
    if is_sparse(counts):
        table = sp.csr_array(counts)
        _whole(table.data)
        rows, S = table.shape
        if S == 0 or rows == 0 or rows % S:
            raise ShapeError(f"sparse counts must have shape (S*A, S), found {table.shape}", argument="counts")
        return np.asarray(table.sum(axis=1)).reshape(S, -1).astype(np.int64)
    dense = _whole(np.asarray(counts))
    if dense.size == 0 or dense.ndim not in (2, 3) or (dense.ndim == 3 and dense.shape[0] != dense.shape[2]):
        raise ShapeError(f"counts must have shape (S, A) or (S, A, S), found {dense.shape}", argument="counts")
    return dense if dense.ndim == 2 else dense.sum(axis=2)


def _whole(counts: Any) -> Ints:
    """Refuse counts that are negative, or no integers."""
    if counts.dtype.kind not in "iu":
        raise ShapeError(f"counts must be integers, found dtype {counts.dtype}", argument="counts")
    if counts.size and counts.min() < 0:
        where = tuple(int(i) for i in np.unravel_index(int(np.argmax(counts < 0)), counts.shape))
        raise InputError(
            f"counts{list(where)} must be at least 0, found {int(counts[where])}",
            argument="counts",
            index=where,
            value=int(counts[where]),
        )
    return np.asarray(counts, dtype=np.int64)
