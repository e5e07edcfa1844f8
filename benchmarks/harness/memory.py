"""The largest memory a process has held."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["forget_peak", "peak_mib"]

STATUS = Path("/proc/self/status")


def peak_mib() -> float:
    """Return the peak resident memory of this process in MiB.

    On Linux it is read from ``/proc``: ``ru_maxrss`` of a process that was just started is the peak of its parent.
    """
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def forget_peak() -> None:
    """Start the peak anew at what is held now, where the system can (Linux); elsewhere it goes on from the old one."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return
