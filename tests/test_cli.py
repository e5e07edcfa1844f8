"""The ``mdpkit`` command: what it prints, and its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import mdpkit
from mdpkit.cli import cli


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="mdpkit")


@pytest.fixture
def forest(tmp_path: Path) -> Path:
    path = tmp_path / "forest.npz"
    assert call("problems", "forest", "--output", path).exit_code == 0
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "experiments").mkdir(parents=True)
    (root / "paper_figures").mkdir()
    (root / "experiments" / "one.py").write_text(
        "CONFIGS = {'quick': {'configs': [{'a': 1}], 'n_seeds': 2}}\ndef run(config, seed): return {'x': seed}\n"
    )
    for name, threshold in (("good", 1), ("bad", 0)):
        (root / "paper_figures" / f"{name}.py").write_text(
            dedent(
                f"""
                from mdpkit.sweeps import Claim
                TITLE, CAPTION, FAMILY, SOURCE, EXPERIMENTS = "A title", "c", "planning", "Theorem 1", ("one",)
                def draw(tables):
                    from matplotlib.figure import Figure
                    x = tables["one"]["x"].max()
                    return Figure(), [Claim("x is small", x, {threshold}, x <= {threshold}, source="s")]
                """
            )
        )
    return root


def test_version_and_help() -> None:
    assert call("--version").output == f"mdpkit, version {mdpkit.__version__}\n"
    for command in ((), ("reproduce",), ("solve",), ("info",), ("problems",), ("sweep",), ("sweep", "run")):
        result = call(*command, "--help")
        assert result.exit_code == 0
        assert "Example" in result.output


def test_the_command_starts_without_numerical_libraries() -> None:
    code = "import sys, mdpkit.cli, mdpkit.sweeps; print(sorted({'numpy', 'pandas', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ---------------------------------------------------------------- reproduce


def test_reproduce(project: Path, tmp_path: Path) -> None:
    good = call("reproduce", "good", "--project", project, "--jobs", 1, "--output", tmp_path / "out")
    assert good.exit_code == 0, good.output
    assert "1 of 1 claims held, 1 figure" in good.output
    assert (tmp_path / "out" / "index.html").is_file()
    bad = call("reproduce", "--project", project, "--jobs", 1)
    assert bad.exit_code == 1
    assert "failed: bad: x is small [value 1, threshold 0]" in bad.output
    assert (project / "report" / "index.html").is_file()


def test_reproduce_list(project: Path) -> None:
    result = call("reproduce", "--list", "--project", project)
    assert result.exit_code == 0
    assert result.output.splitlines()[1] == "good  not made  Theorem 1  A title"


def test_reproduce_only_failed(project: Path) -> None:
    assert call("reproduce", "--project", project, "--jobs", 1).exit_code == 1
    states = [line.split()[1] for line in call("reproduce", "--list", "--project", project).output.splitlines()]
    assert states == ["failed", "held"]
    again = call("reproduce", "--only-failed", "--project", project, "--jobs", 1)
    assert again.exit_code == 1
    assert "0 of 1 claims held, 1 figure" in again.output
    assert "(with 1 figure of earlier runs)" in again.output
    nothing = call("reproduce", "good", "--only-failed", "--project", project, "--jobs", 1)
    assert nothing.exit_code == 0
    assert "Nothing to redo" in nothing.output


def test_reproduce_into_a_file_is_one_line(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = call("reproduce", "--project", project, "--output", tmp_path / "file" / "report")
    assert result.exit_code == 2
    assert result.output.startswith("Error: cannot write in the folder")
    assert result.output.count("\n") == 1


def test_reproduce_needs_a_project(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("reproduce",),
        ("reproduce", "--list"),
        ("reproduce", "--project", "nowhere"),
        ("sweep", "status"),
    ):
        result = call(*arguments)
        assert result.exit_code == 2
        assert result.output.startswith("Error: ")
        assert result.output.count("\n") == 1
        assert "--project" in result.output
    monkeypatch.chdir(project / "experiments")  # found from below
    assert call("reproduce", "--list").exit_code == 0


def test_reproduce_usage_errors(project: Path) -> None:
    for arguments in (("other",), ("--preset", "huge"), ("--jobs", 0)):
        result = call("reproduce", *arguments, "--project", project)
        assert result.exit_code == 2
        assert "Error: " in result.output


def test_an_interrupt_says_how_to_go_on(project: Path) -> None:
    path = project / "experiments" / "one.py"
    path.write_text(path.read_text().replace("return {'x': seed}", "raise KeyboardInterrupt"))
    result = call("reproduce", "--project", project, "--jobs", 1)
    assert result.exit_code == 130
    assert "Interrupted" in result.output


# ---------------------------------------------------------------- sweep


def test_sweep_run(project: Path, tmp_path: Path) -> None:
    shown = call("sweep", "run", "one", "--project", project, "--jobs", 1)
    assert shown.exit_code == 0, shown.output
    assert shown.output.splitlines()[0].startswith("2 cells in")
    assert shown.output.splitlines()[1].split() == ["a", "seed", "x"]
    written = call("sweep", "run", "one", "--project", project, "--jobs", 1, "--output", tmp_path / "one.npz")
    assert "2 cells (2 from the cache)" in written.output
    assert mdpkit.sweeps.read_table(tmp_path / "one.npz")["x"].tolist() == [0, 1]


def test_sweep_status_and_clean(project: Path) -> None:
    call("sweep", "run", "one", "--project", project, "--jobs", 1)
    (project / ".mdpkit-cache" / "one" / "stale.cell").write_text("older")
    lines = call("sweep", "status", "--project", project).output.splitlines()
    assert lines[0].split() == ["experiment", "finished", "cells", "of", "no", "use", "on", "disk"]
    assert lines[1].split()[:5] == ["one", "quick", "2/2", "1", "older"]
    assert "would free 5 bytes (1 older)" in call("sweep", "clean", "--dry-run", "--project", project).output
    assert "Freed 5 bytes in all" in call("sweep", "clean", "--project", project).output
    assert "2 usable" in call("sweep", "clean", "one", "--all", "--project", project).output


def test_sweep_errors_are_one_line(project: Path) -> None:
    for arguments in (
        ("run", "other"),
        ("run", "one", "--preset", "huge"),
        ("run", "one", "--output", "table.xlsx"),
        ("run", "one", "--output", "/no/such/folder/x.npz"),
        ("status", "other"),
        ("clean", "other"),
    ):
        result = call("sweep", *arguments, "--project", project)
        assert result.exit_code == 2, result.output
        assert result.output.startswith("Error: ")
        assert result.output.count("\n") == 1


# ---------------------------------------------------------------- solve, info, problems


def test_solve(forest: Path, tmp_path: Path) -> None:
    result = call("solve", forest, "--gamma", 0.95, "--tol", 1e-6, "--output", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    assert "Converged after" in result.output
    assert "certified within ±" in result.output
    assert "age 2" in result.output
    frame = pd.read_csv(tmp_path / "out.csv")
    solution = mdpkit.solve(mdpkit.problems.forest(gamma=0.95), tol=1e-6)
    assert frame["V"].tolist() == pytest.approx(
        solution.V.tolist(), rel=1e-15
    )  # older pandas reads the last bit wrongly
    assert (frame["lower"] <= frame["upper"]).all()


def test_solve_that_cannot_reach_the_tolerance(forest: Path) -> None:
    result = call("solve", forest, "--tol", 1e-300, "--method", "value_iteration")
    assert result.exit_code == 3
    assert "NOT CONVERGED" in result.output


def test_long_tables_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    mdpkit.io.write(mdpkit.problems.chain(30, gamma=0.9), path)
    cut, whole = call("solve", path), call("solve", path, "--all")
    assert "... and 10 more rows; --all prints them" in cut.output
    assert "more rows" not in whole.output
    assert len(whole.output.splitlines()) == len(cut.output.splitlines()) + 9


@pytest.mark.parametrize("command", ["solve", "info"])
def test_bad_files_are_one_line(command: str, tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("not a model")
    for path in (tmp_path / "missing.npz", tmp_path / "text.npz", tmp_path):
        result = call(command, path)
        assert result.exit_code == 2, result.output
        assert result.output.startswith("Error: ")
        assert result.output.count("\n") == 1
        assert str(path) in result.output


def test_bad_options_are_one_line(forest: Path) -> None:
    for options in (("--method", "magic"), ("--gamma", 2), ("--tol", -1), ("--output", "/no/such/folder/x.csv")):
        result = call("solve", forest, *options)
        assert result.exit_code == 2, result.output
        assert result.output.startswith("Error: ")
        assert result.output.count("\n") == 1


def test_info(tmp_path: Path) -> None:
    # state 1 stops for nothing, state 2 loops for a reward, state 3 loops for nothing but may also leave
    model = mdpkit.TabularMDP.from_pairs(
        state=[0, 1, 2, 3, 3],
        action=[0, 0, 0, 0, 1],
        P=[[0, 0.5, 0.5, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]],
        r=[-1.5, 0, 2, 0, 0],
        gamma=0.9,
        initial=3,
        state_names=["start", "stop", "loop", "free"],
    )
    model.save(tmp_path / "model.npz")
    lines = call("info", tmp_path / "model.npz").output.splitlines()
    facts = {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
    assert facts["states"] == "4"
    assert facts["state-action pairs"] == "5"
    assert facts["transitions"].startswith("6 (1.2 per pair")
    assert facts["discount"] == "0.9"
    assert facts["rewards"] == "-1.5 to 2"
    assert facts["terminal states"] == "stop"
    assert facts["initial state"] == "free"
    assert facts["state names"] == "start, stop, loop, free"
    assert facts["action names"] == "none"


def test_problems(tmp_path: Path) -> None:
    listed = call("problems").output
    for entry in mdpkit.problems.catalogue():
        assert f"{entry.name} " in listed
        assert call("problems", entry.name).exit_code == 0
    assert call("problems", "forest", "--output", tmp_path / "f.npz").exit_code == 0
    assert mdpkit.io.read(tmp_path / "f.npz").n_states == mdpkit.problems.forest().n_states
    unknown = call("problems", "nothing")
    assert unknown.exit_code == 2
    assert "known: " in unknown.output
    assert call("problems", "--output", tmp_path / "x.npz").exit_code == 2
