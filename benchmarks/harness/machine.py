"""What the numbers were measured on: machine, versions, load. No names of hosts, users or folders."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["load_average", "machine", "version", "versions"]

ALWAYS = ("numpy", "scipy", "numba")


def machine() -> dict[str, Any]:
    """Return processor, cores, memory, operating system and Python."""
    return {
        "cpu": _cpu_model() or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def load_average() -> float | None:
    """Return the mean number of running processes of the last minute, or None where the system does not know it."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def version(package: str) -> str | None:
    """Return the version of a distribution, or None if it is not installed."""
    if package == "mdpkit":
        import mdpkit  # its metadata may be those of an older editable installation

        return mdpkit.__version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """Return the versions of these packages and of the libraries below mdpkit; None where not installed."""
    return {package: version(package) for package in dict.fromkeys([*ALWAYS, *packages])}


def _cpu_model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
