"""Run grids of (configuration x seed) in parallel, keep every finished cell, and report figures beside their claims.

An *experiment* is a module with ``CONFIGS`` and a pure ``run(config, seed)``; `run` turns it into one tidy table. A
*figure* is a module that draws such tables and returns `Claim` objects; `reproduce` runs what the figures need and
writes one self-contained report.
"""

from mdpkit.sweeps.cache import CacheStatus, PresetStatus, cache_status, clean_cache
from mdpkit.sweeps.claims import Claim
from mdpkit.sweeps.claims_file import read_claims
from mdpkit.sweeps.failures import CellFailure, SweepError
from mdpkit.sweeps.figures import Figure, find_figures
from mdpkit.sweeps.grid import run
from mdpkit.sweeps.records import FigureResult
from mdpkit.sweeps.reproduction import Reproduction, reproduce
from mdpkit.sweeps.table_files import read_table, write_table

__all__ = [
    "CacheStatus",
    "CellFailure",
    "Claim",
    "Figure",
    "FigureResult",
    "PresetStatus",
    "Reproduction",
    "SweepError",
    "cache_status",
    "clean_cache",
    "find_figures",
    "read_claims",
    "read_table",
    "reproduce",
    "run",
    "write_table",
]
