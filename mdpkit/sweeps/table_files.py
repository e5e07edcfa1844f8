"""`write_table` and `read_table`: tables of sweeps as files, exact and checksummed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mdpkit.errors import FileFormatError, MissingDependencyError, UnknownOptionError
from mdpkit.sweeps.files import write_file

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_table_path", "read_table", "write_table"]

SUFFIXES = (".npz", ".parquet", ".csv")


def write_table(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table of `run` to a file, in the format its name ends with.

    ``.npz`` and ``.parquet`` keep every value and every type and hold a checksum of all their bytes; ``.csv`` is for
    other programs and has neither. The file is written whole or not at all, and equal tables give equal files.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns of numbers, booleans, text or tuples, rows numbered from 0.
    path : path
        Where to; ``.npz``, ``.parquet`` (needs the extra ``mdpkit[parquet]``) or ``.csv``.

    Raises
    ------
    UnknownOptionError
        The name ends differently.
    InputError
        The table holds something that a file cannot keep.
    MissingDependencyError
        ``.parquet`` without pyarrow.
    SweepError
        The file cannot be written.

    Notes
    -----
    An ``.npz`` holds one array per column, under its name, and ``schema.json``: format, version, number of rows, and
    for each column its name, pandas type and kind: ``number`` (or boolean), ``text``, or ``json`` for columns that mix
    types or hold tuples (one JSON value per row, arrays for tuples). Its zip comment is the SHA-256 of all bytes before
    the comment. A ``.parquet`` holds the same columns and schema, the latter and the checksum as metadata.

    Examples
    --------
    >>> import tempfile, pathlib, pandas
    >>> from mdpkit import sweeps
    >>> path = pathlib.Path(tempfile.mkdtemp(), "table.npz")
    >>> sweeps.write_table(pandas.DataFrame({"layers": [(3, 4), None], "x": [0.1, 2.0]}), path)
    >>> sweeps.read_table(path)["layers"].tolist()
    [(3, 4), None]
    """
    target = check_table_path(path)
    if target.suffix == ".csv":
        write_file(target, table.to_csv(index=False))
        return
    from mdpkit.sweeps.columns import pack

    arrays, schema = pack(table)
    if target.suffix == ".npz":
        from mdpkit.sweeps.npz_table import encode
    else:
        _need_pyarrow()
        from mdpkit.sweeps.parquet_table import encode
    write_file(target, encode(arrays, schema))


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table that `write_table` wrote, with the types it had.

    Parameters
    ----------
    path : path
        An ``.npz`` or ``.parquet`` file.

    Returns
    -------
    pandas.DataFrame
        Equal to the table that was written: values, types, order.

    Raises
    ------
    FileFormatError
        A byte of the file changed since it was written, or `write_table` did not write it.
    UnknownOptionError
        The name ends differently. A ``.csv`` keeps no types: read it with `pandas.read_csv`.
    MissingDependencyError
        ``.parquet`` without pyarrow.
    OSError
        There is no such file, or it cannot be read.
    """
    source = Path(path)
    if source.suffix == ".csv":
        raise UnknownOptionError(
            f"{source}: a CSV file keeps no types; read it with pandas.read_csv, or the .npz beside it", argument="path"
        )
    check_table_path(source)
    if source.suffix == ".npz":
        from mdpkit.sweeps.npz_table import decode
    else:
        _need_pyarrow()
        from mdpkit.sweeps.parquet_table import decode
    content = source.read_bytes()
    decoded = decode(content)
    if decoded is None:
        raise FileFormatError(f"{source} is damaged, or no table that mdpkit.sweeps wrote: its checksum does not fit")
    from mdpkit.sweeps.columns import unpack

    return unpack(*decoded, source)


def check_table_path(path: str | os.PathLike[str]) -> Path:
    """Return the path if a table can be written under such a name: asked before the work, not after."""
    target = Path(path)
    if target.suffix not in SUFFIXES:
        raise UnknownOptionError(
            f"{target}: the name of a table ends with {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}",
            argument="path",
            value=str(target),
        )
    if target.suffix == ".parquet":
        _need_pyarrow()
    return target


def _need_pyarrow() -> None:
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise MissingDependencyError("a .parquet file needs pyarrow: pip install 'mdpkit[parquet]', or choose .npz")
