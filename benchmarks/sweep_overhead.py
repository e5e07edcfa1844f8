"""What `mdpkit.sweeps.run` costs per cell when the experiment itself costs nothing."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness import Aim, Benchmark, Check, Contender, Rate

CELLS = "ms per cell"


def _prepare(jobs: int, cache: str) -> Callable[[int], Callable[[], Any]]:
    """Return ``prepare``; ``cache`` is "none", "empty" (a new one for every call) or "full" (all cells are there)."""

    def prepare(n_cells: int) -> Callable[[], Any]:
        from mdpkit import sweeps

        folder = tempfile.TemporaryDirectory(prefix="mdpkit-benchmark-")
        root = Path(folder.name)
        (root / "experiments").mkdir()
        (root / "experiments" / "empty.py").write_text(
            f'CONFIGS = {{"quick": {{"configs": [{{"k": 0}}], "n_seeds": {n_cells}}}}}\n\n\n'
            'def run(config, seed):\n    return {"seed_again": seed}\n'
        )
        numbers = itertools.count()

        def call() -> Any:
            assert folder.name  # the folder lives as long as the call
            place = None if cache == "none" else root / ("full" if cache == "full" else f"cache{next(numbers)}")
            return sweeps.run("empty", jobs=jobs, cache=place, project=root)

        if cache == "full":
            call()
        else:
            shutil.rmtree(root / "full", ignore_errors=True)
        return call

    return prepare


def _missing(n_cells: int, table: Any) -> float:
    """Count the rows that are not what the experiment returns."""
    return float(abs(len(table) - n_cells) + (table["seed_again"] != range(n_cells)).sum())


BENCHMARK = Benchmark(
    title="Overhead of a sweep",
    what=(
        "`mdpkit.sweeps.run` on an experiment of 500 cells that return their seed at once. With two jobs the worker "
        "processes are already up. A cache is on the disk of temporary files; *new* means that every cell is written, "
        "*full* that every cell is found. Memory is that of the driver."
    ),
    problems={"500 empty cells": lambda: 500},
    contenders=[
        Contender("jobs=1, no cache", _prepare(1, "none")),
        Contender("jobs=1, new cache", _prepare(1, "empty")),
        Contender("jobs=1, full cache", _prepare(1, "full")),
        Contender("jobs=2, no cache", _prepare(2, "none")),
        Contender("jobs=2, new cache", _prepare(2, "empty")),
    ],
    check=Check("rows that are not what the experiment returned", 0.0, _missing),
    rates=[Rate(CELLS, lambda seconds, n_cells, table: 1e3 * seconds / n_cells)],
    aims=[Aim(5, "the budget of the project", CELLS)],
)
