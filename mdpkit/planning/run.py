"""The bookkeeping every iterative solver shares: when to stop, what is certified so far, who wants to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from mdpkit._typing import Floats
from mdpkit.planning.certificate import Enclosure, SweepBounds, sweep_bounds
from mdpkit.planning.rounding import RoundingModel
from mdpkit.planning.solution import Trace

STALL_WINDOW = 50
STALL_SHRINKAGE = 0.99
NEAR_FLOOR = 1e3


class Snapshot:
    """The state of a run, handed to ``callback`` after every certificate.

    Attributes
    ----------
    iterations : int
        Iterations done.
    sweeps : float
        Work done, in passes over the whole model.
    half_width : float
        Certified bound on the sup-norm error of the midpoint.
    """

    def __init__(self, iterations: int, sweeps: float, W: Floats, bounds: SweepBounds) -> None:
        self.iterations = iterations
        self.sweeps = sweeps
        self.half_width = bounds.half_width
        self._W = W
        self._bounds = bounds

    @property
    def lower(self) -> Floats:
        """Certified lower bound on ``V*``, shape ``(S,)``."""
        return self._W + self._bounds.low

    @property
    def upper(self) -> Floats:
        """Certified upper bound on ``V*``, shape ``(S,)``."""
        return self._W + self._bounds.high

    @property
    def V(self) -> Floats:
        """Midpoint, shape ``(S,)``."""
        return self._W + (self._bounds.low + self._bounds.high) / 2

    @property
    def last_sweep(self) -> Floats:
        """The latest ``T V`` itself, before any shift, shape ``(S,)``."""
        return self._W


Callback = Callable[[Snapshot], Any]


class Operator(Protocol):
    """A monotone, translation-covariant ``gamma``-contraction: what a `Run` needs to know of one."""

    n_states: int
    gamma: float
    full_sweeps: float

    @property
    def rounding(self) -> RoundingModel:
        """How far the latest sweep may be from the exact one."""

    def sweep(self, V: Floats, W: Floats) -> tuple[float, float]:
        """``W = T V``; return the extremes of ``W - V``."""


OperatorType = TypeVar("OperatorType", bound=Operator)


class Run(Generic[OperatorType]):
    """One run of an iterative solver on one Bellman operator.

    Solvers call `check` after every Jacobi sweep ``W = T V``; it certifies, records and says whether to stop. Between
    the calls they keep `V` pointing at their latest finite values, from which any stop, Ctrl-C included, can be
    certified by one more sweep.
    """

    def __init__(
        self,
        bellman: OperatorType,
        V: Floats,
        *,
        tol: float,
        max_iter: int | None,
        callback: Callback | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.bellman = bellman
        self.V = V
        self.tol = tol
        self.max_iter = max_iter
        self.status = ""
        self.iterations = 0
        self.enclosure = Enclosure(bellman.n_states)
        self.half_width = np.inf
        self._callback = callback
        self._progress = progress
        self._records: list[tuple[int, float, float]] = []

    @property
    def done(self) -> bool:
        """Whether a stopping rule has fired."""
        return self.status != ""

    def check(self, V: Floats, W: Floats, lo: float, hi: float, *, keep: bool = True) -> bool:
        """Certify ``W = T V``; return whether to stop.

        ``keep=False`` spares plain value iteration the entry-wise intersection: its bounds only ever tighten.
        """
        bounds = sweep_bounds(V, lo, hi, self.bellman.rounding)
        self.iterations += 1
        self.V = W
        self.half_width = bounds.half_width
        if keep or self.half_width <= self.tol:
            self.enclosure.tighten(W + bounds.low, W + bounds.high, bounds.floor)
            # Adding the shifts rounds: what counts as converged is the enclosure that will be returned.
            self.half_width = self.enclosure.half_width
        self._records.append((self.iterations, self.bellman.full_sweeps, self.half_width))
        if self._progress is not None:
            self._progress.update(self.half_width, self.tol)
        if self.half_width <= self.tol:
            self.status = "converged"
        elif self._at_floor(bounds.floor):
            self.status = "floor"
        elif self.max_iter is not None and self.iterations >= self.max_iter:
            self.status = "max_iter"
        if self._callback is not None:
            # A copy: W will be overwritten, and snapshots may be kept.
            snapshot = Snapshot(self.iterations, self.bellman.full_sweeps, W.copy(), bounds)
            if self._callback(snapshot) and not self.done:
                self.status = "stopped"
        return self.done

    def _at_floor(self, floor: float) -> bool:
        """Detect a tolerance that float64 cannot reach, instead of looping for ever."""
        if self.half_width <= 1.5 * floor:
            return True
        if self.half_width > NEAR_FLOOR * floor or len(self._records) <= STALL_WINDOW:
            return False
        # Near gamma = 1 even a healthy sweep may shrink the width by gamma only.
        slowest = max(STALL_SHRINKAGE, (1.0 + self.bellman.gamma**STALL_WINDOW) / 2)
        return self.half_width > slowest * self._records[-1 - STALL_WINDOW][2]

    def trace(self) -> Trace:
        """Return the records so far."""
        columns = list(zip(*self._records, strict=True)) or [(), (), ()]
        return Trace(
            np.array(columns[0], dtype=np.int64),
            np.array(columns[1], dtype=np.float64),
            np.array(columns[2], dtype=float),
        )


class Progress:
    """A progress bar on the logarithm of the certified width."""

    def __init__(self, description: str) -> None:
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("error <= {task.fields[width]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            transient=True,
        )
        self._task = self._bar.add_task(description, total=1.0, width="?")
        self._first: float | None = None

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def update(self, half_width: float, tol: float) -> None:
        """Show how far the width has come between its first value and the tolerance."""
        if self._first is None:
            self._first = half_width
        distance = np.log(self._first / tol) if self._first > tol else 1.0
        done = 1.0 if half_width <= tol else float(np.clip(np.log(self._first / half_width) / distance, 0.0, 1.0))
        self._bar.update(self._task, completed=done, width=f"{half_width:.2e}")
