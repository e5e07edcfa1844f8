"""Records of benchmarks as JSON files: one per benchmark, written whole or not at all."""

from __future__ import annotations

import json
import math
import secrets
from pathlib import Path
from typing import Any

__all__ = ["SCHEMA", "ResultsError", "read_record", "read_records", "write_record"]

SCHEMA = 1
"""Version of the format; a reader refuses others."""

FOLDER = Path(__file__).resolve().parents[1] / "results"

REQUIRED: dict[str, type] = {
    "schema": int,
    "name": str,
    "title": str,
    "what": str,
    "aims": list,
    "date": str,
    "quick": bool,
    "complete": bool,
    "machine": dict,
    "load_average": dict,
    "versions": dict,
    "mdpkit": dict,
    "results": list,
}
OF_A_RESULT: dict[str, type] = {"problem": str, "contender": str, "status": str, "note": str}
OF_A_TIME: dict[str, type] = {
    "median": float,
    "least": float,
    "most": float,
    "first_call": float,
    "seconds": list,
    "rates": dict,
}
STATUSES = ("ok", "wrong", "failed", "timed out", "not run")


class ResultsError(ValueError):
    """A file of results is damaged or of another version."""


def write_record(record: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Write ``folder/NAME.json`` and return its path; a reader sees the old file or the new one, never a part."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record['name']}.json"
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part")
    try:
        partial.write_text(json.dumps(_rounded(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def read_record(path: Path) -> dict[str, Any]:
    """Read one record.

    Raises
    ------
    ResultsError
        Naming the file and what is wrong with it.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path.name} is not readable: {error}") from error
    if not isinstance(record, dict):
        raise ResultsError(f"{path.name} holds no record")
    if record.get("schema") != SCHEMA:
        raise ResultsError(f"{path.name} has schema {record.get('schema')!r}, this version reads {SCHEMA}")
    _check(record, REQUIRED, path.name)
    for i, result in enumerate(record["results"]):
        where = f"{path.name}, result {i}"
        if not isinstance(result, dict):
            raise ResultsError(f"{where} is no object")
        _check(result, OF_A_RESULT, where)
        if result["status"] not in STATUSES:
            raise ResultsError(f"{where} has the unknown status {result['status']!r}")
        if result["status"] in ("ok", "wrong"):
            _check(result, OF_A_TIME, where)
    return record


def read_records(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Read all records of a folder, by title."""
    return sorted((read_record(path) for path in folder.glob("*.json")), key=lambda record: str(record["title"]))


def _check(found: dict[str, Any], required: dict[str, type], where: str) -> None:
    for key, kind in required.items():
        if key not in found:
            raise ResultsError(f"{where} lacks {key!r}")
        accepted = (int, float) if kind is float else kind
        if not isinstance(found[key], accepted):
            raise ResultsError(f"{where} has {key} = {found[key]!r}, expected {kind.__name__}")


def _rounded(value: Any) -> Any:
    """Keep four digits of every measured number: more would only make the committed files change more."""
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value
