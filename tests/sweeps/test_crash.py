"""What happens to real runs: killed drivers and workers, full disks, two drivers on one cache."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from mdpkit import sweeps
from tests.sweeps.storm import storm

Count = Callable[[], int]
Write = Callable[[str, str], Path]


def start(code: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


# ---------------------------------------------------------------- killed workers

DEADLY = """
    import os, signal, time
    from pathlib import Path
    CONFIGS = {"quick": {"configs": [{"kind": "good"}, {"kind": "bad"}, {"kind": "slow"}], "n_seeds": 4}}
    def run(config, seed):
        with open("LOG", "a") as log:
            log.write(f"{config['kind']} {seed}\\n")
        if config["kind"] == "bad" and seed == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.3 if config["kind"] == "slow" else 0.0)
        return {"x": seed}
"""


@pytest.mark.parametrize("jobs", [2, 4])
def test_a_cell_that_kills_its_worker_is_found(project: Path, write: Write, tmp_path: Path, jobs: int) -> None:
    log = tmp_path / "log"
    write("experiments/deadly", DEADLY.replace("LOG", str(log)))
    with pytest.raises(sweeps.SweepError, match="1 of 12 cells failed") as caught:
        sweeps.run("deadly", project=project, cache=tmp_path / "cache", jobs=jobs)
    failure = caught.value.failures[0]
    assert (failure.config, failure.seed) == ({"kind": "bad"}, 1)
    assert "its worker process died, 2 times while no other cell was running" in failure.error
    assert len(list((tmp_path / "cache").rglob("*.cell"))) == 11
    # in the crowd, in ever smaller groups, and twice alone
    assert log.read_text().splitlines().count("bad 1") <= 8


def test_a_worker_killed_from_outside_costs_only_time(project: Path, write: Write, tmp_path: Path) -> None:
    struck = tmp_path / "struck"
    source = DEADLY.replace("LOG", str(tmp_path / "log"))
    source = source.replace("seed == 1:", f"seed == 1 and not Path({str(struck)!r}).exists():")
    source = source.replace("os.kill(", f"Path({str(struck)!r}).touch()\n            os.kill(")
    write("experiments/struck", source)
    table = sweeps.run("struck", project=project, jobs=2)
    assert table["x"].tolist() == [0, 1, 2, 3] * 3


def test_workers_that_always_die_are_given_up(
    project: Path, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mdpkit.sweeps.backends.DEATHS_IN_A_ROW", 2)
    write(
        "experiments/hopeless",
        """
        import os, signal
        CONFIGS = {"quick": {"configs": [{}], "n_seeds": 8}}
        def run(config, seed):
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    with pytest.raises(sweeps.SweepError, match="3 times in a row a worker process of experiment hopeless died"):
        sweeps.run("hopeless", project=project, jobs=2)


# ---------------------------------------------------------------- killed drivers

LONG = """
    import os, time
    import numba
    CONFIGS = {"quick": {"configs": [{}], "n_seeds": 2}}

    @numba.njit
    def spin(n):  # compiled code that never lets another thread run
        x = 0
        for i in range(n):
            x = (x * 5 + i) % 1000003
        return x

    def run(config, seed):
        spin(1)
        with open("LOG", "a") as log:
            log.write(f"{os.getpid()}\\n")
        return {"x": spin(10**11) if seed == 0 else time.sleep(600)}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, nothing ends a worker inside compiled code")
def test_workers_end_with_a_killed_driver(project: Path, write: Write, tmp_path: Path) -> None:
    """One is computing without ever letting go of the interpreter, one sleeps, others wait for work."""
    log = tmp_path / "log"
    log.touch()
    write("experiments/long", LONG.replace("LOG", str(log)))
    driver = start(f"from mdpkit import sweeps\nsweeps.run('long', project={str(project)!r}, jobs=2)", tmp_path)
    children: list[psutil.Process] = []
    try:
        wait_until(lambda: len(log.read_text().split()) == 2, 60)
        children = psutil.Process(driver.pid).children(recursive=True)
        assert {int(pid) for pid in log.read_text().split()} <= {child.pid for child in children}
        driver.kill()
        driver.communicate()
        _, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []
    finally:
        for process in (*children, psutil.Process(driver.pid) if driver.poll() is None else None):
            if process is not None and process.is_running():
                process.kill()


# ---------------------------------------------------------------- disks and neighbors

GROWING = """
    import numpy as np
    CONFIGS = {"quick": {"configs": [{}], "n_seeds": 6}}
    def run(config, seed):
        return {"x": np.arange(1000 * (1 + 20 * (seed > 2)))}
"""


@pytest.mark.skipif(os.name != "posix", reason="file sizes cannot be limited")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_disk_that_takes_no_more(project: Path, write: Write, tmp_path: Path, jobs: int) -> None:
    """The operating system refuses files of more than 40 kB, so the fourth cell cannot be saved."""
    write("experiments/growing", GROWING)
    code = f"""
import resource
from mdpkit import sweeps
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    sweeps.run("growing", project={str(project)!r}, cache={str(tmp_path / "cache")!r}, jobs={jobs})
except sweeps.SweepError as error:
    print("one error:", error)
"""
    process = start(code, tmp_path)
    out, err = process.communicate(timeout=60)
    assert err.decode() == ""
    assert process.returncode == 0
    assert out.decode().startswith("one error: cannot save a finished cell in ")
    assert "File too large; the cells saved before are kept" in out.decode()
    kept = len(list((tmp_path / "cache").rglob("*.cell")))
    assert kept == 3 if jobs == 1 else kept <= 3
    assert not list(tmp_path.rglob("*.part"))
    assert len(sweeps.run("growing", project=project, cache=tmp_path / "cache")) == 3 * 1000 + 3 * 21_000


def test_two_drivers_share_one_cache(project: Path, write: Write, tmp_path: Path) -> None:
    """They meet, take the rest in random orders, and compute few cells both."""
    log = tmp_path / "log"
    write(
        "experiments/shared",
        f"""
        import time
        import numpy as np
        CONFIGS = {{"quick": {{"configs": [{{}}], "n_seeds": 60}}}}
        def run(config, seed):
            with open({str(log)!r}, "a") as log:
                log.write(f"{{seed}}\\n")
            time.sleep(0.02)
            return {{"x": np.random.default_rng(seed).random(3)}}
        """,
    )
    tables = [tmp_path / f"{i}.npy" for i in range(2)]
    call = f"sweeps.run('shared', project={str(project)!r}, cache={str(tmp_path / 'cache')!r})"
    code = f"import numpy\nfrom mdpkit import sweeps\nnumpy.save(TABLE, {call}.to_numpy())"
    drivers = [start(code.replace("TABLE", repr(str(table))), tmp_path) for table in tables]
    for driver in drivers:
        _, err = driver.communicate(timeout=60)
        assert (driver.returncode, err.decode()) == (0, "")
    computed = len(log.read_text().split())
    expected = sweeps.run("shared", project=project)
    for table in tables:
        np.testing.assert_array_equal(np.load(table), expected.to_numpy())
    assert len(list((tmp_path / "cache").rglob("*.cell"))) == 60
    assert computed < 2 * 60  # how much they share depends on when they start


@pytest.mark.slow  # kills have to be apart by more than the time that a driver takes to start
def test_a_storm_of_kills(tmp_path: Path) -> None:
    counted = storm(tmp_path, kills=12, cells=100, seconds=0.05, jobs=2, seed=1, pause=0.5)
    assert sum(counted.kills.values()) == 12
    assert (counted.lost, counted.computed_twice, counted.failed_sweeps) == (0, 0, 0)
    assert counted.same_table
    assert counted.starts >= counted.cells
