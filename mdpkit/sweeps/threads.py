"""One thread per cell: the last bit of a product or a sum may depend on how many threads share it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["keep_one_thread", "one_thread"]

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS, OpenMP and Numba use a single thread meanwhile.

    Several threads may be inside at once, if the first to enter is the last to leave: OpenBLAS obeys only one.
    """
    # Numba first: asking it may load OpenMP
    numba: Any = sys.modules.get("numba")
    before = numba.get_num_threads() if hasattr(numba, "get_num_threads") else 1
    if before != 1:
        numba.set_num_threads(1)  # of this thread only
    mine = _libraries.enter()
    try:
        yield
    finally:
        mine.restore_original_limits()
        _libraries.leave()
        if before != 1:
            numba.set_num_threads(before)


def keep_one_thread() -> None:
    """Give a worker process one BLAS thread for good: of its threads, nobody knows which one leaves last."""
    if not _libraries.kept:
        _libraries.kept = True
        _libraries.enter()


class _Libraries:
    """The thread pools of this process.

    BLAS is limited when the first thread enters and as before when the last one leaves; OpenMP keeps a number for every
    thread that calls it.
    """

    def __init__(self) -> None:
        self.kept = False
        self._lock = threading.Lock()
        self._inside = 0
        self._blas: Any = None
        self._environment: dict[str, str | None] = {}
        self._found: Any = None
        self._n_modules = -1

    def enter(self) -> Any:
        """Return the calling thread's own limits, to be restored by it before it leaves."""
        with self._lock:
            if self._n_modules != len(sys.modules):  # looking for libraries takes a millisecond
                from threadpoolctl import ThreadpoolController

                self._n_modules = len(sys.modules)
                self._found = ThreadpoolController()
            if self._inside == 0:
                self._environment = {variable: os.environ.get(variable) for variable in VARIABLES}
                os.environ.update(dict.fromkeys(VARIABLES, "1"))  # for libraries that a cell is the first to load
                self._blas = self._found.select(user_api="blas").limit(limits=1)
            self._inside += 1
            return self._found.select(user_api="openmp").limit(limits=1)

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside:
                return
            self._blas.restore_original_limits()
            for variable, value in self._environment.items():
                if value is None:
                    os.environ.pop(variable, None)
                else:
                    os.environ[variable] = value


_libraries = _Libraries()
