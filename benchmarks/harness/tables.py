"""A record as tables of text, for the terminal and for the documentation alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.harness.declaration import SECONDS

__all__ = ["COLUMNS", "Table", "conditions", "explanation", "number", "tables", "time_text"]

COLUMNS = (
    "Time: of one call; the median and, in brackets, the least and the most of the runs. First call: with imports and "
    "compilation. Memory: what the contender added, at its peak, to the process that held the problem: its library, "
    "compiled code, its own form of the problem and working arrays."
)
"""What the columns are that all tables have."""


@dataclass(frozen=True)
class Table:
    """One table: what it is about (may be empty), column heads, rows; the first column is text, the others figures."""

    title: str
    head: list[str]
    rows: list[list[str]]


def tables(record: dict[str, Any]) -> list[Table]:
    """Return one table per problem, or a single one if there is one contender only (its rows are then problems)."""
    results = record["results"]
    contenders = {result["contender"] for result in results}
    problems = list(dict.fromkeys(result["problem"] for result in results))
    if len(contenders) == 1:
        return [_table(record, "", results, "problem", "problem")]
    return [
        _table(record, problem, [r for r in results if r["problem"] == problem], "contender", "contender")
        for problem in problems
    ]


def conditions(record: dict[str, Any]) -> str:
    """Return one paragraph on machine, versions, date and load."""
    computer = record["machine"]
    memory = computer.get("memory_gib")
    parts = [
        f"{computer.get('cpu')}, {computer.get('cores')} cores" + (f", {memory:g} GiB" if memory else ""),
        str(computer.get("os")),
        str(computer.get("python")),
        f"mdpkit {record['mdpkit'].get('version')} (sources {str(record['mdpkit'].get('source'))[:12]})",
        *(f"{name} {version or 'not installed'}" for name, version in record["versions"].items()),
    ]
    load = [f"{value:g}" for value in record["load_average"].values() if value is not None]
    text = f"Measured on {record['date']}: {'; '.join(parts)}."
    if load:
        text += f" Load average before and after: {', '.join(load)}."
    if record["quick"]:
        text += " A quick run: few problems, little time."
    if record["mdpkit"].get("edited_meanwhile"):
        text += " The sources of mdpkit were edited during the run."
    if not record["complete"]:
        text += " The run was interrupted."
    return text


def explanation(record: dict[str, Any]) -> str:
    """Return the sentences that say what the columns of this record are, beyond `COLUMNS`; may be empty."""
    said = []
    if record.get("check") is not None:
        said.append(
            f"Deviation: {record['check']['what']}; more than {record['check']['tolerance']:g} counts as wrong."
        )
    if record.get("baseline"):
        said.append(f"Ratio: median over that of {record['baseline']}.")
    if record["aims"]:
        sources = dict.fromkeys(aim["source"] for aim in record["aims"])
        said.append(f"Figures to compare with are from: {'; '.join(sources)}.")
    return " ".join(said)


def time_text(seconds: float) -> str:
    """Return a time in the unit that suits it, with three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.9995 * size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds / 1e-9)} ns"


def number(x: float) -> str:
    """Return a number with three digits, but all digits before the point: ``0.0123``, ``12.3``, ``12,346``."""
    if x != 0 and not 1e-4 <= abs(x) < 1e7:
        return f"{x:.2e}"
    if abs(x) >= 99.95:
        return f"{x:,.0f}"
    return f"{x:.3g}"


def _table(record: dict[str, Any], title: str, results: list[dict[str, Any]], key: str, head: str) -> Table:
    units = list(dict.fromkeys(unit for result in results for unit in result.get("rates", {})))
    columns: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        (head, lambda r: str(r[key])),
        ("time", _time_cell),
    ]
    columns.extend((unit, partial(_rate_cell, unit)) for unit in units)
    if record.get("baseline"):
        columns.append(("ratio", lambda r: _ratio_cell(r, results, record["baseline"])))
    if any(_aims(record, result) for result in results):
        columns.append(("to compare with", lambda r: "; ".join(_aim_text(aim, r) for aim in _aims(record, r))))
    columns.append(("first call", lambda r: time_text(r["first_call"]) if "first_call" in r else ""))
    columns.append(("memory", lambda r: f"{r['added_mib']:,.0f} MiB" if r.get("added_mib") is not None else ""))
    if record.get("check") is not None:
        columns.append(("deviation", lambda r: number(r["deviation"]) if r.get("deviation") is not None else ""))
    return Table(title, [name for name, _ in columns], [[cell(result) for _, cell in columns] for result in results])


def _time_cell(result: dict[str, Any]) -> str:
    """Return the time, or in its place why there is none; a wrong answer's time is shown behind the verdict."""
    if result["status"] == "not run":
        return f"not run ({result['note']})"
    if result["status"] in ("failed", "timed out"):
        return f"{result['status']}: {result['note']}"
    text = time_text(result["median"])
    if len(result["seconds"]) > 1:
        low, high = time_text(result["least"]), time_text(result["most"])
        if low.split()[1] == high.split()[1]:
            low = low.split()[0]
        text += f" [{low} – {high}]"
    else:
        text += " (one run)"
    return text if result["status"] == "ok" else f"wrong: {result['note']} ({text})"


def _rate_cell(unit: str, result: dict[str, Any]) -> str:
    rates = result.get("rates", {})
    if result["status"] != "ok" or unit not in rates:
        return ""
    least, median, most = rates[unit]
    return number(median) if least == most else f"{number(median)} [{number(least)} – {number(most)}]"


def _ratio_cell(result: dict[str, Any], results: list[dict[str, Any]], baseline: str) -> str:
    """Return the ratio of medians; only right answers are compared."""
    base = next((r for r in results if r["contender"] == baseline and r["problem"] == result["problem"]), None)
    if base is None or base["status"] != "ok" or result["status"] != "ok":
        return ""
    return number(result["median"] / base["median"])


def _aims(record: dict[str, Any], result: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        aim
        for aim in record["aims"]
        if aim["contender"] in (None, result["contender"]) and aim["problem"] in (None, result["problem"])
    ]


def _aim_text(aim: dict[str, Any], result: dict[str, Any]) -> str:
    """Return the figure and, where it is a limit and there is a right answer, whether it was met."""
    in_seconds = aim["unit"] == SECONDS
    figure = time_text(aim["value"]) if in_seconds else f"{number(aim['value'])} {aim['unit']}"
    text = f"{aim['sense']} {figure}"
    if result["status"] != "ok" or aim["sense"] == "published":
        return text
    found = result["median"] if in_seconds else result["rates"][aim["unit"]][1]
    met = found <= aim["value"] if aim["sense"] == "at most" else found >= aim["value"]
    return f"{text}: {'met' if met else 'missed'}"
