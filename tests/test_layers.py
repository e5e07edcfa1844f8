"""Imports run down the table of ARCHITECTURE.md, kernels stay where they belong, files stay readable."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mdpkit

ROOT = Path(mdpkit.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)

FAMILY = {"models", "feedback", "planning", "regression", "bounds"}
MAY_IMPORT: dict[str, set[str]] = {
    "models": set(),
    "bounds": set(),
    "feedback": {"models"},
    "planning": {"models", "bounds"},
    "regression": {"bounds"},
    "robust": {"models", "planning", "feedback", "bounds"},
    "distributional": {"models", "planning", "feedback", "bounds"},
    "linear": FAMILY,
    "preferences": FAMILY,
    "exploration": FAMILY,
    "bandits": FAMILY,
    "problems": {"models"},
    "testing": {"models", "feedback", "bounds"},
    "sweeps": set(),
    "plotting": {"models"},
    "io": {"models"},
}
"""The table of ARCHITECTURE.md: folder -> folders it may import, beside itself and `EVERYWHERE`."""

EVERYWHERE = {"errors", "_typing", "_version", "_arguments"}
"""Bottom modules: importable by all, importing nothing of mdpkit."""

TOP = {"__init__", "__main__", "cli"}
"""Top modules: may import everything, imported by nothing."""

COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "cfunc", "stencil"}
MAX_LINES = 450


def module_name(path: Path) -> str:
    parts = ("mdpkit", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imported_modules(node: ast.AST, path: Path) -> list[str]:
    """Dotted names one import statement refers to, submodules resolved, relative imports made absolute."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        package = module_name(path).split(".")
        up = node.level - (path.name == "__init__.py")
        base = ".".join([*package[: len(package) - up], *([base] if base else [])])
    return [full if (full := f"{base}.{alias.name}") in MODULES else base for alias in node.names]


def layer(module: str) -> str:
    """Folder or top-level file a module of mdpkit belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def all_imports(path: Path) -> list[tuple[int, str]]:
    """Every import of a file: at the top, inside functions, and under TYPE_CHECKING."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [
        (node.lineno, name)
        for node in nodes
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in imported_modules(node, path)
    ]


def is_kernel_file(path: Path) -> bool:
    return path.name == "_kernels.py" or path.parent.name == "_kernels"


def identify(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_table_covers_every_folder_and_has_no_cycle():
    found = {layer(name) for name in MODULES}
    assert found - set(MAY_IMPORT) - EVERYWHERE - TOP == set()
    assert list(TopologicalSorter(MAY_IMPORT).static_order())  # raises CycleError


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_imports_run_down_the_table(path):
    here = layer(module_name(path))
    if here in TOP:
        return
    allowed = EVERYWHERE - {here} if here in EVERYWHERE else {here} | MAY_IMPORT[here] | EVERYWHERE
    wrong = [
        f"line {line}: {name}"
        for line, name in all_imports(path)
        if name.split(".")[0] == "mdpkit" and layer(name) not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_the_package_stands_alone(path):
    outside = {"tests", "experiments", "paper_figures", "benchmarks", "docs"}
    assert [f"line {line}: {name}" for line, name in all_imports(path) if name.split(".")[0] in outside] == []


def test_no_cycle_at_import_time():
    """Imports that run when a module loads form no cycle; those in functions and under TYPE_CHECKING do not run."""

    def running(body: list[ast.stmt]) -> list[ast.stmt]:
        found = []
        for node in body:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            if isinstance(node, (ast.If, ast.Try, ast.With)):
                found += running([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)])
            found.append(node)
        return found

    graph = {}
    for name, path in MODULES.items():
        nodes = running(ast.parse(path.read_text(encoding="utf-8")).body)
        graph[name] = {m for node in nodes for m in imported_modules(node, path) if m in MODULES} - {name}
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError


def compiler_uses(tree: ast.AST) -> list[ast.AST]:
    """Every mention of one of numba's compilers, by its name or as an attribute of numba."""
    return [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id in COMPILERS)
        or (isinstance(node, ast.Attribute) and node.attr in COMPILERS and ast.unparse(node.value) in ("numba", "nb"))
    ]


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_kernels(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    uses = compiler_uses(tree)
    if not is_kernel_file(path):
        assert [node.lineno for node in uses] == [], "compiled functions belong into _kernels.py or _kernels/"
        return
    # Numba's cache does not see edits in other files.
    other = [name for _, name in all_imports(path) if name in MODULES and is_kernel_file(MODULES[name])]
    assert other == [], "a cached kernel may call only kernels of its own file"
    cached = {
        id(call.func)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and any(k.arg == "cache" and isinstance(k.value, ast.Constant) and k.value.value is True for k in call.keywords)
    }
    assert [node.lineno for node in uses if id(node) not in cached] == [], "kernels carry cache=True"


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < MAX_LINES


def test_the_checks_see_what_they_must():
    """The helpers find imports wherever they hide."""
    path = ROOT / "plotting" / "example.py"
    hidden = "def f():\n    from mdpkit.planning import solve\nif TYPE_CHECKING:\n    from ..robust import x\n"
    text = f"{hidden}import mdpkit.io"
    names = [name for node in ast.walk(ast.parse(text)) for name in imported_modules(node, path)]
    assert sorted(layer(name) for name in names) == ["io", "planning", "robust"]
    assert len(compiler_uses(ast.parse("@njit\ndef f(): ...\n@numba.njit(cache=True)\ndef g(): ..."))) == 2
