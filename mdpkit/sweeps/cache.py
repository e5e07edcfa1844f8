"""Look into the folder of finished cells, and clear out what no run can use any more."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mdpkit.errors import MDPKitError, UnknownOptionError
from mdpkit.sweeps.files import delete_file
from mdpkit.sweeps.modules import EXPERIMENTS
from mdpkit.sweeps.reproduction import CACHE, find_root, short_name

__all__ = ["CacheStatus", "PresetStatus", "cache_status", "clean_cache"]

LEFT_OVER_SECONDS = 60
"""A partial file that is older was left behind by a process that died; a younger one may be in the making."""


@dataclass(frozen=True)
class PresetStatus:
    """How far the present code got with one preset: finished cells and all cells."""

    finished: int
    total: int


@dataclass(frozen=True)
class CacheStatus:
    """The finished cells of one experiment.

    Attributes
    ----------
    experiment : str
        Its name.
    presets : dict of str to PresetStatus
        Cells of the present code (of mdpkit, the experiment and the libraries), by preset.
    older, damaged, leftovers : tuple of Path
        Files that no run of the present code can use: cells of other code or of configurations that are gone, cells
        whose checksum is wrong, and partial files of processes that died.
    usable : tuple of Path
        Files of finished cells of the present code.
    unknown : tuple of Path
        Files of cells of an experiment that cannot be imported at the moment.
    n_bytes : int
        Size of all of these files on disk.
    timing : bool
        Whether the experiment measures time, so that its cells are never kept.
    problem : str or None
        Why the present code cannot be asked, for instance because the experiment does not exist any more.
    """

    experiment: str
    presets: dict[str, PresetStatus]
    usable: tuple[Path, ...]
    older: tuple[Path, ...]
    damaged: tuple[Path, ...]
    leftovers: tuple[Path, ...]
    unknown: tuple[Path, ...]
    n_bytes: int
    timing: bool = False
    problem: str | None = None


def cache_status(
    names: Sequence[str] = (),
    *,
    cache: str | os.PathLike[str] | None = None,
    project: str | os.PathLike[str] | None = None,
) -> list[CacheStatus]:
    """Return what a folder of finished cells holds, experiment by experiment; every cell is read and checked.

    Parameters
    ----------
    names : sequence of str, optional
        Experiments; by default all of the project and all in the folder.
    cache : path, optional
        The folder, by default ``.mdpkit-cache/`` of the project.
    project : path, optional
        Folder that holds ``experiments/``, by default the nearest one at or above the working directory.

    Raises
    ------
    UnknownOptionError
        There is neither an experiment nor a folder of finished cells of that name.
    SweepError
        There is no project here.
    """
    root = find_root(project)
    folder = root / CACHE if cache is None else Path(cache)
    written = {path.stem for path in (root / EXPERIMENTS).glob("*.py") if not path.stem.startswith("_")}
    known = sorted(written | {path.name for path in _inside(folder) if path.is_dir() and _inside(path)})
    chosen = [short_name(name) for name in names]
    for name in chosen:
        if name not in known:
            raise UnknownOptionError(
                f"there is no experiment {name!r}; known: {', '.join(known) or 'none'}", argument="names", value=name
            )
    return [_status(name, root, folder, name in written) for name in dict.fromkeys(chosen or known)]


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # nothing was kept yet


def _status(name: str, root: Path, cache: Path, written: bool) -> CacheStatus:
    files = [path for path in _inside(cache / name) if path.is_file()]
    cells = [path for path in files if path.suffix == ".cell"]
    leftovers = tuple(path for path in files if path.suffix == ".part" and _age(path) > LEFT_OVER_SECONDS)
    presets: dict[str, PresetStatus] = {}
    good: set[Path] = set()
    current: set[Path] = set()
    timing, problem = False, None
    if written:
        try:
            for preset, task in _tasks(name, root):
                timing = task.timing
                found = {} if timing else _cells(cache, task, bool(cells))
                current |= found.keys()
                good |= {path for path, finished in found.items() if finished}
                presets[preset] = PresetStatus(sum(found.values()), len(task.cells))
        except MDPKitError as error:
            problem = str(error)
    else:
        problem = f"there is no {EXPERIMENTS}/{name}.py any more"
    unknown = tuple(cells) if written and problem is not None else ()
    return CacheStatus(
        name,
        presets,
        usable=tuple(path for path in cells if path in good),
        older=() if unknown else tuple(path for path in cells if path not in current),
        damaged=tuple(path for path in cells if path in current - good),
        leftovers=leftovers,
        unknown=unknown,
        n_bytes=sum(map(_size, (*cells, *leftovers))),
        timing=timing,
        problem=problem,
    )


def _tasks(name: str, root: Path) -> Iterator[tuple[str, Any]]:
    from mdpkit.sweeps.experiments import load_experiment
    from mdpkit.sweeps.modules import import_module

    presets = getattr(import_module(root, f"{EXPERIMENTS}.{name}"), "CONFIGS", {})
    for preset in presets if isinstance(presets, dict) else ():
        yield preset, load_experiment(name, preset, root)


def _cells(cache: Path, task: Any, any_file: bool) -> dict[Path, bool]:
    """Return the file that each cell of the present code has or would have, and whether it is there and whole."""
    from mdpkit.sweeps.store import CellStore

    if not any_file:
        return {}  # and no folder is created only because somebody looked
    store = CellStore(cache, task)
    return {store.path(config, seed): store.load(config, seed) is not None for config, seed in task.cells}


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0  # finished in this moment


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def clean_cache(
    names: Sequence[str] = (),
    *,
    everything: bool = False,
    dry_run: bool = False,
    cache: str | os.PathLike[str] | None = None,
    project: str | os.PathLike[str] | None = None,
) -> list[CacheStatus]:
    """Delete the files that the present code cannot use; sweeps that run meanwhile are not disturbed.

    Parameters
    ----------
    names : sequence of str, optional
        Experiments; by default all.
    everything : bool, default False
        Delete the finished cells of the present code, too.
    dry_run : bool, default False
        Delete nothing, only tell.
    cache, project : path, optional
        As for `cache_status`.

    Returns
    -------
    list of CacheStatus
        For each experiment, exactly the files that were deleted (or would be); ``n_bytes`` is what that frees.

    Raises
    ------
    UnknownOptionError, SweepError
        As for `cache_status`; or a file cannot be deleted.

    Notes
    -----
    Cells of an experiment that cannot be imported at the moment are kept unless ``everything`` is set.
    """
    freed = []
    for found in cache_status(names, cache=cache, project=project):
        part = replace(
            found, presets={}, usable=found.usable if everything else (), unknown=found.unknown if everything else ()
        )
        files = (*part.usable, *part.unknown, *part.older, *part.damaged, *part.leftovers)
        freed.append(replace(part, n_bytes=sum(map(_size, files))))
        for path in () if dry_run else files:
            delete_file(path)
    return freed
