"""Testing rates: the slope on log-log axes with an interval, refusing data that could not tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from mdpkit._typing import Floats
from mdpkit.errors import InputError, ShapeError, UnknownOptionError
from mdpkit.testing._arguments import open_unit, real

__all__ = ["RateCheck", "assert_rate"]

LEAST_RANGE = 10.0
LEAST_POINTS = 4


@dataclass(frozen=True, slots=True)
class RateCheck:
    """What `assert_rate` saw.

    Attributes
    ----------
    slope : float
        Least-squares slope of ``log y`` on ``log x``.
    lower, upper : float
        Interval for the true slope at level ``1 - false_alarm``.
    degrees_of_freedom : int
        Of the t quantile behind the interval: repeats minus one, or points minus two.
    """

    slope: float
    lower: float
    upper: float
    degrees_of_freedom: int


def assert_rate(
    x: Any,
    y: Any,
    slope: float,
    *,
    tolerance: float,
    kind: str = "equal",
    false_alarm: float = 1e-6,
) -> RateCheck:
    r"""Assert that ``y`` follows the power law ``y ~ x**slope``, or grows no faster.

    The slope of ``log y`` on ``log x`` is fitted by least squares. With repeats every repeat has its own slope, and

    .. math:: \bar b \pm t_{m-1}(1 - \alpha/2)\, \mathrm{sd}(b_1, ..., b_m) / \sqrt{m}

    is the interval, ``alpha = false_alarm``: right whatever the noise does along ``x``, also when a repeat is one run
    observed at all ``x``. Without repeats it is the regression interval with ``n - 2`` degrees of freedom, in which
    a curve on log-log axes counts as noise.

    - ``"equal"`` fails if the interval lies wholly outside ``[slope - tolerance, slope + tolerance]``.
    - ``"at_most"`` fails if it lies wholly above ``slope + tolerance``. This is what an O or O~ theorem claims; for an
      error that shrinks like ``n**-0.5`` the slope is -0.5, and a faster error is no failure.

    An interval that neither fails nor lies wholly inside the claim and whose half-width exceeds `tolerance` decides
    nothing and is refused. So a true slope within `tolerance` of the claim is accused with probability at most
    `false_alarm`, and one that is off by more than ``3 * tolerance`` passes with probability at most `false_alarm`.

    Parameters
    ----------
    x : array_like, shape (n,)
        Sample sizes, horizons, ...: positive, at least 4 distinct values spanning at least a factor 10.
    y : array_like, shape (n,) or (n, m)
        Errors, regrets, ...: positive; column ``j`` is an independent repeat, at least 2 of them.
    slope : float
        Claimed exponent.
    tolerance : float
        Positive. It has to cover what the theorem leaves out: a factor ``log x`` adds ``1 / log x`` to the local
        slope.
    kind : {"equal", "at_most"}, default "equal"
        Two-sided claim, or upper bound.
    false_alarm : float, default 1e-6
        Largest probability of accusing a true claim, in ``(0, 1)``.

    Returns
    -------
    RateCheck
        The slope and its interval.

    Raises
    ------
    AssertionError
        The data contradict the rate.
    InputError
        Too narrow a range of ``x``, too few points or repeats, data that are not positive and finite, or an interval
        too wide to tell.

    Notes
    -----
    The level is that of Student's t: exact for Gaussian slopes, approximate otherwise. Average skewed errors (over
    seeds) within each repeat, and keep the number of repeats at 10 or more: the t quantile at 1e-6 is 49 with 4
    degrees of freedom, 10 with 11, and 6 with 29.

    References
    ----------
    .. [1] G. A. F. Seber, A. J. Lee, *Linear Regression Analysis*, Wiley, 2003, chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> from mdpkit.testing import assert_rate
    >>> n = np.array([10, 30, 100, 300, 1000])
    >>> round(assert_rate(n, 3 / np.sqrt(n), -1 / 2, tolerance=0.05).slope, 6)
    -0.5
    >>> assert_rate(n, 3 / np.cbrt(n), -1 / 2, tolerance=0.05)
    Traceback (most recent call last):
    AssertionError: the slope is -0.3333, between -0.3333 and -0.3333 at level 1e-06; claimed is -0.5 +- 0.05
    """
    claim, width, alpha = real(slope, "slope"), real(tolerance, "tolerance"), open_unit(false_alarm, "false_alarm")
    if width <= 0.0:
        raise InputError(f"tolerance must be positive, found {tolerance!r}", argument="tolerance", value=tolerance)
    if kind not in ("equal", "at_most"):
        raise UnknownOptionError(f'kind must be "equal" or "at_most", found {kind!r}', argument="kind", value=kind)
    log_x, log_y = _read(x, y)
    check = _fit(log_x, log_y, alpha)
    low, high = (claim - width if kind == "equal" else -np.inf), claim + width
    found = f"the slope is {check.slope:.4g}, between {check.lower:.4g} and {check.upper:.4g} at level {alpha:g}"
    claimed = f"claimed is {claim:g} +- {width:g}" if kind == "equal" else f"claimed is at most {claim:g} + {width:g}"
    if check.lower > high or check.upper < low:
        raise AssertionError(f"{found}; {claimed}")
    decided = low <= check.lower and check.upper <= high
    if not decided and (check.upper - check.lower) / 2.0 > width:
        raise InputError(
            f"{found}: too wide to tell, {claimed}; take more repeats, average more within each, or widen the range"
            " of x",
            argument="y",
            value=(check.lower, check.upper),
        )
    return check


def _read(x: Any, y: Any) -> tuple[Floats, Floats]:
    """Return the logarithms of the data, checked; those of ``y`` with two axes."""
    sizes, values = _positive(x, "x"), _positive(y, "y")
    if sizes.ndim != 1:
        raise ShapeError(f"x must have one axis, found shape {sizes.shape}", argument="x")
    if values.ndim not in (1, 2) or len(values) != len(sizes):
        raise ShapeError(
            f"y must have shape ({len(sizes)},) or ({len(sizes)}, repeats), found {values.shape}", argument="y"
        )
    if values.ndim == 2 and values.shape[1] < 2:
        raise ShapeError("y must have at least two repeats, or one axis", argument="y")
    n_distinct = len(np.unique(sizes))
    if n_distinct < LEAST_POINTS:
        raise InputError(
            f"x has {n_distinct} distinct values; a rate needs at least {LEAST_POINTS}", argument="x", value=n_distinct
        )
    span = float(np.max(sizes) / np.min(sizes))
    if span < LEAST_RANGE:
        raise InputError(
            f"x spans a factor {span:.3g} only; over less than a factor {LEAST_RANGE:g} rates look alike",
            argument="x",
            value=span,
        )
    return np.log(sizes), np.log(values.reshape(len(sizes), -1))


def _positive(values: Any, name: str) -> Floats:
    try:
        array: Floats = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{name} must be a numeric array: {error}", argument=name) from error
    bad = ~((array > 0.0) & (array < np.inf))
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"{name}{list(where)} = {float(array[where])!r}; a log-log slope needs positive finite numbers",
            argument=name,
            index=where,
            value=float(array[where]),
        )
    return array


def _fit(log_x: Floats, log_y: Floats, alpha: float) -> RateCheck:
    """Fit the slope of each column and put a t interval around their mean."""
    n, m = log_y.shape
    centered = log_x - np.mean(log_x)
    square = float(centered @ centered)
    slopes = centered @ log_y / square
    mean = float(np.mean(slopes))
    if m > 1:
        freedom, deviation = m - 1, float(np.std(slopes, ddof=1)) / math.sqrt(m)
    else:
        residual = log_y[:, 0] - np.mean(log_y) - mean * centered
        freedom, deviation = n - 2, float(np.sqrt(residual @ residual / (n - 2) / square))
    half = float(stdtrit(freedom, 1.0 - alpha / 2.0)) * deviation
    return RateCheck(mean, mean - half, mean + half, freedom)
