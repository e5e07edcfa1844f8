"""Value iteration: Jacobi sweeps with span bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit.planning.run import Run


def value_iteration(run: Run[Any]) -> None:
    """Iterate ``V <- T V`` until the span of the last step certifies the tolerance.

    Puterman (1994), section 6.3, with the bounds of section 6.6.2. Each sweep reads the model once.
    """
    V, W = run.V, np.empty_like(run.V)
    while True:
        lo, hi = run.bellman.sweep(V, W)
        if run.check(V, W, lo, hi, keep=False):
            return
        V, W = W, V
