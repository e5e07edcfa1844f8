"""Divergence balls around the nominal rows."""

from __future__ import annotations

from typing import Any

from mdpkit.models.uncertainty.balls import _Ball, refuse_all_support

__all__ = ["ChiSquareBall", "KLBall", "ReverseKLBall"]

INFINITE = "the divergence is infinite wherever the nominal row is zero; use ReverseKLBall or a norm ball instead"


class KLBall(_Ball):
    r"""Rows with relative entropy :math:`\sum_i p_i \log(p_i / q_i) \le \kappa` from the nominal row ``q``.

    Parameters
    ----------
    radius : array_like, scalar, shape (S,) or (S, A)
        ``kappa >= 0`` in nats; any size. In s-rectangular problems the divergences of a state's actions share it:
        :math:`\sum_a KL(p_a \| q_a) \le \kappa_s`.
    support : {"nominal"}
        Off the nominal support the divergence is infinite; anything else is refused.

    References
    ----------
    .. [1] A. Nilim, L. El Ghaoui, "Robust control of Markov decision processes with uncertain transition matrices",
       Oper. Res. 53(5), 2005.

    Examples
    --------
    >>> from mdpkit.models import KLBall
    >>> KLBall(0.02)
    KLBall(0.02)
    """

    def __init__(self, radius: Any, *, support: Any = "nominal") -> None:
        refuse_all_support(support, "KLBall", INFINITE)
        super().__init__(radius)


class ChiSquareBall(_Ball):
    r"""Rows with :math:`\sum_i (p_i - q_i)^2 / q_i \le \kappa` around the nominal row ``q``.

    Parameters
    ----------
    radius, support
        As for `KLBall`.

    Examples
    --------
    >>> from mdpkit.models import ChiSquareBall
    >>> ChiSquareBall(0.04)
    ChiSquareBall(0.04)
    """

    def __init__(self, radius: Any, *, support: Any = "nominal") -> None:
        refuse_all_support(support, "ChiSquareBall", INFINITE)
        super().__init__(radius)


class ReverseKLBall(_Ball):
    r"""Rows with :math:`\sum_i q_i \log(q_i / p_i) \le \kappa`: the reverse relative entropy, or Burg entropy.

    Parameters
    ----------
    radius : array_like, scalar, shape (S,) or (S, A)
        ``kappa >= 0`` in nats; any size. In s-rectangular problems shared by a state's actions.
    support : {"nominal", "all"} or array_like of bool, shape (S, A, S)
        Which successors may receive mass; states that the nominal row never reaches cost nothing.

    Examples
    --------
    >>> from mdpkit.models import ReverseKLBall
    >>> ReverseKLBall(0.02, support="all")
    ReverseKLBall(0.02, support=all)
    """
