"""Families whose worst payoff is piecewise linear in the budget: exact, without tolerances."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.models import TabularMDP
from mdpkit.robust.joint._kernels import curves as kernels
from mdpkit.robust.joint.base import Joint
from mdpkit.robust.rows import AllowedRows


class CurveJoint(Joint):
    """Search the value segment by segment; ``O(n A log(n A))`` per state, less once orders are known.

    Subclasses prepare ``_start``, ``_stop`` (where the donors of a pair begin and end), ``_mass``, ``_span`` and
    ``_order`` in `_look`, and turn what donors gave into rows in `_replay`.
    """

    _start: Ints
    _stop: Ints
    _mass: Floats
    _span: Floats
    _order: Any
    _shared = False

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, budget: Floats) -> None:
        super().__init__(rows, gamma, sign, model, budget)
        N = rows.n_pairs
        self._ready = np.zeros(N, dtype=np.bool_)
        self._heap, self._cursor, self._key = np.empty(N, np.int64), np.empty(N, np.int64), np.empty(N)

    def _floor(self) -> Floats:
        """Return the level that donors' ``_span`` is counted from, shape ``(N,)``."""
        return self._low

    def _best(self) -> tuple[Floats, Floats, float]:
        values, weights = np.empty(len(self._groups_budget)), np.empty(self.rows.n_pairs)
        kernels.joint_values(
            self._ptr,
            self._groups_budget,
            self._start,
            self._stop,
            self._mass,
            self._span,
            self._order,
            self._shared,
            self._floor(),
            self._low + self._shift,
            self._mean + self._shift,
            self._share,
            self._ready,
            values,
            weights,
        )
        return values, weights, 0.0

    def _evaluate(self, weights: Floats) -> tuple[Floats, float]:
        return self._spend(weights, np.empty(0)), 0.0

    def _spend(self, weights: Floats, taken: Floats) -> Floats:
        values = np.empty(len(self.budget))
        kernels.spend(
            self.state_ptr,
            self.budget,
            self._start,
            self._stop,
            self._mass,
            self._span,
            self._order,
            self._shared,
            self._floor(),
            self._mean + self._shift,
            weights,
            self._heap,
            self._cursor,
            self._key,
            values,
            taken,
        )
        return values

    def _rows(self, weights: Floats, p: Floats, extra: Floats) -> None:
        taken = np.zeros(len(self._mass))
        self._spend(weights, taken)
        self._replay(taken, p, extra)

    def _saddle_rows(self, p: Floats, extra: Floats) -> None:
        taken = np.zeros(len(self._mass))
        kernels.reach(
            self._best()[0][self.pair_state],
            self._start,
            self._stop,
            self._mass,
            self._span,
            self._order,
            self._shared,
            self._floor(),
            self._mean + self._shift,
            taken,
        )
        # Rounding of payoffs far from zero may overspend: then stay a little closer to the nominal rows.
        places = len(self._mass) // len(self.rows.col)
        spent = 2.0 * np.add.reduceat(taken, places * self.rows.row_ptr[self.state_ptr[:-1]])
        over = spent > self.budget
        fit = np.where(over, self.budget / np.where(over, spent, 1.0), 1.0)
        taken *= np.repeat(fit[self.pair_state], places * np.diff(self.rows.row_ptr))
        self._replay(taken, p, extra)

    @abstractmethod
    def _replay(self, taken: Floats, p: Floats, extra: Floats) -> None:
        """Turn what donors gave into rows, ``p`` being the nominal ones."""


class PieceJoint(CurveJoint):
    """Curves computed piece by piece by the family itself, at most two pieces per successor.

    Subclasses write them in `_look`, the steepest last: piece ``j`` of pair ``k`` costs ``2 _mass[j]`` of the budget
    and lowers the payoff by ``_mass[j] * _span[j]``, for ``_start[k] <= j < _stop[k]``.
    """

    def __init__(self, rows: AllowedRows, gamma: float, sign: float, model: TabularMDP, budget: Floats) -> None:
        super().__init__(rows, gamma, sign, model, budget)
        room = 2 * len(rows.col)
        self._start, self._stop = np.empty(rows.n_pairs, np.int64), 2 * rows.row_ptr[1:]
        self._mass, self._span = np.zeros(room), np.zeros(room)
        self._rooms = 2 * np.diff(rows.row_ptr)
        self._places = np.arange(room)
        self._zero = np.zeros(rows.n_pairs)

    def _look(self, V: Floats) -> None:
        super()._look(V)
        self._write_pieces()
        self._order = (self._places - np.repeat(self._start, self._rooms)).astype(np.int32)

    def _floor(self) -> Floats:
        return self._zero

    @abstractmethod
    def _write_pieces(self) -> None:
        """Write the curves for the payoffs just computed."""
