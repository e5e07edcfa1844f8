"""Gauss-Seidel value iteration: sweeps in place, certified by a Jacobi sweep now and then."""

from __future__ import annotations

import numpy as np

from mdpkit.errors import UnknownOptionError
from mdpkit.planning.discounted.bellman import Bellman
from mdpkit.planning.run import Run

ORDERS = ("forward", "reverse", "alternating")
CERTIFY_EVERY = 10


def gauss_seidel(run: Run[Bellman], *, order: str = "alternating") -> None:
    """Update states in place, each with its own self-loop solved for.

    The span bounds do not hold for differences of in-place sweeps, which are not shift-equivariant; every tenth sweep
    is therefore a Jacobi sweep, and its monotone shift ``gamma lo / (1 - gamma)``, which keeps ``V <= T V``, moves the
    constant part of the error that in-place sweeps only shrink by ``gamma``.

    Parameters
    ----------
    run : Run
        The run.
    order : {"alternating", "forward", "reverse"}
        Order of the states.
    """
    if order not in ORDERS:
        raise UnknownOptionError(f"order must be one of {', '.join(ORDERS)}; found {order!r}", argument="order")
    bellman, V, W = run.bellman, run.V, np.empty_like(run.V)
    factor = bellman.gamma / (1.0 - bellman.gamma)
    step = 0
    while True:
        lo, hi = bellman.sweep(V, W)
        if run.check(V, W, lo, hi):
            return
        V, W = W, V
        V += factor * lo
        for _ in range(CERTIFY_EVERY - 1):
            if run.max_iter is not None and run.iterations + 1 >= run.max_iter:
                break
            reverse = order == "reverse" or (order == "alternating" and step % 2 == 1)
            bellman.sweep_in_place(V, reverse=reverse)
            step += 1
            run.iterations += 1
