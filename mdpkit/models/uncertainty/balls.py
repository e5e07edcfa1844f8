"""Norm balls around the nominal rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mdpkit._typing import Bools, Floats
from mdpkit.errors import InputError, ShapeError
from mdpkit.models.uncertainty.base import UncertaintySet, check_shape, check_support, read_numbers, read_support

if TYPE_CHECKING:
    from mdpkit.models.tabular import TabularMDP

__all__ = ["L1Ball", "L2Ball", "LinfBall"]


class _Ball(UncertaintySet):
    """A radius and a support."""

    joint: ClassVar[bool] = True
    radius: Floats
    support: str | Bools

    def __init__(self, radius: Any, *, support: Any = "nominal") -> None:
        self._store(radius=read_numbers(radius, "radius", least=0.0), support=read_support(support))

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check the shapes of the radius and of the support."""
        check_shape(self.radius, "radius", nominal, rectangularity)
        check_support(self.support, nominal)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_shown(self.radius)}{_support(self.support)})"


class _WeightedBall(_Ball):
    """A ball whose norm weighs successors."""

    weights: Floats | None

    def __init__(self, radius: Any, *, weights: Any = None, support: Any = "nominal") -> None:
        super().__init__(radius, support=support)
        if weights is not None:
            weights = read_numbers(weights, "weights", least=0.0, open_below=True)
        self._store(weights=weights)

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check the shapes of radius, support and weights."""
        super().check_against(nominal, rectangularity)
        S, A = nominal.n_states, nominal.n_actions
        if self.weights is not None and self.weights.shape not in ((S,), (S, A, S)):
            raise ShapeError(
                f"weights must have shape ({S},) or ({S}, {A}, {S}), found {self.weights.shape}", argument="weights"
            )

    def __repr__(self) -> str:
        weights = "" if self.weights is None else f", weights of shape {self.weights.shape}"
        return f"{type(self).__name__}({_shown(self.radius)}{weights}{_support(self.support)})"


class L1Ball(_WeightedBall):
    r"""Rows with :math:`\sum_i w_i |p_i - q_i| \le \kappa` around the nominal row ``q``.

    Parameters
    ----------
    radius : array_like, scalar, shape (S,) or (S, A)
        ``kappa >= 0``. Twice the total-variation distance when the weights are 1; values above 2 then act as 2. A
        scalar holds for every pair, ``(S,)`` for every action of a state. In s-rectangular problems the budget of a
        state is shared by its actions: :math:`\sum_a \|p_a - q_a\|_1 \le \kappa_s`. A radius of 0 makes a pair certain.
    weights : array_like, shape (S,) or (S, A, S), optional
        Positive weights of the successors; by default 1.
    support : {"nominal", "all"} or array_like of bool, shape (S, A, S)
        Which successors may receive mass.

    Raises
    ------
    InputError
        The radius is negative or not finite, or a weight is not positive and finite.

    References
    ----------
    .. [1] G. N. Iyengar, "Robust dynamic programming", Math. Oper. Res. 30(2), 2005.
    .. [2] C. P. Ho, M. Petrik, W. Wiesemann, "Fast Bellman updates for robust MDPs", ICML 2018.

    Examples
    --------
    >>> from mdpkit.models import L1Ball
    >>> L1Ball(0.2, support="all")
    L1Ball(0.2, support=all)
    """


class LinfBall(_WeightedBall):
    r"""Rows with :math:`\max_i w_i |p_i - q_i| \le \kappa` around the nominal row ``q``.

    Parameters
    ----------
    radius, weights, support
        As for `L1Ball`. In s-rectangular problems :math:`\sum_a \max_i w_i |p_{a,i} - q_{a,i}| \le \kappa_s`.

    Examples
    --------
    >>> from mdpkit.models import LinfBall
    >>> LinfBall(0.05)
    LinfBall(0.05)
    """


class L2Ball(_Ball):
    r"""Rows with :math:`\|p - q\|_2 \le \kappa` around the nominal row ``q``.

    Parameters
    ----------
    radius, support
        As for `L1Ball`. In s-rectangular problems :math:`\sum_a \|p_a - q_a\|_2 \le \kappa_s`.

    Examples
    --------
    >>> from mdpkit.models import L2Ball
    >>> L2Ball([0.1, 0.2])
    L2Ball(0.1..0.2)
    """


def refuse_all_support(support: Any, name: str, reason: str) -> None:
    """Refuse ``support`` for a divergence that is infinite off the nominal support."""
    if not (isinstance(support, str) and support == "nominal"):
        raise InputError(f"{name} forces the nominal support: {reason}", argument="support", value=support)


def _shown(radius: Floats) -> str:
    low, high = float(np.min(radius)), float(np.max(radius))
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"


def _support(support: str | Bools) -> str:
    if isinstance(support, str):
        return "" if support == "nominal" else f", support={support}"
    return ", support=mask"
