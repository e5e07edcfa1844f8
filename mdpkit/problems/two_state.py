"""Puterman's two-state problem."""

from __future__ import annotations

from mdpkit.models import TabularMDP

__all__ = ["two_state"]


def two_state(*, gamma: float | None = 0.95) -> TabularMDP:
    r"""Puterman's two-state problem: stay for 5 a step, or cash in 10 and pay 1 for ever after.

    In the good state, *stay* earns 5 and stays with probability one half; *cash in* earns 10 and leaves for sure. The
    bad state is never left and costs 1 a step.

    Parameters
    ----------
    gamma : float, optional
        Discount factor; None for the undiscounted model.

    Returns
    -------
    TabularMDP
        Two states, three pairs.

    Notes
    -----
    In closed form, :math:`V(1) = -1/(1-\gamma)` and

    .. math:: V(0) = \max\Bigl\{\frac{5 - 5.5\gamma}{(1-\gamma/2)(1-\gamma)},\; 10 - \frac{\gamma}{1-\gamma}\Bigr\},

    the first for *stay*, the second for *cash in*. They tie at :math:`\gamma = 10/11`; above it *stay* is optimal,
    so it is Blackwell-optimal. At 0.95 the values are (-60/7, -20), at 0.9 they are (1, -10).

    References
    ----------
    .. [1] M. L. Puterman, *Markov Decision Processes*, Wiley, 1994, section 3.1.

    Examples
    --------
    >>> from mdpkit import problems
    >>> problems.two_state()
    TabularMDP(S=2, A=2, pairs=3, nnz=4, gamma=0.95, dense, states=good, bad, actions=stay, cash in)
    """
    return TabularMDP.from_pairs(
        state=[0, 0, 1],
        action=[0, 1, 0],
        P=[[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]],
        r=[5.0, 10.0, -1.0],
        gamma=gamma,
        initial=0,
        state_names=["good", "bad"],
        action_names=["stay", "cash in"],
    )
