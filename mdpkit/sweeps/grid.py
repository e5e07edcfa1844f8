"""`run`: the (configuration x seed) grid of an experiment, in parallel, resumable, as one tidy table."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mdpkit.errors import InputError
from mdpkit.sweeps.failures import CellFailure, SweepError, WorkerTraceback

if TYPE_CHECKING:
    import pandas as pd

    from mdpkit.sweeps.backends import CellQueue
    from mdpkit.sweeps.cells import Values

__all__ = ["Sweep", "run", "sweep"]


@dataclass(frozen=True)
class Sweep:
    """A finished sweep: its table, and how it came about."""

    experiment: str
    table: pd.DataFrame
    n_cells: int
    n_cached: int
    seconds: float
    timing: bool


def run(
    experiment: ModuleType | str,
    *,
    preset: str = "quick",
    jobs: int = 1,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = False,
    project: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Run every (configuration, seed) of an experiment and return one tidy table.

    An experiment is a module with ``CONFIGS = {"quick": {"configs": [dict, ...], "n_seeds": int}, "paper": {...}}`` and
    a pure function ``run(config, seed) -> dict`` of numbers, text or 1-d arrays. Its seeds are ``0..n_seeds-1``. If it
    sets ``TIMING = True``, it runs serially and nothing is cached.

    Parameters
    ----------
    experiment : module or str
        The module, or its import name (``"experiments.NAME"`` or ``"NAME"``) in the project folder.
    preset : str, default "quick"
        Which entry of ``CONFIGS`` to run.
    jobs : int, default 1
        Worker processes; -1 means one per core. The numbers do not depend on it: every cell has one BLAS, OpenMP and
        Numba thread. Inside ``joblib.parallel_config`` the cells go to that back end (Notes).
    cache : path, optional
        Folder of finished cells. Each is saved as soon as it is done and found again by a hash of the mdpkit sources,
        the experiment's sources and data, configuration, seed and library versions; a damaged one is computed again.
        Several drivers may use one folder at once and share the work. None (the default) keeps nothing.
    progress : bool, default False
        Show a bar with the remaining time and the failures on stderr.
    project : path, optional
        Folder that holds ``experiments/``; by default the nearest one at or above the working directory.

    Returns
    -------
    pandas.DataFrame
        One row per (configuration, seed), or per (configuration, seed, array index) if a result holds arrays. Columns,
        in this order: the configuration's keys (missing where a configuration lacks one; lists become tuples),
        ``seed``, ``index`` (only if some result is an array: the position in it; 0 for cells of scalars), and the
        results (NaN, or "" for text, where a cell lacks one). Within a cell all arrays have one length and scalars are
        repeated beside them. Rows are sorted by configuration (in the order of ``CONFIGS``), seed, index.

    Raises
    ------
    SweepError
        Some cells failed: the others were finished (and cached), and the error names configuration and seed and chains
        the original traceback; all are in its ``failures``. Also if the experiment cannot be imported, the cache not
        written, a worker has other mdpkit sources or library versions than this process, or all workers keep dying.
    InputError
        The experiment's declarations are not as above.

    Notes
    -----
    An interrupt (Ctrl-C, ``kill -9``, a full disk) keeps the cells that are done; the same call then computes only the
    others. Local workers end with their driver. If a worker dies, its cell is computed again; a cell that twice was the
    only one running when its worker died is reported as failed, and the others go on.

    The experiment's code is that of its file, and of every module of the project that it imports, at any depth, at the
    time of the call. A module object whose ``run`` differs from its file's is refused (its ``CONFIGS`` may differ).
    Data files that it reads are known if it says ``DATA = ("name.csv", ...)``, relative to its own folder, and opens
    them by ``Path(__file__).with_name("name.csv")``; they are sent with every cell, so keep them small.

    Cluster workers need the same mdpkit and libraries, but not the experiment: its sources are sent along. For Dask,
    make a ``Client`` and call this inside ``joblib.parallel_config(backend="dask")``; for Ray, call
    ``ray.util.joblib.register_ray()`` first and use ``backend="ray"``. Back ends that cannot stream results, as Ray and
    multiprocessing, save them after every few cells per worker.

    Examples
    --------
    >>> import types
    >>> coin = types.ModuleType("coin")
    >>> coin.CONFIGS = {"quick": {"configs": [{"p": 0.1}, {"p": 0.9}], "n_seeds": 2}}
    >>> coin.run = lambda config, seed: {"expected": config["p"] * (seed + 1)}
    >>> run(coin)
         p  seed  expected
    0  0.1     0       0.1
    1  0.1     1       0.2
    2  0.9     0       0.9
    3  0.9     1       1.8
    """
    folder = None if project is None else Path(project)
    return sweep(experiment, preset=preset, jobs=jobs, cache=cache, progress=progress, project=folder).table


def sweep(
    experiment: ModuleType | str,
    *,
    preset: str,
    jobs: int,
    cache: str | os.PathLike[str] | None,
    progress: bool | None,
    project: Path | None,
) -> Sweep:
    """Do the work of `run`; also say how many cells were found on disk and how long it took."""
    from mdpkit.sweeps.backends import CellQueue, stream
    from mdpkit.sweeps.experiments import load_experiment
    from mdpkit.sweeps.progress import progress_bar
    from mdpkit.sweeps.store import CellStore
    from mdpkit.sweeps.table import tidy

    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs == 0:
        raise InputError(f"jobs must be a positive integer, or -1 for all cores, found {jobs!r}", argument="jobs")
    start = time.perf_counter()
    task = load_experiment(experiment, preset, project)
    store = None if cache is None or task.timing else CellStore(cache, task)
    cells = task.cells
    done: dict[int, Values] = {}
    if store is not None:
        found = ((i, store.load(config, seed)) for i, (config, seed) in enumerate(cells))
        done = {i: values for i, values in found if values is not None}
    todo = [i for i in range(len(cells)) if i not in done]
    n_cached = len(done)
    failures: dict[int, CellFailure] = {}
    label = f"{task.name} ({n_cached} cells found)" if n_cached else task.name
    queue = CellQueue(todo, lambda i: None if store is None else store.load(*cells[i]))
    with (
        progress_bar(label, len(todo), progress) as advance,
        closing(stream(task, queue, jobs)) as outcomes,
        _stopped_on_error(queue),
    ):
        for i, outcome in outcomes:
            config, seed = cells[i]
            if outcome.refused is not None:
                raise SweepError(f"experiment {task.name} stopped: {outcome.refused}")
            if outcome.values is None:
                failures[i] = CellFailure(task.name, config, seed, outcome.error or "", outcome.traceback or "")
            else:
                # saved here and not in the worker: what the driver has reported as finished is on disk
                if outcome.found:
                    n_cached += 1
                elif store is not None and store.save(config, seed, outcome.values):
                    queue.met_another_driver()
                done[i] = outcome.values
            advance(outcome.values is None)
    if failures:
        raise _cells_failed([failures[i] for i in sorted(failures)], len(cells), kept=store is not None)
    table = tidy(cells, [done[i] for i in range(len(cells))])
    return Sweep(task.name, table, len(cells), n_cached, time.perf_counter() - start, task.timing)


@contextmanager
def _stopped_on_error(queue: CellQueue) -> Iterator[None]:
    try:
        yield
    except BaseException:
        queue.stop()
        raise


def _cells_failed(failures: list[CellFailure], n_cells: int, *, kept: bool) -> SweepError:
    shown = "".join(f"\n  {failure}" for failure in failures[:5])
    more = f"\n  ... and {len(failures) - 5} more" if len(failures) > 5 else ""
    rest = "the others finished and are kept" if kept else "the others finished"
    error = SweepError(f"{len(failures)} of {n_cells} cells failed ({rest}):{shown}{more}", failures)
    error.__cause__ = WorkerTraceback(failures[0].traceback)
    return error
