"""What a grid of stocks costs: interpolated values, enclosures, and the threshold of CVaR."""

from __future__ import annotations

from mdpkit.bounds._arguments import check_between, check_discount, check_number, check_positive
from mdpkit.bounds._bound import BoundValue, theorem

__all__ = ["stock_grid_cvar_error", "stock_grid_enclosure_error", "stock_grid_error"]


@theorem("always")
def stock_grid_error(*, gamma: float, step: float, slope_range: float) -> BoundValue:
    r"""Error of value iteration on a stock grid with linear interpolation.

    ``|V_h - V*| <= (K - k) h / (4 (1 - gamma))`` for every state and stock, ``V_h`` the fixed point interpolated
    between grid points, ``[k, K]`` the slopes of the utility.

    Assumptions:

    - The objective is an expected utility with ``f(0) = 0`` and ``f(gamma x) = gamma f(x)``, and ``k <= (f(y) - f(x)) /
      (y - x) <= K``.
    - Neighbors on the grid are ``h`` apart at most; stocks outside it get their exact values and are never clipped.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    step : float, above 0
        ``h``.
    slope_range : float, at least 0
        ``K - k``: ``L`` for a nondecreasing ``L``-Lipschitz utility, ``2 L`` for any.

    Returns
    -------
    BoundValue
        ``slope_range * step / (4 * (1 - gamma))``; at grid points ``gamma`` times as much.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    In the stock, ``V*`` has slopes in ``[k, K]`` like ``f``. Linear interpolation of such a function errs by ``(K - k)
    t (1 - t) h`` at most, ``t`` the position between neighbors, and ``e <= gamma (e + (K - k) h / 4)`` at grid points.
    Attained at ``gamma = 0`` with the kink of ``f`` in the middle of a cell.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing return distributions with distributional dynamic programming", arXiv
       2501.13028, 2025, for the operator; the grid by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.stock_grid_error(gamma=0.5, step=0.25, slope_range=1)
    0.125
    """
    gamma, h = check_discount(gamma), check_positive(step, "step")
    return BoundValue(check_number(slope_range, "slope_range") * h / (4.0 * (1.0 - gamma)))


@theorem("always")
def stock_grid_enclosure_error(*, gamma: float, step: float, lipschitz: float = 1.0) -> BoundValue:
    r"""Width of the enclosure from a stock grid rounded down, or up.

    ``V_floor <= V* <= V_ceil`` for every state and stock, and each is within ``gamma L h / (1 - gamma)`` of ``V*`` at
    grid points, ``V_floor`` and ``V_ceil`` the fixed points that round successor stocks down and up to the grid.

    Assumptions:

    - The objective is an expected utility with ``f(0) = 0`` and ``f(gamma x) = gamma f(x)``, and ``f`` is nondecreasing
      and ``L``-Lipschitz.
    - Neighbors on the grid are ``h`` apart at most; stocks outside it get their exact values and are never clipped.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    step : float, above 0
        ``h``.
    lipschitz : float, at least 0, default 1
        ``L``.

    Returns
    -------
    BoundValue
        ``gamma * lipschitz * step / (1 - gamma)``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    Rounding moves a stock by less than ``h``, and ``V*`` is nondecreasing and ``L``-Lipschitz in it. Between grid
    points add ``L h``. Where the grid is closed under ``c -> (c + r) / gamma`` nothing is rounded and both ends meet.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing return distributions with distributional dynamic programming", arXiv
       2501.13028, 2025, for the operator; the grid by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.stock_grid_enclosure_error(gamma=0.75, step=0.25)
    0.75
    """
    gamma, h = check_discount(gamma), check_positive(step, "step")
    return BoundValue(gamma * check_number(lipschitz, "lipschitz") * h / (1.0 - gamma))


@theorem("always")
def stock_grid_cvar_error(*, tau: float, step: float, value_error: float = 0.0) -> BoundValue:
    r"""Error of the optimal CVaR when its threshold is searched on a grid.

    ``|CVaR*_tau - max_c (-c + V(c) / tau)| <= (1 - tau) h + value_error / tau``, the maximum over a grid of initial
    stocks, ``V*(c) = max E min(c + G, 0)`` over all policies, and ``|V - V*| <= value_error``.

    Assumptions:

    - Neighbors on the grid are ``h`` apart at most, and the grid covers ``[-max G, -min G]``.

    Parameters
    ----------
    tau : float, in (0, 1]
        Level; 1 is the mean.
    step : float, above 0
        ``h``.
    value_error : float, at least 0, default 0
        How far the values at the grid points may be from ``V*``.

    Returns
    -------
    BoundValue
        ``(1 - tau) * step + value_error / tau``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``D(c) = -c + V*(c) / tau`` has slopes in ``[-1, 1 / tau - 1]``. At ``t`` to the right of a grid point it exceeds
    the two neighbors by ``min((1 / tau - 1) t, h - t)`` at most, which is ``(1 - tau) h`` for ``t = tau h`` and never
    more. With exact values the grid is never above ``CVaR*``. Attained by a return that is certain.

    References
    ----------
    .. [1] R. T. Rockafellar, S. Uryasev, "Optimization of conditional value-at-risk", *Journal of Risk* 2, 2000, for
       the variational form; the grid by the proof of the notes.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.stock_grid_cvar_error(tau=0.25, step=0.5, value_error=0.125)
    0.875
    """
    level = check_between(check_positive(tau, "tau"), "tau", 0.0, 1.0)
    return BoundValue((1.0 - level) * check_positive(step, "step") + check_number(value_error, "value_error") / level)
