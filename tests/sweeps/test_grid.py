"""`sweeps.run`: the table, the workers, the cache, and what happens when something fails."""

from __future__ import annotations

import os
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdpkit import sweeps
from mdpkit.errors import InputError, MDPKitError, UnknownOptionError

Count = Callable[[], int]


def module(run: Callable[..., object], configs: list[dict[str, object]], n_seeds: int = 1) -> types.ModuleType:
    made = types.ModuleType("made")
    made.__dict__.update(run=run, CONFIGS={"quick": {"configs": configs, "n_seeds": n_seeds}})
    return made


# ---------------------------------------------------------------- the table


def test_arrays_are_exploded_and_scalars_repeated(project: Path, counted: Count) -> None:
    table = sweeps.run("counted", project=project)
    assert list(table.columns) == ["k", "name", "seed", "index", "power", "noise", "matrix"]
    assert len(table) == 2 * 3 * 4
    assert table["power"].tolist() == [k**i for k in (2, 3) for _ in range(3) for i in range(4)]
    assert table["seed"].tolist() == [seed for _ in range(2) for seed in range(3) for _ in range(4)]
    assert table["index"].tolist() == [0, 1, 2, 3] * 6
    assert (table.groupby(["name", "seed"])["noise"].nunique() == 1).all()
    assert table["power"].dtype == np.int64


def test_scalars_give_one_row_per_cell() -> None:
    table = sweeps.run(module(lambda config, seed: {"x": seed}, [{"a": 1}], n_seeds=3))
    assert table.to_dict("list") == {"a": [1, 1, 1], "seed": [0, 1, 2], "x": [0, 1, 2]}


def test_what_a_cell_lacks_is_missing() -> None:
    def run(config: dict[str, int], seed: int) -> dict[str, object]:
        return {"x": np.ones(2)} if "a" in config else {"y": 5, "label": "end"}

    table = sweeps.run(module(run, [{"a": 1}, {"b": [1, 2]}]))
    assert table["index"].tolist() == [0, 1, 0]
    assert table["a"].tolist()[:2] == [1, 1]
    assert np.isnan(table["a"].iloc[2])
    assert table["b"].iloc[2] == (1, 2)  # hashable, so that groupby works
    assert table["y"].isna().tolist() == [True, True, False]
    assert table["label"].tolist() == ["", "", "end"]


def test_a_run_cannot_change_its_neighbors_configuration() -> None:
    def run(config: dict[str, object], seed: int) -> dict[str, object]:
        config["a"] = 99
        return {"x": 1}

    assert sweeps.run(module(run, [{"a": 1}], n_seeds=2))["a"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        ({"x": [1, 2], "y": [1, 2, 3]}, "'x' has 2, 'y' has 3"),
        ({"x": np.ones((2, 2))}, "shape (2, 2)"),
        ({"x": []}, "shape (0,)"),
        ({"x": None}, "must hold numbers or text"),
        ({"seed": 1}, "name of another column"),
        ({"a": 1}, "name of another column"),
        ({}, "non-empty dictionary"),
        (3.0, "non-empty dictionary"),
    ],
)
def test_results_that_do_not_fit_a_table_are_refused(result: object, sentence: str) -> None:
    with pytest.raises(sweeps.SweepError) as caught:
        sweeps.run(module(lambda config, seed: result, [{"a": 1}]))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("configs", "n_seeds", "sentence"),
    [
        ([], 1, "no configurations"),
        ([{"a": 1}], 0, "positive integer"),
        ([{"a": 1}], 1.5, "positive integer"),
        ([{"seed": 1}], 1, "reserved key 'seed'"),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], 1, "repeats an earlier one"),
        ([{"a": object()}], 1, "configuration is made of"),
        ([3], 1, "dictionary with string keys"),
    ],
)
def test_bad_grids_are_refused_before_any_work(configs: list[object], n_seeds: int, sentence: str) -> None:
    ran = []
    with pytest.raises(InputError, match=sentence):
        sweeps.run(module(lambda config, seed: ran.append(seed), configs, n_seeds))  # type: ignore[arg-type]
    assert not ran


def test_unknown_presets_and_experiments(project: Path, counted: Count) -> None:
    with pytest.raises(UnknownOptionError, match="it has quick"):
        sweeps.run("counted", preset="paper", project=project)
    with pytest.raises(sweeps.SweepError, match=r"no module experiments\.other"):
        sweeps.run("other", project=project)
    with pytest.raises(InputError, match="jobs"):
        sweeps.run("counted", project=project, jobs=0)


# ---------------------------------------------------------------- workers and cache


def test_any_number_of_workers_gives_the_same_table(project: Path, counted: Count, tmp_path: Path) -> None:
    serial = sweeps.run("counted", project=project)
    parallel = sweeps.run("experiments.counted", project=project, jobs=2, cache=tmp_path / "cache")
    cached = sweeps.run("counted", project=project, cache=tmp_path / "cache")
    assert counted() == 12  # the third run computed nothing
    pd.testing.assert_frame_equal(serial, parallel, check_exact=True)
    pd.testing.assert_frame_equal(serial, cached, check_exact=True)


def test_a_module_object_works_like_its_name(project: Path, counted: Count, tmp_path: Path) -> None:
    by_name = sweeps.run("counted", project=project)
    made = sys.modules["experiments.counted"]
    pd.testing.assert_frame_equal(sweeps.run(made, jobs=2), by_name, check_exact=True)


def test_a_module_without_a_file_is_neither_cached_nor_sent_to_workers(tmp_path: Path) -> None:
    made = module(lambda config, seed: {"x": 1}, [{"a": 1}])
    with pytest.raises(sweeps.SweepError, match="no source file"):
        sweeps.run(made, cache=tmp_path)
    with pytest.raises(sweeps.SweepError, match="no source file"):
        sweeps.run(made, jobs=2)


def test_edited_code_never_meets_old_results(project: Path, write: Callable[..., Path], tmp_path: Path) -> None:
    source = """
        from experiments import _helper
        CONFIGS = {"quick": {"configs": [{"a": 1}], "n_seeds": 1}}
        def run(config, seed):
            return {"x": _helper.x() + 0}
    """
    write("experiments/_helper", "from experiments._deep import y as x")
    write("experiments/_deep", "def y(): return 1")
    write("experiments/edited", source)

    def x(jobs: int) -> int:
        return int(sweeps.run("edited", project=project, cache=tmp_path / "cache", jobs=jobs)["x"].iloc[0])

    assert x(1) == 1
    write("experiments/edited", source.replace("+ 0", "+ 5"))  # same length, same second
    assert x(2) == 6
    write("experiments/_deep", "def y(): return 2")
    assert x(1) == 7
    write("experiments/_deep", "def y(): return 3")
    assert x(2) == 8  # workers that are still alive read the edit, too
    assert len(list((tmp_path / "cache").rglob("*.cell"))) == 4


def test_two_projects_keep_their_experiments_apart(tmp_path: Path) -> None:
    for value in (1, 2):
        folder = tmp_path / str(value) / "experiments"
        folder.mkdir(parents=True)
        (folder / "same.py").write_text(
            "CONFIGS = {'quick': {'configs': [{}], 'n_seeds': 1}}\n"
            + f"def run(config, seed): return {{'x': {value}}}\n"
        )
    seen = [sweeps.run("same", project=tmp_path / str(v), cache=tmp_path / "c")["x"].tolist() for v in (1, 2, 1)]
    assert seen == [[1], [2], [1]]


def test_timings_are_serial_and_never_cached(project: Path, counted: Count, tmp_path: Path) -> None:
    path = project / "experiments" / "counted.py"
    path.write_text(path.read_text() + "\nimport os\nTIMING = True\nold = run\n" + TIMED)
    pids = [set(sweeps.run("counted", project=project, cache=tmp_path / "cache", jobs=2)["pid"]) for _ in range(2)]
    assert pids == [{os.getpid()}] * 2
    assert counted() == 12
    assert not list(tmp_path.rglob("*.cell"))


TIMED = "def run(config, seed):\n    return old(config, seed) | {'pid': os.getpid()}\n"


# ---------------------------------------------------------------- failures

FLAKY = """
    from pathlib import Path
    CONFIGS = {"quick": {"configs": [{"k": 1}, {"k": 2}], "n_seeds": 3}}

    def run(config, seed):
        if config["k"] == 2 and seed == 1 and not Path(FIXED).exists():
            raise ZeroDivisionError("the second moon is missing")
        return {"x": config["k"] + seed}
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failing_cell_does_not_lose_the_others(
    project: Path, write: Callable[..., Path], tmp_path: Path, jobs: int
) -> None:
    # in the source and not in the environment, which workers that are already alive do not see
    fixed = tmp_path / "fixed"
    write("experiments/flaky", FLAKY.replace("FIXED", repr(str(fixed))))
    with pytest.raises(sweeps.SweepError) as caught:
        sweeps.run("flaky", project=project, cache=tmp_path / "cache", jobs=jobs)
    error = caught.value
    assert isinstance(error, MDPKitError)
    assert isinstance(error, RuntimeError)
    assert "1 of 6 cells failed" in str(error)
    assert "config={'k': 2}, seed=1: ZeroDivisionError: the second moon is missing" in str(error)
    assert [(failure.config, failure.seed) for failure in error.failures] == [({"k": 2}, 1)]
    printed = "".join(traceback.format_exception(error))
    assert "experiments/flaky.py" in printed  # the original traceback, from whichever process
    assert len(list((tmp_path / "cache").rglob("*.cell"))) == 5
    fixed.touch()
    table = sweeps.run("flaky", project=project, cache=tmp_path / "cache", jobs=jobs)
    assert table["x"].tolist() == [1, 2, 3, 2, 3, 4]


def test_an_interrupt_keeps_what_is_done(project: Path, write: Callable[..., Path], tmp_path: Path) -> None:
    go = tmp_path / "go"
    write(
        "experiments/stopped",
        f"""
        from pathlib import Path
        CONFIGS = {{"quick": {{"configs": [{{}}], "n_seeds": 5}}}}
        def run(config, seed):
            if seed == 3 and not Path({str(go)!r}).exists():
                raise KeyboardInterrupt
            return {{"x": seed}}
        """,
    )
    with pytest.raises(KeyboardInterrupt):
        sweeps.run("stopped", project=project, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").rglob("*.cell"))) == 3
    go.touch()
    assert sweeps.run("stopped", project=project, cache=tmp_path / "cache")["x"].tolist() == [0, 1, 2, 3, 4]


def test_a_cache_that_cannot_be_written(project: Path, counted: Count, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(sweeps.SweepError, match="cannot create the cache folder"):
        sweeps.run("counted", project=project, cache=tmp_path / "file")
    assert counted() == 0


def test_an_experiment_that_cannot_be_imported(project: Path, write: Callable[..., Path]) -> None:
    write("experiments/broken", "import no_such_library\n")
    with pytest.raises(sweeps.SweepError, match="No module named 'no_such_library'"):
        sweeps.run("broken", project=project)


# ---------------------------------------------------------------- what is printed


def test_nothing_is_printed_unless_asked(project: Path, counted: Count, capfd: pytest.CaptureFixture[str]) -> None:
    sweeps.run("counted", project=project)
    assert capfd.readouterr() == ("", "")
    sweeps.run("counted", project=project, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "counted" in err
    assert "6/6" in err
