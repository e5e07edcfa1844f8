"""A data frame as plain arrays plus a schema, and back without loss: what every exact table file holds."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd

from mdpkit.errors import FileFormatError, InputError

__all__ = ["pack", "unpack"]

Arrays = dict[str, np.ndarray[Any, Any]]

FORMAT = "mdpkit-table"
VERSION = 1


def pack(table: pd.DataFrame) -> tuple[Arrays, dict[str, Any]]:
    """Return one array per column, and the schema: format, version, rows, and name, kind and dtype of each column.

    Kinds: ``number`` (booleans, too; stored as it is), ``text`` (fixed-width), ``json`` (one JSON value per row, for
    columns that mix types; arrays in it are tuples).

    Raises
    ------
    InputError
        The table has an index of its own, a column name is no text or not unique, or a column holds something else.
    """
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"table must be a pandas.DataFrame, found {type(table).__name__}", argument="table")
    if not isinstance(table.index, pd.RangeIndex) or table.index.start != 0 or table.index.step != 1:
        raise InputError(
            "the rows of the table must be numbered 0, 1, ...: call reset_index() (drop=True forgets the old index)",
            argument="table",
        )
    arrays: Arrays = {}
    columns = []
    for position, name in enumerate(table.columns):
        if not isinstance(name, str) or not name or name in arrays:
            raise InputError(f"column names must be different non-empty texts, found {name!r}", argument="table")
        series = table.iloc[:, position]
        kind, arrays[name] = _pack_column(name, series)
        columns.append({"name": name, "kind": kind, "dtype": str(series.dtype)})
    return arrays, {"format": FORMAT, "version": VERSION, "rows": len(table), "columns": columns}


def _pack_column(name: str, series: pd.Series[Any]) -> tuple[str, np.ndarray[Any, Any]]:
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
        return "number", series.to_numpy()
    if str(series.dtype) not in ("object", "str"):
        raise InputError(f"column {name!r} has the type {series.dtype}, which tables of sweeps do not", argument=name)
    values = series.tolist()
    if all(type(value) is str for value in values):
        array = np.asarray(values, dtype=np.str_)
        if array.tolist() == values:  # numpy drops NUL characters at the end
            return "text", array
    texts = [_to_json(value) for value in values]
    for row, (value, text) in enumerate(zip(values, texts, strict=True)):
        if not _same(value, _from_json(text)):
            raise InputError(
                f"column {name!r} holds {value!r} in row {row}; a file keeps numbers, text, booleans, None, tuples, "
                "and dictionaries with text keys",
                argument=name,
                index=row,
                value=value,
            )
    return "json", np.asarray(texts, dtype=np.str_)


def _to_json(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return "[]"  # is not the value, so that the comparison finds it and names the row


def _from_json(text: str) -> Any:
    return _tuples(json.loads(text))


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def _same(a: Any, b: Any) -> bool:
    """Whether two values are equal and of the same types throughout; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(_same, a.values(), b.values()))
    if isinstance(a, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return bool(a == b)


def unpack(arrays: Arrays, schema: dict[str, Any], path: object) -> pd.DataFrame:
    """Return the data frame that `pack` was given."""
    if schema.get("format") != FORMAT or schema.get("version") != VERSION:
        raise FileFormatError(f"{path} holds no table of this version of mdpkit")
    series = {}
    for column in schema["columns"]:
        array = arrays[column["name"]]
        if column["kind"] == "number":
            series[column["name"]] = pd.Series(array.astype(column["dtype"], copy=False))
        else:
            values = array.tolist()
            if column["kind"] == "json":
                values = [_from_json(text) for text in values]
            series[column["name"]] = pd.Series(values, dtype=column["dtype"])
    return pd.DataFrame(series, index=pd.RangeIndex(schema["rows"]))
