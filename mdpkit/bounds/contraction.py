"""The Bellman operator contracts: in sup norm, and in span."""

from __future__ import annotations

from mdpkit.bounds._arguments import check_between, check_discount, check_number
from mdpkit.bounds._bound import BoundValue, theorem

__all__ = ["bellman_contraction", "bellman_span_contraction"]


@theorem("always")
def bellman_contraction(*, gamma: float, distance: float) -> BoundValue:
    r"""Sup-norm contraction of the Bellman operators.

    ``max |T V - T W| <= gamma max |V - W|``, for the optimality operator and for the operator of every policy.

    Assumptions:

    - Rewards are bounded and transition rows sum to one.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    distance : float, at least 0
        ``max |V - W|``.

    Returns
    -------
    BoundValue
        ``gamma * distance``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    ``|max_a x_a - max_a y_a| <= max_a |x_a - y_a|`` and ``|P (V - W)| <= max |V - W|``. Equality for ``W = V + c``.

    References
    ----------
    .. [1] M. L. Puterman, *Markov Decision Processes*, Wiley, 1994, section 6.2 (the operator is a contraction).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.bellman_contraction(gamma=0.5, distance=3)
    1.5
    """
    return BoundValue(check_discount(gamma) * check_number(distance, "distance"))


@theorem("always")
def bellman_span_contraction(*, gamma: float, span: float, overlap: float = 0.0) -> BoundValue:
    r"""Span contraction of the Bellman operators, faster where rows of the kernel overlap.

    ``span(T V - T W) <= gamma (1 - overlap) span(V - W)``, where ``span(x) = max x - min x``.

    Assumptions:

    - Rewards are bounded and transition rows sum to one.
    - Any two rows of the kernel, for whatever states and actions, share at least the mass ``overlap``:
      ``sum_t min(P_k(t), P_l(t)) >= overlap``.

    Parameters
    ----------
    gamma : float, in [0, 1)
        Discount factor.
    span : float, at least 0
        ``span(V - W)``.
    overlap : float, in [0, 1]
        Least mass shared by two rows (one minus Dobrushin's coefficient); 0 is always allowed.

    Returns
    -------
    BoundValue
        ``gamma * (1 - overlap) * span``.

    Raises
    ------
    InputError
        An argument is outside its range.

    Notes
    -----
    With ``x = V - W``, ``T V - T W`` lies in each state between ``gamma P_k x`` (``k`` greedy for ``W``) and
    ``gamma P_l x`` (``l`` greedy for ``V``), so two entries differ by at most
    ``gamma (P_l - P_k) x <= gamma ||P_l - P_k||_1 span(x) / 2``, and half the L1 distance is one minus the shared mass.

    References
    ----------
    .. [1] M. L. Puterman, *Markov Decision Processes*, Wiley, 1994, section 6.6 (Hübner's coefficient).

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.bellman_span_contraction(gamma=0.9, span=2, overlap=0.5)
    0.9
    """
    factor = check_discount(gamma) * (1.0 - check_between(overlap, "overlap", 0.0, 1.0))
    return BoundValue(factor * check_number(span, "span"))
