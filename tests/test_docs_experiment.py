"""The worked example of "Run your own experiment" does what the page says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdpkit import sweeps
from mdpkit.cli import cli

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples_project"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "project"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(copy)
    return copy


def call(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, prog_name="mdpkit")
    assert result.exit_code == 0, result.output
    return result.output


def script(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, name], capture_output=True, text=True, check=False)


def test_the_page_from_top_to_bottom(project: Path) -> None:
    assert "15 cells in" in call("sweep", "run", "contraction", "--jobs", "1", "--output", "contraction.npz")
    assert "15 cells (15 from the cache)" in call("sweep", "run", "contraction", "--jobs", "1")
    read = script("read_table.py")
    assert read.returncode == 0, read.stderr
    assert read.stdout.split()[:4] == ["min", "median", "max", "branching"]

    assert "quick 15/15, paper 15/3,000" in call("sweep", "status")
    edited = project / "experiments" / "contraction.py"
    edited.write_text(edited.read_text() + "# edited\n")
    assert "quick 0/15, paper 0/3,000  15 older" in call("sweep", "status", "contraction")
    assert "contraction: would free" in call("sweep", "clean", "--dry-run")
    assert "15 older" in call("sweep", "clean")
    assert call("sweep", "clean") == "Nothing to delete.\n"

    assert "2 of 2 claims held, 1 figure" in call("reproduce", "--jobs", "1")
    assert "contraction  held  Puterman 1994  The span" in call("reproduce", "--list")
    assert "Nothing to redo" in call("reproduce", "--only-failed")
    assert script("check_claims.py").returncode == 0
    edited.write_text(edited.read_text() + "# edited again\n")
    call("reproduce", "--only-failed")
    assert "stale: ['contraction']" in script("check_claims.py").stderr


def test_the_table_has_the_schema_of_the_page(project: Path) -> None:
    table = sweeps.run("contraction")
    assert list(table) == ["branching", "gamma", "seed", "index", "sweep", "half_width", "converged"]
