"""Grids for categorical laws, and how a backup is split between their points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.evaluation.process import StepLaws
from mdpkit.errors import InputError, ShapeError
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.models._checks import as_floats


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Split:
    """Where ``r + gamma z_i`` goes on the grid, for every distinct reward of a step.

    ``kind`` (M,) is the row of each outcome; ``left`` and ``weight`` (R, K) say that the share ``weight`` goes to the
    point after ``left`` and the rest to ``left``; ``cost`` (R, K) is the W1 distance this moves per unit of mass, and
    ``clipped`` (R, K) how far outside the grid the target lies.
    """

    kind: Ints
    left: Any
    weight: Floats
    cost: Floats
    clipped: Floats


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds on the return of every policy from every state and time, and what the default grid must cover for them."""

    low: float
    high: float
    invariant: tuple[float, float]
    """Bounds that no backup leaves: nothing is ever clipped on a grid between them."""
    overshoot: float
    """How many grid cells projected laws may stick out of the bounds by; infinite if nothing is known."""

    def grid(self, n_atoms: int) -> Floats:
        """Return `n_atoms` points equally far apart, over the narrowest interval known to clip nothing.

        A projection widens a law by up to a cell on both sides, so that over a horizon the bounds alone do not do. If
        no finite interval is known to, the bounds must; what is clipped then shows in the error bound.
        """
        low, high = self.invariant
        share = 2.0 * self.overshoot / (n_atoms - 1)
        if share < 1.0 and (self.high - self.low) / (1.0 - share) < high - low:
            margin = (self.high - self.low) * share / (1.0 - share) / 2.0
            low, high = self.low - margin, self.high + margin
        if not np.isfinite(high - low):
            low, high = self.low, self.high
        # A return that is sure leaves no interval; any width will do.
        return np.linspace(low, high if high > low else low + max(1.0, abs(low)), n_atoms)


def return_range(mdp: TabularMDP | FiniteHorizonMDP, gamma: float, horizon: int | None) -> Range:
    """Return bounds on the return.

    Over all times ``min r / (1 - gamma)`` and ``max r / (1 - gamma)``; the 0 that a terminal state pays is a reward
    like any other, so that models which may stop are covered.
    """
    stages = mdp.stages if isinstance(mdp, FiniteHorizonMDP) else (mdp,)
    rewards = [stage.outcomes.reward for stage in {id(stage): stage for stage in stages}.values()]
    least, most = min(float(r.min()) for r in rewards), max(float(r.max()) for r in rewards)
    ends = mdp.terminal_values if isinstance(mdp, FiniteHorizonMDP) else np.zeros(1)
    worst, best = float(np.min(ends)), float(np.max(ends))
    invariant = (-np.inf, np.inf)
    if gamma < 1.0:
        invariant = least / (1.0 - gamma), most / (1.0 - gamma)
    if horizon is None:
        return Range(*invariant, invariant, 0.0)
    length = float(horizon) if gamma == 1.0 else (1.0 - gamma**horizon) / (1.0 - gamma)
    # What is left after k steps lies between the two ends, k = 0 and k = H.
    low = min(worst, least * length + gamma**horizon * worst)
    high = max(best, most * length + gamma**horizon * best)
    return Range(low, high, (min(worst, invariant[0]), max(best, invariant[1])), length)


def check_grid(grid: Any) -> Floats:
    """Return a given grid: at least two points, finite, increasing."""
    points = as_floats(grid, "grid")
    if points.ndim != 1 or len(points) < 2:
        raise ShapeError(f"grid must hold at least two points, found shape {points.shape}", argument="grid")
    bad = ~np.isfinite(points)
    bad[1:] |= ~(np.diff(points) > 0)
    if bad.any():
        i = int(np.argmax(bad))
        raise InputError(
            f"grid must be finite and increasing, found grid[{i}] = {float(points[i])!r}",
            argument="grid",
            index=i,
            value=float(points[i]),
        )
    return points


def split(step: StepLaws, grid: Floats, gamma: float) -> Split:
    """Return the split of one step, one row per distinct reward."""
    reward, kind = np.unique(step.reward, return_inverse=True)
    target = reward[:, None] + gamma * grid
    inside = np.clip(target, grid[0], grid[-1])
    left = np.clip(np.searchsorted(grid, inside, side="right") - 1, 0, len(grid) - 2)
    gap = np.diff(grid)[left]
    weight = np.clip((inside - grid[left]) / gap, 0.0, 1.0)
    clipped = np.abs(target - inside)
    cost = 2.0 * weight * (1.0 - weight) * gap + clipped
    return Split(kind.reshape(-1).astype(np.int64), left.astype(np.int32), weight, cost, clipped)


def project_points(values: Floats, grid: Floats) -> tuple[Floats, float]:
    """Return the projections of sure returns, shape ``(S, K)``, and the largest W1 error."""
    inside = np.clip(values, grid[0], grid[-1])
    left = np.clip(np.searchsorted(grid, inside, side="right") - 1, 0, len(grid) - 2)
    gap = np.diff(grid)[left]
    weight = np.clip((inside - grid[left]) / gap, 0.0, 1.0)
    eta = np.zeros((len(values), len(grid)))
    rows = np.arange(len(values))
    eta[rows, left] = 1.0 - weight
    eta[rows, left + 1] = weight
    return eta, float(np.max(2.0 * weight * (1.0 - weight) * gap + np.abs(values - inside)))
