"""Hand cells to workers, on this machine or a cluster, and yield their outcomes as they come."""

from __future__ import annotations

import os
import random
import threading
import warnings
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import islice
from typing import Any

from mdpkit.sweeps.cells import Outcome, Values, evaluate
from mdpkit.sweeps.experiments import Experiment
from mdpkit.sweeps.failures import SweepError
from mdpkit.sweeps.orphans import watch_driver
from mdpkit.sweeps.threads import one_thread
from mdpkit.sweeps.workers import Task, compute, known_here

__all__ = ["CellQueue", "stream"]

IDLE_SECONDS = 20
AHEAD_HERE, AHEAD_AWAY = "2 * n_jobs", "16 * n_jobs"
"""Cells handed out at a time: more hide the delays of a network, fewer leave fewer suspects when a worker dies."""

CHUNK = 4
"""Cells per worker between two looks at the results, where a back end returns them only together."""

DEATHS_ALONE = 2
"""A cell that was the only one running when its worker died, this many times, is what kills workers."""

DEATHS_IN_A_ROW = 20
"""Give up when so many workers died since a cell last finished."""

DEATHS = {"BrokenExecutor", "KilledWorker", "WorkerCrashedError", "OutOfMemoryError"}
"""What loky, Dask and Ray raise when a worker process was killed."""

Outcomes = Generator[tuple[int, Outcome], None, None]
Look = Callable[[int], "Values | None"]


class CellQueue:
    """The cells still to compute, in their order until another driver is met.

    Before a cell is handed out, ``look`` is asked for it: another driver may have saved it meanwhile. Two drivers that
    go through the cells in the same order would keep computing the same ones, so once they met, the order is random.

    Parameters
    ----------
    positions : iterable of int
        The cells.
    look : callable
        Returns the values of a cell, or None.
    """

    def __init__(self, positions: Iterable[int], look: Look) -> None:
        self.look = look
        self.running: set[int] = set()
        self._waiting = deque(positions)
        self._found: deque[tuple[int, Outcome]] = deque()
        self._lock = threading.Lock()  # back ends ask for the next cell in threads of their own

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[int]:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                i = self._waiting.popleft()
            values = self.look(i)
            if values is not None:
                self._found.append((i, Outcome(values, 0.0, found=True)))
                self.met_another_driver()
                continue
            self.running.add(i)
            yield i

    def met_another_driver(self) -> None:
        """Go on in random order."""
        with self._lock:
            shuffled = list(self._waiting)
            random.Random().shuffle(shuffled)
            self._waiting = deque(shuffled)

    def stop(self) -> None:
        """Hand out no more cells; before a pool is closed, so that its threads do not feed it meanwhile."""
        with self._lock:
            self._waiting.clear()

    def rest(self) -> list[int]:
        """Return the cells that were not handed out."""
        return list(self._waiting)

    def found(self) -> Iterator[tuple[int, Outcome]]:
        """Yield, once, the cells that ``look`` knew."""
        while self._found:
            yield self._found.popleft()


def stream(task: Experiment, queue: CellQueue, jobs: int) -> Outcomes:
    """Yield the cells of ``queue`` in the order in which they finish.

    Raises
    ------
    SweepError
        The experiment cannot be sent to workers, or the back end gave up.
    """
    from joblib import cpu_count
    from joblib.parallel import get_active_backend

    backend, configured = get_active_backend()
    kind = type(backend).__name__
    local = kind == "LokyBackend"
    width = jobs if jobs != 1 else configured or 1
    if local and width < 0:
        width = max(1, cpu_count() + 1 + width)
    if task.timing or not queue or kind == "SequentialBackend" or (local and width == 1):
        return _serial(task, queue)
    if task.source is None:
        raise SweepError(f"experiment {task.name} has no source file that workers could import; use jobs=1")
    sent = Task.of(task.source, driver=os.getpid() if local else None)
    streams = bool(getattr(backend, "supports_return_generator", False))

    def attempt(cells: CellQueue) -> Outcomes:
        calls = ((compute, (i, sent, *task.cells[i])) for i in cells)
        # one worker would mean this process, which the cell might take with it; who chose a back end wants all of it
        n_jobs = max(2, min(width, len(cells))) if local else width if width != 1 else -1
        with _local_workers() if local else nullcontext():
            yield from (
                _streamed(calls, n_jobs, AHEAD_HERE if local else AHEAD_AWAY) if streams else _chunked(calls, n_jobs)
            )

    return _persistent(task, queue, attempt, sent)


def _serial(task: Experiment, queue: CellQueue) -> Outcomes:
    with one_thread():
        for i in queue:
            yield i, evaluate(task.function, *task.cells[i])
            yield from queue.found()
    yield from queue.found()


def _local_workers() -> AbstractContextManager[Any]:
    from joblib import parallel_config

    # a worker that is idle when its driver is killed may wait for a lock that nobody holds any more, so it watches
    # from its first moment on
    return parallel_config(
        backend="loky",
        inner_max_num_threads=1,
        idle_worker_timeout=IDLE_SECONDS,
        initializer=watch_driver,
        initargs=(os.getpid(),),
    )


def _streamed(calls: Iterator[tuple[Any, tuple[Any, ...]]], n_jobs: int, ahead: str) -> Outcomes:
    """Yield each outcome when it is there; the back end sees a few cells ahead."""
    from joblib import Parallel, delayed

    # one cell at a time: a batch would hold finished cells back from the disk
    pool: Any = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1, pre_dispatch=ahead)
    results = pool(delayed(function)(*arguments) for function, arguments in calls)
    try:
        # not `yield from`, which would close it by itself and let it warn
        for result in results:  # noqa: UP028
            yield result
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that cells are still running is no news to who stops them
            results.close()


def _chunked(calls: Iterator[tuple[Any, tuple[Any, ...]]], n_jobs: int) -> Outcomes:
    """Yield the outcomes of a few cells per worker at a time."""
    from joblib import Parallel, delayed, effective_n_jobs

    size = CHUNK * effective_n_jobs(n_jobs)
    with Parallel(n_jobs=n_jobs, batch_size=1) as pool:
        while chunk := list(islice(calls, size)):
            yield from pool(delayed(function)(*arguments) for function, arguments in chunk)


def _persistent(task: Experiment, queue: CellQueue, attempt: Callable[[CellQueue], Outcomes], sent: Task) -> Outcomes:
    """Go on when workers die, and find out which cell it is that kills them.

    Nobody says which of the cells that were running did it. They are set aside in two halves, and each half runs by
    itself after all the others; halving again leaves one cell, alone when its worker dies. That takes about twice the
    logarithm of the number of workers attempts per such cell, and the others finish on the way.
    """
    suspects: deque[list[int]] = deque()
    alone: Counter[int] = Counter()
    in_a_row = 0
    group = queue
    while True:
        group.running.clear()
        try:
            with one_thread(), known_here(sent, task.function), closing(attempt(group)) as outcomes:
                for i, outcome in outcomes:
                    group.running.discard(i)
                    in_a_row = 0
                    yield i, outcome
                    yield from group.found()
        except Exception as error:
            if not any(kind.__name__ in DEATHS for kind in type(error).__mro__):
                raise SweepError(
                    f"the workers of experiment {task.name} cannot go on: {type(error).__name__}: {error}"
                ) from error
            in_a_row += 1
            if in_a_row > DEATHS_IN_A_ROW:
                raise SweepError(
                    f"{in_a_row} times in a row a worker process of experiment {task.name} died and no cell finished; "
                    f"the cells that finished are kept if there is a cache: {error}"
                ) from error
            running = sorted(group.running)
            if len(running) == 1 and group is not queue:
                i = running[0]
                alone[i] += 1
                if alone[i] >= DEATHS_ALONE:
                    in_a_row = 0
                    what = f"its worker process died, {DEATHS_ALONE} times while no other cell was running"
                    reason = f"{what} (out of memory, or a crash?)"
                    yield i, Outcome(None, 0.0, f"{type(error).__name__}: {reason}", f"{reason}\n{error}")
                else:
                    suspects.appendleft(running)
            elif running:
                half = (len(running) + 1) // 2
                suspects.extend(part for part in (running[:half], running[half:]) if part)
        yield from group.found()
        if group is not queue and len(group):
            suspects.append(group.rest())
        if len(queue):
            group = queue
        elif suspects:
            group = CellQueue(suspects.popleft(), queue.look)
        else:
            return
