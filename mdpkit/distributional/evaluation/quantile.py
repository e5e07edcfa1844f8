"""Quantile laws: ``m`` atoms of equal mass at the mid-quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats
from mdpkit.distributional.evaluation import _kernels as kernels
from mdpkit.distributional.evaluation.process import StepLaws


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Quantile:
    """The projected backup ``Pi_Q T_pi``; parameters are the atoms ``(S, m)``, each of mass ``1/m``.

    ``Pi_Q`` keeps the lower quantiles at levels ``(2i - 1) / (2m)``, compared with tolerance 1e-12; it does not keep
    the mean.
    """

    n_atoms: int
    gamma: float

    def start(self, ending: Floats) -> tuple[Floats, float]:
        """Return the atoms of sure returns, which are represented exactly."""
        return np.repeat(np.asarray(ending, dtype=np.float64)[:, None], self.n_atoms, axis=1), 0.0

    def sweep(self, step: StepLaws, parameters: Floats) -> tuple[Floats, float]:
        """Return the projected backup and the largest W_inf change of a state."""
        out, _, change = self._sweep(step, parameters)
        return out, change

    def error(self, step: StepLaws, parameters: Floats) -> float:
        """Return the largest W1 error of projecting the backup of these parameters."""
        return float(self._sweep(step, parameters)[1].max())

    def _sweep(self, step: StepLaws, parameters: Floats) -> tuple[Floats, Floats, float]:
        out, distance = np.empty_like(parameters), np.empty(len(parameters))
        change = kernels.quantile_sweep(
            step.ptr, step.prob, step.reward, step.successor, self.gamma, parameters, out, distance
        )
        return out, distance, float(change)
