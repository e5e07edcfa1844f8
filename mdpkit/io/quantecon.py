"""Models from QuantEcon's `DiscreteDP`."""

from __future__ import annotations

from typing import Any

from mdpkit.errors import InputError
from mdpkit.models import TabularMDP

__all__ = ["from_quantecon"]


def from_quantecon(ddp: Any) -> TabularMDP:
    """Read a `quantecon.markov.DiscreteDP`.

    Parameters
    ----------
    ddp : quantecon.markov.DiscreteDP
        In product form (``R`` of shape ``(S, A)``, with ``-inf`` for actions a state does not have) or with
        state-action pairs (``s_indices``, ``a_indices``). Arrays of the right type are shared, not copied.

    Returns
    -------
    TabularMDP
        With ``gamma = ddp.beta``.

    References
    ----------
    .. [1] QuantEcon.py, ``quantecon.markov.ddp``, https://quanteconpy.readthedocs.io.

    Examples
    --------
    >>> import numpy as np, types
    >>> ddp = types.SimpleNamespace(R=np.array([[5.0, 10.0], [-1.0, -np.inf]]), beta=0.95, s_indices=None,
    ...                             Q=np.array([[[0.5, 0.5], [0, 1]], [[0, 1], [0, 1]]]))
    >>> from mdpkit import io
    >>> io.from_quantecon(ddp)
    TabularMDP(S=2, A=2, pairs=3, nnz=4, gamma=0.95, dense)
    """
    missing = [name for name in ("R", "Q", "beta") if not hasattr(ddp, name)]
    if missing:
        raise InputError(
            f"ddp must be a quantecon DiscreteDP, found {type(ddp).__name__} without {missing[0]}", argument="ddp"
        )
    states, actions = getattr(ddp, "s_indices", None), getattr(ddp, "a_indices", None)
    if states is None or actions is None:
        return TabularMDP(ddp.Q, ddp.R, ddp.beta)
    return TabularMDP.from_pairs(states, actions, ddp.Q, ddp.R, ddp.beta)
