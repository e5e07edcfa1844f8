"""``import mdpkit`` is light, and every name its stub promises is there."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mdpkit

STUB = Path(mdpkit.__file__).with_suffix(".pyi")
HEAVY = ["numba", "pandas", "cvxpy", "matplotlib", "scipy", "click", "rich", "joblib"]


def stub_names() -> list[str]:
    nodes = ast.parse(STUB.read_text()).body
    return [alias.asname or alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names]


def test_import_loads_no_heavy_library():
    # Before and after, because the environment's own .pth files may have loaded something already.
    program = (
        "import sys; before = set(sys.modules); import mdpkit; mdpkit.__version__;"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "mdpkit" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_stub_names_are_the_public_names():
    names = stub_names()
    assert len(set(names)) == len(names)
    assert {"TabularMDP", "FiniteHorizonMDP", "models", "planning", "__version__"} <= set(names)
    assert set(mdpkit.__all__) == set(names)
    assert set(names) <= set(dir(mdpkit))


@pytest.mark.parametrize("name", stub_names())
def test_stub_name_resolves(name):
    assert hasattr(mdpkit, name)


def test_unknown_name():
    with pytest.raises(AttributeError):
        mdpkit.no_such_name  # noqa: B018
