"""The pytest plugin: light to load, one option, one fixture, two profiles."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mdpkit.testing

HEAVY = {"numpy", "scipy", "numba", "pandas", "cvxpy", "matplotlib", "hypothesis", "joblib", "rich", "click"}
STUB = Path(mdpkit.testing.__file__).with_suffix(".pyi")


def run_pytest(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run one test file in a fresh process; works whether or not the entry point is installed."""
    (folder / "test_it.py").write_text(source)
    # By module name and without autoload: a plugin may not be registered under two names.
    plugins = ["-p", "_hypothesis_pytestplugin", "-p", "mdpkit.testing.plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "--rootdir", str(folder), *options, "test_it.py"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("module", ["mdpkit.testing", "mdpkit.testing.plugin"])
def test_import_is_light(module):
    # Before and after, because the environment's own .pth files may have loaded something already.
    program = (
        f"import sys, pytest; before = set(sys.modules); import {module};"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "mdpkit" in loaded
    assert loaded & HEAVY == set()


def test_a_run_with_the_plugin_loads_nothing_heavy(tmp_path):
    """Hypothesis and its plugin absent from the tests: ours does not bring them in."""
    source = f"import sys\ndef test_it():\n    assert not {HEAVY} & set(sys.modules)\n"
    done = run_pytest(tmp_path, source)
    assert done.returncode == 0, done.stdout


def test_stub_names_are_the_public_names():
    nodes = ast.parse(STUB.read_text()).body
    names = {alias.asname for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(mdpkit.testing.__all__) == names
    for name in names:
        assert getattr(mdpkit.testing, name).__doc__


@pytest.mark.parametrize(
    ("options", "trials"), [((), 455), (("--mdpkit-trials=10",), 4550), (("--mdpkit-trials=1.1",), 501)]
)
def test_trials_are_multiplied(tmp_path, options, trials):
    source = f"def test_it(mdpkit_trials):\n    assert mdpkit_trials(455) == {trials}\n"
    done = run_pytest(tmp_path, source, *options)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("factor", ["0", "-1", "many", "inf", "nan"])
def test_bad_factor(tmp_path, factor):
    done = run_pytest(tmp_path, "def test_it(): pass\n", f"--mdpkit-trials={factor}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--mdpkit-trials must be a positive number" in done.stdout + done.stderr


@pytest.mark.parametrize(("profile", "examples"), [("mdpkit-quick", 25), ("mdpkit-thorough", 1000)])
def test_profiles_are_there_when_asked_for(tmp_path, profile, examples):
    source = f"""
from hypothesis import settings
def test_it():
    assert settings().max_examples == {examples}
    assert settings().deadline is None
"""
    done = run_pytest(tmp_path, source, f"--hypothesis-profile={profile}")
    assert done.returncode == 0, done.stdout


def test_profiles_on_request():
    from hypothesis import settings

    mdpkit.testing.register_profiles()
    assert settings.get_profile("mdpkit-quick").max_examples == 25
