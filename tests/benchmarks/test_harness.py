"""The benchmark harness: good, wrong, crashing, hanging and absent contenders. No test depends on a duration."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.harness import run as run_module
from benchmarks.harness.declaration import Aim, Benchmark, Contender, DeclarationError, find, load
from benchmarks.harness.machine import machine
from benchmarks.harness.process import Outcome, environment
from benchmarks.harness.results import FOLDER, ResultsError, read_record, read_records, write_record
from benchmarks.harness.run import run_benchmark
from benchmarks.harness.timing import FEWEST_RUNS, Plan, Summary, plan, summarize

BENCHMARKS = Path(run_module.__file__).parents[1]
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a toy benchmark module; what it imports from the harness is there already."""

    def write(name: str, source: str) -> Path:
        path = tmp_path / f"{name}.py"
        head = "import os, time\nfrom benchmarks.harness import Aim, Benchmark, Check, Contender, Rate\n"
        path.write_text(head + dedent(source))
        monkeypatch.setitem(sys.modules, f"benchmarks.{name}", None)  # forgotten again after the test
        return path

    return write


def by_contender(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {result["contender"]: result for result in record["results"]}


TRUTH = """
    from pathlib import Path

    def crash(problem):
        def call():
            raise RuntimeError(f"no answer in {Path.home() / 'secret'}")
        return call

    def killed(problem):
        return lambda: os.kill(os.getpid(), 9)

    def leaves(problem):
        return lambda: exit("peer: bad input")

    BENCHMARK = Benchmark(
        title="Square roots",
        what="A toy.",
        problems={"of nine": lambda: 9.0},
        contenders=[
            Contender("right", lambda x: lambda: x**0.5),
            Contender("nearly", lambda x: lambda: x**0.5 + 1e-9),
            Contender("wrong", lambda x: lambda: x / 2),
            Contender("not a number", lambda x: lambda: float("nan")),
            Contender("crash", crash),
            Contender("killed", killed),
            Contender("leaves", leaves),
            Contender("chatty", lambda x: lambda: print("I am fast") or 3.0),
            Contender("one thread", lambda x: lambda: 2.0 + int(os.environ["OPENBLAS_NUM_THREADS"])),
            Contender("absent", lambda x: lambda: 3.0, package="mdpkit-no-such-peer"),
        ],
        check=Check("error of the root", 1e-6, lambda x, root: abs(root * root - x) / 6),
        rates=[Rate("roots per call", lambda seconds, x, root: root)],
        baseline="right",
    )
"""


def test_contenders_of_every_kind(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    record = run_benchmark(write("toy_roots", TRUTH), quick=True)
    found = by_contender(record)
    assert {name: result["status"] for name, result in found.items()} == {
        "right": "ok",
        "nearly": "ok",
        "wrong": "wrong",
        "not a number": "wrong",
        "crash": "failed",
        "killed": "failed",
        "leaves": "failed",
        "chatty": "ok",
        "one thread": "ok",
        "absent": "not run",
    }
    assert found["nearly"]["deviation"] == pytest.approx(1e-9, rel=1e-6)
    # (4.5^2 - 9) / 6 = 1.875
    assert found["wrong"]["note"] == "off by 1.9, tolerance 1e-06"
    assert found["not a number"]["note"] == "off by nan, tolerance 1e-06"
    assert found["absent"]["note"] == "mdpkit-no-such-peer is not installed"
    assert found["crash"]["note"] == "RuntimeError: no answer in .../secret"
    assert found["killed"]["note"] == "killed by signal 9"
    assert found["leaves"]["note"] == "SystemExit: peer: bad input"
    assert found["right"]["rates"] == {"roots per call": [3.0, 3.0, 3.0]}
    for name in ("absent", "crash", "killed"):
        assert "median" not in found[name]
    assert record["versions"]["mdpkit-no-such-peer"] is None
    path = write_record(record, tmp_path / "results")
    text = path.read_text()
    for private in (str(tmp_path), str(Path.home()), str(BENCHMARKS)):
        assert private not in text
    again = read_record(path)
    assert [r["status"] for r in again["results"]] == [r["status"] for r in record["results"]]
    assert again["results"][0]["median"] == pytest.approx(record["results"][0]["median"], rel=1e-3)
    assert [p.name for p in path.parent.iterdir()] == ["toy_roots.json"]


def test_a_worker_that_hangs_is_given_up(write: Write):
    source = """
        sleeper = Contender("sleeper", lambda x: lambda: time.sleep(600))
        BENCHMARK = Benchmark("Hang", "A toy.", {"x": lambda: 0}, [sleeper], timeout=0.5)
    """
    (result,) = run_benchmark(write("toy_hang", source), quick=True)["results"]
    assert (result["status"], result["note"]) == ("timed out", "after 0.5 s")


def test_answers_are_compared_with_each_other(write: Write):
    source = """
        answers = {"absent": [1.0, 2.0], "first": [1.0, 2.0], "close": [1.0, 2.25], "far": [1.0, 3.0], "short": [1.0]}
        packages = {"absent": "mdpkit-no-such-peer"}
        BENCHMARK = Benchmark(
            "Agreement", "A toy.", {"x": lambda: 0},
            [Contender(name, lambda x, v=v: lambda: v, packages.get(name, "mdpkit")) for name, v in answers.items()],
            check=Check("largest difference from the first answer", 0.5),
        )
    """
    found = by_contender(run_benchmark(write("toy_agreement", source), quick=True))
    assert {name: (r["status"], r.get("deviation")) for name, r in found.items()} == {
        "absent": ("not run", None),
        "first": ("ok", 0.0),
        "close": ("ok", 0.25),
        "far": ("wrong", 1.0),
        "short": ("wrong", None),
    }


def test_fresh_contenders_get_a_process_per_run(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MDPKIT_TEST_LOG", str(tmp_path / "log"))
    source = """
        def log(problem):
            def call():
                with open(os.environ["MDPKIT_TEST_LOG"], "a") as file:
                    file.write(f"{os.getpid()} {os.environ.get('NUMBA_CACHE_DIR')}\\n")
            return call
        BENCHMARK = Benchmark("Fresh", "A toy.", {"x": lambda: 0}, [Contender("log", log, fresh=True, cold=True)])
    """
    (result,) = run_benchmark(write("toy_fresh", source), quick=True)["results"]
    calls = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    # one to warm up, then the runs
    assert len(calls) == 1 + len(result["seconds"])
    assert len(result["seconds"]) >= FEWEST_RUNS
    assert len({pid for pid, _ in calls}) == len(calls)
    assert len({cache for _, cache in calls}) == len(calls)


def test_interrupt_keeps_what_is_finished(write: Write, monkeypatch: pytest.MonkeyPatch):
    path = write("toy_interrupt", TRUTH)
    done = Outcome("ok", "", {"seconds": [0.5, 0.25, 1.0], "deviation": 0.0, "rates": {}, "first_call": 2.0})
    outcomes = iter([done])

    def fake(*args: Any, **keywords: Any) -> Outcome:
        outcome = next(outcomes, None)
        if outcome is None:
            raise KeyboardInterrupt
        return outcome

    monkeypatch.setattr(run_module, "run_worker", fake)
    record = run_benchmark(path)
    assert record["complete"] is False
    assert [(r["status"], r["note"]) for r in record["results"]] == [("ok", "")] + 9 * [("not run", "interrupted")]
    assert record["results"][0]["median"] == 0.5


def test_environment_is_wiped(monkeypatch: pytest.MonkeyPatch):
    for name in ("OMP_NUM_THREADS", "MKL_DYNAMIC", "NUMBA_DEBUG", "KMP_AFFINITY", "RAYON_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "kept")
    monkeypatch.setenv("MDPKIT_TEST_OTHER", "kept")
    env = environment(Contender("x", lambda p: p, threads=2))
    assert [env.get(n) for n in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")] == ["2", "2", "2"]
    assert not {"MKL_DYNAMIC", "NUMBA_DEBUG", "KMP_AFFINITY", "RAYON_NUM_THREADS"} & set(env)
    assert env["NUMBA_CACHE_DIR"] == env["MDPKIT_TEST_OTHER"] == "kept"
    assert environment(Contender("x", lambda p: p), "empty")["NUMBA_CACHE_DIR"] == "empty"
    assert "NUMBA_DEBUG" in os.environ


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([3.0, 1.0, 2.0], Summary(2.0, 1.0, 3.0)),
        ([4.0, 1.0, 2.0, 8.0], Summary(3.0, 1.0, 8.0)),
        ([0.5], Summary(0.5, 0.5, 0.5)),
    ],
)
def test_summary(seconds: list[float], expected: Summary):
    assert summarize(seconds) == expected


@pytest.mark.parametrize(
    ("pilot", "budget", "expected"),
    [
        (0.25, 10.0, Plan(25, 1)),  # 40 would fit; 25 are enough
        (1.0, 10.0, Plan(10, 1)),
        (4.0, 10.0, Plan(3, 1)),  # two would fit; three are the fewest
        (6.0, 10.0, Plan(1, 1)),  # over half the budget: the pilot is the only run
        (1 / 512, 10.0, Plan(25, 6)),  # six calls make a run of 11.7 ms
        (1 / 512, 0.06, Plan(5, 6)),
    ],
)
def test_number_of_runs(pilot: float, budget: float, expected: Plan):
    assert plan(pilot, budget) == expected


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"baseline": "b"}, "no contender 'b'"),
        ({"quick": ["q"]}, "no problem 'q'"),
        ({"aims": [Aim(1.0, "me", "hours")]}, "no unit 'hours'"),
        ({"aims": [Aim(1.0, "me", problem="q")]}, "no problem 'q'"),
        ({"contenders": []}, "no contender or no problem"),
        ({"contenders": 2 * [Contender("a", lambda p: p)]}, "names a contender twice"),
    ],
)
def test_declarations_are_checked(keywords: dict[str, Any], message: str):
    declared: dict[str, Any] = {
        "title": "T",
        "what": "W",
        "problems": {"p": lambda: 0},
        "contenders": [Contender("a", lambda p: p)],
    }
    with pytest.raises(DeclarationError, match=message):
        Benchmark(**{**declared, **keywords})


def test_files_without_a_declaration(tmp_path: Path, write: Write):
    with pytest.raises(DeclarationError, match="there is no benchmark 'nothing'"):
        load(tmp_path / "nothing.py")
    with pytest.raises(DeclarationError, match="does not assign a Benchmark"):
        load(write("toy_empty", "BENCHMARK = 3"))


def test_every_benchmark_declares_itself_and_every_result_belongs_to_one():
    names = set(find(BENCHMARKS))
    assert {"planning_vs_quantecon", "rollouts", "g_optimal_design", "sweep_overhead", "start_up"} <= names
    listed = CliRunner().invoke(main, ["--list"])
    assert listed.exit_code == 0, listed.output
    assert {line.split()[0] for line in listed.output.splitlines()} == names
    assert {record["name"] for record in read_records()} <= names
    assert not [path.name for path in FOLDER.glob("*") if path.suffix != ".json"]


def test_unknown_name():
    result = CliRunner().invoke(main, ["quick_sort"])
    assert result.exit_code == 2
    assert "there is no benchmark 'quick_sort'; there are " in result.output


def test_machine_says_nothing_private():
    found = machine()
    assert set(found) == {"cpu", "cores", "memory_gib", "os", "python"}
    assert found["python"].endswith(".".join(map(str, sys.version_info[:3])))


RECORD: dict[str, Any] = {
    "schema": 1,
    "name": "toy",
    "title": "Toy",
    "what": "A toy.",
    "aims": [],
    "date": "2026-01-02",
    "quick": False,
    "complete": True,
    "machine": {},
    "load_average": {},
    "versions": {},
    "mdpkit": {},
    "results": [{"problem": "p", "contender": "c", "status": "not run", "note": "x is not installed"}],
}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "toy.json is not readable"),
        ("[]", "toy.json holds no record"),
        (json.dumps({**RECORD, "schema": 2}), "toy.json has schema 2, this version reads 1"),
        (json.dumps({k: v for k, v in RECORD.items() if k != "date"}), "toy.json lacks 'date'"),
        (json.dumps({**RECORD, "results": {}}), "toy.json has results = {}, expected list"),
        (json.dumps({**RECORD, "results": [3]}), "toy.json, result 0 is no object"),
        (json.dumps({**RECORD, "results": [{**RECORD["results"][0], "status": "won"}]}), "unknown status 'won'"),
        (json.dumps({**RECORD, "results": [{**RECORD["results"][0], "status": "ok"}]}), "result 0 lacks 'median'"),
    ],
)
def test_damaged_results_are_named(tmp_path: Path, content: str, message: str):
    (tmp_path / "toy.json").write_text(content)
    with pytest.raises(ResultsError) as raised:
        read_records(tmp_path)
    assert message in str(raised.value)


def test_what_is_not_finite_is_null(tmp_path: Path):
    record = {**RECORD, "extra": {"a": math.inf, "b": [math.nan, 1 / 3]}}
    assert read_record(write_record(record, tmp_path))["extra"] == {"a": None, "b": [None, 0.3333]}
    assert read_records(tmp_path / "nowhere") == []


def test_the_command_leaves_signals_as_they_were():
    """A changed handler would be inherited by every worker that the test session forks later."""
    before = signal.getsignal(signal.SIGTERM)
    assert CliRunner().invoke(main, ["--list"]).exit_code == 0
    assert signal.getsignal(signal.SIGTERM) is before
