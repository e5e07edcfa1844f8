"""Records as reStructuredText, for the documentation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from benchmarks.harness.tables import COLUMNS, Table, conditions, explanation, tables

__all__ = ["page", "plain"]

MARKUP = re.compile(r"([\\`*_|])")


def page(records: Sequence[dict[str, Any]]) -> str:
    """Return the records, one section each."""
    if not records:
        return "No results are committed yet.\n"
    return "\n".join([plain(COLUMNS), "", *(_section(record) for record in records)])


def plain(text: str) -> str:
    """Return text that reStructuredText shows as it is, on one line."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def _section(record: dict[str, Any]) -> str:
    """Return title, what is measured, tables, what the columns are, machine and versions."""
    title = plain(record["title"])
    parts = [title, "-" * len(title), "", record["what"], "", f"``python -m benchmarks {record['name']}``", ""]
    for table in tables(record):
        parts += [_list_table(table), ""]
    for note in filter(None, (explanation(record), conditions(record))):
        parts += [".. rst-class:: benchmark-note", "", plain(note), ""]
    return "\n".join(parts)


def _list_table(table: Table) -> str:
    lines = [f".. list-table:: {plain(table.title)}".rstrip(), "   :header-rows: 1", "   :class: benchmark", ""]
    for row in [table.head, *table.rows]:
        for i, cell in enumerate(row):
            lines.append(f"   {'* -' if i == 0 else '  -'} {plain(cell)}".rstrip())
    return "\n".join(lines)
