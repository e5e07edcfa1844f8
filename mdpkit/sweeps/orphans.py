"""Let a local worker end with its driver: one that was killed cannot tell its workers to stop."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["ends_with", "watch_driver"]

LOOK_SECONDS = 1.0
PR_SET_PDEATHSIG = 1


def watch_driver(driver: int) -> None:
    """Start, in a worker that has just come up, the thread that ends it when its parent ``driver`` is gone."""
    threading.Thread(target=_watch, args=(driver,), daemon=True, name="mdpkit-watches-driver").start()


@contextmanager
def ends_with(driver: int | None) -> Iterator[None]:
    """End this process with its parent ``driver`` even if compiled code keeps the watching thread from running.

    On Linux the kernel does it. It is asked only while a cell runs, as it watches the thread that started the worker
    and not the whole driver.
    """
    if driver is None or os.getppid() != driver:
        yield  # not a child of the driver: its back end looks after it
        return
    _ask_kernel(signal.SIGKILL)
    if os.getppid() != driver:
        os._exit(1)  # it died before the kernel was asked
    try:
        yield
    finally:
        _ask_kernel(0)


def _watch(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def _ask_kernel(number: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
