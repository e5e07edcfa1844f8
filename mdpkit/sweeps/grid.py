"""`run`: the (configuration x seed) grid of an experiment, in parallel, resumable, as one tidy table."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mdpkit.errors import InputError
from mdpkit.sweeps.failures import CellFailure, SweepError, WorkerTraceback

if TYPE_CHECKING:
    import pandas as pd

    from mdpkit.sweeps.cells import Outcome, Values
    from mdpkit.sweeps.experiments import Experiment

__all__ = ["Sweep", "run", "sweep"]

IDLE_SECONDS = 20


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
        Worker processes; -1 means one per core. The numbers do not depend on it. Inside ``joblib.parallel_config`` the
        cells go to that back end.
    cache : path, optional
        Folder of finished cells. Each is saved as soon as it is done and found again by a hash of the mdpkit sources,
        the experiment's sources, configuration, seed and library versions; a damaged one is computed again. None (the
        default) keeps nothing.
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
        written, or a worker process died.
    InputError
        The experiment's declarations are not as above.

    Notes
    -----
    An interrupt (Ctrl-C) keeps the cells that are done; the same call then computes only the others. The cache knows
    the experiment's file and every module of the project that it imports, at any depth, but not data files it reads:
    put what they hold, or their version, into the configuration.

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
    with (
        progress_bar(label, len(todo), progress) as advance,
        closing(_outcomes(task, todo, 1 if task.timing else jobs)) as outcomes,
    ):
        for i, outcome in outcomes:
            config, seed = cells[i]
            if outcome.values is None:
                failures[i] = CellFailure(task.name, config, seed, outcome.error or "", outcome.traceback or "")
            else:
                # saved here and not in the worker: what the driver has reported as finished is on disk
                if store is not None:
                    store.save(config, seed, outcome.values)
                done[i] = outcome.values
            advance(outcome.values is None)
    if failures:
        raise _cells_failed([failures[i] for i in sorted(failures)], len(cells), kept=store is not None)
    table = tidy(cells, [done[i] for i in range(len(cells))])
    return Sweep(task.name, table, len(cells), n_cached, time.perf_counter() - start, task.timing)


def _outcomes(task: Experiment, todo: list[int], jobs: int) -> Generator[tuple[int, Outcome], None, None]:
    """Yield the cells in the order in which they finish."""
    from mdpkit.sweeps.cells import compute, evaluate

    cells = task.cells
    if jobs == 1 or not todo:
        for i in todo:
            yield i, evaluate(task.function, *cells[i])
        return
    source = task.source
    if source is None:
        raise SweepError(f"experiment {task.name} has no source file that workers could import; use jobs=1")
    from joblib import Parallel, delayed

    with _one_thread_per_worker():
        # one cell at a time: a batch would hold finished cells back from the disk
        pool: Any = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
        finished = pool(delayed(compute)(i, source, *cells[i]) for i in todo)
        try:
            yield from finished
        except Exception as error:
            raise SweepError(
                f"a worker process of experiment {task.name} died (killed, or out of memory?); the cells that finished "
                f"are kept if there is a cache, and the same call goes on from there: {error}"
            ) from error
        finally:
            finished.close()


@contextmanager
def _one_thread_per_worker() -> Iterator[None]:
    """Give each local worker a single BLAS thread: the last bit of a product may depend on their number."""
    from joblib import parallel_config
    from joblib.parallel import get_active_backend

    if type(get_active_backend()[0]).__name__ != "LokyBackend":
        yield  # the user chose a back end: its threads are its own business
        return
    # workers of a driver that was killed notice nothing; they end when idle, by default only after five minutes
    with parallel_config(backend="loky", inner_max_num_threads=1, idle_worker_timeout=IDLE_SECONDS):
        yield


def _cells_failed(failures: list[CellFailure], n_cells: int, *, kept: bool) -> SweepError:
    shown = "".join(f"\n  {failure}" for failure in failures[:5])
    more = f"\n  ... and {len(failures) - 5} more" if len(failures) > 5 else ""
    rest = "the others finished and are kept" if kept else "the others finished"
    error = SweepError(f"{len(failures)} of {n_cells} cells failed ({rest}):{shown}{more}", failures)
    error.__cause__ = WorkerTraceback(failures[0].traceback)
    return error
