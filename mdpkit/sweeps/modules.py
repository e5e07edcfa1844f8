"""Find, read and import a project's ``experiments.*`` and ``paper_figures.*`` modules, in this process or a worker.

Two things make plain ``import`` not enough: the same names exist in every project, and a worker process outlives an
edit of the file it imported. So these modules are bound to one project folder and to the digest of their sources.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from mdpkit.errors import InputError
from mdpkit.sweeps.failures import SweepError

__all__ = ["Source", "find_project", "import_module", "read_source", "source_digest"]

EXPERIMENTS = "experiments"
FIGURES = "paper_figures"

_loaded: dict[str, tuple[Path, str]] = {}
_bound: dict[str, tuple[str, bytes | None]] = {}


@dataclass(frozen=True)
class Source:
    """One reading of everything local that a module runs or reads.

    Parameters
    ----------
    root : Path
        The folder that holds its top-level package.
    name : str
        Its dotted name.
    files : dict of str to bytes
        Path below ``root`` -> content: the module, what it imports below ``root``, and its ``DATA``.
    digest : str
        The sha256 of ``files``.
    """

    root: Path
    name: str
    files: dict[str, bytes]
    digest: str


def find_project(start: str | Path | None = None) -> Path | None:
    """Return the nearest folder at or above ``start`` (default: here) with experiments or figures, or None."""
    here = Path.cwd() if start is None else Path(start).resolve()
    for folder in (here, *here.parents):
        if any((folder / package).is_dir() for package in (EXPERIMENTS, FIGURES)):
            return folder
    return None


def is_project_name(name: str) -> bool:
    """Whether a dotted name lies in one of the two project packages."""
    return name.partition(".")[0] in (EXPERIMENTS, FIGURES)


def local_sources(root: Path, name: str) -> dict[str, Path]:
    """Return the files below ``root`` that importing ``name`` may execute: itself and its imports, transitively.

    mdpkit is left out (its own digest is always part of the key), and so is everything installed elsewhere.
    """
    found: dict[str, Path] = {}
    seen = {"", "mdpkit"}
    todo = [name]
    while todo:
        dotted = todo.pop()
        if dotted in seen or dotted.startswith("mdpkit."):
            continue
        seen.add(dotted)
        parent = dotted.rpartition(".")[0]
        todo.append(parent)
        path = _file_of(root, dotted)
        if path is None:
            continue
        found[dotted] = path
        try:
            tree = ast.parse(path.read_bytes(), filename=str(path))
        except SyntaxError:
            continue  # the import itself will say it better
        package = dotted if path.name == "__init__.py" else parent
        todo.extend(_imported_names(tree, package))
    return found


def _imported_names(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                kept = parts[: len(parts) - (node.level - 1)]
                base = ".".join([*kept, base] if base else kept)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _file_of(root: Path, dotted: str) -> Path | None:
    stem = root.joinpath(*dotted.split("."))
    for path in (stem.with_name(stem.name + ".py"), stem / "__init__.py"):
        if path.is_file():
            return path
    return None


def read_source(root: Path, name: str) -> Source:
    """Read a module, everything below ``root`` that it imports, and the data files that it declares.

    Raises
    ------
    SweepError
        There is no such module, or a file cannot be read.
    InputError
        ``DATA`` is not a tuple of names of files below ``root``, spelled out.
    """
    path = _file_of(root, name)
    if path is None:
        raise SweepError(f"there is no module {name} in {root}")
    files: dict[str, bytes] = {}
    for file in [*local_sources(root, name).values(), *_data_files(root, path)]:
        try:
            files[file.relative_to(root).as_posix()] = file.read_bytes()
        except OSError as error:
            raise SweepError(f"{path} needs {file}, which cannot be read: {error.strerror}") from error
    digest = hashlib.sha256()
    for file_name, content in sorted(files.items()):
        digest.update(f"{file_name} {len(content)}\n".encode())
        digest.update(content)
    return Source(root, name, files, digest.hexdigest())


def source_digest(root: Path, name: str) -> str:
    """Return the digest of a module's `Source`."""
    return read_source(root, name).digest


def _data_files(root: Path, path: Path) -> list[Path]:
    """Return the files that ``DATA = ("name.csv", ...)`` names; read from the text, as the digest comes first."""
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError:
        return []
    declared = [
        node.value
        for node in tree.body
        if (isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "DATA" for t in node.targets))
        or (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "DATA")
    ]
    if not declared:
        return []
    names: object = None
    with suppress(ValueError):
        names = ast.literal_eval(declared[-1]) if declared[-1] is not None else None
    if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
        raise InputError(
            f'DATA of {path} must be spelled out as a tuple of file names, ("a.csv", ...)', argument="DATA"
        )
    files = [Path(os.path.normpath(path.parent / name)) for name in names]
    for name, file in zip(names, files, strict=True):
        if not file.is_relative_to(root):
            raise InputError(f"DATA of {path} names {name!r}, which is not in {root}", argument="DATA", value=name)
    return files


def import_module(root: Path, name: str, *, digest: str | None = None) -> ModuleType:
    """Import a module of the folder ``root``, afresh if its source changed since this process read it.

    Parameters
    ----------
    root : Path
        The folder that holds the module's top-level package.
    name : str
        Its dotted name.
    digest : str, optional
        What the digest of its `Source` must be, so that no result is filed under other code.

    Raises
    ------
    SweepError
        There is no such module, importing it fails, or its source is not the expected one.
    """
    source = read_source(root, name)
    path = _file_of(root, name)
    if path is None or (digest is not None and digest != source.digest):
        raise SweepError(f"the sources of {name} in {root} change while they are read; run it again")
    sources = local_sources(root, name)
    loaded = sys.modules.get(name)
    if loaded is not None and _loaded.get(name) == (root, source.digest) and _intact(sources):
        return loaded
    for package in (EXPERIMENTS, FIGURES):
        _bind_package(root, package)
    for stale in sources:
        if stale not in (EXPERIMENTS, FIGURES):
            _forget(stale)
    try:
        with _importing_from(root, plain=not is_project_name(name)):
            module = importlib.import_module(name)
            # what run() would import later must be of the same reading
            for later in sorted(sources.keys() - sys.modules.keys()):
                with suppress(Exception):
                    importlib.import_module(later)
    except Exception as error:
        raise SweepError(f"cannot import {path}: {type(error).__name__}: {error}") from error
    if module.__file__ is None or Path(module.__file__).resolve() != path.resolve():
        raise SweepError(f"importing {name} gives {module.__file__}, not {path}; rename one of them")
    if read_source(root, name).digest != source.digest:
        raise SweepError(f"the sources of {name} in {root} changed while they were imported; run it again")
    _loaded[name] = (root, source.digest)
    return module


def _intact(sources: dict[str, Path]) -> bool:
    """Whether no other folder's modules took these names since they were imported."""
    files = ((getattr(sys.modules.get(name), "__file__", None), path) for name, path in sources.items())
    return all(file is None or Path(file).resolve() == path.resolve() for file, path in files)


def _forget(name: str) -> None:
    sys.modules.pop(name, None)
    parent, _, last = name.rpartition(".")
    # `from package import module` prefers this attribute to sys.modules
    if parent in sys.modules and isinstance(getattr(sys.modules[parent], last, None), ModuleType):
        delattr(sys.modules[parent], last)


def _bind_package(root: Path, package: str) -> None:
    """Make ``package`` mean this project's folder; forget the modules of another project of the same name."""
    folder = str(root / package)
    init = root / package / "__init__.py"
    state = (folder, init.read_bytes() if init.is_file() else None)
    known = sys.modules.get(package)
    bound = known is not None and [str(Path(entry).resolve()) for entry in known.__path__] == [folder]
    # an import statement may have bound it, too: setdefault takes that one for as new as its file
    if bound and _bound.setdefault(package, state) == state:
        return
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        del sys.modules[name]
    _bound[package] = state
    spec = importlib.util.spec_from_file_location(
        package, init if init.is_file() else None, submodule_search_locations=[folder]
    )
    if spec is None:
        spec = importlib.util.spec_from_loader(package, loader=None, is_package=True)
    assert spec is not None
    spec.submodule_search_locations = [folder]
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    if spec.loader is not None and init.is_file():
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[package]
            raise SweepError(f"cannot import {init}: {type(error).__name__}: {error}") from error


@contextmanager
def _importing_from(root: Path, *, plain: bool) -> Iterator[None]:
    """Let a plain module be found in ``root``; leave no byte code behind.

    Byte code is matched to its source by whole seconds and length, so an edit within a second would go unnoticed.
    """
    importlib.invalidate_caches()
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    if plain:
        sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
        if plain:
            sys.path.remove(str(root))
