"""Records as tables, in the terminal and in the documentation, against a record written by hand."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from benchmarks.__main__ import show
from benchmarks.harness.rst import page, plain
from benchmarks.harness.tables import COLUMNS, conditions, explanation, number, tables, time_text


def result(contender: str, status: str = "ok", note: str = "", problem: str = "p_1", **times: Any) -> dict[str, Any]:
    return {"problem": problem, "contender": contender, "status": status, "note": note, **times}


TIMES = {
    "median": 0.25,
    "least": 0.2,
    "most": 1.5,
    "first_call": 2.0,
    "seconds": [0.2, 0.25, 1.5],
    "added_mib": 12.4,
    "peak_mib": 99.0,
    "deviation": 1e-9,
    "rates": {"ns per entry": [2.0, 2.5, 15.0]},
}
TWICE = {**TIMES, "median": 0.5, "most": 0.75, "rates": {"ns per entry": [2.0, 5.0, 7.5]}}


@pytest.fixture
def record() -> dict[str, Any]:
    aim = {
        "value": 3.0,
        "source": "a paper",
        "unit": "ns per entry",
        "sense": "at most",
        "contender": None,
        "problem": None,
    }
    return {
        "schema": 1,
        "name": "toy",
        "title": "A toy",
        "what": "Toys of `mdpkit.solve`.",
        "check": {"what": "error", "tolerance": 1e-6},
        "baseline": "ours",
        "aims": [aim],
        "date": "2026-01-02",
        "quick": False,
        "complete": True,
        "machine": {"cpu": "Abacus", "cores": 2, "memory_gib": 24.0, "os": "Linux", "python": "CPython 3.11"},
        "load_average": {"before": 0.5, "after": 1.25},
        "versions": {"numpy": "2.0", "peer": None},
        "mdpkit": {"version": "0.1.0", "source": "0123456789abcdef", "edited_meanwhile": False},
        "results": [
            result("ours", **TIMES),
            result("peer_2", **TWICE),
            result("liar", "wrong", "off by 3, tolerance 1e-06", **{**TWICE, "deviation": 3.0}),
            result("absent", "not run", "peer is not installed"),
            result("hanging", "timed out", "after 600 s"),
            result("broken", "failed", "ValueError: *no*"),
        ],
    }


def test_rows_by_hand(record: dict[str, Any]):
    (table,) = tables(record)
    assert table.title == "p_1"
    assert table.head == [
        "contender", "time", "ns per entry", "ratio", "to compare with", "first call", "memory", "deviation",
    ]  # fmt: skip
    limit = "at most 3 ns per entry"
    assert table.rows == [
        ["ours", "250 ms [200 ms – 1.5 s]", "2.5 [2 – 15]", "1", f"{limit}: met", "2 s", "12 MiB", "1.00e-09"],
        ["peer_2", "500 ms [200 – 750 ms]", "5 [2 – 7.5]", "2", f"{limit}: missed", "2 s", "12 MiB", "1.00e-09"],
        ["liar", "wrong: off by 3, tolerance 1e-06 (500 ms [200 – 750 ms])", "", "", limit, "2 s", "12 MiB", "3"],
        ["absent", "not run (peer is not installed)", "", "", limit, "", "", ""],
        ["hanging", "timed out: after 600 s", "", "", limit, "", "", ""],
        ["broken", "failed: ValueError: *no*", "", "", limit, "", "", ""],
    ]


def test_no_ratio_to_a_wrong_answer(record: dict[str, Any]):
    record["baseline"] = "liar"
    (table,) = tables(record)
    assert {row[table.head.index("ratio")] for row in table.rows} == {""}


def test_one_contender_has_one_table_of_problems(record: dict[str, Any]):
    record["results"] = [result("ours", problem="p", **TIMES), result("ours", problem="q", **TWICE)]
    record["baseline"] = None
    (table,) = tables(record)
    assert table.title == ""
    assert [row[0] for row in [table.head, *table.rows]] == ["problem", "p", "q"]


def test_sentences(record: dict[str, Any]):
    assert conditions(record) == (
        "Measured on 2026-01-02: Abacus, 2 cores, 24 GiB; Linux; CPython 3.11; mdpkit 0.1.0 (sources 0123456789ab); "
        "numpy 2.0; peer not installed. Load average before and after: 0.5, 1.25."
    )
    text = explanation(record)
    for part in ("Deviation: error; more than 1e-06 counts as wrong.", "that of ours.", "are from: a paper."):
        assert part in text
    record.update(quick=True, complete=False)
    record["mdpkit"]["edited_meanwhile"] = True
    text = conditions(record)
    for part in ("A quick run", "interrupted", "edited during the run"):
        assert part in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.34, "12.3 s"),
        (0.9999, "1 s"),
        (0.9994, "999 ms"),
        (0.0123, "12.3 ms"),
        (4.5e-6, "4.5 µs"),
        (3e-8, "30 ns"),
        (1234.5, "1,234 s"),
    ],
)
def test_times(seconds: float, text: str):
    assert time_text(seconds) == text


@pytest.mark.parametrize(
    ("x", "text"), [(0.0, "0"), (1e-9, "1.00e-09"), (99.94, "99.9"), (99.96, "100"), (1e8, "1.00e+08")]
)
def test_numbers(x: float, text: str):
    assert number(x) == text


def test_terminal(record: dict[str, Any]):
    stream = io.StringIO()
    show(record, Console(file=stream, width=200))
    text = stream.getvalue()
    for part in ("A toy", "250 ms [200 ms – 1.5 s]", "not run (peer is not installed)", "Measured on 2026-01-02"):
        assert part in text


def test_documentation(record: dict[str, Any]):
    text = page([record])
    lines = text.splitlines()
    assert lines[0] == COLUMNS
    assert lines[2:5] == ["A toy", "-----", ""]
    assert "Toys of `mdpkit.solve`." in lines  # markup of the declaration is kept
    assert r".. list-table:: p\_1" in lines
    assert r"     - failed: ValueError: \*no\*" in lines  # markup of messages is not
    assert lines.count("     -") == 3 * 5 + 2  # every row has all its cells
    assert sum(line.startswith("   * -") for line in lines) == 7
    assert page([]).startswith("No results")


def test_plain_text_is_one_line_without_markup():
    assert plain("a_b |x|\n `c` \\") == r"a\_b \|x\| \`c\` \\"
