"""Kill a sweep at random moments, again and again, and account for every cell.

``python -m tests.sweeps.storm KILLS CELLS`` does it at full size and prints what it counted.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from mdpkit import sweeps
from mdpkit.sweeps.experiments import load_experiment
from mdpkit.sweeps.store import CellStore

SOURCE = """
import time
import numpy as np
CONFIGS = {"quick": {"configs": [{"k": k} for k in range(5)], "n_seeds": SEEDS}}

def run(config, seed):
    with open("LOG", "a") as log:
        log.write(f"{config['k']} {seed} {time.time_ns()}\\n")
    time.sleep(SECONDS)
    noise = np.random.default_rng([config["k"], seed]).random(20)
    return {"noise": noise, "sum": float(noise.sum())}
"""

DRIVER = """
from mdpkit import sweeps
sweeps.run("storm", project={project!r}, cache={cache!r}, jobs={jobs})
"""


@dataclass
class Storm:
    """What was counted."""

    kills: dict[str, int] = field(default_factory=lambda: {"driver": 0, "worker": 0})
    sweeps: int = 0
    restarts: int = 0
    starts: int = 0
    cells: int = 0
    lost: int = 0
    computed_twice: int = 0
    failed_sweeps: int = 0
    same_table: bool = True
    seconds: float = 0.0


def storm(folder: Path, *, kills: int, cells: int, seconds: float, jobs: int, seed: int, pause: float) -> Storm:
    """Kill drivers and workers ``kills`` times, over as many sweeps as that takes; let the last one finish.

    A cell counts as finished when its file exists. It is lost if the file is gone later, and computed twice if its file
    is ever written again, or a computation of it starts after the file was written.
    """
    began = time.perf_counter()
    rng = random.Random(seed)
    counted = Storm()
    log = folder / "computed.log"
    (folder / "experiments").mkdir()
    source = SOURCE.replace("SEEDS", str(cells // 5)).replace("LOG", str(log))
    experiment = folder / "experiments" / "storm.py"
    experiment.write_text(source.replace("SECONDS", "0"))
    expected = sweeps.run("storm", project=folder)
    experiment.write_text(source.replace("SECONDS", str(seconds)))
    while sum(counted.kills.values()) < kills or counted.sweeps == 0:
        cache = folder / f"cache{counted.sweeps}"
        log.write_text("")
        finished: dict[Path, int] = {}
        driver: subprocess.Popen[bytes] | None = None
        next_kill = time.monotonic()
        while True:
            if driver is None:
                code = DRIVER.format(project=str(folder), cache=str(cache), jobs=jobs)
                driver = subprocess.Popen([sys.executable, "-c", code], cwd=folder, stderr=subprocess.PIPE)
                counted.restarts += 1
                next_kill = time.monotonic() + 0.6 + rng.expovariate(1 / pause)
            time.sleep(0.01)
            if driver.poll() is not None:
                stopped = driver.returncode
                message = driver.communicate()[1].decode()
                driver = None
                _account(counted, cache, finished)
                if stopped == 0:
                    break
                if stopped != -signal.SIGKILL:
                    counted.failed_sweeps += 1
                    print(message[-2000:], file=sys.stderr)
                continue
            if time.monotonic() < next_kill or sum(counted.kills.values()) >= kills:
                continue
            next_kill = time.monotonic() + rng.expovariate(1 / pause)
            _kill(driver.pid, rng, counted)
            _account(counted, cache, finished)
        counted.sweeps += 1
        _account_starts(counted, folder, cache, log)
        table = sweeps.run("storm", project=folder, cache=cache)
        counted.same_table &= table.equals(expected)
    counted.seconds = time.perf_counter() - began
    return counted


def _kill(driver: int, rng: random.Random, counted: Storm) -> None:
    """Send SIGKILL to the driver or one of its workers, as likely as not."""
    try:
        children = psutil.Process(driver).children()
        workers = [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]
        if workers and rng.random() < 0.5:
            rng.choice(workers).kill()
            counted.kills["worker"] += 1
        else:
            psutil.Process(driver).kill()
            counted.kills["driver"] += 1
    except psutil.NoSuchProcess:
        return


def _account(counted: Storm, cache: Path, finished: dict[Path, int]) -> None:
    """Compare the files with those seen before."""
    now = {path: path.stat().st_mtime_ns for path in cache.rglob("*.cell")}
    counted.lost += len(finished.keys() - now.keys())
    counted.computed_twice += sum(now[path] != stamp for path, stamp in finished.items() if path in now)
    finished.update(now)


def _account_starts(counted: Storm, folder: Path, cache: Path, log: Path) -> None:
    """Compare when computations started with when their cells were saved."""
    experiment = load_experiment("storm", "quick", folder)
    store = CellStore(cache, experiment)
    saved = {(c["k"], seed): store.path(c, seed).stat().st_mtime_ns for c, seed in experiment.cells}
    for line in log.read_text().splitlines():
        k, seed, start = map(int, line.split())
        counted.starts += 1
        counted.computed_twice += start > saved[k, seed]
    counted.cells += len(saved)


if __name__ == "__main__":
    n_kills, n_cells = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        print(storm(Path(name).resolve(), kills=n_kills, cells=n_cells, seconds=0.05, jobs=2, seed=0, pause=0.5))
