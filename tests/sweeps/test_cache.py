"""`cache_status` and `clean_cache`: what the finished cells are worth, and what goes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mdpkit import sweeps
from mdpkit.errors import UnknownOptionError

Count = Callable[[], int]


def fill(project: Path) -> Path:
    sweeps.run("counted", project=project, cache=project / ".mdpkit-cache")
    return project / ".mdpkit-cache" / "counted"


def status(project: Path) -> sweeps.CacheStatus:
    (found,) = sweeps.cache_status(["counted"], project=project)
    return found


def test_nothing_kept_yet(project: Path, counted: Count) -> None:
    found = status(project)
    assert found.presets == {"quick": sweeps.PresetStatus(0, 6)}
    assert found.n_bytes == 0
    assert not (project / ".mdpkit-cache").exists()  # looking creates nothing
    assert sweeps.clean_cache(project=project)[0].n_bytes == 0


def test_finished_damaged_older_and_left_over(project: Path, counted: Count) -> None:
    folder = fill(project)
    old = sorted(folder.glob("*.cell"))
    experiment = project / "experiments" / "counted.py"
    experiment.write_text(experiment.read_text() + "# edited\n")
    fill(project)
    new = sorted(set(folder.glob("*.cell")) - set(old))
    content = bytearray(new[0].read_bytes())
    content[-1] ^= 1
    new[0].write_bytes(content)
    dead, young = folder / ".dead.part", folder / ".young.part"
    for path in (dead, young):
        path.write_bytes(b"half a cell")
    os.utime(dead, (time.time() - 61,) * 2)

    found = status(project)
    assert found.presets == {"quick": sweeps.PresetStatus(5, 6)}
    assert (sorted(found.older), found.damaged, found.leftovers) == (old, (new[0],), (dead,))
    assert set(found.usable) == set(new[1:])
    assert found.n_bytes == sum(p.stat().st_size for p in (*old, *new, dead))

    told = sweeps.clean_cache(project=project, dry_run=True)
    assert len(list(folder.iterdir())) == 14
    done = sweeps.clean_cache(project=project)
    assert told == done
    assert {p.name for p in folder.iterdir()} == {young.name, *(p.name for p in new[1:])}
    before = counted()
    fill(project)
    assert counted() == before + 1  # only the damaged one
    sweeps.clean_cache(project=project, everything=True)
    assert [p.name for p in folder.iterdir()] == [young.name]


def test_an_experiment_that_cannot_be_imported_keeps_its_cells(project: Path, counted: Count) -> None:
    folder = fill(project)
    (project / "experiments" / "counted.py").write_text("1 / 0")
    found = status(project)
    assert found.problem is not None
    assert "ZeroDivisionError" in found.problem
    assert len(found.unknown) == 6
    sweeps.clean_cache(project=project)
    assert len(list(folder.iterdir())) == 6
    sweeps.clean_cache(project=project, everything=True)
    assert not list(folder.iterdir())


def test_an_experiment_that_is_gone(project: Path, counted: Count) -> None:
    folder = fill(project)
    (project / "experiments" / "counted.py").unlink()
    found = status(project)
    assert found.problem == "there is no experiments/counted.py any more"
    assert len(found.older) == 6
    (freed,) = sweeps.clean_cache(project=project)
    assert freed.n_bytes == found.n_bytes > 0
    assert not list(folder.iterdir())
    assert sweeps.cache_status(project=project) == []


def test_timings_and_unknown_names(project: Path, counted: Count) -> None:
    experiment = project / "experiments" / "counted.py"
    experiment.write_text(experiment.read_text() + "\nTIMING = True\n")
    assert status(project).timing
    with pytest.raises(UnknownOptionError, match="no experiment 'other'; known: counted"):
        sweeps.cache_status(["other"], project=project)
