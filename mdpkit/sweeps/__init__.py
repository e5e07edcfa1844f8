"""Run grids of (configuration x seed) in parallel, keep every finished cell, and report figures beside their claims.

An *experiment* is a module with ``CONFIGS`` and a pure ``run(config, seed)``; `run` turns it into one tidy table. A
*figure* is a module that draws such tables and returns `Claim` objects; `reproduce` runs what the figures need and
writes one self-contained report.
"""

from mdpkit.sweeps.claims import Claim
from mdpkit.sweeps.failures import CellFailure, SweepError
from mdpkit.sweeps.figures import Figure, find_figures
from mdpkit.sweeps.grid import run
from mdpkit.sweeps.reproduction import FigureResult, Reproduction, reproduce

__all__ = [
    "CellFailure",
    "Claim",
    "Figure",
    "FigureResult",
    "Reproduction",
    "SweepError",
    "find_figures",
    "reproduce",
    "run",
]
