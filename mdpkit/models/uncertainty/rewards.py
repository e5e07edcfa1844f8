"""Uncertain rewards: the kernel is known, what it pays is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import UnknownOptionError
from mdpkit.models.uncertainty.balls import _shown
from mdpkit.models.uncertainty.base import UncertaintySet, check_shape, read_numbers

if TYPE_CHECKING:
    from mdpkit.models.tabular import TabularMDP

__all__ = ["RewardBall"]

NORMS = (1, 2, np.inf)


class RewardBall(UncertaintySet):
    r"""Rewards that may be off by a vector in a norm ball, with certain transitions.

    In s-rectangular problems :math:`\|\delta r(s, \cdot)\|_p \le \alpha_s`: the update is
    :math:`\max_d d^T Q - \alpha \|d\|_{p^*}`, a regularized Bellman equation, and the best policy randomizes. In
    (s,a)-rectangular problems every reward may be off by ``alpha``, whatever the norm.

    Parameters
    ----------
    radius : array_like, scalar, shape (S,), or (S, A) if (s,a)-rectangular
        ``alpha >= 0``, in units of reward.
    norm : {1, 2, inf}
        The norm ``p`` over the actions of a state.

    Raises
    ------
    InputError
        The radius is negative or not finite, or the norm is another one.

    References
    ----------
    .. [1] E. Derman, M. Geist, S. Mannor, "Twice regularized MDPs and the equivalence between robustness and
       regularization", NeurIPS 2021.

    Examples
    --------
    >>> import mdpkit
    >>> from mdpkit.models import RewardBall
    >>> mdp = mdpkit.TabularMDP([[[1.0], [1.0], [1.0]]], [[1.0, 0.5, 0.0]], gamma=0.0)
    >>> problem = mdpkit.RobustMDP(mdp, RewardBall(0.8, norm=1), rectangularity="s")
    >>> solution = mdpkit.solve(problem)
    >>> round(float(solution.V[0]), 12), solution.policy.tolist()
    (0.35, [[0.5, 0.5, 0.0]])
    """

    joint: ClassVar[bool] = True
    radius: Floats
    norm: float

    def __init__(self, radius: Any, norm: float = 2) -> None:
        if norm not in NORMS:
            raise UnknownOptionError(f"norm must be 1, 2 or inf, found {norm!r}", argument="norm", value=norm)
        self._store(radius=read_numbers(radius, "radius", least=0.0), norm=float(norm))

    def check_against(self, nominal: TabularMDP, rectangularity: str) -> None:
        """Check the shape of the radius."""
        check_shape(self.radius, "radius", nominal, rectangularity)

    def __repr__(self) -> str:
        return f"RewardBall({_shown(self.radius)}, norm={self.norm:g})"
