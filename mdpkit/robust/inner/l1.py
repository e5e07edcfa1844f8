"""L1 balls."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.robust.inner._kernels import sorted_rows as kernels
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows


class L1Inner(Inner):
    """Move ``kappa / 2`` of mass from the best payoffs to the worst one.

    Iyengar (2005), section 3; ``O(n)`` per row once its order is known, ``O(n log n)`` otherwise.
    """

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, radius: Floats) -> None:
        super().__init__(rows, gamma, sign)
        self.radius = np.minimum(radius, 2.0)
        self._working = rows.col.view(np.uint32).copy(), rows.nominal.copy(), rows.entry_reward.copy()

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        rows = self.rows
        kernels.l1_values(
            rows.row_ptr,
            *self._working,
            rows.pair_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            self.receiver(V),
            pairs,
            self._scratch,
            out,
        )
        return 0.0

    def _rows(self, V: Floats, pairs: Ints, p: Floats, extra: Floats) -> None:
        rows = self.rows
        kernels.l1_rows(
            rows.row_ptr,
            rows.col.view(np.uint32),
            rows.nominal,
            rows.entry_reward,
            self.gamma,
            V,
            self.sign,
            self.radius,
            self.receiver(V),
            pairs,
            self._scratch,
            p,
            extra,
        )
