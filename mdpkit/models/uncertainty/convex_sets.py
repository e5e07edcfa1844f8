"""Sets with their own shape: intervals, mixtures, tails, and whatever cvxpy can express."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Bools, Floats
from mdpkit.errors import InputError, ShapeError
from mdpkit.models._checks import as_floats
from mdpkit.models.rows import is_sparse
from mdpkit.models.uncertainty.balls import _shown, _support
from mdpkit.models.uncertainty.base import UncertaintySet, check_shape, check_support, read_numbers, read_support

if TYPE_CHECKING:
    from mdpkit.models.tabular import TabularMDP

__all__ = ["CVaRSet", "Contamination", "ConvexSet", "IntervalSet"]

ROUNDED = 1e-9
"""Sums of interval ends may miss one by this much before the set counts as empty."""


class IntervalSet(UncertaintySet):
    r"""Rows with :math:`l \le p \le u` entry by entry: a bounded-parameter (interval) model.

    Parameters
    ----------
    lower, upper : array_like, shape (S, A, S) or (S,), or sparse matrix, shape (S*A, S)
        Ends of the intervals in ``[0, 1]`` (``(S,)``: the same for every pair), with ``sum(lower) <= 1 <= sum(upper)``
        for every pair. They need no nominal row; a nominal row outside of them draws a warning. Rows of pairs that do
        not exist are ignored.

    Raises
    ------
    InputError
        An end lies outside ``[0, 1]``, ``lower > upper``, or a row admits no distribution; found when the set meets its
        model.

    References
    ----------
    .. [1] R. Givan, S. Leach, T. Dean, "Bounded-parameter Markov decision processes", Artif. Intell. 122, 2000.

    Examples
    --------
    >>> from mdpkit.models import IntervalSet
    >>> IntervalSet([[[0.1, 0.4]], [[0.0, 0.5]]], [[[0.6, 0.9]], [[0.5, 1.0]]])
    IntervalSet(2 rows of 2 states)
    """

    lower: Any
    upper: Any

    def __init__(self, lower: Any, upper: Any) -> None:
        self._store(lower=_read_block(lower, "lower"), upper=_read_block(upper, "upper"))
        if self.lower.shape != self.upper.shape:
            raise ShapeError(
                f"lower and upper must have one shape, found {self.lower.shape} and {self.upper.shape} rows",
                argument="upper",
            )

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check ranges, order and sums of the intervals of every existing pair."""
        lower, upper = self.rows_for(nominal)

        def refuse(name: str, k: int, j: int, value: float, why: str) -> InputError:
            where = (int(nominal.pair_state[k]), int(nominal.pair_action[k]), j)
            return InputError(f"{name}{list(where)} = {value!r} {why}", argument=name, index=where, value=value)

        for name, block in (("lower", lower), ("upper", upper)):
            entries = block.tocoo()
            good = (entries.data >= 0.0) & (entries.data <= 1.0)
            if not good.all():
                bad = int(np.argmin(good))
                k, j = int(entries.row[bad]), int(entries.col[bad])
                raise refuse(name, k, j, float(entries.data[bad]), "lies outside [0, 1]")
        excess = (lower - upper).tocoo()
        if (excess.data > 0.0).any():
            bad = int(np.argmax(excess.data > 0.0))
            k, j = int(excess.row[bad]), int(excess.col[bad])
            raise refuse("lower", k, j, float(lower[k, j]), f"exceeds upper = {float(upper[k, j])!r}")
        for name, block, sign in (("lower", lower, 1.0), ("upper", upper, -1.0)):
            sums = np.asarray(block.sum(axis=1)).reshape(-1)
            wrong = sign * (sums - 1.0) > ROUNDED
            if wrong.any():
                k = int(np.argmax(wrong))
                where = (int(nominal.pair_state[k]), int(nominal.pair_action[k]))
                side = "more" if sign > 0 else "less"
                raise InputError(
                    f"{name}{list(where)} sums to {float(sums[k])!r}, {side} than 1: no distribution fits",
                    argument=name,
                    index=where,
                    value=float(sums[k]),
                )
        rows = nominal.rows.csr()
        outside = max(float((lower - rows).max()), float((rows - upper).max()))
        if outside > ROUNDED:
            warnings.warn(
                f"the nominal model lies outside its interval set by up to {outside:.3g}; only its rewards are used",
                stacklevel=3,
            )

    def rows_for(self, nominal: TabularMDP) -> tuple[Any, Any]:
        """Return both ends as sparse ``(N, S)`` matrices, one row per existing pair."""
        S, A = nominal.n_states, nominal.n_actions
        if self.lower.shape == (1, S):
            same = np.zeros(nominal.n_pairs, dtype=np.int64)
            return self.lower[same], self.upper[same]
        if self.lower.shape != (S * A, S):
            raise ShapeError(
                f"lower must have shape ({S}, {A}, {S}), or ({S * A}, {S}) if sparse; found {self.lower.shape} rows",
                argument="lower",
            )
        kept = nominal.pair_state * A + nominal.pair_action
        return self.lower[kept], self.upper[kept]

    def __repr__(self) -> str:
        return f"IntervalSet({self.lower.shape[0]} rows of {self.lower.shape[1]} states)"


def _read_block(values: Any, name: str) -> Any:
    """Read ``(S, A, S)`` or sparse ``(S*A, S)`` as compressed rows; NaN is kept, to be reported with its index."""
    if is_sparse(values):
        return sp.csr_array(values, dtype=np.float64)
    block = as_floats(values, name)
    if block.ndim == 1 and block.size:
        return sp.csr_array(block[None, :])
    if block.ndim != 3 or block.shape[0] != block.shape[2]:
        raise ShapeError(f"{name} must have shape (S, A, S) or (S,), found {block.shape}", argument=name)
    return sp.csr_array(block.reshape(-1, block.shape[2]))


class Contamination(UncertaintySet):
    r"""Rows :math:`(1 - \varepsilon) q + \varepsilon p'` with any ``p'``: with probability epsilon anything happens.

    Parameters
    ----------
    epsilon : array_like, scalar, shape (S,) or (S, A)
        In ``[0, 1]``.
    support : {"nominal", "all"} or array_like of bool, shape (S, A, S)
        Where the contaminating mass may go.

    Examples
    --------
    >>> from mdpkit.models import Contamination
    >>> Contamination(0.1, support="all")
    Contamination(0.1, support=all)
    """

    epsilon: Floats
    support: str | Bools

    def __init__(self, epsilon: Any, *, support: Any = "nominal") -> None:
        self._store(epsilon=read_numbers(epsilon, "epsilon", least=0.0, most=1.0), support=read_support(support))

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check the shapes of epsilon and of the support."""
        check_shape(self.epsilon, "epsilon", nominal, rectangularity)
        check_support(self.support, nominal)

    def __repr__(self) -> str:
        return f"Contamination({_shown(self.epsilon)}{_support(self.support)})"


class CVaRSet(UncertaintySet):
    r"""Rows with :math:`p \le q / \alpha`: the worst case is the mean of the worst alpha-fraction (CVaR) of ``q``.

    Parameters
    ----------
    level : array_like, scalar, shape (S,) or (S, A)
        ``alpha`` in ``(0, 1]``; 1 makes the pair certain.

    Examples
    --------
    >>> from mdpkit.models import CVaRSet
    >>> CVaRSet(0.25)
    CVaRSet(0.25)
    """

    level: Floats

    def __init__(self, level: Any) -> None:
        self._store(level=read_numbers(level, "level", least=0.0, most=1.0, open_below=True))

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check the shape of the level."""
        check_shape(self.level, "level", nominal, rectangularity)

    def __repr__(self) -> str:
        return f"CVaRSet({_shown(self.level)})"


class ConvexSet(UncertaintySet):
    """Any convex set of rows that cvxpy can express: one program per pair and sweep, so slow.

    Parameters
    ----------
    constraints : callable
        ``constraints(p, q, s, a) -> list of cvxpy constraints``, where ``p`` is a cvxpy variable over the allowed
        successors, ``q`` their nominal probabilities (same order, increasing state), ``s`` and ``a`` the pair. That
        ``p`` is a distribution is added for you.
    support : {"nominal", "all"} or array_like of bool, shape (S, A, S)
        The allowed successors.

    Examples
    --------
    >>> import cvxpy
    >>> from mdpkit.models import ConvexSet
    >>> ConvexSet(lambda p, q, s, a: [cvxpy.norm1(p - q) <= 0.2])
    ConvexSet(<lambda>)
    """

    constraints: Callable[..., Any]
    support: str | Bools

    def __init__(self, constraints: Callable[..., Any], *, support: Any = "nominal") -> None:
        if not callable(constraints):
            raise InputError(
                f"constraints must be a function (p, q, s, a) -> list, found {constraints!r}",
                argument="constraints",
                value=constraints,
            )
        self._store(constraints=constraints, support=read_support(support))

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check the shape of the support."""
        check_support(self.support, nominal)

    def __repr__(self) -> str:
        return f"ConvexSet({getattr(self.constraints, '__name__', 'function')}{_support(self.support)})"
