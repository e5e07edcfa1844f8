"""Tables as Parquet: any reader opens them, and no byte of them changes unnoticed."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from mdpkit.errors import InputError
from mdpkit.sweeps.columns import Arrays
from mdpkit.sweeps.files import sha256

__all__ = ["decode", "encode"]

LABEL = b"mdpkit sha256 "
BLANK = b"0" * 64


def encode(arrays: Arrays, schema: dict[str, Any]) -> bytes:
    """Return the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns = {
            name: pa.array(array.tolist(), pa.string()) if array.dtype.kind == "U" else pa.array(array)
            for name, array in arrays.items()
        }
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"the table does not fit a .parquet file: {error}; choose .npz", argument="table") from error
    table = pa.table(columns)
    stream = io.BytesIO()
    with pq.ParquetWriter(stream, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table)
        # the footer keeps these texts as they are, so the checksum of the file can take the place of its blank
        writer.add_key_value_metadata({"mdpkit.schema": json.dumps(schema), "mdpkit.checksum": LABEL + BLANK})
    content = stream.getvalue()
    before, label, after = content.rpartition(LABEL)
    return before + label + sha256(content).encode() + after[64:]


def decode(content: bytes) -> tuple[Arrays, dict[str, Any]] | None:
    """Return arrays and schema, or None if a byte is not what was written."""
    import pyarrow.parquet as pq

    start = content.rfind(LABEL) + len(LABEL)
    blank = content[:start] + BLANK + content[start + 64 :]
    if start < len(LABEL) or content[start : start + 64] != sha256(blank).encode():
        return None
    table = pq.read_table(io.BytesIO(content))
    schema = json.loads(table.schema.metadata[b"mdpkit.schema"])
    return {column["name"]: _array(table.column(column["name"])) for column in schema["columns"]}, schema


def _array(column: Any) -> np.ndarray[Any, Any]:
    """Return an arrow column as an array; text keeps its length, so it becomes an array of objects."""
    if str(column.type) == "string":
        return np.asarray(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy())
