"""Alias tables: rows of probabilities prepared for drawing in constant time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.feedback._kernels import fill_alias


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class AliasTable:
    """Walker's method for many rows at once: row ``k`` owns the cells ``row_ptr[k]:row_ptr[k+1]``.

    References
    ----------
    .. [1] M. D. Vose, "A linear algorithm for generating random numbers with a given distribution", IEEE Transactions
       on Software Engineering 17(9), 1991.
    """

    row_ptr: Ints
    keep: Floats
    other: Ints

    @classmethod
    def build(cls, row_ptr: Ints, prob: Floats) -> AliasTable:
        """Prepare rows of probabilities, ``O(nnz)``."""
        keep, other = np.empty(len(prob)), np.empty(len(prob), dtype=np.int64)
        pointers = np.array(row_ptr, dtype=np.int64)
        fill_alias(pointers, np.array(prob), keep, other)  # copies: read-only arrays would compile a second kernel
        return cls(pointers, keep, other)

    def draw(self, rows: Ints, rng: np.random.Generator) -> Ints:
        """Draw one cell of each of the given rows, shape ``(n,)``."""
        start, length = self.row_ptr[rows], self.row_ptr[rows + 1] - self.row_ptr[rows]
        v = rng.random(len(rows)) * length
        cell = np.minimum(v.astype(np.int64), length - 1)
        kept = v - cell < self.keep[start + cell]
        return np.asarray(np.where(kept, start + cell, self.other[start + cell]))
