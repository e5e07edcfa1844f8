"""``claims.json``: what the report says, for machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdpkit.errors import FileFormatError
from mdpkit.sweeps.files import read_document
from mdpkit.sweeps.records import as_document, count_claims

if TYPE_CHECKING:
    from mdpkit.sweeps.reproduction import Reproduction

__all__ = ["claims_document", "read_claims"]

FORMAT = "mdpkit-claims"
VERSION = 2
COLUMNS = ("figures", "held", "failed", "not reproduced", "descriptive", "error")


def claims_document(done: Reproduction) -> dict[str, Any]:
    """Return the content of ``claims.json``, but for its checksum."""
    figures = []
    for result in done.shown:
        earlier = result in done.earlier
        outdated = done.outdated(result) if earlier else []
        figures.append({**as_document(result), "this_run": not earlier, "outdated": outdated})
    return {
        "format": FORMAT,
        "version": VERSION,
        "preset": done.preset,
        "ok": all(result.ok for result in done.shown),
        "seconds": round(done.seconds, 3),
        "environment": done.environment,
        "notes": list(done.notes),
        "by_paper": _counts(done, "paper"),
        "by_family": _counts(done, "family"),
        "figures": figures,
    }


def _counts(done: Reproduction, by: str) -> dict[str, dict[str, int]]:
    groups = count_claims(done.shown, by)
    return {name: {column: count[column] for column in COLUMNS} for name, count in groups.items()}


def read_claims(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the ``claims.json`` of a report, and make sure that it is as it was written.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict
        ``ok`` (no figure of the report in error, no exact claim failed), ``preset``, ``environment``, ``by_paper`` and
        ``by_family`` (numbers of claims), ``notes``, and ``figures``: for each its ``name``, ``status``, ``claims``,
        ``error``, and whether it is of the last run (``this_run``) or ``outdated`` (what was different then).

    Raises
    ------
    FileFormatError
        A byte of it changed, or it is no such file.
    OSError
        It cannot be read.
    """
    document = read_document(Path(path))
    if document.get("format") != FORMAT or document.get("version") != VERSION:
        raise FileFormatError(f"{path} is no claims.json of this version of mdpkit")
    return document
