"""What a worker process does: check that it runs the driver's code, import the experiment, evaluate one cell.

A worker may be anywhere: in this process (threads), on this machine, or on one that never saw the experiment. So every
cell comes with the experiment's files, compressed; a worker that sees the same files on its disk uses those, any other
unpacks them into a private folder.
"""

from __future__ import annotations

import atexit
import os
import pickle
import platform
import shutil
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mdpkit.errors import MDPKitError
from mdpkit.sweeps.cells import Outcome, evaluate, failed
from mdpkit.sweeps.modules import Source, import_module, read_source
from mdpkit.sweeps.orphans import ends_with
from mdpkit.sweeps.store import digest_in_use, versions
from mdpkit.sweeps.threads import keep_one_thread, one_thread

__all__ = ["Task", "compute", "known_here"]

Run = Callable[[dict[str, Any], int], Any]


@dataclass(frozen=True)
class Task:
    """What a worker must know of an experiment, sent along with every cell.

    Parameters
    ----------
    source : tuple of (str, str, str)
        Project folder, dotted name and digest of its `Source`.
    files : bytes
        The files of its `Source`, packed.
    package : str
        Digest of the driver's mdpkit.
    versions : dict of str to str
        The driver's library versions.
    driver : int, optional
        Process to end with.
    """

    source: tuple[str, str, str]
    files: bytes = field(repr=False)
    package: str
    versions: dict[str, str]
    driver: int | None

    @classmethod
    def of(cls, source: Source, *, driver: int | None) -> Task:
        """Pack a source."""
        return cls(
            source=(str(source.root), source.name, source.digest),
            files=zlib.compress(pickle.dumps(source.files)),
            package=digest_in_use(),
            versions=versions(),
            driver=driver,
        )


def compute(position: int, task: Task, config: dict[str, Any], seed: int) -> tuple[int, Outcome]:
    """Evaluate a cell in whatever process this is, and say which one it was."""
    start = time.perf_counter()
    with ends_with(task.driver):
        if task.source in _driven:
            with one_thread():
                return position, evaluate(_driven[task.source], config, seed)
        if (refusal := _refusal(task)) is not None:
            return position, Outcome(None, 0.0, refused=refusal)
        keep_one_thread()
        try:
            with _current.holding(task) as function, one_thread():
                return position, evaluate(function, config, seed)
        except Exception as error:  # of the import; evaluate raises none
            return position, failed(error, start)


def _refusal(task: Task) -> str | None:
    """Return why this process must not compute the driver's cells, or None: results of different code never mix."""
    where = f"worker process {os.getpid()} on {platform.node()}"
    if digest_in_use() != task.package:
        return (
            f"{where} has another mdpkit than the driver: its sources are {digest_in_use()[:12]}, the driver's "
            f"{task.package[:12]}; install the same one and start both again"
        )
    here = versions()
    if here != task.versions:
        differing = sorted(
            name for name in here.keys() | task.versions.keys() if here.get(name) != task.versions.get(name)
        )
        listed = ", ".join(
            f"{name} {here.get(name, 'missing')} (driver: {task.versions.get(name, 'missing')})" for name in differing
        )
        return f"{where} has other libraries than the driver: {listed}"
    return None


# ---------------------------------------------------------------- threads of the driver

_driven: dict[tuple[str, str, str], Run] = {}


@contextmanager
def known_here(task: Task, function: Run) -> Iterator[None]:
    """Let `compute` in a thread of this process use the function that the driver has imported."""
    _driven[task.source] = function
    try:
        yield
    finally:
        _driven.pop(task.source, None)


# ---------------------------------------------------------------- the experiment of a worker process


class _Current:
    """The one experiment that this process has imported.

    Its modules stand in ``sys.modules`` under the names that they also have in other projects and other versions, and
    a ``run`` may import more of them. So threads (of a Dask worker) share it, and a cell of another experiment waits
    until no cell of this one is running.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._running = 0
        self._source: tuple[str, str, str] | None = None
        self._function: Run | None = None

    @contextmanager
    def holding(self, task: Task) -> Iterator[Run]:
        """Yield the experiment's ``run``, imported from the driver's files."""
        with self._turn:
            self._turn.wait_for(lambda: self._running == 0 or self._source == task.source)
            if self._source != task.source:
                self._source = None
                _, name, digest = task.source
                self._function = import_module(_folder_of(task), name, digest=digest).run
                self._source = task.source
            function = self._function
            assert function is not None
            self._running += 1
        try:
            yield function
        finally:
            with self._turn:
                self._running -= 1
                self._turn.notify_all()


_current = _Current()
_unpacked: dict[str, Path] = {}


def _folder_of(task: Task) -> Path:
    """Return a folder with exactly the driver's files: the project itself if it is visible here and unchanged."""
    root, name, digest = task.source
    try:
        if read_source(Path(root), name).digest == digest:
            return Path(root)
    except MDPKitError:
        pass  # another machine, or edited meanwhile
    if digest not in _unpacked:
        folder = Path(tempfile.mkdtemp(prefix="mdpkit-")).resolve()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for file_name, content in pickle.loads(zlib.decompress(task.files)).items():
            target = folder / file_name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        _unpacked[digest] = folder
    return _unpacked[digest]
