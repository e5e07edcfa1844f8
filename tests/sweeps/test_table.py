"""`write_table` and `read_table`: exact, and no byte changes unnoticed."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdpkit import sweeps
from mdpkit.errors import FileFormatError, InputError, MissingDependencyError, UnknownOptionError
from mdpkit.sweeps.columns import pack, unpack
from mdpkit.sweeps.table import tidy

EXACT = ["npz", "parquet"]


@pytest.fixture(params=EXACT)
def end(request: pytest.FixtureRequest) -> str:
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return str(request.param)


def example() -> pd.DataFrame:
    cells: list[tuple[dict[str, Any], int]] = [
        ({"k": 1, "layers": [3, [4, 5]], "name": "a", "flag": True, "options": {"depth": [1, 2]}}, 0),
        ({"k": 2, "layers": None, "name": "ü", "rate": 0.1}, 7),
    ]
    results = [
        {"x": np.array([0.1, -0.0, math.nan]), "n": np.array(3, dtype=np.int8), "ok": np.array([True, False, True])},
        {"x": np.array([math.inf]), "label": np.array("end\x00"), "file": np.array(2.0, dtype=np.float32)},
    ]
    return tidy(cells, results)


def test_a_table_comes_back_as_it_was(tmp_path: Path, end: str) -> None:
    table = example()
    path = tmp_path / f"table.{end}"
    sweeps.write_table(table, path)
    back = sweeps.read_table(path)
    pd.testing.assert_frame_equal(back, table, check_exact=True)
    for name in table:
        assert [repr(x) for x in back[name]] == [repr(x) for x in table[name]]  # -0.0, tuples, True and 1.0
    before = path.read_bytes()
    sweeps.write_table(back, path)
    assert path.read_bytes() == before  # equal tables, equal files
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
DTYPES = ("int8", "uint8", "int64", "uint64", "float16", "float32", "float64", "bool")


@given(st.data())
def test_any_table_survives_packing(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 4))
    columns: dict[str, pd.Series[Any]] = {}
    for name in data.draw(st.lists(st.text(min_size=1), unique=True, max_size=4)):
        kind = data.draw(st.sampled_from((*DTYPES, "text", "json")))
        if kind in DTYPES:
            raw = data.draw(st.binary(min_size=8 * n, max_size=8 * n))
            values = np.frombuffer(raw, dtype=np.uint8 if kind == "bool" else kind)[:n]
            columns[name] = pd.Series(values % 2 == 1 if kind == "bool" else values)
        else:
            drawn = data.draw(st.lists(st.text() if kind == "text" else JSON, min_size=n, max_size=n))
            columns[name] = pd.Series(drawn, dtype=object)
    table = pd.DataFrame(columns, index=pd.RangeIndex(n))
    back = unpack(*pack(table), "memory")
    assert list(back) == list(table)
    assert back.dtypes.tolist() == table.dtypes.tolist()
    for name in table:
        assert [repr(x) for x in back[name]] == [repr(x) for x in table[name]]


def test_every_byte_of_a_file_counts(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"table.{end}"
    sweeps.write_table(pd.DataFrame({"k": [1, 2], "name": ["a", "b"]}), path)
    assert len(sweeps.read_table(path)) == 2
    content = path.read_bytes()
    damaged = [content[:i] + bytes([content[i] ^ 0x20]) + content[i + 1 :] for i in range(len(content))]
    for bad in (*damaged, content[:-1], b"", b"hello"):
        path.write_bytes(bad)
        with pytest.raises(FileFormatError, match="damaged"):
            sweeps.read_table(path)


def test_other_programs_read_the_files(tmp_path: Path) -> None:
    table = pd.DataFrame({"k": [1, 2], "name": ["a", "b"], "layers": [(1, 2), None]})
    sweeps.write_table(table, tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz", allow_pickle=False) as archive:
        assert archive["k"].tolist() == [1, 2]
        assert archive["name"].tolist() == ["a", "b"]
        assert archive["layers"].tolist() == ["[1, 2]", "null"]
    sweeps.write_table(table, tmp_path / "t.csv")
    assert pd.read_csv(tmp_path / "t.csv")["name"].tolist() == ["a", "b"]


def test_other_programs_read_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    sweeps.write_table(pd.DataFrame({"k": [1, 2], "name": ["a", "b"]}), tmp_path / "t.parquet")
    assert pd.read_parquet(tmp_path / "t.parquet").to_dict("list") == {"k": [1, 2], "name": ["a", "b"]}


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (pd.DataFrame({"a": [[1, 2]]}), r"\[1, 2\] in row 0"),
        (pd.DataFrame({"a": [1, object()]}), "in row 1"),
        (pd.DataFrame({"a": [{1: 2}]}), "text keys"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "datetime64"),
        (pd.DataFrame({1: [1]}), "found 1"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "found 'a'"),
        (pd.DataFrame({"a": [1, 2]}).iloc[1:], "reset_index"),
        ({"a": [1]}, "found dict"),
    ],
)
def test_what_a_file_cannot_keep_is_refused(table: Any, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=sentence):
        sweeps.write_table(table, tmp_path / "t.npz")
    assert not list(tmp_path.iterdir())


def test_names_and_missing_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownOptionError, match=r"\.npz, \.parquet or \.csv"):
        sweeps.write_table(example(), tmp_path / "t.xlsx")
    with pytest.raises(UnknownOptionError, match="keeps no types"):
        sweeps.read_table(tmp_path / "t.csv")
    with pytest.raises(FileNotFoundError):
        sweeps.read_table(tmp_path / "t.npz")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"mdpkit\[parquet\]"):
        sweeps.write_table(example(), tmp_path / "t.parquet")


def test_a_full_disk_is_one_clear_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "t.npz"
    sweeps.write_table(pd.DataFrame({"k": [1]}), path)
    before = path.read_bytes()
    rng = np.random.default_rng(0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(sweeps.SweepError, match=r"cannot write .*t\.npz: .*kept"):
            sweeps.write_table(pd.DataFrame({"k": rng.random(5000)}), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["t.npz"]
