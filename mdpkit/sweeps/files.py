"""Files that are written whole or not at all, and the checksums that notice when one was damaged later."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdpkit.errors import FileFormatError
from mdpkit.sweeps.failures import SweepError

__all__ = ["delete_file", "make_folder", "read_document", "sha256", "write_checksums", "write_document", "write_file"]

CHECKSUMS = "SHA256SUMS"


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file; a reader sees all of it or what was there before.

    Raises
    ------
    SweepError
        The disk is full, the folder is read-only, and so on.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise SweepError(f"cannot write {path}: {error.strerror}; what was finished before is kept") from error


def delete_file(path: Path) -> None:
    """Delete a file if it is there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SweepError(f"cannot delete {path}: {error.strerror}") from error


def make_folder(folder: Path) -> None:
    """Create a folder and check that files can be written there, before hours of work and not after."""
    probe = folder / f".{os.getpid()}.{secrets.token_hex(4)}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(b"mdpkit")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise SweepError(f"cannot write in the folder {folder}: {error.strerror}") from error


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a dictionary as JSON whose first line holds the SHA-256 of everything after that line."""
    rest = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False).removeprefix("{\n") + "\n"
    write_file(path, _first_line(rest.encode()) + rest.encode())


def read_document(path: Path) -> dict[str, Any]:
    """Read what `write_document` wrote.

    Raises
    ------
    FileFormatError
        A byte of it changed, or it was never such a file.
    OSError
        It cannot be read.
    """
    content = path.read_bytes()
    first, newline, rest = content.partition(b"\n")
    if first + newline != _first_line(rest):
        raise FileFormatError(f"{path} is damaged: its checksum does not fit its content")
    document: dict[str, Any] = json.loads(content)
    del document["sha256"]
    return document


def _first_line(rest: bytes) -> bytes:
    return f'{{"sha256": "{sha256(rest)}",\n'.encode()


def write_checksums(folder: Path, parts: tuple[str, ...]) -> None:
    """Write ``SHA256SUMS`` of a report, in the format of ``sha256sum``: all files of ``parts``, files or subfolders."""
    names: list[str] = []
    for part in parts:
        path = folder / part
        inside = path.iterdir() if path.is_dir() else [path]
        names += [file.relative_to(folder).as_posix() for file in inside if file.is_file() and file.name[0] != "."]
    try:
        lines = [f"{sha256((folder / name).read_bytes())}  {name}\n" for name in sorted(names)]
    except OSError as error:
        raise SweepError(f"cannot read {error.filename}: {error.strerror}") from error
    write_file(folder / CHECKSUMS, "".join(lines))
