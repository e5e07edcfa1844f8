"""Tables as ``.npz``: `numpy.load` opens them, and no byte of them changes unnoticed."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

from mdpkit.sweeps.columns import Arrays
from mdpkit.sweeps.files import sha256

__all__ = ["decode", "encode"]

SCHEMA = "schema.json"
LABEL = b"mdpkit sha256 "
COMMENT = len(LABEL) + 64
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member: equal tables give equal files."""


def encode(arrays: Arrays, schema: dict[str, Any]) -> bytes:
    """Return the file."""
    members = {SCHEMA: json.dumps(schema, indent=1).encode()}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, allow_pickle=False)
        members[f"{name}.npy"] = buffer.getvalue()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        # the comment is the last thing in a zip file, so it can hold the checksum of all the rest
        archive.comment = LABEL + b"0" * 64
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    body = stream.getvalue()[:-COMMENT]
    return body + LABEL + sha256(body).encode()


def decode(content: bytes) -> tuple[Arrays, dict[str, Any]] | None:
    """Return arrays and schema, or None if a byte is not what was written."""
    body, comment = content[:-COMMENT], content[-COMMENT:]
    if comment != LABEL + sha256(body).encode():
        return None
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read(SCHEMA))
        arrays = {
            column["name"]: np.lib.format.read_array(
                io.BytesIO(archive.read(f"{column['name']}.npy")), allow_pickle=False
            )
            for column in schema["columns"]
        }
    return arrays, schema
