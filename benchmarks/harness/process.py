"""Start a worker process in a clean environment, wait for it, and read what became of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.declaration import Contender

__all__ = ["Outcome", "environment", "run_worker"]

ROOT = Path(__file__).resolve().parents[2]
LIBRARY_SETTINGS = re.compile(
    r"^(OMP|GOMP|KMP|MKL|OPENBLAS|GOTO|BLIS|VECLIB|NUMEXPR|TBB|NUMBA)_|_NUM_THREADS$|^PYTHONSAFEPATH$"
)
KEPT = "NUMBA_CACHE_DIR"
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


@dataclass(frozen=True)
class Outcome:
    """What one worker process found: its record (empty unless ``status`` is "ok"), a note, and the answer, if saved."""

    status: str
    note: str
    found: dict[str, Any]
    answer: Any = None


def environment(contender: Contender, numba_cache: str | None = None) -> dict[str, str]:
    """Return the environment of a worker: the user's, without settings of numerical libraries, and our threads."""
    env = {key: value for key, value in os.environ.items() if key == KEPT or not LIBRARY_SETTINGS.search(key)}
    env.update(dict.fromkeys(THREADS, str(contender.threads)))
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    if numba_cache is not None:
        env[KEPT] = numba_cache
    return env


def run_worker(file: Path, contender: Contender, problem: str, *, budget: float, timeout: float) -> Outcome:
    """Measure one contender on one problem in a process of its own; a Ctrl-C ends that process too."""
    with tempfile.TemporaryDirectory(prefix="mdpkit-benchmark-") as name:
        folder = Path(name)
        request, result = folder / "request.json", folder / "result.json"
        request.write_text(
            json.dumps(
                {
                    "file": str(file.resolve()),
                    "contender": contender.name,
                    "problem": problem,
                    "budget": budget,
                    "result": str(result),
                }
            )
        )
        cache = str(folder / "numba") if contender.cold else None
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.harness.worker", str(request)],
            cwd=folder,
            env=environment(contender, cache),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that its own workers can be ended with it
        )
        try:
            _, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            return Outcome("timed out", f"after {timeout:g} s", {})
        finally:
            _end(process)
        return _read(process.returncode, stderr, result, folder)


def _end(process: subprocess.Popen[str]) -> None:
    """End the worker if it still runs, and what it has left behind."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _read(code: int, stderr: str, result: Path, folder: Path) -> Outcome:
    if code or not result.is_file():
        said = [line.strip() for line in stderr.splitlines() if line.strip()]
        reason = f"killed by signal {-code}" if code < 0 else said[-1] if said else f"exit status {code}"
        return Outcome("failed", _anonymous(reason, folder), {})
    found = json.loads(result.read_text())
    if "error" in found:
        return Outcome("failed", _anonymous(found["error"], folder), {})
    answer = None
    saved = result.with_suffix(".npy")
    if saved.is_file():
        import numpy as np

        answer = np.load(saved, allow_pickle=False)
    return Outcome("ok", "", found, answer)


def _anonymous(reason: str, folder: Path) -> str:
    """Shorten an error message to one line and keep folders of this machine out of it."""
    text = " ".join(reason.split())
    for place in (folder, ROOT, Path(sys.prefix), Path(sys.base_prefix), Path.home()):
        if len(str(place)) > 1:
            text = text.replace(str(place), "...")
    return text if len(text) <= 160 else text[:157] + "..."
