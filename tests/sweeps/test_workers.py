"""Workers: which code they run, whom they refuse, and how many threads a cell has."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import joblib
import numba
import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info

from mdpkit import sweeps
from mdpkit.errors import InputError
from mdpkit.sweeps import workers
from mdpkit.sweeps.modules import read_source
from mdpkit.sweeps.threads import one_thread

Count = Callable[[], int]
Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _this_process_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "keep_one_thread", lambda: None)


def task_of(project: Path, name: str) -> workers.Task:
    return workers.Task.of(read_source(project, f"experiments.{name}"), driver=None)


# ---------------------------------------------------------------- back ends of joblib


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing", "sequential"])
def test_any_back_end_gives_the_same_table(project: Path, counted: Count, tmp_path: Path, backend: str) -> None:
    """Multiprocessing cannot stream its results: it goes the way of Ray, in chunks."""
    serial = sweeps.run("counted", project=project)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        other = sweeps.run("counted", project=project, cache=tmp_path / "cache")
    pd.testing.assert_frame_equal(serial, other, check_exact=True)
    assert counted() == 12
    assert len(list((tmp_path / "cache").rglob("*.cell"))) == 6


def test_chunks_are_saved_one_by_one(
    project: Path, counted: Count, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing disk after the first chunk of 2 x 1 cells leaves the others of the second uncomputed or unsaved."""
    monkeypatch.setattr("mdpkit.sweeps.backends.CHUNK", 1)
    seen = []

    def save(store: object, config: object, seed: int, values: object) -> bool:
        seen.append(counted())
        return False

    monkeypatch.setattr("mdpkit.sweeps.store.CellStore.save", save)
    with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
        sweeps.run("counted", project=project, cache=tmp_path)
    assert seen == [2, 2, 4, 4, 6, 6]


# ---------------------------------------------------------------- the code that runs


def test_data_files_are_part_of_the_key_and_travel(project: Path, write: Write, tmp_path: Path) -> None:
    write(
        "experiments/reader",
        """
        from pathlib import Path
        DATA = ("numbers.csv", "../shared/more.csv")
        CONFIGS = {"quick": {"configs": [{}], "n_seeds": 1}}
        def run(config, seed):
            here = Path(__file__)
            return {"x": sum(int((here.parent / name).read_text()) for name in DATA), "file": str(here)}
        """,
    )
    data = project / "experiments" / "numbers.csv"
    (project / "shared").mkdir()
    (project / "shared" / "more.csv").write_text("100")
    for number in (1, 2, 1):
        data.write_text(str(number))
        table = sweeps.run("reader", project=project, cache=tmp_path / "cache")
        assert table["x"].tolist() == [100 + number]
    assert len(list((tmp_path / "cache").rglob("*.cell"))) == 2
    task = task_of(project, "reader")
    shutil.move(project, tmp_path / "elsewhere")  # as a worker on another machine sees it
    _, outcome = workers.compute(0, task, {}, 0)
    assert outcome.values is not None
    assert outcome.values["x"] == 101
    assert not str(outcome.values["file"]).startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("declared", "kind", "sentence"),
    [
        ("('no.csv',)", sweeps.SweepError, r"no\.csv, which cannot be read: No such file"),
        ("('../../outside.csv',)", InputError, "which is not in"),
        ("'one.csv'", InputError, "tuple of file names"),
        ("tuple(str(i) for i in range(3))", InputError, "tuple of file names"),
    ],
)
def test_data_that_cannot_be_shipped(
    project: Path, write: Write, declared: str, kind: type[Exception], sentence: str
) -> None:
    write("experiments/reader", f"DATA = {declared}\nCONFIGS = {{}}\ndef run(config, seed): ...")
    with pytest.raises(kind, match=sentence):
        sweeps.run("reader", project=project)


FAILS = """
    from experiments import _help
    def run(config, seed):
        from experiments import _later
        return {"x": _help.divide(seed) + _later.ONE}  # the line to show
"""


def test_a_worker_that_cannot_see_the_project(project: Path, write: Write, tmp_path: Path) -> None:
    write("experiments/far", FAILS)
    write("experiments/_help", "def divide(seed):\n    return 1 / seed  # the line below\n")
    write("experiments/_later", "ONE = 1\n")
    task = task_of(project, "far")
    shutil.move(project, tmp_path / "elsewhere")
    assert workers.compute(7, task, {}, 1)[1].values == {"x": np.array(2.0)}
    position, outcome = workers.compute(7, task, {}, 0)
    assert position == 7
    assert outcome.error == "ZeroDivisionError: float division by zero" or "division by zero" in str(outcome.error)
    assert "# the line to show" in str(outcome.traceback)
    assert "# the line below" in str(outcome.traceback)


def test_a_worker_runs_the_drivers_code_and_not_a_later_edit(project: Path, write: Write) -> None:
    write("experiments/edited", "def run(config, seed): return {'x': 1}")
    task = task_of(project, "edited")
    write("experiments/edited", "def run(config, seed): return {'x': 2}")
    later = task_of(project, "edited")
    for chosen, x in ((task, 1), (later, 2), (task, 1)):
        assert workers.compute(0, chosen, {}, 0)[1].values == {"x": np.array(x)}


def test_threads_of_a_worker_never_mix_two_experiments(project: Path, write: Write, tmp_path: Path) -> None:
    """Helpers of the same name are imported while cells of both run; each must find its own."""
    tasks = []
    for x in (1, 2):
        folder = tmp_path / f"project{x}" / "experiments"
        folder.mkdir(parents=True)
        (folder / "_helper.py").write_text(f"X = {x}\n")
        (folder / "same.py").write_text(
            "import time\ndef run(config, seed):\n    time.sleep(0.002)\n    from experiments import _helper\n"
            "    return {'x': _helper.X}\n"
        )
        tasks.append((x, workers.Task.of(read_source(folder.parent, "experiments.same"), driver=None)))
    wrong: list[object] = []

    def work(x: int, task: workers.Task) -> None:
        for seed in range(20):
            outcome = workers.compute(seed, task, {}, seed)[1]
            if outcome.values != {"x": np.array(x)}:
                wrong.append(outcome)

    threads = [threading.Thread(target=work, args=pair) for pair in tasks * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_a_worker_with_other_code_or_libraries_is_refused(
    project: Path, counted: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(project, "counted")
    _, outcome = workers.compute(0, replace(task, package="0123456789abcdef"), {"k": 2}, 0)
    assert outcome.values is None
    assert f"worker process {os.getpid()} on " in str(outcome.refused)
    assert f"{task.package[:12]}, the driver's 0123456789ab" in str(outcome.refused)
    older = {**task.versions, "numpy": "1.0"}
    _, outcome = workers.compute(0, replace(task, versions=older), {"k": 2}, 0)
    assert f"other libraries than the driver: numpy {task.versions['numpy']} (driver: 1.0)" in str(outcome.refused)
    assert counted() == 0
    # and the driver stops at once
    monkeypatch.setattr(workers.Task, "of", lambda source, driver: replace(task, package="0" * 64, driver=driver))
    with pytest.raises(sweeps.SweepError, match=r"experiment counted stopped: worker process .* another mdpkit"):
        sweeps.run("counted", project=project, jobs=2)
    assert counted() == 0


# ---------------------------------------------------------------- module objects


def imported(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


TOY = """
import toy_helper
CONFIGS = {"quick": {"configs": [{}], "n_seeds": 1}}
def run(config, seed):
    return {"x": toy_helper.X + 0}
"""


def test_a_module_object_older_than_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    request.addfinalizer(lambda: [sys.modules.pop(name, None) for name in ("toy", "toy_helper")])
    toy, helper = tmp_path / "toy.py", tmp_path / "toy_helper.py"
    helper.write_text("X = 1\n")
    toy.write_text(TOY)
    module = imported(toy, "toy")

    def x(jobs: int = 1) -> int:
        return int(sweeps.run(module, cache=tmp_path / "cache", jobs=jobs)["x"].iloc[0])

    assert x() == 1
    helper.write_text("X = 2\n")  # the object's helper is the old one; the file's is what counts
    assert x(jobs=2) == 2
    assert x() == 2
    helper.write_text("X = 3\n")
    assert x() == 3
    assert x(jobs=2) == 3
    module.CONFIGS["quick"]["n_seeds"] = 2  # a grid may be changed in memory: it is in the key
    assert len(sweeps.run(module, cache=tmp_path / "cache")) == 2
    toy.write_text(TOY.replace("+ 0", "+ 5"))
    with pytest.raises(sweeps.SweepError, match=r"run of module toy is not the one in .*toy\.py any more.*reload"):
        x()
    module = imported(toy, "toy")
    assert x() == 8


# ---------------------------------------------------------------- threads of a cell

THREADS = """
    import numba
    import numpy as np
    import scipy.linalg
    from threadpoolctl import threadpool_info
    CONFIGS = {"quick": {"configs": [{}], "n_seeds": 6}}
    def run(config, seed):
        pools = [pool["num_threads"] for pool in threadpool_info()]
        a = np.random.default_rng(seed).random((300, 300))
        return {"pools": max(pools), "numba": numba.get_num_threads(), "sum": float(np.linalg.solve(a, a @ a).sum())}
"""


@pytest.mark.parametrize("backend", ["sequential", "loky", "threading", "multiprocessing"])
def test_a_cell_has_one_thread(project: Path, write: Write, backend: str) -> None:
    write("experiments/threads", THREADS)
    serial = sweeps.run("threads", project=project)
    before = [pool["num_threads"] for pool in threadpool_info()], numba.get_num_threads(), dict(os.environ)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        table = sweeps.run("threads", project=project)
    assert set(table["pools"]) == {1}
    assert set(table["numba"]) == {1}
    pd.testing.assert_frame_equal(serial, table, check_exact=True)
    assert ([pool["num_threads"] for pool in threadpool_info()], numba.get_num_threads(), dict(os.environ)) == before


def test_a_thread_that_leaves_first_changes_nothing_for_the_others() -> None:
    def blas() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    def other() -> None:
        with one_thread():
            pass

    before = blas(), os.environ.get("OMP_NUM_THREADS")
    with one_thread():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert (blas(), os.environ["OMP_NUM_THREADS"]) == ({1}, "1")
    assert (blas(), os.environ.get("OMP_NUM_THREADS")) == before
