"""The same call on a Dask cluster whose worker processes know nothing of the project."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import joblib
import pandas as pd
import pytest
from distributed import Client, LocalCluster

import mdpkit
from mdpkit import sweeps
from mdpkit.sweeps import workers
from mdpkit.sweeps.modules import Source

Count = Callable[[], int]
Write = Callable[[str, str], Path]

PACKAGE = Path(mdpkit.__file__).parent


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A scheduler in this process, still without workers."""
    with (
        LocalCluster(
            n_workers=0, processes=False, protocol="tcp://", host="127.0.0.1", dashboard_address=None, silence_logs=50
        ) as cluster,  # only critical
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def joined(client: Client, folder: Path, package: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Worker processes in another folder, for which only ``package`` is importable beside what is installed."""
    (folder / "elsewhere").mkdir(exist_ok=True)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OMP", "OPENBLAS"))
    }
    command = [sys.executable, "-m", "distributed.cli.dask_worker", client.scheduler.address]
    processes = [
        subprocess.Popen(
            [*command, "--no-nanny", "--nthreads", "1", "--no-dashboard"],
            cwd=folder / "elsewhere",
            env={**environment, "PYTHONPATH": str(package)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    try:
        client.wait_for_workers(2, timeout=30)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
        deadline = time.monotonic() + 30
        while client.scheduler_info(n_workers=-1)["workers"] and time.monotonic() < deadline:
            time.sleep(0.05)


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder with a copy of mdpkit and nothing else."""
    shutil.copytree(PACKAGE, tmp_path / "alone" / "mdpkit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "alone"


@pytest.fixture
def invisible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell workers of a project folder that they do not have, as on another machine."""
    of = workers.Task.of

    def sent(source: Source, *, driver: int | None) -> workers.Task:
        return replace(of(source, driver=driver), source=("/not/on/this/machine", source.name, source.digest))

    monkeypatch.setattr(workers.Task, "of", sent)


FAR = """
    import os
    from pathlib import Path
    import numpy as np
    from experiments import _far_helper
    DATA = ("far.csv",)
    CONFIGS = {"quick": {"configs": [{"k": 1}, {"k": 2}], "n_seeds": 4}, "bad": {"configs": [{"k": 0}], "n_seeds": 2}}

    def run(config, seed):
        from experiments import _far_later
        number = float(Path(__file__).with_name("far.csv").read_text())
        noise = np.random.default_rng([config["k"], seed]).random((40, 40))
        return {
            "x": _far_helper.inverse(config["k"]) + number + _far_later.ONE,
            "sum": float((noise @ noise).sum()),
            "cwd": os.getcwd(), "file": __file__,
        }
"""


def test_workers_that_cannot_import_the_project(
    project: Path, write: Write, tmp_path: Path, client: Client, alone: Path, invisible: None
) -> None:
    write("experiments/far", FAR)
    write("experiments/_far_helper", "def inverse(k):\n    return 1 / k  # the line to show\n")
    write("experiments/_far_later", "ONE = 1\n")
    (project / "experiments" / "far.csv").write_text("10\n")
    serial = sweeps.run("far", project=project)
    with joined(client, tmp_path, alone), joblib.parallel_config(backend="dask"):
        table = sweeps.run("far", project=project, cache=tmp_path / "cache")
        with pytest.raises(sweeps.SweepError) as caught:
            sweeps.run("far", preset="bad", project=project)
    assert set(table["cwd"]) == {str(tmp_path / "elsewhere")}
    assert not any(file.startswith(str(tmp_path)) for file in table["file"])
    numbers = ["k", "seed", "x", "sum"]
    pd.testing.assert_frame_equal(serial[numbers], table[numbers], check_exact=True)
    assert len(list((tmp_path / "cache").rglob("*.cell"))) == 8
    assert "2 of 2 cells failed" in str(caught.value)
    assert "return 1 / k  # the line to show" in caught.value.failures[0].traceback


def test_workers_with_another_mdpkit_are_refused(
    project: Path, counted: Count, tmp_path: Path, client: Client, alone: Path
) -> None:
    with (alone / "mdpkit" / "errors.py").open("a") as file:
        file.write("# edited\n")
    with (
        joined(client, tmp_path, alone),
        joblib.parallel_config(backend="dask"),
        pytest.raises(sweeps.SweepError, match=r"counted stopped: worker process \d+ on .* has another mdpkit"),
    ):
        sweeps.run("counted", project=project, cache=tmp_path / "cache")
    assert counted() == 0
    assert not list(tmp_path.rglob("*.cell"))


def test_a_killed_cluster_worker_costs_nothing_but_its_cell(
    project: Path, write: Write, tmp_path: Path, client: Client, alone: Path
) -> None:
    """Dask gives its cell to the other worker."""
    killed = tmp_path / "killed"
    write(
        "experiments/struck",
        f"""
        import os, signal
        from pathlib import Path
        CONFIGS = {{"quick": {{"configs": [{{}}], "n_seeds": 12}}}}
        def run(config, seed):
            if seed == 5 and not Path({str(killed)!r}).exists():
                Path({str(killed)!r}).touch()
                os.kill(os.getpid(), signal.{signal.SIGKILL.name})
            return {{"x": seed}}
        """,
    )
    with joined(client, tmp_path, alone), joblib.parallel_config(backend="dask"):
        table = sweeps.run("struck", project=project, cache=tmp_path / "cache")
    assert table["x"].tolist() == list(range(12))
    assert killed.exists()
