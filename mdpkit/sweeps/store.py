"""Finished cells on disk: one small checksummed file each, written whole or not at all.

A cell's file is named by everything it depends on, so it never needs to be invalidated: it is found or it is not.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import secrets
import zipfile
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from mdpkit.sweeps.cells import Values
from mdpkit.sweeps.experiments import Experiment, canonical
from mdpkit.sweeps.failures import SweepError

__all__ = ["CellStore", "digest_in_use", "package_digest", "versions"]

MAGIC = b"mdpkit-cell 1 "
PACKAGE = Path(__file__).resolve().parents[1]
LIBRARIES = (
    *("numpy", "scipy", "numba", "llvmlite", "pandas", "gymnasium"),
    *("cvxpy", "clarabel", "osqp", "scs", "ecos", "highspy"),  # the last five solve for cvxpy
)
COMPILED = {".pyc", ".pyo", ".nbi", ".nbc", ".part"}


def package_digest() -> str:
    """Return the sha256 of every source file of the installed mdpkit, as it is on disk now."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and path.suffix not in COMPILED and "__pycache__" not in path.parts:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(PACKAGE).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


@cache
def digest_in_use() -> str:
    """Return `package_digest` as it was when this process first asked, which is the code it runs."""
    return package_digest()


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results may depend on."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


class CellStore:
    """The finished cells of one experiment below ``folder``.

    A cell's name is a hash of the mdpkit sources, the experiment's own sources, its configuration and seed, and the
    library versions: results of different code never meet. Several processes may use one folder.

    Parameters
    ----------
    folder : path
        Created if it does not exist.
    experiment : Experiment
        It must come from a file.

    Raises
    ------
    SweepError
        The folder cannot be written, the experiment has no file, or mdpkit was edited under this process.
    """

    def __init__(self, folder: str | os.PathLike[str], experiment: Experiment) -> None:
        if experiment.source is None:
            raise SweepError(f"experiment {experiment.name} has no source file, so its results cannot be cached")
        digest = package_digest()
        if digest != digest_in_use():
            raise SweepError(
                "the sources of mdpkit changed since this process imported them, so its results cannot be cached; "
                "start Python again"
            )
        self.folder = Path(folder) / experiment.name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SweepError(f"cannot create the cache folder {self.folder}: {error.strerror}") from error
        self._base = json.dumps(
            {
                "format": MAGIC.decode(),
                "package": digest,
                "experiment": experiment.name,
                "source": experiment.source.digest,
                "versions": versions(),
            },
            sort_keys=True,
        )

    def path(self, config: dict[str, Any], seed: int) -> Path:
        """Return the file of a cell, whether or not it exists."""
        key = hashlib.sha256(f"{self._base}\n{canonical(config)}\n{seed}".encode()).hexdigest()
        return self.folder / f"{key}.cell"

    def load(self, config: dict[str, Any], seed: int) -> Values | None:
        """Return a finished cell, or None if there is none or its file is damaged (it is then computed again)."""
        try:
            content = self.path(config, seed).read_bytes()
        except OSError:
            return None
        head, _, body = content.partition(b"\n")
        if head != MAGIC + hashlib.sha256(body).hexdigest().encode():
            return None
        try:
            with np.load(io.BytesIO(body), allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (ValueError, OSError, zipfile.BadZipFile):
            return None

    def save(self, config: dict[str, Any], seed: int, values: Values) -> bool:
        """Write a finished cell; a reader sees all of it or nothing. Return whether there was such a file before."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            # not np.savez: its own argument names (file, allow_pickle) could not be names of results
            for name, array in values.items():
                with archive.open(name + ".npy", "w") as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)
        body = buffer.getvalue()
        target = self.path(config, seed)
        partial = target.with_name(f".{target.stem[:16]}.{os.getpid()}.{secrets.token_hex(4)}.part")
        known = target.exists()
        try:
            # no fsync: a killed process loses nothing, and after a power cut the checksum notices what was lost
            partial.write_bytes(MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            partial.replace(target)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise SweepError(
                f"cannot save a finished cell in {self.folder}: {error.strerror}; the cells saved before are kept, and "
                "the same call goes on from there"
            ) from error
        return known
