"""Categorical laws: probabilities on a fixed grid, iterated or solved for."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from mdpkit._typing import Floats
from mdpkit.distributional.evaluation import _kernels as kernels
from mdpkit.distributional.evaluation.grid import Split, project_points, split
from mdpkit.distributional.evaluation.process import StepLaws
from mdpkit.errors import CertificateError


@dataclass(eq=False, slots=True, repr=False)
class Categorical:
    """The projected backup ``Pi_C T_pi`` on a grid of ``K`` points; parameters are probabilities ``(S, K)``.

    The mass at ``x`` is split linearly between its two neighbors, which keeps the mean; mass outside the grid goes to
    its end, which does not.
    """

    grid: Floats
    gamma: float
    clipped: float = 0.0
    """Largest W1 distance, over the states, that mass outside the grid was moved in the backups asked about."""
    splits: dict[int, Split] = field(default_factory=dict)

    def start(self, ending: Floats) -> tuple[Floats, float]:
        """Return the projections of sure returns and their largest W1 error."""
        return project_points(ending, self.grid)

    def split(self, step: StepLaws) -> Split:
        """Return where the mass of a step goes; worked out once."""
        if id(step) not in self.splits:
            self.splits[id(step)] = split(step, self.grid, self.gamma)
        return self.splits[id(step)]

    def sweep(self, step: StepLaws, parameters: Floats) -> tuple[Floats, float]:
        """Return the projected backup and the largest W1 change of a state."""
        where, out = self.split(step), np.empty_like(parameters)
        change = kernels.categorical_sweep(
            step.ptr,
            step.prob,
            step.successor,
            where.kind,
            where.left,
            where.weight,
            np.diff(self.grid),
            parameters,
            out,
        )
        return out, float(change)

    def error(self, step: StepLaws, parameters: Floats) -> float:
        """Return the largest W1 error of projecting the backup of these parameters."""
        where, moved = self.split(step), np.empty(len(parameters))
        arguments = step.ptr, step.prob, step.successor, where.kind
        if where.clipped.any():
            kernels.projection_cost(*arguments, where.clipped, parameters, moved)
            self.clipped = max(self.clipped, float(moved.max()))
        kernels.projection_cost(*arguments, where.cost, parameters, moved)
        return float(moved.max())

    def solve(self, step: StepLaws) -> Floats:
        """Return the fixed point from one sparse linear system of ``S K`` unknowns.

        ``I - M`` conserves mass and is singular; the row of each state's first atom makes way for ``sum_j eta = 1``.
        """
        n_states, n_atoms = len(step.ptr) - 1, len(self.grid)
        where = self.split(step)
        left, weight = where.left[where.kind], where.weight[where.kind]
        columns = step.successor[:, None] * n_atoms + np.arange(n_atoms)
        rows = step.state[:, None] * n_atoms + left
        low, high = step.prob[:, None] * (1.0 - weight), step.prob[:, None] * weight
        entries = np.concatenate([low.ravel(), high.ravel()])
        row = np.concatenate([rows.ravel(), rows.ravel() + 1])
        column = np.concatenate([columns.ravel(), columns.ravel()])
        keep = row % n_atoms != 0
        unknowns = np.arange(n_states * n_atoms)
        diagonal = unknowns[unknowns % n_atoms != 0]
        first = unknowns - unknowns % n_atoms
        matrix = sp.csc_array(
            (
                np.concatenate([-entries[keep], np.ones(len(diagonal) + len(unknowns))]),
                (
                    np.concatenate([row[keep], diagonal, first]),
                    np.concatenate([column[keep], diagonal, unknowns]),
                ),
            ),
            shape=(len(unknowns), len(unknowns)),
        )
        wanted = np.zeros(len(unknowns))
        wanted[::n_atoms] = 1.0
        eta: Floats = np.asarray(splu(matrix).solve(wanted)).reshape(n_states, n_atoms)
        worst = float(eta.min())
        # Rounding is amplified by the condition of the system, which grows like 1 / (1 - gamma).
        if worst < -1e-12 / (1.0 - self.gamma):
            raise CertificateError(f"the categorical system has a solution with probability {worst:.3g}")
        eta = np.maximum(eta, 0.0)
        return np.asarray(eta / eta.sum(axis=1)[:, None])
