"""Finished cells on disk: damage is always noticed, writing fails in one sentence, keys tell everything apart."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdpkit import sweeps
from mdpkit.sweeps import store as store_module
from mdpkit.sweeps.experiments import load_experiment
from mdpkit.sweeps.store import CellStore

Count = Callable[[], int]
CONFIG = {"k": 2, "name": "a"}


@pytest.fixture
def store(project: Path, counted: Count, tmp_path: Path) -> CellStore:
    """A store with one small cell in it."""
    made = CellStore(tmp_path / "cache", load_experiment("counted", "quick", project))
    made.save(CONFIG, 0, {"x": np.arange(3), "y": np.array("text")})
    return made


def test_a_cell_comes_back_as_it_was(store: CellStore) -> None:
    found = store.load(CONFIG, 0)
    assert found is not None
    assert found["x"].tolist() == [0, 1, 2]
    assert found["x"].dtype == np.int64
    assert found["y"].item() == "text"
    assert store.load(CONFIG, 1) is None


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80, 0xFF])
def test_any_flipped_byte_is_noticed(store: CellStore, mask: int) -> None:
    path = store.path(CONFIG, 0)
    content = path.read_bytes()
    for i in range(len(content)):
        path.write_bytes(content[:i] + bytes([content[i] ^ mask]) + content[i + 1 :])
        assert store.load(CONFIG, 0) is None, i
    path.write_bytes(content)
    assert store.load(CONFIG, 0) is not None


def test_any_truncation_and_any_addition_is_noticed(store: CellStore) -> None:
    path = store.path(CONFIG, 0)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert store.load(CONFIG, 0) is None, length
    for more in (b"\0", b"\n", content):
        path.write_bytes(content + more)
        assert store.load(CONFIG, 0) is None


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "garbage", "folder"])
def test_a_damaged_cell_is_computed_again(project: Path, counted: Count, tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    before = sweeps.run("counted", project=project, cache=cache)
    cell = sorted(cache.rglob("*.cell"))[0]
    content = bytearray(cell.read_bytes())
    if damage == "folder":
        cell.unlink()
        cell.mkdir()
        with pytest.raises(sweeps.SweepError, match="cannot save a finished cell"):
            sweeps.run("counted", project=project, cache=cache)
        cell.rmdir()
        assert counted() == 6 + 1
        return
    content[len(content) // 2] ^= 1
    cell.write_bytes({"flip": content, "truncate": content[:-7], "empty": b"", "garbage": b"hello"}[damage])
    after = sweeps.run("counted", project=project, cache=cache)
    assert counted() == 6 + 1
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    sweeps.run("counted", project=project, cache=cache)
    assert counted() == 6 + 1  # and repaired


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_cache_that_cannot_be_written_any_more(
    project: Path, counted: Count, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, jobs: int
) -> None:
    write_bytes = Path.write_bytes
    saved = []

    def full(path: Path, content: bytes) -> int:
        if path.suffix == ".part":
            if len(saved) == 3:
                write_bytes(path, content[:10])  # a full disk takes a part of it
                raise OSError(code, "no more", str(path))
            saved.append(path)
        return write_bytes(path, content)

    cache = tmp_path / "cache"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(
            sweeps.SweepError, match=r"cannot save a finished cell in .*: no more; the cells saved before"
        ):
            sweeps.run("counted", project=project, cache=cache, jobs=jobs)
    assert len(list(cache.rglob("*.cell"))) == 3
    assert not list(cache.rglob("*.part"))
    before = counted()
    assert len(sweeps.run("counted", project=project, cache=cache)) == 24
    assert counted() == before + 3  # what was saved is used


def test_every_part_of_the_key_counts(
    project: Path, counted: Count, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def path() -> Path:
        return CellStore(tmp_path, load_experiment("counted", "quick", project)).path(CONFIG, 0)

    seen = {path()}
    source = project / "experiments" / "counted.py"
    source.write_text(source.read_text() + "# a comment\n")
    seen.add(path())
    (project / "experiments" / "__init__.py").write_text("")
    seen.add(path())
    monkeypatch.setattr(store_module, "versions", lambda: {"python": "4.0"})
    seen.add(path())
    monkeypatch.setattr(store_module, "digest_in_use", lambda: "other")
    monkeypatch.setattr(store_module, "package_digest", lambda: "other")
    seen.add(path())
    assert len(seen) == 5


def test_sources_of_mdpkit_that_changed_under_the_process(
    project: Path, counted: Count, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "package_digest", lambda: "edited")
    with pytest.raises(sweeps.SweepError, match="start Python again"):
        sweeps.run("counted", project=project, cache=tmp_path)
