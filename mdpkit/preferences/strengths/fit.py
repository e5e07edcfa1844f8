"""`fit_strengths`: utilities of items from comparisons."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from mdpkit._arguments import check_count, check_option
from mdpkit._typing import Floats, Ints
from mdpkit.bounds._arguments import check_number
from mdpkit.errors import ConvergenceWarning, InputError, UnknownOptionError
from mdpkit.feedback import PairCounts, PairList
from mdpkit.feedback._checks import check_column
from mdpkit.preferences.existence import Existence, item_existence, tied_existence
from mdpkit.preferences.likelihood import (
    ItemTable,
    OrderTable,
    PairTable,
    add_half_ties,
    check_item_data,
    read_items,
)
from mdpkit.preferences.newton import NewtonRun
from mdpkit.preferences.strengths.maximum_likelihood import is_balanced, maximize_likelihood
from mdpkit.preferences.strengths.minorize import minorize_maximize
from mdpkit.preferences.strengths.result import StrengthFit
from mdpkit.preferences.strengths.spectral import (
    iterated_luce_spectral_ranking,
    luce_spectral_ranking,
    rank_centrality,
)
from mdpkit.preferences.strengths.ties import fit_davidson
from mdpkit.preferences.strengths.uncertainty import (
    BlockCovariance,
    GivenCovariance,
    InverseInformation,
    PairSandwich,
    Uncertainty,
)

__all__ = ["fit_strengths"]

METHODS = ("newton", "mm", "lsr", "ilsr", "rank_centrality", "pair_split")
MAX_ITER = {"newton": 100, "pair_split": 100, "mm": 10_000, "ilsr": 200}
MLE_TOL = 1e-11
"""Iterations of MM and I-LSR end when every utility seems to be as near to the estimate as this."""


def fit_strengths(
    data: Any,
    n_items: int | None = None,
    *,
    method: str = "newton",
    alpha: float = 0.0,
    prior_mean: Any = None,
    ties: str = "davidson",
    on_infinite: str = "raise",
    max_iter: int | None = None,
) -> StrengthFit:
    r"""Estimate the utilities of items from pairwise comparisons, rankings or choices.

    The default is the maximum-likelihood estimate of the Bradley-Terry-Luce or Plackett-Luce model, with a check that
    there is one before any work starts, and with standard errors. With ``alpha`` it is the posterior mode

    .. math:: \hat\theta = \arg\min_\theta \; -\log P(\text{data} \mid \theta)
              + \tfrac{\alpha}{2} \|\theta - \theta_0\|^2.

    Parameters
    ----------
    data : PairCounts, PairList, Rankings or TopChoices
        The comparisons, of `mdpkit.feedback`: winner before loser, best first.
    n_items : int, optional
        Number of items, where `data` does not name all of them.
    method : {"newton", "mm", "lsr", "ilsr", "rank_centrality", "pair_split"}
        "newton": the estimate above, quadratically convergent. "mm" (Hunter) and "ilsr" (iterated Luce spectral
        ranking) find the same estimate more slowly. "lsr" (one spectral step) and "rank_centrality" (pairs only) are
        consistent, not efficient, and have no standard errors. "pair_split" treats the pairs of a ranking as
        independent, the estimator MLE_2 of Zhu et al.; its standard errors are those of a sandwich.
    alpha : float, default 0.0
        Precision of a Gaussian prior on the utilities, variance ``1 / alpha``; "newton" and "pair_split" only. With it
        an estimate always exists. (choix documents the same prior but applies ``alpha = 2 alpha_choix``.)
    prior_mean : array_like, shape (N,), optional
        ``theta_0``; zero by default.
    ties : {"davidson", "half"}
        What the ties of `PairCounts` are: outcomes of Davidson's model with a tie parameter of its own, or half a win
        for each.
    on_infinite : {"raise", "component"}
        What to do where utilities are infinite: raise, or fit each group of comparable items by itself, with NaN for
        comparisons across groups.
    max_iter : int, optional
        Most steps.

    Returns
    -------
    StrengthFit
        Utilities, standard errors, contrasts, ranking.

    Raises
    ------
    MLENotAttainedError
        ``alpha`` is 0 and some utilities would be infinite; the message names the items, the error carries the groups.
    DisconnectedComparisonGraphError
        The same because some items were never compared with others.
    InputError, UnknownOptionError
        `data` or an option is none, or they do not fit together.

    Warns
    -----
    ConvergenceWarning
        The method stopped at `max_iter`.

    Notes
    -----
    One Newton step costs one pass over the data and a linear system: ``O(N^3)`` up to 128 items, conjugate gradients
    with one pass per iteration beyond, and a sparse factorization where these are slow (long chains of items). Memory
    is proportional to the data, for any number of items, as long as the covariance matrix is not asked for; `contrast`
    does without it.

    References
    ----------
    .. [1] D. R. Hunter, "MM algorithms for generalized Bradley-Terry models", *Annals of Statistics* 32, 2004.
    .. [2] L. Maystre, M. Grossglauser, "Fast and accurate inference of Plackett-Luce models", NIPS 2015 (Algorithms 1
       and 2).
    .. [3] S. Negahban, S. Oh, D. Shah, "Rank centrality: ranking from pairwise comparisons", *Operations Research*
       65(1), 2017.
    .. [4] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or K-wise
       comparisons", ICML 2023 (section 4).
    .. [5] R. R. Davidson, "On extending the Bradley-Terry model to accommodate ties in paired comparison experiments",
       *Journal of the American Statistical Association* 65, 1970.

    Examples
    --------
    Three wins against one: the utilities differ by ``log 3``, with standard error ``sqrt(1/3 + 1)``.

    >>> from mdpkit.feedback import PairCounts, Rankings
    >>> from mdpkit.preferences import fit_strengths
    >>> fit = fit_strengths(PairCounts([[0, 3], [1, 0]]))
    >>> difference, stderr = fit.contrast(0, 1)
    >>> round(difference, 6), round(stderr, 6)
    (1.098612, 1.154701)

    Five races of four, best first:

    >>> races = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 0, 1, 3], [3, 1, 0, 2], [0, 2, 3, 1]]
    >>> fit_strengths(Rankings.from_lists(races)).to_frame(names="ABCD").round(3)
       rank item  utility  stderr
    0     1    A    0.825   0.515
    1     2    B    0.105   0.503
    2     3    C   -0.376   0.531
    3     4    D   -0.555   0.519
    """
    n = check_item_data(data, n_items)
    alpha, mean, steps = _read_options(n, method, alpha, prior_mean, ties, on_infinite, max_iter)
    fit = _fit(data, n, method, alpha, mean, ties, on_infinite, steps)
    if not fit.converged:
        warnings.warn(fit.message, ConvergenceWarning, stacklevel=2)
    return fit


def _fit(
    data: Any, n: int, method: str, alpha: float, mean: Floats, ties: str, on_infinite: str, steps: int
) -> StrengthFit:
    """Choose the likelihood, ask whether it has a maximum, and fit."""
    if isinstance(data, PairCounts) and data.ties is not None and data.ties.any():
        if ties == "davidson":
            if on_infinite == "component":
                raise UnknownOptionError(
                    'on_infinite="component" needs ties="half": groups would share one tie parameter',
                    argument="on_infinite",
                    value=on_infinite,
                )
            return _davidson(data, method, alpha, mean, steps)
        data = add_half_ties(data)
    table = read_items(data, n)
    if method == "rank_centrality" and not isinstance(table, PairTable):
        raise UnknownOptionError(
            'method="rank_centrality" reads pairs only; split rankings yourself or use method="newton"',
            argument="method",
            value=method,
        )
    if method == "pair_split" and not isinstance(table, OrderTable):
        raise UnknownOptionError(
            'method="pair_split" splits rankings; for pairs use method="newton"', argument="method", value=method
        )
    if alpha == 0.0:
        existence = item_existence(*table.lost_to(), n)
        if on_infinite == "component" and not existence.exists:
            return _by_component(table, existence, method, steps)
        existence.raise_if_not_attained('pass alpha > 0 for a prior, or on_infinite="component"')
    return _fit_table(table, method, alpha, mean, steps)


def _read_options(
    n: int, method: str, alpha: Any, prior_mean: Any, ties: str, on_infinite: str, max_iter: int | None
) -> tuple[float, Floats, int]:
    check_option(method, "method", METHODS)
    check_option(ties, "ties", ("davidson", "half"))
    check_option(on_infinite, "on_infinite", ("raise", "component"))
    alpha = check_number(alpha, "alpha")
    if alpha > 0.0 and method not in ("newton", "pair_split"):
        raise UnknownOptionError(
            f'method="{method}" has no prior; alpha > 0 needs method="newton"', argument="alpha", value=alpha
        )
    mean = np.zeros(n)
    if prior_mean is not None:
        if alpha == 0.0:
            raise InputError("prior_mean needs alpha > 0", argument="prior_mean")
        mean = check_column(prior_mean, "prior_mean", n, np.isfinite, "a prior mean must be finite")
    steps = MAX_ITER.get(method, 1) if max_iter is None else check_count(max_iter, "max_iter")
    return alpha, mean, steps


def _fit_table(table: ItemTable, method: str, alpha: float, prior_mean: Floats, max_iter: int) -> StrengthFit:
    """Fit a likelihood whose maximum exists."""
    n = table.n_items
    if method in ("lsr", "rank_centrality"):
        if method == "lsr":
            theta = luce_spectral_ranking(table, np.zeros(n))
        else:
            assert isinstance(table, PairTable)
            theta = rank_centrality(table)
        nll, gradient = table.evaluate(theta)
        run = NewtonRun(theta, nll, gradient, 1, True)
        return _result(run, nll, method, 0.0, None)
    if method == "mm":
        run = minorize_maximize(table, np.zeros(n), tol=MLE_TOL, max_iter=max_iter)
    elif method == "ilsr":
        run = iterated_luce_spectral_ranking(table, np.zeros(n), tol=MLE_TOL, max_iter=max_iter)
    elif method == "pair_split":
        assert isinstance(table, OrderTable)
        winners, losers, weights = table.split_pairs()
        pairs = PairTable.read(PairList(winners, losers, weights, n_items=n), n)
        run = maximize_likelihood(pairs, alpha=alpha, prior_mean=prior_mean, max_iter=max_iter)
        nll = run.value if alpha == 0.0 else pairs.evaluate(run.x)[0]
        return _result(run, nll, method, alpha, PairSandwich(pairs, table, alpha, run.x))
    else:
        run = maximize_likelihood(table, alpha=alpha, prior_mean=prior_mean, max_iter=max_iter)
    if alpha == 0.0 and not is_balanced(table, run.gradient):
        run = replace(run, converged=False)
    nll = run.value if alpha == 0.0 else table.evaluate(run.x)[0]
    return _result(run, nll, method, alpha, InverseInformation(table, alpha, run.x))


def _result(run: NewtonRun, nll: float, method: str, alpha: float, uncertainty: Uncertainty | None) -> StrengthFit:
    message = f"{method} converged in {run.iterations} steps"
    if method in ("lsr", "rank_centrality"):
        message = f"{method}: one stationary distribution, not the maximum-likelihood estimate"
    elif not run.converged:
        message = f"{method} stopped after {run.iterations} steps short of its tolerance"
    return StrengthFit(
        params=run.x,
        nll=nll,
        method=method,
        alpha=alpha,
        iterations=run.iterations,
        converged=run.converged,
        gradient_norm=float(np.max(np.abs(run.gradient), initial=0.0)),
        components=(np.arange(len(run.x)),),
        message=message,
        _uncertainty=uncertainty,
    )


def _davidson(data: PairCounts, method: str, alpha: float, prior_mean: Floats, max_iter: int) -> StrengthFit:
    if method != "newton":
        raise UnknownOptionError(
            f'method="{method}" does not know ties; use method="newton", or ties="half"',
            argument="method",
            value=method,
        )
    if alpha == 0.0:
        tied_existence(data).raise_if_not_attained('pass alpha > 0 for a prior on the utilities, or ties="half"')
    elif not data.W.any():
        raise InputError('data holds ties only, so the tie parameter is infinite; use ties="half"', argument="data")
    n = data.n_items
    run, nll, cov = fit_davidson(data, alpha=alpha, prior_mean=prior_mean, max_iter=max_iter)
    plain = NewtonRun(run.x[:n], run.value, run.gradient, run.iterations, run.converged)
    fit = _result(plain, nll, method, alpha, GivenCovariance(cov[:n, :n], alpha))
    return replace(fit, tie_parameter=float(np.exp(run.x[n])), tie_stderr=float(np.sqrt(cov[n, n])))


def _by_component(table: ItemTable, existence: Existence, method: str, max_iter: int) -> StrengthFit:
    """Fit every group of comparable items by itself."""
    n = table.n_items
    params, nll, iterations, converged, worst = np.zeros(n), 0.0, 0, True, 0.0
    fits: list[tuple[Ints, StrengthFit]] = []
    for items in existence.components:
        if len(items) == 1:
            continue
        fit = _fit_table(table.restricted(items), method, 0.0, np.zeros(len(items)), max_iter)
        params[items] = fit.params
        nll, iterations = nll + fit.nll, max(iterations, fit.iterations)
        converged, worst = converged and fit.converged, max(worst, fit.gradient_norm)
        fits.append((items, fit))

    state = "all converged" if converged else "not all of them to the tolerance"
    known = [(items, fit._uncertainty) for items, fit in fits if fit._uncertainty is not None]
    return StrengthFit(
        params=params,
        nll=nll,
        method=method,
        alpha=0.0,
        iterations=iterations,
        converged=converged,
        gradient_norm=worst,
        components=existence.components,
        message=f"{len(existence.components)} groups fitted one by one, {state}: {existence.message}",
        _uncertainty=BlockCovariance(n, known) if len(known) == len(fits) else None,
    )
